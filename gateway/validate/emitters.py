"""How each field and check of a schema is written as straight-line Python: two tables, read by ``compiled``.

An emitter writes lines that turn the raw value in the local variable `v` into the loaded one, or leave the function
with ``return DECLINED``. It may decline whatever it likes; what it lets pass must be exactly what marshmallow makes of
it. Every exception declines too. A value is compared by its exact type: a subclass may behave in its own way, and
marshmallow knows that way.
"""

from __future__ import annotations

import datetime as dt
import uuid
from decimal import Decimal
from math import isfinite
from typing import TYPE_CHECKING, Any

from marshmallow import fields, missing, utils, validate

from gateway.validate import checks
from gateway.validate import fields as contract

if TYPE_CHECKING:
    from collections.abc import Callable

    from gateway.validate.source import Source

DECLINE = "return DECLINED"

NAMES: dict[str, Any] = {
    "MISSING": missing,
    "Decimal": Decimal,
    "UUID": uuid.UUID,
    "UTC": dt.UTC,
    "date": dt.date,
    "datetime": dt.datetime,
    "time": dt.time,
    "date_of": dt.date.fromisoformat,
    "datetime_of": dt.datetime.fromisoformat,
    "time_of": dt.time.fromisoformat,
    "isfinite": isfinite,
    "is_aware": utils.is_aware,
    "UNSTORABLE": contract.UNSTORABLE,
    "PLAIN_INT": contract.PLAIN_INT,
    "PLAIN_DECIMAL": contract.PLAIN_DECIMAL,
    "PLAIN_DATE": contract.PLAIN_DATE,
    "PLAIN_TIME": contract.PLAIN_TIME,
    "PLAIN_DATETIME": contract.PLAIN_DATETIME,
    "check_digit_holds": checks.check_digit_holds,
}


def decline_if(out: Source, condition: str) -> None:
    """Leave the fast way when `condition` holds."""
    with out.block(f"if {condition}:"):
        out.line(DECLINE)


# -- marshmallow's own fields -----------------------------------------------------------------------------------------


def _string(_: fields.Field[Any], v: str, out: Source) -> None:
    decline_if(out, f"type({v}) is not str")


def _integer(field: fields.Integer, v: str, out: Source) -> None:
    if field.strict:
        decline_if(out, f"type({v}) is not int")
        return
    with out.block(f"if type({v}) is not int:"):
        decline_if(out, f"type({v}) is not str and type({v}) is not float")
        out.line(f"{v} = int({v})")


def _float(field: fields.Float, v: str, out: Source) -> None:
    with out.block(f"if type({v}) is not float:"):
        decline_if(out, f"type({v}) is not str and type({v}) is not int")
        out.line(f"{v} = float({v})")
    if field.allow_nan is False:
        decline_if(out, f"not isfinite({v})")


def _decimal(field: fields.Decimal, v: str, out: Source) -> None:
    with out.block(f"if type({v}) is str:"):
        out.line(f"{v} = Decimal({v})")
    with out.block(f"elif type({v}) is int or type({v}) is float:"):
        out.line(f"{v} = Decimal(str({v}))")  # through the text, whose length Python limits
    with out.block(f"elif type({v}) is not Decimal:"):
        out.line(DECLINE)
    decline_if(out, f"not {v}.is_finite()")
    if field.places is not None:
        places, rounding = out.constant(field.places, "places"), out.constant(field.rounding, "rounding")
        out.line(f"{v} = {v}.quantize({places}, rounding={rounding})")
        decline_if(out, f"not {v}.is_finite()")


def _boolean(field: fields.Boolean, v: str, out: Source) -> None:
    decline_if(out, f"{v} is None or {v} is MISSING")
    if not field.truthy:
        out.line(f"{v} = bool({v})")
        return
    truthy, falsy = out.constant(field.truthy, "truthy"), out.constant(field.falsy, "falsy")
    with out.block(f"if {v} in {truthy}:"):
        out.line(f"{v} = True")
    with out.block(f"elif {v} in {falsy}:"):
        out.line(f"{v} = False")
    with out.block("else:"):
        out.line(DECLINE)


