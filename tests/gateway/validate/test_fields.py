"""What the fields of contracts take and refuse, by marshmallow and by the generated function alike."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from typing import Any

import pytest
from marshmallow import ValidationError, fields

from gateway.validate.fields import (
    BoolField,
    DateField,
    DateTimeField,
    DecimalField,
    IntField,
    TextField,
    TimeField,
)
from gateway.validate.messages import Message

EAST = dt.timezone(dt.timedelta(hours=2))
MOMENT = dt.datetime(2026, 1, 2, 3, 4, 5, tzinfo=dt.UTC)


@pytest.mark.parametrize(
    ("field", "given", "loaded"),
    [
        pytest.param(TextField(), "", "", id="an empty text is a text"),
        pytest.param(TextField(), "a\nb\tc", "a\nb\tc", id="line breaks"),
        pytest.param(IntField(), 12, 12, id="int"),
        pytest.param(IntField(), "0012", 12, id="digits"),
        pytest.param(IntField(), Decimal("12.00"), 12, id="a whole Decimal, as ODBC gives"),
        pytest.param(IntField(), -(2**63), -(2**63), id="least"),
        pytest.param(DecimalField(), "12.50", Decimal("12.50"), id="as written"),
        pytest.param(DecimalField(), Decimal("12.50"), Decimal("12.50"), id="Decimal"),
        pytest.param(DecimalField(), 12, Decimal(12), id="int for a decimal"),
        pytest.param(DecimalField(), Decimal("1E+3"), Decimal(1000), id="an exponent is written out"),
        pytest.param(DecimalField(), "9" * 38, Decimal("9" * 38), id="38 digits"),
        pytest.param(DecimalField(), "1." + "0" * 60, Decimal("1." + "0" * 37), id="sixty zeros"),
        pytest.param(DecimalField(12, 4), "12345678.12340000", Decimal("12345678.1234"), id="zeros beyond the places"),
        pytest.param(DecimalField(12, 4), "-0.0001", Decimal("-0.0001"), id="small"),
        pytest.param(DecimalField(4, 4), "0.1234", Decimal("0.1234"), id="fractions only"),
        pytest.param(DecimalField(4, 4), "0", Decimal(0), id="zero is a fraction"),
        pytest.param(DecimalField(3), "12.5", Decimal("12.5"), id="three digits, one of them after the point"),
        pytest.param(DateField(), "2024-02-29", dt.date(2024, 2, 29), id="leap day"),
        pytest.param(DateField(), dt.date(2024, 2, 29), dt.date(2024, 2, 29), id="date"),
        pytest.param(DateTimeField(), "2026-01-02T03:04:05Z", MOMENT, id="Z"),
        pytest.param(DateTimeField(), "2026-01-02T05:04:05+02:00", MOMENT, id="offset"),
        pytest.param(DateTimeField(), MOMENT.astimezone(EAST), MOMENT, id="aware datetime"),
        pytest.param(TimeField(), "03:04", dt.time(3, 4), id="minutes"),
        pytest.param(TimeField(), "03:04:05.5", dt.time(3, 4, 5, 500_000), id="fraction"),
        pytest.param(BoolField(), "true", True, id="JSON's spelling"),
        pytest.param(BoolField(), False, False, id="false"),
    ],
)
def test_it_takes(field: fields.Field[Any], given: Any, loaded: Any) -> None:
    value = field.deserialize(given)

    assert (type(value), str(value)) == (type(loaded), str(loaded))


@pytest.mark.parametrize(
    ("field", "given", "code"),
    [
        pytest.param(TextField(), 12, "contract.type", id="a number is no text"),
        pytest.param(TextField(), b"abc", "contract.type", id="bytes"),
        pytest.param(TextField(), "a\0b", "contract.type", id="NUL"),
        pytest.param(TextField(), "\udc80", "contract.type", id="half a surrogate pair"),
        pytest.param(IntField(), True, "contract.type", id="true is no number"),
        pytest.param(IntField(), 1.0, "contract.type", id="float"),
        pytest.param(IntField(), "1.0", "contract.type", id="a point"),
        pytest.param(IntField(), "1_000", "contract.type", id="underscore"),
        pytest.param(IntField(), "١٢", "contract.type", id="digits of another script"),
        pytest.param(IntField(), " 12", "contract.type", id="blank"),
        pytest.param(IntField(), Decimal("12.5"), "contract.type", id="a part of one"),
        pytest.param(IntField(), Decimal("NaN"), "contract.type", id="NaN"),
        pytest.param(IntField(), 2**63, "contract.range", id="65 bits"),
        pytest.param(IntField(), "9" * 30, "contract.range", id="thirty digits"),
        pytest.param(IntField(), "9" * 5000, "contract.type", id="more digits than Python reads"),
        pytest.param(DecimalField(), 12.5, "contract.type", id="a float has lost its digits"),
        pytest.param(DecimalField(), "NaN", "contract.type", id="NaN as text"),
        pytest.param(DecimalField(), Decimal("Infinity"), "contract.type", id="Infinity"),
        pytest.param(DecimalField(), "1e9", "contract.type", id="exponent"),
        pytest.param(DecimalField(), "1_000.00", "contract.type", id="grouped"),
        pytest.param(DecimalField(), "12,50", "contract.type", id="comma"),
        pytest.param(DecimalField(), ".5", "contract.type", id="no digit before the point"),
        pytest.param(DecimalField(), "12.5O", "contract.type", id="a letter"),
        pytest.param(DecimalField(), False, "contract.type", id="false is no decimal"),
        pytest.param(DecimalField(), "9" * 39, "contract.digits", id="39 digits"),
        pytest.param(DecimalField(), Decimal("1E+999999"), "contract.digits", id="a million digits in nine bytes"),
        pytest.param(DecimalField(), Decimal("1E-999999"), "contract.digits", id="a million zeros in nine bytes"),
        pytest.param(DecimalField(), "1." + "0" * 40 + "1", "contract.digits", id="too exact"),
        pytest.param(DecimalField(12, 4), "123456789", "contract.digits", id="nine before the point"),
        pytest.param(DecimalField(12, 4), "0.00001", "contract.digits", id="five after the point"),
        pytest.param(DecimalField(3), "12.25", "contract.digits", id="four of three"),
        pytest.param(DateField(), "2026-02-29", "contract.type", id="no leap year"),
        pytest.param(DateField(), "20260102", "contract.type", id="basic format"),
        pytest.param(DateField(), "2026-W05-3", "contract.type", id="week date"),
        pytest.param(DateField(), MOMENT, "contract.type", id="a datetime says more than a day"),
        pytest.param(DateTimeField(), "2026-01-02T03:04:05", "contract.type", id="no offset"),
        pytest.param(DateTimeField(), MOMENT.replace(tzinfo=None), "contract.type", id="naive"),
        pytest.param(DateTimeField(), "2026-01-02", "contract.type", id="a day is no moment"),
        pytest.param(DateTimeField(), "2026-01-02T03:04:05.1234567Z", "contract.type", id="seven digits"),
        pytest.param(DateTimeField(), "2026-01-02T03:04:60Z", "contract.type", id="leap second"),
        pytest.param(DateTimeField(), "0001-01-01T00:00:00+01:00", "contract.type", id="before the first year"),
        pytest.param(DateTimeField(), dt.date(2026, 1, 2), "contract.type", id="date for a moment"),
        pytest.param(TimeField(), "24:00", "contract.type", id="hour 24"),
        pytest.param(TimeField(), "03", "contract.type", id="an hour only"),
        pytest.param(TimeField(), dt.time(3, tzinfo=dt.UTC), "contract.type", id="with an offset"),
        pytest.param(BoolField(), 1, "contract.type", id="one is not true"),
        pytest.param(BoolField(), "yes", "contract.type", id="yes is not true"),
        pytest.param(BoolField(required=True), None, "contract.required", id="null"),
    ],
)
def test_it_refuses(field: fields.Field[Any], given: Any, code: str) -> None:
    with pytest.raises(ValidationError) as refusal:
        field.deserialize(given)

    (message,) = refusal.value.messages
    assert isinstance(message, Message)
    assert message.code == code
    assert message.remedy
