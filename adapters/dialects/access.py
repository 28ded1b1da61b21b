"""Microsoft Access through the ODBC driver of MDBTools, which is no more than a way to scan (:mod:`adapters.scan`)."""

from __future__ import annotations

from adapters.dialects.dialect import Dialect

ACCESS = Dialect(
    name="access",
    products=("MDBTOOLS", "ACCESS"),
    drivers=("mdb",),
    package="odbc-mdbtools",
    quotes="",
    nulls_low=True,
    row_values=False,
    server_timeout=False,
    # The driver knows neither CAST nor parameters nor ORDER BY.
    page="SELECT {what} FROM {rest}",
    schemas=False,
    scan=True,
    text={"*": "{c}"},
    bind={},
    contains="",
    startswith="",
    # The driver opens the file to read it and has no statement that writes.
    session=(),
    proof=("", ""),
    types={},
    tables="",
    columns="",
)
