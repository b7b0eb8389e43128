"""The registers over HTTP, under ``/api/v1``: which agents were informed, and who objects.

Owns no rule: what may be registered is ``controller.runtime.registration``'s to say. A customer is named by the keyed
hash of their number; a number comes in by a body only, so that no log of requests holds one.
"""

from datetime import UTC, datetime
from typing import Any

from aiohttp import web

from controller.domain.records import NoticeRecord, ObjectionRecord
from controller.errors import RegisterRefused
from controller.runtime.clock import today
from controller.runtime.notice_list import from_csv, from_json
from controller.runtime.registration import Registration
from controller.web.answers import told
from controller.web.api import problem
from controller.web.bodies import texts_of

MOST_NOTICE_BYTES = 1024 * 1024
"""The longest list of notices: some twenty thousand agents."""

ACTOR = "api"

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
        router.add_delete("/objections/{customer}", self.end_objections)

    @told
    async def list_notices(self, _request: web.Request) -> web.Response:
        """Who has been informed."""
        return web.json_response([_notice(notice) for notice in await self._registration.notices()])

    @told
    async def import_notices(self, request: web.Request) -> web.Response:
        """Put a list on file; the daemon knows it when this is answered."""
        read = _READERS.get(request.content_type)
        if read is None:
            return problem(415, "Unsupported Media Type", f"the body is one of {', '.join(_READERS)}")
        body = await request.clone(client_max_size=MOST_NOTICE_BYTES).read()
        notices = read(body, source="body", today=today())
        imported = await self._registration.import_notices(notices, actor=ACTOR)
        return web.json_response(
            {"added": imported.added, "corrected": imported.corrected, "unchanged": imported.unchanged}
        )

    @told
    async def withdraw_notices(self, request: web.Request) -> web.Response:
        """Say that an agent was not informed."""
        agent, version = request.match_info["agent"], request.query.get("version")
        found = await self._registration.withdraw_notices(agent, version, actor=ACTOR)
        if not found:
            return problem(404, "Not Found", "no such notice is on file")
        return web.json_response([_notice(notice) for notice in found])

    @told
    async def list_objections(self, _request: web.Request) -> web.Response:
        """Who objects to what."""
        return web.json_response([_objection(objection) for objection in await self._registration.objections()])

    @told
    async def add_objection(self, request: web.Request) -> web.Response:
        """Put an objection on file."""
        body = await texts_of(request, required={"number"}, optional={"purpose", "until"})
        until = _time(body["until"]) if "until" in body else None
        objection = await self._registration.add_objection(body["number"], body.get("purpose"), until, actor=ACTOR)
        return web.json_response(_objection(objection), status=201)

    @told
    async def end_objections_of_number(self, request: web.Request) -> web.Response:
        """End what the customer of a number objects to."""
        body = await texts_of(request, required={"number"}, optional={"purpose"})
        return await self._end(self._registration.customer(body["number"]), body.get("purpose"))

    @told
    async def end_objections(self, request: web.Request) -> web.Response:
        """End what a customer objects to."""
        try:
            customer = bytes.fromhex(request.match_info["customer"])
        except ValueError:
            return _no_objection()
        return await self._end(customer, request.query.get("purpose"))

    async def _end(self, customer: bytes, purpose: str | None) -> web.Response:
        found = await self._registration.end_objections(customer, purpose, actor=ACTOR)
        return web.json_response([_objection(objection) for objection in found]) if found else _no_objection()


def _no_objection() -> web.Response:
    return problem(404, "Not Found", "no such objection is on file")


def _time(text: str) -> datetime:
    wrong = "until: must be a time with its offset, such as 2027-11-24T00:00:00+00:00"
    try:
        time = datetime.fromisoformat(text)
        if time.tzinfo is None:
            raise RegisterRefused(wrong)
        return time.astimezone(UTC)  # as it is read back, which nothing beyond the year 9999 can be
    except (ValueError, OverflowError):
        raise RegisterRefused(wrong) from None


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
