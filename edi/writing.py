"""What the writers of all formats share: how a document is refused that cannot be written, and how options are taken.

A writer takes documents and gives the bytes of a file, as they come. It never writes what would be read otherwise: a
document with such a value is refused as :class:`Unwritable`, and nothing of that document is written.
"""

from __future__ import annotations

import codecs
from difflib import get_close_matches
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from edi.spec import Option

LINE_ENDS = {"": "", "none": "", "\n": "\n", "lf": "\n", "\r\n": "\r\n", "crlf": "\r\n"}
"""The words for the ends of lines, and what they stand for."""


class Unwritable(ValueError):
    """A document that the format cannot hold.

    `address` is the place in the document (``segment 3, PO104``, ``column price``), perhaps empty; `message` says what
    is wrong with it, `remedy` what to do; `document` is its number, None where it is not known yet.
    """

    def __init__(self, message: str, remedy: str, address: str = "", document: int | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.remedy = remedy
        self.address = address
        self.document = document

    def __str__(self) -> str:
        number = "" if self.document is None else f"document {self.document}"
        place = ", ".join(filter(None, (number, self.address)))
        return f"{place}: {self.message}; {self.remedy}" if place else f"{self.message}; {self.remedy}"


def taken(options: Mapping[str, str], known: tuple[Option, ...]) -> dict[str, str]:
    """A value for every option that a writer has: what is given, or its default.

    Raises:
        ValueError: an option is given that there is none of.
    """
    defaults = {option.name: option.default for option in known}
    for name in options:
        if name not in defaults:
            near = get_close_matches(name, defaults, 1)
            hint = f"did you mean {near[0]!r}?" if near else f"known are {', '.join(defaults)}"
            raise ValueError(f"the writer has no option {name!r}; {hint}")
    return defaults | dict(options)


def line_end(given: str) -> str:
    """The characters that the option `line_end` names.

    Raises:
        ValueError: it names none.
    """
    if given not in LINE_ENDS:
        raise ValueError(f"line_end {given!r} is no end of a line; write lf, crlf or none")
    return LINE_ENDS[given]


def yes_or_no(given: Mapping[str, str], name: str) -> bool:
    """The option `name`, which is true or false.

    Raises:
        ValueError: it is neither.
    """
    if given[name] not in ("true", "false"):
        raise ValueError(f"{name} {given[name]!r} is neither true nor false")
    return given[name] == "true"


def codec(name: str) -> str:
    """Python's name of the encoding `name`.

    Raises:
        ValueError: there is no such encoding.
    """
    try:
        return codecs.lookup(name).name
    except LookupError:
        raise ValueError(f"encoding {name!r} is no character set that is known; write utf-8 or iso-8859-1") from None


def shown(value: object, most: int = 40) -> str:
    """A value as a refusal quotes it."""
    text = repr(value)
    return text if len(text) <= most else f"{text[: most - 1]}…"
