"""Nothing is written, whatever is tried, even with the rights to do everything: real servers, their own records."""

from __future__ import annotations

import json
import os
import re
import tempfile
from contextlib import ExitStack, closing, suppress
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from adapters.connections import driver_manager
from adapters.dialects import MARIADB, POSTGRESQL, SQLITE
from adapters.errors import AdapterError, Reject
from adapters.model import Filter, Following, Selection, Sort
from adapters.odbc import OdbcSource
from adapters.queries import CALLED, OPENING, PLAIN, NamedQuery
from adapters.readonly import FORBIDDEN, QUOTED, WORD
from tests.adapters import attempts
from tests.adapters.witness import SqliteWitness, differences, watched_mariadb, watched_postgresql
from tests.servers import mariadb_missing, postgresql_missing

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from adapters.dialects import Dialect
    from tests.adapters.witness import Witness

ACCEPTED = {"accept_writable_login": "what it could do is what is tried here"}
LIBRARY = Path("/usr/lib/x86_64-linux-gnu/odbc/libsqlite3odbc.so")
NAMED = "SQLite3" in driver_manager().drivers()
ALL = os.environ.get("GATEWAY_FAULTS") == "all"
TRIED = {"postgresql": attempts.POSTGRESQL, "mariadb": attempts.MARIADB, "sqlite": attempts.SQLITE}
DIALECTS = {"postgresql": POSTGRESQL, "mariadb": MARIADB, "sqlite": SQLITE}

# How many of the attempts change something: with neither guard nor session, with the session alone, with the guard
# alone. docs/adapters.md has the same.
COUNTS = {"postgresql": (91, 86, 32, 3), "mariadb": (69, 58, 15, 2), "sqlite": (40, 21, 3, 0)}


@dataclass(frozen=True, slots=True)
class Place:
    """A database, who looks at it, how it is reached by a login of one's choice, and what it wrote down."""

    dialect: str
    witness: Witness
    reached: Callable[[str], str]
    statements: Callable[[], list[str]]


def missing(name: str) -> str | None:
    """Why there is no such place here."""
    drivers = driver_manager().drivers()
    if name == "postgresql":
        return postgresql_missing() or (None if "PostgreSQL Unicode" in drivers else "no odbc-postgresql")
    if name == "mariadb":
        return mariadb_missing() or (None if "MariaDB Unicode" in drivers else "no odbc-mariadb")
    return None if NAMED or LIBRARY.exists() else "no libsqliteodbc"


@pytest.fixture(scope="module", params=[pytest.param("postgresql"), pytest.param("mariadb"), pytest.param("sqlite")])
def place(request: pytest.FixtureRequest) -> Iterator[Place]:
    why = missing(request.param)
    if why:
        pytest.skip(why)
    with tempfile.TemporaryDirectory(prefix="adapters-", ignore_cleanup_errors=True) as name:
        Path(name).chmod(0o755)  # the server is another user, whom pytest's own folders keep out
        scratch = Path(name, "scratch")
        scratch.mkdir()
        yield from placed(request.param, scratch)


def placed(dialect: str, scratch: Path) -> Iterator[Place]:
    """The server, for as long as it is wanted."""
    if dialect == "postgresql":
        with watched_postgresql(scratch) as (postgres, log):
            port = postgres.names["port"]
            yield Place(
                "postgresql",
                postgres,
                lambda user: f"Driver={{PostgreSQL Unicode}};Server=127.0.0.1;Port={port};Database=postgres;Uid={user}",
                lambda: postgres_log(log),
            )
    elif dialect == "mariadb":
        with watched_mariadb(scratch) as (maria, port, log):
            yield Place(
                "mariadb",
                maria,
                lambda user: f"Driver={{MariaDB Unicode}};Server=127.0.0.1;Port={port};Database=erp;Uid={user}",
                lambda: mariadb_log(log),
            )
    else:
        lite = SqliteWitness(scratch)
        driver = "SQLite3" if NAMED else str(LIBRARY)
        yield Place("sqlite", lite, lambda _: f"Driver={{{driver}}};Database={lite.path}", list)


def postgres_log(log: Path) -> list[str]:
    """The statements of the user ``watched``."""
    told = re.findall(
        r"^watched:LOG:  (?:statement|execute [^:]*): (.*(?:\n\t.*)*)", log.read_text(encoding="utf-8"), re.MULTILINE
    )
    return [text.replace("\n\t", "\n") for text in told]


