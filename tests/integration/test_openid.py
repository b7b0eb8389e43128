"""Logging in through a real OpenID provider, and all that must not log anybody in."""

import asyncio
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AbstractAsyncContextManager
from functools import partial
from pathlib import Path
from urllib.parse import parse_qs, urlencode, urlsplit

import aiohttp
import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from controller.runtime.keyring import EVERY_S
from controller.runtime.openid import CALLBACK, HOME, attempt_of, cookie_of, new_secret
from controller.runtime.sessions import ATTEMPTS, BY_ADDRESS
from lab.ports import free_port
from tests.integration.openid import (
    ANOTHER_KEY,
    IMPOSTOR,
    KEY,
    LISTENER,
    Browser,
    OpenOffice,
    a_browser,
    a_provider,
    an_open_office,
)
from tests.unit.config.conftest import Place, place

__all__ = ["place"]

ALICE = "a-248289761001"
"""What the provider names alice by; her account here is called otherwise."""
PASSWORD = "an invented password"


@pytest.fixture(scope="session")
def issuer() -> Iterator[str]:
    with a_provider() as started:
        yield started


Opens = Callable[..., AbstractAsyncContextManager[OpenOffice]]


@pytest.fixture
def opens(engine: AsyncEngine, tmp_path: Path, place: Place) -> Opens:
    """Opens an office that knows the provider with this issuer."""
    return partial(an_open_office, engine, tmp_path, place)


@pytest.fixture
async def opened(opens: Opens, issuer: str) -> AsyncIterator[OpenOffice]:
    async with opens(issuer) as office:
        yield office


@pytest.fixture
async def browser(opened: OpenOffice) -> AsyncIterator[Browser]:
    async with a_browser(opened.address) as started:
        yield started


def with_query(url: str, **words: str) -> str:
    """The same address with other words in its query."""
    query = {name: values[0] for name, values in parse_qs(urlsplit(url).query).items()} | words
    return urlsplit(url)._replace(query=urlencode(query)).geturl()


async def test_whom_the_provider_names_is_let_in_as_their_account_says(browser: Browser) -> None:
    answer = await browser.logs_in(ALICE, "/login/openid?next=/console/recordings%3Fpurpose=quality")
    assert answer.status == 200
    assert '<meta http-equiv="refresh" content="0; url=/console/recordings?purpose=quality">' in answer.text
    assert answer.headers["Referrer-Policy"] == "no-referrer"
    assert await browser.is_somebody() == "account:alice"
    assert (await browser.opens("/api/v1/holds")).status == 403
    cookie = browser.cookie("rc_session")
    assert (cookie["httponly"], cookie["samesite"], cookie["path"]) == (True, "Strict", "/")
    assert browser.cookie("rc_openid") is None


async def test_what_is_asked_of_the_provider_says_nothing_of_the_browsers_secret(browser: Browser) -> None:
    asked = parse_qs(urlsplit(await browser.begins()).query)
    cookie = browser.cookie("rc_openid")
    assert (cookie["httponly"], cookie["samesite"], cookie["max-age"]) == (True, "Lax", "600")
    assert (asked["code_challenge_method"], asked["response_type"]) == (["S256"], ["code"])
    assert cookie.value not in str(asked)
    again = parse_qs(urlsplit(await browser.begins()).query)
    assert [asked[name] == again[name] for name in ("state", "nonce", "code_challenge")] == [False] * 3


async def test_nobody_is_sent_to_another_site(browser: Browser) -> None:
    answer = await browser.logs_in(ALICE, "/login/openid?next=//evil.example")
    assert 'content="0; url=/console"' in answer.text
    assert "evil" not in answer.text


async def test_an_answer_that_fits_nothing_begun_in_this_browser_logs_nobody_in(
    opened: OpenOffice, browser: Browser
) -> None:
    """An attacker who has somebody open their own answer would have them work in the attacker's account."""
    back = await browser.goes_through(await browser.begins(), ALICE)
    async with a_browser(opened.address) as another:
        assert (await another.opens(back)).status == 400
        await another.begins()
        assert (await another.opens(back)).status == 400
        another.keeps("rc_openid", "")
        assert (await another.opens(back)).status == 400
        assert another.cookie("rc_session") is None
        assert await another.is_somebody() is None
    for state in ("", "x", f"{parse_qs(urlsplit(back).query)['state'][0]}x"):
        assert (await browser.opens(with_query(back, state=state))).status == 400
    assert (await browser.opens(back)).status == 200


