"""Every role on every request and every purpose: nothing answers that should not, and what is not theirs is not there.

The table in docs/reference/access.md says what should, as it is committed and not as the program has it; what is not
theirs is answered exactly as what is not there.
"""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, replace
from datetime import timedelta
from enum import Enum
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from controller.custody import holds
from controller.domain.events import PauseConfirmed, RecordingStarted, SnoopReady
from controller.domain.names import CallId
from controller.domain.records import AccessRecord, NoticeRecord, Tier
from controller.runtime.clock import now
from controller.runtime.identities import Scope
from controller.runtime.openid import HOME
from controller.runtime.requests import Verb
from controller.web.routes import ACTIONS, PAGES
from tests.integration.entries import a_question
from tests.integration.holdings import CUSTOMER, a_stored_recording
from tests.integration.offices import AGENTS, PEOPLE, TOKEN, Office, an_office, call_of
from tests.unit.config.conftest import Place, place
from tests.unit.domain.stories import NOON
from tests.unit.web.access_table import committed

__all__ = ["place"]

NOWHERE = "01950000-0000-7000-8000-00000000ffff"
TEXT = {"Content-Type": "text/plain"}
PAGE = committed()
UNCONFIRMED = 503
"""No Asterisk is behind these PBXs, so what is recorded is not known to have stopped."""
ADA = "ada"
PASSWORD = "an invented password"
FOR_ANYBODY = {"roles": ["agent"], "extension": "203", "pbx": "main"}
"""A scope that everybody may give who gives any: ``test_entrusting`` tries the others."""
CSV = {"data": b"agent,informed_at,version\n", "headers": {"Content-Type": "text/csv"}}


class Expected(Enum):
    FORBIDDEN = "it is never done by this role"
    NOT_THERE = "there is nothing of the kind for them"
    DONE = "it is done"


def expected(scope: Scope, asked: str, purpose: str) -> Expected:
    """What the page says of somebody, of one thing that serves this purpose."""
    reaches = {reach for role, reach in PAGE[asked].items() if role in scope.roles}
    if not reaches:
        return Expected.FORBIDDEN
    by_purpose = "their purposes" in reaches and scope.purposes & {purpose, "*"}
    own = "their own call" in reaches and (scope.extension, scope.pbx) == (AGENTS[purpose], "main")
    return Expected.DONE if "all" in reaches or by_purpose or own else Expected.NOT_THERE


@pytest.fixture
async def office(engine: AsyncEngine, tmp_path: Path, place: Place) -> AsyncIterator[Office]:
    async with an_office(engine, tmp_path, place) as opened:
        yield opened


@dataclass(frozen=True, kw_only=True)
class About:
    """A request about one thing: its name, and what is sent."""

    name: str
    path: str
    words: dict[str, Any]


Thing = Callable[[Office, str | None], Awaitable[About]]
"""A request about a thing that serves a purpose, or about none that there is."""


def about(path: str, name: Callable[[Office, str], Awaitable[str]], **words: Any) -> Thing:
    async def thing(office: Office, purpose: str | None) -> About:
        found = NOWHERE if purpose is None else await name(office, purpose)
        sent = {key: _named(value, found) for key, value in words.items()}
        return About(name=found, path=path.replace("NAME", found), words=sent)

    return thing


def _named(value: Any, name: str) -> Any:
    if isinstance(value, dict):
        return {key: _named(inner, name) for key, inner in value.items()}
    return value.replace("NAME", name) if isinstance(value, str) else value


async def a_call(office: Office, purpose: str) -> str:
    return office.call(purpose)


async def a_recording(office: Office, purpose: str) -> str:
    return await office.recording(purpose)


async def a_recording_of_its_own(office: Office, purpose: str) -> str:
    return await a_stored_recording(office.custody, purpose=purpose)


async def a_call_that_was_recorded(office: Office, purpose: str) -> str:
    return call_of(await office.recording(purpose))


async def a_call_that_is_over(office: Office, purpose: str) -> str:
    return call_of(await a_recording_of_its_own(office, purpose))


async def a_document(office: Office, purpose: str) -> str:
    return await office.document(purpose)


