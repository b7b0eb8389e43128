"""What is erased on request, and what is kept all the same (GDPR art. 17)."""

from datetime import datetime, timedelta

import pytest

from controller.domain.decision import Reason
from controller.domain.erasure import kept_because
from controller.domain.policy import Basis, Purpose
from tests.unit.domain.stories import NOON, purpose

SOON, BEFORE = NOON + timedelta(seconds=1), NOON
QUALITY, ORDERS, DUTY = (
    purpose(),
    purpose("orders", basis=Basis.CONTRACT),
    purpose("duty", basis=Basis.LEGAL_OBLIGATION),
)
ASKED = purpose("asked", basis=Basis.CONSENT)


@pytest.mark.parametrize(
    ("of", "held", "outcome", "due_at", "kept"),
    [
        pytest.param(QUALITY, False, None, SOON, None, id="what is kept for quality is erased"),
        pytest.param(QUALITY, False, None, None, None, id="also where it has no date"),
        pytest.param(ASKED, False, "contract", SOON, None, id="what is kept by consent is erased: it is withdrawn"),
        pytest.param(QUALITY, True, None, BEFORE, Reason.LEGAL_HOLD, id="what is held is kept, whatever it is"),
        pytest.param(None, True, None, SOON, Reason.LEGAL_HOLD, id="also where its purpose is unknown"),
        pytest.param(ORDERS, False, "contract", SOON, Reason.EVIDENCE, id="evidence of a contract is kept"),
        pytest.param(ORDERS, False, None, SOON, Reason.EVIDENCE, id="so is what may be evidence of one"),
        pytest.param(ORDERS, False, None, None, Reason.EVIDENCE, id="also where it has no date"),
        pytest.param(ORDERS, False, "none", SOON, None, id="where no contract came of the call it proves nothing"),
        pytest.param(ORDERS, False, "contract", BEFORE, None, id="evidence whose time is over is erased"),
        pytest.param(DUTY, False, "none", SOON, Reason.LEGAL_OBLIGATION, id="what the law wants kept is kept"),
        pytest.param(DUTY, False, None, BEFORE, None, id="until its time is over"),
        pytest.param(None, False, None, SOON, Reason.PURPOSE_UNKNOWN, id="of an unknown purpose a person decides"),
        pytest.param(None, False, None, BEFORE, None, id="unless its time is over"),
    ],
)
def test_what_is_kept_although_its_data_subject_asks(
    of: Purpose | None, outcome: str | None, due_at: datetime | None, kept: Reason | None, *, held: bool
) -> None:

    assert kept_because(of, held=held, outcome=outcome, due_at=due_at, at=NOON) is kept
