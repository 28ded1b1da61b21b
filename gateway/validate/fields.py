"""The fields of a contract: marshmallow's own, made strict, so that nothing is guessed and nothing is lost.

Each takes JSON-shaped input (ISO texts, decimals as texts) and the values that a mapping makes (Decimal, date, int)
alike. marshmallow's stock fields would take ``1_000`` and ``١٢`` for numbers, 1.9 for the integer 1, ``"on"`` for true,
a datetime for a date and ``2026-W05-3`` for a day. A null in an optional field means the same as its absence.
"""

from __future__ import annotations

import datetime as dt
import re
from decimal import Decimal
from typing import Any

from marshmallow import ValidationError, fields, missing

from gateway.validate.messages import NO_OBJECT, REQUIRED, Message

DIGITS_MAX = 38
"""Digits of a decimal whose contract sets none: as many as SQL databases commonly hold."""

INT_MIN, INT_MAX = -(2**63), 2**63 - 1

PLAIN_INT = re.compile(r"[+-]?[0-9]{1,40}").fullmatch
PLAIN_DECIMAL = re.compile(r"[+-]?[0-9]{1,1000}(?:\.[0-9]{1,1000})?").fullmatch
PLAIN_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}").fullmatch
PLAIN_TIME = re.compile(r"[0-9]{2}:[0-9]{2}(?::[0-9]{2}(?:\.[0-9]{1,6})?)?").fullmatch
PLAIN_DATETIME = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(?:\.[0-9]{1,6})?(?:Z|[+-][0-9]{2}:[0-9]{2})"  # RFC 3339
).fullmatch
UNSTORABLE = re.compile("[\0\ud800-\udfff]").search
"""NUL, which PostgreSQL refuses, and halves of surrogate pairs, which UTF-8 cannot say."""


class ContractField(fields.Field[Any]):
    """What all fields of a contract share: messages with codes, and a null that stands for absence."""

    default_error_messages = {"required": REQUIRED, "null": REQUIRED}  # noqa: RUF012 -- marshmallow merges it as declared

    def deserialize(self, value: Any, attr: str | None = None, data: Any = None, **kwargs: Any) -> Any:
        """The field's value, or marshmallow's ``missing`` for an optional one that is absent or null."""
        if value is None and not self.required:
            value = missing
        return super().deserialize(value, attr, data, **kwargs)

    def make_error(self, key: str, **kwargs: Any) -> ValidationError:  # noqa: ARG002 -- the judge shows the input
        """The message under `key` as it stands: formatting it would lose code and remedy."""
        return ValidationError(self.error_messages[key])


class TextField(ContractField, fields.String):
    """A text that JSON and every store can hold."""

    default_error_messages = {  # noqa: RUF012
        "invalid": Message("contract.type", "must be a text", "Write the value in quotes"),
        "unstorable": Message(
            "contract.type",
            "must be free of NUL and half surrogates",
            "Remove the characters U+0000 and U+D800 to U+DFFF; often the encoding of the source is declared wrongly",
        ),
    }

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> str:  # noqa: ARG002
        if not isinstance(value, str):
            raise self.make_error("invalid")
        if UNSTORABLE(value):
            raise self.make_error("unstorable")
        return str(value)


class IntField(ContractField, fields.Integer):
    """A whole number that fits in 64 bits; a text of digits and a whole Decimal are taken too."""

    default_error_messages = {  # noqa: RUF012
        "invalid": Message("contract.type", "must be a whole number", "Write digits only, such as 1200"),
        "too_large": Message("contract.range", "must fit in 64 bits", "Declare the field as decimal or text"),
    }

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> int:  # noqa: ARG002
        number = self._whole(value)
        if not INT_MIN <= number <= INT_MAX:
            raise self.make_error("too_large")
        return number

    def _whole(self, value: Any) -> int:
        if isinstance(value, int) and not isinstance(value, bool):
            return int(value)
        if isinstance(value, str) and PLAIN_INT(value):
            return int(value)
        if isinstance(value, Decimal) and value.is_finite() and value.adjusted() < len(str(INT_MAX)):
            whole = int(value)
            if whole == value:
                return whole
        raise self.make_error("invalid")


