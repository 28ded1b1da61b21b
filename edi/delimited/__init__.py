"""CSV, TSV, pipes: delimited text as documents, one a row, each with the bytes that it came from.

The rules of a row stand in ``cells``, the reading of a whole file in ``rows``; here is what the format offers.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from edi import text
from edi.delimited.cells import Syntax, scan, value_span
from edi.delimited.flaws import Sheet, column_name
from edi.delimited.rows import read_blocks
from edi.findings import Position
from edi.paths import ColumnPath, Path
from edi.spec import Option, Spec

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from edi.findings import Finding
    from edi.model import Document, Envelope

SPEC = Spec(
    name="csv",
    summary="Delimited text: CSV, TSV, pipes. One row is one document; its content is the list of its cells.",
    guarantees=(
        "Every row has its exact byte span, without the line end; blank lines are no documents.",
        "Lines end with LF, CR LF or CR, also mixed; quoted cells may hold delimiters, line ends and doubled quotes.",
        "A row of another width, an undecodable byte, a NUL or text behind a closing quote is a finding on that row.",
        "A quote that is never closed is a finding at that quote; the rows before it are good, what follows is held.",
        "Memory is bounded by the limit of a cell, whatever the size of the file.",
    ),
    options=(
        Option("delimiter", ",", "one ASCII character, or the word tab"),
        Option("quote", '"', "one ASCII character, or none"),
        Option("encoding", "utf-8", "any encoding that holds ASCII as it is; a UTF-8 byte order mark wins"),
        Option("header", "false", "true: the first row holds the names of the columns"),
        Option("field_bytes_max", "16777216", "the longest cell in bytes; a row may be twice as long"),
    ),
    example="sku,price\nA-1,9.90\n",
)

_DELIMITERS = {"tab": "\t", "comma": ",", "semicolon": ";", "pipe": "|"}


def sheet(options: Mapping[str, str]) -> tuple[Sheet, bool]:
    """What `options` (see :data:`SPEC`) declare, and whether there is a header.

    Raises:
        ValueError: an option has no usable value; the message says what to write.
    """
    given = {option.name: option.default for option in SPEC.options} | dict(options)
    delimiter = _DELIMITERS.get(given["delimiter"], given["delimiter"])
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
    encoding = text.codec(given["encoding"], delimiter + quote)
    return Sheet(Syntax(delimiter, quote), encoding, int(limit)), given["header"] == "true"


def read(chunks: Iterable[bytes], options: Mapping[str, str]) -> Iterator[Document | Finding]:
    """The rows of a file, in order, as documents of ``list[str]``; the options stand in :data:`SPEC`.

    Raises:
        ValueError: at the call, for an option that has no usable value; never for what the file holds.
    """
    known, header = sheet(options)
    return read_blocks(text.blocks(chunks), known, header=header)


def locate(raw: bytes, envelope: Envelope, path: Path, loops: tuple[tuple[Path, int], ...]) -> Position | None:
    """The bytes of one cell in `raw`, the bytes of its row; offsets and lines are relative to `raw`.

    A missing cell gives an empty span at the row's end; None means that the path names no column.
    """
    if not isinstance(path, ColumnPath) or loops:
        return None
    syntax = Syntax(envelope.delimiters[0], envelope.delimiters[1:])
    row = scan(raw, 0, syntax)
    number = path.number
    if number is None and path.name in envelope.columns:
        number = envelope.columns.index(path.name) + 1
    if number is None or number > len(row.cells):
        return Position(row.end, row.end, line=1 + text.line_ends(raw[: row.end]), column=path.name)
    start, end = value_span(row.cells[number - 1])
    return Position(start, end, line=1 + text.line_ends(raw[:start]), column=column_name(envelope.columns, number))
