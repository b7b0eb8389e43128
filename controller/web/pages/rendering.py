"""Makes pages of templates, in the language of who reads them."""

import asyncio
from collections.abc import Mapping
from datetime import datetime
from functools import cache, partial
from typing import Any, Final
from urllib.parse import urlencode

from aiohttp import web
from jinja2 import Environment, PackageLoader, StrictUndefined, pass_context
from jinja2.runtime import Context

from controller.domain.access import grant
from controller.threads import off_the_loop
from controller.web.pages.decisions import actor
from controller.web.pages.languages import COOKIE as LANGUAGE_COOKIE
from controller.web.pages.languages import LANGUAGES, language_of, said
from controller.web.principals import PRINCIPAL, SESSION
from controller.web.routes import NAVIGATION, PAGES
from controller.web.session import COOKIE, csrf_of

A_YEAR_S = 365 * 24 * 3600

MOST_RENDERED: Final = 2
"""How many pages are made at the same time: each takes turns with the loop, which has to come round for a pause."""
RENDERING: Final = web.AppKey("rendering", asyncio.Semaphore)
"""Who makes a page waits for this one."""


async def rendered(request: web.Request, template: str, *, status: int = 200, **values: Any) -> web.Response:  # noqa: ANN401 - what a template needs
    """A page; a template has ``t(name, …)`` for words, and ``may(action)``.

    Made beside the loop, as its template is when it is the first: however much is on it, no pause waits for it.
    """
    language = language_of(request)
    make = partial(
        _made,
        template,
        language=language,
        languages=LANGUAGES,
        path=request.path,
        framed=is_framed(request),
        conditions=urlencode([(name, value) for name, value in request.query.items() if name != "lang"]),
        t=partial(said, language),
        **_of_who_reads(request),
        **values,
    )
    async with request.config_dict[RENDERING]:
        text = await off_the_loop(make)
    response = web.Response(text=text, content_type="text/html", status=status)
    response.headers["Cache-Control"] = "no-store"
    response.headers["Content-Language"] = language
    response.headers["Vary"] = "Accept-Language, Cookie"
    if request.query.get("lang") in LANGUAGES:
        response.set_cookie(LANGUAGE_COOKIE, language, samesite="Lax", httponly=True, path="/", max_age=A_YEAR_S)
    return response


def is_framed(request: web.Request) -> bool:
    """Whether it is for a frame, as a browser says (Fetch Metadata)."""
    return request.headers.get("Sec-Fetch-Dest") in {"iframe", "frame"}


def _of_who_reads(request: web.Request) -> Mapping[str, Any]:
    """Who that is, and which pages there are for them."""
    principal = request.get(PRINCIPAL)
    if principal is None:
        return {"principal": None, "navigation": (), "csrf": "", "may": lambda _action: False}
    return {
        "principal": principal,
        "navigation": tuple(
            (name, path) for name, path in NAVIGATION.items() if grant(principal, PAGES[f"GET {path}"]) is not None
        ),
        "csrf": csrf_of(request.cookies[COOKIE]) if SESSION in request else "",
        "may": lambda action: grant(principal, action) is not None,
    }


def _made(template: str, **values: Any) -> str:  # noqa: ANN401 - what a template needs
    return _environment().get_template(template).render(**values)


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader("controller.web.pages"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["moment"] = _moment
    environment.filters["clock"] = _clock
    environment.filters["actor"] = _actor
    environment.filters["iso"] = lambda time: time.isoformat(timespec="milliseconds")
    return environment


@pass_context
def _actor(context: Context, constant: str) -> str:
    """Who or what caused something, in the language of the page."""
    return actor(context["language"], constant)


def _clock(milliseconds: int | None) -> str:
    """A length of time, or a place in a recording, as people read it: ``1:05``, ``1:00:05``."""
    if milliseconds is None:
        return ""
    minutes, seconds = divmod(milliseconds // 1000, 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{seconds:02}" if hours else f"{minutes}:{seconds:02}"


def _moment(time: datetime | None) -> str:
    """A time as people read it, to the second, in UTC."""
    return f"{time:%Y-%m-%d %H:%M:%S} UTC" if time is not None else ""
