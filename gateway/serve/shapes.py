"""The shapes of answers, in JSON Schema, short enough to stand beside the functions that make them."""

from __future__ import annotations

from typing import Any

Shape = dict[str, Any]

TEXT: Shape = {"type": "string"}
WHOLE: Shape = {"type": "integer"}
FLAG: Shape = {"type": "boolean"}
MOMENT: Shape = {"type": "string", "format": "date-time"}
ANY_OBJECT: Shape = {"type": "object", "additionalProperties": True}


def maybe(shape: Shape) -> Shape:
    """The shape, or null."""
    if "$ref" in shape:
        return {"anyOf": [shape, {"type": "null"}]}
    listed = {"enum": [*shape["enum"], None]} if "enum" in shape else {}
    return {**shape, "type": [shape["type"], "null"], **listed}


def first_of(*shapes: Shape) -> Shape:
    """Any of these shapes, in the order in which a reader tries them."""
    return shapes[0] if len(shapes) == 1 else {"anyOf": [*shapes]}


def many(shape: Shape) -> Shape:
    """An array of the shape."""
    return {"type": "array", "items": shape}


def named(name: str) -> Shape:
    """A reference to a shape of the document."""
    return {"$ref": f"#/components/schemas/{name}"}


def words(*values: str) -> Shape:
    """One of these words."""
    return {"type": "string", "enum": list(values)}


def thing(about: str, /, *, optional: tuple[str, ...] = (), **members: Shape) -> Shape:
    """An object with these members and no others; all are always there except the `optional` ones."""
    return {
        "type": "object",
        "description": about,
        "properties": members,
        "required": [name for name in members if name not in optional],
        "additionalProperties": False,
    }


def page(item: Shape, about: str, *, as_of: str = "AsOf") -> Shape:
    """A page of a list."""
    return thing(about, optional=("count",), items=many(item), next=maybe(TEXT), as_of=named(as_of), count=WHOLE)


SHAPES: dict[str, Shape] = {
    "AsOf": thing(
        "What the answer is up to date with: all changes up to this number, which became visible at this time. Lists "
        "that are no records have no change number.",
        optional=("change",),
        time=maybe(MOMENT),
        change=WHOLE,
    ),
    "Flaw": thing(
        "One thing that is wrong with a request.",
        optional=("parameter", "pointer", "header"),
        code=TEXT,
        detail=TEXT,
        remedy=TEXT,
        parameter=TEXT,
        pointer=TEXT,
        header=TEXT,
    ),
    "Problem": thing(
        "Every answer that is not success (RFC 9457). type is the path of a page that explains the code.",
        type=TEXT,
        title=TEXT,
        status=WHOLE,
        code=TEXT,
        detail=TEXT,
        remedy=TEXT,
        errors=many(named("Flaw")),
        request_id=TEXT,
    )
    | {"additionalProperties": True},
}
