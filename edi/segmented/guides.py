"""Guides: what a message of one version may hold, read from the tables in ``x12/guides`` and ``edifact/guides``.

A guide is a TOML file ``<version>/<message>.toml`` that people can read and extend: its `structure` has a line for each
segment, with how often it may stand there; the lines indented below belong to the loop that the segment opens. What the
segments hold stands once per version, in ``segments.toml``. The headers of these files say where the facts are from.
"""

from __future__ import annotations

import re
import tomllib
from dataclasses import dataclass, field, replace
from functools import lru_cache
from importlib.resources import files
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from importlib.resources.abc import Traversable

MANY = 1_000_000_000
"""What ``*`` in a structure stands for."""


@dataclass(frozen=True, slots=True)
class Element:
    """One element of a segment, or one component of a composite (which has `components` and no kind of its own).

    `kind` is the standard's own word: X12 AN ID N0 N2 R DT TM B, EDIFACT a n an. Lengths count characters; those of
    numbers count digits alone.
    """

    number: str
    kind: str
    shortest: int
    longest: int
    label: str = ""
    required: bool = False
    repeat: int = 1
    components: tuple[Element, ...] = ()


@dataclass(frozen=True, slots=True)
class Slot:
    """One place in the structure of a message. One with `children` opens a loop, of which it is the first segment."""

    tag: str
    least: int
    most: int
    children: tuple[Slot, ...] = ()


class Note(NamedTuple):
    """A relation between elements of one segment, by their places, which are counted from 1: a syntax note of X12.

    `kind` is P (all or none of them), R (at least one), E (at most one), C (the first needs all others) or
    L (the first needs at least one of the others).
    """

    kind: str
    places: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Dictionary:
    """The segments of one version: their elements by tag, their labels, and the notes on their elements."""

    segments: dict[str, tuple[Element, ...]]
    labels: dict[str, str]
    notes: dict[str, tuple[Note, ...]] = field(default_factory=dict)


@dataclass(frozen=True, eq=False, slots=True)
class Guide:
    """What one message of one version may hold. `root` is the slot of ST or UNH; all others are its descendants.

    Guides compare by identity: each is loaded once, and what is compiled from it is kept beside it.
    """

    message: str
    version: str
    label: str
    root: Slot
    dictionary: Dictionary
    group: str = ""
    """X12: the functional identifier of its groups (GS01)."""
    totals: tuple[str, ...] = ()
    """The lines of the table's `totals`; :mod:`edi.segmented.totals` says what they mean."""


_CARDINALITY = re.compile(r"(\d+)(?:\.\.(\d+|\*))?")
_X12_TYPE = re.compile(r"(AN|ID|N\d|R|DT|TM|B) (\d+)(?:\.\.(\d+))?(?: (.+))?")
_EDIFACT_TYPE = re.compile(r"(an|a|n)(\.\.)?(\d+)(?: (.+))?")
_NOTE = re.compile(r"([PRECL])((?:\d\d){2,})")
_REFERENCE = re.compile(r"([A-Z]?\d+)(!?)(?:\*(\d+))?")


def find(standard: str, message: str, version: str) -> Guide | None:
    """The guide of `message` in `version`, or else of the version nearest to it that has one; None if none has."""
    versions = _available(standard).get(message)
    if not versions:
        return None
    wanted = _age(version)
    nearest = min(versions, key=lambda name: (abs(_age(name) - wanted), name))
    return load(standard, message, nearest)


@lru_cache(maxsize=256)
def load(standard: str, message: str, version: str) -> Guide:
    """The guide in ``<standard>/guides/<version>/<message>.toml``.

    Raises:
        ValueError: the file says something that is no guide; the message names file and line.
    """
    table = _read(_folder(standard) / version / f"{message}.toml")
    name = f"{standard}/guides/{version}/{message}.toml"
    root = parse_structure(table["structure"], name)
    totals = tuple(line.strip() for line in table.get("totals", "").splitlines() if line.strip())
    known = dictionary(standard, version)
    return Guide(table["message"], table["version"], table["label"], root, known, table.get("group", ""), totals)


@lru_cache(maxsize=64)
def dictionary(standard: str, version: str) -> Dictionary:
    """The segments of `version`, from ``<standard>/guides/<version>/segments.toml``."""
    return parse_dictionary(_read(_folder(standard) / version / "segments.toml"))