def mariadb_log(log: Path) -> list[str]:
    """The statements of the user ``watched``."""
    lines = re.findall(
        r"^(?:\d{6} +[\d:]+)?\t+ *(\d+) (\w+)\t((?:.*)(?:\n(?!\d{6} |\t).*)*)", log.read_text(), re.MULTILINE
    )
    ours = {number for number, command, text in lines if command == "Connect" and text.startswith("watched@")}
    return [text for number, command, text in lines if number in ours and command in ("Query", "Execute", "Prepare")]


def writable(dialect: Dialect) -> Dialect:
    """The dialect without what makes its sessions read-only."""
    return replace(dialect, session=(), proof=("", ""), file="", wishes=())


def opened(place: Place, user: str, *, session: bool = True) -> OdbcSource:
    """A source with everything that is tried as a named query."""
    queries = {f"q{at}": NamedQuery(sql.format(**place.witness.names)) for at, sql in enumerate(TRIED[place.dialect])}
    queries["fine"] = NamedQuery("SELECT a, b FROM victim WHERE a > 0", ("a",))
    source = OdbcSource(place.reached(user), options=ACCEPTED, queries=queries)
    if not session:
        source._connections._known = writable(DIALECTS[place.dialect])
        source._connections._settings = replace(source._connections._settings, dialect=source._connections._known)
    return source


def asked(source: OdbcSource, at: int) -> str:
    """What became of one hand-written query: refused by the guard, refused by the server, or its rows came."""
    try:
        source.page(f"q{at}", Selection(key=("a",)))
    except Reject as error:
        if error.code == "bad_query":
            return "guard"
    except AdapterError:
        return "server"
    return "rows"


def said(source: OdbcSource, sql: str) -> None:
    """Say it in a session that the source opened; whatever it answers."""
    with suppress(driver_manager().Error, AdapterError), source._connections.lease() as connection:
        executed(connection, sql)


def executed(connection: Any, sql: str) -> None:
    """Say it, and hear the answer out."""
    cursor = connection.execute(sql)
    if cursor.description:
        cursor.fetchall()


def attacked(source: OdbcSource, text: Any) -> Iterator[Callable[[], object]]:
    """Every place where a caller's text goes in."""
    following = Following("watermark", ("a",), "at")
    selections = [
        Selection(sort=(Sort(text),)),
        Selection(columns=("a", text)),
        Selection(key=(text,)),
        Selection(after=(text,)),
        Selection(filters=(Filter(text, "eq", "1"),)),
        Selection(filters=(Filter("at", "gte", text),)),
    ]
    operators: tuple[Any, ...] = ("eq", "ne", "gt", "lte", "in", "contains", "startswith", "isnull", text)
    selections += [Selection(filters=(Filter(column, op, text),)) for column in ("a", "b") for op in operators]
    for table in ("victim", "fine"):
        yield partial(source.row, table, (text,))
        for selection in selections:
            yield partial(source.page, table, selection)
    yield partial(source.schema, text)
    yield partial(source.page, text, Selection())
    yield partial(source.row, text, ("1",))
    place = json.loads(list(source.changes("victim", following, position=None))[-1].position)
    assert place["value"]
    for table, how, position in (
        (text, following, None),
        ("victim", Following("watermark", (text,), "at"), None),
        ("victim", Following("watermark", ("a",), text), None),
        ("victim", Following("snapshot", (text,)), None),
        ("victim", Following("diff", (text,)), None),
        ("victim", Following(text), None),
        ("victim", following, text),
        ("victim", following, json.dumps(place | {"value": text})),
        ("victim", following, json.dumps(place | {"key": [text]})),
        ("victim", Following("snapshot"), json.dumps(place | {"column": None, "phase": "snapshot", "key": [text]})),
    ):
        yield partial(followed, source, table, how, position)


def followed(source: OdbcSource, table: str, following: Following, position: str | None) -> None:
    """All its changes."""
    for _ in source.changes(table, following, position=position):
        pass


