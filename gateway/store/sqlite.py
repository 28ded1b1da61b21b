"""The one SQLite library of this process.

Two copies of the library in one process must not open the same file: closing one's descriptor drops the other's locks
(POSIX advisory locks belong to the process). So everything of the store that speaks SQLite takes it from here. The
library that comes with pysqlite3 is newer than that of most systems and has the WAL-reset defect mended (3.51.3).
"""

from __future__ import annotations

import importlib
from decimal import Decimal
from typing import Any


def library() -> Any:
    """The DB-API module: pysqlite3 where it is installed, else Python's own."""
    try:
        module = importlib.import_module("pysqlite3.dbapi2")
    except ImportError:
        module = importlib.import_module("sqlite3.dbapi2")
    module.register_adapter(Decimal, str)  # a column with NUMERIC affinity makes a number of it
    return module
