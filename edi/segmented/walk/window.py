"""A window of text that slides over the chunks of a file, one character per byte, so that places are byte offsets.

The readers of X12 and EDIFACT ask for what they need next; the window takes further chunks until it has that much, or
the file has ended. No decision depends on where a chunk ends, so any chunking gives the same answer. What lies before
`place` is forgotten with the next chunk: memory is bounded by the largest span that a reader asks for.
"""

from __future__ import annotations

import re
from itertools import chain
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

EBCDIC = "cp037"
"""The code page that an EBCDIC file is read with: one byte is one character there, too."""

EBCDIC_PAGES = (EBCDIC, "cp273", "cp500", "cp1140")
"""The code pages that the option encoding may name instead. Letters and digits are the same in all of them."""

_EBCDIC_GAPS = b"\0\x05\x0d\x15\x25\x40"
_WIDE = re.compile(rb"\xff\xfe|\xfe\xff|(?:[A-Z]\0){3}|(?:\0[A-Z]){3}|(?:[A-Z]\0\0\0){2}|(?:\0\0\0[A-Z]){2}")

_NEXT_LINE = "\x85"
"""EBCDIC's own line end (NEL); turned into a line feed, one character for one."""


def one_per_byte(raw: bytes, codec: str) -> str:
    """The bytes as a text of the same length; EBCDIC's line ends become line feeds."""
    return raw.decode(codec) if codec == "latin-1" else raw.decode(codec).replace(_NEXT_LINE, "\n")


def codec_of(encoding: str) -> str:
    """What turns the bytes of a document of that encoding into one character each."""
    return encoding if encoding in EBCDIC_PAGES else "latin-1"


def opened(chunks: Iterable[bytes], tags: tuple[str, ...], encoding: str) -> Window | Iterator[bytes]:
    """The window over a file whose headers have one of the `tags`; it is EBCDIC if the first of them is.

    The bytes again, if they are those of UTF-16 or UTF-32, in which no character is one byte.
    """
    rest = iter(chunks)
    first = b""
    for chunk in rest:
        first += chunk
        if len(first.lstrip(_EBCDIC_GAPS)) >= 8:
            break
    again = chain((first,), rest)
    if _WIDE.match(first):
        return again
    page = encoding if encoding in EBCDIC_PAGES else EBCDIC
    return Window(again, page if is_ebcdic(first, tags) else "latin-1")


def is_ebcdic(first: bytes, tags: tuple[str, ...]) -> bool:
    """Whether a file begins with one of the tags in EBCDIC."""
    return first.lstrip(_EBCDIC_GAPS).startswith(tuple(tag.encode(EBCDIC) for tag in tags))


class Window:
    """The part of a file that is in memory. `text[place:]` is what has not been taken yet.

    `base` is the offset of ``text[0]`` in the file, `line` the number of the line at `place`, from 1, and `line_start`
    the offset at which that line begins.
    """

    __slots__ = ("_chunks", "base", "codec", "ended", "has_breaks", "line", "line_start", "place", "text")

    def __init__(self, chunks: Iterable[bytes], codec: str = "latin-1") -> None:
        self._chunks = iter(chunks)
        self.codec = codec
        self.text = ""
        self.place = 0
        self.base = 0
        self.line = 1
        self.line_start = 0
        self.ended = False
        self.has_breaks = False

    @property
    def offset(self) -> int:
        """The offset of `place` in the file."""
        return self.base + self.place

    def more(self) -> bool:
        """Take the next chunk that has bytes; False at the end of the file."""
        for chunk in self._chunks:
            if chunk:
                text = one_per_byte(chunk, self.codec)
                self.base += self.place
                self.text = self.text[self.place :] + text
                self.has_breaks = "\n" in self.text
                self.place = 0
                return True
        self.ended = True
        return False

    def fill(self, count: int) -> bool:
        """Have `count` characters from `place` on; False when the file ends before."""
        while len(self.text) - self.place < count:
            if not self.more():
                return False
        return True

    def search(self, pattern: re.Pattern[str], skip: int, limit: int, lead: str) -> re.Match[str] | None:
        """Find `pattern` between `skip` and `limit` characters from `place`; None when it is not there.

        `lead` is the character that every match begins with: an unfinished match at the end of a chunk is looked at
        again from its last occurrence.
        """
        while True:
            end = min(len(self.text), self.place + limit)
            found = pattern.search(self.text, self.place + skip, end)
            if found or end == self.place + limit:
                return found
            skip = max(skip, self.text.rfind(lead, self.place + skip) - self.place)
            if not self.more():
                return None

    def advance(self, count: int) -> None:
        """Take `count` characters."""
        end = self.place + count
        if self.has_breaks and (breaks := self.text.count("\n", self.place, end)):
            self.line += breaks
            self.line_start = self.base + self.text.rfind("\n", self.place, end) + 1
        self.place = end
