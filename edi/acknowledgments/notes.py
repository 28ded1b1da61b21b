"""What a 997 or 999 says of one transaction set: its errors as AK3, AK4, AK5 or IK3, CTX, IK4, IK5."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from edi.acknowledgments.codes import ELEMENTS_IN_ERROR, SEGMENTS_IN_ERROR, SET_ELEMENTS, TABLE
from edi.acknowledgments.guided import guide_of, has_segment, is_borrowed, opens_loop, release_of
from edi.findings import Severity
from edi.segmented.walk.standard import at

if TYPE_CHECKING:
    from collections.abc import Iterator

    from edi.acknowledgments.answers import Kind, Verdict
    from edi.findings import Finding
    from edi.model import Document, Loop
    from edi.segmented.guides import Element, Guide

ERRORS_MAX = 5
"""So many codes AK5 and IK5 can hold."""

ELEMENTS_MAX = 99
"""So many AK4 may follow an AK3; places of elements have two digits, too."""

POSITION_MAX = 999_999
"""AK302 has six digits."""

VALUE_MAX = 99
"""The length of AK404."""

REFERENCE_MAX = 35
"""The length of CTX01-2 (X12's answer to the request for interpretation 2293: a longer one is cut)."""

BUSINESS_UNITS: dict[str, tuple[str, str, int, str]] = {
    # Context name in the 999's guide (pyx12, 999.5010X231.A1.xml): loop, segment and element that hold its value.
    "820": ("ENT", "ENT", 1, "ENT01"),
    "834": ("INS", "REF", 2, "SUBSCRIBER NUMBER REF02"),
    "837": ("CLM", "CLM", 1, "CLM01"),
}
"""By which identifier people know a part of a transaction set."""

_TAG = re.compile("[A-Z][A-Z0-9]{1,2}")
_GUIDED = ("segment", "element", "level", "total")


class Notes:
    """The findings of one transaction set in the words of X12.

    What the guide of another version finds is not told: it weighs as a warning because it may be wrong.
    """

    def __init__(self, document: Document, kind: Kind) -> None:
        self.document = document
        self.kind = kind
        told = [each for each in document.findings if each.code in TABLE and each.severity is not Severity.NOTE]
        self.guide: Guide | None = guide_of(document) if told else None
        self.release = release_of(document, self.guide) if self.guide else None
        """The guide that :attr:`guide` extends."""
        if is_borrowed(document, self.guide):
            told = [each for each in told if each.severity is Severity.ERROR or not each.code.startswith(_GUIDED)]
        self.told = told
        is_rejected = any(finding.severity is Severity.ERROR for finding in document.findings)
        self.verdict: Verdict = "R" if is_rejected else "E" if told else "A"
        self.knows_repetition = (document.envelope.version or "") >= "005010"

    def rows(self) -> Iterator[list[Any]]:
        """AK2 to AK5, or IK5."""
        envelope = self.document.envelope
        first, last = ("AK3", "AK5") if self.kind == "997" else ("IK3", "IK5")
        header = self.document.content.get("ST", [[]])[0]
        implementation = at(header, 3) if self.kind == "999" else ""
        message = envelope.message if re.fullmatch("[A-Za-z0-9]{3}", envelope.message or "") else "000"
        yield ["AK2", message, (envelope.reference or "0000")[:9], implementation]
        codes: list[str] = []
        segments: dict[tuple[int, str], list[Finding]] = {}
        for finding in self.told:
            position, told = finding.position, TABLE[finding.code]
            tag = (position.tag or "")[:3]
            code = told.set or SET_ELEMENTS.get((tag, position.element or 0), "")
            if code:
                codes.extend([code] if code not in codes else [])
            elif told.segment and position.segment and _TAG.fullmatch(tag):
                segments.setdefault((position.segment, tag), []).append(finding)
            elif SEGMENTS_IN_ERROR not in codes:
                codes.append(SEGMENTS_IN_ERROR)
        for (number, tag), found in sorted(segments.items(), key=lambda item: item[0][0]):
            yield from self.segment(first, number, tag, found)
        if (segments or (self.verdict == "R" and not codes)) and SEGMENTS_IN_ERROR not in codes:
            codes.append(SEGMENTS_IN_ERROR)
        yield [last, self.verdict, *codes[:ERRORS_MAX]]

    def segment(self, first: str, number: int, tag: str, found: list[Finding]) -> Iterator[list[Any]]:
        """AK3 for each error of the segment itself, then one with the errors of its elements."""
        place = str(min(number, POSITION_MAX))
        elements = []
        for finding in found:
            if finding.position.element and TABLE[finding.code].element:
                elements.append(finding)
                continue
            yield [first, tag, place, "", self.segment_code(finding, tag)]
            yield from self.business_unit(number, tag)
        if elements:
            yield [first, tag, place, "", ELEMENTS_IN_ERROR]
            yield from self.business_unit(number, tag)
            for finding in elements[:ELEMENTS_MAX]:
                yield from self.element(finding, tag, place)

    def segment_code(self, finding: Finding, tag: str) -> str:
        """Element 720 or 620."""
        code, *others = TABLE[finding.code].segment.split("/")
        if not others or not self.guide:
            return code
        if finding.code == "segment.unknown":
            if self.release and self.kind == "999" and has_segment(self.release, tag):
                return others[1]
            return others[0] if tag in self.guide.dictionary.segments else code
        return others[0] if opens_loop(self.guide, tag) else code

    def element(self, finding: Finding, tag: str, place: str) -> Iterator[list[Any]]:
        """AK4 or IK4, and what made the element required."""
        position = finding.position
        code = self.element_code(finding, tag)
        number = position.element or 0
        where = [str(min(number, ELEMENTS_MAX)), str(position.component or "")]
        reference = self.reference(tag, number, position.component)
        value = "" if code in ("1", "2") else "".join(_printable(c) for c in (finding.value or "")[:VALUE_MAX])
        yield ["AK4" if self.kind == "997" else "IK4", where, reference, code, value]
        trigger = self.trigger(tag, number) if self.kind == "999" and code == "2" else 0
        if trigger:
            reference = self.reference(tag, trigger, None)
            yield ["CTX", "SITUATIONAL TRIGGER", tag, place, "", str(trigger), reference]

    def element_code(self, finding: Finding, tag: str) -> str:
        """Element 723 or 621."""
        code, *others = TABLE[finding.code].element.split("/")
        position = finding.position
        if not others:
            return code
        if finding.code == "element.code":
            is_listed = self.release and _takes(self.release, tag, finding)
            return others[0] if is_listed and self.kind == "999" else code
        is_later = position.component or finding.code == "element.repeated"
        return others[0] if is_later and self.knows_repetition else code

    def reference(self, tag: str, number: int, component: int | None) -> str:
        """The element's number in the standard's dictionary; composites have a letter in theirs, which has no place."""
        found = self.elements(tag)
        element = found[number - 1] if 0 < number <= len(found) else None
        if element and component:
            element = element.components[component - 1] if component <= len(element.components) else None
        return element.number if element and element.number.isdecimal() else ""

    def elements(self, tag: str) -> tuple[Element, ...]:
        """The elements that the guide gives a segment."""
        return self.guide.dictionary.segments.get(tag, ()) if self.guide else ()

    def trigger(self, tag: str, number: int) -> int:
        """The place of the element whose presence requires the element `number`; 0 where it cannot be told."""
        triggers = set()
        for note in self.guide.dictionary.notes.get(tag, ()) if self.guide else ():
            if number in note.places:
                others = [place for place in note.places if place != number]
                if note.kind in "CL" and note.places[0] != number:
                    triggers.add(note.places[0])
                elif note.kind == "P" and len(others) == 1:
                    triggers.add(others[0])
                else:
                    return 0
        return triggers.pop() if len(triggers) == 1 else 0

    def business_unit(self, number: int, tag: str) -> Iterator[list[Any]]:
        """By which identifier the sender knows the part that the segment stands in, where that is certain."""
        unit = BUSINESS_UNITS.get(self.document.envelope.message or "")
        if self.kind != "999" or not unit:
            return
        loop_tag, wanted, element, name = unit
        order = list(_in_order(self.document.content, None, loop_tag))
        if number > len(order) or order[number - 1][0] != tag:
            return
        loop = order[number - 1][1]
        rows = [row for row in loop.get(wanted, ()) if wanted != "REF" or at(row, 1) == "0F"] if loop else []
        value = at(rows[0], element) if len(rows) == 1 else ""
        if value and value.isascii() and value.isprintable():
            yield ["CTX", [name, value[:REFERENCE_MAX]]]


def _takes(guide: Guide, tag: str, finding: Finding) -> bool:
    """Whether the value of a finding is a code of its element."""
    position = finding.position
    elements = guide.dictionary.segments.get(tag, ())
    for place in (position.element, position.component):
        if place:
            if place > len(elements):
                return False
            codes, elements = elements[place - 1].codes, elements[place - 1].components
    return codes is None or finding.value in codes.listed


def _in_order(loop: Loop, unit: Loop | None, tag: str) -> Iterator[tuple[str, Loop | None]]:
    """The tags of a document in the order of the file, if that is the order of its loops; and the unit of each."""
    for key, found in loop.items():
        for each in found:
            if isinstance(each, dict):
                yield from _in_order(each, each if key == f"{tag}*" else unit, tag)
            else:
                yield key, unit


def _printable(character: str) -> str:
    return character if character.isascii() and character.isprintable() else "?"
