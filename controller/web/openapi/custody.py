"""Requests about what becomes of stored recordings, and those of data subjects."""

from collections.abc import Mapping
from typing import Annotated, Final

from msgspec import Meta

from controller.web.openapi import keeping_shapes, shapes
from controller.web.openapi.calls import BEFORE, LIMIT
from controller.web.openapi.operation import JSON, Answer, Body, Operation, Parameter, Part, json_body, json_of
from controller.web.openapi.stored import REASON
from controller.web.openapi.subject import SubjectData

_NUMBER: Final = '{"number": "01 99 00 00 17"}'
_Word = Annotated[str, Meta(pattern="^[a-z][a-z-]{0,39}$")]

KEEPING: Final[Mapping[str, Operation]] = {
    "GET /holds": Operation(
        part=Part.KEEPING,
        summary="The legal holds that stand",
        query=(BEFORE, LIMIT),
        answers=json_of("A page of them, the newest first.", keeping_shapes.Holds),
    ),
    "POST /holds": Operation(
        part=Part.KEEPING,
        summary="Place a legal hold",
        text="Nothing of the call is destroyed from now on.",
        body=json_body(keeping_shapes.NewHold, '{"call": "…", "why": "claim 2026-114", "until": "2027-06-30"}'),
        answers=json_of("It stands.", keeping_shapes.Hold, status=201),
    ),
    "DELETE /holds/{id}": Operation(
        part=Part.KEEPING,
        summary="Lift a legal hold",
        path=(Parameter(name="id", text="The hold.", example="$HOLD"),),
        answers=json_of("It was lifted.", keeping_shapes.Hold),
        problems={404: "No such hold is on file, or it was lifted before."},
    ),
    "POST /holds/{id}/lift": Operation(
        part=Part.KEEPING,
        summary="Lift a legal hold, and say why",
        text="The reason is kept with it and stands in no decision.",
        path=(Parameter(name="id", text="The hold.", example="$HOLD"),),
        body=json_body(keeping_shapes.LiftHold, '{"why": "the claim is settled"}'),
        answers=json_of("It was lifted.", keeping_shapes.Hold),
        problems={404: "No such hold is on file, or it was lifted before."},
    ),
    "POST /outcomes": Operation(
        part=Part.KEEPING,
        summary="Say what came of a call",
        text="Its recordings are kept as their purposes say for this outcome.",
        body=json_body(keeping_shapes.Outcome, '{"call": "…", "outcome": "contract"}'),
        answers=json_of("How many dates changed.", keeping_shapes.HowMany),
    ),
    "GET /documents": Operation(
        part=Part.KEEPING,
        summary="The documents of analysis of a call",
        query=(Parameter(name="call", text="The call.", of=shapes.CallRef, required=True, example="$ID"),),
        answers=json_of("The oldest first.", list[keeping_shapes.Document]),
    ),
    "POST /documents": Operation(
        part=Part.KEEPING,
        summary="Keep a document of analysis",
        text="The body is the document, its `Content-Type` the media type.",
        query=(
            Parameter(name="call", text="The call.", of=shapes.CallRef, required=True, example="$ID"),
            Parameter(name="purpose", text="One that keeps documents (`analyses`).", required=True, example="quality"),
            Parameter(name="kind", text="A word for what it is.", of=_Word, required=True, example="evaluation"),
        ),
        body=Body(content={"*/*": None}, example="@evaluation.txt"),
        answers=json_of("It is kept.", keeping_shapes.AddedDocument, status=201),
    ),
    "GET /documents/{id}": Operation(
        part=Part.KEEPING,
        summary="What a document says",
        text="An entry of the access log.",
        path=(Parameter(name="id", text="The document.", example="$DOCUMENT"),),
        query=(REASON,),
        answers={200: Answer(text="Its octets.", content={"application/octet-stream": None})},
        problems={404: "No such document is stored, or it is none of theirs who ask."},
    ),
    "GET /retention": Operation(
        part=Part.KEEPING,
        summary="What a run of retention would do",
        text="Nothing is done.",
        query=(Parameter(name="at", text="When; now unless given.", of=shapes.AskedMoment, example="2027-05-25"),),
        answers=json_of("What it comes to.", keeping_shapes.Foreseen),
    ),
    "GET /retention/forecast": Operation(
        part=Part.KEEPING,
        summary="How much comes to its end when",
        answers=json_of("By month and purpose, what is due first.", list[keeping_shapes.Ends]),
    ),
    "GET /retention/review": Operation(
        part=Part.KEEPING,
        summary="What the policy in force would change of the dates that were fixed",
        answers=json_of("By purpose, what is sooner first.", list[keeping_shapes.Review]),
    ),
    "POST /retention/review": Operation(
        part=Part.KEEPING,
        summary="Apply that",
        body=json_body(keeping_shapes.ApplyReview, '{"lengthen": true}'),
        answers=json_of("How many dates changed.", keeping_shapes.HowMany),
    ),
    "POST /subjects/export": Operation(
        part=Part.SUBJECTS,
        summary="What is stored of a data subject, or their copy (GDPR art. 15)",
        text='Without `release` the list of it; with `"yes"` or `"no"` for the name of each recording and document '
        "the archive that goes to them. An entry of the access log, and a decision.",
        body=json_body(keeping_shapes.Subject, _NUMBER),
        answers={200: Answer(text="The list, or the archive.", content={JSON: SubjectData, "application/zip": None})},
        problems={404: "Nothing is stored of this customer.", 409: "What is stored is no audio that can be read."},
    ),
    "POST /subjects/erase": Operation(
        part=Part.SUBJECTS,
        summary="Erase what may be erased, and say what is kept (GDPR art. 17)",
        body=json_body(keeping_shapes.Erase, '{"number": "01 99 00 00 17", "dry_run": "yes"}'),
        answers=json_of("What came of it.", keeping_shapes.Erased),
    ),
    "POST /subjects/restrict": Operation(
        part=Part.SUBJECTS,
        summary="Only store what is stored of them, or end that (GDPR art. 18)",
        body=json_body(keeping_shapes.Restrict, _NUMBER),
        answers=json_of("False where it was so already.", keeping_shapes.Changed),
    ),
    "POST /subjects/rectify": Operation(
        part=Part.SUBJECTS,
        summary="Put right what is stored of a call that is over (GDPR art. 16)",
        body=json_body(keeping_shapes.Rectify, '{"call": "…", "queue": "support"}'),
        answers=json_of("What was put right.", keeping_shapes.Rectified),
    ),
}
