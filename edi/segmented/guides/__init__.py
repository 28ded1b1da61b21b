"""Guides: what a message of one version may hold, read from the tables in ``x12/guides`` and ``edifact/guides``.

A guide is a TOML file ``<version>/<message>.toml`` that people can read and extend: its `structure` has a line for each
segment, with how often it may stand there; the lines indented below belong to the loop that the segment opens. What the
segments hold stands once per version, in ``segments.toml``, and the lists of codes in ``codes.toml``. The headers of
these files say where the facts are from.

An implementation guide, or a partner's, says only what differs::

    extends = "005010"                 # the dictionary; "005010/837": the structure, too
    structure = \"\"\"
    ST 1
    BHT 1
    HL[20] 1..*
        NM1[85] 1                      # only with this qualifier
    SE 1
    \"\"\"
    [segments]                         # the elements of segments, also by qualifier: order as in segments.toml
    "NM1[85]" = "98! 1065! 1035!"
    [codes]                            # narrows the lists of codes; with + it adds to them
    BHT01 = "0019"
    "NM1[85].02" = "1 2"
    BEG02 = "+ ZZ"
    [notes]
    NM1 = "P0809"
"""

from __future__ import annotations

import re
import tomllib
from dataclasses import replace
from difflib import get_close_matches
from functools import lru_cache
from importlib.resources import files
from typing import TYPE_CHECKING, Any, NoReturn

from edi.segmented.guides.definitions import MANY, Codes, Definition, Dictionary, Element, Guide, Note, Slot
from edi.segmented.guides.tables import extend, parse_dictionary, parse_structure

if TYPE_CHECKING:
    from collections.abc import Iterator
    from importlib.resources.abc import Traversable

__all__ = [
    "MANY", "Codes", "Definition", "Dictionary", "Element", "Guide", "Note", "Slot",
    "available", "dictionary", "find", "load", "parse", "parse_dictionary", "parse_structure",
]  # fmt: skip

_YEARS_OF_FOUR_DIGITS = 4010
"""Before this release of X12, dates (element 373) were YYMMDD."""
_DICTIONARIES = ("segments.toml", "codes.toml")


def find(standard: str, message: str, version: str) -> Guide | None:
    """The guide of `message` in exactly `version`, else of its release, else of the release nearest to it; else None.

    The release of X12's 005010X222A1 is 005010. An implementation guide is for its own version only.
    """
    versions = available(standard).get(message, [])
    if version in versions:
        return load(standard, message, version)
    releases = [name for name in versions if not _is_implementation(name)]
    if not releases:
        return None
    wanted = _age(version)
    nearest = min(releases, key=lambda name: (abs(_age(name) - wanted), name))
    guide = load(standard, message, nearest)
    return _with_short_years(guide) if standard == "x12" and 0 < wanted < _YEARS_OF_FOUR_DIGITS else guide


@lru_cache(maxsize=64)
def _with_short_years(guide: Guide) -> Guide:
    """The guide for documents of a release in which dates had years of two digits: it takes both."""
    known = guide.dictionary
    segments = {tag: tuple(map(_with_short_year, elements)) for tag, elements in known.segments.items()}
    qualified = {
        tag: {value: each._replace(elements=tuple(map(_with_short_year, each.elements))) for value, each in by.items()}
        for tag, by in known.qualified.items()
    }
    return replace(guide, dictionary=replace(known, segments=segments, qualified=qualified))


def _with_short_year(element: Element) -> Element:
    shortest = 6 if element.kind == "DT" else element.shortest
    return replace(element, shortest=shortest, components=tuple(map(_with_short_year, element.components)))


@lru_cache(maxsize=256)
def load(standard: str, message: str, version: str) -> Guide:
    """The guide in ``<standard>/guides/<version>/<message>.toml``.

    Raises:
        ValueError: the file says something that is no guide; the message names file and line.
    """
    table = _read(_folder(standard) / version / f"{message}.toml")
    name = f"{standard}/guides/{version}/{message}.toml"
    if "extends" in table:
        return _extended(standard, table, name)
    return _guide(table, parse_structure(table["structure"], name), dictionary(standard, version))


@lru_cache(maxsize=64)
def parse(text: str) -> Guide:
    """The guide that `text` is: of a partner, say, for messages that are narrower or wider than the standard's.

    It extends a guide that is here: `extends` names it (``x12/004010/850``, or ``004010/850``), or else its `version`
    and `message` do. The same text gives the same guide.

    Raises:
        ValueError: the text is no guide, or extends one that is not here; the message says what is wrong.
    """
    table = tomllib.loads(text)
    if "extends" not in table and not {"message", "version"} <= table.keys():
        raise ValueError('the guide names none that it extends; write extends = "x12/004010/850", or whichever')
    return _extended("", table, "the guide")


def _extended(standard: str, table: dict[str, Any], name: str) -> Guide:
    _check(table)
    told = str(table.get("extends") or f"{table['version']}/{table['message']}")
    *before, version, message = told.split("/") if "/" in told else (told, str(table.get("message", "")))
    standard = before[0] if before else standard or ("x12" if re.match(r"\d{6}", version) else "edifact")
    try:
        base = _base(standard, version, message)
        if "structure" in table:
            root = parse_structure(table["structure"], name)
        else:
            root = base.root if base else _absent(version, message)
        _check_root(root, table)
        known = base.dictionary if base else dictionary(standard, version)
        return _guide(table, root, extend(known, table), base)
    except ValueError as error:
        raise ValueError(f"{name}: {error}" if name not in str(error) else str(error)) from None


