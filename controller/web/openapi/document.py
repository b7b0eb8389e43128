"""The OpenAPI 3.1 document: every operation, as the tables of the code have it, and who may ask it."""

import json
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final

import msgspec

from controller.domain.access import TABLE
from controller.web.idempotency import KEY, NEVER
from controller.web.openapi.calls import CALLS
from controller.web.openapi.custody import KEEPING
from controller.web.openapi.desk import DESK
from controller.web.openapi.oneself import BESIDE, ONESELF
from controller.web.openapi.operation import Operation, Parameter
from controller.web.openapi.registers import REGISTERS
from controller.web.openapi.shapes import Problem
from controller.web.openapi.stored import STORED
from controller.web.problems import PROBLEM
from controller.web.routes import ACTIONS, OPEN, PREFIX

VERSION: Final = "1"
"""Of the API; a program that uses one goes on using the next, unless this changes."""

OPERATIONS: Final[Mapping[str, Operation]] = {**CALLS, **STORED, **KEEPING, **REGISTERS, **DESK, **ONESELF}
"""Keyed as ``controller.web.routes.ACTIONS`` is."""

KEY_PATTERN: Final = "^[!-~]{1,255}$"
_REF: Final = "#/components/schemas/{name}"
_END: Final = (r"\\Z", "$")
"""The end of a text in a pattern: as Python has it, and as JSON Schema does (ECMA-262)."""

_FOR_ALL: Final = {400: "The request is not what it should be; what it names is not on file."}
_FOR_WHO_IS_KNOWN: Final = {
    401: "Nobody that is known asks.",
    403: "No role of theirs ever does it; it is out of everybody's reach, or a reason is missing; `X-CSRF-Token` is.",
    503: "PostgreSQL, the object store or Asterisk does not answer: it may be tried again.",
}
_WITH_BODY: Final = {408: "The body did not come in time.", 413: "The body is too long."}
_KEYED: Final = {
    409: "The first request with this key is not answered yet.",
    422: "Another request had this key.",
}


def document() -> dict[str, Any]:
    """The document, as JSON has it."""
    everything = {PREFIX + path: one for path, one in _by_path(OPERATIONS).items()} | _by_path(BESIDE)
    schemas = _Schemas([*OPERATIONS.values(), *BESIDE.values()])
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "recording-controller over HTTP",
            "version": VERSION,
            "description": "Calls under way, stored recordings, registers, and the rights of data subjects. Who may "
            "ask what is said by `x-roles`: of all, of what serves their purposes, or of their own call. "
            "See docs/reference/http-api.md.",
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "servers": [{"url": "/"}],
        "tags": [{"name": name} for name in dict.fromkeys(one.part.value for one in OPERATIONS.values())],
        "paths": {
            path: {method.lower(): _operation(method, path, one, schemas) for method, one in methods.items()}
            for path, methods in everything.items()
        },
        "components": {
            "schemas": schemas.components,
            "parameters": {KEY: _key()},
            "securitySchemes": {
                "token": {"type": "http", "scheme": "bearer"},
                "session": {"type": "apiKey", "in": "cookie", "name": "rc_session"},
                "csrf": {"type": "apiKey", "in": "header", "name": "X-CSRF-Token"},
            },
        },
    }


def text() -> str:
    """The document as it stands in docs/reference."""
    written = json.dumps(document(), indent=2, ensure_ascii=False) + "\n"
    return written.replace(*_END)


def roles_of(asked: str) -> dict[str, str]:
    """Which roles may ask it, and of what; none where it is for everybody."""
    action = ACTIONS.get(asked)
    return {role.value: reach.value for role, reach in TABLE[action].items()} if action is not None else {}


def problems_of(asked: str, one: Operation) -> dict[int, str]:
    """By status why it may be refused."""
    reasons = [one.problems, _FOR_ALL]
    reasons += [_FOR_WHO_IS_KNOWN] if asked not in OPEN else []
    reasons += [_WITH_BODY] if one.body is not None or _is_keyed(asked) else []
    reasons += [_KEYED] if _is_keyed(asked) else []
    reasons += [{503: _FOR_WHO_IS_KNOWN[503]}] if asked == "POST /session" else []
    found: dict[int, str] = {}
    for status, reason in (item for table in reasons for item in table.items()):
        found[status] = f"{found[status]} Or: {reason}" if status in found else reason
    return dict(sorted(found.items()))


