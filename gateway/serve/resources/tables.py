"""Legacy tables as they are, read live and never written: the grammar of the records' lists over the columns."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from datetime import timedelta
from functools import lru_cache
from math import ceil
from typing import TYPE_CHECKING, Any

from flask import Response, request

from adapters.errors import AdapterError, Reject, Retry
from adapters.jsonrows import encoded
from adapters.jsonrows import said as said_row
from adapters.model import Filter, Selection, Sort
from gateway.errors import GatewayError
from gateway.serve import cursors, filters, tablemasks
from gateway.serve.answers import JSON, listed, not_modified, parts_of, said, tagged
from gateway.serve.masks import MASKED
from gateway.serve.operations import Operation
from gateway.serve.problems import PROBLEMS, Flaw, Problem, nearest
from gateway.serve.shapes import ANY_OBJECT, FLAG, TEXT, Shape, many, maybe, named, page, thing
from gateway.serve.tablemasks import WHOLE, TableView

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from typing import TypeVar

    from adapters.live import Live
    from adapters.model import Table
    from adapters.protocol import Source
    from gateway.serve.filters import Asked
    from gateway.serve.operations import Call
    from gateway.serve.services import Services

    Got = TypeVar("Got")

SHAPES: dict[str, Shape] = {
    "Connection": thing(
        "A legacy database and the tables that its login sees. When it does not answer, message says why.",
        connection=TEXT,
        available=FLAG,
        tables=many(TEXT),
        message=maybe(TEXT),
    ),
    "Connections": page(named("Connection"), "The connections that can be read live."),
    "Row": ANY_OBJECT
    | {
        "description": "A row, column by column: whole numbers, true and false, null; decimals, dates and moments as "
        "texts, bytes as base64. A value that is none of its column's type is the text that the database shows. "
        "Columns that an integration maps into personal data are null where the key may not see it, and named in "
        "_masked."
    },
    "Rows": page(named("Row"), "Rows as they are now."),
}

TOLD = "gateway.told"
"""Where the hot lane leaves the problem that it met: the plain one says it, and does not ask the source again."""

_LIST_SECONDS = 5.0
"""How long the list of all connections waits for the slowest."""

_CODES = {"unknown_column": "unknown_field", "bad_key": "unknown_row", "bad_operator": "unknown_operator"}
"""What an adapter calls a refusal, in the words of the API where they differ."""


def operations() -> tuple[Operation, ...]:
    """The operations of live tables."""
    path, scope = "/api/v1/tables", "tables.{connection}:read"
    return (
        Operation(
            "list_tables",
            "GET",
            path,
            "tables",
            "List the legacy tables that can be read live",
            tables_list,
            partly="tables:read",
            answers={200: "Connections"},
        ),
        Operation(
            "list_rows",
            "GET",
            f"{path}/{{connection}}/{{table}}",
            "tables",
            "Rows of a legacy table, filtered and sorted",
            rows_list,
            scope=scope,
            free_query=True,
            answers={200: "Rows"},
        ),
        Operation(
            "get_row",
            "GET",
            f"{path}/{{connection}}/{{table}}/{{key}}",
            "tables",
            "One row of a legacy table",
            one_row,
            scope=scope,
            answers={200: "Row"},
        ),
    )


def tables_list(call: Call) -> Response:
    """``GET /api/v1/tables``: one connection that does not answer does not hide the others.

    A caller sees the connections that its scopes cover: ``tables:read`` all, ``tables.erp:read`` that one.
    """
    sources = readable(call)
    if not sources:
        call.caller.needs("tables:read")
    # All at once, and not waited for longer than that: a slow one is listed without its tables.
    questions = {name: source.live.tables for name, source in sorted(sources.items())}
    asked = call.shared.asking.all(questions, seconds=_LIST_SECONDS)
    items = []
    for name, future in asked.items():
        tables: list[str] = []
        message = None if future.done() else f"no answer within {_LIST_SECONDS:g} seconds"
        if future.done():
            try:
                tables = list(future.result().value)
            except AdapterError as error:
                message = error.message
        items.append({"connection": name, "available": message is None, "tables": tables, "message": message})
    return listed([said(item) for item in items], cursor=None, as_of={"time": call.services.now()})


def rows_list(call: Call, connection: str, table: str) -> Response:
    """``GET /api/v1/tables/erp/customers?region=EU&sort=-name&limit=100``."""
    told: Problem | None = request.environ.get(TOLD)
    if told is not None:
        raise told
    live, view = _live(call, connection), view_of(call, connection, table)
    given = tuple(request.args.items(multi=True))
    key = lambda: _declared_key(call, connection, table)  # noqa: E731 - it is asked for where there is no other
    rows = rows_of(call.services, live, connection, table, given, key, view)
    tablemasks.on_record(call, view, f"{connection}/{table}", rows.here, rows.columns)
    return listed(
        [rows.items] if rows.items else [],
        cursor=rows.cursor,
        as_of=rows.as_of,
        count=rows.count,
        headers=_aged(rows.age_seconds),
    )


@dataclass(frozen=True, slots=True)
class Rows:
    """A page of rows as JSON, the cursor behind it, how many rows there are if that was asked, and its age.

    `here` is how many rows the page has, `columns` those that were chosen; None: all.
    """

    items: bytes
    cursor: str | None
    count: int | None
    as_of: dict[str, Any]
    age_seconds: float
    here: int
    columns: tuple[str, ...] | None


def rows_of(
    services: Services,
    live: Live,
    connection: str,
    table: str,
    given: tuple[tuple[str, str], ...],
    declared_key: Callable[[], tuple[str, ...]],
    view: TableView = WHOLE,
) -> Rows:
    """The page of a table that these parameters ask for, as `view` shows it. Both lanes answer by it.

    Raises:
        Problem: what is wrong with the question, or with the source.
    """
    with live.question():
        known = _asking(connection, lambda: live.schema(table)).value
        masked = view.masked(known)
        asked, identity = _understood(connection, known, tuple(pair for pair in given if pair[0] != "cursor"), masked)
        at = filters.parse([pair for pair in given if pair[0] == "cursor"], table, {}, parameters=("cursor",)).cursor
        secret = services.cursor_secret
        key = () if known.key else declared_key()
        view.refuse_key(table, key)
        conditions = tuple(Filter(each.field, each.op, each.value) for each in asked.conditions)  # type: ignore[arg-type] # checked by the grammar
        selection = Selection(
            filters=conditions,
            sort=tuple(Sort(name, descending) for name, descending in asked.sort),
            limit=asked.limit,
            after=cursors.read(secret, identity, at) if at else None,
            columns=_wanted(known, asked.fields, masked, key),
            key=key,
        )
        found = _asking(connection, lambda: live.lines(table, selection), given)
        count = _asking(connection, lambda: live.count(table, conditions)).value if asked.count else None
    lines = found.value
    return Rows(
        encoded(_masked(lines.text, known, asked.fields, masked)),
        cursors.write(secret, identity, lines.next) if lines.next is not None else None,
        count,
        {"time": services.now() - timedelta(seconds=found.age_seconds)},
        found.age_seconds,
        lines.count,
        asked.fields,
    )


def _wanted(
    table: Table, fields: tuple[str, ...] | None, masked: tuple[str, ...], key: tuple[str, ...]
) -> tuple[str, ...]:
    """The columns to read, none of which is masked; nothing: all."""
    if not masked:
        return fields or ()
    names = fields or tuple(column.name for column in table.columns)
    return tuple(name for name in names if name not in masked) or table.key or key


def _masked(rows: str, table: Table, fields: tuple[str, ...] | None, masked: tuple[str, ...]) -> str:
    """Rows as JSON with the masked columns, which were not read, as null; only those of `fields`, if there are any."""
    names = fields or tuple(column.name for column in table.columns)
    hidden = [name for name in masked if name in names]
    if not hidden:
        return rows
    read = json.loads(f"[{rows}]")
    told = ({MASKED: hidden} | {name: None if name in hidden else row[name] for name in names} for row in read)
    return ",".join(json.dumps(row, ensure_ascii=False, separators=(",", ":")) for row in told)


@lru_cache(maxsize=256)
def _understood(
    connection: str, table: Table, pairs: tuple[tuple[str, str], ...], masked: tuple[str, ...]
) -> tuple[Asked, str]:
    """The query of a page of a table without its cursor, and what cursors of it are bound to."""
    fields = queryable(table, masked)
    asked = filters.parse(pairs, f"{connection}/{table.name}", fields, parameters=filters.PARAMETERS)
    seen = ("view", *masked) if masked else ()
    return asked, cursors.fingerprint(connection, table.name, *asked.identity(), *seen)


def one_row(call: Call, connection: str, table: str, key: str) -> Response:
    """``GET /api/v1/tables/erp/customers/42``; the parts of a key of several columns are joined with ``~``."""
    live, view = _live(call, connection), view_of(call, connection, table)
    with live.question():
        known = _asking(connection, lambda: live.schema(table)).value
        masked = view.masked(known)
        if not known.key:
            raise Problem("no_key", f"{connection}/{table} has no primary key")
        for parts in parts_of(key, len(known.key)):
            found = _asking(connection, lambda parts=parts: live.row(table, parts))  # type: ignore[misc] # bound now
            if found.value is not None:
                row = found.value
                if masked:
                    row = {MASKED: list(masked)} | {name: None if name in masked else row[name] for name in row}
                body = encoded(said_row(row))
                etag = hashlib.sha256(body).hexdigest()[:32]
                answer = not_modified(etag)
                if answer is None:
                    tablemasks.on_record(call, view, f"{connection}/{table}", 1)
                    answer = tagged(Response(body, mimetype=JSON), etag)
                answer.headers["Age"] = str(int(found.age_seconds))
                return answer
    raise Problem("unknown_row", f"{connection}/{table} has no row {key[:100]!r}", f"Its key is {'~'.join(known.key)}.")


def readable(call: Call) -> dict[str, Source]:
    """The connections whose tables the caller may read."""
    try:
        sources = call.services.sources().items()
    except GatewayError:  # a secret that cannot be read, which a request to a table says
        return {}
    return {name: source for name, source in sources if call.caller.may(f"tables.{name}:read")}


def _live(call: Call, connection: str) -> Live:
    """The source of a connection, for callers.

    Raises:
        Problem: ``unknown_table``.
    """
    sources = call.services.sources()
    source = sources.get(connection)
    if source is None:
        raise Problem("unknown_table", f"there is no connection {connection!r}", nearest(connection, readable(call)))
    return source.live


def view_of(call: Call, connection: str, table: str) -> TableView:
    """How the caller sees a table, by the configuration that is in force now."""
    return tablemasks.view_of(call.services.configuration(), call.caller, connection, table)


def queryable(table: Table, masked: tuple[str, ...] = ()) -> dict[str, filters.Queryable]:
    """The columns as the grammar sees them. Values stay text: the adapter knows the types of its database.

    `masked` are not to be asked about.
    """
    return {
        column.name: filters.Queryable(
            column.name,
            column.type,
            filterable=column.name not in masked,
            sortable=column.name not in masked,
            value=str,
            hidden=column.name in masked,
        )
        for column in table.columns
    }


def _declared_key(call: Call, connection: str, table: str) -> tuple[str, ...]:
    """The key that an integration declares for a table whose catalogue knows none."""
    for integration in call.services.configuration().integrations.values():
        source = integration.source
        if source.scheme == "table" and (source.host, source.path) == (connection, table) and integration.key:
            return integration.key
    return ()


def _aged(seconds: float) -> dict[str, str]:
    """How old the answer is (RFC 9111, 5.1), which nobody else may keep."""
    return {"Age": str(int(seconds)), "Cache-Control": "no-store"}


def _asking(connection: str, question: Callable[[], Got], given: Iterable[tuple[str, str]] = ()) -> Got:
    """The source's answer, its troubles as problems: those of a value name the one of the `given` parameters."""
    try:
        return question()
    except Reject as error:
        code = _CODES.get(error.code, error.code)
        code = code if code in PROBLEMS else "bad_request"
        about = [name for name, _ in given if error.column and error.column in (name, name.rpartition("__")[0])]
        flaws = (Flaw(code, error.message, error.remedy, parameter=about[0] if len(about) == 1 else None),)
        raise Problem(code, error.message, error.remedy, errors=flaws) from error
    except Retry as error:
        code = f"source_{error.code or 'slow'}"
        again = {"Retry-After": str(max(1, ceil(error.delay_seconds)))}
        raise Problem(code, f"{connection}: {error.message}", error.remedy, headers=again) from error
    except AdapterError as error:
        again = {"Retry-After": "60"}
        raise Problem("source_down", f"{connection}: {error.message}", error.remedy, headers=again) from error
