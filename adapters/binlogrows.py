"""Rows of MariaDB's and MySQL's log become the rows that a page shows: the same names, the same values, the same key.

The log holds rows as the server's storage does (MySQL Internals Manual, "Rows_event"; MariaDB Knowledge Base, "Rows
Event"). What a page shows is ``CAST(column AS CHAR)`` through the table of :mod:`adapters.values`; here the bytes
become the same texts and values without asking the server. For each table one function is written that reads its rows:
columns of a fixed size that stand together are one unpacking.
"""

from __future__ import annotations

import re
import struct
from dataclasses import dataclass
from decimal import Decimal
from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple, TypeAlias

from adapters.binlogjson import json_text
from adapters.binlogvalues import (
    base64_text,
    date_text,
    datetime_shown,
    datetime_text,
    decimal_text,
    double_text,
    fixed_text,
    float_text,
    hex_text,
    inet4_text,
    inet6_text,
    moment,
    number,
    old_datetime_text,
    old_time_text,
    old_timestamp_text,
    set_text,
    time_text,
    timestamp_shown,
    timestamp_text,
    uuid_text,
)
from adapters.dialects.dialect import native_word

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from adapters.model import Type

TINY, SHORT, LONG, FLOAT, DOUBLE, TIMESTAMP, LONGLONG, INT24, DATE, TIME, DATETIME, YEAR = (*range(1, 6), *range(7, 14))
VARCHAR, BIT, TIMESTAMP2, DATETIME2, TIME2 = range(15, 20)
JSON, NEWDECIMAL, ENUM, SET = range(245, 249)
BLOB, VAR_STRING, STRING, GEOMETRY = range(252, 256)

Row = tuple[tuple[str | None, ...], dict[str, Any]]
"""The texts of the key, and the row by name."""


class Misfit(Exception):
    """The log's columns are not those that are known; the message says which and why."""


@dataclass(frozen=True, slots=True)
class Logged:
    """A column as the catalogue has it.

    `native` is its whole type (``int(5) unsigned zerofill``), `kind` the type in our words, `octets` how many bytes a
    text may have. `generated` columns need not be in the log.
    """

    name: str
    native: str
    kind: Type
    charset: str = ""
    octets: int = 0
    generated: bool = False


class Cell(NamedTuple):
    """How one column is read. `code` is its place in a struct; else `read` are statements that set ``{v}``.

    `text` is the expression of the server's own text, `value` of what a page shows.
    """

    code: str
    read: str
    text: str
    value: str


# Which of the log's types stand for a native one.
CODES: Mapping[str, tuple[int, ...]] = {
    "tinyint": (TINY,),
    "smallint": (SHORT,),
    "mediumint": (INT24,),
    "int": (LONG,),
    "bigint": (LONGLONG,),
    "float": (FLOAT,),
    "double": (DOUBLE,),
    "decimal": (NEWDECIMAL,),
    "date": (DATE,),
    "datetime": (DATETIME2, DATETIME),
    "timestamp": (TIMESTAMP2, TIMESTAMP),
    "time": (TIME2, TIME),
    "year": (YEAR,),
    "bit": (BIT,),
    "enum": (ENUM,),
    "set": (SET,),
    "json": (JSON, BLOB),
    **dict.fromkeys(("char", "binary", "inet6", "inet4", "uuid"), (STRING,)),
    **dict.fromkeys(("varchar", "varbinary"), (VARCHAR, VAR_STRING)),
    **dict.fromkeys(
        [f"{size}{kind}" for size in ("tiny", "", "medium", "long") for kind in ("text", "blob")],
        (BLOB,),
    ),
    **dict.fromkeys(
        (
            "geometry",
            "point",
            "linestring",
            "polygon",
            "multipoint",
            "multilinestring",
            "multipolygon",
            "geometrycollection",
            "geomcollection",
        ),
        (GEOMETRY,),
    ),
}
BLOB_BYTES = {"tiny": 1, "medium": 3, "long": 4, "": 2}
INTS = {TINY: "b", SHORT: "h", LONG: "i", LONGLONG: "q"}

