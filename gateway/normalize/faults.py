"""What mapping can find wrong with a value: the table of codes, and sentences that a person understands."""

from __future__ import annotations

import unicodedata
from datetime import date, datetime, time
from decimal import Decimal
from typing import Any

from edi.findings import Code

CODES: dict[str, Code] = {
    # Codes are append-only: a published one never changes its meaning.
    "mapping.missing": Code("a required field has no value", "Ask the sender for it, or give a value with ?? 'value'."),
    "mapping.number": Code("a value is not a number", "Correct the value, or name the picture: | decimal('1.234,56')."),
    "mapping.date": Code("a value is not a date", "Correct the value, or name the picture: | date('dd.mm.yyyy')."),
    "mapping.time": Code("a value is not a time", "Correct the value, or name the picture: | time('hh:mi:ss')."),
    "mapping.code": Code("a code is not in its table", "Correct the value, or add the code to the table."),
    "mapping.type": Code("a value is of another kind than a function takes", "Convert it first, or name another path."),
    "mapping.text": Code("a text does not have the shape that a function takes", "Correct the value or the mapping."),
    "mapping.arithmetic": Code("a calculation has no exact result", "Correct the value, or use | divide(by, places)."),
    "check.failed": Code("a check of the integration does not hold", "Correct the document, or the check."),
    "rule.failed": Code("a rule of the contract does not hold", "Correct the document, or ask the contract's owner."),
}


class Failure(Exception):
    """A function cannot make a value of this one: `code` is a key of CODES, `remedy` says what to do about this one.

    It never leaves the generated function: there it becomes a Fault.
    """

    def __init__(self, code: str, message: str, remedy: str = "") -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.remedy = remedy or CODES[code].remedy


VALUE_CHARACTERS_MAX = 60


def quoted(value: Any) -> str:
    """A value as messages show it: in quotes, cut where it is long, with what cannot be seen written out."""
    text = value if isinstance(value, str) else shown(value)
    if len(text) > VALUE_CHARACTERS_MAX:
        text = text[:VALUE_CHARACTERS_MAX] + "…"
    if text.isprintable():
        return f"'{text}'"
    return "'" + "".join(c if c.isprintable() else c.encode("unicode_escape").decode("ascii") for c in text) + "'"


def shown(value: Any) -> str:
    """A value as people write it: numbers without exponents, dates as ISO 8601, texts as they are."""
    if value is None:
        return "nothing"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, Decimal):
        return f"{value:f}"
    if isinstance(value, (datetime, date, time)):
        return value.isoformat()
    if isinstance(value, (list, tuple)):
        return f"a list of {len(value)}"
    return "an object" if isinstance(value, dict) else str(value)


_CHARACTERS = {
    " ": "a space",
    "\t": "a tab",
    "\n": "a line break",
    "\r": "a carriage return",
    "\u00a0": "a no-break space",
    ",": "a comma",
    ".": "a full stop",
    "_": "an underscore",
    "-": "a hyphen",
    "+": "a plus sign",
    "'": "an apostrophe",
}


def character(value: str) -> str:
    """What a single character is called."""
    if value in _CHARACTERS:
        return _CHARACTERS[value]
    if value.isascii() and value.isalpha():
        return f"the letter {value}"
    if value.isascii() and value.isprintable():
        return f"the character {value}"
    return unicodedata.name(value, f"U+{ord(value):04X}")


def whereabouts(text: str, index: int) -> str:
    """``the last character``: how a person names the place of a character."""
    if index == len(text) - 1 and index:
        return "the last character"
    return "the first character" if index == 0 else f"character {index + 1}"


def stranger(text: str, allowed: str) -> str | None:
    """``the last character is the letter O``: the first character of `text` that is none of `allowed`, in words."""
    for index, one in enumerate(text):
        if one not in allowed:
            return f"{whereabouts(text, index)} is {character(one)}"
    return None
