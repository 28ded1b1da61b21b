r"""Records as rows of a spreadsheet (CSV, RFC 4180), made of their lines of JSON.

A spreadsheet takes a cell that begins with ``=``, ``+``, ``-`` or ``@`` for a formula: texts and keys that do get an
apostrophe before them (OWASP, CSV injection); numbers are numbers. Objects become a column for each of their fields,
lists stay JSON.

Records are stored in one form: no spaces, members in the contract's order, absent ones left out. So a pattern made from
the contract finds the cells in the bytes, which takes a quarter of the time that reading the JSON takes. A line of any
other form (escapes, a formula, a list within a list, an older contract's) is read as JSON: it gives the same row.

    >>> from gateway.contracts import Field
    >>> fields = (Field("number", "text"), Field("ship_to", "object", fields=(Field("city", "text"),)))
    >>> columns_of(fields)
    (Column(path=('number',), text=True), Column(path=('ship_to', 'city'), text=True))
    >>> lines = [b'{"_key":"7","_seq":1,"_version":1,"number":"7","ship_to":{"city":"=Ulm, Neu"}}\n']
    >>> b"".join(sheet(lines, fields)).splitlines()
    [b'_key,_seq,_version,number,ship_to.city', b'7,1,1,7,"\'=Ulm, Neu"']
"""

from __future__ import annotations

import csv
import io
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import orjson

from gateway.serve.answers import SYSTEM
from gateway.serve.masks import MASKED

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Iterator

    from gateway.contracts import Field

_FORMULA = "=+-@\t\r"
_TEXTS = frozenset({"text", "code", "gln", "gtin"})
_FORMS: dict[str, tuple[bytes, bytes, bytes]] = {
    "text": (rb'"(?![=+@-])', rb'[^"\\]*', rb'"'),
    "int": (b"", rb"-?\d+", b""),
    "bool": (b"", b"(?:true|false)", b""),
    "list": (b"", rb"\[[^\[\]\\]*\]", b""),
    **dict.fromkeys(("decimal", "date", "datetime", "time"), (b'"', rb'[^"\\]*', b'"')),
}
"""What stands before a cell in JSON, the cell, and what stands behind it."""


@dataclass(frozen=True, slots=True)
class Column:
    """A column of a CSV export: the way to its value, and whether a formula could stand in it."""

    path: tuple[str, ...]
    text: bool


def columns_of(fields: tuple[Field, ...], before: tuple[str, ...] = ()) -> tuple[Column, ...]:
    """The columns of a contract's fields, in their order."""
    found: list[Column] = []
    for each in fields:
        path = (*before, each.name)
        if each.type == "object":
            found += columns_of(each.fields, path)
        else:
            found.append(Column(path, each.type in _TEXTS))
    return tuple(found)


def sheet(
    parts: Iterable[bytes],
    fields: tuple[Field, ...],
    *,
    chosen: Collection[str] | None = None,
    masked: bool = False,
) -> Iterator[bytes]:
    """The rows of a contract's records, the names of the columns first; `parts` are some lines of JSON each.

    `chosen` are the names of the fields that are wanted, None: all. `masked` lines say in ``_masked`` what they lack.
    """
    columns = [each for each in columns_of(fields) if chosen is None or each.path[0] in chosen]
    names = [*SYSTEM, *([MASKED] if masked else []), *(".".join(each.path) for each in columns)]
    read = _reader(columns, masked=masked)
    rows = read if masked else _finder(fields, chosen, read)
    head = ",".join(names).encode() + b"\r\n"
    for part in parts:
        yield head + rows(part)
        head = b""
    if head:
        yield head


def _reader(columns: list[Column], *, masked: bool) -> Callable[[bytes], bytes]:
    """The function that makes rows of lines of any form."""

    def cells(record: dict[str, Any]) -> Iterator[Any]:
        key, *numbers = [record[name] for name in SYSTEM]
        yield f"'{key}" if key.startswith(tuple(_FORMULA)) else key
        yield from numbers
        if masked:
            yield " ".join(record.get(MASKED, ()))
        for each in columns:
            value = record.get(each.path[0])
            for name in each.path[1:]:
                value = value.get(name) if isinstance(value, dict) else None
            if value.__class__ is not str:
                yield "" if value is None else orjson.dumps(value).decode()  # a number, a truth or a list, as in JSON
            elif each.text and value and value[0] in _FORMULA:
                yield f"'{value}"
            else:
                yield value

    def rows(lines: bytes) -> bytes:
        written = io.StringIO()
        writer = csv.writer(written, lineterminator="\r\n")
        writer.writerows(cells(orjson.loads(line)) for line in lines.splitlines())
        return written.getvalue().encode()

    return rows


def _finder(
    fields: tuple[Field, ...], chosen: Collection[str] | None, read: Callable[[bytes], bytes]
) -> Callable[[bytes], bytes]:
    """The function that finds the cells of lines as they are stored; lines of another form are `read`."""
    head, members = rb'"_key":"(?![=+@-])([^"]*)","_seq":(\d+),"_version":(\d+)', b"".join(_members(fields, chosen))
    pattern = re.compile(rb"\{%b%b\}\n|(.+)\n" % (head, members))
    commas = pattern.groups - 1  # of a row, when one stands behind its last cell, too

    def row(found: tuple[bytes, ...]) -> bytes:
        *cells, other = found
        if other:
            return read(other)
        joined = b",".join(cells)
        if joined.count(b",") < commas and b'"' not in joined:
            return joined + b"\r\n"
        return b",".join(map(_quoted, cells)) + b"\r\n"

    def rows(lines: bytes) -> bytes:
        found = pattern.findall(lines)
        joined = b"\r\n".join([*map(b",".join, found), b""])
        if joined.count(b",") == commas * len(found) and b'"' not in joined:  # all were found, and none needs quotes
            return joined.replace(b",\r\n", b"\r\n")
        return b"".join(map(row, found))

    return rows


def _members(fields: tuple[Field, ...], chosen: Collection[str] | None, comma: bytes = b",") -> Iterator[bytes]:
    """The pattern of each member of an object; the cells of those that are chosen are its groups."""
    for each in fields:
        wanted = chosen is None or each.name in chosen
        if each.type == "object":
            value = rb"\{%b\}" % b"".join(_members(each.fields, None if wanted else (), b",?"))
        else:
            before, cell, after = _FORMS["text" if each.type in _TEXTS else each.type]
            value = before + (b"(%b)" if wanted else b"%b") % cell + after
        member = comma + b'"%b":%b' % (each.name.encode(), value)
        yield member if each.required else b"(?:%b)?" % member


def _quoted(cell: bytes) -> bytes:
    """A cell in quotes, if it needs them; line breaks are none of JSON's."""
    return b'"%b"' % cell.replace(b'"', b'""') if b"," in cell or b'"' in cell else cell