async def new_document(office: Office, purpose: str | None) -> About:
    call = NOWHERE if purpose is None else await a_call_that_is_over(office, purpose)
    params = {"call": call, "purpose": purpose or "sales", "kind": "notes"}
    return About(name=call, path="/documents", words={"params": params, "data": b"friendly", "headers": TEXT})


async def documents_of(office: Office, purpose: str | None) -> About:
    document = NOWHERE if purpose is None else await office.document(purpose)
    call = NOWHERE if purpose is None else call_of(await office.recording(purpose))
    return About(name=document, path="/documents", words={"params": {"call": call}})


async def new_objection(office: Office, purpose: str | None) -> About:
    body = {"number": office.number(), "purpose": purpose or "sales"}
    return About(name=NOWHERE, path="/objections", words={"json": body})


async def objection_of_number(office: Office, purpose: str | None) -> About:
    number = office.number()
    if purpose is not None:
        await office.registration.add_objection(number, purpose, None, actor="test")
    return About(name=NOWHERE, path="/objections/end", words={"json": {"number": number}})


async def objection_of_customer(office: Office, purpose: str | None) -> About:
    number = office.number()
    if purpose is not None:
        await office.registration.add_objection(number, purpose, None, actor="test")
    customer = office.registration.customer(number).hex()
    return About(name=customer, path=f"/objections/{customer}", words={"params": {"purpose": purpose or "sales"}})


THINGS: dict[str, tuple[Thing, int]] = {
    "GET /calls/{id}": (about("/calls/NAME", a_call), 200),
    **{f"POST /calls/{{id}}/{verb}": (about(f"/calls/NAME/{verb}", a_call), 200) for verb in Verb},
    "GET /recordings/{name}": (about("/recordings/NAME", a_recording), 200),
    "GET /recordings/{name}/audio.{shape}": (about("/recordings/NAME/audio.wav", a_recording), 200),
    "GET /recordings/{name}/peaks": (about("/recordings/NAME/peaks", a_recording), 200),
    "GET /recordings/{name}/timeline": (about("/recordings/NAME/timeline", a_recording), 200),
    "GET /calls/{id}/decisions": (about("/calls/NAME/decisions", a_call_that_was_recorded), 200),
    "GET /console/recordings/{name}": (about("/console/recordings/NAME", a_recording), 200),
    "GET /console/recordings/{name}/listen": (about("/console/recordings/NAME/listen", a_recording), 200),
    "POST /recordings/{name}/proof": (about("/recordings/NAME/proof", a_recording_of_its_own), 200),
    "POST /outcomes": (about("/outcomes", a_call_that_is_over, json={"call": "NAME", "outcome": "contract"}), 200),
    "GET /documents": (documents_of, 200),
    "POST /documents": (new_document, 201),
    "GET /documents/{id}": (about("/documents/NAME", a_document), 200),
    "POST /objections": (new_objection, 201),
    "POST /objections/end": (objection_of_number, 200),
    "DELETE /objections/{customer}": (objection_of_customer, 200),
}
"""Requests about one thing, and the status where it is done."""


async def live(office: Office, purpose: str) -> str:
    return office.call(purpose)


async def objected(office: Office, purpose: str) -> str:
    objection = await office.registration.add_objection(office.number(), purpose, None, actor="test")
    return objection.customer_hash.hex()


async def a_sample(office: Office, purpose: str) -> str:
    """A call of this week, of an agent of whom only this purpose has a sample."""
    stratum = f"agent=of-{purpose}"
    question = replace(a_question(stratum, at=now(), facts={"stratum": stratum}), purpose=purpose)
    question = replace(question, question=replace(question.question, purpose=purpose))
    await office.custody.ledger.write([question])
    return f"of-{purpose}"


LISTS: dict[str, tuple[Callable[[Office, str], Awaitable[str]], dict[str, Any]]] = {
    "GET /calls": (live, {}),
    "GET /recordings": (a_recording, {}),
    "POST /recordings/search": (a_recording, {"json": {"number": CUSTOMER}}),
    "GET /objections": (objected, {}),
    "GET /console/calls": (live, {}),
    "GET /console/recordings": (a_recording, {}),
    "GET /console/recordings/search": (a_recording, {}),
    "POST /console/recordings/search": (a_recording, {"data": {"number": CUSTOMER}}),
    "POST /console/customers": (a_recording, {"data": {"number": CUSTOMER}}),
    "GET /console/customers/{number}": (a_recording, {}),
    "GET /console/objections": (objected, {}),
    "GET /sampling": (a_sample, {}),
    "GET /console/sampling": (a_sample, {}),
}
"""Requests for all there is: what makes one of the things, by whose name it is found in the answer."""


