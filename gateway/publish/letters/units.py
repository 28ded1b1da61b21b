"""What the documents of a file are called to who sent it: in letters, and on the page on which files are tried.

>>> unit_of({"x12"}, {"order"}).of(2), unit_of({"x12"}, {"order", "invoice"}).of(2), unit_of({"csv"}, {"order"}).of(2)
('2 orders', '2 transaction sets', '2 rows')
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from gateway.publish.letters.facts import Unit

if TYPE_CHECKING:
    from collections.abc import Collection

ROWS = ("csv", "fixed")
"""Formats whose refused documents are told as a sheet, too."""
_UNITS = {
    "csv": Unit("row", "rows"),
    "fixed": Unit("record", "records"),
    "x12": Unit("transaction set", "transaction sets"),
    "edifact": Unit("message", "messages"),
    "json": Unit("object", "objects"),
    "jsonl": Unit("object", "objects"),
}


def unit_of(formats: Collection[str], contracts: Collection[str]) -> Unit:
    """Rows, or what the only contract calls them, or as the format does; both are those of the documents meant."""
    only = next(iter(formats)) if len(formats) == 1 else ""
    if only in (*ROWS, "json", "jsonl"):
        return _UNITS[only]
    if len(contracts) == 1:
        name = next(iter(contracts)).replace("-", " ")
        return Unit(name, name + ("es" if name.endswith(("s", "x", "ch", "sh")) else "s"))
    return _UNITS.get(only, Unit())
