"""What becomes of stored recordings, over HTTP: holds, outcomes, documents, retention, and data subjects' requests.

Owns no rule: each handler asks the service that the command of the same name asks. A number comes in a body only.
"""

import tempfile
from collections.abc import AsyncGenerator, Generator, Sequence
from contextlib import aclosing
from dataclasses import asdict
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Any

from aiohttp import web

from controller.config.settings import DataController
from controller.custody import documents, erasing, holds, outcomes, rectifying, retention, reviewing
from controller.custody.calls import NOT_ON_FILE
from controller.custody.custody import Custody, Holding
from controller.custody.documents import DocumentOnFile, NewDocument
from controller.custody.exporting import CALLS, REVIEW, Encoding, export, reviewed
from controller.custody.finding import Search, found_by
from controller.custody.forecast import forecast
from controller.custody.releasing import release
from controller.custody.rendering import mp3_of
from controller.domain.names import CallId
from controller.domain.records import HoldRecord
from controller.errors import ObjectGone, RegisterRefused
from controller.faults import Code, Fault
from controller.runtime.clock import now
from controller.threads import off_the_loop
from controller.web.answers import told
from controller.web.bodies import MOST_DOCUMENT_BYTES, call_id_of, moment, moment_of, object_of, texts_of, whole
from controller.web.paging import asked, page
from controller.web.principals import actor_of, grant_of, listener_of, refused_by_now
from controller.web.problems import problem
from controller.web.stored import sent_in_pieces

MOST_STEPS = 1000
"""How many steps of retention are told one by one; all are counted."""


