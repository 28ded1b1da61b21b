"""A window of text that slides over the chunks of a file, one character per byte, so that places are byte offsets.

The readers of X12 and EDIFACT ask for what they need next; the window takes further chunks until it has that much, or
the file has ended. No decision depends on where a chunk ends, so any chunking gives the same answer. What lies before
`place` is forgotten with the next chunk: memory is bounded by the largest span that a reader asks for.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import re
    from collections.abc import Iterable

EBCDIC = "cp037"
"""The code page that an EBCDIC file is read with: one byte is one character there, too."""

_NEXT_LINE = "\x85"
"""EBCDIC's own line end (NEL); turned into a line feed, one character for one."""


def one_per_byte(raw: bytes, codec: str) -> str:
    """The bytes as a text of the same length; EBCDIC's line ends become line feeds."""
    return raw.decode(codec) if codec == "latin-1" else raw.decode(codec).replace(_NEXT_LINE, "\n")


class Window:
    """The part of a file that is in memory. `text[place:]` is what has not been taken yet.

    `base` is the offset of ``text[0]`` in the file, `line` the number of the line at `place`, from 1, and `line_start`
    the offset at which that line begins.
    """

    __slots__ = ("_chunks", "base", "codec", "ended", "line", "line_start", "place", "text")

    def __init__(self, chunks: Iterable[bytes], codec: str = "latin-1") -> None:
        self._chunks = iter(chunks)
        self.codec = codec
        self.text = ""
        self.place = 0
        self.base = 0
        self.line = 1
        self.line_start = 0
        self.ended = False

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
        breaks = self.text.count("\n", self.place, end)
        if breaks:
            self.line += breaks
            self.line_start = self.base + self.text.rfind("\n", self.place, end) + 1
        self.place = end
