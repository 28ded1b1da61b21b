"""EDIFACT as it is written: UNA, UNB and UNG from their rows, or built from the envelope of a message."""

from __future__ import annotations

import codecs
import re
from typing import TYPE_CHECKING, Any

from edi.edifact.delimiters import CHARACTER_SETS, LEVEL_A, LEVEL_B, syntax_of
from edi.edifact.scanner import STANDARD
from edi.segmented import writing as segmented
from edi.segmented.walk.standard import text_of
from edi.spec import Option
from edi.writing import Unwritable

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from edi.model import Envelope
    from edi.segmented.guides import Guide
    from edi.segmented.walk.events import Opened
    from edi.segmented.walk.segments import Syntax
    from edi.segmented.writing import Heading, Item, Settings

WRITES = (
    Option(
        "delimiters",
        "",
        "component, element, decimal mark, release, repetition (a blank: none) and segment, as UNA has them, "
        ":+.? '; empty: as they were read",
    ),
    Option("una", "auto", "true: UNA is written; auto: where it was read, or where the delimiters need it"),
    *segmented.WRITES,
    Option("syntax", "auto", "UNB's syntax in a header that is built, UNOC:3; auto: the one of the encoding"),
)

_SYNTAX = re.compile(r"UNO[A-Z]:[1-4]")


def write(documents: Iterable[Item], options: Mapping[str, str]) -> Iterator[bytes]:
    """The bytes of a file of EDIFACT that holds these messages; the options are :data:`WRITES`.

    The walk's events may stand among them; :mod:`edi.segmented.writing` says what they do.

    Raises:
        ValueError: at the call, an option has no usable value.
        Unwritable: while the bytes are drawn, a message or header cannot be written.
    """
    return segmented.write(_Edifact(), documents, options)


