"""Requests about the registers: who was informed, and who objects."""

from collections.abc import Mapping
from typing import Annotated, Final

from msgspec import Meta

from controller.web.openapi import people_shapes
from controller.web.openapi.calls import BEFORE, LIMIT
from controller.web.openapi.operation import JSON, Body, Operation, Parameter, Part, json_body, json_of

_PURPOSE: Final = Parameter(name="purpose", text="Of this purpose only.", example="quality")
_CSV: Final = "agent,informed_at,version\\n201,2026-01-05,2026-01"

REGISTERS: Final[Mapping[str, Operation]] = {
    "GET /notices": Operation(
        part=Part.REGISTERS,
        summary="Which agents were informed that they may be recorded",
        query=(BEFORE, LIMIT),
        answers=json_of("A page of them, the newest first.", people_shapes.Notices),
    ),
    "POST /notices": Operation(
        part=Part.REGISTERS,
        summary="Put a list of informed agents on file",
        text=f"JSON, or CSV with a header: `{_CSV}`. A list with a fault changes nothing, and so does one that is sent "
        "again.",
        body=Body(
            content={JSON: list[people_shapes.NewNotice], "text/csv": str},
            example='[{"agent": "201", "informed_at": "2026-01-05", "version": "2026-01"}]',
        ),
        answers=json_of("What it changed.", people_shapes.Imported),
        problems={415: "It is neither JSON nor CSV."},
    ),
    "DELETE /notices/{agent}": Operation(
        part=Part.REGISTERS,
        summary="Say that an agent was not informed",
        path=(Parameter(name="agent", text="The extension.", example="201"),),
        query=(Parameter(name="version", text="Of this version only.", example="2026-01"),),
        answers=json_of("What was on file.", list[people_shapes.Notice]),
        problems={404: "No such notice is on file."},
    ),
    "GET /objections": Operation(
        part=Part.REGISTERS,
        summary="The objections that hold",
        text="To purposes of theirs who ask, and to every one.",
        query=(BEFORE, LIMIT),
        answers=json_of("A page of them, the newest first.", people_shapes.Objections),
    ),
    "POST /objections": Operation(
        part=Part.REGISTERS,
        summary="Put an objection on file",
        text="It holds for calls that begin afterwards. No number is stored or shown.",
        body=json_body(people_shapes.NewObjection, '{"number": "01 99 00 00 17", "purpose": "quality"}'),
        answers=json_of("It is on file.", people_shapes.Objection, status=201),
    ),
    "POST /objections/end": Operation(
        part=Part.REGISTERS,
        summary="End the objections of a number",
        body=json_body(people_shapes.EndObjections, '{"number": "01 99 00 00 17"}'),
        answers=json_of("What held until now.", list[people_shapes.Objection]),
        problems={404: "No such objection is on file."},
    ),
    "DELETE /objections/{customer}": Operation(
        part=Part.REGISTERS,
        summary="End the objections of a customer",
        path=(
            Parameter(
                name="customer",
                text="As `GET /api/v1/objections` has it.",
                of=Annotated[str, Meta(pattern="^[0-9a-f]+$")],
                example="$CUSTOMER",
            ),
        ),
        query=(_PURPOSE,),
        answers=json_of("What held until now.", list[people_shapes.Objection]),
        problems={404: "No such objection is on file."},
    ),
}
