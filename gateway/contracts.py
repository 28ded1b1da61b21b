"""Contracts as frozen data: the type of a record, its fields, rules and key.

The notation of a field (``text 1..22``, ``decimal(12,4) >= 0``, ``date?``, ``code units, filter``) is read by
``gateway.workspace``; the marshmallow schema is built from these classes by ``gateway.validate``.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from decimal import Decimal

    from gateway.integrations import Expression, Place

SCALARS = ("text", "int", "decimal", "date", "datetime", "time", "bool", "code", "gln", "gtin")


@dataclass(frozen=True, slots=True)
class Field:
    """One field of a record.

    `type` is one of :data:`SCALARS`, ``object`` or ``list`` (of objects: `fields` describes one element).
    `low` and `high` bound the length of a text, the value of a number or the count of a list, both inclusive unless
    `above`/`below` (exclusive) are set instead. `codes` names the code table of a ``code``; ``ISO-4217`` and the other
    built-in ones are spelt in capitals.
    """

    name: str
    type: str
    required: bool = True
    low: Decimal | None = None
    high: Decimal | None = None
    above: Decimal | None = None
    below: Decimal | None = None
    digits: int | None = None
    places: int | None = None
    pattern: str | None = None
    codes: str | None = None
    filterable: bool = False
    sortable: bool = False
    pii: bool = False
    fields: tuple[Field, ...] = ()
    place: Place | None = None


@dataclass(frozen=True, slots=True)
class Rule:
    """A rule over a whole record in the mapping language, with the sentence that is told when it does not hold."""

    expression: Expression
    message: str


@dataclass(frozen=True, slots=True)
class Contract:
    """The type of a record. `key` names the key fields in order; `per_partner` makes the partner part of it."""

    name: str
    version: int
    about: str
    owner: str
    key: tuple[str, ...]
    fields: tuple[Field, ...]
    per_partner: bool = False
    collection: str = ""
    rules: tuple[Rule, ...] = ()
    keep: str | None = None
    place: Place | None = None

    @property
    def id(self) -> str:
        """``order.v1``: how a contract's version is called in the store, in events and in findings."""
        return f"{self.name}.v{self.version}"

    def columns(self) -> tuple[Field, ...]:
        """The top-level scalar fields that have a typed, indexed column: key fields, filterable and sortable ones."""
        return tuple(
            field
            for field in self.fields
            if field.type not in ("object", "list") and (field.name in self.key or field.filterable or field.sortable)
        )
