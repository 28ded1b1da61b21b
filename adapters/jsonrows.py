"""Rows as JSON, written column by column from the texts that the server gave: what callers of live tables are sent.

The values are those of :mod:`adapters.values`, said as JSON says them: whole numbers as numbers, decimals and floats as
texts that lose no digit, bytes as base64, NULL as ``null``. A column whose texts all have the plain form of its type,
which one regular expression tells, is passed on as it is; of any other, each cell is understood by itself.
"""

from __future__ import annotations

import json
import re
from decimal import Decimal
from json.encoder import encode_basestring
from typing import TYPE_CHECKING, Any

from adapters.values import FROM_TEXT

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from adapters.model import Column, Type

Cell = str | None

NULL = "\x1e"
"""Stands for NULL among the texts of a column, so that they can be joined; no plain form has it."""

_MARK = "\x1f"
_INT = r"(?:0|-?[1-9][0-9]{0,17})"
_NUMBER = r"-?(?:0|[1-9][0-9]{0,99})(?:\.[0-9]{1,99})?"
# Printable ASCII without the two letters that JSON escapes.
_TEXT = r"[ !#-\[\]-~]*"
# Real days alone; the few that need a calendar to tell, such as 29 February, are left to it.
_DAY = (
    r"(?!0000)[0-9]{4}-(?:(?:0[1-9]|1[0-2])-(?:0[1-9]|1[0-9]|2[0-8])|(?:0[13-9]|1[0-2])-(?:29|30)"
    r"|(?:0[13578]|1[02])-31)"
)
_MOMENT = rf"{_DAY} (?:[01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9](?:\.[0-9]{{0,5}}[1-9])?(?:\+00)?"


def _whole(cell: str) -> Callable[[str], re.Match[str] | None]:
    """Whether cells that are joined all look like this or are NULL."""
    return re.compile(f"(?:(?:{cell}|{NULL}){_MARK})*+(?:{cell}|{NULL})").fullmatch


_PLAIN: dict[Type, Callable[[str], re.Match[str] | None]] = {
    "int": _whole(_INT),
    "decimal": _whole(_NUMBER),
    "float": _whole(_NUMBER),
    "date": _whole(_TEXT),
    "time": _whole(_TEXT),
    "datetime": _whole(_MOMENT),
}
_QUOTED = frozenset({"decimal", "float", "date", "time", "datetime"})
_BOOLEANS = {"t": "true", "f": "false", "true": "true", "false": "false", "1": "true", "0": "false", NULL: "null"}


def rows_of(columns: Sequence[Column], cells: Sequence[Sequence[Cell]], *, marked: bool = False) -> str:
    """Rows as JSON objects with commas between them, of each column's cells; `marked` has :data:`NULL` for NULL."""
    if not cells or not cells[0]:
        return ""
    written_columns = [_written(each.type, texts, marked=marked) for each, texts in zip(columns, cells, strict=True)]
    members = (
        f"{encode_basestring(column.name).replace('%', '%%')}:{quote}%s{quote}"
        for column, (_, quote) in zip(columns, written_columns, strict=True)
    )
    row = f"{{{','.join(members)}}}"
    text = ",".join(map(row.__mod__, zip(*(written for written, _ in written_columns), strict=True)))
    return text.replace(f'"{NULL}"', "null") if NULL in text else text


def said(row: Mapping[str, Any]) -> str:
    """One row of values as a JSON object."""
    return f"{{{','.join(f'{encode_basestring(name)}:{_said(value)}' for name, value in row.items())}}}"


def encoded(text: str) -> bytes:
    """The text in UTF-8; half of a surrogate pair, which some drivers give, is escaped as JSON may (RFC 8259, 8.2)."""
    try:
        return text.encode()
    except UnicodeEncodeError:
        return re.sub(r"[\ud800-\udfff]", lambda half: f"\\u{ord(half[0]):04x}", text).encode()


def _written(kind: Type, texts: Sequence[Cell], *, marked: bool) -> tuple[Sequence[str], str]:
    """The cells as JSON, and the quote that is still to be put around each."""
    null = NULL if marked else None
    if kind == "text":
        return ["null" if text is None or text == null else encode_basestring(text) for text in texts], ""
    plain = _plain(kind, texts, marked=marked)
    if plain is not None:
        return plain, '"' if kind in _QUOTED else ""
    convert = FROM_TEXT[kind]
    return ["null" if text is None or text == null else _said(convert(text) if convert else text) for text in texts], ""


def _plain(kind: Type, texts: Sequence[Cell], *, marked: bool) -> Sequence[str] | None:
    """The cells, if all of them have the plain form of their type; None if one has not."""
    if marked:
        known: Sequence[str] = texts  # type: ignore[assignment] # NULL has its mark
    elif NULL in texts:
        return None
    else:
        known = [NULL if text is None else text for text in texts]
    if kind == "bool":
        found = [_BOOLEANS.get(text, "") for text in known]
        return None if "" in found else found
    looks = _PLAIN.get(kind)
    joined = _MARK.join(known)
    if looks is None or joined.count(_MARK) != len(known) - 1 or not looks(joined):
        return None
    if kind == "datetime":
        return joined.replace(" ", "T").replace("+00", "Z").split(_MARK)
    return ["null" if text == NULL else text for text in known] if kind == "int" and NULL in known else known


def _said(value: Any) -> str:
    """A value as JSON."""
    if isinstance(value, Decimal):
        return f'"{value:f}"'
    return str(encode_basestring(value)) if isinstance(value, str) else json.dumps(value)
