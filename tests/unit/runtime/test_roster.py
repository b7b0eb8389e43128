"""Who counts as informed: whom the register names by the notice in force, and nobody before it has been read."""

from collections.abc import Callable
from dataclasses import replace

from controller.errors import DatabaseAway
from controller.runtime.roster import Roster
from tests.unit.runtime.switched import Switched


class Register:
    """Who was informed, by version; ``away`` is a database that cannot be reached; ``meanwhile`` happens on reading."""

    def __init__(self) -> None:
        self.notices = {"2026-01": frozenset({"201"}), "2026-09": frozenset({"202"})}
        self.away = False
        self.meanwhile: Callable[[], object] = dict

    async def informed(self, version: str) -> frozenset[str]:
        self.meanwhile()
        if self.away:
            raise DatabaseAway("PostgreSQL is away")
        return self.notices[version]

    async def objections(self, customer_hash: bytes) -> frozenset[str]:
        raise AssertionError(customer_hash)


class Company:
    """A register, and a PBX with the notice that is in force."""

    def __init__(self) -> None:
        self.register, self.pbx = Register(), Switched()
        self.pbx.dispatcher.informed(frozenset(), notice="")
        dispatcher = self.pbx.dispatcher
        self.roster = Roster(
            self.register, version=lambda: dispatcher.policy.notice, dispatchers=lambda: [self.pbx.dispatcher]
        )

    def is_reloaded(self) -> None:
        """Another notice is in force."""
        self.pbx.dispatcher.policy = replace(self.pbx.dispatcher.policy, notice="2026-09")

    def roles(self) -> list[str]:
        """Who the agents 201 and 202 are to a call."""
        call = self.pbx.call(self.pbx.asks("customer"))
        for extension in ("201", "202"):
            self.pbx.joins(extension, f"PJSIP/{extension}-00000001")
        self.pbx.joins("customer", "PJSIP/carrier-00000001")
        return [party.role.value for party in self.pbx.call(call.id).parties]


async def test_nobody_counts_as_informed_before_the_register_was_read() -> None:
    assert Company().roles() == ["uninformed", "uninformed"]


async def test_who_was_informed_by_the_notice_in_force_counts() -> None:
    company = Company()
    await company.roster.refresh()
    assert company.roles() == ["agent", "uninformed"]


async def test_a_new_notice_informs_only_whom_it_was_given_to() -> None:
    company = Company()
    await company.roster.refresh()
    company.is_reloaded()
    await company.roster.refresh()
    assert company.roles() == ["uninformed", "agent"]


async def test_before_it_is_known_whom_a_new_notice_was_given_to_nobody_counts() -> None:
    company = Company()
    await company.roster.refresh()
    company.is_reloaded()
    assert company.roles() == ["uninformed", "uninformed"]


async def test_what_was_read_for_a_notice_that_is_in_force_no_more_informs_nobody() -> None:
    """The notice changes while the register is being read."""
    company = Company()
    company.register.meanwhile = company.is_reloaded
    await company.roster.refresh()
    assert company.roles() == ["uninformed", "uninformed"]


async def test_what_was_read_last_stands_while_the_register_is_away() -> None:
    company = Company()
    await company.roster.refresh()
    company.register.away = True
    await company.roster.refresh()
    assert company.roles() == ["agent", "uninformed"]
