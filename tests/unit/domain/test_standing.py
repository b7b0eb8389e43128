"""How the customer of one call counts in another: one who objected is enough."""

from dataclasses import replace

import pytest

from controller.domain.call import Call, Track
from controller.domain.consent import Dialogue, Step
from controller.domain.decision import Reason
from controller.domain.parties import Role
from controller.domain.standing import standing
from tests.unit.domain.stories import OPT_OUT, new_call, policy, purpose

QUALITY, EVIDENCE = Track(purpose=purpose()), Track(purpose=purpose("evidence"))
CALL = replace(new_call(policy()), tracks=(QUALITY,))


def answered(reason: Reason | None, **changes: object) -> Call:
    """Another customer, who gave this answer."""
    step = None if reason else Step.ANNOUNCEMENT
    dialogue = Dialogue(consent=OPT_OUT, step=step, answer=reason)
    other = replace(new_call(policy()), dialogue=dialogue, objections=frozenset(), tracks=(QUALITY,))
    return replace(other, **changes)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("other", "role"),
    [
        pytest.param(answered(Reason.ANNOUNCED), Role.ASKED, id="told and silent is as good as this call's own"),
        pytest.param(answered(Reason.OPTED_OUT), Role.OBJECTED, id="who objected has objected"),
        pytest.param(answered(Reason.NOT_AGREED), Role.OBJECTED, id="who did not agree, too"),
        pytest.param(answered(Reason.ANNOUNCEMENT_INCOMPLETE), Role.EXTERNAL, id="who was not told is a stranger"),
        pytest.param(answered(None), Role.EXTERNAL, id="so is who is still being told"),
        pytest.param(answered(Reason.ANNOUNCED, dialogue=None), Role.EXTERNAL, id="and who was never asked"),
        pytest.param(
            answered(Reason.ANNOUNCED, excluded=Reason.REPRESENTATIVE), Role.EXTERNAL, id="and whose call is excluded"
        ),
        pytest.param(answered(Reason.ANNOUNCED, tracks=(EVIDENCE,)), Role.EXTERNAL, id="told of another purpose"),
        pytest.param(
            answered(Reason.ANNOUNCED, objections=frozenset({"quality"})), Role.OBJECTED, id="objected in another call"
        ),
        pytest.param(answered(Reason.ANNOUNCED, objections=None), Role.OBJECTED, id="nobody knows whether they did"),
    ],
)
def test_who_the_customer_of_another_call_is(other: Call, role: Role) -> None:
    assert standing(other, CALL) is role
