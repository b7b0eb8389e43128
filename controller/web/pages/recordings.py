"""``/console/recordings``: what is stored, found and described; and listened to, once somebody says that they do.

To describe a recording is no listening: its waveform is made and shown only where ``granted`` has written down who
listens, and why (``controller.custody.listening``). A customer's number comes in a body only.
"""

import json
from collections.abc import Mapping
from contextlib import aclosing
from datetime import date, timedelta
from functools import partial
from typing import Any, Final

from aiohttp import web

from controller.custody import documents
from controller.custody.custody import Custody, Holding
from controller.custody.documents import DocumentOnFile
from controller.custody.finding import Order, Page, Search, found_by
from controller.custody.listening import Use, granted, reason_required
from controller.custody.rendering import Shape, rendered, timeline_of
from controller.custody.telling import is_quarantined
from controller.custody.trail import accesses_to, decisions_about, why_held
from controller.domain.access import Action, grant
from controller.domain.names import CallId, RecordingName
from controller.domain.sides import sides_of
from controller.errors import NotForYou, ObjectGone, RegisterRefused
from controller.web.pages import decisions, rendering
from controller.web.pages.faults import in_words
from controller.web.pages.gate import Gate
from controller.web.pages.languages import language_of, said
from controller.web.pages.waveform import waveform
from controller.web.principals import PRINCIPAL, grant_of, listener_of
from controller.web.session import CSRF_FIELD
from controller.web.stored import search_of

FILTERS: Final = ("purpose", "queue", "agent", "call", "since", "until")
"""The conditions of the form, by the names that the API gives them; days here are whole ones."""


class RecordingPages:
    """Handlers of what is in the object store."""

    def __init__(self, custody: Custody) -> None:
        self._custody = custody

    def add_to(self, router: web.UrlDispatcher, gate: Gate) -> None:
        """Answer there."""
        gate.add(router, "GET /console/recordings", self.find)
        gate.add(router, "GET /console/recordings/search", self.find)
        gate.add(router, "POST /console/recordings/search", self.search)
        gate.add(router, "GET /console/recordings/{name}", self.show)
        gate.add(router, "GET /console/recordings/{name}/listen", self.listen)

    async def find(self, request: web.Request) -> web.StreamResponse:
        """What meets the conditions of the address."""
        return await self._found(request, given(request.query, *FILTERS, "after"))

    async def search(self, request: web.Request) -> web.StreamResponse:
        """The recordings of a customer, whose number stands in the form that was sent, and in no address."""
        sent = await request.post()
        return await self._found(request, {"number": "", **given(sent, "number", "after")})

    async def _found(self, request: web.Request, words: Mapping[str, str]) -> web.StreamResponse:
        faults, page = [], Page(holdings=(), next=None)
        try:
            page = await found_by(self._custody, search_for(words), listener_of(request))
        except RegisterRefused as error:
            faults = in_words(language_of(request), error.faults, labels="recordings")
        return await rendering.rendered(
            request,
            "recordings.html",
            status=400 if faults else 200,
            faults=faults,
            page=page,
            filters=words,
            purposes=self._purposes(request),
            field=CSRF_FIELD,
            quarantined=is_quarantined,
        )

    async def show(self, request: web.Request) -> web.StreamResponse:
        """What one is, how it came to be, and who had it."""
        return await self._described(request, await self._theirs(request))

    async def listen(self, request: web.Request) -> web.StreamResponse:
        """The same with its player, once it is written who listens."""
        try:
            found = await granted(self._custody, request.match_info["name"], listener_of(request), Use.LISTEN)
        except NotForYou:
            return await self._described(request, await self._theirs(request), status=403)
        made = await rendered(self._custody, found, Shape.PEAKS)
        async with aclosing(made.pieces()) as pieces:
            peaks = json.loads(b"".join([piece async for piece in pieces]))
        picture = waveform(peaks, await timeline_of(self._custody, found))
        return await self._described(request, found, picture=picture)

    async def _described(self, request: web.Request, found: Holding, *, status: int = 200, **more: Any) -> web.Response:  # noqa: ANN401 - what the template needs
        language, principal = language_of(request), request[PRINCIPAL]
        listens = grant(principal, Action.LISTEN)
        sees_accesses = grant(principal, Action.SERVE_SUBJECTS) is not None
        return await rendering.rendered(
            request,
            "recording.html",
            status=status,
            **{"picture": None, **more},
            found=found,
            why=request.query.get("reason", "").strip(),
            listens=listens is not None and listens.covers(found.purpose),
            quarantined=is_quarantined(found),
            out_of_hearing=is_quarantined,
            reason_required=partial(reason_required, self._custody),
            two_sides=len(sides_of(RecordingName(found.name))) > 1,
            decisions=await self._decisions(request, found.call_id),
            documents=await self._documents(request, found.call_id),
            accesses=await accesses_to(self._custody, found.name) if sees_accesses else None,
            **saying(language),
        )

    async def _decisions(self, request: web.Request, call: CallId) -> list[decisions.Told]:
        """Those about its call, in words, where they may read them."""
        principal = request[PRINCIPAL]
        if grant(principal, Action.READ_DECISIONS) is None:
            return []
        about = await decisions_about(self._custody, call, listener_of(request))
        whys = await why_held(self._custody, call) if grant(principal, Action.SEE_HOLDS) is not None else None
        return decisions.told(language_of(request), about, whys=whys)

    async def _documents(self, request: web.Request, call: CallId) -> list[DocumentOnFile]:
        """Those about its call that are theirs."""
        reads = grant(request[PRINCIPAL], Action.READ_DOCUMENTS)
        if reads is None:
            return []
        listener = listener_of(request)
        async with aclosing(documents.documents(self._custody, call)) as rows:
            return [
                row
                async for row in rows
                if reads.covers(row.document.purpose) and listener.may_know(row.document.purpose, row.tier)
            ]

    async def _theirs(self, request: web.Request) -> Holding:
        page = await found_by(self._custody, Search(name=request.match_info["name"]), listener_of(request))
        if not page.holdings:
            raise ObjectGone("no such recording is stored")
        return page.holdings[0]

    def _purposes(self, request: web.Request) -> list[str]:
        """Those that they may choose from."""
        return sorted(name for name in self._custody.policy().purposes if grant_of(request).covers(name))