async def no_body(_office: Office) -> str:
    return ""


async def an_ended_call(office: Office) -> str:
    return call_of(await a_stored_recording(office.custody))


async def a_hold(office: Office) -> str:
    return (await holds.place(office.custody, CallId(NOWHERE), "a dispute", None, actor="test")).id


async def an_informed_agent(office: Office) -> str:
    notice = NoticeRecord(agent="299", version="2026-09", informed_at=NOON.date())
    await office.registration.import_notices([notice], actor="test")
    return notice.agent


async def a_new_name(office: Office) -> str:
    return f"new-{len(await office.identities.accounts())}-{len(await office.identities.tokens())}"


async def an_account(office: Office) -> str:
    """The same for everybody who asks, since a password takes its time to be hashed."""
    found = await office.identities.accounts()
    account = (
        found[0] if found else await office.identities.add_account(ADA, PASSWORD, PEOPLE["agent-203"], actor="test")
    )
    return account.name


async def an_account_in_use(office: Office) -> str:
    """It may have been disabled by who asked before."""
    return (await office.identities.change_account(await an_account(office), enable=True, actor="test")).name


async def a_token(office: Office) -> str:
    name = await a_new_name(office)
    await office.identities.issue_token(name, PEOPLE["dpo"], now() + timedelta(days=1), actor="test")
    return name


PLAIN: dict[str, tuple[Callable[[Office], Awaitable[str]], str, dict[str, Any]]] = {
    "GET /me": (no_body, "/me", {}),
    "GET /me/accesses": (no_body, "/me/accesses", {}),
    "DELETE /session": (no_body, "/session", {}),
    "GET /holds": (no_body, "/holds", {}),
    "POST /holds": (an_ended_call, "/holds", {"json": {"call": "NAME", "why": "a dispute"}}),
    "DELETE /holds/{id}": (a_hold, "/holds/NAME", {}),
    "GET /retention": (no_body, "/retention", {}),
    "GET /retention/review": (no_body, "/retention/review", {}),
    "POST /retention/review": (no_body, "/retention/review", {"json": {}}),
    "POST /subjects/export": (an_ended_call, "/subjects/export", {"json": {"number": CUSTOMER}}),
    "POST /subjects/erase": (an_ended_call, "/subjects/erase", {"json": {"number": CUSTOMER, "dry_run": "yes"}}),
    "POST /subjects/restrict": (an_ended_call, "/subjects/restrict", {"json": {"number": CUSTOMER}}),
    "POST /subjects/rectify": (an_ended_call, "/subjects/rectify", {"json": {"call": "NAME", "agent": "207"}}),
    "GET /notices": (no_body, "/notices", {}),
    "POST /notices": (no_body, "/notices", CSV),
    "DELETE /notices/{agent}": (an_informed_agent, "/notices/NAME", {}),
    "GET /accounts": (an_account, "/accounts", {}),
    "POST /accounts": (a_new_name, "/accounts", {"json": {"name": "NAME", **FOR_ANYBODY, "password": PASSWORD}}),
    "POST /accounts/{name}": (an_account, "/accounts/NAME", {"json": FOR_ANYBODY}),
    "POST /accounts/{name}/disable": (an_account_in_use, "/accounts/NAME/disable", {}),
    "GET /tokens": (a_token, "/tokens", {}),
    "POST /tokens": (a_new_name, "/tokens", {"json": {"name": "NAME", **FOR_ANYBODY, "days": 1}}),
    "POST /tokens/{name}/revoke": (a_token, "/tokens/NAME/revoke", {}),
    "GET /audit": (no_body, "/audit", {}),
    "GET /config": (no_body, "/config", {}),
    "GET /config/versions": (no_body, "/config/versions", {}),
    "POST /config/reload": (no_body, "/config/reload", {}),
    "GET /console/me": (no_body, "/console/me", {}),
    "GET /console/customers": (no_body, "/console/customers", {}),
    "POST /holds/{id}/lift": (a_hold, "/holds/NAME/lift", {"json": {"why": "it is settled"}}),
    "GET /retention/forecast": (no_body, "/retention/forecast", {}),
    "GET /console/retention": (an_ended_call, "/console/retention", {}),
    "GET /console/holds": (a_hold, "/console/holds", {}),
    "GET /console/subjects": (no_body, "/console/subjects", {}),
    "GET /console/accounts": (an_account, "/console/accounts", {}),
    "GET /console/audit": (no_body, "/console/audit", {}),
    "GET /console/configuration": (no_body, "/console/configuration", {}),
    "GET /console/notices": (an_informed_agent, "/console/notices", {}),
}
"""Requests about no purpose: what they are about, whose name is put in the path and in what is sent."""


