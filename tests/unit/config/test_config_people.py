"""Agents, who is never recorded, what agents dial, what pauses, and what a company must have done before."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

import pytest
from phonenumbers.shortnumberinfo import is_emergency_number

from controller.config import ConfigurationFaults, load
from controller.config.emergency import BY_COUNTRY, emergency_numbers
from controller.config.period import parse_duration
from controller.domain.policy import Exclusions, Objections, ObjectionScope, Pauses, Period

if TYPE_CHECKING:
    from tests.unit.config.conftest import Place

Changed = Callable[[Mapping[str, str]], str]
Row = tuple[Mapping[str, str], list[str]]
AGENTS = 'agents: {channels: ["PJSIP/2*"], notice: "2026-01"}'
NUMBERS = 'must be a number in digits and in quotes, such as "+33199000020", or a pattern such as "+331990000*"'
WORK = "CNIL, listening and recording at work"
CODE = (
    'must be two to four keys in quotes, * or # first, such as "*7": digits alone may be those of a card that an agent'
    " types (PCI DSS 3.3.1)"
)
CENTURY = "must be at most 100 years (GDPR art. 5(1)(e): nothing is kept for ever)"

REFUSED = {
    "a country that is none": (
        {"country: FR": "country: France"},
        ["2: country: must be the ISO 3166 code of a country, such as FR"],
    ),
    "an agent that is no channel": (
        {"PJSIP/2*": "2*"},
        ["9: agents.channels[0]: must be a channel such as PJSIP/201, or a pattern such as PJSIP/2*"],
    ),
    "agents whom nobody has informed": (
        {', notice: "2026-01"': ""},
        [f"9: agents.notice: is missing: an agent who has not been informed is not recorded ({WORK})"],
    ),
    "a number that is written with spaces": (
        {"routes:": 'never_recorded: {numbers: ["01 99 00 00 20"]}\nroutes:'},
        [f"30: never_recorded.numbers[0]: {NUMBERS}"],
    ),
    "a representative's number without quotes": (
        {"routes:": "never_recorded: {representative_numbers: [0639980001]}\nroutes:"},
        ["30: never_recorded.representative_numbers[0]: must be text: write it in quotes"],
    ),
    "an emergency number that is a pattern": (
        {"routes:": 'never_recorded: {emergency_numbers: ["1*"]}\nroutes:'},
        ['30: never_recorded.emergency_numbers[0]: must be a number in digits and in quotes, such as "112"'],
    ),
    "emergency numbers that somebody would take away": (
        {"routes:": "never_recorded: {no_emergency_numbers: true}\nroutes:"},
        ["30: never_recorded.no_emergency_numbers: is not a known key (did you mean emergency_numbers?)"],
    ),
    "a pause of five keys": (
        {"routes:": 'keys: {pause: "*7777"}\nroutes:'},
        [f"30: keys.pause: {CODE}"],
    ),
    "a digit that ends a pause, and may be one of a card": (
        {"routes:": 'keys: {resume: "8"}\nroutes:'},
        [f"30: keys.resume: {CODE}"],
    ),
    "digits that begin a pause, and may be those of a card": (
        {"routes:": 'keys: {pause: "45*7"}\nroutes:'},
        [f"30: keys.pause: {CODE}"],
    ),
    "one key that begins a recording": (
        {"routes:": 'keys: {start: "#"}\nroutes:'},
        [f"30: keys.start: {CODE}"],
    ),
    "the same keys pause and resume": (
        {"routes:": 'keys: {resume: "*7"}\nroutes:'},
        ["30: keys.resume: pause and resume must differ, and neither be a part of the other"],
    ),
    "the keys to pause begin those to resume": (
        {"routes:": 'keys: {pause: "*8", resume: "*81"}\nroutes:'},
        ["30: keys.resume: pause and resume must differ, and neither be a part of the other"],
    ),
    "the keys to resume end those to pause": (
        {"routes:": 'keys: {pause: "#*8"}\nroutes:'},
        ["30: keys.pause: pause and resume must differ, and neither be a part of the other"],
    ),
    "keys that transfer the call": (
        {"routes:": 'keys: {pause: "#1"}\nroutes:'},
        ["30: keys.pause: clashes with #1, a feature code that features.conf of Asterisk proposes"],
    ),
    "keys that begin with those that record": (
        {"routes:": 'keys: {private: "*11"}\nroutes:'},
        ["30: keys.private: clashes with *1, a feature code that features.conf of Asterisk proposes"],
    ),
    "a pause for a while": (
        {"routes:": "pauses: {longest: a while}\nroutes:"},
        ["30: pauses.longest: must be a duration such as 5 minutes, 1 hour or 90 seconds"],
    ),
    "a pause that ends the recording before it alerts": (
        {"routes:": "pauses: {longest: 4 minutes}\nroutes:"},
        [
            (
                "30: pauses.longest: alert_after must be shorter than longest: a forgotten pause alerts before it ends"
                " the recording"
            )
        ],
    ),
    "a pause that alerts as it ends": (
        {"routes:": "pauses: {alert_after: 15 minutes}\nroutes:"},
        [
            (
                "30: pauses.alert_after: alert_after must be shorter than longest: a forgotten pause alerts before it"
                " ends the recording"
            )
        ],
    ),
    "an objection for whatever": (
        {"routes:": "objections: {scope: purposes}\nroutes:"},
        ["30: objections.scope: must be purpose or everything (did you mean purpose?)"],
    ),
    "an objection that is forgotten at once": (
        {"routes:": "objections: {remember: 0 days}\nroutes:"},
        ["30: objections.remember: must be a period such as 6 months, 1 year or 90 days"],
    ),
    "an objection that outlives whoever objected": (
        {"routes:": "objections: {remember: 9000 years}\nroutes:"},
        [f"30: objections.remember: {CENTURY}"],
    ),
    "an objection that may outlive them by a day": (
        {"routes:": "objections: {remember: 99 years 11 months 32 days}\nroutes:"},
        [f"30: objections.remember: {CENTURY}"],
    ),
    "a pause that ends the recording days later": (
        {"routes:": "pauses: {longest: 24 hours 1 second}\nroutes:"},
        ["30: pauses.longest: must be at most 24 hours"],
    ),
    "a chain that is hardly ever signed": (
        {"routes:": "audit: {sign_every: 9999 hours}\nroutes:"},
        ["30: audit.sign_every: must be at most 24 hours"],
    ),
    "nobody may listen": (
        {"listeners: [quality-managers]": "listeners: []"},
        [
            (
                "27: purposes.quality.listeners: must have at least one entry: only those concerned with the purpose"
                " may listen (GDPR art. 32; CNIL)"
            )
        ],
    ),
    "a role twice": (
        {"listeners: [quality-managers]": "listeners: [lawyers, lawyers]"},
        ["27: purposes.quality.listeners: names the same role twice"],
    ),
    "no word of who may listen, of an assessment or of the representatives": (
        {"    listeners: [quality-managers]\n    assessed: 2026-01-31\n    consulted: 2026-02-28\n": ""},
        [
            (
                "16: purposes.quality.listeners: is missing: only those concerned with the purpose may listen (GDPR"
                " art. 32; CNIL)"
            ),
            (
                "16: purposes.quality.assessed: is missing: recording the staff asks for an impact assessment first"
                " (GDPR art. 35)"
            ),
            (
                "16: purposes.quality.consulted: is missing: the staff's representatives are consulted first, or write"
                f" no-representatives ({WORK})"
            ),
        ],
    ),
    "an assessment on a day that no calendar has": (
        {"assessed: 2026-01-31": "assessed: 2026-02-30"},
        ["28: purposes.quality.assessed: must be a day such as 2026-01-31"],
    ),
    "an assessment in another form of date": (
        {"assessed: 2026-01-31": 'assessed: "20260131"'},
        ["28: purposes.quality.assessed: must be a day such as 2026-01-31"],
    ),
    "representatives who were consulted some day": (
        {"consulted: 2026-02-28": "consulted: in spring"},
        ["29: purposes.quality.consulted: must be a day such as 2026-01-31, or no-representatives"],
    ),
    "an assessment that is only planned": (
        {"assessed: 2026-01-31": "assessed: 2026-03-02"},
        [
            (
                "28: purposes.quality.assessed: is still to come: the impact assessment is made before anything is"
                " recorded (GDPR art. 35(1))"
            )
        ],
    ),
    "a consultation that is only planned": (
        {"consulted: 2026-02-28": "consulted: 2026-03-02"},
        [
            (
                "29: purposes.quality.consulted: is still to come: the staff's representatives are consulted before"
                f" anything is recorded ({WORK})"
            )
        ],
    ),
}

WARNED = {
    "representatives that are everybody": (
        {"routes:": 'never_recorded: {representatives: ["PJSIP/*"]}\nroutes:'},
        ["30: never_recorded.representatives[0]: takes in every agent: nobody is ever recorded"],
    ),
    "a payment platform that is everybody": (
        {"routes:": 'pauses: {endpoints: ["PJSIP/pay", "PJSIP/*"]}\nroutes:'},
        ["30: pauses.endpoints[1]: takes in every agent: every call is paused"],
    ),
    "a country whose emergency numbers are not built in": (
        {"country: FR": "country: US"},
        [
            (
                "2: country: US has no emergency numbers built in but 112: add those of the country to"
                " never_recorded.emergency_numbers"
            )
        ],
    ),
    "an objection that is remembered for a lifetime": (
        {"routes:": "objections: {remember: 100 years}\nroutes:"},
        [],
    ),
    "an assessment and a consultation of today": (
        {"assessed: 2026-01-31": "assessed: 2026-03-01", "consulted: 2026-02-28": "consulted: 2026-03-01"},
        [],
    ),
}


@pytest.mark.parametrize("row", REFUSED.values(), ids=REFUSED)
def test_is_refused_of_people(row: Row, place: Place, changed: Changed) -> None:
    changes, expected = row
    assert place.faults(changed(changes)) == expected


@pytest.mark.parametrize("row", WARNED.values(), ids=WARNED)
def test_is_warned_of_people(row: Row, place: Place, changed: Changed) -> None:
    changes, expected = row
    assert place.warnings(changed(changes)) == expected


KEYS = ("pause", "resume", "objection", "private", "start")


@pytest.mark.parametrize(("one", "other"), list(itertools.combinations(KEYS, 2)))
def test_no_two_codes_of_an_agent_begin_alike(one: str, other: str, place: Place, changed: Changed) -> None:
    text = changed({"routes:": f'keys: {{{one}: "#4", {other}: "#45"}}\nroutes:'})
    assert place.faults(text) == [
        f"30: keys.{other}: {one} and {other} must differ, and neither be a part of the other"
    ]


def test_people_are_built(place: Place, changed: Changed) -> None:
    never = (
        'never_recorded: {representatives: ["PJSIP/290"], representative_numbers: ["0639980001"],'
        ' queues: [union-*], numbers: ["+331990000*"], emergency_numbers: ["0112"]}\n'
    )
    pauses = (
        'pauses: {endpoints: ["PJSIP/pay*"], contexts: [payment-*], hold: true, alert_after: 90 seconds,'
        " longest: 1 hour 30 minutes}\n"
    )
    objections = "objections: {remember: 3 years, scope: everything, ask_again: false}\n"
    policy = place.load(changed({"routes:": f"{never}{pauses}{objections}routes:"})).policy
    assert policy.notice == "2026-01"
    assert policy.exclusions == Exclusions(
        representatives=("PJSIP/290",),
        representative_numbers=("0639980001",),
        queues=("union-*",),
        numbers=("+331990000*",),
        emergency=emergency_numbers("FR") | {"0112"},
    )
    assert policy.pauses == Pauses(
        endpoints=("PJSIP/pay*",), contexts=("payment-*",), hold=True, alert_s=90.0, most_s=5400.0
    )
    assert policy.objections == Objections(remember=Period(years=3), scope=ObjectionScope.EVERYTHING, ask_again=False)


def test_defaults_of_the_file_are_those_of_the_policy(place: Place) -> None:
    policy = place.load().policy
    assert policy.exclusions == Exclusions(emergency=emergency_numbers("FR"))
    assert policy.pauses == Pauses()
    assert policy.objections == Objections()


def test_company_without_representatives_says_so(place: Place, changed: Changed) -> None:
    text = changed({"consulted: 2026-02-28": "consulted: no-representatives"})
    assert place.load(text).policy.purposes["quality"].consulted is None


def test_what_is_still_to_come_is_told_by_the_machines_own_day(place: Place, changed: Changed) -> None:
    with pytest.raises(ConfigurationFaults, match="assessed: is still to come"):
        load(place.write(changed({"assessed: 2026-01-31": "assessed: 9999-12-31"})), {})


FRANCE = ("15", "17", "18", "112", "114", "115", "116000", "116117", "119", "191", "196", "197")


@pytest.mark.parametrize("number", FRANCE)
def test_an_emergency_number_of_france_is_built_in(number: str) -> None:
    assert number in emergency_numbers("FR")


@pytest.mark.parametrize("country", BY_COUNTRY)
def test_emergency_numbers_of_a_country_hold_those_that_its_numbering_plan_names(country: str) -> None:
    short = ("".join(digits) for length in (2, 3) for digits in itertools.product("0123456789", repeat=length))
    assert {number for number in short if is_emergency_number(number, country)} - emergency_numbers(country) == set()


def test_where_nothing_is_built_in_the_number_of_europe_is() -> None:
    assert emergency_numbers("US") == {"112"}


DURATIONS = {
    "5 minutes": 300.0,
    "1 hour": 3600.0,
    "90 seconds": 90.0,
    "1 hour 1 minute 1 second": 3661.0,
    "24 hours": 86400.0,
}


@pytest.mark.parametrize("text", DURATIONS)
def test_duration_is_read(text: str) -> None:
    assert parse_duration(text) == DURATIONS[text]


@pytest.mark.parametrize("text", ["", "5", "minutes", "0 minutes", "1 second 1 hour", "-1 seconds", "1 day"])
def test_what_is_no_duration_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="must be a duration such as"):
        parse_duration(text)
