"""Passwords are kept as Argon2id hashes, and too short a one is not kept at all."""

import pytest

from controller.errors import RegisterRefused
from controller.runtime.passwords import hashed, matches

PASSWORD = "three invented words"


def test_a_password_is_known_again_by_its_hash_and_no_other_is() -> None:
    kept = hashed(PASSWORD)
    assert kept.startswith("$argon2id$")
    assert PASSWORD not in kept
    assert hashed(PASSWORD) != kept
    assert matches(kept, PASSWORD)
    assert not matches(kept, PASSWORD + "!")
    assert not matches("no hash", PASSWORD)


@pytest.mark.parametrize("password", ["eleven char", "x" * 1025])
def test_a_password_of_another_length_is_refused_and_not_repeated(password: str) -> None:
    with pytest.raises(RegisterRefused) as refused:
        hashed(password)
    assert password not in str(refused.value)
