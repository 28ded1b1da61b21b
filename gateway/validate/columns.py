"""A record's key and the values of its typed, indexed columns.

==================== =====================================================================
text code gln gtin   the text
int                  int
decimal              Decimal, exact; the store chooses the column's type
date                 ``2026-12-31``
datetime             ``2026-12-31T23:59:59.000000Z``: always six digits, so that texts sort like moments
time                 ``23:59:59.000000``, likewise
bool                 1 or 0
absent               None
==================== =====================================================================
"""

from __future__ import annotations

import datetime as dt
import string
from decimal import Decimal
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from marshmallow import ValidationError

from gateway.errors import Stop
from gateway.validate.fields import (
    BoolField,
    ContractField,
    DateField,
    DateTimeField,
    DecimalField,
    IntField,
    TextField,
    TimeField,
)
from gateway.validate.messages import shown
from gateway.validate.source import Source, build

if TYPE_CHECKING:
    from collections.abc import Callable

    from gateway.contracts import Contract, Field

Column = str | int | Decimal | None


def moment_text(moment: dt.datetime) -> str:
    """A moment in UTC as its column holds it."""
    return moment.replace(tzinfo=None).isoformat(timespec="microseconds") + "Z"


def time_text(time: dt.time) -> str:
    """A time of day as its column holds it."""
    return time.isoformat(timespec="microseconds")


CONVERTED: dict[str, Callable[[Any], Column]] = {
    "date": dt.date.isoformat,
    "datetime": moment_text,
    "time": time_text,
    "bool": int,
}
"""The types whose column holds something else than the value."""

PARSERS: dict[str, ContractField] = {
    "text": TextField(),
    "code": TextField(),
    "gln": TextField(),
    "gtin": TextField(),
    "int": IntField(),
    "decimal": DecimalField(),
    "date": DateField(),
    "datetime": DateTimeField(),
    "time": TimeField(),
    "bool": BoolField(),
}


def compile_columns(contract: Contract) -> Callable[[dict[str, Any]], tuple[Column, ...]]:
    """The function that takes the values of ``contract.columns()`` from a loaded value, in that order."""
    out = Source()
    with out.block("def columns(value):"):
        names = []
        for field in contract.columns():
            names.append(out.local(field.name))
            read = f"value[{field.name!r}]" if field.required else f"value.get({field.name!r})"
            out.line(f"{names[-1]} = {read}")
            if field.type in CONVERTED:
                with out.block(f"if {names[-1]} is not None:"):
                    out.line(f"{names[-1]} = {out.constant(CONVERTED[field.type], field.type)}({names[-1]})")
        out.line(f"return ({''.join(f'{name}, ' for name in names)})")
    columns: Callable[[dict[str, Any]], tuple[Column, ...]] = build(str(out), out.names, "columns")
    return columns


def parse_column(field: Field, text: str) -> Column:
    """The column value that `text`, as a query writes it, means for `field`: what stored values are compared with.

    Raises:
        ValueError: the text is no value of this type; the message says what is expected.
    """
    try:
        value = PARSERS[field.type].deserialize(text)
    except ValidationError as error:
        raise ValueError(f"{field.name} {error.messages[0]}, but is {shown(text)}") from error
    convert = CONVERTED.get(field.type)
    column: Column = value if convert is None else convert(value)
    return column


def compile_key(contract: Contract) -> Callable[[dict[str, Any], str | None], str]:
    """The function that makes a record's key from its loaded value and partner.

    The parts, percent-encoded, are joined with ``~``: the partner first where it is part of the key, then the key
    fields. Decimals are written without trailing zeros, so that 1.50 and 1.5 are one key.
    """
    out = Source(UNRESERVED=_UNRESERVED, percent_encoded=_percent_encoded, key_text=_key_text, no_partner=_no_partner)
    types = {field.name: field.type for field in contract.fields}
    parts = []
    with out.block("def key(value, partner):"):
        if contract.per_partner:
            with out.block("if partner is None:"):
                out.line(f"raise no_partner({contract.id!r})")
            parts.append("partner")
        for name in contract.key:
            parts.append(out.local(name))
            read = f"value[{name!r}]"
            out.line(f"{parts[-1]} = {read if types[name] in _TEXTS else f'key_text({read})'}")
        for part in parts:
            with out.block(f"if {part}.strip(UNRESERVED):"):
                out.line(f"{part} = percent_encoded({part})")
        joined = " + '~' + ".join(parts)
        out.line(f"return {joined}")
    key: Callable[[dict[str, Any], str | None], str] = build(str(out), out.names, "key")
    return key


_TEXTS = ("text", "code", "gln", "gtin")
_UNRESERVED = string.ascii_letters + string.digits + "-._"
"""The unreserved characters of RFC 3986, less ``~``, which joins. What is left of a text without them is encoded."""


def _percent_encoded(text: str) -> str:
    return quote(text, safe="").replace("~", "%7E")


def _no_partner(contract: str) -> Stop:
    return Stop(
        f"{contract} has keys per partner, but this source has no partner",
        "Declare partner: in the integration, or make the key the same for all partners",
    )


def _key_text(value: Any) -> str:
    if isinstance(value, Decimal):
        text = format(value, "f")
        return text.rstrip("0").rstrip(".") if "." in text else text
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, dt.datetime):
        return value.replace(tzinfo=None).isoformat() + "Z"
    if isinstance(value, dt.date | dt.time):
        return value.isoformat()
    return str(value)