def test_every_request_is_tried() -> None:
    """What goes on is a stream that does not end, tried in ``test_live_events``; ``/console`` leads to other pages.

    A password is of who has logged in, with no token: ``test_own_password``.
    """
    assert {*THINGS, *LISTS, *PLAIN, "GET /live", "POST /me/password", f"GET {HOME}"} == {*ACTIONS, *PAGES}


async def test_everybody_is_led_to_a_page_that_is_theirs(office: Office) -> None:
    for name in PEOPLE:
        headers = office.tokens.bearer(name)
        async with office.client.get(HOME, headers=headers) as answer:
            assert (answer.status, answer.url.path != "/login") == (200, True), name
    async with office.client.get(HOME) as answer:
        assert (answer.url.path, answer.url.query["next"]) == ("/login", HOME)


def nobody(asked: str) -> int:
    """What is answered to who is not known: a page asks them to log in."""
    return 303 if asked in PAGES else 401


@pytest.mark.parametrize("asked", THINGS)
async def test_a_thing_is_there_for_whom_it_is_for_and_for_nobody_else(office: Office, asked: str) -> None:
    thing, done = THINGS[asked]
    method = asked.partition(" ")[0]
    nothing = {name: await thing(office, None) for name in PEOPLE}
    for purpose in AGENTS:
        for name, scope in PEOPLE.items():
            one = await thing(office, purpose)
            status, text = await office.ask(name, method, one.path, **one.words)
            match expected(scope, asked, purpose):
                case Expected.DONE:
                    assert status == done, (name, purpose, text)
                    assert asked != "GET /documents" or one.name in text, (name, purpose)
                case Expected.NOT_THERE:
                    none = nothing[name]
                    there_is_none = await office.ask(name, method, none.path, **none.words)
                    assert (status, text) == there_is_none, (name, purpose)
                    assert asked == "GET /documents" or status in {400, 404}, (name, purpose)
                case Expected.FORBIDDEN:
                    assert status == 403, (name, purpose, text)
    status, _ = await office.ask(None, method, one.path, **one.words)
    assert status == nobody(asked)


@pytest.mark.parametrize("asked", LISTS)
async def test_a_list_has_what_is_theirs_and_nothing_else(office: Office, asked: str) -> None:
    make, words = LISTS[asked]
    method, path = asked.replace("{number}", CUSTOMER).split(" ")
    things = {purpose: await make(office, purpose) for purpose in AGENTS}
    for name, scope in PEOPLE.items():
        status, text = await office.ask(name, method, path, **words)
        found = {purpose: expected(scope, asked, purpose) for purpose in AGENTS}
        assert (status == 403) == (Expected.FORBIDDEN in found.values()), name
        for purpose, one in things.items():
            assert (one in text) == (found[purpose] is Expected.DONE), (name, purpose)
    assert (await office.ask(None, method, path, **words))[0] == nobody(asked)


@pytest.mark.parametrize("asked", PLAIN)
async def test_a_request_is_answered_to_its_roles_and_to_nobody_else(office: Office, asked: str) -> None:
    make, path, words = PLAIN[asked]
    method = asked.partition(" ")[0]
    for name, scope in PEOPLE.items():
        one = await make(office)
        sent = {key: _named(value, one) for key, value in words.items()}
        status, text = await office.ask(name, method, path.replace("NAME", one), **sent)
        may = any(role in PAGE[asked] for role in scope.roles)
        done = {303} if asked == "GET /console" and status == 303 else {200, 201, 204}  # it leads to a page of theirs
        assert status in (done if may else {403}), (name, text)
    assert (await office.ask(None, method, path, **words))[0] == nobody(asked)