def test_nothing_that_is_tried_changes_anything(place: Place) -> None:
    tried, witness = TRIED[place.dialect], place.witness
    witness.reset()
    with closing(opened(place, "watched")) as first:
        first.tables()
    before, glance, outcomes, effects = witness.fingerprint(), witness.glance(), [], []

    def looked(what: str) -> None:
        changed = differences(glance, witness.glance())
        if changed:
            effects.append((what, changed))
            glance.update(witness.glance())

    with closing(opened(place, "watched")) as source:
        for at, sql in enumerate(tried):
            outcomes.append(asked(source, at))
            if outcomes[-1] != "guard":
                looked(f"as a query: {sql}")
        looked("as a query")
        for text in attempts.ATTACKS:
            for ask in attacked(source, text):
                with suppress(AdapterError):
                    ask()
            looked(f"as a text: {text}")
        # A view may turn the session round for whoever comes next; so it is asked again before each statement.
        for view in ("v_flip", "v_set", "v_w", "v_flip", "v_w", "v_d", "v_seq"):
            with suppress(AdapterError):
                source.page(view, Selection(key=("a",)))
            looked(f"by reading {view}")
    with closing(opened(place, "raw")) as source:
        for sql in tried:
            if sql not in attempts.RAW:
                said(source, sql.format(**witness.names))
                looked(f"in a session: {sql}")
                source.close()
    assert effects == []
    assert differences(before, witness.fingerprint()) == []
    assert len(tried) >= {"postgresql": 48, "mariadb": 30, "sqlite": 20}[place.dialect]
    assert outcomes.count("guard") > 0.9 * len(tried)
    only_read(place, first)


def only_read(place: Place, source: OdbcSource) -> None:
    """The server's own record of what our sessions said."""
    statements = place.statements()
    assert len(statements) > 200 or place.dialect == "sqlite"
    named = set(re.findall(r"(\w+)\s*\(", " ".join(attempts.ATTACKS + TRIED[place.dialect]).lower()))
    grammar = {"postgresql": "postgres", "mariadb": "mysql"}.get(place.dialect, "sqlite")
    # p is a procedure, which a statement of CALL alone can reach, and what a joined page is named.
    known = {"set_config", "victim", "d", "p"}
    functions = named - {word.lower() for word in CALLED[grammar] | OPENING | PLAIN} - known
    assert {"f_w", "lo_create"} <= functions or place.dialect != "postgresql"
    for sql in statements:
        for part in QUOTED.sub(" x ", sql).strip("; \n").split(";"):  # a driver opens with several settings at once
            words = [word.upper() for word in WORD.findall(part)]
            assert words[0] in ("SELECT", "SET", "SHOW", "BEGIN", "COMMIT", "ROLLBACK", "DEALLOCATE"), sql
            assert not {"WRITE", "OFF"} & set(words), sql
            assert not (FORBIDDEN & set(words[1:])) - {"SET"}, sql
            assert "SET" not in words[1:] or "CHARACTER" in words, sql
            assert not functions & set(re.findall(r"(\w+)\s*\(", part.lower())), sql
    assert source._connections.dialect.name == place.dialect


@pytest.mark.skipif(not ALL, reason="counts what each layer holds: GATEWAY_FAULTS=all")
def test_each_layer_alone_lets_something_through(place: Place) -> None:
    tried, witness = TRIED[place.dialect], place.witness

    def effects(session: Callable[[], OdbcSource | None], *, raw: bool) -> dict[str, list[str]]:
        witness.reset()
        glance, found = witness.glance(), {}
        for at, sql in enumerate(tried):
            with ExitStack() as stack:  # a lock ends with its session
                source = session()
                if source is None:
                    connection = stack.enter_context(
                        closing(driver_manager().connect(place.reached("raw"), autocommit=True))
                    )
                    with suppress(driver_manager().Error):
                        executed(connection, sql.format(**witness.names))
                elif raw:
                    said(stack.enter_context(closing(source)), sql.format(**witness.names))
                else:
                    asked(stack.enter_context(closing(source)), at)
                changed = differences(glance, witness.glance())
            if changed:
                found[sql] = changed
                witness.reset()
                glance = witness.glance()
        return found

    neither = effects(lambda: None, raw=True)
    session = effects(lambda: opened(place, "raw"), raw=True)
    guard = effects(lambda: opened(place, "raw", session=False), raw=False)
    assert not {sql: found for sql, found in session.items() if sql not in attempts.RAW}
    assert (len(tried), len(neither), len(session), len(guard)) == COUNTS[place.dialect], (neither, session, guard)


def test_the_witness_sees_what_happens(place: Place) -> None:
    seen = {
        "postgresql": ("INSERT INTO audit VALUES (1)", "SELECT lo_create(0)"),
        "mariadb": ("SELECT NEXTVAL(s)", "CREATE USER made"),
        "sqlite": ("INSERT INTO audit VALUES (1)", "PRAGMA user_version = 9"),
    }
    for sql in seen[place.dialect]:
        place.witness.reset()
        before, glance = place.witness.fingerprint(), place.witness.glance()
        assert differences(before, place.witness.fingerprint()) == []
        with closing(driver_manager().connect(place.reached("raw"), autocommit=True)) as connection:
            executed(connection, sql)
        assert differences(glance, place.witness.glance()), sql
        assert differences(before, place.witness.fingerprint()), sql
    place.witness.reset()