# Python's names for character sets of several bytes. Those of one byte are asked of the server, which knows best.
CODECS: Mapping[str, str] = {
    "utf8mb4": "utf-8",
    "utf8mb3": "utf-8",
    "utf8": "utf-8",
    "ascii": "ascii",
    "ucs2": "utf-16-be",
    "utf16": "utf-16-be",
    "utf16le": "utf-16-le",
    "utf32": "utf-32-be",
    "sjis": "shift_jis",
    "cp932": "cp932",
    "ujis": "euc_jp",
    "eucjpms": "euc_jp",
    "euckr": "euc_kr",
    "gb2312": "gb2312",
    "gbk": "gbk",
    "gb18030": "gb18030",
    "big5": "big5",
}

PATTERNS = 64
"""So many sets of NULL columns have a function of their own."""

LABEL = re.compile(r"'((?:[^']|'')*)'")


Written: TypeAlias = "Callable[[int, bytes], str]"
NEWER: Mapping[int, tuple[int, Written, Written]] = {
    TIMESTAMP2: (4, timestamp_text, timestamp_shown),
    DATETIME2: (5, datetime_text, datetime_shown),
    TIME2: (3, time_text, time_text),
}
OLDER: Mapping[int, tuple[str, Callable[..., str]]] = {
    TIMESTAMP: ("I", old_timestamp_text),
    DATETIME: ("q", old_datetime_text),
    TIME: ("3s", old_time_text),
}


def plain(native: str) -> str:
    """``int(5) unsigned zerofill`` → ``int``."""
    return native_word(native).split(" ", 1)[0]


def numbers(native: str) -> tuple[int, ...]:
    """``decimal(10,2)`` → (10, 2)."""
    found = re.match(r"[a-z0-9 ]+\(([0-9, ]+)\)", native)
    return tuple(int(part) for part in found[1].split(",")) if found else ()


def labels(native: str) -> tuple[str, ...]:
    """``enum('a','it''s')`` → ("a", "it's")."""
    return tuple(each.replace("''", "'") for each in LABEL.findall(native))


# One cell -----------------------------------------------------------------------------------------------------------


def _sized(size: int, take: str) -> str:
    """Statements that read a length of so many bytes and then what it counts."""
    length = {1: "b[at]", 2: "b[at] | b[at + 1] << 8"}.get(size, f"from_bytes(b[at:at + {size}], 'little')")
    return f"n = {length}; at += {size}; {{v}} = {take}; at += n"


def _misfit(column: Logged, said: str) -> Misfit:
    return Misfit(f"column {column.name!r} is {column.native} in the catalogue, and {said}")


