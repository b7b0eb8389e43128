"""What becomes of stored recordings, over HTTP: holds, outcomes, documents, retention, and data subjects' requests.

Owns no rule: each handler asks the service that the command of the same name asks. A number comes in a body only.
"""

import tempfile
from collections.abc import AsyncGenerator, Generator
from contextlib import aclosing
from dataclasses import asdict
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Any

from aiohttp import web

from controller.config.settings import DataController
from controller.custody import documents, erasing, holds, outcomes, rectifying, retention, reviewing
from controller.custody.custody import Custody, Holding
from controller.custody.documents import DocumentOnFile, NewDocument
from controller.custody.exporting import CALLS, REVIEW, Encoding, export, reviewed
from controller.custody.listening import Listener
from controller.custody.releasing import release
from controller.custody.rendering import mp3_of
from controller.domain.records import HoldRecord
from controller.errors import ObjectGone, RegisterRefused
from controller.runtime.clock import now
from controller.threads import off_the_loop
from controller.web.answers import told
from controller.web.bodies import call_id_of, moment, moment_of, object_of, texts_of
from controller.web.stored import ACTOR, sent_in_pieces

MOST_STEPS = 1000
"""How many steps of retention are told one by one; all are counted."""
MOST_DOCUMENT_BYTES = 32 * 1024 * 1024


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
        router.add_post("/outcomes", self.tell_outcome)
        router.add_get("/documents", self.list_documents)
        router.add_post("/documents", self.add_document)
        router.add_get("/documents/{id}", self.fetch_document)
        router.add_get("/retention", self.foresee)
        router.add_get("/retention/review", self.review)
        router.add_post("/retention/review", self.apply_review)
        router.add_post("/subjects/export", self.export)
        router.add_post("/subjects/erase", self.erase)
        router.add_post("/subjects/restrict", self.restrict)
        router.add_post("/subjects/rectify", self.rectify)

    @told
    async def list_holds(self, _request: web.Request) -> web.Response:
        """The legal holds that stand."""
        return web.json_response([_hold(hold) for hold in await holds.holds(self._custody)])

    @told
    async def place_hold(self, request: web.Request) -> web.Response:
        """Place one: nothing of the call is destroyed meanwhile."""
        body = await texts_of(request, required={"call", "why"}, optional={"until"})
        until = moment_of("until", body["until"]) if "until" in body else None
        placed = await holds.place(self._custody, call_id_of(body["call"]), body["why"], until, actor=ACTOR)
        return web.json_response(_hold(placed), status=201)

    @told
    async def lift_hold(self, request: web.Request) -> web.Response:
        """Lift one."""
        return web.json_response(_hold(await holds.lift(self._custody, request.match_info["id"], actor=ACTOR)))

    @told
    async def tell_outcome(self, request: web.Request) -> web.Response:
        """Say whether a contract came of a call."""
        body = await texts_of(request, required={"call", "outcome"})
        changed = await outcomes.tell_outcome(self._custody, call_id_of(body["call"]), body["outcome"], actor=ACTOR)
        return web.json_response({"changed": changed})

    @told
    async def list_documents(self, request: web.Request) -> web.Response:
        """Documents of analysis of a call."""
        found = documents.documents(self._custody, call_id_of(request.query.get("call", "")))
        async with aclosing(found) as rows:
            return web.json_response([_document(row) async for row in rows])

    @told
    async def add_document(self, request: web.Request) -> web.Response:
        """Keep one: what is in the body, under the conditions of the query."""
        query = request.query
        missing = {"call", "purpose", "kind"} - query.keys()
        if missing:
            raise RegisterRefused(*(f"{name}: is missing" for name in sorted(missing)))
        new = NewDocument(
            call_id=call_id_of(query["call"]),
            purpose=query["purpose"],
            kind=query["kind"],
            media_type=request.content_type,
        )
        content = await request.clone(client_max_size=MOST_DOCUMENT_BYTES).read()
        added = await documents.add(self._custody, new, [content], actor=ACTOR)
        return web.json_response(_plain(asdict(added)), status=201)

    @told
    async def fetch_document(self, request: web.Request) -> web.StreamResponse:
        """What one says."""
        listener = Listener(who=ACTOR, why=request.query.get("reason"))
        pieces = await documents.fetch(self._custody, request.match_info["id"], listener)
        return await sent_in_pieces(request, pieces)

    @told
    async def foresee(self, request: web.Request) -> web.Response:
        """What a run of retention would do now, or at another time; nothing is done."""
        at = moment_of("at", request.query["at"]) if "at" in request.query else now()
        steps: list[dict[str, Any]] = []

        def tell(step: retention.Step) -> None:
            if len(steps) < MOST_STEPS:
                steps.append(_step(step))

        report = await retention.run(self._custody, at=at, dry_run=True, actor=ACTOR, tell=tell)
        return web.json_response({"at": moment(at), "counts": dict(report.done), "steps": steps})

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
        changed = await reviewing.apply(self._custody, lengthen=body.get("lengthen", False), actor=ACTOR)
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
                actor=ACTOR,
            )
            if done is None:
                raise ObjectGone("nothing is stored of this customer")
            if answers is None:
                return web.Response(body=await off_the_loop((folder / CALLS).read_bytes), content_type=_JSON)
            await off_the_loop(reviewed, folder / REVIEW, {str(name): str(said) for name, said in answers.items()})
            archive = (await release(self._custody, folder, actor=ACTOR)).archive
            return await sent_in_pieces(request, _read(archive), "application/zip")

    @told
    async def erase(self, request: web.Request) -> web.Response:
        """Erase what is stored of a customer, as far as it may be; ``dry-run`` says what that comes to."""
        body = await texts_of(request, required={"number"}, optional={"dry_run"})
        done = await erasing.erase(self._custody, body["number"], actor=ACTOR, dry_run=_yes(body, "dry_run"))
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
        return web.json_response({"changed": await change(self._custody, body["number"], actor=ACTOR)})

    @told
    async def rectify(self, request: web.Request) -> web.Response:
        """Put right what is stored of a call that is over."""
        body = await texts_of(request, required={"call"}, optional={"agent", "queue", "number"})
        if len(body) == 1:
            raise RegisterRefused("the body must have agent, queue or number, too")
        call = call_id_of(body.pop("call"))
        await rectifying.rectify(self._custody, call, actor=ACTOR, **body)
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