async def test_what_is_archived_is_there_for_the_dpo_who_gives_a_reason_and_for_nobody_else(office: Office) -> None:
    name = await a_stored_recording(office.custody, stored={"tier": Tier.ARCHIVE})
    for who in PEOPLE.keys() - {"dpo"}:
        for path in (f"/recordings/{name}", f"/recordings/{name}/audio.wav?reason=dispute"):
            assert (await office.ask(who, "GET", path))[0] in {403, 404}, who
        assert name not in (await office.ask(who, "GET", "/recordings"))[1], who
        assert name not in (await office.ask(who, "POST", "/recordings/search", json={"number": CUSTOMER}))[1], who
        assert (await office.ask(who, "POST", f"/recordings/{name}/proof"))[0] in {403, 404}, who
    assert (await office.ask("dpo", "GET", f"/recordings/{name}"))[0] == 200
    assert (await office.ask("dpo", "GET", f"/recordings/{name}/audio.wav"))[0] == 403
    assert (await office.ask("dpo", "GET", f"/recordings/{name}/audio.wav?reason=dispute"))[0] == 200


async def test_a_document_is_added_to_a_call_of_their_purposes_only(office: Office) -> None:
    theirs, others = call_of(await office.recording("quality")), call_of(await office.recording("evidence"))
    for call, done in ((theirs, 201), (others, 400), (NOWHERE, 400)):
        params = {"call": call, "purpose": "quality", "kind": "notes"}
        answer = await office.ask("listener-of-quality", "POST", "/documents", params=params, data=b"x", headers=TEXT)
        assert answer[0] == done, answer


async def test_an_objection_to_every_purpose_is_made_and_ended_by_who_may_change_all(office: Office) -> None:
    number = {"number": office.number()}
    assert (await office.ask("integration-of-quality", "POST", "/objections", json=number))[0] == 400
    assert (await office.ask("integration-of-all", "POST", "/objections", json=number))[0] == 201
    assert '"*"' in (await office.ask("integration-of-quality", "GET", "/objections"))[1]
    assert (await office.ask("integration-of-quality", "POST", "/objections/end", json=number))[0] == 404
    assert (await office.ask("integration-of-all", "POST", "/objections/end", json=number))[0] == 200


async def test_the_token_of_the_configuration_sets_up_and_listens_to_nothing(office: Office) -> None:
    office.tokens.tokens["file"] = TOKEN
    recording = await office.recording("quality")
    assert (await office.ask("file", "POST", "/config/reload"))[0] == 200
    assert (await office.ask("file", "POST", "/notices", **CSV))[0] == 200
    assert (await office.ask("file", "POST", f"/calls/{office.call('quality')}/pause"))[0] == 200
    assert (await office.ask("file", "GET", f"/recordings/{recording}"))[0] == 200
    assert (await office.ask("file", "GET", f"/recordings/{recording}/audio.wav"))[0] == 403
    assert (await office.ask("file", "POST", "/subjects/export", json={"number": CUSTOMER}))[0] == 403


async def test_a_listener_is_shown_their_own_log_and_nobody_elses(office: Office) -> None:
    recording = await office.recording("quality")
    for who, why in (("listener-of-quality", "training"), ("supervisor-of-all", "complaint")):
        assert (await office.ask(who, "GET", f"/recordings/{recording}/audio.wav?reason={why}"))[0] == 200
    log = await office.ask("listener-of-quality", "GET", "/me/accesses")
    assert "training" in log[1]
    assert "complaint" not in log[1]
    for _ in range(2):
        assert (await office.ask("listener-of-quality", "GET", f"/recordings/{recording}/peaks?reason=again"))[0] == 200
    first = await page(office, "/me/accesses?limit=2")
    rest = await page(office, f"/me/accesses?limit=2&before={first['next']}")
    assert [one["why"] for one in first["accesses"]] == ["again", "again"]
    assert ([one["why"] for one in rest["accesses"]], rest["next"]) == (["training"], None)
    for wrong in ("limit=0", "limit=many", "before=soon"):
        assert (await office.ask("listener-of-quality", "GET", f"/me/accesses?{wrong}"))[0] == 400


