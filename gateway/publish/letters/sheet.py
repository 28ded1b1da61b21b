"""The refused rows as a CSV file that their sender can put right and send again.

It has the columns, the delimiter and the encoding of his file, so that it is read as that was; behind them stand
columns that say what is wrong, which nothing reads, and one that says which row it is, so that what is held is closed
when the row comes back right. Cells that a spreadsheet would take for a formula get an apostrophe
in front, but for numbers with a sign.

No cell holds U+FFFD, which readers show for bytes that are no characters: sent back, it would be taken for the value.
Where the bytes tell which letters are meant, these stand there; otherwise the row is left out.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from edi.delimited import cells_of
from edi.encodings import guessed
from edi.formats import FORMATS
from edi.model import Document, Envelope
from edi.writing import Unwritable
from gateway.publish.letters.facts import Sheet
from gateway.store.repairs import COLUMN

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from gateway.publish.letters.facts import Problem

ROWS_MAX = 20_000
BYTES_MAX = 4 * 1024 * 1024
_ADDED = ("problem", "expected", "send", COLUMN)
_FORMULA = ("=", "+", "-", "@", "\t", "\r")
_SIGNED = re.compile(r"[+-]?[\d.,' \u00a0]*\d[\d.,' \u00a0]*%?[+-]?")
_LOST = "\ufffd"
"""What a reader shows where bytes are no character."""
_NOT_READY = ("layout", "skip", "footer", "message", "ignore")
"""Options with which a file of rows alone would be read otherwise."""


class Sheets:
    """Collects the refused rows of one file."""

    def __init__(self, name: str, options: Mapping[str, str], *, format_name: str) -> None:
        self._name = name
        self._options = options
        self._is_csv = format_name == "csv"
        self._rows: list[list[str]] = []
        self._envelope: Envelope | None = None
        self._columns: tuple[str, ...] = ()
        self._size = 0
        self._escaped = 0
        self.odd = 0
        self.left_out = 0
        self._guessed = 0
        self._unread = 0

    def add(self, document: Document, problems: Sequence[Problem], reference: str, raw: Callable[[], bytes]) -> None:
        """Take a refused row in, if there is room, and if its cells are as many as its columns.

        `reference` is what it is known by here, `raw` gives its bytes.
        """
        if self._envelope is None:
            self._begin(document)
        assert self._envelope is not None
        cells = [str(each).replace("\0", "") for each in document.content]  # no table can hold a NUL; the text tells
        is_odd = bool(self._columns) and len(cells) != len(self._columns)
        is_strange = document.envelope.columns != self._columns or is_odd
        if is_strange:
            self.odd += 1
            return
        if len(self._rows) >= ROWS_MAX or self._size >= BYTES_MAX:
            self.left_out += 1
            return
        if any(_LOST in each for each in cells):
            known = _letters(cells, document.envelope, raw())
            if known is None:
                self._unread += 1
                return
            self._guessed += sum(one != other for one, other in zip(cells, known, strict=True))
            cells = known
        said = [
            "; ".join(f"{each.place}: {each.what}" if each.place else each.what for each in problems),
            "; ".join(each.expected for each in problems if each.expected),
            " ".join(dict.fromkeys(each.send for each in problems)),
        ]
        row = [*map(self._safe, cells), *(self._safe(self._ours(each), counted=False) for each in said), reference]
        self._rows.append(row)
        self._size += sum(map(len, row))

    def finished(self) -> Sheet | None:
        """The file; None where no row is in it."""
        if not self._rows or self._envelope is None:
            return None
        added = self._added()
        columns = (*self._columns, *added) if self._columns else ()
        envelope = self._envelope._replace(columns=columns, message=None)
        rows = (Document(number, 0, 0, row, envelope) for number, row in enumerate(self._rows, 1))
        options = {"header": "true" if columns else "false", "encoding": "auto"}
        if envelope.encoding == "utf-8":
            options["mark"] = "true"
        try:
            content = b"".join(FORMATS["csv"].write(rows, options))
        except (Unwritable, ValueError):  # its delimiters or its encoding cannot hold our words: it is only read, then
            plain = Envelope("csv", columns=columns)
            rows = (Document(number, 0, 0, row, plain) for number, row in enumerate(self._rows, 1))
            options = {"header": options["header"], "encoding": "utf-8", "mark": "true"}
            content = b"".join(FORMATS["csv"].write(rows, options))
            return self._sheet(content, added, ready=False, escaped=0)
        ready = self._is_csv and not any(self._options.get(each, "0") not in ("", "0") for each in _NOT_READY)
        return self._sheet(content, added, ready=ready, escaped=self._escaped)

    def _sheet(self, content: bytes, added: tuple[str, ...], *, ready: bool, escaped: int) -> Sheet:
        return Sheet(
            name=self._name,
            content=content,
            rows=len(self._rows),
            columns=added,
            ready=ready,
            left_out=self.left_out,
            escaped=escaped,
            odd=self.odd,
            guessed=self._guessed,
            unread=self._unread,
        )

    def _begin(self, document: Document) -> None:
        envelope = document.envelope
        self._columns = envelope.columns
        self._envelope = envelope if self._is_csv else Envelope("csv", columns=envelope.columns)

    def _added(self) -> tuple[str, ...]:
        """The names of our columns, other than those that are there."""
        named = []
        for each in _ADDED:
            name = each
            while name in self._columns:
                name += "_"
            named.append(name)
        return tuple(named)

    def _safe(self, cell: str, *, counted: bool = True) -> str:
        if not cell.startswith(_FORMULA) or _SIGNED.fullmatch(cell):
            return cell
        self._escaped += counted
        return f"'{cell}"

    def _ours(self, words: str) -> str:
        """Our words in characters that the encoding of the file has, on one line."""
        assert self._envelope is not None
        known = words.encode(self._envelope.encoding, "replace").decode(self._envelope.encoding)
        return " ".join(known.split())


def _letters(cells: Sequence[str], envelope: Envelope, raw: bytes) -> list[str] | None:
    """The cells of a row with the letters that its bytes `raw` most likely are; None where that cannot be told."""
    sent = cells_of(raw, envelope) if envelope.format == "csv" else []
    if len(sent) < len(cells):
        return None
    known = []
    for cell, each in zip(cells, sent, strict=False):
        said = (_decoded(each, envelope.encoding) or guessed(each, envelope.encoding)) if _LOST in cell else cell
        if said is None:
            return None
        known.append(said.replace("\0", ""))
    return known


def _decoded(raw: bytes, encoding: str) -> str | None:
    """What the bytes say, where all of them are characters: U+FFFD is one, too, if it was sent."""
    try:
        return raw.decode(encoding)
    except UnicodeDecodeError:
        return None
