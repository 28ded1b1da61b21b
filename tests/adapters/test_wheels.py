"""The drivers of SQL Server and Db2 that come as wheels: loaded by path; a server that is not there is said in time.

Neither is among our requirements: they are their makers', and large. ``pip install mssql-python-odbc`` or ``ibm_db``.
"""

from __future__ import annotations

import importlib.util
import time
from pathlib import Path

import pytest

from adapters.dialects import by_driver
from adapters.errors import Retry
from adapters.odbc import OdbcSource
from tests.servers import free_port

# Dialect: the package, where its library lies beside it, and how a server is named.
WHEELS = {
    "sqlserver": ("mssql_python_odbc", "libs/linux/debian_ubuntu/*/lib/libmsodbcsql-*.so.*", "Server=127.0.0.1,{port}"),
    "db2": ("ibm_db", "clidriver/lib/libdb2.so", "Hostname=127.0.0.1;Port={port};Database=ERP"),
}
SECONDS = 3


def library(package: str, pattern: str) -> Path | None:
    """The driver's library, if its wheel is installed; ibm_db is a module beside its folder."""
    spec = importlib.util.find_spec(package)
    if spec is None or spec.origin is None:
        return None
    return next(iter(sorted(Path(spec.origin).parent.glob(pattern))), None)


@pytest.mark.parametrize("dialect", WHEELS)
def test_a_driver_from_a_wheel_loads_and_says_in_time_that_nobody_answers(dialect: str) -> None:
    package, pattern, address = WHEELS[dialect]
    path = library(package, pattern)
    if path is None:
        pytest.skip(f"the wheel of {package} is not installed")
    known = by_driver(str(path))
    assert known is not None
    assert known.name == dialect
    text = f"Driver={path};{address.format(port=free_port())};Uid=reader;Pwd=s3cr3t-word"
    source = OdbcSource(text, options={"connect_timeout_seconds": str(SECONDS)})
    before = time.monotonic()
    with pytest.raises(Retry) as refused:
        source.probe()
    # The caller is let go a second after the time-out, whatever the driver does; the rest is for a busy machine.
    assert time.monotonic() - before < SECONDS + 10
    assert "s3cr3t-word" not in str(refused.value)
    assert refused.value.delay_seconds > 0
    source.close()