async def page(office: Office, path: str) -> Any:
    async with office.client.get(f"/api/v1{path}", headers=office.tokens.bearer("listener-of-quality")) as answer:
        assert answer.status == 200
        return await answer.json()


async def test_everybody_is_told_who_they_are_and_what_they_may(office: Office) -> None:
    me = await page(office, "/me")
    assert (me["name"], me["roles"], me["purposes"]) == ("token:listener-of-quality", ["listener"], ["quality"])
    assert me["may"]["listen"] == {"purposes": ["quality"], "extension": None, "pbx": None}
    assert set(me["may"]) == {
        "see-oneself",
        "find-recordings",
        "read-decisions",
        "listen",
        "read-documents",
        "add-documents",
    }


async def test_what_is_asked_of_a_call_reaches_their_purposes_only(office: Office) -> None:
    """It serves another purpose, too, of which nothing is shown and nothing is stopped."""
    call, switched = office.recorded("both"), office.pbxs["both"]
    shown = {}
    for who in ("integration-of-quality", "integration-of-all", "agent-201"):
        _, text = await office.ask(who, "GET", f"/calls/{call}")
        shown[who] = [one["purpose"] for one in json.loads(text)["recordings"]]
    both = ["quality", "evidence"]
    assert shown == {"integration-of-quality": ["quality"], "integration-of-all": both, "agent-201": both}
    for verb in ("start", "stop", "proof"):
        for purpose in ("evidence", "nothing of ours"):
            path = f"/calls/{call}/{verb}"
            assert (await office.ask("integration-of-quality", "POST", path, json={"purpose": purpose}))[0] == 404
    assert [track.withdrawn for track in switched.call(call).tracks] == [None, None]
    await office.ask("integration-of-quality", "POST", f"/calls/{call}/stop")
    assert [track.withdrawn is not None for track in switched.call(call).tracks] == [True, False]


@pytest.mark.parametrize("verb", ["resume", "objection", "private"])
async def test_what_reaches_every_purpose_of_a_call_is_asked_by_who_may_for_each(office: Office, verb: str) -> None:
    """For anybody else there is no such call: nothing is taken away, put on file, or recorded again."""
    call, switched = office.recorded("both"), office.pbxs["both"]
    assert (await office.ask("integration-of-all", "POST", f"/calls/{call}/pause"))[0] == UNCONFIRMED
    told, before = len(switched.commands), switched.call(call)
    none = await office.ask("integration-of-quality", "POST", f"/calls/{NOWHERE}/{verb}")
    assert none[0] == 404
    assert await office.ask("integration-of-quality", "POST", f"/calls/{call}/{verb}") == none
    assert (len(switched.commands), switched.call(call)) == (told, before)
    assert (await office.ask("integration-of-all", "POST", f"/calls/{call}/{verb}"))[0] in {200, UNCONFIRMED}
    assert switched.call(call) != before


async def test_an_excluded_call_is_there_for_who_talks_in_it_and_says_nothing_more(office: Office) -> None:
    call = office.recorded("quality")
    assert (await office.ask("agent-201", "POST", f"/calls/{call}/private"))[0] in {200, UNCONFIRMED}
    for who in PEOPLE.keys() - {"agent-201"}:
        assert (await office.ask(who, "GET", f"/calls/{call}"))[0] in {403, 404}, who
        assert call not in (await office.ask(who, "GET", "/calls"))[1], who
        assert (await office.ask(who, "POST", f"/calls/{call}/pause"))[0] in {403, 404}, who
    status, text = await office.ask("agent-201", "GET", f"/calls/{call}")
    assert status == 200
    told = {name for name, value in json.loads(text).items() if value not in (None, [])}
    assert told == {"id", "pbx", "state"}


async def test_the_sample_is_told_of_a_year_and_no_more(office: Office) -> None:
    for since, status in ((now() - timedelta(weeks=52), 200), (now() - timedelta(weeks=60), 400)):
        assert (await office.ask("dpo", "GET", f"/sampling?since={since:%Y-%m-%d}"))[0] == status


