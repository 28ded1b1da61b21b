"""Quoting, casts, order, session and catalogue per database: one literal table, read top to bottom.

One module per database; :mod:`adapters.dialects.dialect` says what each member means.
"""

from __future__ import annotations

from adapters.dialects.access import ACCESS
from adapters.dialects.db2 import DB2, DB2I
from adapters.dialects.dialect import Dialect, form, native_word
from adapters.dialects.firebird import FIREBIRD
from adapters.dialects.informix import INFORMIX
from adapters.dialects.mariadb import MARIADB, MYSQL
from adapters.dialects.oracle import ORACLE
from adapters.dialects.postgresql import POSTGRESQL
from adapters.dialects.sqlite import SQLITE
from adapters.dialects.sqlserver import SQLSERVER
from adapters.dialects.sybase import SYBASE

__all__ = [
    "ACCESS",
    "DB2",
    "DB2I",
    "DIALECTS",
    "FIREBIRD",
    "INFORMIX",
    "MARIADB",
    "MYSQL",
    "ORACLE",
    "PACKAGES",
    "POSTGRESQL",
    "SQLITE",
    "SQLSERVER",
    "SYBASE",
    "Dialect",
    "by_driver",
    "by_product",
    "form",
    "native_word",
]

DIALECTS: tuple[Dialect, ...] = (
    SQLITE,
    POSTGRESQL,
    MARIADB,
    MYSQL,
    SQLSERVER,
    ORACLE,
    DB2I,  # before DB2, which its product's name begins with too
    DB2,
    SYBASE,
    INFORMIX,
    FIREBIRD,
    ACCESS,
)

# What to install, by a word of the driver's name.
PACKAGES: tuple[tuple[str, str], ...] = (
    *((word, dialect.package) for dialect in DIALECTS for word in dialect.drivers),
    ("tds", "tdsodbc"),
)


def by_driver(driver: str) -> Dialect | None:
    """The dialect that a driver's name or file speaks, if it can be told."""
    folded = driver.lower()
    return next((dialect for dialect in DIALECTS if any(word in folded for word in dialect.drivers)), None)


def by_product(product: str) -> Dialect | None:
    """The dialect of a database, by the name that it reports."""
    folded = product.lower()
    return next((d for d in DIALECTS if any(folded.startswith(name.lower()) for name in d.products)), None)
