"""The refused rows as a CSV file that their sender can put right and send again.

It has the columns, the delimiter and the encoding of his file, so that it is read as that was; behind them stand
columns that say what is wrong, which nothing reads, and one that says which row it is, so that what is held is closed
when the row comes back right. Cells that a spreadsheet would take for a formula get an apostrophe
in front, but for numbers with a sign.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from edi.formats import FORMATS
from edi.model import Document, Envelope
from edi.writing import Unwritable
from gateway.publish.letters.facts import Sheet
from gateway.store.repairs import COLUMN

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from gateway.publish.letters.facts import Problem

ROWS_MAX = 20_000
BYTES_MAX = 4 * 1024 * 1024
_ADDED = ("problem", "expected", "send", COLUMN)
_FORMULA = ("=", "+", "-", "@", "\t", "\r")
_SIGNED = re.compile(r"[+-]?[\d.,' \u00a0]*\d[\d.,' \u00a0]*%?[+-]?")
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

    def add(self, document: Document, problems: Sequence[Problem], reference: str) -> None:
        """Take a refused row in, if there is room, and if its cells are as many as its columns.

        `reference` is what it is known by here.
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
            rows_are = len(self._rows)
            return Sheet(self._name, content, rows_are, added, ready=False, left_out=self.left_out, odd=self.odd)
        ready = self._is_csv and not any(self._options.get(each, "0") not in ("", "0") for each in _NOT_READY)
        return Sheet(self._name, content, len(self._rows), added, ready, self.left_out, self._escaped, self.odd)

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
