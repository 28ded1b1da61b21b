"""`queries:` of connections.yaml: hand-written SELECTs, read by the parser that decides what is sent of them.

    queries:
      turnover:
        key: KDNR
        select: |
          SELECT KDNR, SUM(WERT) AS WERT FROM AUFTRAG GROUP BY KDNR

What is refused is shown where it stands in the file. What only the database knows, the columns, is looked at when the
query is first asked.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import adapters.errors
from adapters.connections import parsed, value_of
from adapters.dialects import by_driver
from adapters.queries import BadQuery, rewritten
from gateway.configuration import Query, placed
from gateway.workspace.nodes import Mapping, Scalar
from gateway.workspace.sections import read_section
from gateway.workspace.tables import QUERY
from gateway.workspace.values import read_name, scalar

if TYPE_CHECKING:
    from gateway.workspace.nodes import Node
    from gateway.workspace.sections import Section


def read_queries(section: Section) -> tuple[Query, ...] | None:
    """The queries of a connection; None when one of them is refused (then it is noted)."""
    mapping: Mapping | None = section.get("queries")
    if mapping is None:
        return ()
    if section.mapping.get("dialect") is not None and not section.get("dialect"):
        return None  # it is wrong, which is noted
    dialect = _dialect(section)
    if dialect is None:
        section.mapping.key("queries").refuse(
            "what these queries mean cannot be told: the driver's name does not say which SQL it is",
            "add a line to the connection, such as: dialect: sqlserver",
        )
        return None
    queries = [_read(key, node, dialect) for key, node in mapping.entries]
    return None if None in queries else tuple(each for each in queries if each)


def _dialect(section: Section) -> str | None:
    """The SQL that the connection speaks, as far as it can be told without asking the server."""
    declared: str | None = section.get("dialect")
    if declared or not section.get("url"):
        return declared
    try:
        found = by_driver(value_of(parsed(placed(section.get("url"), "/")), "driver"))
    except adapters.errors.Stop:
        return None
    return found.name if found else None


def _read(key: Scalar, node: Node, dialect: str) -> Query | None:
    name = read_name(key)
    columns: tuple[str, ...] = ()
    select: Scalar | None
    if isinstance(node, Mapping):
        within = read_section(node, QUERY, f"the query {key.value!r}")
        select, columns = (within.text("select") if within.get("select") else None), within.get("key", ())
        if not within.whole:
            return None
    else:
        select = scalar(node)
    if name is None or select is None or not _may_be_asked(name, select, dialect):
        return None
    return Query(name, select.value, columns)


def _may_be_asked(name: str, select: Scalar, dialect: str) -> bool:
    try:
        rewritten(select.value, dialect)
    except BadQuery as refused:
        message = refused.message.replace("the query ", f"the query {name!r} ", 1)
        remedy = refused.remedy[:1].lower() + refused.remedy[1:]
        if refused.at is None:
            select.refuse(message, remedy)
        else:
            select.refuse_part(refused.at, refused.length, message, remedy)
        return False
    return True
