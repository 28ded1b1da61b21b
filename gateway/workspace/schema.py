"""JSON Schemas of the workspace's files, for editors: made from the tables that the loader reads by.

An editor with a YAML language server completes and checks a file that names its schema in the first line::

    # yaml-language-server: $schema=../schema/integration.json

A schema is the coarser of the two judges: it knows keys and notations, the loader also what they name.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from gateway.workspace.tables import LAYOUTS
from gateway.workspace.values import NAME

if TYPE_CHECKING:
    from gateway.workspace.sections import Key
    from gateway.workspace.tables import Layout

DIALECT = "https://json-schema.org/draft/2020-12/schema"

DEFINITIONS: dict[str, Any] = {
    "mapped": {
        "description": "an expression of the mapping language, or the lines of an object or a loop",
        "anyOf": [
            {"type": ["string", "number"]},
            {"type": "object", "minProperties": 1, "additionalProperties": {"$ref": "#/$defs/mapped"}},
        ],
    },
    "field": {
        "description": "a field's notation, such as 'text 1..22', or the fields of an object or a list",
        "anyOf": [
            {"type": "string"},
            {"type": "object", "minProperties": 1, "additionalProperties": {"$ref": "#/$defs/field"}},
        ],
    },
    "query": {
        "description": "a single SELECT, or one with the columns that are its key",
        "anyOf": [
            {"type": "string"},
            {
                "type": "object",
                "additionalProperties": False,
                "properties": {"select": {"type": "string"}, "key": {"type": "string"}},
                "required": ["select"],
            },
        ],
    },
}


def schema() -> dict[str, dict[str, Any]]:
    """The JSON Schema (2020-12) of each kind of YAML file by its name, such as ``integration``."""
    return {layout.name: _document(layout) for layout in LAYOUTS if layout.pattern.endswith(".yaml")}


def _document(layout: Layout) -> dict[str, Any]:
    """The schema of one kind of file, complete in itself."""
    body = _object(layout.keys)
    if layout.named:
        names = {"pattern": f"^(?:{NAME.pattern})$"}
        body = {"type": "object", "propertyNames": names, "additionalProperties": body}
    if "*" not in layout.pattern:
        body["type"] = ["object", "null"]  # such a file may hold nothing but comments
    used = [name for name in DEFINITIONS if f"#/$defs/{name}" in str(body)]
    definitions = {"$defs": {name: DEFINITIONS[name] for name in used}} if used else {}
    return {"$schema": DIALECT, "title": layout.pattern, "description": layout.about, **body, **definitions}


def _object(keys: tuple[Key, ...]) -> dict[str, Any]:
    """What stands under the keys of one table; no other key may stand there."""
    shown = [key for key in keys if not key.later]
    required = [key.name for key in shown if key.required]
    return {
        "type": "object",
        "additionalProperties": False,
        "properties": {key.name: _property(key) for key in shown},
        **({"required": required} if required else {}),
    }


def _property(key: Key) -> dict[str, Any]:
    body = _object(key.keys) if key.keys else dict(key.kind.schema)
    if key.named:
        body = {"type": "object", "propertyNames": {"pattern": f"^(?:{NAME.pattern})$"}, "additionalProperties": body}
    return {"description": key.about, **body, **({"examples": [_example(key)]} if key.example else {})}


def _example(key: Key) -> Any:
    """The example as an editor's YAML reads it: a whole number where the key wants one, a list where brackets stand."""
    if key.kind.schema.get("type") == "integer":
        return int(key.example)
    if key.kind.schema.get("type") == "boolean":
        return key.example == "true"
    if key.example.startswith("["):
        return [name.strip() for name in key.example.strip("[]").split(",")]
    return key.example
