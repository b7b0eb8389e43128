"""The document served, and a page to read it: operations by part, what is sent and answered, who may, how by curl.

For everybody: it says what the program does, which is no secret, and nothing of what it holds.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any, Final

from aiohttp import web
from jinja2 import Environment, PackageLoader, StrictUndefined

from controller.threads import off_the_loop
from controller.web.idempotency import KEY
from controller.web.openapi import document
from controller.web.openapi.document import OPERATIONS, problems_of, roles_of
from controller.web.openapi.oneself import BESIDE
from controller.web.openapi.operation import JSON, Operation, Part
from controller.web.routes import OPEN, PREFIX

PAGE: Final = "/api/docs"
STYLE: Final = "/api/docs/reference.css"
_KEPT: Final = {"Cache-Control": "no-cache"}
"""It is nobody's: a browser may keep it, and asks whether it is still so."""
_PAGES: Final = "pages"


class DocumentApi:
    """``GET /api/v1/openapi.json``, and the page: made when somebody asks first, and no start waits for them."""

    def add_to(self, router: web.UrlDispatcher) -> None:
        """Answer under ``/api/v1``."""
        router.add_get("/openapi.json", self.show)

    def add_page_to(self, router: web.UrlDispatcher) -> None:
        """Answer beside it."""
        router.add_get(PAGE, self.read)
        router.add_get(STYLE, self.style)

    async def show(self, _request: web.Request) -> web.Response:
        """The document."""
        return web.Response(text=await off_the_loop(_document), content_type=JSON, headers=_KEPT)

    async def read(self, _request: web.Request) -> web.Response:
        """The page."""
        return web.Response(text=await off_the_loop(_page), content_type="text/html", headers=_KEPT)

    async def style(self, _request: web.Request) -> web.Response:
        """How it looks."""
        return web.Response(text=await off_the_loop(_style), content_type="text/css", headers=_KEPT)


@cache
def _document() -> str:
    return document.text()


@cache
def _page() -> str:
    return page()


@cache
def _style() -> str:
    return files(__package__).joinpath(_PAGES, "reference.css").read_text()


@dataclass(frozen=True, slots=True, kw_only=True)
class _Member:
    """A member of a JSON object: ``types`` are words, each with the name of the shape that it leads to, if any."""

    name: str
    types: list[tuple[str, str]]
    required: bool
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class _Entry:
    """An operation as the page shows it."""

    id: str
    method: str
    path: str
    operation: Operation
    described: Mapping[str, Any]
    is_open: bool
    roles: Mapping[str, str]
    problems: Mapping[int, str]
    curl: str


def page() -> str:
    """The page, whole."""
    environment = Environment(
        loader=PackageLoader("controller.web.openapi", _PAGES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["types"] = types_of
    whole = document.document()
    entries = list(_entries(whole))
    return environment.get_template("reference.html").render(
        parts={part.value: [one for one in entries if one.operation.part is part] for part in Part},
        shapes={name: (shape, list(_members(shape))) for name, shape in whole["components"]["schemas"].items()},
        style=STYLE,
        key=whole["components"]["parameters"][KEY],
    )


def _entries(whole: Mapping[str, Any]) -> Iterator[_Entry]:
    for prefix, table in ((PREFIX, OPERATIONS), ("", BESIDE)):
        for asked, one in table.items():
            method, path = asked.split(" ")
            described = whole["paths"][prefix + path][method.lower()]
            yield _Entry(
                id=described["operationId"],
                method=method,
                path=prefix + path,
                operation=one,
                described=described,
                is_open=not prefix or asked in OPEN,
                roles=roles_of(asked),
                problems=problems_of(asked, one) if prefix else {},
                curl=_curl(method, prefix + path, one, known=bool(prefix) and asked not in OPEN),
            )


def _curl(method: str, path: str, one: Operation, *, known: bool) -> str:
    for parameter in one.path:
        path = path.replace(f"{{{parameter.name}}}", parameter.example)
    query = "&".join(f"{given.name}={given.example}" for given in one.query if given.example)
    words = ["curl -s"]
    words += ["-X DELETE"] if method == "DELETE" else []
    words += (
        ["-N"] if any("event-stream" in media for answer in one.answers.values() for media in answer.content) else []
    )
    words += ['-H "Authorization: Bearer $TOKEN"'] if known else []
    words += [_sent(one)] if method == "POST" else []
    return " ".join([*words, f'"$URL{path}{"?" if query else ""}{query}"'])


def _sent(one: Operation) -> str:
    if one.body is None or not one.body.example:
        return "-X POST"
    if JSON in one.body.content:
        return f"--json '{one.body.example}'"
    return f'-H "Content-Type: text/plain" --data-binary {one.body.example}'


def _members(shape: Mapping[str, Any]) -> Iterator[_Member]:
    for name, member in shape.get("properties", {}).items():
        required = name in shape.get("required", ())
        yield _Member(name=name, types=types_of(member), required=required, text=member.get("description", ""))


def types_of(schema: Mapping[str, Any]) -> list[tuple[str, str]]:
    """What a value may be, in words; beside each the name of the shape that it leads to, or nothing."""
    if "$ref" in schema:
        name = schema["$ref"].rpartition("/")[2]
        return [(name, name)]
    if "anyOf" in schema:
        return _parted([types_of(one) for one in schema["anyOf"]], " or ")
    inner = schema.get("items") or schema.get("additionalProperties") or None
    if inner is not None:
        return [(f"{_KINDS[schema['type']]} of ", ""), *types_of(inner)]
    return [(_plain(schema), "")]


_KINDS: Final = {"array": "list", "object": "object"}


def _plain(schema: Mapping[str, Any]) -> str:
    """Of a value that has no other in it."""
    if "enum" in schema:
        return ", ".join("null" if one is None else str(one) for one in schema["enum"])
    bounds = f" from {schema['minimum']} to {schema['maximum']}" if {"minimum", "maximum"} <= schema.keys() else ""
    return f"{schema.get('type', 'anything')}{bounds}"


def _parted(words: list[list[tuple[str, str]]], by: str) -> list[tuple[str, str]]:
    found: list[tuple[str, str]] = []
    for one in words:
        found += [(by, ""), *one] if found else one
    return found
