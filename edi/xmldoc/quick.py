"""Where elements begin and end, by searching their text: certain only for what then turns out to be well-formed.

A slice from a start tag to the next end tag of the same name is the whole element if, and only if, it is well-formed by
itself: were that end tag one of a nested element, in a comment or in a CDATA section, something would stay open.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from edi.possessive import REPEATED

_ATTRIBUTES = rb"""(?:\s+[^\s=<>"'/]+\s*=\s*(?:"[^"<]*"|'[^'<]*'))*"""
_DOCTYPE = rb"""<!DOCTYPE(?:[^"'\[\]<>]|"[^"<]*"|'[^'<]*')*>"""
_PROLOG = re.compile(
    rb"""(?:\xef\xbb\xbf)?(?:<\?xml\s+version\s*=\s*(?:"1\.0"|'1\.0')"""
    rb"""(?:\s+encoding\s*=\s*(?:"utf-?8"|'utf-?8'))?(?:\s+standalone\s*=\s*(?:"(?:yes|no)"|'(?:yes|no)'))?\s*\?>)?"""
    rb"\s*(?P<doctype>" + _DOCTYPE + rb")?\s*(?=<[^\s!?/<>])",
    re.IGNORECASE,
)
_AROUND = re.compile(
    rb"(?:[^<]++|<!--.*?-->|<\?.*?\?>|<!\[CDATA\[.*?\]\]>|"
    + _DOCTYPE
    + rb"|</?[^\s<>/!?=\"']+"
    + _ATTRIBUTES
    + rb"\s*/?>)"
    + REPEATED.encode(),
    re.DOTALL,
)
"""What may stand before an element: whole pieces of markup, and text."""
_BLANKS = b" \t\r\n"


class Root(NamedTuple):
    """Where the root of a file stands, and its document type, which declares nothing in the file."""

    start: int
    end: int
    doctype: tuple[int, int] | None


def root_of(data: bytes) -> Root | None:
    """The root of a file in UTF-8 that holds nothing else but a declaration and a document type; None if it does."""
    found = _PROLOG.match(data)
    end = len(data.rstrip(_BLANKS))
    if not found or not data.endswith(b">", 0, end) or data.endswith((b"-->", b"?>"), 0, end):
        return None
    doctype = found["doctype"]
    if doctype and not doctype.startswith(b"<!DOCTYPE"):
        return None
    return Root(found.end(), end, found.span("doctype") if doctype else None)


class Element(NamedTuple):
    """What comes next: an element from `start` to `end`; or, if `end` is None, `start` is as far as is certain."""

    start: int
    end: int | None


class Search:
    """Looks for elements of one name, given as lxml writes it; any prefix will do."""

    def __init__(self, name: str) -> None:
        local = re.escape(name.rpartition("}")[2].encode())
        self.gap = re.compile(
            rb"<!--.*?-->|<\?.*?\?>|<!\[CDATA\[.*?\]\]>|" + _DOCTYPE + rb"|(?P<odd><[!?])|"
            rb"<(?P<name>(?:[^\s<>/:!?=\"']+:)?" + local + rb")(?=[\s/>])(?P<tag>" + _ATTRIBUTES + rb"\s*/?>)?",
            re.DOTALL,
        )
        self.searched = 0
        """How much of the last, unfinished element was searched for its end."""

    def next(self, data: bytes, at: int) -> Element:
        """The next element at or behind `at`, which stands outside every such element."""
        resume, self.searched = self.searched, 0
        for found in self.gap.finditer(data, at):
            if found["name"] is None and found["odd"] is None:
                continue
            start = found.start()
            if found["tag"] is None or _certain(data, at, start) < start:
                return Element(_certain(data, at, start), None)
            if data.endswith(b"/>", 0, found.end()):
                return Element(start, found.end())
            end = _behind(data, b"</" + found["name"], max(found.end(), start + resume))
            if end is None:
                self.searched = max(0, len(data) - start - len(found["name"]) - 2)
            return Element(start, end)
        upto = _certain(data, at, len(data))
        return Element(upto - (upto == len(data) > at and data.endswith(b"\r")), None)  # it may be half a line end


def _certain(data: bytes, at: int, upto: int) -> int:
    found = _AROUND.match(data, at, upto)
    assert found
    return found.end()


def _behind(data: bytes, tag: bytes, at: int) -> int | None:
    """The offset behind the next end tag."""
    while (at := data.find(tag, at)) >= 0:
        close = data.find(b">", at)
        if close < 0:
            return None
        at += len(tag)
        if not data[at:close].strip(_BLANKS):
            return close + 1
    return None
