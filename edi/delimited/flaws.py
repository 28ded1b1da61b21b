"""What can be wrong with a row or a header of delimited text, each told with its place in the file."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from edi import encodings, text
from edi.delimited.cells import Cell, Row, Syntax, value_span
from edi.findings import Finding, Position

if TYPE_CHECKING:
    from collections.abc import Iterator

    from edi.delimited.records import Records, Shape

_FINDINGS_PER_ROW_MAX = 20


def column_name(columns: tuple[str, ...], number: int) -> str:
    """How a column is called in a finding: by its header, or ``#3`` where it has none; `number` counts from 1."""
    named = columns[number - 1] if number <= len(columns) else ""
    return named or f"#{number}"


@dataclass(frozen=True, slots=True)
class Sheet:
    """What is known of a file when a row of it is judged."""

    syntax: Syntax
    encoding: str
    field_bytes_max: int
    columns: tuple[str, ...] = ()
    skip: int = 0
    """How many lines stand before the header or the first row."""
    header_at: str = ""
    """The name of a column, by which the header is found behind such lines."""
    footer: int = 0
    """How many rows at the end of the file are no documents."""
    records: Records | None = None


@dataclass(frozen=True, slots=True)
class Lines:
    """Some bytes of a file: `base` is the offset of their first byte, `line` the number of the line at offset `at`."""

    data: bytes
    base: int
    at: int
    line: int

    def position(self, start: int, end: int, column: str | None = None) -> Position:
        """The place in the file of a span in `data`, which lies at or behind `at`."""
        line = self.line + text.line_ends(self.data[self.at : start])
        return Position(self.base + start, self.base + end, line=line, column=column)


def too_long(sheet: Sheet, row: Row, at: int) -> tuple[int, int | None] | None:
    """The first thing in a row to outgrow its limit: where it begins, and the number of the cell (None: the row)."""
    limit = sheet.field_bytes_max
    if row.end - at <= limit:
        return None
    for number, cell in enumerate(row.cells, 1):
        if cell.end - cell.start > limit:
            if cell.start + limit < at + 2 * limit:
                return cell.start, number
            break
    return (at, None) if row.end - at > 2 * limit else None


def lost(sheet: Sheet, row: Row, at: int) -> bool:
    """Whether the cells of a row are not to be had: its quote is open to the file's end, or it is too long."""
    return not row.closed or too_long(sheet, row, at) is not None


def unclosed(sheet: Sheet, position: Position, cell: int) -> Finding:
    """The finding about a quote that is never closed, in the cell of that number."""
    column = column_name(sheet.columns, cell)
    message = (
        f"the quote opened in column {column} on line {position.line} is never closed; everything behind it is held"
    )
    return text.finding("csv.unclosed_quote", message, position)


def outgrown(sheet: Sheet, position: Position, cell: int | None) -> Finding:
    """The finding about a cell (by its number) or a row (None) that is too long."""
    limit = sheet.field_bytes_max
    if cell is None:
        return text.finding("csv.too_long", f"the row is longer than {2 * limit} bytes", position)
    message = f"the cell in column {column_name(sheet.columns, cell)} is longer than {limit} bytes"
    return text.finding("csv.too_long", message, position)


def flaws(sheet: Sheet, lines: Lines, row: Row) -> list[Finding]:
    """What is wrong with the row at ``lines.at`` whatever its width, at most twenty findings."""
    blamed = too_long(sheet, row, lines.at)
    if not row.closed:
        return [unclosed(sheet, lines.position(row.cells[-1].start, row.end), len(row.cells))]
    if blamed:
        start, number = blamed
        return [outgrown(sheet, lines.position(start, row.end), number)]
    raw = lines.data[lines.at : row.end]
    try:
        if row.stray is None and b"\0" not in raw and raw.decode(sheet.encoding) is not None:
            return []
    except UnicodeDecodeError:
        pass  # told cell by cell
    found: list[Finding] = []
    for number, cell in enumerate(row.cells, 1):
        found += _flaws_of_cell(sheet, lines, cell, column_name(sheet.columns, number))
        if len(found) >= _FINDINGS_PER_ROW_MAX:
            break
    return found[:_FINDINGS_PER_ROW_MAX]


