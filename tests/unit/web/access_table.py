"""The table in docs/reference/access.md as it is printed from that of the code. ``python -m`` writes it."""

from collections.abc import Iterator
from pathlib import Path

from controller.domain.access import TABLE, Action
from controller.domain.principal import Role
from controller.web.routes import ACTIONS, PAGES, PREFIX

COMMITTED = Path(__file__).parents[3] / "docs" / "reference" / "access.md"
_FIRST = "| request | action |"


def printed() -> str:
    """The whole page: what people wrote, down to the table, and the table."""
    written, _, _ = COMMITTED.read_text().partition(_FIRST)
    return written + "\n".join(_rows()) + "\n"


def committed() -> dict[str, dict[str, str]]:
    """What the committed page says, read as people read it: of each request, what each role may do it of."""
    _, _, table = COMMITTED.read_text().partition(_FIRST)
    header, _, *rows = (_FIRST + table).splitlines()
    roles = [cell.strip(" `") for cell in header.strip("| ").split(" | ")][2:]
    page = {}
    for row in rows:
        asked, _, *cells = (cell.strip() for cell in row.removeprefix("|").removesuffix("|").split("|"))
        asked = asked.strip("`").replace(PREFIX, "", 1)
        page[asked] = {role: cell for role, cell in zip(roles, cells, strict=True) if cell}
    return page


def _rows() -> Iterator[str]:
    yield f"{_FIRST} {' | '.join(f'`{role}`' for role in Role)} |"
    yield f"| --- | --- |{' --- |' * len(Role)}"
    for prefix, table in ((PREFIX, ACTIONS), ("", PAGES)):
        for asked, action in table.items():
            method, path = asked.split(" ")
            yield f"| `{method} {prefix}{path}` | `{action}` | {_cells(action)} |"
    yield f"| what is in the intermediate archive | `{Action.OPEN_ARCHIVE}` | {_cells(Action.OPEN_ARCHIVE)} |"


def _cells(action: Action) -> str:
    return " | ".join(TABLE[action].get(role, "") for role in Role)


if __name__ == "__main__":
    COMMITTED.write_text(printed())
