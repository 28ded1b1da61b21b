"""How a database does what it is asked."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import event

if TYPE_CHECKING:
    from collections.abc import Callable

    from sqlalchemy import Connection

    from gateway.store.database import Database


def plans(database: Database, act: Callable[[Connection], object]) -> str:
    """How the database does what `act` asks, as it says itself."""
    with database.read() as connection:
        return plans_of(connection, act)


def plans_of(connection: Connection, act: Callable[[Connection], object]) -> str:
    """The same over a connection that is there."""
    sent: list[tuple[str, Any]] = []

    def keep(_c: Any, _cursor: Any, statement: str, values: Any, _context: Any, _many: Any) -> None:
        sent.append((statement, values))

    event.listen(connection, "before_cursor_execute", keep)
    act(connection)
    event.remove(connection, "before_cursor_execute", keep)
    explain = "EXPLAIN QUERY PLAN " if connection.dialect.name == "sqlite" else "EXPLAIN "
    said = [connection.exec_driver_sql(explain + statement, values).all() for statement, values in sent]
    return "\n".join(str(line) for lines in said for line in lines)