def _flaws_of_cell(sheet: Sheet, lines: Lines, cell: Cell, column: str) -> Iterator[Finding]:
    raw = lines.data[cell.start : cell.end]
    if cell.closed >= 0 and cell.closed != cell.end:
        stray = lines.data[cell.closed : cell.end].decode(sheet.encoding, "replace")
        message = f"{text.quoted(stray)!r} stands behind the closing quote in column {column}"
        yield text.finding("csv.text_after_quote", message, lines.position(cell.closed, cell.end, column), value=stray)
    try:
        raw.decode(sheet.encoding)
    except UnicodeDecodeError as error:
        message = encodings.no_character(raw[error.start :], sheet.encoding, f"in column {column}")
        position = lines.position(cell.start + error.start, cell.start + error.end, column)
        yield text.finding("text.encoding", message, position)
    nul = raw.find(b"\0")
    if nul >= 0:
        position = lines.position(cell.start + nul, cell.start + nul + 1, column)
        yield text.finding("text.nul", f"a NUL stands in column {column}", position)


def ragged(sheet: Sheet, lines: Lines, row: Row, width: int) -> Finding:
    """The finding about a row that has another number of cells than `width`."""
    got = len(row.cells)
    column = column_name(sheet.columns, min(got, width) + 1)
    if got < width:
        message = f"expected {width} cells, got {got}: {column} and what follows is missing"
        return text.finding("csv.ragged", message, lines.position(row.end, row.end, column))
    start = row.cells[width].start
    surplus = lines.data[start : row.end].decode(sheet.encoding, "replace")
    message = f"expected {width} cells, got {got}: {text.quoted(surplus)!r} is too much"
    return text.finding("csv.ragged", message, lines.position(start, row.end, column), value=surplus)


def header_flaws(sheet: Sheet, lines: Lines, row: Row) -> Iterator[Finding]:
    """What is wrong with the names of the columns."""
    names = sheet.columns
    for number, (name, cell) in enumerate(zip(names, row.cells, strict=True), 1):
        position = lines.position(*value_span(cell), column=f"#{number}")
        if not name:
            yield text.finding("csv.header_empty", f"column {number} has no name", position, value="")
        elif name in names[: number - 1]:
            message = f"columns {names.index(name) + 1} and {number} are both called {name!r}"
            yield text.finding("csv.header_duplicate", message, position, value=name)


def other_delimiter(sheet: Sheet, header: str) -> str | None:
    """What looks like another delimiter in the one cell of a header."""
    return next((other for other in ";,\t|" if other in header and other != sheet.syntax.delimiter), None)


def of_delimiter(sheet: Sheet, other: str, position: Position) -> Finding:
    """The finding about a header of one cell that holds another delimiter."""
    message = f"with {sheet.syntax.delimiter!r} between cells the header is one column, but it holds {other!r}"
    return text.finding("csv.delimiter", message, position)


def of_type(sheet: Sheet, lines: Lines, row: Row, by: int, known: dict[str, Shape]) -> Finding:
    """The finding about a row whose cell number `by`, from 0, announces no type of record."""
    column = f"#{by + 1}"
    expected = f"the layout has {', '.join(list(known)[:20])}"
    if by >= len(row.cells):
        position = lines.position(row.end, row.end, column)
        return text.finding("csv.type", f"the row has no cell {column}, which says its type; {expected}", position)
    cell = row.cells[by]
    value = lines.data[cell.start : cell.end].decode(sheet.encoding, "replace")
    message = f"no record type is announced by {text.quoted(value)!r}; {expected}"
    return text.finding("csv.type", message, lines.position(*value_span(cell), column), value=value)
