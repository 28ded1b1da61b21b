"""What the options of a positional file declare, made ready to read it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from edi.positional.blocks import Cutter
from edi.positional.charsets import charset
from edi.positional.copybook import looks_like
from edi.positional.layout import Layout, from_lines, from_words
from edi.positional.placing import from_copybook
from edi.positional.rows import Frame, Judge

if TYPE_CHECKING:
    from collections.abc import Mapping

RECORDS = ("auto", "lines", "fixed", "rdw", "bdw", "length", "stream")


@dataclass(frozen=True, slots=True)
class Declared:
    """A file's layout and encoding in `judge`, and how its records are cut; no `cutter` means by line ends."""

    judge: Judge
    cutter: Cutter | None
    limit: int
    ignored: frozenset[str]


def declared(given: Mapping[str, str]) -> Declared:
    """What `given`, a value for every option of the format, declares.

    Raises:
        ValueError: an option has no usable value; the message says what to write.
    """
    layout = layout_of(given)
    encoding = charset(given["encoding"])
    length, block, limit = (_number(given, name) for name in ("length", "block", "field_bytes_max"))
    records = given["records"]
    if records not in RECORDS:
        raise ValueError(f"records {records!r} is none of {', '.join(RECORDS)}")
    machine = [
        column.name for record in layout.types for column in record.columns if column.kind.name in ("packed", "binary")
    ]
    if records == "auto":
        records = "fixed" if machine or encoding.ebcdic else "lines"
    if records == "lines" and machine:
        raise ValueError(f"{machine[0]} is a number of bytes that may look like a line end; write records=fixed or rdw")
    if given["trimmed"] not in ("true", "false"):
        raise ValueError(f"trimmed {given['trimmed']!r} is neither true nor false")
    trimmed = given["trimmed"] == "true"
    if trimmed and records != "lines":
        raise ValueError(f"trimmed belongs to records=lines, and these are records={records}")
    size = max(record.size for record in layout.types)
    if length and (records not in ("lines", "fixed") or length < size):
        problem = (
            f"the layout needs {size} bytes" if length < size else f"records={records} say their length themselves"
        )
        raise ValueError(f"length {length}: {problem}")
    _check_lengths(records, layout)
    if not limit:
        raise ValueError("field_bytes_max '0' is no number of bytes; write 16777216 for 16 MiB")
    limit = max(limit, 4 * max(length, size))  # UTF-8 has up to four bytes a character
    length = length or size
    if block and (records != "fixed" or block < length):
        raise ValueError(
            f"block {block}: a block belongs to records=fixed and holds one record at least, {length} bytes"
        )
    names = {record.name for record in layout.types if record.name}
    ignored = frozenset(name for name in given["ignore"].split(",") if name)
    for name in (*ignored, *filter(None, (given["message"],))):
        if name not in names:
            raise ValueError(f"the layout has no record type {name!r}; it has {', '.join(sorted(names)) or 'one only'}")
    frame = Frame(records == "lines", records != "fixed", trimmed, length if given["length"] != "0" else 0)
    judge = Judge(layout, encoding, frame)
    cutter = None
    if records != "lines":
        cutter = Cutter(records, judge, length=length, block=block, limit=limit)
    return Declared(judge, cutter, limit, ignored)


def _check_lengths(records: str, layout: Layout) -> None:
    if records in ("fixed", "stream") and any(record.open for record in layout.types):
        raise ValueError(f"a column without an end needs records that have one; records={records} have none")
    if layout.by and layout.by.end is None:
        raise ValueError("the place of the record type needs an end; write by 1-2")
    if records == "stream" and layout.by:
        end = layout.by.end or 0
        if any(record.size < end or (record.table and record.table.start < end) for record in layout.types):
            raise ValueError("records=stream needs the record type before any table and inside every record")


def layout_of(given: Mapping[str, str]) -> Layout:
    """The layout that the options `columns`, `layout`, `by` and `types` declare.

    Raises:
        ValueError: they declare none.
    """
    text, by, types = given["layout"], given["by"], _types(given["types"])
    if text and not looks_like(text):
        layout = _of_layout(text)
    elif text:
        return _of_copybook(text, by, types)
    else:
        layout = from_words(given["columns"])
    if by or types:
        raise ValueError(
            "by and types belong to a copybook; a layout says it itself, in lines 'by 1-2' and 'record H1'"
        )
    return layout


def _of_layout(text: str) -> Layout:
    if len(text.split()) == 1:
        raise ValueError(f"layout {text!r} is the name of a layout, and only its text can be read")
    try:
        return from_lines(text)
    except ValueError as error:
        raise ValueError(f"in the layout, {error}") from None


def _of_copybook(text: str, by: str, types: dict[str, str]) -> Layout:
    if bool(by) != bool(types):
        raise ValueError("by and types go together; write by=1-2 types=H1:HEADER,L1:LINE")
    try:
        return from_copybook(text, by, types)
    except ValueError as error:
        raise ValueError(f"in the copybook, {error}") from None


def _types(text: str) -> dict[str, str]:
    found: dict[str, str] = {}
    for part in filter(None, text.split(",")):
        value, colon, name = part.partition(":")
        if not colon or not value or not name or value in found:
            raise ValueError(f"types {part!r}: write each type once, with its record: H1:HEADER,L1:LINE")
        found[value] = name
    return found


def _number(given: Mapping[str, str], name: str) -> int:
    value = given[name]
    if not value.isascii() or not value.isdigit() or len(value) > 15:
        raise ValueError(f"{name} {value!r} is no number of bytes; write digits, such as 80")
    return int(value)
