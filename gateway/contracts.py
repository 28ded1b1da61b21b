"""Contracts as frozen data: the type of a record, its fields, rules and key.

The notation of a field (``text 1..22``, ``decimal(12,4) >= 0``, ``date?``, ``code units, filter``) is read by
``gateway.workspace``; the marshmallow schema is built from these classes by ``gateway.validate``.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator
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
    """How long its records are kept after their last change, as written: ``7y``; None: for ever."""
    keep_personal: str | None = None
    """How long the values of fields marked ``pii`` are kept after the change that brought them."""
    deprecated: date | None = None
    """Since when a newer version ought to be used, in UTC; None: nothing is said of that."""
    sunset: date | None = None
    """From when on it may no longer be served."""
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

    def personal(self) -> Iterator[tuple[str, ...]]:
        """The fields marked ``pii``, as the names that lead to them from the record: ``("ship_to", "city")``."""
        yield from personal_of(self.fields)


def personal_of(fields: tuple[Field, ...]) -> Iterator[tuple[str, ...]]:
    """The paths of the fields marked ``pii`` among these and below them."""
    for field in fields:
        if field.pii:
            yield (field.name,)
        for inner in personal_of(field.fields):
            yield (field.name, *inner)


def outlasts(age: str, other: str) -> bool:
    """Whether one age is more than the other, counted from a day that has both behind it."""
    day = datetime(2400, 1, 1, tzinfo=UTC)
    return kept_since(age, day) < kept_since(other, day)


def kept_since(age: str, now: datetime) -> datetime:
    """The moment before which what is kept for `age` is over: 90 days ago for ``90d``, this day in 2019 for ``7y``."""
    count, unit = int(age[:-1]), age[-1]
    try:
        if unit == "d":
            return now - timedelta(days=count)
        if now.month == 2 and now.day == 29:  # of a year that has no such day, the last of February
            now = now.replace(day=28)
        return now.replace(year=now.year - count)
    except (OverflowError, ValueError):  # before all times
        return datetime.min.replace(tzinfo=UTC)