class NothingStored:
    """What is there instead, where recordings stay on the PBX."""

    def add_to(self, router: web.UrlDispatcher, gate: Gate) -> None:
        """Answer there."""
        for place in ("recordings", "retention", "holds", "subjects"):
            gate.add(router, f"GET /console/{place}", self.show)

    async def show(self, request: web.Request) -> web.StreamResponse:
        """That there is nothing, and why."""
        return await rendering.rendered(request, "no_storage.html")


def saying(language: str) -> dict[str, Any]:
    """What a template says constants with."""
    return {
        "reason": partial(decisions.reason, language),
        "actor": partial(decisions.actor, language),
        "did": partial(_did, language),
    }


def given(words: Mapping[str, Any], *names: str) -> dict[str, str]:
    """The conditions that were filled in."""
    told = {name: words.get(name, "") for name in names}
    return {name: text.strip() for name, text in told.items() if isinstance(text, str) and text.strip()}


def search_for(words: Mapping[str, str]) -> Search:
    """What a form looks for, the newest first; the day that ``until`` names counts. Raises ``RegisterRefused``."""
    asked = {**words, "order": Order.NEWEST.value}
    if "until" in words:
        asked["until"] = _day_after(words["until"])
    return search_of(asked)


def _day_after(text: str) -> str:
    try:
        return (date.fromisoformat(text) + timedelta(days=1)).isoformat()
    except (ValueError, OverflowError):
        return text


def _did(language: str, action: str) -> str:
    """What somebody did by the access log; what another version wrote stands as it is."""
    try:
        return said(language, f"recordings.access-{action}")
    except KeyError:
        return action