async def test_the_state_of_a_call_is_that_of_what_is_theirs(office: Office) -> None:
    call, switched = office.recorded("both"), office.pbxs["both"]
    for track in switched.call(call).tracks:
        if track.purpose.name == "evidence" and track.recording is not None:
            for kind in (SnoopReady, RecordingStarted):
                switched.dispatcher.tell_recording(track.recording.name, kind(at=NOON, recording=track.recording.name))
    await office.ask("integration-of-quality", "POST", f"/calls/{call}/stop")
    states = {}
    for who in ("integration-of-quality", "integration-of-all"):
        states[who] = json.loads((await office.ask(who, "GET", f"/calls/{call}"))[1])["state"]
    assert states["integration-of-quality"] != "recording"
    assert states["integration-of-all"] == "recording"


async def test_paused_is_said_only_of_a_call_of_which_nothing_is_recorded_for_whatever_purpose(office: Office) -> None:
    """Somebody who knows of one purpose alone reads a card number by it."""
    call, switched = office.recorded("both"), office.pbxs["both"]
    names = {track.purpose.name: track.recording.name for track in switched.call(call).tracks if track.recording}
    for name in names.values():
        for kind in (SnoopReady, RecordingStarted):
            switched.dispatcher.tell_recording(name, kind(at=NOON, recording=name))
    asking = asyncio.create_task(office.ask("integration-of-quality", "POST", f"/calls/{call}/pause"))
    while not switched.call(call).suspensions:
        await asyncio.sleep(0.01)
    told = {}
    for purpose in ("quality", "evidence"):
        confirmed = PauseConfirmed(at=NOON, recording=names[purpose])
        switched.dispatcher.tell_recording(names[purpose], confirmed)
        told[purpose] = json.loads((await office.ask("integration-of-quality", "GET", f"/calls/{call}"))[1])["state"]
    assert told == {"quality": "unsettled", "evidence": "paused"}
    assert (await asking)[0] == 200


async def test_what_came_of_a_call_is_told_by_who_may_for_all_that_it_was_recorded_for(office: Office) -> None:
    """It sets the dates of every recording of the call, those in the archive too."""
    first = await a_stored_recording(office.custody)
    call = call_of(first)
    await a_stored_recording(office.custody, purpose="evidence", call={"id": call})
    archived = call_of(await a_stored_recording(office.custody, stored={"tier": Tier.ARCHIVE}))
    told = {"json": {"call": call, "outcome": "contract"}}
    none = await office.ask("integration-of-quality", "POST", "/outcomes", json={**told["json"], "call": NOWHERE})
    assert none[0] == 400
    assert await office.ask("integration-of-quality", "POST", "/outcomes", **told) == none
    assert (await office.ask("integration-of-all", "POST", "/outcomes", **told))[0] == 200
    told = {"json": {"call": archived, "outcome": "contract"}}
    assert await office.ask("integration-of-all", "POST", "/outcomes", **told) == none
    assert (await office.ask("dpo", "POST", "/outcomes", **told))[0] == 200


async def test_a_log_is_read_to_its_end_though_much_of_it_is_of_one_moment(office: Office) -> None:
    entries = [
        AccessRecord(id=f"access:{n}", at=NOON, who="token:listener-of-quality", action="listen", what=f"{n}", why=None)
        for n in range(5)
    ]
    await office.custody.write(entries)
    seen: list[str] = []
    following: str | None = ""
    while following is not None:
        found = await page(office, f"/me/accesses?limit=2{following and '&before='}{following}")
        seen += [one["what"] for one in found["accesses"]]
        following = found["next"]
    assert sorted(seen) == [f"{n}" for n in range(5)]


async def test_who_asked_stands_in_what_is_decided(office: Office) -> None:
    call = office.call("quality")
    assert (await office.ask("agent-201", "POST", f"/calls/{call}/pause"))[0] == 200
    [suspension] = office.pbxs["quality"].call(call).suspensions
    assert suspension.actor == "token:agent-201"


async def test_an_address_that_is_none_is_told_from_one_that_is_forbidden(office: Office) -> None:
    assert (await office.ask("dpo", "GET", f"/unheard-of/{uuid4()}"))[0] == 404
    assert (await office.ask("dpo", "DELETE", "/calls"))[0] == 405
    assert (await office.ask(None, "GET", "/unheard-of"))[0] == 401
