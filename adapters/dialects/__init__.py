"""Quoting, casts, order, session and catalogue per database: one literal table, read top to bottom.

One module per database; :mod:`adapters.dialects.dialect` says what each member means.
"""

from __future__ import annotations

from adapters.dialects.dialect import Dialect, form, native_word
from adapters.dialects.mariadb import MARIADB
from adapters.dialects.postgresql import POSTGRESQL
from adapters.dialects.sqlite import SQLITE

__all__ = [
    "DIALECTS",
    "MARIADB",
    "PACKAGES",
    "POSTGRESQL",
    "SQLITE",
    "Dialect",
    "by_driver",
    "by_product",
    "form",
    "native_word",
]

DIALECTS: tuple[Dialect, ...] = (SQLITE, POSTGRESQL, MARIADB)

# Drivers that we have no dialect for yet, so that at least the package can be named.
PACKAGES: tuple[tuple[str, str], ...] = (
    *((word, dialect.package) for dialect in DIALECTS for word in dialect.drivers),
    ("mysql", "odbc-mariadb"),
    ("myodbc", "odbc-mariadb"),
    ("freetds", "tdsodbc"),
    ("tdsodbc", "tdsodbc"),
    ("mdb", "odbc-mdbtools"),
)


def by_driver(driver: str) -> Dialect | None:
    """The dialect that a driver's name or file speaks, if it can be told."""
    folded = driver.lower()
    return next((dialect for dialect in DIALECTS if any(word in folded for word in dialect.drivers)), None)


def by_product(product: str) -> Dialect | None:
    """The dialect of a database, by the name that it reports."""
    folded = product.lower()
    return next((d for d in DIALECTS if any(folded.startswith(name.lower()) for name in d.products)), None)
