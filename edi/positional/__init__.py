r"""Fixed width text and binary records: columns, COBOL copybooks, EBCDIC, packed decimals, record descriptor words.

One record is one document; its content is the list of its values, all of them texts:

>>> from edi.positional import read
>>> layout = '''
...     01  ORDER.
...         05  NUMBER    PIC 9(5).
...         05  CUSTOMER  PIC X(6).
...         05  TOTAL     PIC S9(5)V99 COMP-3.
... '''
>>> data = "00815ACME  ".encode("cp037") + bytes.fromhex("0012345d")
>>> (order,) = read([data], {"layout": layout, "encoding": "cp037"})
>>> order.envelope.columns, order.content
(('NUMBER', 'CUSTOMER', 'TOTAL'), ['00815', 'ACME', '-123.45'])
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from edi import text
from edi.findings import Position
from edi.paths import ColumnPath, Path
from edi.positional import blocks, lines, writing
from edi.positional.copybook import looks_like
from edi.positional.copybook import parse as copybook
from edi.positional.declared import Declared, declared, layout_of
from edi.positional.layout import from_lines
from edi.spec import Option, Spec
from edi.writing import taken

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from edi.findings import Finding
    from edi.model import Document, Envelope

__all__ = ["SPEC", "check_layout", "columns_of", "locate", "read", "read_blocks", "write"]

_OPTIONS = (
    Option("columns", "record:1-", "name:from-to or name:from-to:type, separated by blanks"),
    Option("layout", "", "instead of them: the text of a layout or of a COBOL copybook"),
    Option("encoding", "utf-8", "UTF-8, or one byte a character: windows-1252, cp037, cp500, cp1047, cp273 …"),
    Option(
        "records",
        "auto",
        "lines, fixed (all of one length), rdw or bdw (descriptor words), length (four bytes before each), "
        "stream (its type and counter say it); auto: fixed for EBCDIC and binary columns, otherwise lines",
    ),
    Option("length", "0", "bytes of every record; 0: as long as the layout"),
    Option("block", "0", "records=fixed: bytes of a block, whose rest is padding; 0: no blocks"),
    Option("trimmed", "false", "true: lines may lack the blanks at their end"),
    Option("by", "", "copybook: the column or place (1-2) of the record type"),
    Option("types", "", "copybook: the record or group for each type, H1:HEADER,L1:LINE"),
    Option("ignore", "", "record types that are no documents, separated by commas"),
    Option("message", "", "the record type that an integration takes, where there are several"),
    Option("field_bytes_max", "16777216", "the longest record in bytes"),
)
_READER_ONLY = ("ignore", "field_bytes_max")

SPEC = Spec(
    name="fixed",
    summary=(
        "Positional records: fixed width text, and binary files of mainframes by their COBOL copybooks. "
        "One record is one document; its content is the list of its values."
    ),
    guarantees=(
        "Every record has its exact byte span, without the line end or descriptor word; empty lines are no documents.",
        "Packed, zoned and binary numbers become plain texts with sign and decimal point: -123.45.",
        "A bad digit, sign, byte, length or record type is a finding with its byte on that record; the others go on.",
        "Where a descriptor word cannot be, the rest of the file is held as one finding.",
        "Memory is bounded by the limit of a record, whatever the size of the file.",
    ),
    options=_OPTIONS,
    example="A-1      9.90\nA-2     12.00\n",
    writes=(
        *(option for option in _OPTIONS if option.name not in _READER_ONLY),
        Option("line_end", "lf", "records=lines: what stands behind each record, lf or crlf"),
    ),
)


def read(chunks: Iterable[bytes], options: Mapping[str, str]) -> Iterator[Document | Finding]:
    """The records of a file, in order, as documents of ``list[str]``; the options stand in :data:`SPEC`.

    Raises:
        ValueError: at the call, for an option that has no usable value; never for what the file holds.
    """
    known = declared({option.name: option.default for option in SPEC.options} | dict(options))
    return read_blocks(text.blocks(chunks), known)


def write(documents: Iterable[Document], options: Mapping[str, str]) -> Iterator[bytes]:
    """The bytes of a file with these records, as documents of ``list[str]``; the options stand in :data:`SPEC`.

    Raises:
        ValueError: at the call, for an option that has no usable value.
        Unwritable: while the bytes are drawn, a record cannot be written; those before it were given.
    """
    given = taken(options, SPEC.writes)
    known = declared({option.name: option.default for option in SPEC.options} | given)
    return writing.write(documents, known, given["line_end"], given["message"])


def check_layout(text: str) -> None:
    """Whether `text` is a layout or a copybook.

    Raises:
        ValueError: it is none; the message begins with the line (``line 3: …`` or ``line 3, column 12: …``) if it can.
    """
    if looks_like(text):
        copybook(text)
    else:
        from_lines(text)


def columns_of(options: Mapping[str, str], message: str | None) -> tuple[str, ...] | None:
    """The names of a record's columns by the usable options of :data:`SPEC`.

    None where there are several record types, and `message` names none of them.
    """
    types = layout_of({option.name: option.default for option in SPEC.options} | dict(options)).types
    chosen = [record for record in types if message is None or record.name == message]
    return tuple(column.name for column in chosen[0].columns) if len(chosen) == 1 else None


def read_blocks(given: Iterable[bytes], known: Declared) -> Iterator[Document | Finding]:
    """As :func:`read`, for blocks of any size, which become the unit of work."""
    if known.cutter is None:
        return lines.read_blocks(given, known.judge, limit=known.limit, ignored=known.ignored)
    return blocks.read_blocks(given, known.judge, known.cutter, ignored=known.ignored)


def locate(raw: bytes, envelope: Envelope, path: Path, loops: tuple[tuple[Path, int], ...]) -> Position | None:
    """The bytes of one column in `raw`, the bytes of its record, without padding; offsets are relative to `raw`.

    A column behind the end of the record has an empty span there; None means that the path names no column.
    """
    if not isinstance(path, ColumnPath) or loops:
        return None
    number = path.number
    if path.name in envelope.columns:
        number = envelope.columns.index(path.name) + 1
    if number is None or number > len(envelope.spans):
        return Position(len(raw), len(raw), line=1, column=path.name)
    start, end = envelope.spans[number - 1]
    if envelope.delimiters and envelope.encoding == "utf-8":  # columns of lines count characters
        characters = raw.decode("utf-8", "surrogateescape")
        start, end = (_size(characters[:start]), len(raw) if end is None else _size(characters[:end]))
    start = min(start, len(raw))
    end = len(raw) if end is None else min(end, len(raw))
    return Position(start, end, line=1, column=envelope.columns[number - 1])


def _size(characters: str) -> int:
    return len(characters.encode("utf-8", "surrogateescape"))
