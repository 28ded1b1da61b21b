"""The clean way for the documents of one kind in one interchange: proved, cut and arranged at once, or not at all.

Most documents are right. Their text is proved by one regular expression, cut with ``str.split``, and arranged with one
look-up per segment; only what this refuses is read with care, by the module `diagnosis`. Nothing is told here.
"""

from __future__ import annotations

from itertools import repeat
from typing import TYPE_CHECKING, Any

from edi.model import Envelope
from edi.segmented import elements, structure
from edi.segmented.structure import assembly
from edi.segmented.walk.segments import BINARY_TAGS, close_gaps, hide, rows_of, show

if TYPE_CHECKING:
    import re
    from collections.abc import Iterable

    from edi.findings import Severity
    from edi.model import Loop
    from edi.segmented.guides import Guide
    from edi.segmented.walk.segments import Syntax
    from edi.segmented.walk.standard import Oddity


class Lane:
    """How the documents of one kind are read. `envelope` is theirs, but for reference and encoding.

    `trailer` is the tag that closes them, and the place of the reference in their header; `gap` is what stands behind
    their segments; `oddities` are what is wrong with their header. With any, nothing of the kind is read at once.
    """

    __slots__ = (
        "before",
        "behind",
        "closes",
        "declared",
        "finish",
        "gap",
        "guide",
        "head",
        "is_odd",
        "oddities",
        "proof",
        "reference",
        "repertoire",
        "syntax",
        "tail",
        "weight",
    )

    def __init__(
        self,
        envelope: Envelope,
        guide: Guide | None,
        weight: Severity,
        syntax: Syntax,
        declared: str,
        trailer: tuple[str, int],
        gap: str,
        repertoire: re.Pattern[str] | None,
        oddities: tuple[Oddity, ...],
    ) -> None:
        place = Envelope._fields.index("reference")
        self.before, self.behind = envelope[:place], envelope[place + 3 :]
        self.guide = guide
        self.syntax = syntax
        self.declared = declared
        self.closes, self.reference = trailer
        self.gap = gap
        self.repertoire = repertoire
        self.weight = weight
        self.oddities = oddities
        self.is_odd = bool(oddities) or bool(guide and structure.automaton(guide).places.keys() & {*BINARY_TAGS})
        self.proof = elements.proof(guide, syntax) if guide else None
        self.finish = structure.finisher(guide) if guide else None
        self.head = self.tail = ""

    def is_of(self, kind: tuple[str, ...]) -> None:
        """Note the elements, but for the reference, of the header that the documents of this lane have."""
        separator, place = self.syntax.element, self.reference
        self.head = "".join(value + separator for value in kind[:place])
        self.tail = "".join(separator + value for value in kind[place:])

    def takes(self, text: str) -> bool:
        """Whether a document has such a header."""
        start = len(self.head)
        if not text.startswith(self.head):
            return False
        end = text.find(self.syntax.segment, start)
        if not text.endswith(self.tail, start, end):
            return False
        separator = text.find(self.syntax.element, start, end)
        return separator == (end - len(self.tail) if self.tail else -1)

    def encoding(self, text: str, codec: str) -> str:
        """What the values are decoded with: what is declared, or UTF-8 if it can be that, or else ISO 8859-1."""
        if codec != "latin-1":
            return codec
        if self.declared:
            return self.declared
        if text.isascii():
            return "utf-8"
        try:
            text.encode("latin-1").decode("utf-8")
        except UnicodeDecodeError:
            return "iso8859-1"
        return "utf-8"

    def enveloped(self, reference: str, encoding: str) -> Envelope:
        """The envelope of one document."""
        return tuple.__new__(Envelope, (*self.before, reference, (), encoding, *self.behind))

    def read(self, text: str, encoding: str, codec: str) -> tuple[Loop, str] | None:
        """The content and the reference of a document that is right in every way; None when anything is to be seen.

        `text` has one character per byte.
        """
        syntax = self.syntax
        if self.is_odd:
            return None
        if not text.isascii() or encoding == "iso2022_jp_2":
            decoded = self.decoded(text, encoding, codec)
            if decoded is None:
                return None
            text = decoded
        if self.repertoire and self.repertoire.search(text):
            return None
        shown: dict[str, str] = {}
        if syntax.release and syntax.release in text:
            hidden = hide(text, syntax)
            if hidden is None:
                return None
            text, shown = hidden
        if self.gap:
            text = text.replace(syntax.segment + self.gap, syntax.segment)
        found = self.proved(text) if self.guide else self.plain(text)
        if found is None:
            return None
        body, segments = found
        if syntax.element + syntax.segment in body:
            return None  # separators that separate nothing
        return self.arranged(body, segments, shown)

    def decoded(self, text: str, encoding: str, codec: str) -> str | None:
        """The characters of `text`; None if its bytes are none, or might cut where no service character stands."""
        if encoding == codec:
            return text
        marks = self.syntax.characters
        if not marks.isascii() or "\x1b" in text:
            return None
        try:
            decoded = text.encode(codec).decode(encoding)
        except UnicodeDecodeError:
            return None
        # In some encodings a byte that looks like a service character is half of another character.
        return decoded if all(text.count(c) == decoded.count(c) for c in marks) else None

    def proved(self, text: str) -> tuple[str, list[str]] | None:
        """The segments of a text that the guide's expression proves, after gaps are closed if there are any."""
        assert self.proof
        found = self.proof.match(text)
        end = found.end() if found else 0
        if end != len(text):
            if not end or text[end] not in self.syntax.gap:
                return None
            text = close_gaps(text, self.syntax)
            found = self.proof.match(text)
            if not found or found.end() != len(text):
                return None
        if ("\n" in text or "\r" in text) and not {"\n", "\r"} & {*self.syntax.characters}:
            return None  # a line break inside a value
        segments = text.split(self.syntax.segment)
        segments.pop()
        return text, segments

    def plain(self, text: str) -> tuple[str, list[str]] | None:
        """The segments of a text without a guide."""
        stop = self.syntax.segment
        text = close_gaps(text, self.syntax)
        if stop * 2 in text or any(c in text for c in "\r\n" if c != stop):
            return None
        segments = text.split(stop)
        segments.pop()
        return None if any(segment.startswith(BINARY_TAGS) for segment in segments) else (text, segments)

    def arranged(self, text: str, segments: list[str], shown: dict[str, str]) -> tuple[Loop, str] | None:
        """The loops, if the structure and the trailer are right."""
        syntax = self.syntax
        rows: Iterable[list[Any]]
        if self.guide and not (syntax.repetition and syntax.repetition in text):
            rows = map(str.split, segments, repeat(syntax.element))
            rows = list(rows) if shown else rows
        else:
            rows = rows_of(segments, text, syntax)
        if self.guide:
            assert self.finish
            found = assembly.assemble(rows, len(segments), self.guide, syntax.component)
            if found is None or not self.finish(found[0]):
                return None
            content, first, last = found
        else:
            rows = list(rows)
            if not all(isinstance(row[0], str) and row[0].isalnum() for row in rows):
                return None
            content, first, last = structure.flat(rows), rows[0], rows[-1]
        if shown:
            show(list(rows), text, shown, syntax)
        reference = first[self.reference] if len(first) > self.reference else ""
        return (content, reference) if last == [self.closes, str(len(segments)), reference] else None
