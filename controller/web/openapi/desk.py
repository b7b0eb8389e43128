"""Requests of those who answer for recordings: the sample, accounts and tokens, the configuration, the audit."""

from collections.abc import Mapping
from typing import Final

from controller.web.openapi import desk_shapes, shapes
from controller.web.openapi.operation import Operation, Parameter, Part, json_body, json_of

_ACCOUNT: Final = Parameter(name="name", text="The account.", example="alice")
_TOKEN: Final = Parameter(name="name", text="The token.", example="crm-2026")

DESK: Final[Mapping[str, Operation]] = {
    "GET /sampling": Operation(
        part=Part.DESK,
        summary="The share of chosen calls, week by week, against its limits",
        query=(
            Parameter(name="since", text="From the week of then on; twelve weeks unless given.", of=shapes.AskedMoment),
            Parameter(name="purpose", text="Of this purpose only.", example="quality"),
        ),
        answers=json_of("By purpose, stratum and week.", desk_shapes.Sample),
    ),
    "GET /accounts": Operation(
        part=Part.DESK,
        summary="Accounts of people",
        answers=json_of("By name, those that are disabled too.", list[desk_shapes.Account]),
    ),
    "POST /accounts": Operation(
        part=Part.DESK,
        summary="Add an account",
        body=json_body(
            desk_shapes.NewAccount,
            '{"name": "alice", "password": "…", "roles": ["listener"], "purposes": ["quality"]}',
        ),
        answers=json_of("It is added.", desk_shapes.Account, status=201),
    ),
    "POST /accounts/{name}": Operation(
        part=Part.DESK,
        summary="Change an account, or let it be used again",
        text="Roles, purposes, extension and PBX change together. Nobody changes their own.",
        path=(_ACCOUNT,),
        body=json_body(desk_shapes.ChangedAccount, '{"roles": ["supervisor"], "purposes": ["quality"]}'),
        answers=json_of("As it is now.", desk_shapes.Account),
    ),
    "POST /accounts/{name}/disable": Operation(
        part=Part.DESK,
        summary="Let nobody log in by an account any more",
        path=(_ACCOUNT,),
        answers=json_of("As it is now.", desk_shapes.Account),
    ),
    "GET /tokens": Operation(
        part=Part.DESK,
        summary="Tokens of programs, without what they are",
        answers=json_of("By name, those that were revoked too.", list[desk_shapes.Token]),
    ),
    "POST /tokens": Operation(
        part=Part.DESK,
        summary="Issue a token",
        text="It is told in this answer, and never again.",
        body=json_body(
            desk_shapes.NewToken, '{"name": "crm-2026", "roles": ["integration"], "purposes": ["quality"], "days": 180}'
        ),
        answers=json_of("It is issued.", desk_shapes.IssuedToken, status=201),
    ),
    "POST /tokens/{name}/revoke": Operation(
        part=Part.DESK,
        summary="Let nobody in by a token any more",
        path=(_TOKEN,),
        answers=json_of("As it is now.", desk_shapes.Token),
    ),
    "GET /audit": Operation(
        part=Part.DESK,
        summary="How far the chains of decisions are signed",
        text="Nothing is verified here: `recording-controller audit verify` does, in the hands of an auditor.",
        answers=json_of("Every chain.", desk_shapes.Audit),
    ),
    "GET /config": Operation(
        part=Part.DESK,
        summary="The policy in force, as its file was",
        answers=json_of("Its text, in which there is no secret.", desk_shapes.PolicyText),
    ),
    "GET /config/versions": Operation(
        part=Part.DESK,
        summary="What came into force when, by whom, and what it changed",
        answers=json_of("The newest first.", list[desk_shapes.PolicyChange]),
    ),
}