def _temporal(field: Any, v: str, out: Source) -> None:
    form = field.format or field.DEFAULT_FORMAT
    reader = field.DESERIALIZATION_FUNCS.get(form)
    with out.block(f"if type({v}) is not {field.OBJ_TYPE}:"):
        decline_if(out, f"type({v}) is not str and type({v}) is not int and type({v}) is not float")
        if reader is not None:
            out.line(f"{v} = {out.constant(reader, 'reader')}({v})")
        else:
            reader = out.constant(field._make_object_from_format, "reader")  # noqa: SLF001 -- what marshmallow calls
            out.line(f"{v} = {reader}({v}, {out.constant(form, 'format')})")


def _aware(field: fields.AwareDateTime, v: str, out: Source) -> None:
    _temporal(field, v, out)
    with out.block(f"if not is_aware({v}):"):
        if field.default_timezone is None:
            out.line(DECLINE)
        else:
            out.line(f"{v} = {v}.replace(tzinfo={out.constant(field.default_timezone, 'timezone')})")


def _naive(field: fields.NaiveDateTime, v: str, out: Source) -> None:
    _temporal(field, v, out)
    with out.block(f"if is_aware({v}):"):
        if field.timezone is None:
            out.line(DECLINE)
        else:
            out.line(f"{v} = {v}.astimezone({out.constant(field.timezone, 'timezone')}).replace(tzinfo=None)")


def _uuid(_: fields.UUID, v: str, out: Source) -> None:
    with out.block(f"if type({v}) is not UUID:"):
        decline_if(out, f"type({v}) is not str")
        out.line(f"{v} = UUID({v})")


def _raw(_: fields.Raw, v: str, out: Source) -> None:
    decline_if(out, f"{v} is None or {v} is MISSING")


# -- the fields of contracts: the usual spellings at once, the rest by the field itself -------------------------------


def _contract_text(_: fields.Field[Any], v: str, out: Source) -> None:
    decline_if(out, f"type({v}) is not str or not {v}.isprintable() and UNSTORABLE({v})")


def _contract_int(_: fields.Field[Any], v: str, out: Source) -> None:
    with out.block(f"if type({v}) is not int:"):
        decline_if(out, f"type({v}) is not str or not PLAIN_INT({v})")
        out.line(f"{v} = int({v})")
    decline_if(out, f"not {contract.INT_MIN} <= {v} <= {contract.INT_MAX}")


def _contract_decimal(field: contract.DecimalField, v: str, out: Source) -> None:
    with out.block(f"if type({v}) is str and PLAIN_DECIMAL({v}) or type({v}) is int and -1000000 < {v} < 1000000:"):
        out.line(f"{v} = Decimal({v})")
    with out.block(f"elif type({v}) is not Decimal:"):
        out.line(DECLINE)
    written, point = out.local("written"), out.local("point")
    bound = Decimal(10) ** field.whole
    out.line(f"{written} = str({v})")
    out.line(f"{point} = {written}.find('.')")
    # An exponent, too many places or digits: the field itself drops zeros or refuses.
    decline_if(
        out,
        f"not {out.constant(-bound, 'least')} < {v} < {out.constant(bound, 'most')} or 'E' in {written}"
        f" or {point} >= 0 and len({written}) - {point} > {field.decimals + 1}",
    )
    if field.whole + field.decimals > field.digits:
        decline_if(out, f"len({written}) > {field.digits}")


def _contract_date(_: fields.Field[Any], v: str, out: Source) -> None:
    with out.block(f"if type({v}) is not date:"):
        decline_if(out, f"type({v}) is not str or not PLAIN_DATE({v})")
        out.line(f"{v} = date_of({v})")


def _contract_datetime(_: fields.Field[Any], v: str, out: Source) -> None:
    with out.block(f"if type({v}) is not datetime:"):
        decline_if(out, f"type({v}) is not str or not PLAIN_DATETIME({v})")
        out.line(f"{v} = datetime_of({v})")
    with out.block(f"if {v}.tzinfo is not UTC:"):
        decline_if(out, f"{v}.utcoffset() is None")
        out.line(f"{v} = {v}.astimezone(UTC)")


