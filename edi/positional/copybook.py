"""COBOL copybooks as layouts: data descriptions in, columns with their bytes out.

Read are level numbers, PICTURE, USAGE, SIGN, OCCURS (nested; DEPENDING ON for a last table), REDEFINES and FILLER, also
where a group hands USAGE and SIGN down. VALUE, BLANK, JUSTIFIED and levels 66, 78 and 88 say nothing about the bytes
and are passed over. What the text does not tell (SYNCHRONIZED, COPY) or is not read (COMP-1, NATIONAL) is refused with
its line and column.

Sizes are those of Enterprise COBOL for z/OS: a binary number takes 2, 4 or 8 bytes for 1-4, 5-9 or 10-18 digits, a
packed one half a byte for each digit and one for the sign.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
from difflib import get_close_matches
from typing import TYPE_CHECKING

from edi.positional.layout import COLUMNS_MAX, RECORD_BYTES_MAX, Kind
from edi.positional.source import Word, statements

if TYPE_CHECKING:
    from collections.abc import Callable

BINARY, PACKED, DISPLAY = "binary", "packed", "display"
_USAGES = {
    **dict.fromkeys(("DISPLAY",), DISPLAY),
    **dict.fromkeys(("BINARY", "COMP", "COMP-4", "COMP-5", "COMPUTATIONAL", "COMPUTATIONAL-4"), BINARY),
    **dict.fromkeys(("COMPUTATIONAL-5",), BINARY),
    **dict.fromkeys(("PACKED-DECIMAL", "COMP-3", "COMPUTATIONAL-3"), PACKED),
}
_REFUSED = {
    **dict.fromkeys(("COMP-1", "COMP-2", "COMPUTATIONAL-1", "COMPUTATIONAL-2"), "is a floating point number"),
    **dict.fromkeys(("INDEX", "POINTER", "PROCEDURE-POINTER", "FUNCTION-POINTER"), "is an address in a program"),
    **dict.fromkeys(("DISPLAY-1", "NATIONAL", "KANJI", "UTF-8"), "has characters of several bytes"),
    **dict.fromkeys(("COMP-6", "COMPUTATIONAL-6", "COMP-X", "COMP-N"), "is known to one compiler only"),
}
_ALIGNED = ("SYNC", "SYNCHRONIZED")
_IGNORED = ("EXTERNAL", "GLOBAL", "JUST", "JUSTIFIED", "BLANK", "VALUE", "VALUES", "VOLATILE")
_CLAUSES = frozenset(
    {"REDEFINES", "PIC", "PICTURE", "USAGE", "SIGN", "LEADING", "TRAILING", "OCCURS"}.union(
        _USAGES, _REFUSED, _ALIGNED, _IGNORED
    )
)
_HEADINGS = (
    "FD",
    "SD",
    "DATA",
    "FILE",
    "WORKING-STORAGE",
    "LOCAL-STORAGE",
    "LINKAGE",
    "IDENTIFICATION",
    "SKIP1",
    "EJECT",
)
_PART = re.compile(r"(CR|DB|[A-Z$,./*+\-0-9])(?:\((\d{1,8})\))?")
_DIGITS_MAX = 38
_COMMENT = re.compile(r"\s*[*/#]|[\d ]{6}[*/]")
_FIRST = re.compile(
    r"(?:\d{6})?\s*(?:\d{1,2}\s+[A-Za-z:(]|\d{1,2}\s*\.|(?:FD|SD|COPY|REPLACE|EXEC|DATA|FILE|IDENTIFICATION|LINKAGE)\s)",
    re.IGNORECASE,
)


@dataclass(slots=True)
class Item:
    """One data item: a group with children, or an elementary item with a picture."""

    level: int
    name: Word
    filler: bool
    kind: Kind | None = None
    size: int = 0
    """Bytes of one occurrence."""
    usage: str | None = None
    sign: tuple[bool, bool] | None = None
    """Leading, separate."""
    picture: Word | None = None
    redefines: Word | None = None
    least: int = 1
    most: int = 1
    occurs: bool = False
    depending: Word | None = None
    children: list[Item] = field(default_factory=list)


def parse(text: str) -> list[Item]:
    """The records of a copybook (levels 01 and 77, or the items outside any), with the sizes of all their items.

    Raises:
        ValueError: the text is no copybook; the message has line, column, and what to write.
    """
    records: list[Item] = []
    way: list[Item] = []
    for words in statements(text):
        item = _entry(words)
        if item is None:
            continue
        while way and (way[-1].level >= item.level or item.level == 77):
            way.pop()
        siblings = way[-1].children if way else records
        if way and way[-1].picture:
            item.name.refuse(f"{way[-1].name.text} has a picture, so nothing can belong to it")
        siblings.append(item)
        if item.level != 77:
            way.append(item)
    if not records:
        raise ValueError("line 1, column 1: the copybook describes no record; write 01 ORDER.")
    if records[0].level not in (1, 77) and len(records) > 1:
        # A copybook that is meant to stand below a level 01 of the program.
        records = [Item(1, Word("RECORD", 1, 1), filler=True, children=records)]
    for record in records:
        _measure(record, DISPLAY, (False, False))
    return records


def looks_like(text: str) -> bool:
    """Whether a layout is written as a copybook: its first line of code begins with a level number or a heading."""
    for line in text.removeprefix("\ufeff").splitlines():
        if line.strip() and not _COMMENT.match(line):
            return _FIRST.match(line) is not None
    return False


def _is_level(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) <= 2


def _entry(words: list[Word]) -> Item | None:
    """The item of one statement; None for one that says nothing about the bytes."""
    first = words[0]
    if first.upper in _HEADINGS:
        return None
    if first.upper in ("COPY", "REPLACE", "EXEC"):
        first.refuse(f"{first.upper} is not resolved; put what it stands for in its place")
    if not _is_level(first.text):
        first.refuse(f"a level number such as 05 is expected, not {first.text!r}")
    level = int(first.text)
    if level in (66, 78, 88):
        return None
    if not (1 <= level <= 49 or level == 77):
        first.refuse(f"there is no level {first.text}; levels are 01 to 49, 66, 77 and 88")
    named = len(words) > 1 and words[1].upper not in _CLAUSES
    name = words[1] if named else first
    item = Item(level, name, filler=not named or name.upper == "FILLER")
    reader = _Clauses(words, 2 if named else 1, item)
    reader.read()
    return item


class _Clauses:
    """The clauses of one item, read in any order."""

    def __init__(self, words: list[Word], at: int, item: Item) -> None:
        self.words = words
        self.at = at
        self.item = item

    def read(self) -> None:
        while self.at < len(self.words):
            word = self.words[self.at]
            self.at += 1
            read = _READERS.get(word.upper)
            if read:
                read(self, word)
            elif word.upper in _USAGES or word.upper in _REFUSED:
                self.use(word)
            elif word.upper in _ALIGNED:
                word.refuse(f"{word.upper} adds bytes that depend on the compiler; write them as FILLER instead")
            elif word.upper in _IGNORED:
                while self.at < len(self.words) and self.words[self.at].upper not in _CLAUSES:
                    self.at += 1
            else:
                near = get_close_matches(word.upper, _CLAUSES, 1)
                word.refuse(f"{word.text!r} is no clause" + (f"; did you mean {near[0]}?" if near else ""))

    def pass_by(self, *words: str) -> bool:
        if self.at < len(self.words) and self.words[self.at].upper in words:
            self.at += 1
            return True
        return False

    def next(self, word: Word, what: str) -> Word:
        if self.at == len(self.words):
            word.refuse(f"{what} is missing behind {word.text}")
        self.at += 1
        return self.words[self.at - 1]

    def number(self, word: Word) -> int:
        found = self.next(word, "a number")
        if not (found.text.isascii() and found.text.isdigit() and len(found.text) <= 8):
            found.refuse(f"a number is expected, not {found.text!r}")
        return int(found.text)

    def redefine(self, word: Word) -> None:
        self.item.redefines = self.next(word, "the name of the redefined item")

    def picture(self, word: Word) -> None:
        self.item.picture = self.next(word, "the picture")

    def usage(self, word: Word) -> None:
        self.pass_by("IS")
        self.use(self.next(word, "a usage such as COMP-3"))

    def use(self, word: Word) -> None:
        if word.upper in _REFUSED:
            word.refuse(f"{word.upper} {_REFUSED[word.upper]}, which is not read; write PIC X for its bytes to pass it")
        if word.upper not in _USAGES:
            near = get_close_matches(word.upper, _USAGES, 1)
            word.refuse(f"{word.text!r} is no usage" + (f"; did you mean {near[0]}?" if near else ""))
        self.item.usage = _USAGES[word.upper]

    def sign(self, word: Word) -> None:
        self.pass_by("IS")
        self.place_sign(self.next(word, "LEADING or TRAILING"))

    def place_sign(self, word: Word) -> None:
        if word.upper not in ("LEADING", "TRAILING"):
            word.refuse(f"LEADING or TRAILING is expected, not {word.text!r}")
        separate = self.pass_by("SEPARATE")
        if separate:
            self.pass_by("CHARACTER")
        self.item.sign = (word.upper == "LEADING", separate)

    def occurs(self, word: Word) -> None:
        item = self.item
        item.occurs = True
        item.least = item.most = self.number(word)
        if self.pass_by("TO"):
            item.most = self.number(word)
        self.pass_by("TIMES")
        while self.at < len(self.words):
            if self.pass_by("DEPENDING"):
                self.pass_by("ON")
                item.depending = self.next(word, "the name of the counter")
                self.pass_by("OF", "IN")
            elif self.pass_by("ASCENDING", "DESCENDING"):
                self.pass_by("KEY")
                self.names()
            elif self.pass_by("INDEXED"):
                self.pass_by("BY")
                self.names()
            else:
                break
        if item.depending and item.least == item.most:
            item.least = 0
        if not item.depending and item.least != item.most:
            word.refuse("a table of several lengths needs DEPENDING ON and the name of its counter")
        if not 1 <= item.most <= COLUMNS_MAX or item.least > item.most:
            word.refuse(f"a table of {item.least} to {item.most} occurrences is not read; 1 to {COLUMNS_MAX} are")

    def names(self) -> None:
        self.pass_by("IS")
        stops = _CLAUSES | {"ASCENDING", "DESCENDING", "INDEXED", "DEPENDING"}
        while self.at < len(self.words) and self.words[self.at].upper not in stops:
            self.at += 1


_READERS: dict[str, Callable[[_Clauses, Word], None]] = {
    "REDEFINES": _Clauses.redefine,
    "PIC": _Clauses.picture,
    "PICTURE": _Clauses.picture,
    "USAGE": _Clauses.usage,
    "SIGN": _Clauses.sign,
    "LEADING": lambda clauses, word: clauses.place_sign(word),
    "TRAILING": lambda clauses, word: clauses.place_sign(word),
    "OCCURS": _Clauses.occurs,
}


def _measure(item: Item, usage: str, sign: tuple[bool, bool]) -> None:
    """Fills in kinds and sizes, below what the groups around the item say."""
    usage, sign = item.usage or usage, item.sign or sign
    if item.picture:
        item.kind, item.size = read_picture(item.picture, usage, sign)
    elif not item.children:
        item.name.refuse(f"{item.name.text} has neither a picture nor items below it")
    else:
        end = 0
        at = 0
        starts: dict[str, int] = {}
        for child in item.children:
            _measure(child, usage, sign)
            if child.redefines:
                if child.redefines.upper not in starts:
                    near = get_close_matches(child.redefines.upper, starts, 1)
                    hint = f"; did you mean {near[0]}?" if near else ""
                    child.redefines.refuse(f"no item {child.redefines.text} stands before it on its level{hint}")
                start = starts[child.redefines.upper]
            else:
                start = end
            at = start + child.size * child.most
            end = max(end, at)
            if not child.filler:
                starts[child.name.upper] = start
        item.size = end
    if item.size * item.most > RECORD_BYTES_MAX:
        item.name.refuse(f"{item.name.text} is longer than the longest record, {RECORD_BYTES_MAX} bytes")


def read_picture(word: Word, usage: str, sign: tuple[bool, bool]) -> tuple[Kind, int]:
    """The kind of a picture's values, and their size in bytes.

    Raises:
        ValueError: it is no picture, or none of that usage.
    """
    parts = []
    at = 0
    while at < len(word.upper):
        match = _PART.match(word.upper, at)
        if not match:
            word.refuse(f"{word.text!r} is no picture; write X(10), 9(5) or S9(5)V99")
        parts.append((match[1], int(match[2] or 1)))
        at = match.end()
    letters = {letter for letter, _ in parts}
    if "S" in letters and (parts[0] != ("S", 1) or sum(letter == "S" for letter, _ in parts) > 1):
        word.refuse("S stands once, at the beginning of a picture")
    if sum(count for letter, count in parts if letter == "V") > 1:
        word.refuse("V stands once in a picture")
    if letters <= set("S9VP") and "9" in letters:
        return _numeric(word, parts, usage, sign)
    if usage != DISPLAY:
        word.refuse(f"{word.text!r} is no picture of a number, which its usage asks for")
    if letters & {"N", "G", "U", "E"}:
        word.refuse(f"{word.text!r} has characters of several bytes or an exponent, which are not read")
    known = set("XA9BVPZ*+-,./0$CRDB") | {"CR", "DB"}
    if not letters <= known or not letters - set("SVP"):
        word.refuse(f"{word.text!r} is no picture; write X(10), 9(5) or S9(5)V99")
    size = sum(count * len(letter) for letter, count in parts if letter not in "VP")
    return Kind("text" if letters <= set("XA9") else "trimmed"), size


def _numeric(word: Word, parts: list[tuple[str, int]], usage: str, sign: tuple[bool, bool]) -> tuple[Kind, int]:
    digits = sum(count for letter, count in parts if letter == "9")
    if digits > _DIGITS_MAX:
        word.refuse(f"{word.text!r} has {digits} digits; numbers have {_DIGITS_MAX} at most")
    places = [letter for letter, count in parts for _ in range(min(count, 99)) if letter in "9VP"]
    scaling = places.count("P")
    if scaling:  # the decimal point stands outside the digits, beyond the P
        scale = scaling + digits if places.index("P") < places.index("9") else -scaling
    else:
        scale = len(places) - places.index("V") - 1 if "V" in places else 0
    leading, apart = sign
    signed = parts[0][0] == "S"
    kind = Kind("zoned", scale, digits, signed, leading=leading, separate=apart and signed)
    if usage == PACKED:
        return replace(kind, name="packed", separate=False), digits // 2 + 1
    if usage == BINARY:
        if digits > 18:
            word.refuse(f"{word.text!r} has {digits} digits; binary numbers have 18 at most")
        return replace(kind, name="binary", separate=False), 2 if digits <= 4 else 4 if digits <= 9 else 8
    return kind, digits + kind.separate