async def test_the_cookie_says_where_to_and_only_as_it_was_begun(browser: Browser) -> None:
    back = await browser.goes_through(await browser.begins("/login/openid?next=/console/a"), ALICE)
    secret, _, there = browser.cookie("rc_openid").value.partition(".")
    assert there not in back
    browser.keeps("rc_openid", f"{secret}.L2NvbnNvbGUvYg")
    assert (await browser.opens(back)).status == 400


async def test_a_token_with_another_nonce_proves_nothing(browser: Browser) -> None:
    back = await browser.goes_through(with_query(await browser.begins(), nonce="of another attempt"), ALICE)
    assert (await browser.opens(back)).status == 403
    assert await browser.is_somebody() is None


async def test_a_code_is_good_once_and_for_who_began(browser: Browser) -> None:
    asked = await browser.begins()
    secret = browser.cookie("rc_openid").value
    back = await browser.goes_through(asked, ALICE)
    assert (await browser.opens(back)).status == 200
    browser.keeps("rc_openid", secret)
    assert (await browser.opens(back)).status == 403
    other = await browser.goes_through(with_query(await browser.begins(), code_challenge="x" * 43), ALICE)
    assert (await browser.opens(other)).status == 403


async def test_an_answer_of_another_provider_is_none(browser: Browser) -> None:
    for iss in ("https://evil.example", ""):
        back = await browser.goes_through(await browser.begins(), ALICE)
        assert "&iss=" in back
        assert (await browser.opens(with_query(back, iss=iss) if iss else back.partition("&iss=")[0])).status == 403


async def test_who_went_back_is_told_so(browser: Browser) -> None:
    state = parse_qs(urlsplit(await browser.begins()).query)["state"][0]
    answer = await browser.opens(f"/login/openid/callback?error=access_denied&state={state}")
    assert (answer.status, "Begin again" in answer.text) == (403, True)


async def test_an_account_that_is_not_for_them_lets_nobody_in(opened: OpenOffice, browser: Browser) -> None:
    """One with a password is no provider's to open, whatever it names somebody by; nor is one of their name."""
    await opened.identities.add_account("bob", PASSWORD, LISTENER, actor="test")
    for who in ("bob", "alice", "nobody <b>"):
        async with a_browser(opened.address) as another:
            answer = await another.logs_in(who)
            assert (answer.status, await another.is_somebody()) == (403, None), who
            assert "<code>" in answer.text
            assert "<b>" not in answer.text
    french = await browser.goes_through(await browser.begins(), "bob")
    answer = await browser.opens(french, headers={"Accept-Language": "fr-FR,fr;q=0.9,en;q=0.5"})
    assert "avez pas de compte ici" in answer.text


async def test_an_account_that_is_disabled_is_out_and_does_not_come_back(opened: OpenOffice, browser: Browser) -> None:
    await browser.logs_in(ALICE)
    await opened.identities.disable_account("alice", actor="test")
    await asyncio.sleep(2 * EVERY_S)
    assert await browser.is_somebody() is None
    assert (await browser.logs_in(ALICE)).status == 403
    await opened.identities.change_account("alice", enable=True, actor="test")
    assert (await browser.logs_in(ALICE)).status == 200


async def test_an_account_has_one_way_in_and_another_one_logs_out(opened: OpenOffice, browser: Browser) -> None:
    client = opened.office.client
    for given in ("", PASSWORD, ALICE):
        async with client.post("/api/v1/session", json={"name": "alice", "password": given}) as answer:
            assert answer.status == 401
    await browser.logs_in(ALICE)
    await opened.identities.change_account("alice", password=PASSWORD, actor="test")
    await asyncio.sleep(2 * EVERY_S)
    assert await browser.is_somebody() is None
    assert (await browser.logs_in(ALICE)).status == 403
    async with client.post("/api/v1/session", json={"name": "alice", "password": PASSWORD}) as answer:
        assert answer.status == 200


async def test_who_fails_too_often_is_not_listened_to_and_neither_is_their_password(
    opened: OpenOffice, browser: Browser
) -> None:
    for _ in range(BY_ADDRESS):
        state = parse_qs(urlsplit(await browser.begins()).query)["state"][0]
        answer = await browser.opens(with_query("/login/openid/callback", code="guessed", state=state))
        assert answer.status == 403
    held_off = await browser.opens("/login/openid")
    assert (held_off.status, int(held_off.headers["Retry-After"]) > 0) == (429, True)
    account = {"name": "alice", "password": PASSWORD}
    async with opened.office.client.post("/api/v1/session", json=account) as answer_to_password:
        assert answer_to_password.status == 429


