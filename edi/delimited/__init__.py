"""CSV, TSV, pipes: delimited text as documents, one a row, each with the bytes that it came from.

The rules of a row stand in ``cells``, the reading of a whole file in ``rows``; here is what the format offers.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from edi import text
from edi.delimited.cells import Syntax, content, scan, value_span
from edi.delimited.flaws import Sheet, column_name
from edi.delimited.records import Records, columns_of, records
from edi.delimited.rows import read_blocks
from edi.delimited.writing import DELIMITERS, WRITES, write
from edi.findings import Position
from edi.paths import ColumnPath, Path
from edi.spec import Option, Spec

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from edi.findings import Finding
    from edi.model import Document, Envelope

__all__ = ["SPEC", "cells_of", "columns_of", "locate", "read", "read_blocks", "sheet", "write"]

SPEC = Spec(
    name="csv",
    summary="Delimited text: CSV, TSV, pipes. One row is one document; its content is the list of its cells.",
    guarantees=(
        "Every row has its exact byte span, without the line end; blank lines are no documents.",
        "Lines end with LF, CR LF or CR, also mixed; quoted cells may hold delimiters, line ends and doubled quotes.",
        "A first line sep=; names the delimiter, as Excel has it.",
        "A row of another width, an undecodable byte, a NUL or text behind a closing quote is a finding on that row.",
        "A quote that is never closed is a finding at that quote; the rows before it are good, what follows is held.",
        "Memory is bounded by the limit of a cell, whatever the size of the file.",
    ),
    options=(
        Option("delimiter", ",", "one ASCII character, or the word tab"),
        Option("quote", '"', "one ASCII character, or none"),
        Option("escape", "none", "one ASCII character behind which any character belongs to the cell, or none"),
        Option("encoding", "utf-8", "any encoding that holds ASCII as it is; a UTF-8 byte order mark wins"),
        Option("header", "false", "true: the first row holds the names of the columns"),
        Option(
            "header_at",
            "",
            "the header is the first line that has a column of this name; what is before it is not read",
        ),
        Option("skip", "0", "so many lines before the header or the first row are not read"),
        Option("footer", "0", "so many rows at the end of the file are no documents"),
        Option(
            "layout", "", "instead of a header: the text of a layout with the columns, also of several types of record"
        ),
        Option("ignore", "", "record types that are no documents, separated by commas"),
        Option("message", "", "the record type that an integration takes, where there are several"),
        Option("field_bytes_max", "16777216", "the longest cell in bytes; a row may be twice as long"),
    ),
    example="sku,price\nA-1,9.90\n",
    writes=WRITES,
)

_LINES_MAX = 100_000


def sheet(options: Mapping[str, str]) -> tuple[Sheet, bool]:
    """What `options` (see :data:`SPEC`) declare, and whether there is a header.

    Raises:
        ValueError: an option has no usable value; the message says what to write.
    """
    given = {option.name: option.default for option in SPEC.options} | dict(options)
    delimiter = DELIMITERS.get(given["delimiter"], given["delimiter"])
    quote = "" if given["quote"] == "none" else given["quote"]
    if len(delimiter) != 1 or not delimiter.isascii() or delimiter.isalnum() or delimiter in "\r\n\0":
        raise ValueError(f"delimiter {delimiter!r} is not one ASCII character; write ; , | or tab")
    if len(quote) > 1 or not quote.isascii() or quote in (delimiter, "\r", "\n", "\0"):
        raise ValueError(f'quote {quote!r} is not one ASCII character other than the delimiter; write " or none')
    if given["header"] not in ("true", "false"):
        raise ValueError(f"header {given['header']!r} is neither true nor false")
    limit = given["field_bytes_max"]
    if not limit.isascii() or not limit.isdigit() or not int(limit):
        raise ValueError(f"field_bytes_max {limit!r} is no number of bytes; write 16777216 for 16 MiB")
    escape = "" if given["escape"] == "none" else given["escape"]
    if (
        len(escape) > 1
        or not escape.isascii()
        or escape.isalnum()
        or (escape and escape in delimiter + quote + "\r\n\0")
    ):
        raise ValueError(f"escape {escape!r} is not one ASCII character of its own; write \\ or none")
    encoding = text.codec(given["encoding"], delimiter + quote + escape)
    known = Sheet(
        Syntax(delimiter, quote, escape),
        encoding,
        int(limit),
        skip=_count(given, "skip"),
        header_at=given["header_at"],
        footer=_count(given, "footer"),
        records=_records(given),
    )
    return known, given["header"] == "true" or bool(known.header_at)


def _count(given: Mapping[str, str], name: str) -> int:
    value = given[name]
    if not value.isascii() or not value.isdigit() or int(value) > _LINES_MAX:
        raise ValueError(f"{name} {value!r} is no number of lines up to {_LINES_MAX:,}; write digits, such as 3")
    return int(value)


def _records(given: Mapping[str, str]) -> Records | None:
    if not given["layout"]:
        for name in ("ignore", "message"):
            if given[name]:
                raise ValueError(f"{name}={given[name]} names a record type, and only a layout has some")
        return None
    if given["header"] == "true" or given["header_at"]:
        raise ValueError("a layout and a header both name the columns; pass a header over with skip=1")
    return records(given["layout"], given["ignore"], given["message"])


def read(chunks: Iterable[bytes], options: Mapping[str, str]) -> Iterator[Document | Finding]:
    """The rows of a file, in order, as documents of ``list[str]``; the options stand in :data:`SPEC`.

    Raises:
        ValueError: at the call, for an option that has no usable value; never for what the file holds.
    """
    known, header = sheet(options)
    return read_blocks(text.blocks(chunks), known, header=header)


def cells_of(raw: bytes, envelope: Envelope) -> list[bytes]:
    """The cells of `raw`, the bytes of one row, without their quotes and escapes, as they are encoded."""
    syntax = Syntax.of(envelope.delimiters)
    return [content(raw, cell, syntax) for cell in scan(raw, 0, syntax).cells]


def locate(raw: bytes, envelope: Envelope, path: Path, loops: tuple[tuple[Path, int], ...]) -> Position | None:
    """The bytes of one cell in `raw`, the bytes of its row; offsets and lines are relative to `raw`.

    A missing cell gives an empty span at the row's end; None means that the path names no column.
    """
    if not isinstance(path, ColumnPath) or loops:
        return None
    syntax = Syntax.of(envelope.delimiters)
    row = scan(raw, 0, syntax)
    number = path.number
    if number is None and path.name in envelope.columns:
        number = envelope.columns.index(path.name) + 1
    if number is None or number > len(row.cells):
        return Position(row.end, row.end, line=1 + text.line_ends(raw[: row.end]), column=path.name)
    start, end = value_span(row.cells[number - 1])
    return Position(start, end, line=1 + text.line_ends(raw[:start]), column=column_name(envelope.columns, number))