def parse_dictionary(table: dict[str, Any]) -> Dictionary:
    """The segments that the tables of a ``segments.toml`` describe.

    Raises:
        ValueError: a type or note cannot be read, or an element is named that the tables do not hold.
    """
    elements = {number: _element(number, text) for number, text in table["elements"].items()}
    for number, text in table.get("composites", {}).items():
        elements[number] = Element(number, "", 0, 0, components=_references(text, elements))
    segments = {tag: _references(text, elements) for tag, text in table["segments"].items()}
    notes = {tag: _notes(tag, text, segments) for tag, text in table.get("notes", {}).items()}
    return Dictionary(segments, table.get("labels", {}), notes)


def _folder(standard: str) -> Traversable:
    return files("edi") / standard / "guides"


def _read(path: Traversable) -> dict[str, Any]:
    return tomllib.loads(path.read_text("utf-8"))


@lru_cache(maxsize=8)
def _available(standard: str) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for folder in _folder(standard).iterdir():
        if folder.is_dir():
            for file in folder.iterdir():
                if file.name.endswith(".toml") and file.name not in ("segments.toml", "codes.toml"):
                    found.setdefault(file.name.removesuffix(".toml"), []).append(folder.name)
    return found


def _age(version: str) -> int:
    """A number that grows with the version: 004010 → 4010, D96A → 19960 (and D01B → 20011)."""
    edifact = re.fullmatch(r"[A-Z](\d\d)([A-Z])", version)
    if edifact:
        year = int(edifact[1])
        return (year + (1900 if year > 80 else 2000)) * 10 + ord(edifact[2]) - ord("A")
    digits = re.match(r"\d{1,6}", version)
    return int(digits[0]) if digits else 0


def _element(number: str, text: str) -> Element:
    x12 = _X12_TYPE.fullmatch(text)
    if x12:
        return Element(number, x12[1], int(x12[2]), int(x12[3] or x12[2]), x12[4] or "")
    edifact = _EDIFACT_TYPE.fullmatch(text)
    if edifact:
        longest = int(edifact[3])
        return Element(number, edifact[1], 1 if edifact[2] else longest, longest, edifact[4] or "")
    raise ValueError(f"element {number}: {text!r} is no type; write AN 1..30, or an..35")


def _references(text: str, elements: dict[str, Element]) -> tuple[Element, ...]:
    found = []
    for word in text.split():
        match = _REFERENCE.fullmatch(word)
        if not match or match[1] not in elements:
            raise ValueError(f"{word!r} in {text!r} names no element or composite of this file")
        found.append(replace(elements[match[1]], required=bool(match[2]), repeat=int(match[3] or 1)))
    return tuple(found)


def _notes(tag: str, text: str, segments: dict[str, tuple[Element, ...]]) -> tuple[Note, ...]:
    found = []
    for word in text.split():
        match = _NOTE.fullmatch(word)
        places = tuple(int(match[2][at : at + 2]) for at in range(0, len(match[2]), 2)) if match else ()
        if not match or not all(1 <= place <= len(segments.get(tag, ())) for place in places):
            raise ValueError(f"{tag}: {word!r} is no note on its elements; write P0304 for the third and the fourth")
        found.append(Note(match[1], places))
    return tuple(found)


def parse_structure(text: str, name: str) -> Slot:
    """The slots that the lines of `text` draw: ST or UNH comes first, and all other lines are below it.

    Raises:
        ValueError: a line cannot be read; the message names its number in the file `name`.
    """
    lines = []
    for number, line in enumerate(text.splitlines(), 1):
        words = line.split()
        if not words:
            continue
        match = _CARDINALITY.fullmatch(words[1]) if len(words) == 2 else None
        if not match:
            raise ValueError(f"{name}, line {number} of the structure: write a tag and how often, as in `REF 0..*`")
        least, most = int(match[1]), MANY if match[2] == "*" else int(match[2] or match[1])
        lines.append((len(line) - len(line.lstrip()), words[0], least, most))
    _, tag, least, most = lines.pop(0)
    children, rest = _children(lines, 0)
    assert not rest, f"{name}: every line of the structure is read"
    return Slot(tag, least, most, children)


def _children(
    lines: list[tuple[int, str, int, int]], indent: int
) -> tuple[tuple[Slot, ...], list[tuple[int, str, int, int]]]:
    slots = []
    while lines and lines[0][0] >= indent:
        _, tag, least, most = lines[0]
        lines = lines[1:]
        children: tuple[Slot, ...] = ()
        if lines and lines[0][0] > indent:
            children, lines = _children(lines, lines[0][0])
        slots.append(Slot(tag, least, most, children))
    return tuple(slots), lines
