"""EDIFACT as the walk through interchanges sees it, and the two ways into this package: `read` and `locate`."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from edi.edifact.delimiters import oddities, read_unb, syntax_of
from edi.segmented.guides import choice
from edi.segmented.structure import places
from edi.segmented.walk.interchange import Walk
from edi.segmented.walk.standard import Standard, text_of
from edi.segmented.walk.window import codec_of, one_per_byte

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from edi.findings import Finding, Position
    from edi.model import Document, Envelope
    from edi.paths import SegmentPath
    from edi.segmented.walk.interchange import Event


def describe(row: list[Any], group: list[Any] | None) -> tuple[str, str | None, str, str | None]:
    """Message, version, reference and group: S009 0065, 0052 and 0054 together (D96A), 0062, and UNG's 0048."""
    reference = text_of(row[1]) if len(row) > 1 else ""
    kind = row[2] if len(row) > 2 else ""
    message, version, release = (*kind, "", "", "")[:3] if isinstance(kind, list) else (text_of(kind), "", "")
    number = text_of(group[5]) if group and len(group) > 5 else None
    return message, (version + release).upper() or None, reference, number


def guide_version(row: list[Any], _group: list[Any] | None) -> str:
    """The directory that a message is made of: S009 0052 and 0054 together (D96A)."""
    return describe(row, None)[1] or ""


STANDARD = Standard(
    name="edifact",
    start=re.compile(r"UNA[^A-Za-z0-9 ]|U[NI]B[^A-Za-z0-9 ]"),
    header=read_unb,
    describe=describe,
    guide_version=guide_version,
    oddities=oddities,
    opens="UNB",
    first_tags=("UNA", "UNB", "UIB"),
    closes="UNZ",
    set_tags=("UNH", "UNT"),
    set_reference=1,
    group_tags=("UNG", "UNE"),
    group_reference=5,
    notes=(),
    document_word="message",
    counts_documents=True,
)


def read(chunks: Iterable[bytes], options: Mapping[str, str]) -> Iterator[Document | Finding]:
    """The messages of a file, and what is wrong with it; see :mod:`edi.model` for their shape.

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
    syntax = syntax_of(envelope.delimiters, repeats=True)
    guide = choice.chosen("edifact", envelope.message or "", envelope.guide)
    return places.locate(one_per_byte(raw, codec_of(envelope.encoding)), syntax, guide, path, loops)
