"""The characters that an EDIFACT interchange may hold at its syntax level.

Levels A and B are subsets of ASCII: A has no small letters. So many programs declare A and send them, and so few
receivers mind, that they are a warning. What decoders read (UNOC and higher) needs no table.
Source: ISO 9735:1988, clause 5.
"""

from __future__ import annotations

import re
from itertools import islice
from string import ascii_lowercase
from typing import TYPE_CHECKING

from edi.findings import CODES, Finding, Position, Severity

if TYPE_CHECKING:
    from collections.abc import Iterator

    from edi.segmented.documents.diagnosis import Diagnosis, Source

    _Place = tuple[int, str, int, int | None]

_SIGNS = r""" .,\-()/=!"%&*;<>'+:?"""
LEVELS: dict[str, re.Pattern[str]] = {
    "UNOA": re.compile(rf"[^A-Z0-9{_SIGNS}\r\n\0\x1a\t]"),
    "UNOB": re.compile(rf"[^A-Za-z0-9{_SIGNS}\r\n\0\x1a\t\x1c\x1d\x1f]"),
}
"""What is outside each level, by the syntax identifier of UNB; line ends and tabs are judged elsewhere."""


def findings(source: Source, diagnosis: Diagnosis, level: str) -> Iterator[Finding]:
    """The values of a document that hold characters which its level does not know, the first hundred of them."""
    outside, code = LEVELS[level], CODES["element.repertoire"]
    if not outside.search(source.text):
        return
    for place, span in islice(_values(source, diagnosis, outside), 100):
        value = source.text[slice(*span)]
        strangers = sorted({*outside.findall(source.decode(value) or value)} - {*source.syntax.characters})
        number, tag, element, component = place
        position = Position(
            source.start + span[0],
            source.start + span[1],
            source.line + source.text.count("\n", 0, span[0]),
            number,
            tag,
            element or None,
            component,
        )
        address = f"{tag}{element:02}" + (f".{component:02}" if component else "")
        is_small = all(character in ascii_lowercase for character in strangers)
        kind = "small letters" if is_small else "characters"
        characters = " ".join(character if character.isprintable() else repr(character) for character in strangers[:10])
        message = f"{address} has {kind} that {level} does not know: {characters}."
        severity = Severity.WARNING if is_small else code.severity
        yield Finding("element.repertoire", message, code.remedy, position, severity, source.quote(*span))


def _values(source: Source, diagnosis: Diagnosis, outside: re.Pattern[str]) -> Iterator[tuple[_Place, tuple[int, int]]]:
    """The elements, or components, that hold strangers."""
    syntax = source.syntax
    for number, (row, span) in enumerate(zip(diagnosis.rows, diagnosis.spans, strict=True), 1):
        if not outside.search(source.text, *span):
            continue
        for element, whole in enumerate(source.elements(*span)):
            for repeat in source.cut(*whole, syntax.repetition):
                parts = source.cut(*repeat, syntax.component)
                for component, part in enumerate(parts, 1):
                    strangers = {*outside.findall(source.text, *part)} - {*syntax.characters}
                    if strangers:
                        yield (number, row[0], element, component if len(parts) > 1 else None), part