def _contract_time(_: fields.Field[Any], v: str, out: Source) -> None:
    with out.block(f"if type({v}) is not time:"):
        decline_if(out, f"type({v}) is not str or not PLAIN_TIME({v})")
        out.line(f"{v} = time_of({v})")
    decline_if(out, f"{v}.tzinfo is not None")


def _contract_bool(_: fields.Field[Any], v: str, out: Source) -> None:
    decline_if(out, f"{v} is not True and {v} is not False")


SCALARS: dict[type, Callable[[Any, str, Source], None]] = {
    fields.String: _string,
    fields.Integer: _integer,
    fields.Float: _float,
    fields.Decimal: _decimal,
    fields.Boolean: _boolean,
    fields.DateTime: _temporal,
    fields.AwareDateTime: _aware,
    fields.NaiveDateTime: _naive,
    fields.Date: _temporal,
    fields.Time: _temporal,
    fields.UUID: _uuid,
    fields.Raw: _raw,
    contract.TextField: _contract_text,
    contract.IntField: _contract_int,
    contract.DecimalField: _contract_decimal,
    contract.DateField: _contract_date,
    contract.DateTimeField: _contract_datetime,
    contract.TimeField: _contract_time,
    contract.BoolField: _contract_bool,
}
LISTS: tuple[type, ...] = (fields.List, contract.ListField)
NESTED: tuple[type, ...] = (fields.Nested, contract.ObjectField)
NULL_IS_ABSENT: tuple[type, ...] = (contract.ContractField,)
"""Fields for which an optional null means absence; their class says so in its `deserialize`."""


# -- checks -----------------------------------------------------------------------------------------------------------


def _range(check: validate.Range, v: str, out: Source) -> None:
    if check.min is not None:
        decline_if(out, f"{v} {'<' if check.min_inclusive else '<='} {out.constant(check.min, 'min')}")
    if check.max is not None:
        decline_if(out, f"{v} {'>' if check.max_inclusive else '>='} {out.constant(check.max, 'max')}")


def _length(check: validate.Length, v: str, out: Source) -> None:
    if check.equal is not None:
        decline_if(out, f"len({v}) != {out.constant(check.equal, 'equal')}")
        return
    if check.min is not None:
        decline_if(out, f"len({v}) < {out.constant(check.min, 'min')}")
    if check.max is not None:
        decline_if(out, f"len({v}) > {out.constant(check.max, 'max')}")


def _one_of(check: validate.OneOf, v: str, out: Source) -> None:
    decline_if(out, f"{v} not in {out.constant(check.choices, 'choices')}")


def _regexp(check: validate.Regexp, v: str, out: Source) -> None:
    decline_if(out, f"{out.constant(check.regex.match, 'match')}({v}) is None")


def _pattern(check: checks.Pattern, v: str, out: Source) -> None:
    decline_if(out, f"{out.constant(check.regex.fullmatch, 'fullmatch')}({v}) is None")


def _known_code(check: checks.KnownCode, v: str, out: Source) -> None:
    decline_if(out, f"{v} not in {out.constant(check.codes, 'codes')}")


def _check_digit(check: checks.CheckDigit, v: str, out: Source) -> None:
    lengths = out.constant(check.lengths, "lengths")
    decline_if(
        out, f"len({v}) not in {lengths} or not {v}.isascii() or not {v}.isdigit() or not check_digit_holds({v})"
    )


def _any_check(check: Any, v: str, out: Source) -> None:
    out.line(f"{out.constant(check, 'check')}({v})")


CHECKS: dict[type, Callable[[Any, str, Source], None]] = {
    validate.Range: _range,
    validate.Length: _length,
    validate.OneOf: _one_of,
    validate.Regexp: _regexp,
    checks.Range: _range,
    checks.Length: _length,
    checks.Pattern: _pattern,
    checks.KnownCode: _known_code,
    checks.CheckDigit: _check_digit,
}


def emit_checks(field: fields.Field[Any], v: str, out: Source) -> None:
    """Write the checks of `field`; one that no table knows is called."""
    for check in field.validators:
        CHECKS.get(type(check), _any_check)(check, v, out)