class CustodyApi:
    """Handlers of what is decided about stored recordings."""

    def __init__(self, custody: Custody, data_controller: DataController) -> None:
        self._custody = custody
        self._data_controller = data_controller

    def add_to(self, router: web.UrlDispatcher) -> None:
        """Answer under ``/api/v1``."""
        router.add_get("/holds", self.list_holds)
        router.add_post("/holds", self.place_hold)
        router.add_delete("/holds/{id}", self.lift_hold)
        router.add_post("/holds/{id}/lift", self.lift_hold_because)
        router.add_post("/outcomes", self.tell_outcome)
        router.add_get("/documents", self.list_documents)
        router.add_post("/documents", self.add_document)
        router.add_get("/documents/{id}", self.fetch_document)
        router.add_get("/retention", self.foresee)
        router.add_get("/retention/forecast", self.forecast)
        router.add_get("/retention/review", self.review)
        router.add_post("/retention/review", self.apply_review)
        router.add_post("/subjects/export", self.export)
        router.add_post("/subjects/erase", self.erase)
        router.add_post("/subjects/restrict", self.restrict)
        router.add_post("/subjects/rectify", self.rectify)

    @told
    async def list_holds(self, request: web.Request) -> web.Response:
        """The legal holds that stand, a page at a time."""
        found, following = await holds_page(self._custody, request)
        return web.json_response({"holds": [_hold(hold) for hold in found], "next": following})

    @told
    async def place_hold(self, request: web.Request) -> web.Response:
        """Place one: nothing of the call is destroyed meanwhile."""
        body = await texts_of(request, required={"call", "why"}, optional={"until"})
        until = moment_of("until", body["until"]) if "until" in body else None
        placed = await holds.place(self._custody, call_id_of(body["call"]), body["why"], until, actor=actor_of(request))
        return web.json_response(_hold(placed), status=201)

    @told
    async def lift_hold(self, request: web.Request) -> web.Response:
        """Lift one."""
        return await self._lifted(request)

    @told
    async def lift_hold_because(self, request: web.Request) -> web.Response:
        """Lift one, and say why: in a body, since that may name people."""
        body = await texts_of(request, required={"why"})
        if not body["why"].strip():
            raise RegisterRefused(Fault(Code.MISSING, "must say why", of="why"))
        return await self._lifted(request, body["why"])

    async def _lifted(self, request: web.Request, why: str | None = None) -> web.Response:
        try:
            lifted = await holds.lift(self._custody, request.match_info["id"], why, actor=actor_of(request))
        except RegisterRefused as error:
            return problem(404, "Not Found", str(error), code=Code.NO_HOLD)
        return web.json_response(_hold(lifted))

    @told
    async def tell_outcome(self, request: web.Request) -> web.Response:
        """Say whether a contract came of a call."""
        body = await texts_of(request, required={"call", "outcome"})
        changed = await outcomes.tell_outcome(
            self._custody,
            call_id_of(body["call"]),
            body["outcome"],
            actor=actor_of(request),
            listener=listener_of(request),
        )
        return web.json_response({"changed": changed})

    @told
    async def list_documents(self, request: web.Request) -> web.Response:
        """Documents of analysis of a call."""
        found = documents.documents(self._custody, call_id_of(request.query.get("call", "")))
        listener = listener_of(request)
        async with aclosing(found) as rows:
            theirs = [row async for row in rows if listener.may_know(row.document.purpose, row.tier)]
        return web.json_response([_document(row) for row in theirs])

    @told
    async def add_document(self, request: web.Request) -> web.Response:
        """Keep one: what is in the body, under the conditions of the query."""
        query = request.query
        missing = {"call", "purpose", "kind"} - query.keys()
        if missing:
            raise RegisterRefused(*(Fault(Code.MISSING, "is missing", of=name) for name in sorted(missing)))
        if not grant_of(request).covers(query["purpose"]):
            raise RegisterRefused(documents.KEEPS_NONE)
        new = NewDocument(
            call_id=await self._their_call(request, query["call"]),
            purpose=query["purpose"],
            kind=query["kind"],
            media_type=request.content_type,
        )
        content = await whole(request, MOST_DOCUMENT_BYTES)
        refused = refused_by_now(request)  # a long body may take minutes
        if refused is not None:
            return refused
        added = await documents.add(self._custody, new, [content], actor=actor_of(request))
        return web.json_response(_plain(asdict(added)), status=201)

    @told
    async def fetch_document(self, request: web.Request) -> web.StreamResponse:
        """What one says."""
        pieces = await documents.fetch(self._custody, request.match_info["id"], listener_of(request))
        return await sent_in_pieces(request, pieces)

    async def _their_call(self, request: web.Request, text: str) -> CallId:
        """A call of which a recording exists for them. Raises ``RegisterRefused``, as where there was no such call."""
        call, listener = call_id_of(text), listener_of(request)
        if listener.purposes is None and listener.archive:
            return call
        if not (await found_by(self._custody, Search(call=call, limit=1), listener)).holdings:
            raise RegisterRefused(NOT_ON_FILE)
        return call

    @told
    async def foresee(self, request: web.Request) -> web.Response:
        """What a run of retention would do now, or at another time; nothing is done."""
        at = moment_of("at", request.query["at"]) if "at" in request.query else now()
        steps: list[dict[str, Any]] = []

        def tell(step: retention.Step) -> None:
            if len(steps) < MOST_STEPS:
                steps.append(_step(step))

        report = await retention.run(self._custody, at=at, dry_run=True, actor=actor_of(request), tell=tell)
        return web.json_response({"at": moment(at), "counts": dict(report.done), "steps": steps})

    @told
    async def forecast(self, _request: web.Request) -> web.Response:
        """How much comes to its end when, by month and purpose."""
        return web.json_response([asdict(one) for one in await forecast(self._custody)])

    @told
    async def review(self, _request: web.Request) -> web.Response:
        """What the policy in force would change of the dates that were fixed before."""
        return web.json_response([_plain(asdict(change)) for change in await reviewing.review(self._custody)])

    @told
    async def apply_review(self, request: web.Request) -> web.Response:
        """Have it applied; ``lengthen`` what may be kept for longer, too."""
        body = await object_of(request)
        if not set(body) <= {"lengthen"} or not isinstance(body.get("lengthen", False), bool):
            raise RegisterRefused('the body must be {} or {"lengthen": true}')
        changed = await reviewing.apply(self._custody, lengthen=body.get("lengthen", False), actor=actor_of(request))
        return web.json_response({"changed": changed})

    @told
    async def export(self, request: web.Request) -> web.StreamResponse:
        """What is stored of a customer, as JSON; with ``release`` for each recording, as a zip for them."""
        body = await object_of(request)
        number, answers = body.get("number"), body.get("release")
        if (
            not isinstance(number, str)
            or not isinstance(answers, dict | None)
            or not set(body) <= {"number", "release"}
        ):
            raise RegisterRefused('the body must be {"number": …} or {"number": …, "release": {NAME: "yes" or "no"}}')
        with tempfile.TemporaryDirectory(prefix="rc-export-") as made:
            folder = Path(made) / "copy"
            pieces = partial(mp3_of, self._custody) if answers is not None else _nothing
            done = await export(
                self._custody,
                number,
                folder,
                data_controller=self._data_controller,
                encoding=Encoding(suffix=".mp3", pieces=pieces),
                actor=actor_of(request),
            )
            if done is None:
                raise ObjectGone(Fault(Code.NOTHING_STORED, "nothing is stored of this customer"))
            if answers is None:
                return web.Response(body=await off_the_loop((folder / CALLS).read_bytes), content_type=_JSON)
            await off_the_loop(reviewed, folder / REVIEW, {str(name): str(said) for name, said in answers.items()})
            archive = (await release(self._custody, folder, actor=actor_of(request))).archive
            return await sent_in_pieces(request, _read(archive), "application/zip")

    @told
    async def erase(self, request: web.Request) -> web.Response:
        """Erase what is stored of a customer, as far as it may be; ``dry-run`` says what that comes to."""
        body = await texts_of(request, required={"number"}, optional={"dry_run"})
        dry_run = _yes(body, "dry_run")
        done = await erasing.erase(self._custody, body["number"], actor=actor_of(request), dry_run=dry_run)
        kept = [{"name": one.name, "reason": one.kept, "until": moment(one.due_at)} for one in done.kept]
        return web.json_response(
            {
                "erased": done.erased,
                "on_pbx": done.condemned,
                "kept": kept,
                "under_way": done.under_way,
                "forgotten": done.forgotten,
                "waiting": done.waiting,
                "objections_that_stay": done.objections,
            }
        )

    @told
    async def restrict(self, request: web.Request) -> web.Response:
        """Only store what is stored of a customer, or use it again (``lift``)."""
        body = await texts_of(request, required={"number"}, optional={"lift"})
        change = rectifying.lift if _yes(body, "lift") else rectifying.restrict
        return web.json_response({"changed": await change(self._custody, body["number"], actor=actor_of(request))})

    @told
    async def rectify(self, request: web.Request) -> web.Response:
        """Put right what is stored of a call that is over."""
        body = await texts_of(request, required={"call"}, optional={"agent", "queue", "number"})
        if len(body) == 1:
            raise RegisterRefused(Fault(Code.NOTHING_TO_RECTIFY, "the body must have agent, queue or number, too"))
        call = call_id_of(body.pop("call"))
        await rectifying.rectify(self._custody, call, actor=actor_of(request), **body)
        return web.json_response({"rectified": sorted(body)})