class Writer:
    """Writes the function for one shape of a table. `charset` gives a decoder of bytes by a character set's name."""

    def __init__(self, charset: Callable[[str], Callable[[bytes], str]]) -> None:
        self._charset = charset
        self._names: dict[str, Any] = {
            "b64": base64_text,
            "hexa": hex_text,
            "from_bytes": int.from_bytes,
            "date": date_text,
            "moment": moment,
            "number": number,
            "Decimal": Decimal,
        }

    def _named(self, thing: Any) -> str:
        """The name under which the function finds something."""
        name = f"_{len(self._names)}"
        self._names[name] = thing
        return name

    def cell(self, column: Logged, code: int, meta: tuple[int, int]) -> Cell:
        """How a column is read.

        Raises:
            Misfit: The log holds something else than the catalogue says.
        """
        word = plain(column.native)
        if code not in CODES.get(word, ()):
            raise Misfit(
                f"column {column.name!r} is {column.native} in the catalogue, and of the type {code} in the log"
            )
        if code in (VARCHAR, VAR_STRING, STRING, BLOB, JSON, GEOMETRY):
            return self._content(column, word, code, meta)
        if code in (ENUM, SET):
            return self._member(column, code, meta[1])
        if code == NEWDECIMAL:
            if numbers(column.native) != meta:
                raise _misfit(column, f"{meta} in the log")
            size, text = decimal_text(*meta, padded="zerofill" in column.native)
            name = self._named(text)
            return Cell(f"{size}s", "", f"{name}({{v}})", f"Decimal({name}({{v}}))")
        if code in (TIMESTAMP2, DATETIME2, TIME2, TIMESTAMP, DATETIME, TIME):
            return self._time(column, code, meta[0])
        if code == BIT:
            bits = meta[1] * 8 + meta[0]
            if (bits,) != numbers(column.native):
                raise Misfit(
                    f"column {column.name!r} is {column.native} in the catalogue, and has {bits} bits in the log"
                )
            value = "from_bytes({v}, 'big')"
            return Cell(f"{(bits + 7) // 8}s", "", f"str({value})", f"{value} == 1" if bits == 1 else value)
        return self._number(column, code)

    def _number(self, column: Logged, code: int) -> Cell:
        native = column.native
        if code in (FLOAT, DOUBLE):
            size = numbers(native)
            text = double_text if code == DOUBLE else float_text
            shown = (
                f"{self._named(partial(fixed_text, size[1]))}({{v}})"
                if len(size) == 2
                else f"{self._named(text)}({{v}})"
            )
            return Cell("f" if code == FLOAT else "d", "", shown, f"number({shown})")
        if code == DATE:
            return Cell("3s", "", "date({v})", "date({v})")
        if code == YEAR:
            value = "({v} and {v} + 1900)"
            return Cell("B", "", f"str({value}).zfill(4)", value)
        pad = f".zfill({numbers(native)[0]})" if "zerofill" in native else ""
        if code == INT24:
            value = f"from_bytes({{v}}, 'little', signed={'unsigned' not in native})"
            return Cell("3s", "", f"str({value}){pad}", value)
        letter = INTS[code]
        return Cell(letter.upper() if "unsigned" in native else letter, "", f"str({{v}}){pad}", "{v}")

    def _time(self, column: Logged, code: int, digits: int) -> Cell:
        if (digits,) != (numbers(column.native) or (0,)):
            raise Misfit(
                f"column {column.name!r} is {column.native} in the catalogue, and has {digits} digits in the log"
            )
        if code in NEWER:
            size, *functions = NEWER[code]
            text, value = (f"{self._named(partial(each, digits))}({{v}})" for each in functions)
            return Cell(f"{size + (digits + 1) // 2}s", "", text, value)
        letter, older = OLDER[code]
        text = f"{self._named(older)}({{v}})"
        return Cell(letter, "", text, text if code == TIME else f"moment({text})")

    def _member(self, column: Logged, code: int, size: int) -> Cell:
        names = labels(column.native)
        if code == SET:
            text = f"{self._named(partial(set_text, names))}({{v}})"
            return Cell(f"{size}s", "", text, text)
        text = f"{self._named(('', *names))}[{{v}}]"
        return Cell({1: "B", 2: "H"}[size], "", text, text)

    def _content(self, column: Logged, word: str, code: int, meta: tuple[int, int]) -> Cell:
        """What has a length before it."""
        if code in (BLOB, JSON, GEOMETRY):
            size = meta[0]
            expected = BLOB_BYTES.get(word.removesuffix("blob").removesuffix("text"), 4)
        else:
            expected = column.octets or {"inet6": 16, "uuid": 16, "inet4": 4}.get(word, 0)
            size = 2 if meta[0] > 255 else 1
            expected, size = (size, size) if expected == meta[0] else (-1, size)
        if size != expected:
            raise Misfit(
                f"column {column.name!r} is {column.native} in the catalogue, and has another length in the log"
            )
        content = "b[at:at + n]"
        if column.kind == "binary":
            if code == STRING:
                content = f"{content}.ljust({meta[0]}, b'\\0')"
            return Cell("", _sized(size, content), "hexa({v})", "b64({v})")
        special = {"inet6": inet6_text, "inet4": inet4_text, "uuid": uuid_text}.get(word)
        if code == JSON:
            special = json_text
        if special is not None:
            take = f"{self._named(special)}({content})"
        elif column.charset in ("utf8mb4", "utf8mb3", "utf8"):
            take = f"{content}.decode()"
        else:
            take = f"{self._named(self._charset(column.charset))}({content})"
        return Cell("", _sized(size, take), "{v}", "{v}")

    def function(
        self, columns: Sequence[Logged], cells: Sequence[Cell], key: Sequence[str]
    ) -> Callable[[bytes, int, int], list[Row]]:
        """Reads all rows of an event: ``function(bytes, from, to)``.

        Raises:
            ValueError: (the function) They do not end where the event does.
        """
        places = [next(at for at, column in enumerate(columns) if column.name == name) for name in key]
        names = [column.name for column in columns]
        lines = [
            "def rows(b, at, end):",
            "    out = []",
            "    add = out.append",
            "    while at < end:",
            f"        nulls = from_bytes(b[at:at + {(len(cells) + 7) // 8}], 'little') & {(1 << len(cells)) - 1}",
            f"        at = (known.get(nulls) or pattern(nulls))(b, at + {(len(cells) + 7) // 8}, add, nulls)",
            "    if at != end:",
            "        raise ValueError('a row does not end where its event does')",
            "    return out",
        ]
        known: dict[int, Any] = {}

        def pattern(nulls: int) -> Any:
            """What reads a row in which these columns are NULL; one for all where there are too many such sets."""
            if len(known) >= PATTERNS:
                nulls = -1
            if nulls not in known:
                body = self._any(cells, places) if nulls < 0 else self._one(cells, places, nulls)
                known[nulls] = self._compiled("row", _row(names, places, body))
            return known[nulls]

        self._names |= {"known": known, "pattern": pattern}
        found: Callable[[bytes, int, int], list[Row]] = self._compiled("rows", lines)
        return found

    def _compiled(self, name: str, lines: Sequence[str]) -> Any:
        space = dict(self._names)
        exec("\n".join(lines), space)  # noqa: S102 - the text is written here, of numbers and quoted names
        return space[name]

    def _one(self, cells: Sequence[Cell], places: Sequence[int], nulls: int) -> list[str]:
        """A row in which just these columns are NULL."""
        lines = [f"v{at} = k{at} = None" for at in range(len(cells)) if nulls >> at & 1]
        run: list[int] = []

        def unpack() -> None:
            if run:
                form = struct.Struct("<" + "".join(cells[at].code for at in run))
                names = "".join(f"v{at}, " for at in run)
                lines.append(f"{names}= {self._named(form.unpack_from)}(b, at); at += {form.size}")
                run.clear()

        there = [at for at in range(len(cells)) if not nulls >> at & 1]
        for at in there:
            if cells[at].code:
                run.append(at)
            else:
                unpack()
                lines.append(cells[at].read.format(v=f"v{at}"))
        unpack()
        lines += [f"k{at} = {cells[at].text.format(v=f'v{at}')}" for at in places if at in there]
        lines += [f"v{at} = {cells[at].value.format(v=f'v{at}')}" for at in there if cells[at].value != "{v}"]
        return lines

    def _any(self, cells: Sequence[Cell], places: Sequence[int]) -> list[str]:
        """A row, column by column."""
        lines: list[str] = []
        for at, cell in enumerate(cells):
            v = f"v{at}"
            lines += [f"if nulls & {1 << at}: {v} = k{at} = None", "else:"]
            if cell.code:
                form = struct.Struct("<" + cell.code)
                lines.append(f"    ({v},) = {self._named(form.unpack_from)}(b, at); at += {form.size}")
            else:
                lines.append(f"    {cell.read.format(v=v)}")
            if at in places:
                lines.append(f"    k{at} = {cell.text.format(v=v)}")
            if cell.value != "{v}":
                lines.append(f"    {v} = {cell.value.format(v=v)}")
        return lines


def _row(names: Sequence[str], places: Sequence[int], body: Sequence[str]) -> list[str]:
    """The function that reads one row: it adds the key and the row, and returns where the next one begins."""
    keys = "".join(f"k{at}, " for at in places)
    row = ", ".join(f"{name!r}: v{at}" for at, name in enumerate(names))
    return [
        "def row(b, at, add, nulls):",
        *(f"    {line}" for line in body),
        f"    add((({keys}), {{{row}}}))",
        "    return at",
    ]
