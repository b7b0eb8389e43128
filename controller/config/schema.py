"""The JSON Schema of the file, for editors: ``python -m controller.config.schema``."""

import json
import sys
from typing import Any

from pydantic.json_schema import GenerateJsonSchema

from controller.config.shape import FileShape

DIALECT = GenerateJsonSchema.schema_dialect


def schema() -> dict[str, Any]:
    """JSON Schema, draft 2020-12. It knows shapes; the rules that span several keys are ``check-config``'s."""
    body: dict[str, Any] = _tidy(FileShape.model_json_schema())
    return {"$schema": DIALECT, "title": "Configuration of recording-controller", **body}


def text() -> str:
    """The schema as it stands in docs/reference."""
    return json.dumps(schema(), indent=2, ensure_ascii=False) + "\n"


def _tidy(node: Any) -> Any:  # noqa: ANN401 - any JSON
    """Close maps whose names follow a pattern, and drop the titles that repeat the keys."""
    if isinstance(node, list):
        return [_tidy(item) for item in node]
    if not isinstance(node, dict):
        return node
    tidied = {key: _tidy(item) for key, item in node.items() if key != "title" or not isinstance(item, str)}
    if "patternProperties" in tidied:
        tidied["additionalProperties"] = False
    return tidied


if __name__ == "__main__":
    sys.stdout.write(text())