class _Schemas:
    """Every type that is named, as JSON Schema."""

    def __init__(self, operations: Iterable[Operation]) -> None:
        used = dict.fromkeys([Problem, *(of for one in operations for of in _types(one) if of is not None)])
        found, self.components = msgspec.json.schema_components(tuple(used), ref_template=_REF)
        self._of = dict(zip(used, found, strict=True))

    def of(self, type_: Any) -> dict[str, Any]:  # noqa: ANN401 - whatever msgspec knows
        """None: octets, of which nothing is known."""
        return dict(self._of[type_]) if type_ is not None else {}

    def content(self, content: Mapping[str, Any]) -> dict[str, Any]:
        return {media: {"schema": self.of(type_)} for media, type_ in content.items()}


def _types(one: Operation) -> Iterator[Any]:
    yield from (parameter.of for parameter in (*one.path, *one.query))
    yield from (one.body.content if one.body is not None else {}).values()
    for answer in one.answers.values():
        yield from answer.content.values()


def _by_path(operations: Mapping[str, Operation]) -> dict[str, dict[str, Operation]]:
    found: dict[str, dict[str, Operation]] = {}
    for asked, one in operations.items():
        method, path = asked.split(" ")
        found.setdefault(path, {})[method] = one
    return found


def _operation(method: str, path: str, one: Operation, schemas: _Schemas) -> dict[str, Any]:
    asked = f"{method} {path.removeprefix(PREFIX)}"
    ours = path.startswith(PREFIX)
    parameters = [_parameter(parameter, "path", schemas) for parameter in one.path]
    parameters += [_parameter(parameter, "query", schemas) for parameter in one.query]
    parameters += [{"$ref": f"#/components/parameters/{KEY}"}] if _is_keyed(asked) else []
    found: dict[str, Any] = {
        "operationId": "-".join([method.lower(), *path.removeprefix(PREFIX).translate(_PLAIN).split()]),
        "tags": [one.part.value],
        "summary": one.summary,
    }
    found |= {"description": one.text} if one.text else {}
    found |= {"parameters": parameters} if parameters else {}
    if one.body is not None:
        found["requestBody"] = {"content": schemas.content(one.body.content), "required": one.body.required}
    found["responses"] = _responses(asked, one, schemas, ours=ours)
    found["security"] = _security(method) if ours and asked not in OPEN else []
    return found | ({"x-action": ACTIONS[asked].value, "x-roles": roles_of(asked)} if asked in ACTIONS else {})


_PLAIN: Final = str.maketrans(dict.fromkeys("/{}.", " "))


def _is_keyed(asked: str) -> bool:
    return not asked.startswith("GET ") and asked not in NEVER


def _responses(asked: str, one: Operation, schemas: _Schemas, *, ours: bool) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for status, answer in one.answers.items():
        found[str(status)] = {"description": answer.text} | (
            {"content": schemas.content(answer.content)} if answer.content else {}
        )
    problem = {PROBLEM: {"schema": schemas.of(Problem)}}
    for status, reason in problems_of(asked, one).items() if ours else ():
        found[str(status)] = {"description": reason, "content": problem}
    return found


def _security(method: str) -> list[dict[str, list[str]]]:
    return [{"token": []}, {"session": []} if method == "GET" else {"session": [], "csrf": []}]


def _parameter(parameter: Parameter, place: str, schemas: _Schemas) -> dict[str, Any]:
    return {
        "name": parameter.name,
        "in": place,
        "description": parameter.text,
        "required": parameter.required or place == "path",
        "schema": schemas.of(parameter.of),
    }


def _key() -> dict[str, Any]:
    return {
        "name": KEY,
        "in": "header",
        "description": "A word of the client's own, another one for each thing that it wants done: what is sent again "
        "with the same one is not done again, and answered as before, for a day.",
        "required": False,
        "schema": {"type": "string", "pattern": KEY_PATTERN},
    }
