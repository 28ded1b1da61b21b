"""Delimited text as it is written: rows of cells, with quotes where they are needed.

Strategy. Many rows are joined at once; if the text holds as many delimiters and line ends as were put in, and no quote,
no cell needs one. Otherwise those rows are written cell by cell. A row that begins the file must not look like anything
else (a byte order mark, ``sep=;``, a web page); where it does, its cells are quoted.
"""

from __future__ import annotations

import csv
import re
from dataclasses import dataclass
from itertools import chain, islice
from typing import TYPE_CHECKING, NamedTuple

from edi import text
from edi.delimited.cells import Syntax
from edi.spec import Option
from edi.writing import Unwritable, codec, line_end, shown, taken

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

    from edi.model import Document, Envelope

WRITES = (
    Option("delimiter", "", "one ASCII character, or the word tab; empty: as it was read, or a comma"),
    Option("quote", "", 'one ASCII character, or none; empty: as it was read, or "'),
    Option("quoting", "minimal", "minimal: cells that need it are quoted; all: every cell"),
    Option("encoding", "auto", "auto: as it was read, or UTF-8"),
    Option("mark", "false", "true: the file begins with the byte order mark of UTF-8"),
    Option("header", "auto", "true: the first row holds the names of the columns; auto: if they are known"),
    Option("line_end", "crlf", "what stands behind each row: crlf or lf"),
)

DELIMITERS = {"tab": "\t", "comma": ",", "semicolon": ";", "pipe": "|"}
_SEP = re.compile(rb'("?)sep=[^\w\r\n"\0]\1(?=\r|\n)', re.IGNORECASE)
"""The line by which Excel is told the delimiter."""
_ROWS = 256
"""So many rows are written at once."""


@dataclass(frozen=True, slots=True)
class _Sheet:
    """How the rows of one file are written."""

    syntax: Syntax
    all: bool
    encoding: str
    end: str
    columns: tuple[str, ...]


def write(documents: Iterable[Document], options: Mapping[str, str]) -> Iterator[bytes]:
    """The bytes of a file with these rows, as documents of ``list[str]``; the options are :data:`WRITES`.

    What an option leaves open is as the first document was read.

    Raises:
        ValueError: at the call, an option has no usable value.
        Unwritable: while the bytes are drawn, a row cannot be written; the rows before it were given.
    """
    given = taken(options, WRITES)
    for name, known in _WORDS.items():
        if given[name] not in known:
            raise ValueError(f"{name} {given[name]!r} is none of {', '.join(known)}")
    if not line_end(given["line_end"]):
        raise ValueError("line_end none: rows end with a line; write crlf or lf")
    sheet = _sheet(given, None)
    if given["mark"] == "true" and given["encoding"] != "auto" and sheet.encoding != "utf-8":
        raise ValueError(f"mark true belongs to UTF-8, not to encoding {given['encoding']!r}")
    return _write(iter(documents), given)


_WORDS = {
    "quoting": ("minimal", "all"),
    "mark": ("true", "false"),
    "header": ("auto", "true", "false"),
}


def _sheet(given: Mapping[str, str], envelope: Envelope | None) -> _Sheet:
    """How the file of a first document is written.

    Raises:
        ValueError: an option has no usable value.
    """
    read = Syntax.of(envelope.delimiters) if envelope and envelope.delimiters else Syntax(",", '"')
    delimiter = DELIMITERS.get(given["delimiter"], given["delimiter"]) or read.delimiter
    quote = "" if given["quote"] == "none" else given["quote"] or read.quote
    if len(delimiter) != 1 or not delimiter.isascii() or delimiter.isalnum() or delimiter in "\r\n\0":
        raise ValueError(f"delimiter {delimiter!r} is not one ASCII character; write ; , | or tab")
    if len(quote) > 1 or not quote.isascii() or (quote and quote in delimiter + "\r\n\0") or quote.isalnum():
        raise ValueError(f'quote {quote!r} is not one ASCII character other than the delimiter; write " or none')
    if given["quoting"] == "all" and not quote:
        raise ValueError("quoting=all needs a quote; leave quote=none out")
    escape = read.escape if read.escape not in (delimiter, quote) else ""
    told = given["encoding"]
    name = codec(told) if told != "auto" else envelope.encoding if envelope else "utf-8"
    encoding = text.codec(name, delimiter + quote + escape)
    columns: tuple[str, ...] = ()
    if envelope and (given["header"] == "true" or (given["header"] == "auto" and envelope.message is None)):
        columns = envelope.columns
    return _Sheet(
        Syntax(delimiter, quote, escape), given["quoting"] == "all", encoding, line_end(given["line_end"]), columns
    )


def _write(documents: Iterator[Document], given: Mapping[str, str]) -> Iterator[bytes]:
    first = next(documents, None)
    if first is None:
        return
    sheet = _sheet(given, first.envelope)
    if given["header"] == "true" and not sheet.columns:
        raise Unwritable(
            "nobody knows the names of its columns", "give header=false, or columns in the envelope", "", first.number
        )
    yield _opening(first, sheet, given)
    if sheet.columns:
        documents = chain((first,), documents)
    while handful := list(islice(documents, _ROWS)):
        if sheet.columns:
            _check_columns(handful, sheet)
        contents = [document.content for document in handful]
        data = None if sheet.all else _at_once(contents, sheet)
        if data is None:
            data = _by_csv(contents, sheet)
        if data is not None:
            yield data
        else:
            for document in handful:
                yield _numbered(document.content, document.number, sheet)


