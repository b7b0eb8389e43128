"""A real OpenID provider in a process of its own, a browser that goes through its pages, and an office that uses it."""

import json
import re
import subprocess
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urljoin, urlsplit

import aiohttp
from joserfc.jwk import RSAKey
from sqlalchemy.ext.asyncio import AsyncEngine
from yarl import URL

from controller import outward
from controller.config import OpenIdConnect, Secret
from controller.db.identities import PostgresIdentities
from controller.domain.principal import Role
from controller.openid.provider import OpenIdProvider
from controller.runtime.identities import Identities, Scope
from controller.runtime.openid import CALLBACK
from controller.web.openid import OpenIdLogIn
from lab.ports import free_port
from tests.integration.offices import Office, an_office
from tests.unit.config.conftest import Place

SECRET = "an invented secret: + & %"
LISTENER = Scope(roles=frozenset({Role.LISTENER}), purposes=frozenset({"quality"}))
_ACTION = re.compile(r'<form[^>]*action="([^"]+)" method="post"')
_PROMPT = re.compile(r'name="prompt" value="(\w+)"')
_NODE = Path(__file__).parents[2] / "lab" / "node"


def a_key(name: str) -> dict[str, Any]:
    """A key that a provider signs with."""
    return dict(RSAKey.generate_key(2048, {"kid": name, "use": "sig", "alg": "RS256"}).as_dict(private=True))


KEY, ANOTHER_KEY = a_key("one"), a_key("another")
IMPOSTOR = {**{name: value for name, value in ANOTHER_KEY.items() if name in {"kty", "n", "e", "alg", "use"}}} | {
    "kid": "one"
}
"""Another key by the same name, as a provider shows it."""


@contextmanager
def a_provider(
    *, keys: Sequence[dict[str, Any]] = (KEY,), shown: Sequence[dict[str, Any]] | None = None, port: int = 0
) -> Iterator[str]:
    """Its issuer. It is killed at the end."""
    assert (_NODE / "node_modules").is_dir(), "npm packages are missing: run lab/setup/node"
    words = json.dumps({"keys": list(keys), "shown": list(shown) if shown is not None else None, "port": port})
    program = ["node", "provider.mjs", words]
    with subprocess.Popen(  # noqa: S603 - our own program
        program, cwd=_NODE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    ) as process:
        try:
            assert process.stdout is not None
            said = []
            while not (line := process.stdout.readline()).startswith("says "):
                said.append(line)
                assert line, "".join(said)
            yield line.removeprefix("says ").strip()
        finally:
            process.kill()


@dataclass(frozen=True, kw_only=True)
class Answer:
    """What a browser has before it."""

    status: int
    text: str
    headers: Any


class Browser:
    """Keeps cookies, and follows no redirect by itself."""

    def __init__(self, session: aiohttp.ClientSession, address: str) -> None:
        self._session = session
        self.address = address

    async def opens(self, path: str, **words: Any) -> Answer:
        """A page of ours, or of anybody."""
        url = urljoin(self.address, path)
        async with self._session.get(url, allow_redirects=False, **words) as answer:
            return Answer(status=answer.status, text=await answer.text(), headers=answer.headers)

    async def begins(self, path: str = "/login/openid") -> str:
        """Where it is sent to log in."""
        answer = await self.opens(path)
        assert answer.status == 302, answer
        return str(answer.headers["Location"])

    async def goes_through(self, url: str, who: str) -> str:
        """The provider's pages, filled in: the address at which it comes back to us."""
        form: dict[str, str] | None = None
        for _ in range(20):
            method = "GET" if form is None else "POST"
            async with self._session.request(method, url, data=form, allow_redirects=False) as answer:
                there, text = answer.headers.get("Location"), await answer.text()
            if there is None:
                action, prompt = _ACTION.search(text), _PROMPT.search(text)
                assert action, text
                assert prompt, text
                url, form = urljoin(url, action[1]), {"prompt": prompt[1], "login": who, "password": "any"}
                continue
            url, form = urljoin(url, there), None
            if urlsplit(url).path == CALLBACK:
                return url
        raise AssertionError(url)

    async def logs_in(self, who: str, path: str = "/login/openid") -> Answer:
        """All of it."""
        return await self.opens(await self.goes_through(await self.begins(path), who))

    async def is_somebody(self) -> str | None:
        """Who it is for the API; None for nobody."""
        answer = await self.opens("/api/v1/me")
        return str(json.loads(answer.text)["name"]) if answer.status == 200 else None

    def cookie(self, name: str) -> Any:
        """A cookie that it keeps, with all that was said of it; None where there is none."""
        return next((cookie for cookie in self._session.cookie_jar if cookie.key == name), None)

    def keeps(self, name: str, value: str) -> None:
        """A cookie of our own making."""
        self._session.cookie_jar.update_cookies({name: value}, URL(self.address))


@asynccontextmanager
async def a_browser(address: str) -> AsyncIterator[Browser]:
    """A new one, with no cookies."""
    async with aiohttp.ClientSession(cookie_jar=aiohttp.CookieJar(unsafe=True)) as session:
        yield Browser(session, address)


@dataclass(frozen=True, kw_only=True)
class OpenOffice:
    """An office in which people log in through a provider."""

    office: Office
    identities: Identities
    address: str


@asynccontextmanager
async def an_open_office(
    engine: AsyncEngine,
    folder: Path,
    place: Place,
    issuer: str,
    *,
    clock: Callable[[], float] | None = None,
    **settings: Any,
) -> AsyncIterator[OpenOffice]:
    """One whose daemon knows the provider with this issuer; ``settings`` are those of ``OpenIdConnect``."""
    port = free_port()
    address = f"http://127.0.0.1:{port}"
    chosen = OpenIdConnect(**{"issuer": issuer, "client_id": "recording-controller", "address": address, **settings})
    more = {"clock": clock} if clock is not None else {}
    async with outward.session_of() as session:
        provider = OpenIdProvider(chosen, secret=Secret(SECRET), session=session, **more)
        open_at = (lambda sessions: OpenIdLogIn(provider, sessions, encrypted=False), port)
        async with an_office(engine, folder, place, openid=open_at) as office:
            book = PostgresIdentities(engine)
            identities = Identities(
                ledger=office.custody.ledger, book=book, policy=office.custody.policy, pbxs=["main"]
            )
            await identities.add_openid_account("alice", "a-248289761001", LISTENER, actor="test")
            yield OpenOffice(office=office, identities=identities, address=address)
