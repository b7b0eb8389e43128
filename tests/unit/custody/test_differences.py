"""Every kind of difference is explained where people look it up, and can be found by somebody."""

import re
from pathlib import Path

from controller.custody.reconciling import CALLS
from controller.custody.restoring import STORE
from controller.db.inventory import QUESTIONS
from controller.domain.differences import Difference

REFERENCE = Path(__file__).parents[3] / "docs" / "reference" / "differences.md"


def test_the_reference_explains_every_difference_in_order() -> None:
    explained = re.findall(r"^\| `([a-z-]+)` \| \S.* \| \S.* \|$", REFERENCE.read_text(), re.MULTILINE)
    assert explained == [difference.value for difference in Difference]


def test_every_question_is_asked_by_somebody() -> None:
    assert set(QUESTIONS) == {*STORE, *CALLS}
