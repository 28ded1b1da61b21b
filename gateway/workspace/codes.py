"""codes/*.csv: tables from a partner's codes to ours, and the standards' own tables that the product brings.

The first line names the columns. `code` is the partner's; `value`, where it is there, is ours, otherwise both are the
same; `label` is for people. Cells are separated by commas and may stand in double quotes::

    code,value,label
    CT,carton,Carton
    EA,piece,"Piece, single"

The built-in tables hold codes alone. ISO-4217: the currencies and funds of list one as its maintenance agency
publishes it (SIX, amendments up to January 2026). ISO-3166: the officially assigned alpha-2 codes of part 1.
"""

from __future__ import annotations

import re
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING

from gateway.configuration import CodeTable
from gateway.workspace.sections import unknown_key_hint
from gateway.workspace.tables import CODE_COLUMNS
from gateway.workspace.values import NAME

if TYPE_CHECKING:
    from gateway.workspace.problems import File

BUILT_IN = ("ISO-3166", "ISO-4217")

_CELL = re.compile(r'"((?:[^"]|"")*)"[ \t]*(?=,|$)|([^,"]*)(?=,|$)')


@cache
def built_in() -> dict[str, CodeTable]:
    """The tables of the standards, by their names in capitals."""
    tables = {}
    for name in BUILT_IN:
        lines = (files("gateway.workspace") / "standard" / f"{name}.csv").read_text("utf-8").split()[1:]
        tables[name] = CodeTable(name, {code: code for code in lines}, frozenset(lines))
    return tables


def read_codes(file: File, name: str, *, standard: bool = False) -> CodeTable | None:
    """The table of one file; None when something in it is wrong (then it is noted).

    The tables that the product ships, `standard`, have names in capitals.
    """
    before = len(file.problems)
    if not standard and not NAME.fullmatch(name):
        hint = "small letters, digits and single dashes; names in capitals are the standards' own"
        file.refuse(0, 1, f"{name!r} is not a name for a code table", hint)
    columns: tuple[str, ...] | None = None
    mapping: dict[str, str] = {}
    lines: dict[str, int] = {}
    start = 0
    for number, line in enumerate(file.text.split("\n"), 1):
        cells = _cells(file, start, line.rstrip("\r"))
        start += len(line) + 1
        if cells is None:
            continue
        if columns is None:
            columns = _columns(file, cells)
            if columns is None:
                return None
            continue
        _row(file, columns, cells, mapping, lines, number)
    if not lines and len(file.problems) == before:
        file.refuse(0, 1, "the table holds no codes", "write 'code,value,label' in the first line and codes below it")
    return CodeTable(name, mapping, frozenset(mapping.values())) if len(file.problems) == before else None


Cell = tuple[int, int, str]
"""Start and end in the file, and the text."""


def _cells(file: File, start: int, line: str) -> list[Cell] | None:
    """The cells of a line; None for one that is blank or wrong."""
    if not line.strip():
        return None
    cells: list[Cell] = []
    at = 0
    while True:
        match = _CELL.match(line, at)
        if match is None:
            hint = "close the quotation mark in the same line; one inside is doubled"
            file.refuse(start + at, start + len(line), "this cell is not closed or has a quotation mark inside", hint)
            return None
        text = match[1].replace('""', '"') if match[1] is not None else match[2].strip()
        cells.append((start + match.start(), start + match.end(), text))
        at = match.end() + 1
        if at > len(line):
            return cells


def _columns(file: File, cells: list[Cell]) -> tuple[str, ...] | None:
    """The names in the first line, when all of them are known."""
    known = {key.name: key for key in CODE_COLUMNS}
    before = len(file.problems)
    names: list[str] = []
    for start, end, name in cells:
        if name not in known:
            semicolon = "separate the columns by commas" if ";" in name else ""
            hint = semicolon or unknown_key_hint(name, CODE_COLUMNS)
            file.refuse(start, end, f"unknown column {name!r}", hint)
        elif known[name].later:
            hint = "take the column out; a code that has ended is taken out as well"
            file.refuse(start, end, f"the column {name!r} is not yet available in this version", hint)
        elif name in names:
            file.refuse(start, end, f"the column {name!r} is there twice", "keep one of them")
        names.append(name)
    if len(file.problems) == before and "code" not in names:
        file.refuse(cells[0][0], cells[-1][1], "the column 'code' is missing", "name the columns in the first line")
    return tuple(names) if len(file.problems) == before else None


def _row(
    file: File, columns: tuple[str, ...], cells: list[Cell], mapping: dict[str, str], lines: dict[str, int], number: int
) -> None:
    """One code."""
    if len(cells) != len(columns):
        said = f"{len(cells)} cell{'s' if len(cells) > 1 else ''}"
        hint = "a cell with a comma stands in double quotes"
        file.refuse(cells[0][0], cells[-1][1], f"this line has {said} for {len(columns)} columns", hint)
        return
    row = dict(zip(columns, cells, strict=True))
    start, end, code = row["code"]
    value = row.get("value", row["code"])
    for name in ("code", "value"):
        if name in row and not row[name][2]:
            at = row[name][0]
            file.refuse(at, at + 1, f"the {name} is missing", "write it, or take the line out")
            return
    if code in lines:
        file.refuse(start, end, f"{code!r} is there twice", f"the first is in line {lines[code]}: keep one of them")
        return
    lines[code] = number
    mapping[code] = value[2]
