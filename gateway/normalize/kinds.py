"""The kinds of values, what each can be given to, and a value as generated code holds it."""

from __future__ import annotations

from dataclasses import dataclass

NUMBERS = ("int", "decimal", "number")
SINGLE = ("text", *NUMBERS, "date", "datetime", "time", "any")
TAKEN: dict[str, tuple[str, ...]] = {
    # what a function takes → the kinds that it can be given
    "text": SINGLE,
    "number": (*NUMBERS, "text", "any"),
    "date": ("date", "datetime", "any"),
    "bool": ("bool", "any"),
    "any": (*SINGLE, "bool"),
}
KINDS = {
    "text": "a text",
    "int": "a whole number",
    "decimal": "a number",
    "number": "a number",
    "date": "a date",
    "datetime": "a date and time",
    "time": "a time",
    "bool": "true or false",
    "list": "a list",
    "segments": "a segment",
    "any": "a value",
}


@dataclass(frozen=True, slots=True)
class Value:
    """A value in generated code: Python that may be repeated, its kind, whether it may be null.

    `kind` is one of ``text int decimal number date datetime time bool list segments any``; `element` is the kind of a
    list's elements. An empty text counts as null, so a text is tested by its truth. `path` and `raw` are the source
    path and the variable of the text that it was made of, where there is just one.
    """

    code: str
    kind: str = "any"
    null: bool = True
    element: str = "any"
    path: str | None = None
    raw: str | None = None
    constant: bool = False

    @property
    def test(self) -> str:
        """Python that is true where the value is there."""
        return self.code if self.kind in ("text", "segments") else f"{self.code} is not None"


NULL = Value("None", "any")


@dataclass(frozen=True, slots=True)
class Problem:
    """Something wrong at a place of an expression."""

    message: str
    offset: int
    length: int
    hint: str = ""


def common(values: list[Value]) -> str:
    """The kind of what is one or another of the values."""
    kinds = {value.kind for value in values}
    if len(kinds) == 1:
        return kinds.pop()
    return "number" if kinds <= set(NUMBERS) else "any"


def plain(value: Value, kind: str) -> str:
    """The value as another kind: an empty text, which is null, must not pass for something that is there."""
    if value.kind == "text" and kind != "text" and value.null:
        return f"{value.code} or None"
    return value.code


def one_source(values: list[Value] | tuple[Value, ...]) -> Value | None:
    """The one of the values that can be at fault, where it is a source value; numbers and dates are read already."""
    suspects = {value.code: value for value in values if not value.constant and value.kind in ("text", "any")}
    suspects = suspects or {value.code: value for value in values if not value.constant}
    only = next(iter(suspects.values())) if len(suspects) == 1 else None
    return only if only is not None and only.raw is not None else None


def advice(kind: str) -> str:
    """What to do with a value of a kind that does not fit."""
    return {
        "list": "use count, sum, first, last or join",
        "segments": "name an element of the segment",
        "bool": "use if(condition, a, b)",
        "text": "write | decimal or | date behind it",
    }.get(kind, "")