def _check_columns(documents: list[Document], sheet: _Sheet) -> None:
    for document in documents:
        if document.envelope.columns != sheet.columns:
            known = ", ".join(document.envelope.columns) or "none"
            raise Unwritable(
                f"its columns ({known}) are not those of the header",
                "write it to a file of its own, or give header=false",
                "",
                document.number,
            )


def _opening(first: Document, sheet: _Sheet, given: Mapping[str, str]) -> bytes:
    """The mark and the first row: the header, if there is one."""
    content = list(sheet.columns) or first.content
    number = None if sheet.columns else first.number
    if given["mark"] == "true":
        if sheet.encoding != "utf-8":
            raise Unwritable(f"the mark belongs to UTF-8, not to {sheet.encoding}", "give encoding=utf-8", "", number)
        return "\ufeff".encode() + _numbered(content, number, sheet)
    data = _numbered(content, number, sheet)
    if _misleads(data):
        data = _numbered(content, number, sheet, quoted=True)
    if _misleads(data):
        raise Unwritable(
            f"the file would begin with {shown(content[0])}, which readers take for something else",
            "put a header or another row first",
            "column #1",
            number,
        )
    return data


def _misleads(data: bytes) -> bool:
    return bool(text.mark(data) or text.wide(data) or text.foreign(data) or _SEP.match(data))


def _at_once(contents: list[Sequence[str]], sheet: _Sheet) -> bytes | None:
    """Rows in which no cell needs a quote; None if one may need it."""
    syntax = sheet.syntax
    try:
        lines = list(map(syntax.delimiter.join, contents))
        joined = "\n".join(lines)
        if (
            "" in lines
            or joined.count(syntax.delimiter) != sum(map(len, contents)) - len(contents)
            or joined.count("\n") != len(lines) - 1
            or (syntax.quote and syntax.quote in joined)
            or (syntax.escape and syntax.escape in joined)
            or "\r" in joined
            or "\0" in joined
        ):
            return None
        if sheet.end != "\n":
            joined = joined.replace("\n", sheet.end)
        return (joined + sheet.end).encode(sheet.encoding)
    except (TypeError, UnicodeEncodeError):
        return None


def _by_csv(contents: list[Sequence[str]], sheet: _Sheet) -> bytes | None:
    """Rows with quotes; None if a row or its syntax is one that ``csv`` does not know."""
    syntax = sheet.syntax
    if not syntax.quote or syntax.escape:
        return None
    lines: list[str] = []
    writer = csv.writer(
        _Lines(lines.append),
        delimiter=syntax.delimiter,
        quotechar=syntax.quote,
        quoting=csv.QUOTE_ALL if sheet.all else csv.QUOTE_MINIMAL,
        lineterminator="\r\n",  # both are quoted, whichever ends the rows
    )
    try:
        if not all(contents) or "\0" in "".join(map("".join, contents)):
            return None
        writer.writerows(contents)
        return "".join([line[:-2] + sheet.end for line in lines]).encode(sheet.encoding)
    except (TypeError, UnicodeEncodeError, csv.Error):
        return None


class _Lines(NamedTuple):
    """What ``csv`` takes for a file."""

    write: Callable[[str], None]


def _numbered(content: Sequence[str], number: int | None, sheet: _Sheet, *, quoted: bool = False) -> bytes:
    """One row; what is wrong with it is told with the number of its document."""
    try:
        return _row(content, sheet, quoted=quoted)
    except Unwritable as problem:
        problem.document = number
        raise


def _row(content: Sequence[str], sheet: _Sheet, *, quoted: bool = False) -> bytes:
    """One row, cell by cell; `quoted`: with quotes wherever they can be."""
    if not isinstance(content, (list, tuple)) or not content:
        raise Unwritable("the row has no cells", "give a list of texts")
    quoted = bool(sheet.syntax.quote) and (quoted or sheet.all or (len(content) == 1 and not content[0]))
    cells = [_cell(value, number, sheet.syntax, quoted=quoted) for number, value in enumerate(content, 1)]
    line = sheet.syntax.delimiter.join(cells)
    if not line:
        raise Unwritable("a row of one empty cell is a blank line, which is no row", "give a quote, or leave it out")
    try:
        return (line + sheet.end).encode(sheet.encoding)
    except UnicodeEncodeError as error:
        number = next(n for n, cell in enumerate(cells, 1) if error.object[error.start] in cell)
        raise Unwritable(
            f"{error.object[error.start]!r} is no character of {sheet.encoding}",
            "choose another encoding, or another character",
            f"column #{number}",
        ) from None


def _cell(value: str, number: int, syntax: Syntax, *, quoted: bool) -> str:
    if not isinstance(value, str):
        raise Unwritable(f"{shown(value)} is no text", "give every cell as a text", f"column #{number}")
    if "\0" in value:
        raise Unwritable(f"{shown(value)} holds a NUL", "leave it out", f"column #{number}")
    if syntax.escape:
        value = value.replace(syntax.escape, syntax.escape * 2)
    needs = [mark for mark in (syntax.delimiter, syntax.quote, "\r", "\n") if mark and mark in value]
    if not quoted and not needs:
        return value
    if syntax.quote:
        return f"{syntax.quote}{value.replace(syntax.quote, syntax.quote * 2)}{syntax.quote}"
    if syntax.escape:
        return re.sub("[" + re.escape("".join(needs)) + "]", lambda found: syntax.escape + found[0], value)
    raise Unwritable(
        f"{shown(value)} holds {needs[0]!r}, and there are no quotes",
        "choose another delimiter or a quote, or leave the character out",
        f"column #{number}",
    )