async def guesses(opened: OpenOffice) -> int:
    """Somebody comes back who has never been at the provider: the status of the answer."""
    secret = new_secret()
    headers = {"Cookie": f"rc_openid={cookie_of(secret, HOME)}"}
    there = with_query(CALLBACK, code="guessed", state=attempt_of(secret, HOME).state)
    async with aiohttp.ClientSession(opened.address) as session, session.get(there, headers=headers) as answer:
        return answer.status


async def test_many_who_guess_at_once_have_the_provider_asked_no_more_often_than_one(opened: OpenOffice) -> None:
    asked: Counter[int] = Counter()
    while not asked[429] or sum(asked.values()) < BY_ADDRESS + ATTEMPTS:
        asked.update(await asyncio.gather(*(guesses(opened) for _ in range(10))))
    statuses = asked + Counter(await asyncio.gather(*(guesses(opened) for _ in range(10))))
    assert statuses.keys() == {403, 429}
    assert statuses[403] < BY_ADDRESS + ATTEMPTS


async def test_a_provider_that_is_away_is_no_reason_to_ask_it_for_ever(opens: Opens) -> None:
    async with opens(f"http://127.0.0.1:{free_port()}") as opened:
        for _ in range(BY_ADDRESS):
            assert await guesses(opened) == 503
        assert await guesses(opened) == 429
        await opened.identities.add_account("bob", PASSWORD, LISTENER, actor="test")
        async with opened.office.client.post("/api/v1/session", json={"name": "bob", "password": PASSWORD}) as local:
            assert local.status == 200


async def test_a_claim_that_the_token_has_not_is_asked_for(opens: Opens, issuer: str) -> None:
    """By another way for the secret, too; and what the provider never says names nobody."""
    chosen = {"claim": "preferred_username", "client_id": "by-post"}
    async with opens(issuer, **chosen) as opened, a_browser(opened.address) as one:
        await opened.identities.add_openid_account("claire", "c@exemple.example", LISTENER, actor="test")
        assert (await one.logs_in("c")).status == 200
        assert await one.is_somebody() == "account:claire"
        async with a_browser(opened.address) as another:
            assert "a-248289761001@exemple.example" in (await another.logs_in(ALICE)).text


async def test_a_claim_that_nobody_says_names_nobody(opens: Opens, issuer: str) -> None:
    async with (
        opens(issuer, claim="employee") as opened,
        a_browser(opened.address) as one,
    ):
        assert (await one.logs_in(ALICE)).status == 403


@pytest.mark.parametrize(("off_by_s", "status"), [(-60.0, 200), (60.0, 200), (-300.0, 403), (3600.0 + 300.0, 403)])
async def test_clocks_may_differ_by_two_minutes(opens: Opens, issuer: str, off_by_s: float, status: int) -> None:
    clocked = opens(issuer, clock=lambda: time.time() + off_by_s)
    async with clocked as opened, a_browser(opened.address) as one:
        assert (await one.logs_in(ALICE)).status == status


async def test_a_token_that_another_key_has_signed_proves_nothing(opens: Opens) -> None:
    with a_provider(shown=[IMPOSTOR]) as impostor:
        async with opens(impostor) as opened, a_browser(opened.address) as one:
            assert (await one.logs_in(ALICE)).status == 403
            assert await one.is_somebody() is None


async def test_a_provider_that_is_away_keeps_nobody_from_a_password_and_comes_back(
    opens: Opens,
) -> None:
    port = free_port()
    async with (
        opens(f"http://127.0.0.1:{port}") as opened,
        a_browser(opened.address) as one,
    ):
        await opened.identities.add_account("bob", PASSWORD, LISTENER, actor="test")
        answer = await one.opens("/login/openid")
        assert (answer.status, "does not answer" in answer.text) == (503, True)
        async with opened.office.client.post("/api/v1/session", json={"name": "bob", "password": PASSWORD}) as local:
            assert local.status == 200
        with a_provider(keys=[KEY], port=port):
            assert (await one.logs_in(ALICE)).status == 200
            back = await one.goes_through(await one.begins(), ALICE)
        assert (await one.opens(back)).status == 503
        with a_provider(keys=[ANOTHER_KEY], port=port):
            async with a_browser(opened.address) as another:
                assert (await another.logs_in(ALICE)).status == 200


async def test_a_document_of_another_issuer_is_not_believed(opens: Opens, issuer: str) -> None:
    named_otherwise = issuer.replace("127.0.0.1", "localhost")
    async with opens(named_otherwise) as opened, a_browser(opened.address) as one:
        assert (await one.opens("/login/openid")).status == 503
