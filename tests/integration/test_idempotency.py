"""What is sent again with the same idempotency key is done once, on a real server."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from sqlalchemy.ext.asyncio import AsyncEngine

from controller.web.idempotency import AGAIN, KEPT_S, KEY, LONGEST_ANSWER, Answers
from tests.integration.holdings import CUSTOMER
from tests.integration.offices import Office, an_office, call_of
from tests.unit.config.conftest import Place, place

__all__ = ["place"]

WHO = "integration-of-all"


@pytest.fixture
async def office(engine: AsyncEngine, tmp_path: Path, place: Place) -> AsyncIterator[Office]:
    async with an_office(engine, tmp_path, place) as opened:
        yield opened


async def sent(office: Office, path: str, *, who: str = WHO, key: str = "one", **words: Any) -> tuple[int, str, bool]:
    """The status, the text, and whether it was said before."""
    headers = {**office.tokens.bearer(who), KEY: key, **words.pop("headers", {})}
    async with office.client.post(f"/api/v1{path}", headers=headers, **words) as answer:
        return answer.status, await answer.text(), AGAIN in answer.headers


async def holds(office: Office) -> str:
    return (await office.ask("dpo", "GET", "/holds"))[1]


async def test_what_is_sent_again_is_done_once_and_answered_as_before(office: Office) -> None:
    body = {"call": call_of(await office.recording("quality")), "why": "a dispute"}
    first = await sent(office, "/holds", who="dpo", json=body)
    again = await sent(office, "/holds", who="dpo", json=body)
    assert (first[0], first[2], again) == (201, False, (*first[:2], True))
    assert (await holds(office)).count("a dispute") == 1
    assert (await sent(office, "/holds", who="dpo", key="two", json=body))[2] is False
    assert (await holds(office)).count("a dispute") == 2


async def test_a_pause_that_is_sent_again_pauses_again_and_a_resume_does_not_end_it(office: Office) -> None:
    """Nobody is told that nothing is recorded because it was so before."""
    path = f"/calls/{office.call('quality')}"
    assert (await sent(office, f"{path}/pause"))[0] == 200
    assert (await sent(office, f"{path}/resume", key="two"))[0] == 200
    assert (await sent(office, f"{path}/pause"))[2] is False
    assert (await sent(office, f"{path}/resume", key="two"))[2] is True
    assert '"pauses": ["payment"]' in (await office.ask(WHO, "GET", path))[1]


async def test_a_key_is_of_one_request_and_of_one_principal(office: Office) -> None:
    path = f"/calls/{office.call('quality')}/resume"
    assert (await sent(office, path))[0] == 200
    assert (await sent(office, path, json={"reason": "agent-request"}))[0] == 422
    assert (await sent(office, path, headers={"Content-Type": "text/plain"}))[0] == 422
    assert (await sent(office, f"{path}?x=1"))[0] == 422
    assert (await sent(office, path, who="supervisor-of-all"))[::2] == (200, False)


async def test_a_document_that_is_sent_again_is_kept_once(office: Office) -> None:
    """Its body is longer than that of other requests."""
    call = call_of(await office.recording("quality"))
    path, content = f"/documents?call={call}&purpose=quality&kind=notes", b"friendly " * 100_000
    first = await sent(office, path, who="dpo", data=content)
    assert (first[0], (await sent(office, path, who="dpo", data=content))) == (201, (*first[:2], True))
    assert (await sent(office, path, who="dpo", data=content + b"!"))[0] == 422
    listed = await office.ask("dpo", "GET", f"/documents?call={call}")
    assert listed[1].count('"notes"') == 1


async def test_what_was_not_done_may_be_tried_again(office: Office) -> None:
    assert (await sent(office, "/objections", json={"number": "none"}))[0] == 400
    assert (await sent(office, "/objections", json={"number": office.number()}))[0] == 201


async def test_no_answer_with_personal_data_is_kept(office: Office) -> None:
    await office.recording("quality")
    for _ in range(2):
        status, _text, again = await sent(office, "/subjects/export", who="dpo", json={"number": CUSTOMER})
        assert (status, again) == (200, False)


@pytest.mark.parametrize("key", ["", "two words", "é", "x" * 256])
async def test_what_is_no_key_is_refused_and_nothing_done(office: Office, key: str) -> None:
    path = f"/calls/{office.call('quality')}"
    assert (await office.ask(WHO, "POST", f"{path}/pause"))[0] == 200
    assert (await sent(office, f"{path}/resume", key=key))[0] == 400
    assert '"pauses": ["payment"]' in (await office.ask(WHO, "GET", path))[1]


async def test_nobody_is_answered_who_may_not_ask(office: Office) -> None:
    path = f"/calls/{office.call('quality')}/pause"
    assert (await sent(office, path))[0] == 200
    async with office.client.post(f"/api/v1{path}", headers={KEY: "one"}) as answer:
        assert answer.status == 401
    assert (await sent(office, path, who="dpo"))[0] == 403


ONE = ("token:crm", "one")


def answered(text: str = "done", status: int = 200) -> web.Response:
    return web.Response(text=text, status=status)


def test_the_same_request_waits_until_the_first_is_answered() -> None:
    answers = Answers()
    assert answers.begin(ONE, b"asked") is None
    waiting = answers.begin(ONE, b"asked")
    assert waiting is not None
    assert (waiting.status, waiting.headers["Retry-After"]) == (409, "1")
    answers.end(ONE, b"asked", answered())
    done = answers.begin(ONE, b"asked")
    assert done is not None
    assert (done.status, done.text, done.content_type) == (200, "done", "text/plain")


@pytest.mark.parametrize(
    "answer",
    [
        pytest.param(None, id="it failed"),
        pytest.param(answered(status=404), id="there was nothing to do"),
        pytest.param(answered(status=503), id="something was away"),
        pytest.param(web.StreamResponse(), id="it streams"),
        pytest.param(answered("x" * (LONGEST_ANSWER + 1)), id="it is long"),
    ],
)
def test_what_is_not_kept_is_done_again(answer: web.StreamResponse | None) -> None:
    answers = Answers()
    answers.begin(ONE, b"asked")
    answers.end(ONE, b"asked", answer)
    assert answers.begin(ONE, b"another") is None


def test_an_answer_is_forgotten_after_a_day() -> None:
    time = 0.0
    answers = Answers(clock=lambda: time)
    answers.begin(ONE, b"asked")
    answers.end(ONE, b"asked", answered())
    time = KEPT_S - 1
    assert answers.begin(ONE, b"asked") is not None
    time = KEPT_S
    assert answers.begin(ONE, b"asked") is None


@pytest.mark.parametrize("answers", [Answers(most=3), Answers(most_bytes=3000)], ids=["by number", "by octets"])
def test_what_is_kept_is_bounded_and_the_oldest_is_forgotten_first(answers: Answers) -> None:
    for number in range(10):
        answers.begin(("token:crm", str(number)), b"asked")
        answers.end(("token:crm", str(number)), b"asked", answered("x" * 300))
    assert answers.begin(("token:crm", "9"), b"asked") is not None
    assert answers.begin(("token:crm", "5"), b"asked") is None


def test_nobody_has_forgotten_what_others_have_asked_nor_what_is_not_answered_yet() -> None:
    answers = Answers(most_each=3)
    answers.begin(("token:other", "first"), b"asked")
    answers.begin(ONE, b"asked")
    answers.end(ONE, b"asked", answered())
    for number in range(10):
        answers.begin(("token:other", str(number)), b"asked")
        answers.end(("token:other", str(number)), b"asked", answered())
    statuses = [answers.begin(name, b"asked") for name in (ONE, ("token:other", "first"), ("token:other", "1"))]
    assert [one and one.status for one in statuses] == [200, 409, None]
