"""The registers over HTTP, under ``/api/v1``: which agents were informed, and who objects.

Owns no rule: what may be registered is ``controller.runtime.registration``'s to say. A customer is named by the keyed
hash of their number; a number comes in by a body only, so that no log of requests holds one.
"""

from collections.abc import Sequence
from datetime import UTC, date, datetime
from typing import Any

from aiohttp import web

from controller.domain.records import EVERY_PURPOSE, NoticeRecord, ObjectionRecord
from controller.errors import RegisterRefused
from controller.faults import Code, Fault
from controller.runtime.clock import today
from controller.runtime.notice_list import from_csv, from_json
from controller.runtime.registration import Registration
from controller.threads import off_the_loop
from controller.web.answers import told
from controller.web.bodies import MOST_NOTICE_BYTES, offset_moment_of, texts_of, whole
from controller.web.paging import asked, page
from controller.web.principals import actor_of, grant_of, refused_by_now
from controller.web.problems import problem

_READERS = {"text/csv": from_csv, "application/json": from_json}


class RegistersApi:
    """Handlers of both registers."""

    def __init__(self, registration: Registration) -> None:
        self._registration = registration

    def add_to(self, router: web.UrlDispatcher) -> None:
        """Answer under ``/api/v1``."""
        router.add_get("/notices", self.list_notices)
        router.add_post("/notices", self.import_notices)
        router.add_delete("/notices/{agent}", self.withdraw_notices)
        router.add_get("/objections", self.list_objections)
        router.add_post("/objections", self.add_objection)
        router.add_post("/objections/end", self.end_objections_of_number)
        router.add_delete("/objections/{customer:[0-9a-f]+}", self.end_objections)

    @told
    async def list_notices(self, request: web.Request) -> web.Response:
        """Who has been informed, a page at a time."""
        found, following = await notices_page(self._registration, request)
        return web.json_response({"notices": [_notice(one) for one in found], "next": following})

    @told
    async def import_notices(self, request: web.Request) -> web.Response:
        """Put a list on file; the daemon knows it when this is answered."""
        read = _READERS.get(request.content_type)
        if read is None:
            return problem(415, "Unsupported Media Type", f"the body is one of {', '.join(_READERS)}")
        body = await whole(request, MOST_NOTICE_BYTES)
        refused = refused_by_now(request)
        if refused is not None:
            return refused
        notices = await off_the_loop(read, body, source="body", today=today())
        imported = await self._registration.import_notices(notices, actor=actor_of(request))
        return web.json_response(
            {"added": imported.added, "corrected": imported.corrected, "unchanged": imported.unchanged}
        )

    @told
    async def withdraw_notices(self, request: web.Request) -> web.Response:
        """Say that an agent was not informed."""
        agent, version = request.match_info["agent"], request.query.get("version")
        found = await self._registration.withdraw_notices(agent, version, actor=actor_of(request))
        if not found:
            return problem(404, "Not Found", "no such notice is on file", code=Code.NO_NOTICE)
        return web.json_response([_notice(notice) for notice in found])

    @told
    async def list_objections(self, request: web.Request) -> web.Response:
        """Who objects to what, a page at a time."""
        found, following = await objections_page(self._registration, request)
        return web.json_response({"objections": [_objection(one) for one in found], "next": following})

    @told
    async def add_objection(self, request: web.Request) -> web.Response:
        """Put an objection on file."""
        body = await texts_of(request, required={"number"}, optional={"purpose", "until"})
        purposes = grant_of(request).purposes
        if purposes is not None and body.get("purpose") not in purposes:
            choice = ", ".join(sorted(purposes))
            raise RegisterRefused(Fault(Code.NOT_YOURS, f"must be one of yours: {choice}", of="purpose", choice=choice))
        until = offset_moment_of("until", body["until"]) if "until" in body else None
        purpose, actor = body.get("purpose"), actor_of(request)
        objection = await self._registration.add_objection(body["number"], purpose, until, actor=actor)
        return web.json_response(_objection(objection), status=201)

    @told
    async def end_objections_of_number(self, request: web.Request) -> web.Response:
        """End what the customer of a number objects to."""
        body = await texts_of(request, required={"number"}, optional={"purpose"})
        return await self._end(request, self._registration.customer(body["number"]), body.get("purpose"))

    @told
    async def end_objections(self, request: web.Request) -> web.Response:
        """End what a customer objects to."""
        try:
            customer = bytes.fromhex(request.match_info["customer"])
        except ValueError:
            return _no_objection()
        return await self._end(request, customer, request.query.get("purpose"))

    async def _end(self, request: web.Request, customer: bytes, purpose: str | None) -> web.Response:
        """An objection to every purpose ends only by who may end all."""
        purposes = grant_of(request).purposes
        scopes = [purpose] if purposes is None else [one for one in sorted(purposes) if purpose in {None, one}]
        found = [
            objection
            for scope in scopes
            for objection in await self._registration.end_objections(customer, scope, actor=actor_of(request))
        ]
        return web.json_response([_objection(objection) for objection in found]) if found else _no_objection()


async def objections_page(
    registration: Registration, request: web.Request
) -> tuple[Sequence[ObjectionRecord], str | None]:
    """Who objects to purposes of theirs who ask, or to every one; and where the next page begins.

    Raises ``RegisterRefused``, ``DatabaseAway``.
    """
    which, purposes = asked(request), grant_of(request).purposes
    scopes = None if purposes is None else {*purposes, EVERY_PURPOSE}
    found = await registration.objections_before(which.before, which.id, scopes=scopes, limit=which.one_more)
    return page(found, which, lambda one: (one.at, f"{one.customer_hash.hex()}~{one.scope}"))


async def notices_page(registration: Registration, request: web.Request) -> tuple[Sequence[NoticeRecord], str | None]:
    """Who was informed; and where the next page begins. Raises ``RegisterRefused``, ``DatabaseAway``."""
    which = asked(request)
    found = await registration.notices_before(which.before, which.id, limit=which.one_more)
    return page(found, which, _mark)


def _mark(notice: NoticeRecord) -> tuple[datetime, str]:
    day = notice.informed_at or date.min
    return datetime(day.year, day.month, day.day, tzinfo=UTC), f"{notice.agent}~{notice.version}"


def _no_objection() -> web.Response:
    return problem(404, "Not Found", "no such objection is on file", code=Code.NO_OBJECTION)


def _notice(notice: NoticeRecord) -> dict[str, Any]:
    day = notice.informed_at
    return {"agent": notice.agent, "informed_at": day.isoformat() if day else None, "version": notice.version}


def _objection(objection: ObjectionRecord) -> dict[str, Any]:
    return {
        "customer": objection.customer_hash.hex(),
        "scope": objection.scope,
        "at": objection.at.isoformat(timespec="milliseconds"),
        "until": objection.until.isoformat(timespec="milliseconds"),
    }
