"""Every decision can be told to a data subject in plain words, in French and in English."""

import pytest

from controller.custody.words import LANGUAGES, REASONS, words
from controller.domain.decision import Reason
from controller.domain.policy import Basis, Direction


def test_every_reason_has_words() -> None:
    assert [reason.value for reason in Reason if reason not in REASONS] == []


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_basis_and_direction_has_words(language: str) -> None:
    spoken = words(language)
    assert set(spoken.bases) == {basis.value for basis in Basis}
    assert set(spoken.directions) == {direction.value for direction in Direction}


def test_a_decision_reads_as_a_sentence() -> None:
    assert words("en").decision("record", "refused", "opted-out") == (
        "The call is not recorded: somebody objected during the call."
    )
    assert words("fr").decision("pause", "applied", "payment") == (
        "Enregistrement mis en pause\u00a0: des données bancaires sont communiquées."
    )


def test_a_decision_of_another_version_is_told_by_its_constants() -> None:
    assert words("en").decision("record", "postponed", "moon-phase") == "record postponed: moon-phase."
