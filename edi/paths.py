"""How a value inside a document is named, in each format's own habit.

=============== ============================================================================================
x12, edifact    ``BEG03`` · ``N1[BY].04`` (qualifier, element) · ``DTM[137].01.02`` (element, component) ·
                ``N1[ST]/N4.01`` (segment N4 in the loop that N1 opens) · ``PO1`` (the whole segment) ·
                ``N1[SE,VN]`` (one of these qualifiers) · ``//HL[I]`` (at any depth) · ``^HL[O]/PRF01`` (in the
                nearest loop around this place that HL with O opens) · ``CAS.02~3`` (for a loop: CAS01 with
                each group of three elements from the second on)
csv             the column's header as it stands, or ``#3`` for the third column
fixed           the column's name in the layout, or ``#3``; ``SKU[2]`` in a copybook's table
jsonl, tables   member names joined by dots: ``customer.name``
xml             steps joined by ``/``, ``@name`` last for an attribute, ``text()`` for the element's own text,
                ``.`` for the element itself: ``cac:Price/cbc:PriceAmount/@currencyID``; a step may be ``cac:Party[2]``
=============== ============================================================================================

A qualifier is compared with the segment's first element (its first component, in EDIFACT), that of HL with HL03, which
says what kind of level it is.
"""

from __future__ import annotations

import re
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class SegmentStep:
    """One segment of a path, and on the last step the element and component wanted (from 1; None: all of it).

    `deep`: it stands at any depth below the step before. `around`: it opens a loop around the place where the path
    is read (the innermost that fits, this place's own loop included); only a first step is.
    """

    tag: str
    qualifier: str | None = None
    element: int | None = None
    component: int | None = None
    deep: bool = False
    around: bool = False
    group: int | None = None
    """On the last step of a loop's path: elements from `element` on are taken in groups of so many."""

    @property
    def qualifiers(self) -> tuple[str, ...] | None:
        """The qualifiers of which the segment has one; None where any will do."""
        return None if self.qualifier is None else tuple(self.qualifier.split(","))


@dataclass(frozen=True, slots=True)
class SegmentPath:
    """A path in a loop of segments: every step but the last opens a child loop.

    Of each such step the first child loop that fits is meant; of one that is `deep`, all that fit.
    """

    steps: tuple[SegmentStep, ...]


@dataclass(frozen=True, slots=True)
class ColumnPath:
    """A column, by its header or (`number`, from 1) by its place."""

    name: str
    number: int | None = None


@dataclass(frozen=True, slots=True)
class MemberPath:
    """A member of an object, by the names that lead to it."""

    names: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ElementStep:
    """One step to child elements: ``prefix:local`` (no prefix: any namespace) and which of them, from 1."""

    name: str
    number: int | None = None


@dataclass(frozen=True, slots=True)
class ElementPath:
    """A path from an XML element; at its end the element's text, or one `attribute`."""

    steps: tuple[ElementStep, ...]
    attribute: str | None = None


Path = SegmentPath | ColumnPath | MemberPath | ElementPath

_SEGMENT = re.compile(r"(\^?)([A-Z][A-Z0-9]{1,2})(?:\[([^\]]*)\])?(?:\.?(\d\d)(?:\.(\d{1,2})|~(\d))?)?")
_SLASHES = re.compile("//?")
_ELEMENT = re.compile(r"((?:[^\W\d][\w.-]*:)?[^\W\d][\w.-]*)(?:\[(\d+)\])?")


def parse_path(format_name: str, text: str) -> Path:
    """The path that `text` names in `format_name` (a key of ``edi.formats.FORMATS``).

    Raises:
        ValueError: the text is no path of this format; the message says what is expected.
    """
    if format_name in ("x12", "edifact"):
        return _segment_path(text)
    if format_name == "xml":
        return _element_path(text)
    if format_name in ("csv", "fixed"):
        if text.startswith("#") and text[1:].isdigit() and int(text[1:]):
            return ColumnPath(text, int(text[1:]))
        return ColumnPath(text)
    if not all(text.split(".")):
        raise ValueError(f"{text!r} has an empty name; names are joined by single dots")
    return MemberPath(tuple(text.split(".")))


def _segment_path(text: str) -> SegmentPath:
    steps = []
    parts = _SLASHES.split(text)
    slashes = _SLASHES.findall(text)
    if not parts[0] and slashes[0] == "//":
        parts.pop(0)
    else:
        slashes.insert(0, "")
    for place, (part, slash) in enumerate(zip(parts, slashes, strict=True)):
        match = _SEGMENT.fullmatch(part)
        if not match:
            raise ValueError(f"{part!r} names no segment; write BEG03, N1[BY].04 or N1[ST]/N4.01")
        around, tag, qualifier, element, component, group = match.groups()
        if around and (place or slash):
            raise ValueError(f"{part!r}: only the first step of {text!r} can lead to a loop around")
        if element and place < len(parts) - 1:
            raise ValueError(f"{part!r} names an element, but only the last step of {text!r} can")
        if "00" in (element, component) or "0" in (component, group):
            raise ValueError(f"{part!r}: elements and components are counted from 01")
        steps.append(
            SegmentStep(
                tag,
                qualifier,
                int(element) if element else None,
                int(component) if component else None,
                deep=slash == "//",
                around=bool(around),
                group=int(group) if group else None,
            )
        )
    return SegmentPath(tuple(steps))


def _element_path(text: str) -> ElementPath:
    if text in (".", "text()"):
        return ElementPath(())
    parts = text.split("/")
    attribute = None
    if parts[-1].startswith("@"):
        attribute = parts.pop()[1:]
    elif parts[-1] == "text()":
        parts.pop()
    steps = []
    for part in parts:
        match = _ELEMENT.fullmatch(part)
        if not match:
            raise ValueError(
                f"{part!r} names no element; write cbc:ID, cac:Party[2]/cbc:Name or cbc:Amount/@currencyID"
            )
        steps.append(ElementStep(match[1], int(match[2]) if match[2] else None))
    return ElementPath(tuple(steps), attribute)
