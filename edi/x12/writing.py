"""X12 as it is written: ISA and GS from their rows, or built from the envelope of a document."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from edi.segmented import writing as segmented
from edi.segmented.walk.segments import Syntax
from edi.segmented.walk.standard import text_of
from edi.spec import Option
from edi.writing import Unwritable
from edi.x12.delimiters import LENGTHS
from edi.x12.scanner import STANDARD

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from edi.model import Envelope
    from edi.segmented.guides import Guide
    from edi.segmented.walk.events import Opened
    from edi.segmented.writing import Heading, Item, Settings

DELIMITERS = "*>~^"

WRITES = (
    Option("delimiters", "", "element, component, segment and repetition, *>~^; empty: as they were read"),
    *segmented.WRITES,
    Option("group", "", "GS01 of a header that is built; empty: what the guide says"),
    Option("version", "", "GS08 of a header that is built; empty: what the document says"),
)


def write(documents: Iterable[Item], options: Mapping[str, str]) -> Iterator[bytes]:
    """The bytes of a file of X12 that holds these transaction sets; the options are :data:`WRITES`.

    The walk's events may stand among them; :mod:`edi.segmented.writing` says what they do.

    Raises:
        ValueError: at the call, an option has no usable value.
        Unwritable: while the bytes are drawn, a transaction set or header cannot be written.
    """
    return segmented.write(_X12(), documents, options)


class _X12(segmented.Family):
    standard = STANDARD
    options = WRITES
    around = frozenset({"ISA", "IEA", "GS", "GE", "ST", "SE"})

    def check(self, settings: Settings) -> None:
        marks = settings.delimiters
        if marks and (
            len(marks) not in (3, 4)
            or len(set(marks)) < len(marks)
            or not marks.isascii()
            or any(mark.isalnum() or mark == " " for mark in marks)
        ):
            raise ValueError(
                f"delimiters {marks!r} are not three or four different characters, neither letters nor digits; "
                f"write {DELIMITERS}"
            )

    def kept(self, opened: Opened, settings: Settings, number: int | None) -> Heading:
        row = list(opened.row)
        marks = settings.delimiters or opened.delimiters
        if len(opened.delimiters) > 3 and len(marks) < 4:
            words = f"the delimiters {marks!r} name no repetition separator, which ISA11 of this version needs"
            raise Unwritable(words, "give four, delimiters=*>~^", "ISA11")
        if len(opened.delimiters) > 3:
            row[11] = marks[3]
        else:
            marks = marks[:3]
        row[16] = marks[1]
        if number is not None:
            row[13] = f"{number:09}"
        return _heading(row, marks, settings)

    def built(self, envelope: Envelope, settings: Settings, number: int | None) -> Heading:
        version = _version(envelope, [], settings)
        control = f"00{version[2:5]}" if version.startswith("00") else ""
        if len(control) != 5:
            raise Unwritable(f"the version {version!r} is none of X12", "name it with version=004010", "ISA12")
        marks = settings.delimiters or envelope.delimiters or DELIMITERS
        repeats = control >= "00402"
        if repeats and len(marks) < 4:
            marks += next(mark for mark in "^!|\\" if mark not in marks)
        if settings.time is None:
            raise Unwritable("its header needs a date and a time", "give the option time=2026-01-02T10:10", "ISA09")
        if number is None and not envelope.interchange:
            raise Unwritable("it names no control number", "give the option first_control_number=1", "ISA13")
        reference = f"{number:09}" if number is not None else (envelope.interchange or "").zfill(9)
        sender, receiver = _party(envelope.sender, "ISA06"), _party(envelope.receiver, "ISA08")
        row = ["ISA", "00", " " * 10, "00", " " * 10, *sender, *receiver]
        row += [settings.time.strftime("%y%m%d"), settings.time.strftime("%H%M"), marks[3] if repeats else "U"]
        row += [control, reference, "0", settings.given["usage"] or envelope.usage or "P", marks[1]]
        for place, length in enumerate(LENGTHS, 1):
            if len(row[place]) != length:
                words = f"{row[place]!r} has {len(row[place])} characters instead of {length}"
                raise Unwritable(words, "name it as ISA can hold it", f"ISA{place:02}")
        return _heading(row, marks if repeats else marks[:3], settings)

    def group_key(
        self, envelope: Envelope, row: list[Any], guide: Guide | None, settings: Settings
    ) -> tuple[str | None, str, str]:
        kind = settings.given["group"] or (guide.group if guide else "")
        if not kind:
            raise Unwritable(
                f"no guide says in which group (GS01) a {envelope.message} stands", "give the option group=PO", "GS01"
            )
        return envelope.group, kind, _version(envelope, row, settings)

    def group(self, envelope: Envelope, key: Any, settings: Settings, number: int | None) -> list[Any]:
        assert settings.time, "the interchange has asked for it"
        _, kind, version = key
        sender = settings.given["group_sender"] or envelope.group_sender or _identifier(envelope.sender)
        receiver = settings.given["group_receiver"] or envelope.group_receiver or _identifier(envelope.receiver)
        date, time = settings.time.strftime("%Y%m%d"), settings.time.strftime("%H%M")
        reference = str(number) if number is not None else envelope.group
        return ["GS", kind, sender, receiver, date, time, reference, "X", version]

    def numbered(self, row: list[Any], number: int) -> list[Any]:
        return [row[0], text_of(row[1]) if len(row) > 1 else "", f"{number:04}", *row[3:]]

    def fits(self, envelope: Envelope, syntax: Syntax) -> None:
        """Every transaction set can be said in every syntax."""


def _heading(row: list[str], marks: str, settings: Settings) -> Heading:
    """The header whose row is ready. Of its elements only ISA11 and ISA16 may hold a delimiter."""
    syntax = Syntax(marks[0], marks[1], marks[2], marks[3:4])
    bare = [*row[:11], "" if syntax.repetition else row[11], *row[12:16]]
    pen = settings.pen(syntax)
    pen.segment(bare, 1)
    return segmented.Heading(row, marks[0].join(row) + pen.end, pen, row[13], "")


def _version(envelope: Envelope, row: list[Any], settings: Settings) -> str:
    """GS08: ST03 or the guide, if they name an implementation guide of the version."""
    given = settings.given["version"]
    version = envelope.version or ""
    named = text_of(row[3]) if len(row) > 3 else envelope.guide
    return given or (named if version and named.startswith(version) and "\n" not in named else version)


def _party(party: str | None, address: str) -> tuple[str, str]:
    qualifier, colon, identifier = (party or "").partition(":")
    if not colon or not identifier:
        raise Unwritable(
            f"{party!r} names nobody", "give sender and receiver as qualifier:identifier, ZZ:ACME", address
        )
    return qualifier.ljust(2), identifier.ljust(15)


def _identifier(party: str | None) -> str:
    return (party or "").partition(":")[2]
