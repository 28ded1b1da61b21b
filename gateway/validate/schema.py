"""A contract as a marshmallow schema: one class for each version, fields in its order, unknown ones refused."""

from __future__ import annotations

import re
from dataclasses import replace
from decimal import Decimal
from math import ceil, floor
from typing import TYPE_CHECKING, Any

from marshmallow import RAISE, Schema

from gateway.errors import Stop
from gateway.validate.checks import CheckDigit, KnownCode, Length, Pattern, Range
from gateway.validate.fields import (
    BoolField,
    ContractField,
    DateField,
    DateTimeField,
    DecimalField,
    IntField,
    ListField,
    ObjectField,
    TextField,
    TimeField,
)
from gateway.validate.messages import NO_OBJECT, UNKNOWN_FIELD

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from gateway.configuration import CodeTable
    from gateway.contracts import Contract, Field


class ContractSchema(Schema):
    """What the schemas of all contracts share."""

    error_messages = {"unknown": UNKNOWN_FIELD, "type": NO_OBJECT}  # noqa: RUF012 -- marshmallow merges it as declared

    class Meta(Schema.Meta):
        """Unknown fields are refused: a misspelt name must not lose a value."""

        unknown = RAISE


def contract_schema(contract: Contract, codes: Mapping[str, CodeTable] | None) -> Schema:
    """The schema of `contract`; with `codes` None, as documents want it, any text is a code.

    A field's flags are its metadata: ``contract_type``, ``codes``, ``pii``, ``filterable``, ``sortable``.

    Raises:
        Stop: the contract names a code table that `codes` lacks, a pattern that is none or a key field that is none.
    """
    required = {field.name for field in contract.fields if field.required and field.type not in ("object", "list")}
    for name in contract.key:
        if name not in required:
            raise Stop(
                f"{contract.id}: the key names {name!r}, which is no required field of text, number or date",
                "Name a required field of the contract's first level",
            )
    members = tuple(_as_key(field) if field.name in contract.key else field for field in contract.fields)
    return _class(contract.id, members, _Builder(contract, codes))()


def _as_key(field: Field) -> Field:
    """A key field has a typed column, and an empty text would name nothing."""
    low = max(field.low or Decimal(1), Decimal(1)) if field.type == "text" else field.low
    return replace(field, low=low, filterable=True, sortable=True)


def _class(name: str, members: tuple[Field, ...], builder: _Builder) -> type[Schema]:
    return ContractSchema.from_dict({field.name: builder.field(field) for field in members}, name=name)


class _Builder:
    """Makes the fields of one contract, so that every refusal can name it."""

    def __init__(self, contract: Contract, codes: Mapping[str, CodeTable] | None) -> None:
        self.contract = contract
        self.codes = codes

    def field(self, field: Field) -> ContractField:
        metadata = {
            "contract_type": field.type,
            "codes": field.codes,
            "pii": field.pii,
            "filterable": field.filterable,
            "sortable": field.sortable,
        }
        return BUILD[field.type](self, field, {"required": field.required, "metadata": metadata})

    def text(self, field: Field, options: dict[str, Any]) -> ContractField:
        low, high = _counts(field)
        checks: list[Any] = [Length(low, high, "character")] if (low, high) != (None, None) else []
        if field.pattern is not None:
            checks.append(self.pattern(field.name, field.pattern))
        return TextField(validate=checks, **options)

    def pattern(self, name: str, pattern: str) -> Pattern:
        try:
            return Pattern(pattern)
        except re.error as error:
            raise Stop(
                f"{self.contract.id}: the pattern /{pattern}/ of {name} is no regular expression: {error}",
                "Correct the pattern in the contract",
            ) from error

    def code(self, field: Field, options: dict[str, Any]) -> ContractField:
        if self.codes is None or field.codes is None:
            return TextField(**options)
        if field.codes not in self.codes:
            raise Stop(
                f"{self.contract.id}: {field.name} wants the code table {field.codes}, which is not there",
                f"Add codes/{field.codes}.csv or correct the name",
            )
        return TextField(validate=[KnownCode(field.codes, self.codes[field.codes].codes)], **options)

    def list(self, field: Field, options: dict[str, Any]) -> ContractField:
        low, high = _counts(field)
        element = ObjectField(_class(field.name, field.fields, self), required=True)
        checks = [Length(low, high, "element")] if (low, high) != (None, None) else []
        return ListField(element, validate=checks, **options)

    def object(self, field: Field, options: dict[str, Any]) -> ContractField:
        return ObjectField(_class(field.name, field.fields, self), **options)


def _counts(field: Field) -> tuple[int | None, int | None]:
    """The inclusive bounds of a length."""
    low = int(field.above) + 1 if field.above is not None else None if field.low is None else int(field.low)
    high = int(field.below) - 1 if field.below is not None else None if field.high is None else int(field.high)
    return low, high


def _range(field: Field) -> list[Range]:
    low: Decimal | int | None = field.low if field.above is None else field.above
    high: Decimal | int | None = field.high if field.below is None else field.below
    if low is None and high is None:
        return []
    if field.type == "int":  # whole bounds, which compare more quickly, let the same whole numbers pass
        low = None if low is None else floor(low) if field.above is not None else ceil(low)
        high = None if high is None else ceil(high) if field.below is not None else floor(high)
    return [Range(low, high, min_inclusive=field.above is None, max_inclusive=field.below is None)]


def _int(_: _Builder, field: Field, options: dict[str, Any]) -> ContractField:
    return IntField(validate=_range(field), **options)


def _decimal(_: _Builder, field: Field, options: dict[str, Any]) -> ContractField:
    return DecimalField(field.digits, field.places, validate=_range(field), **options)


BUILD: dict[str, Callable[[_Builder, Field, dict[str, Any]], ContractField]] = {
    "text": _Builder.text,
    "int": _int,
    "decimal": _decimal,
    "date": lambda _, __, options: DateField(**options),
    "datetime": lambda _, __, options: DateTimeField(**options),
    "time": lambda _, __, options: TimeField(**options),
    "bool": lambda _, __, options: BoolField(**options),
    "code": _Builder.code,
    "gln": lambda _, __, options: TextField(validate=CheckDigit("GLN", (13,)), **options),
    "gtin": lambda _, __, options: TextField(validate=CheckDigit("GTIN", (8, 12, 13, 14)), **options),
    "object": _Builder.object,
    "list": _Builder.list,
}
