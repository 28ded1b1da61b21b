"""The characters that an EDIFACT interchange may hold at its syntax level.

Levels A and B are subsets of ASCII: A has no small letters. What decoders read (UNOC and higher) needs no table.
Source: ISO 9735:1988, clause 5.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from edi.findings import CODES, Finding, Position
from edi.segmented.segments import pieces

if TYPE_CHECKING:
    from collections.abc import Iterator

    from edi.segmented.diagnosis import Diagnosis, Source

_SIGNS = r""" .,\-()/=!"%&*;<>'+:?"""
LEVELS: dict[str, re.Pattern[str]] = {
    "UNOA": re.compile(rf"[^A-Z0-9{_SIGNS}\r\n\0\x1a\t]"),
    "UNOB": re.compile(rf"[^A-Za-z0-9{_SIGNS}\r\n\0\x1a\t\x1c\x1d\x1f]"),
}
"""What is outside each level, by the syntax identifier of UNB; line ends and tabs are judged elsewhere."""


def findings(source: Source, diagnosis: Diagnosis, level: str) -> Iterator[Finding]:
    """The elements of a document that hold characters which its level does not know, the first hundred of them."""
    outside, syntax = LEVELS[level], source.syntax
    code = CODES["element.repertoire"]
    told = 0
    for number, (row, (start, end)) in enumerate(zip(diagnosis.rows, diagnosis.spans, strict=True), 1):
        if told >= 100 or not outside.search(source.text, start, end):
            continue
        for place, span in enumerate(pieces(source.text, start, end, syntax.element, syntax.release)):
            found = outside.search(source.text, *span)
            strangers = sorted(
                {c for c in source.text[slice(*span)] if c not in syntax.characters and outside.match(c)}
            )
            if not found or not strangers:
                continue
            told += 1
            position = Position(
                source.start + span[0],
                source.start + span[1],
                source.line + source.text.count("\n", 0, span[0]),
                number,
                row[0],
                place or None,
            )
            characters = " ".join(source.decode(c) or repr(c) for c in strangers[:10])
            message = f"{row[0]}{place:02} has characters that {level} does not know: {characters}."
            yield Finding("element.repertoire", message, code.remedy, position, code.severity, source.quote(*span))
