"""The next segment: a window as the readers of X12 and EDIFACT see it, segment by segment."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from edi.segmented.documents.diagnosis import VALUE_MAX
from edi.segmented.walk.segments import GAP, drop_breaks, pieces, row_at
from edi.segmented.walk.standard import Span

if TYPE_CHECKING:
    from edi.segmented.walk.segments import Syntax
    from edi.segmented.walk.window import Window

SEGMENT_MAX = 100_000
"""So many bytes may a segment of the envelope have."""

_MARK = "\xef\xbb\xbf"
"""The three bytes of UTF-8's byte-order mark; files that were joined carry it in the middle, too."""

_GAP_MAX = 8
"""A gap that is looked for behind every segment is shorter than this."""

_TAIL = 3
"""A header that has begun at the end of a chunk shows at most three of its four first characters."""


@lru_cache(maxsize=64)
def _tag_pattern(syntax: Syntax) -> re.Pattern[str]:
    return re.compile(f"([A-Z0-9]{{2,3}})(?:[{re.escape(syntax.element + syntax.segment)}]|$)")


@lru_cache(maxsize=64)
def _stop_pattern(segment: str) -> re.Pattern[str]:
    return re.compile(re.escape(segment))


class Cursor:
    """A place in a file that moves on by segments."""

    def __init__(self, window: Window) -> None:
        self.window = window

    def span(self, length: int) -> Span:
        """The next `length` bytes."""
        window = self.window
        value = window.text[window.place : window.place + min(length, VALUE_MAX)]
        return Span(window.offset, window.offset + length, window.line, value)

    def part(self, span: Span, tag: str, number: int, syntax: Syntax) -> Span:
        """The span of an element of the segment `tag` at the window's place; empty at its end if it is not there.

        Before UNB a UNA may stand.
        """
        window = self.window
        end = window.place + span.end - span.start
        end -= window.text[:end].endswith(syntax.segment)
        start = max(window.place, window.text.find(tag + syntax.element, window.place, end))
        places = pieces(window.text, start, end, syntax.element, syntax.release)
        start, end = places[number] if number < len(places) else (end, end)
        return Span(window.base + start, window.base + end, span.line, window.text[start : min(end, start + VALUE_MAX)])

    def row(self, length: int, syntax: Syntax) -> list[Any]:
        """The next segment, whose end is `length` bytes from here."""
        text = drop_breaks(self.window.text[self.window.place : self.window.place + length], syntax)
        return row_at(text, 0, len(text) - text.endswith(syntax.segment), syntax)

    def peek(self, syntax: Syntax) -> str:
        """The tag of the next segment; empty when what comes next is none."""
        window = self.window
        window.fill(8)
        head = drop_breaks(window.text[window.place : window.place + 8], syntax)
        found = _tag_pattern(syntax).match(head)
        return found[1] if found else ""

    def search(self, pattern: re.Pattern[str], skip: int, limit: int, syntax: Syntax) -> re.Match[str] | None:
        """Find `pattern`, which begins with a terminator that is not released."""
        window = self.window
        while True:
            found = window.search(pattern, skip, limit, syntax.segment)
            if not found or not syntax.release:
                return found
            before = window.text[window.place : found.start()]
            if (len(before) - len(before.rstrip(syntax.release))) % 2 == 0:
                return found
            skip = found.start() + 1 - window.place

    def segment_length(self, syntax: Syntax, skip: int = 0) -> int | None:
        """How many bytes there are from here to the end of the segment that begins at `skip`; None if it has none."""
        found = self.search(_stop_pattern(syntax.segment), skip, skip + SEGMENT_MAX, syntax)
        return found.end() - self.window.place if found else None

    def skip_segment(self, syntax: Syntax) -> str:
        """Go behind the end of the next segment, however long it is; the first of what was skipped."""
        window = self.window
        sample = ""
        while True:
            length = self.segment_length(syntax)
            taken = length or min(SEGMENT_MAX, len(window.text) - window.place)
            sample = sample or window.text[window.place : window.place + min(taken, VALUE_MAX)]
            window.advance(taken)
            if length or not taken:
                return sample

    def gap(self, syntax: Syntax) -> str:
        """What stands between here and the next segment, if that is a line end or some blanks; else nothing."""
        window = self.window
        window.fill(_GAP_MAX)
        end = place = window.place
        while end < min(len(window.text), place + _GAP_MAX) and window.text[end] in syntax.gap:
            end += 1
        return window.text[place:end] if end - place < _GAP_MAX else ""

    def skip_gap(self, syntax: Syntax) -> str:
        """Go to the next segment of the envelope; a terminator without a segment before it counts as a gap here.

        The answer is the first of what was skipped.
        """
        window = self.window
        sample = ""
        gap = syntax.gap + syntax.segment
        while window.fill(1):
            text = window.text
            place = window.place
            while place < len(text) and text[place] in gap:
                place += 1
            sample = sample + text[window.place : place] if len(sample) < VALUE_MAX else sample
            window.advance(place - window.place)
            if place < len(text):
                break
        return sample

    def skip_to(self, start: re.Pattern[str], last: str = "") -> Span | None:
        """Go to where `start` matches, which is four characters, or to the end of the file.

        The answer is what was skipped, unless it was gaps alone; `last` is the character before.
        """
        window = self.window
        gaps = GAP + _MARK
        begin = end = line = 0
        value = ""
        while True:
            found = start.search(window.text, window.place)
            tail = 0 if window.ended else _TAIL
            upto = found.start() if found else max(window.place, len(window.text) - tail)
            if found and (window.text[window.place : upto] or last)[-1:].isalnum():
                # A tag behind a letter or digit is the end of another word, and no header.
                upto, found = upto + 1, None
            piece = window.text[window.place : upto]
            inner = piece.strip(gaps)
            if inner:
                lead = len(piece) - len(piece.lstrip(gaps))
                if not end:
                    begin, line = window.offset + lead, window.line + piece.count("\n", 0, lead)
                    value = piece[lead:][:VALUE_MAX]
                else:
                    value += piece[: VALUE_MAX - len(value)]
                end = window.offset + len(piece.rstrip(gaps))
            elif end:
                value += piece[: VALUE_MAX - len(value)]
            last = piece[-1:] or last
            window.advance(len(piece))
            if found or (window.ended and window.place == len(window.text)):
                return Span(begin, end, line, value[: end - begin]) if end else None
            if not piece:
                window.more()
