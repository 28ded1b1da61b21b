"""X12 as the walk through interchanges sees it, and the two ways into this package: `read` and `locate`."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from edi.segmented.guides import choice
from edi.segmented.structure import places
from edi.segmented.walk.interchange import Walk
from edi.segmented.walk.segments import Syntax
from edi.segmented.walk.standard import Standard, at, text_of
from edi.segmented.walk.window import codec_of, one_per_byte
from edi.x12.delimiters import oddities, read_isa

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from edi.findings import Finding, Position
    from edi.model import Document, Envelope
    from edi.paths import SegmentPath
    from edi.segmented.walk.interchange import Event


def describe(row: list[Any], group: list[Any] | None) -> tuple[str, str | None, str, str | None]:
    """Message, version, reference and group of a transaction set: ST01, GS08 in six digits, ST02, GS06.

    What follows the version's six digits in GS08 names an industry's guide (005010X222A1).
    """
    message, reference = (text_of(value) for value in (*row[1:3], "", "")[:2])
    if group is None:
        return message, None, reference, None
    number = text_of(group[6]) if len(group) > 6 else None
    return message, guide_version(row, group)[:6] or None, reference, number


def guide_version(row: list[Any], group: list[Any] | None) -> str:
    """The version with the name of the industry's guide, if there is one: ST03 goes before GS08."""
    told = at(row, 3) or at(group or [], 8)
    digits = told[:6]
    if len(digits) < 6 and digits.isdigit():  # 00401 and 4010 are written, too
        return digits + "0" if digits.startswith("00") else digits.zfill(6)
    return told


STANDARD = Standard(
    name="x12",
    start=re.compile(r"ISA[^A-Za-z0-9 \r\n]"),
    header=read_isa,
    describe=describe,
    guide_version=guide_version,
    oddities=oddities,
    opens="ISA",
    first_tags=("ISA",),
    closes="IEA",
    set_tags=("ST", "SE"),
    set_reference=2,
    group_tags=("GS", "GE"),
    group_reference=6,
    notes=(("TA1", "x12.ta1"),),
    document_word="transaction set",
    counts_documents=False,
)


def read(chunks: Iterable[bytes], options: Mapping[str, str]) -> Iterator[Document | Finding]:
    """The transaction sets of a file, and what is wrong with it; see :mod:`edi.model` for their shape.

    Raises:
        ValueError: an option has a value that it cannot have.
    """
    return Walk(STANDARD, chunks, options).run()


def events(chunks: Iterable[bytes], options: Mapping[str, str]) -> Iterator[Event]:
    """The same, and between them where interchanges and groups open and close: :mod:`edi.segmented.walk.events`."""
    return Walk(STANDARD, chunks, options).events()


def locate(
    raw: bytes, envelope: Envelope, path: SegmentPath, loops: tuple[tuple[SegmentPath, int], ...] = ()
) -> Position | None:
    """Where in `raw`, the bytes of one document, the value lies that `path` names in the loop that `loops` lead to.

    Each of `loops` is the path of a loop and its occurrence from 0, outermost first. Offsets count from the start of
    `raw`. A value that is missing has an empty span where it should stand; None means that the loop does not exist.
    """
    marks = envelope.delimiters
    syntax = Syntax(marks[0], marks[1], marks[2], marks[3:4])
    guide = choice.chosen("x12", envelope.message or "", envelope.guide)
    text = one_per_byte(raw, codec_of(envelope.encoding))
    return places.locate(text, syntax, guide, path, loops)