class _Edifact(segmented.Family):
    standard = STANDARD
    options = WRITES
    around = frozenset({"UNA", "UNB", "UNZ", "UNG", "UNE", "UNH", "UNT", "UIB"})

    def check(self, settings: Settings) -> None:
        marks = settings.delimiters
        if marks:
            used = [mark for place, mark in enumerate(marks) if place != 2 and mark != " "]
            if len(marks) != 6 or len(set(used)) < len(used) or " " in marks[0] + marks[1] + marks[5]:
                raise ValueError(f"delimiters {marks!r} are not the six characters of a UNA; write {LEVEL_A!r}")
            if not marks.isascii() or any(map(str.isalnum, used)):
                raise ValueError(f"delimiters {marks!r} have to be signs of ASCII; write {LEVEL_A!r}")
        if settings.given["una"] not in ("auto", "true", "false"):
            raise ValueError(f"una {settings.given['una']!r} is none of auto, true and false")
        syntax = settings.given["syntax"]
        if syntax != "auto" and (not _SYNTAX.fullmatch(syntax) or syntax[:4] not in CHARACTER_SETS):
            raise ValueError(f"syntax {syntax!r} is none; write UNOC:3, UNOA:2 or UNOY:4")

    def kept(self, opened: Opened, settings: Settings, number: int | None) -> Heading:
        row = list(opened.row)
        marks = settings.delimiters or opened.delimiters
        if number is not None:
            row[5] = str(number)
        bare = self.heading(row, marks, settings, has_una=False)
        had_una = opened.end - opened.start >= len(bare.text.removesuffix(settings.line_end)) + len("UNA:+.? '")
        return self.heading(row, marks, settings, has_una=had_una and not settings.delimiters)

    def built(self, envelope: Envelope, settings: Settings, number: int | None) -> Heading:
        marks = settings.delimiters or envelope.delimiters or LEVEL_A
        syntax = settings.given["syntax"]
        if syntax == "auto":
            syntax = f"{_identifier_of(settings.encoding or envelope.encoding)}:{4 if marks[4] != ' ' else 3}"
        if settings.time is None:
            raise Unwritable("its header needs a date and a time", "give the option time=2026-01-02T10:10", "UNB S004")
        reference = str(number) if number is not None else envelope.interchange
        if not reference:
            raise Unwritable("it names no control reference", "give the option first_control_number=1", "UNB05")
        if syntax.endswith("4") and marks[4] == " " and not settings.delimiters and "*" not in marks:
            marks = f"{marks[:4]}*{marks[5]}"
        name, version = syntax.split(":")
        date = settings.time.strftime("%Y%m%d" if version == "4" else "%y%m%d")
        sender, receiver = _party(envelope.sender), _party(envelope.receiver)
        row = ["UNB", [name, version], sender, receiver, [date, settings.time.strftime("%H%M")], reference]
        if (settings.given["usage"] or envelope.usage) == "T":
            row += ["", "", "", "", "", "1"]
        return self.heading(row, marks, settings, has_una=False)

    def heading(self, row: list[Any], marks: str, settings: Settings, *, has_una: bool) -> Heading:
        """The header whose row is ready, with a UNA if one was there or is needed."""
        name, version = ([*row[1], ""] if isinstance(row[1], list) else [row[1], ""])[:2]
        syntax = syntax_of(marks, repeats=version == "4")
        pen = settings.pen(syntax)
        text = pen.text([row])
        repetition = "*" if version == "4" else " "
        usual = {f"{level[:4]}{repetition}{level[5]}" for level in (LEVEL_A, LEVEL_B)}
        needed = f"{marks[:4]}{marks[4] if version == '4' else ' '}{marks[5]}" not in usual
        if settings.given["una"] == "true" or needed or (has_una and settings.given["una"] == "auto"):
            text = f"UNA{marks}{settings.line_end}{text}"
        declared = "" if settings.encoding else CHARACTER_SETS.get(text_of(name), "")
        return segmented.Heading(row, text, pen, text_of(row[5]), declared)

    def group_key(
        self,
        envelope: Envelope,
        row: list[Any],
        guide: Guide | None,  # noqa: ARG002 - every family has this shape
        settings: Settings,  # noqa: ARG002
    ) -> tuple[str | None, ...] | None:
        if envelope.group is None:
            return None
        kind = [text_of(part) for part in row[2]] if len(row) > 2 and isinstance(row[2], list) else [""]
        _, version, release, *_ = (*kind, "", "", "")
        return envelope.group, envelope.message, version, release

    def group(self, envelope: Envelope, key: Any, settings: Settings, number: int | None) -> list[Any]:
        assert settings.time, "the interchange has asked for it"
        reference, message, *version = key
        sender = self._group_party(settings.given["group_sender"], envelope.group_sender, envelope.sender)
        receiver = self._group_party(settings.given["group_receiver"], envelope.group_receiver, envelope.receiver)
        date = [settings.time.strftime("%y%m%d"), settings.time.strftime("%H%M")]
        return ["UNG", message, sender, receiver, date, str(number) if number else reference, "UN", version]

    @staticmethod
    def _group_party(given: str, read: str, otherwise: str | None) -> Any:
        """Who sends or receives a group: as an option says, as it was read (identifier:qualifier), or as around it."""
        return read.split(":") if read and not given else _party(given or otherwise)

    def numbered(self, row: list[Any], number: int) -> list[Any]:
        return [row[0], str(number), *row[2:]]

    def fits(self, envelope: Envelope, syntax: Syntax) -> None:
        """Numbers have a decimal mark, and nothing but the interchange says which."""
        read = envelope.delimiters[2:3]
        if read.strip() and syntax.decimal not in (" ", read):
            raise Unwritable(
                f"its decimal mark is {read!r}, that of this interchange is {syntax.decimal!r}",
                f"choose delimiters with {read!r} in the third place",
            )


def _identifier_of(encoding: str) -> str:
    """The syntax identifier that stands for an encoding; that of Western Europe where none does."""
    known = codecs.lookup(encoding).name
    if known == "utf-8":  # what a message of ASCII alone was read with, too
        return "UNOC"
    return next((name for name, each in CHARACTER_SETS.items() if each and codecs.lookup(each).name == known), "UNOC")


def _party(party: str | None) -> Any:
    qualifier, colon, identifier = (party or "").partition(":")
    if not colon:
        qualifier, identifier = "", qualifier
    if not identifier:
        raise Unwritable(f"{party!r} names nobody", "give sender and receiver as qualifier:identifier", "UNB")
    return [identifier, qualifier] if qualifier else identifier
