"""Until when a token lets anybody in, and as whom."""

from datetime import timedelta

import pytest

from controller.domain.identity import AccountRecord, TokenRecord
from controller.domain.principal import Principal, Role
from tests.unit.domain.stories import NOON

CRM = TokenRecord(
    name="crm",
    sha256=bytes(32),
    roles=frozenset({Role.INTEGRATION}),
    purposes=frozenset({"quality"}),
    extension=None,
    pbx=None,
    created_at=NOON,
    expires_at=NOON + timedelta(days=1),
)
REVOKED = TokenRecord(
    name="former",
    sha256=bytes(32),
    roles=frozenset({Role.DPO}),
    purposes=frozenset(),
    extension=None,
    pbx=None,
    created_at=NOON,
    expires_at=NOON + timedelta(days=1),
    revoked_at=NOON + timedelta(hours=1),
)


@pytest.mark.parametrize(
    ("token", "hours", "good"),
    [
        pytest.param(CRM, 23.9, True, id="before its end"),
        pytest.param(CRM, 24, False, id="at its end"),
        pytest.param(REVOKED, 2, False, id="once it is revoked"),
    ],
)
def test_until_when_a_token_is_good(*, token: TokenRecord, hours: float, good: bool) -> None:
    assert token.good(NOON + timedelta(hours=hours)) is good


def test_a_name_says_whether_it_is_an_account_or_a_token() -> None:
    assert CRM.principal == Principal(name="token:crm", roles=CRM.roles, purposes=CRM.purposes)
    alice = AccountRecord(
        name="alice",
        password_hash="$argon2id$",
        roles=frozenset({Role.AGENT}),
        purposes=frozenset(),
        extension="201",
        pbx="main",
        created_at=NOON,
    )
    assert alice.principal == Principal(name="account:alice", roles=alice.roles, extension="201", pbx="main")
