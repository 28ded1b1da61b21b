"""How generated code reaches into a document's content: loops of segments, objects, elements.

A loop is a dict of rows and child loops (``edi.model`` draws it). A tag is looked for among the loop's own rows first,
then as the first segment of its child loops. What is absent is an empty row, an empty text or None; nothing here fails
on content of the right format.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from edi.segmented.structure.following import below, qualifier
from gateway.normalize.faults import Failure, shown

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from edi.model import Envelope, Loop

Row = list[Any]

NO_ROW: Row = []
NO_LOOP: Loop = {}


def rows(loop: Loop, tag: str, qualifiers: tuple[str, ...] | None = None) -> list[Row]:
    """All rows of a segment in a loop: its own, and those that open its child loops."""
    found: list[Row] = loop.get(tag) or []
    opened = loop.get(tag + "*")
    if opened:
        found = found + [one[tag][0] for one in opened]
    return found if qualifiers is None else [one for one in found if qualifier(one) in qualifiers]


def row(loop: Loop, tag: str) -> Row:
    """The first row of a segment in a loop, or an empty one."""
    own = loop.get(tag)
    if own:
        return own[0]  # type: ignore[no-any-return] # a loop is a plain dict
    opened = loop.get(tag + "*")
    return opened[0][tag][0] if opened else NO_ROW


def qualified(loop: Loop, tag: str, qualifiers: tuple[str, ...]) -> Row:
    """The first row of a segment with one of these qualifiers, or an empty one."""
    own: list[Row] = loop.get(tag, ())
    for one in own:
        if qualifier(one) in qualifiers:
            return one
    for opened in loop.get(tag + "*", ()):
        first: Row = opened[tag][0]
        if qualifier(first) in qualifiers:
            return first
    return NO_ROW


def child(loop: Loop, tag: str, qualifiers: tuple[str, ...] | None = None) -> Loop:
    """The first of the child loops that a segment opens, or an empty one."""
    found = below(loop, tag, qualifiers)
    return found[0] if found else NO_LOOP


def x12_element(element: Any, envelope: Envelope) -> str:
    """An element that is no plain text: the first repetition, its components joined as they were written."""
    if isinstance(element, tuple):
        element = element[0] if element else ""
    if isinstance(element, list):
        mark = envelope.delimiters[1] if len(envelope.delimiters) > 1 else ":"
        return mark.join(element)
    return str(element)


def edifact_element(element: Any, _envelope: Envelope) -> str:
    """An element that is no plain text: the first component of the first repetition."""
    return component(element, 1)


def component(element: Any, number: int) -> str:
    """One component, from 1, of an element's first repetition; a simple element is its own first component."""
    if isinstance(element, tuple):
        element = element[0] if element else ""
    if isinstance(element, list):
        return str(element[number - 1]) if number <= len(element) else ""
    return str(element) if number == 1 else ""


def elements(found: Iterable[Row], number: int, part: Callable[[Any], str]) -> list[str | None]:
    """One element of each row, made a text by `part`."""
    return [part(one[number]) or None if len(one) > number else None for one in found]


def member(content: Any, names: tuple[str, ...]) -> Any:
    """The member of an object that the names lead to, or None."""
    for name in names:
        if not isinstance(content, dict):
            return None
        content = content.get(name)
    return None if content == "" else content


def members(content: Any, names: tuple[str, ...]) -> list[Any]:
    """All values that the names lead to, through lists as well."""
    if isinstance(content, list):
        return [value for one in content for value in members(one, names)]
    if not names:
        return [None if content == "" else content]
    if isinstance(content, dict) and names[0] in content:
        return members(content[names[0]], names[1:])
    return []


def objects(content: Any, names: tuple[str, ...]) -> list[Any]:
    """The elements of a list for a loop over it."""
    value = member(content, names)
    if value is None:
        return []
    if not isinstance(value, list):
        raise Failure("mapping.type", f"{'.'.join(names)} is {shown(value)}, not a list", "Name a list for the loop.")
    return value