class DecimalField(ContractField, fields.Decimal):
    """An exact decimal: a Decimal, a whole number or a text in plain notation; never a binary floating-point number.

    It is kept as written, ``12.50`` stays ``12.50``, but zeros beyond `places` are dropped and ``1E+3`` becomes 1000.
    `digits` bounds all its digits together, `whole` those before the point.
    """

    default_error_messages = {  # noqa: RUF012
        "invalid": Message(
            "contract.type", "must be a decimal number such as 1234.50", "Write digits and one point only"
        ),
        "float": Message(
            "contract.type",
            "must be an exact decimal, not a binary floating-point number",
            'Write the number as a text: "12.50"',
        ),
    }

    def __init__(self, digits: int | None = None, decimals: int | None = None, **kwargs: Any) -> None:
        super().__init__(as_string=True, **kwargs)
        self.digits = DIGITS_MAX if digits is None else digits
        self.decimals = self.digits if decimals is None else decimals
        self.whole = self.digits if decimals is None else self.digits - decimals
        self.error_messages["digits"] = Message(
            "contract.digits", self._bound(), "Round at the source, or widen the contract"
        )

    def _bound(self) -> str:
        if self.decimals == self.digits:
            return f"must have at most {self.digits} digits"
        return f"must have at most {self.whole} digits before the point and {self.decimals} after it"

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> Decimal:  # noqa: ARG002
        if isinstance(value, Decimal) and value.is_finite():
            return self._fitted(value)
        if isinstance(value, str) and PLAIN_DECIMAL(value):
            return self._fitted(Decimal(value))
        if isinstance(value, int) and not isinstance(value, bool) and abs(value) < 10 ** (DIGITS_MAX * 2):
            return self._fitted(Decimal(value))
        raise self.make_error("float" if isinstance(value, float) else "invalid")

    def _fitted(self, value: Decimal) -> Decimal:
        """`value` within the bounds, its exponent between -`decimals` and 0."""
        sign, digits, exponent = value.as_tuple()
        assert isinstance(exponent, int)  # finite
        if not any(digits):
            return value if -self.decimals <= exponent <= 0 else Decimal((sign, (0,), 0))
        if value.adjusted() >= self.whole:
            raise self.make_error("digits")
        if exponent > 0:
            return Decimal((sign, digits + (0,) * exponent, 0))
        while (exponent < -self.decimals or len(digits) > self.digits) and exponent < 0 and not digits[-1]:
            digits, exponent = digits[:-1], exponent + 1
        if exponent < -self.decimals or len(digits) > self.digits:
            raise self.make_error("digits")
        return Decimal((sign, digits, exponent))


class DateField(ContractField, fields.Date):
    """A calendar day: a date, or its ISO 8601 text."""

    default_error_messages = {  # noqa: RUF012
        "invalid": Message("contract.type", "must be a day of the calendar written as 2026-12-31", "Correct the date"),
    }

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> dt.date:  # noqa: ARG002
        if type(value) is dt.date:  # a datetime is a date too, but it says more than a day
            return value
        if isinstance(value, str) and PLAIN_DATE(value):
            try:
                return dt.date.fromisoformat(value)
            except ValueError as error:
                raise self.make_error("invalid") from error
        raise self.make_error("invalid")


class DateTimeField(ContractField, fields.AwareDateTime):
    """A moment: an aware datetime or its RFC 3339 text; kept in UTC."""

    default_error_messages = {  # noqa: RUF012
        "invalid": Message(
            "contract.type",
            "must be a moment with its offset from UTC, written as 2026-12-31T23:59:59Z",
            "Add Z or an offset such as +01:00, and at most six digits of seconds",
        ),
    }

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> dt.datetime:  # noqa: ARG002
        try:
            moment = dt.datetime.fromisoformat(value) if isinstance(value, str) and PLAIN_DATETIME(value) else value
            if not isinstance(moment, dt.datetime) or moment.utcoffset() is None:
                raise self.make_error("invalid")
            return moment if moment.tzinfo is dt.UTC else moment.astimezone(dt.UTC)
        except (ValueError, OverflowError) as error:
            raise self.make_error("invalid") from error


class TimeField(ContractField, fields.Time):
    """A time of day without an offset: a time, or its ISO 8601 text."""

    default_error_messages = {  # noqa: RUF012
        "invalid": Message("contract.type", "must be a time of day written as 23:59 or 23:59:59", "Correct the time"),
    }

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> dt.time:  # noqa: ARG002
        if isinstance(value, dt.time) and value.tzinfo is None:
            return value
        if isinstance(value, str) and PLAIN_TIME(value):
            try:
                return dt.time.fromisoformat(value)
            except ValueError as error:
                raise self.make_error("invalid") from error
        raise self.make_error("invalid")


class BoolField(ContractField, fields.Boolean):
    """True or false, and their JSON spelling as a text."""

    default_error_messages = {  # noqa: RUF012
        "invalid": Message("contract.type", "must be true or false", "Write true or false; map Y/N with a code table"),
    }

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> bool:  # noqa: ARG002
        if value is True or (isinstance(value, str) and value == "true"):
            return True
        if value is False or (isinstance(value, str) and value == "false"):
            return False
        raise self.make_error("invalid")


class ObjectField(ContractField, fields.Nested):
    """An object with fields of its own."""

    default_error_messages = {"type": NO_OBJECT}  # noqa: RUF012


class ListField(ContractField, fields.List[Any]):
    """A list of objects."""

    default_error_messages = {  # noqa: RUF012
        "invalid": Message("contract.type", "must be a list", "Write the elements in [ ]"),
    }
