"""Segments of acknowledgments as bytes: what they repeat of an interchange was bytes before, one character each."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from edi.segmented.walk.segments import Syntax


def segment(row: list[Any], syntax: Syntax) -> bytes:
    """A row (see :mod:`edi.model`) as a segment with its terminator; what is empty at its end is left out.

    A service character inside a value is released, or replaced where the standard has no release character.
    """
    elements = [_element(value, syntax) for value in row]
    while not elements[-1]:
        elements.pop()
    return (syntax.element.join(elements) + syntax.segment).encode("latin-1", "replace")


def _element(value: Any, syntax: Syntax) -> str:
    if isinstance(value, str):
        return _plain(value, syntax)
    parts = [_plain(part, syntax) for part in value]
    while parts and not parts[-1]:
        parts.pop()
    return syntax.component.join(parts)


def _plain(value: str, syntax: Syntax) -> str:
    if not any(character in syntax.characters for character in value):
        return value
    if syntax.release:
        return "".join(syntax.release + c if c in syntax.characters else c for c in value)
    return "".join(substitute(syntax) if c in syntax.characters else c for c in value)


def substitute(syntax: Syntax) -> str:
    """What stands for a character that cannot be repeated."""
    return next(character for character in "?.-_/#!" if character not in syntax.characters)


def is_usable(marks: str) -> bool:
    """Whether service characters can be used in an answer: plain ones, or those of level B."""
    return marks.isascii() and len(set(marks)) == len(marks) and not any(c.isalnum() or c in " \0" for c in marks)
