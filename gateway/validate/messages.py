"""What a check says: a phrase for a person that carries its code and remedy through marshmallow's nested messages."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from typing import Self

SHOWN_CHARACTERS_MAX = 60

CODES: dict[str, str] = {
    "contract.required": "A field that the contract requires is missing or null",
    "contract.type": "A value is of another type than the contract says",
    "contract.length": "A text has too few or too many characters, or a list elements",
    "contract.pattern": "A text does not match the contract's pattern as a whole",
    "contract.range": "A number is below its least or above its greatest value",
    "contract.digits": "A decimal has more digits, before or after the point, than the contract holds",
    "contract.code": "A value is not in the code table of its field",
    "contract.check_digit": "A GLN or GTIN has another length, or its check digit does not fit",
    "contract.unknown_field": "A record has a field that the contract does not know",
    "contract.value": "A check of another origin refused a value",
}
"""Every code that a contract's fields give, with what it means."""


class Message(str):
    """The predicate of a sentence (``must be true or false``); the judge puts field and value before it.

    marshmallow keeps and nests whatever text a check raises, so the text brings the finding's code and remedy along.
    """

    __slots__ = ("code", "remedy")

    code: str
    remedy: str

    def __new__(cls, code: str, phrase: str, remedy: str) -> Self:
        """`phrase`, with the code and the remedy of the finding that it becomes."""
        message = super().__new__(cls, phrase)
        message.code = code
        message.remedy = remedy
        return message


REQUIRED = Message("contract.required", "is required, but missing", "Send a value, or map one with ??")
UNKNOWN_FIELD = Message("contract.unknown_field", "is no field of the contract", "Leave the field out")
NO_OBJECT = Message("contract.type", "must be an object with named fields", "Send {…} with the fields of the contract")


def shown(value: object) -> str:
    """`value` as a sentence shows it, cut to a readable length: ``'12,5O'``, ``12.50``, ``a list of 3 elements``."""
    if isinstance(value, str):
        text = value if len(value) <= SHOWN_CHARACTERS_MAX else value[: SHOWN_CHARACTERS_MAX - 1] + "…"
        return repr(text)
    if isinstance(value, list | tuple):
        return f"a list of {counted(len(value), 'element')}"
    if isinstance(value, dict):
        return "an object"
    return plain(value)


def plain(value: object) -> str:
    """`value` as text without quotes, as it would stand in JSON, cut to 1000 characters; an object or list is empty."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str | int | float):
        return str(value)[:1000]
    if isinstance(value, Decimal):
        return (format(value, "f") if abs(value.adjusted()) < 100 and value.is_finite() else str(value))[:1000]
    if isinstance(value, dt.date | dt.time):
        return value.isoformat()
    return "" if isinstance(value, list | tuple | dict) else type(value).__name__


def counted(count: int, noun: str) -> str:
    """``1 character``, ``22 characters``."""
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"