_JSON = "application/json"
_NO_AUDIO: tuple[bytes, ...] = ()


def _read(file: Path) -> Generator[bytes, None, None]:
    with file.open("rb") as stream:
        while piece := stream.read(2**20):
            yield piece


async def _nothing(_found: Holding) -> AsyncGenerator[bytes, None]:
    """Who only asks what there is gets no audio yet."""
    for piece in _NO_AUDIO:
        yield piece


def _yes(body: dict[str, str], name: str) -> bool:
    said = body.get(name, "no")
    if said not in {"yes", "no"}:
        raise RegisterRefused(f"{name}: must be yes or no")
    return said == "yes"


async def holds_page(custody: Custody, request: web.Request) -> tuple[Sequence[HoldRecord], str | None]:
    """The legal holds that stand; and where the next page begins. Raises ``RegisterRefused``, ``DatabaseAway``."""
    which = asked(request)
    found = await holds.newest_holds(custody, which.before, which.id, limit=which.one_more)
    return page(found, which, lambda one: (one.placed_at, one.id))


def _hold(hold: HoldRecord) -> dict[str, Any]:
    return {"call": hold.call_id, **_plain({k: v for k, v in asdict(hold).items() if k != "call_id"})}


def _document(row: DocumentOnFile) -> dict[str, Any]:
    return {**_plain(asdict(row.document)), "state": row.state, "octets": row.octets, "due_at": moment(row.due_at)}


def _step(step: retention.Step) -> dict[str, Any]:
    held = step.holding
    return {"what": step.what, "name": held.name, "purpose": held.purpose, "due_at": moment(held.stored.due_at)} | (
        {"reason": step.reason.value} if step.reason else {}
    )


def _plain(fields: dict[str, Any]) -> dict[str, Any]:
    return {name: moment(value) if isinstance(value, datetime) else value for name, value in fields.items()}