_TEXTS = ("extends", "message", "version", "label", "group", "structure", "totals")
_TABLES = ("labels", "elements", "composites", "segments", "notes", "codes")


def _check(table: dict[str, Any]) -> None:
    """Raise ValueError for what a guide that extends another cannot have: nothing in it is ignored."""
    trouble = next(_troubles(table), None)
    if trouble:
        raise ValueError(trouble)


def _troubles(table: dict[str, Any]) -> Iterator[str]:
    known = (*_TEXTS, *_TABLES)
    for key, value in table.items():
        if key not in known:
            near = get_close_matches(key, known, 1)
            yield f"a guide has no {key!r}; {f'did you mean {near[0]}?' if near else 'known are ' + ', '.join(known)}"
        elif key in _TEXTS:
            if not isinstance(value, str):
                yield f"{key} is {value!r}; write it in quotes"
        elif not isinstance(value, dict):
            yield f"{key} is {value!r}; write [{key}] and a line for each below it"
        else:
            for name, text in value.items():
                if isinstance(text, dict):
                    yield f'[{key}] {name} has a point in its name; write it in quotes: "{name}.{next(iter(text))}"'
                elif not isinstance(text, str):
                    yield f"[{key}] {name} is {text!r}; write it in quotes"


def _check_root(root: Slot, table: dict[str, Any]) -> None:
    """Raise ValueError for a structure without its header and trailer, or for segments that it does not have."""
    pairs = {"ST": "SE", "UNH": "UNT"}
    last = root.children[-1].tag if root.children else ""
    if pairs.get(root.tag) != last:
        ends = "it begins with ST and ends with SE, or UNH and UNT"
        raise ValueError(f"the structure goes from {root.tag} to {last or root.tag}; {ends}")
    tags = _tags(root)
    for name in table.get("segments", {}):
        if name.partition("[")[0] not in tags:
            raise ValueError(f"[segments] {name}: the structure has no {name.partition('[')[0]}")


def _tags(slot: Slot) -> set[str]:
    return {slot.tag}.union(*map(_tags, slot.children))


def _base(standard: str, version: str, message: str) -> Guide | None:
    """The guide that is extended; None if there is only a dictionary of its version."""
    if standard in ("x12", "edifact"):
        if version in available(standard).get(message, ()):
            return load(standard, message, version)
        if (_folder(standard) / version / "segments.toml").is_file():
            return None
    return _absent(version, message)


def _absent(version: str, message: str) -> NoReturn:
    raise ValueError(f"there is no guide {version}/{message} to extend")


def _guide(table: dict[str, Any], root: Slot, known: Dictionary, base: Guide | None = None) -> Guide:
    totals = tuple(line.strip() for line in table.get("totals", "").splitlines() if line.strip())
    if base and "totals" not in table:
        totals = base.totals
    if base:
        inherited = {"message": base.message, "version": base.version, "label": base.label, "group": base.group}
        table = inherited | table
    try:
        message, version, label = (str(table[key]) for key in ("message", "version", "label"))
    except KeyError as error:
        raise ValueError(f"the guide says no {error.args[0]}") from None
    return Guide(message, version, label, root, known, str(table.get("group", "")), totals)


@lru_cache(maxsize=64)
def dictionary(standard: str, version: str) -> Dictionary:
    """The segments of `version`, from ``<standard>/guides/<version>/segments.toml`` and ``codes.toml``."""
    folder = _folder(standard) / version
    codes = folder / "codes.toml"
    return parse_dictionary(_read(folder / "segments.toml"), _read(codes) if codes.is_file() else None)


def _folder(standard: str) -> Traversable:
    return files("edi") / standard / "guides"


def _read(path: Traversable) -> dict[str, Any]:
    return tomllib.loads(path.read_text("utf-8"))


@lru_cache(maxsize=8)
def available(standard: str) -> dict[str, list[str]]:
    """The versions in which there is a guide, by message."""
    found: dict[str, list[str]] = {}
    for folder in _folder(standard).iterdir():
        if folder.is_dir():
            for file in folder.iterdir():
                if file.name.endswith(".toml") and file.name not in _DICTIONARIES:
                    found.setdefault(file.name.removesuffix(".toml"), []).append(folder.name)
    return found


def _is_implementation(version: str) -> bool:
    return re.fullmatch(r"\d{6}[A-Z].*", version) is not None


def _age(version: str) -> int:
    """A number that grows with the version: 004010 → 4010, D96A → 19960 (and D01B → 20011)."""
    edifact = re.fullmatch(r"[A-Z](\d\d)([A-Z])", version)
    if edifact:
        year = int(edifact[1])
        return (year + (1900 if year > 80 else 2000)) * 10 + ord(edifact[2]) - ord("A")
    digits = re.match(r"\d{1,6}", version)
    return int(digits[0]) if digits else 0
