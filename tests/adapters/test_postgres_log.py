"""PostgreSQL's own log, followed over ODBC by a login that may only read and replicate."""

from __future__ import annotations

import itertools
import json
import os
import resource
import threading
from contextlib import closing
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import psycopg
import pytest

from adapters.connections import driver_manager
from adapters.errors import Gap, Retry, Stop
from adapters.model import Batch, Change, Following, Selection
from adapters.odbc import OdbcSource
from adapters.postgres import IDLE_BYTES, Position
from tests.servers import postgresql_missing, running_postgresql

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

DRIVER = "PostgreSQL Unicode"
SETTINGS = (
    "wal_level=logical",
    "max_replication_slots=6",
    "max_wal_senders=6",
    "fsync=off",
    "log_statement=all",
    "log_line_prefix=%u:",
    "autovacuum=off",  # whose transactions come when they like
    "timezone=Asia/Tokyo",
    "datestyle=SQL",
    "intervalstyle=postgres_verbose",
    "bytea_output=escape",
    "extra_float_digits=0",
)
LOG = Following("log")
FD_SETSIZE = 1024


def missing() -> str:
    """Why these tests cannot run here; empty when they can."""
    if DRIVER not in driver_manager().drivers():
        return "no ODBC driver for PostgreSQL: apt-get install odbc-postgresql"
    return postgresql_missing() or ""


pytestmark = [pytest.mark.server, pytest.mark.skipif(bool(missing()), reason=missing() or "it can run")]


@dataclass(frozen=True, slots=True)
class Server:
    """Where it is, and what it writes down."""

    address: str
    log: Path

    @property
    def port(self) -> int:
        return urlsplit(self.address).port or 0

    def owner(self) -> psycopg.Connection[Any]:
        return psycopg.connect(self.address, autocommit=True)


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    with running_postgresql(settings=SETTINGS) as (address, log):
        with psycopg.connect(address, autocommit=True) as owner:
            owner.execute("CREATE ROLE reader LOGIN REPLICATION")
            owner.execute("GRANT pg_read_all_data TO reader")
        yield Server(address, log)


@pytest.fixture
def owner(server: Server) -> Iterator[psycopg.Connection[Any]]:
    """The owner of a database without tables, and of a publication of those that will be."""
    with server.owner() as connection:
        connection.execute("DROP SCHEMA public CASCADE")
        connection.execute("CREATE SCHEMA public")
        connection.execute("DROP PUBLICATION IF EXISTS gateway")
        connection.execute("CREATE PUBLICATION gateway FOR ALL TABLES")
        yield connection
        while connection.execute("SELECT 1 FROM pg_replication_slots WHERE active").fetchone():
            pass  # a stream was left a moment ago
        connection.execute("SELECT pg_drop_replication_slot(slot_name) FROM pg_replication_slots")


def connection_string(port: int, user: str = "reader") -> str:
    return f"Driver={{{DRIVER}}};Server=127.0.0.1;Port={port};Database=postgres;Uid={user};Pwd=s3cr3t-word"


@pytest.fixture
def source(request: pytest.FixtureRequest, server: Server, owner: psycopg.Connection[Any]) -> Iterator[OdbcSource]:
    """Over ODBC alone, or with the log by the streaming protocol (`both`)."""
    assert owner
    options = {}
    if getattr(request, "param", "") == "streaming":
        options["replication"] = f"postgresql://reader:s3cr3t-word@127.0.0.1:{server.port}/postgres"
    with closing(OdbcSource(connection_string(server.port), options=options)) as opened:
        yield opened


both = pytest.mark.parametrize("source", ["odbc", "streaming"], indirect=True)


class Follower:
    """Whoever stores: what was told, in order, the position, the notes, and the table that results."""

    def __init__(self, source: OdbcSource, table: str = "t", following: Following = LOG, *, batch: int = 100) -> None:
        self.source, self.table, self.following, self.batch = source, table, following, batch
        self.position: str | None = None
        self.notes: dict[str, bytes | None] = {}
        self.rows: dict[tuple[Any, ...], Any] = {}
        self.batches: list[Batch] = []

    def poll(self, *, ack: bool = True) -> list[Change]:
        """One poll; what it told."""
        told: list[Change] = []
        for batch in self.source.changes(
            self.table, self.following, position=self.position, recall=self.notes.get, batch=self.batch
        ):
            told += batch.changes
            self.keep(batch)
            if ack:
                self.source.ack(self.table, self.following, batch.position)
        return told

    def keep(self, batch: Batch) -> None:
        self.batches.append(batch)
        self.position = batch.position
        self.notes.update(batch.memory)
        apply(self.rows, batch)


def apply(rows: dict[tuple[Any, ...], Any], batch: Batch) -> None:
    for change in batch.changes:
        if change.row is None:
            rows.pop(change.key, None)
        else:
            rows[change.key] = change.row


def table_now(source: OdbcSource, table: str = "t") -> list[dict[str, Any]]:
    """The table as pages show it."""
    rows: list[dict[str, Any]] = []
    after = None
    while True:
        page = source.page(table, Selection(limit=5000, after=after))
        rows += page.rows
        after = page.next
        if after is None:
            return rows


def same(one: dict[tuple[Any, ...], Any], other: list[dict[str, Any]]) -> bool:
    return sorted(map(repr, one.values())) == sorted(map(repr, other))


def spoken(changes: list[Change]) -> list[tuple[str, tuple[Any, ...]]]:
    return [(change.op, change.key) for change in changes]


ODD = """CREATE TABLE t (
    id bigint PRIMARY KEY, small smallint, whole int, day date, at timestamptz, plain timestamp, moment time,
    zoned timetz, exact numeric, money money, code char(8), word varchar(20), long text, real real,
    double double precision,
    flag boolean, doc jsonb, old json, uuid uuid, list int[], flags boolean[], total amount, mood mood, span interval,
    bytes bytea, ip inet, net cidr, mac macaddr, bits bit(5), point point, range int4range, tree xml, name name,
    one "char", oid oid, search tsvector)"""
ODD_ROWS = (
    (
        "INSERT INTO t VALUES (9007199254740993, -1, 2147483647, 'infinity', '2026-11-21 07:55:00.5+01',"
        " '12024-01-01 00:00:00',"
        " '06:55:00.25', '06:55:00+02', 12345678901234567890.1234567890, -1234.5, 'AB  ', 'x  ',"
        " E'ü€😀 ''x'' \"y\" \\\\ \\n\\t', 1.1, 1e300, true, '{\"a\": \"ü?\"}', '{\"a\":  1}',"
        " '00000000-0000-0000-0000-000000000001', '{1,NULL,2}', '{t,f}', 7, 'good', '1 day 2 hours', '\\x00ff61',"
        " '10.0.0.1', '10.0.0.0/8', '08:00:2b:01:02:03', B'10101', '(1,2)', '[1,5)', '<a>ü</a>', 'n', 'c', 4294967295,"
        " 'a b')"
    ),
    (
        "INSERT INTO t VALUES (2, 0, -2147483648, '0044-03-15 BC', '-infinity', '2026-11-21 06:55:00', '24:00', null,"
        " 'NaN',"
        " 0, '', '', '', 'Infinity', '-0', false, '1', 'null', null, '{}', null, 0.1, 'bad', '-1 year', '', '::1/64',"
        " '::/0', null, null, null, 'empty', null, null, null, 0, '')"
    ),
    (
        "INSERT INTO t (id, at, plain, exact, money, double) VALUES (3, '0001-01-01 00:00:00+00',"
        " '9999-12-31 23:59:59.999999',"
        " '-Infinity', '99999999.99', 1e-5)"
    ),
)


@both
def test_values_are_those_of_a_page(owner: psycopg.Connection[Any], source: OdbcSource) -> None:
    owner.execute("CREATE DOMAIN amount AS numeric(12,2)")
    owner.execute("CREATE TYPE mood AS ENUM ('good', 'bad')")
    owner.execute(ODD.encode())
    owner.execute("ALTER TABLE t REPLICA IDENTITY FULL")
    follower = Follower(source)
    assert follower.poll() == []
    for statement in ODD_ROWS:
        owner.execute(statement.encode())
    inserted = follower.poll()
    shown = {row["id"]: row for row in table_now(source)}
    assert len(shown) == 3
    assert [change.row for change in inserted] == [shown[change.row["id"]] for change in inserted if change.row]
    owner.execute("UPDATE t SET small = 5")
    for change in follower.poll():
        assert change.before == shown[int(change.key[0] or "")]
    assert same(follower.rows, table_now(source))
    # A snapshot tells the same rows with the same keys.
    fresh = Follower(source)
    fresh.poll()
    assert fresh.rows == follower.rows


@pytest.mark.parametrize(
    ("kind", "values"),
    [
        ("boolean", ("true", "false")),
        ("char(5)", ("'a'", "'b c'")),
        ("bytea", (r"'\x00ff'", r"'\x'")),
        ("inet", ("'10.0.0.1'", "'10.0.0.1/24'")),
        ("timestamptz", ("'2026-11-21 06:55:00.120+09'", "'infinity'")),
        ("numeric", ("1.50", "1e20")),
        ("text", ("E'\\'\"~\\\\ü'", "''")),
        ("uuid", ("'00000000-0000-0000-0000-00000000000A'", "'00000000-0000-0000-0000-00000000000b'")),
        ("double precision", ("0.1", "1e-300")),
    ],
)
def test_a_key_is_the_same_in_the_snapshot_and_in_the_log(
    owner: psycopg.Connection[Any], source: OdbcSource, kind: str, values: tuple[str, str]
) -> None:
    owner.execute(f"CREATE TABLE t (k {kind}, n int, v text, PRIMARY KEY (n, k))".encode())
    owner.execute(f"INSERT INTO t VALUES ({values[0]}, 1, 'a'), ({values[1]}, 1, 'a')".encode())
    follower = Follower(source)
    follower.poll()
    keys = set(follower.rows)
    owner.execute("UPDATE t SET v = 'b'")
    assert {change.key for change in follower.poll()} == keys
    owner.execute("DELETE FROM t")
    gone = follower.poll()
    assert {change.key for change in gone} == keys
    assert all(change.before and set(change.before) == {"n", "k"} for change in gone)
    assert follower.rows == {}


@both
def test_each_change_is_told_once_in_the_order_of_the_commits(
    owner: psycopg.Connection[Any], source: OdbcSource
) -> None:
    owner.execute("CREATE TABLE t (id int PRIMARY KEY, name text)")
    owner.execute("INSERT INTO t VALUES (1, 'a'), (2, 'b')")
    follower = Follower(source)
    assert spoken(follower.poll()) == [("put", ("1",)), ("put", ("2",))]
    assert follower.poll() == []
    with owner.transaction():
        owner.execute("UPDATE t SET name = 'c' WHERE id = 1")
        owner.execute("UPDATE t SET id = 3 WHERE id = 2")
        owner.execute("DELETE FROM t WHERE id = 1")
        owner.execute("INSERT INTO t VALUES (1, 'again')")
    changes = follower.poll()
    assert [(change.op, change.key, change.row, change.before) for change in changes] == [
        ("update", ("1",), {"id": 1, "name": "c"}, None),
        ("delete", ("2",), None, {"id": 2}),
        ("insert", ("3",), {"id": 3, "name": "b"}, None),
        ("delete", ("1",), None, {"id": 1}),
        ("insert", ("1",), {"id": 1, "name": "again"}, None),
    ]
    commit = changes[0].at.split(":")[0]
    assert [change.at for change in changes] == [f"{commit}:{number}" for number in (1, 2, 3, 4, 5)]
    assert all(batch.exact and not batch.snapshot for batch in follower.batches[2:])
    assert follower.poll() == []
    assert same(follower.rows, table_now(source))


@both
def test_what_was_rolled_back_or_is_another_tables_is_not_told(
    owner: psycopg.Connection[Any], server: Server, source: OdbcSource
) -> None:
    owner.execute("CREATE TABLE t (id int PRIMARY KEY)")
    owner.execute("CREATE TABLE other (id int PRIMARY KEY)")
    follower = Follower(source)
    follower.poll()
    with server.owner() as late, late.transaction(force_rollback=True):
        late.execute("INSERT INTO t VALUES (99)")
        with owner.transaction():
            owner.execute("INSERT INTO other VALUES (1)")
            owner.execute("INSERT INTO t VALUES (1)")
            with owner.transaction(force_rollback=True):
                owner.execute("INSERT INTO t VALUES (2)")
            with owner.transaction():
                owner.execute("INSERT INTO t VALUES (3)")
            owner.execute("DELETE FROM other")
        assert spoken(follower.poll()) == [("insert", ("1",)), ("insert", ("3",))]
    owner.execute("TRUNCATE other")
    assert follower.poll() == []


@both
def test_with_full_identity_the_row_before_is_told_whole(owner: psycopg.Connection[Any], source: OdbcSource) -> None:
    owner.execute("CREATE TABLE t (id int PRIMARY KEY, name text, big text)")
    owner.execute("ALTER TABLE t ALTER big SET STORAGE EXTERNAL, REPLICA IDENTITY FULL")
    owner.execute("INSERT INTO t VALUES (1, 'a', repeat('x', 5000))")
    follower = Follower(source)
    follower.poll()
    owner.execute("UPDATE t SET name = 'b'")
    owner.execute("UPDATE t SET id = 2")
    owner.execute("DELETE FROM t")
    update, gone, new, last = follower.poll()
    big = "x" * 5000
    assert (update.before, update.row) == (
        {"id": 1, "name": "a", "big": big},
        {"id": 1, "name": "b", "big": big},
    )
    assert (gone.op, gone.before) == ("delete", {"id": 1, "name": "b", "big": big})
    assert (new.op, new.row) == ("insert", {"id": 2, "name": "b", "big": big})
    assert (last.key, last.before) == (("2",), {"id": 2, "name": "b", "big": big})


@pytest.mark.parametrize("key", ["id", "id, part"])
def test_a_long_value_that_was_not_sent_is_read_from_the_row(
    owner: psycopg.Connection[Any], source: OdbcSource, key: str
) -> None:
    owner.execute(f"CREATE TABLE t (id int, part text, name text, big text, PRIMARY KEY ({key}))".encode())
    owner.execute("ALTER TABLE t ALTER big SET STORAGE EXTERNAL")
    owner.execute("INSERT INTO t SELECT n, 'p', 'a', repeat('x', 5000) FROM generate_series(1, 3) n")
    follower = Follower(source)
    follower.poll()
    owner.execute("UPDATE t SET name = 'b'")
    owner.execute("UPDATE t SET id = 4 WHERE id = 3")
    owner.execute("DELETE FROM t WHERE id = 2")
    changes = follower.poll()
    rows = {(change.op, change.key[0]): change.row for change in changes}
    big = "x" * 5000
    assert rows["update", "1"] == {"id": 1, "part": "p", "name": "b", "big": big}
    assert rows["insert", "4"] == {"id": 4, "part": "p", "name": "b", "big": big}
    # These rows are gone by now; their deletes follow in the same log.
    assert rows["update", "2"] == {"id": 2, "part": "p", "name": "b"}
    assert rows["update", "3"] == {"id": 3, "part": "p", "name": "b"}
    assert same(follower.rows, table_now(source))


@both
def test_a_huge_transaction_comes_in_parts_that_can_be_gone_on_from(
    owner: psycopg.Connection[Any], source: OdbcSource
) -> None:
    owner.execute("CREATE TABLE t (id int PRIMARY KEY, name text)")
    follower = Follower(source, batch=50)
    follower.poll()
    with owner.transaction():
        owner.execute("INSERT INTO t SELECT n, 'a' FROM generate_series(1, 1300) n")
        owner.execute("UPDATE t SET id = -id WHERE id <= 200")
    owner.execute("INSERT INTO t VALUES (0, 'last')")
    first = len(follower.batches)
    whole = follower.poll(ack=False)
    parts = follower.batches[first:]
    assert len(whole) == 1300 + 400 + 1
    assert len(parts) >= 4
    assert max(len(part.changes) for part in parts) <= 501
    for number, part in enumerate(parts):
        rest = [
            change for batch in source.changes("t", LOG, position=part.position, batch=50) for change in batch.changes
        ]
        assert rest == list(itertools.chain.from_iterable(each.changes for each in parts[number + 1 :]))
    assert same(follower.rows, table_now(source))


def test_without_a_word_of_thanks_all_is_told_all_the_same(
    owner: psycopg.Connection[Any], source: OdbcSource, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("adapters.postgres.WINDOW", 20)
    owner.execute("CREATE TABLE t (id int PRIMARY KEY)")
    for ack in (True, False):
        follower = Follower(source, batch=7)
        follower.poll()
        for number in range(100):
            owner.execute("INSERT INTO t VALUES (%s)", (number + 1000 * ack,))
        assert len(follower.poll(ack=ack)) == 100
        assert follower.poll(ack=ack) == []


def written_by(server: Server, number: int, done: threading.Semaphore, stop: threading.Event) -> None:
    """A writer of all kinds of changes, in short transactions with and without waiting for the disk."""
    with server.owner() as connection:
        connection.execute("SET synchronous_commit = %s" % ("off" if number % 2 else "on"))
        for turn in itertools.count():
            if stop.wait(0.01):
                return
            key = (turn * 37 + number * 11) % 400
            with connection.transaction():
                connection.execute(
                    "INSERT INTO t VALUES (%s, 'n') ON CONFLICT (id) DO UPDATE SET v = t.v || 'u'", (key,)
                )
                if turn % 3 == 0:
                    connection.execute("DELETE FROM t WHERE id = %s", ((key + 7) % 400,))
                if turn % 5 == 0:
                    connection.execute(
                        "UPDATE t SET id = id + 400 WHERE id = %s AND NOT EXISTS (SELECT FROM t x"
                        " WHERE x.id = t.id + 400)",
                        ((key + 3) % 400,),
                    )
                if turn % 7 == 0:
                    connection.execute(
                        "UPDATE t SET id = id - 400 WHERE id = %s AND NOT EXISTS (SELECT FROM t x"
                        " WHERE x.id = t.id - 400)",
                        (400 + key,),
                    )
            done.release()


@both
def test_a_snapshot_among_eight_writers_ends_in_the_table_from_every_position(
    owner: psycopg.Connection[Any], server: Server, source: OdbcSource
) -> None:
    owner.execute("CREATE TABLE t (id int PRIMARY KEY, v text)")
    owner.execute("INSERT INTO t SELECT n, 's' FROM generate_series(0, 399) n")
    follower = Follower(source, batch=25)
    done, stop = threading.Semaphore(0), threading.Event()
    writers = [threading.Thread(target=written_by, args=(server, number, done, stop)) for number in range(8)]
    for writer in writers:
        writer.start()
    try:
        for batch in source.changes("t", LOG, position=None, recall=follower.notes.get, batch=25):
            follower.keep(batch)
            for _ in range(5 if batch.snapshot else 0):
                assert done.acquire(timeout=30)
    finally:
        stop.set()
        for writer in writers:
            writer.join()
    owner.execute("CREATE TABLE flushed ()")  # a commit that waits for the disk, and so for those before that did not
    follower.poll(ack=False)
    assert any(batch.snapshot for batch in follower.batches)
    assert sum(len(batch.changes) for batch in follower.batches if not batch.snapshot) > 20
    final = table_now(source)
    assert same(follower.rows, final)
    told = [change.at for batch in follower.batches for change in batch.changes if change.at]
    assert len(set(told)) == len(told)
    rows: dict[tuple[Any, ...], Any] = {}
    for number, batch in enumerate(follower.batches):
        apply(rows, batch)
        again = dict(rows)
        rest = list(source.changes("t", LOG, position=batch.position, batch=25))
        for each in rest:
            apply(again, each)
        assert same(again, final), number
        if '"stream"' in batch.position:
            later = [change for each in follower.batches[number + 1 :] for change in each.changes]
            assert [change for each in rest for change in each.changes] == later


@both
def test_no_chunk_is_read_before_all_that_was_told_can_be_seen(
    owner: psycopg.Connection[Any], server: Server, source: OdbcSource
) -> None:
    owner.execute("CREATE TABLE t (id int PRIMARY KEY, v text)")
    owner.execute("INSERT INTO t SELECT n, 's' FROM generate_series(1, 10) n")
    first = next(iter(source.changes("t", LOG, position=None, batch=3)))
    with server.owner() as late, late.transaction():
        row = late.execute("SELECT CAST(pg_current_xact_id() AS text)").fetchone()
        assert row
        told = json.dumps({**json.loads(first.position), "unseen": [int(row[0]) % 2**32]})
        assert list(source.changes("t", LOG, position=told, batch=3)) == []
    assert len(list(source.changes("t", LOG, position=told, batch=3))) == 3


@both
def test_an_idle_slot_stays_small(owner: psycopg.Connection[Any], source: OdbcSource) -> None:
    owner.execute("CREATE TABLE t (id int PRIMARY KEY)")
    owner.execute("CREATE TABLE busy (id int, v text)")
    owner.execute("ALTER PUBLICATION gateway OWNER TO postgres")
    follower = Follower(source)
    follower.poll()
    empty = 0
    for _ in range(6):
        owner.execute("INSERT INTO busy SELECT n, repeat('x', 1000) FROM generate_series(1, 2000) n")
        owner.execute("CHECKPOINT")
        follower.poll()
    lag = source.lag("t", LOG)
    assert lag
    assert lag.behind is not None
    assert lag.behind < IDLE_BYTES + (4 << 20), lag
    assert lag.retained is not None
    assert lag.retained < 12 << 20, lag
    assert lag.state == "reserved"
    empty = sum(not batch.changes for batch in follower.batches)
    assert 2 <= empty <= 13
    owner.execute("INSERT INTO t VALUES (1)")
    assert spoken(follower.poll()) == [("insert", ("1",))]


def gap(source: OdbcSource, position: str | None, words: str) -> None:
    """Asking on ends in a Gap, each time; a new snapshot goes on."""
    for _ in range(2):
        with pytest.raises(Gap, match=words) as caught:
            list(source.changes("t", LOG, position=position))
        assert "forget the position" in caught.value.remedy
    fresh = Follower(source)
    fresh.poll()
    assert same(fresh.rows, table_now(source))


@pytest.fixture
def followed(owner: psycopg.Connection[Any], source: OdbcSource) -> Follower:
    """A table of three rows that is followed."""
    owner.execute("CREATE TABLE t (id int PRIMARY KEY, v text)")
    owner.execute("INSERT INTO t VALUES (1, 'a'), (2, 'b'), (3, 'c')")
    follower = Follower(source)
    follower.poll()
    return follower


@pytest.fixture
def many_files() -> Iterator[None]:
    """Every descriptor that select(2) knows is taken."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(max(soft, 4 * FD_SETSIZE), hard), hard))
    taken = [os.open(os.devnull, os.O_RDONLY)]
    while taken[-1] < FD_SETSIZE:
        taken.append(os.dup(taken[0]))
    yield
    for each in taken:
        os.close(each)
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


@pytest.mark.usefixtures("many_files")
@both
def test_a_process_with_more_than_a_thousand_open_files_follows_as_well(
    owner: psycopg.Connection[Any], source: OdbcSource
) -> None:
    owner.execute("CREATE TABLE t (id int PRIMARY KEY, v text)")
    owner.execute("INSERT INTO t VALUES (1, 'a')")
    follower = Follower(source)
    assert spoken(follower.poll()) == [("put", ("1",))]
    owner.execute("UPDATE t SET v = 'b'")
    assert spoken(follower.poll()) == [("update", ("1",))]


def slot_of(follower: Follower) -> str:
    assert follower.position
    return Position.from_json(follower.position).slot


def test_a_slot_that_is_gone_is_a_gap(owner: psycopg.Connection[Any], followed: Follower) -> None:
    owner.execute("SELECT pg_drop_replication_slot(%s)", (slot_of(followed),))
    owner.execute("DELETE FROM t WHERE id = 1")
    gap(followed.source, followed.position, "is gone")


def test_a_slot_that_was_made_anew_is_a_gap(owner: psycopg.Connection[Any], followed: Follower) -> None:
    owner.execute("SELECT pg_drop_replication_slot(%s)", (slot_of(followed),))
    owner.execute("DELETE FROM t WHERE id = 1")
    owner.execute("SELECT pg_create_logical_replication_slot(%s, 'pgoutput')", (slot_of(followed),))
    gap(followed.source, followed.position, "made anew, or somebody else")


def test_a_slot_that_somebody_else_moved_is_a_gap(owner: psycopg.Connection[Any], followed: Follower) -> None:
    owner.execute("DELETE FROM t WHERE id = 1")
    owner.execute("SELECT pg_replication_slot_advance(%s, pg_current_wal_lsn())", (slot_of(followed),))
    gap(followed.source, followed.position, "somebody else")


def test_a_slot_that_the_server_gave_up_is_a_gap(owner: psycopg.Connection[Any], followed: Follower) -> None:
    owner.execute("ALTER SYSTEM SET max_slot_wal_keep_size = '1MB'")
    owner.execute("SELECT pg_reload_conf()")
    try:
        owner.execute("DELETE FROM t WHERE id = 1")
        for _ in range(4):
            owner.execute("SELECT pg_switch_wal()")
            owner.execute("CREATE TABLE IF NOT EXISTS filler (n int)")
            owner.execute("INSERT INTO filler VALUES (1)")
        owner.execute("CHECKPOINT")
        gap(followed.source, followed.position, "gave up the slot .* max_slot_wal_keep_size")
    finally:
        owner.execute("ALTER SYSTEM RESET max_slot_wal_keep_size")
        owner.execute("SELECT pg_reload_conf()")


def test_another_server_is_a_gap(followed: Follower) -> None:
    assert followed.position
    parts = json.loads(followed.position)
    for name, value, words in (
        ("system", "1", "another server"),
        ("timeline", "00000007", "restored, or a standby took over"),
        ("end", "FF/0", "was restored: its log ends"),
    ):
        with pytest.raises(Gap, match=words):
            list(followed.source.changes("t", LOG, position=json.dumps({**parts, name: value})))


def test_a_table_that_was_made_anew_is_a_gap(owner: psycopg.Connection[Any], followed: Follower) -> None:
    owner.execute("DROP TABLE t")
    owner.execute("CREATE TABLE t (id int PRIMARY KEY, v text)")
    gap(followed.source, followed.position, "dropped and made anew")


def test_a_table_that_left_the_publication_for_a_while_is_a_gap(
    owner: psycopg.Connection[Any], source: OdbcSource
) -> None:
    following = Following("log", options={"publication": "own"})
    owner.execute("CREATE TABLE t (id int PRIMARY KEY)")
    owner.execute("CREATE PUBLICATION own FOR TABLE t")
    follower = Follower(source, following=following)
    follower.poll()
    owner.execute("ALTER PUBLICATION own DROP TABLE t")
    owner.execute("INSERT INTO t VALUES (1)")
    with pytest.raises(Stop, match="does not hold 't'"):
        follower.poll()
    owner.execute("ALTER PUBLICATION own ADD TABLE t")
    with pytest.raises(Gap, match="put back"):
        follower.poll()
    owner.execute("DROP PUBLICATION own")


@both
def test_truncate_is_a_gap_after_all_that_was_before(owner: psycopg.Connection[Any], followed: Follower) -> None:
    with owner.transaction():
        owner.execute("DELETE FROM t WHERE id = 1")
        owner.execute("TRUNCATE t")
        owner.execute("INSERT INTO t VALUES (7)")
    seen: list[Change] = []
    with pytest.raises(Gap, match="TRUNCATE"):  # noqa: PT012 - what comes before it is looked at
        for batch in followed.source.changes("t", LOG, position=followed.position):
            seen += batch.changes
            followed.keep(batch)
    assert spoken(seen) == [("delete", ("1",))]
    gap(followed.source, followed.position, "TRUNCATE")


@both
def test_a_new_shape_is_told_and_followed(owner: psycopg.Connection[Any], followed: Follower) -> None:
    owner.execute("UPDATE t SET v = 'x' WHERE id = 1")
    owner.execute("ALTER TABLE t ADD COLUMN extra int DEFAULT 5")
    owner.execute("UPDATE t SET v = 'y' WHERE id = 1")
    owner.execute("ALTER TABLE t ALTER extra TYPE numeric(9,2)")
    owner.execute("UPDATE t SET v = 'z' WHERE id = 1")
    owner.execute("ALTER TABLE t DROP COLUMN v")
    owner.execute("UPDATE t SET extra = 6 WHERE id = 1")
    followed.batch = 1
    rows = [change.row for change in followed.poll()]
    assert [row and repr(row) for row in rows] == [
        "{'id': 1, 'v': 'x'}",
        "{'id': 1, 'v': 'y', 'extra': 5}",
        "{'id': 1, 'v': 'z', 'extra': Decimal('5.00')}",
        "{'id': 1, 'extra': Decimal('6.00')}",
    ]
    assert [batch.drift for batch in followed.batches[1:]] == [
        (),
        ("column 'extra' (integer) is new",),
        ("column 'extra' is numeric(9,2) now, and was integer",),
        ("column 'v' (text) is gone",),
    ]
    owner.execute("UPDATE t SET extra = 7 WHERE id = 1")
    followed.poll()
    assert followed.batches[-1].drift == ()
    owner.execute("ALTER TABLE t RENAME COLUMN id TO number")
    owner.execute("UPDATE t SET extra = 8 WHERE number = 1")
    followed.following = Following("log", ("extra",))
    with pytest.raises(Stop, match="belongs to"):
        followed.poll()


def test_columns_that_the_log_lacks_or_the_login_may_not_read_are_in_no_row(
    owner: psycopg.Connection[Any], server: Server
) -> None:
    owner.execute("DROP ROLE IF EXISTS narrow")
    owner.execute("CREATE ROLE narrow LOGIN REPLICATION")
    owner.execute("GRANT USAGE ON SCHEMA public TO narrow")
    owner.execute(
        "CREATE TABLE t (id int PRIMARY KEY, salary int, twice int GENERATED ALWAYS AS (id * 2) STORED, v text)"
    )
    owner.execute("GRANT SELECT (id, twice, v) ON t TO narrow")
    owner.execute("INSERT INTO t VALUES (1, 100, DEFAULT, 'a')")
    with closing(OdbcSource(connection_string(server.port, "narrow"))) as source:
        follower = Follower(source)
        follower.poll()
        owner.execute("INSERT INTO t VALUES (2, 100, DEFAULT, 'b')")
        owner.execute("UPDATE t SET salary = 200")
        follower.poll()
        assert follower.rows == {("1",): {"id": 1, "v": "a"}, ("2",): {"id": 2, "v": "b"}}


def stopped(source: OdbcSource, words: str, remedy: str, following: Following = LOG, table: str = "t") -> None:
    with pytest.raises(Stop, match=words) as caught:
        list(source.changes(table, following, position=None))
    assert remedy in caught.value.remedy
    assert "s3cr3t" not in str(caught.value)


def test_what_the_owner_must_do_first_is_said_as_sql(
    owner: psycopg.Connection[Any], server: Server, source: OdbcSource
) -> None:
    owner.execute("CREATE TABLE t (id int PRIMARY KEY, v text)")
    owner.execute("CREATE TABLE bare (id int)")
    owner.execute("CREATE VIEW seen AS SELECT * FROM t")
    named = Following("log", options={"publication": 'my "own"'})
    remedy = 'CREATE PUBLICATION "my ""own""" FOR TABLE "public"."t";'
    stopped(source, "no publication", remedy, named)
    owner.execute(remedy.replace("%", "%%").encode())
    assert list(source.changes("t", named, position=None))
    owner.execute('DROP PUBLICATION "my ""own"""')
    owner.execute("CREATE PUBLICATION part FOR TABLE bare WITH (publish = 'insert')")
    part = Following("log", ("id",), options={"publication": "part"})
    stopped(source, "does not hold 't'", 'ALTER PUBLICATION "part" ADD TABLE "public"."t";', part)
    stopped(source, "leaves kinds", "SET (publish = 'insert, update, delete, truncate')", part, "bare")
    stopped(source, "which row of 'bare' was deleted", "REPLICA IDENTITY FULL", Following("log", ("id",)), "bare")
    stopped(source, "which row of 't' was deleted", "REPLICA IDENTITY FULL", Following("log", ("v",)))
    owner.execute("CREATE UNIQUE INDEX wide ON t (id) INCLUDE (v)")
    owner.execute("ALTER TABLE t REPLICA IDENTITY USING INDEX wide")
    stopped(source, "which row of 't' was deleted", "REPLICA IDENTITY FULL", Following("log", ("v",)))
    stopped(source, "is a view", "another strategy", Following("log", ("id",)), "seen")
    owner.execute("DROP PUBLICATION part")
    owner.execute("CREATE PUBLICATION few FOR TABLE t WHERE (id > 5)")
    stopped(source, "leaves rows of 't' out", "DROP TABLE", Following("log", options={"publication": "few"}))
    owner.execute("DROP PUBLICATION few")
    stopped(source, "no option 'slots'", "Did you mean 'slot'", Following("log", options={"slots": "x"}))
    stopped(source, "no name for a slot", "63", Following("log", options={"slot": "Ä"}))
    owner.execute("DROP ROLE IF EXISTS plain")
    owner.execute("CREATE ROLE plain LOGIN")
    owner.execute("GRANT pg_read_all_data TO plain")
    with closing(OdbcSource(connection_string(server.port, "plain"))) as other:
        stopped(other, "may not read the log", 'ALTER ROLE "plain" REPLICATION;')
        assert "log" not in other.probe().changes
    assert "log" in source.probe().changes
    assert "log" in source.probe().deletes
    owner.execute("SELECT pg_create_logical_replication_slot('strange', 'test_decoding')")
    stopped(source, "somebody else's", "option 'slot'", Following("log", options={"slot": "strange"}))
    for number in range(4):
        owner.execute("SELECT pg_create_logical_replication_slot(%s, 'pgoutput')", (f"s{number}",))
    stopped(source, "all 6 replication slots", "max_replication_slots = 16", Following("log", options={"slot": "x"}))


def test_a_partitioned_table_is_followed_through_its_root(owner: psycopg.Connection[Any], source: OdbcSource) -> None:
    owner.execute("CREATE TABLE t (id int, v text, PRIMARY KEY (id)) PARTITION BY RANGE (id)")
    owner.execute("CREATE TABLE low PARTITION OF t FOR VALUES FROM (0) TO (100)")
    owner.execute("CREATE TABLE high PARTITION OF t FOR VALUES FROM (100) TO (200)")
    stopped(source, "does not hold", "publish_via_partition_root = true")
    owner.execute("ALTER PUBLICATION gateway SET (publish_via_partition_root = true)")
    owner.execute("INSERT INTO t VALUES (1, 'a'), (101, 'b')")
    follower = Follower(source)
    follower.poll()
    owner.execute("UPDATE t SET id = id + 50 WHERE id = 101")
    owner.execute("UPDATE t SET id = 2 WHERE id = 151")
    follower.poll()
    assert same(follower.rows, table_now(source))
    assert set(follower.rows) == {("1",), ("2",)}


def test_one_can_go_over_to_the_stream_and_back(
    owner: psycopg.Connection[Any], server: Server, source: OdbcSource
) -> None:
    owner.execute("CREATE TABLE t (id int PRIMARY KEY, v text)")
    owner.execute("INSERT INTO t SELECT n, 's' FROM generate_series(1, 40) n")
    follower = Follower(source, batch=10)
    for batch in source.changes("t", LOG, position=None, batch=10):
        follower.keep(batch)
        if len(follower.batches) == 2:
            break
    address = f"postgresql://reader@127.0.0.1:{server.port}/postgres"
    with closing(OdbcSource(connection_string(server.port), options={"replication": address})) as streaming:
        for turn in range(4):
            owner.execute("UPDATE t SET v = v || %s WHERE id %% 7 = %s", (str(turn), turn))
            follower.source = (streaming, source)[turn % 2]
            follower.poll()
            streaming.close()
            while owner.execute("SELECT 1 FROM pg_replication_slots WHERE active").fetchone():
                pass  # until then, whoever asks over ODBC is told to come again
    assert same(follower.rows, table_now(source))
    assert len([change for batch in follower.batches for change in batch.changes if change.at]) == 23


def test_a_poll_that_lingers_tells_what_comes_meanwhile(
    owner: psycopg.Connection[Any], server: Server, source: OdbcSource
) -> None:
    owner.execute("CREATE TABLE t (id int PRIMARY KEY)")
    following = Following("log", options={"linger_seconds": "30"})
    address = f"postgresql://reader@127.0.0.1:{server.port}/postgres"
    for options in ({}, {"replication": address}):
        with closing(OdbcSource(connection_string(server.port), options=options)) as lingering:
            changes = lingering.changes("t", following, position=None)
            next(changes)
            for number in range(3):
                owner.execute("INSERT INTO t VALUES (%s)", (number,))
                batch = next(changes)
                assert spoken(batch.changes) == [("insert", (str(number),))]
                lingering.ack("t", following, batch.position)
            changes.close()  # type: ignore[attr-defined]
        owner.execute("DELETE FROM t")
    stopped(source, "linger_seconds", "from 0 to 3600", Following("log", options={"linger_seconds": "x"}))


def test_a_stream_to_another_place_is_refused(owner: psycopg.Connection[Any], server: Server) -> None:
    owner.execute("CREATE TABLE t (id int PRIMARY KEY)")
    for address, kind, words in (
        (f"postgresql://nobody:s3cr3t@127.0.0.1:{server.port}/postgres", Stop, "nobody"),
        ("postgresql://reader:s3cr3t@127.0.0.1:1/postgres", Retry, "cannot connect"),
        ("nonsense", Stop, "cannot be read"),
    ):
        with closing(OdbcSource(connection_string(server.port), options={"replication": address})) as source:
            with pytest.raises(kind, match=words) as caught:
                list(source.changes("t", LOG, position=None))
            assert "s3cr3t" not in str(caught.value)


def test_positions_of_something_else_are_refused(followed: Follower) -> None:
    for told in (
        "",
        "{}",
        "[]",
        '{"phase":"snapshot"}',
        followed.position and followed.position.replace("log", "diff"),
    ):
        with pytest.raises(Stop, match="not a position"):
            list(followed.source.changes("t", LOG, position=told))
    with pytest.raises(Stop, match="belongs to the slot"):
        list(followed.source.changes("t", Following("log", options={"slot": "other"}), position=followed.position))


def test_a_slot_that_somebody_reads_is_left_to_him(
    owner: psycopg.Connection[Any], server: Server, followed: Follower
) -> None:
    with psycopg.connect(server.address + "?replication=database", autocommit=True) as reader:
        start = (
            f"START_REPLICATION SLOT {slot_of(followed)} LOGICAL 0/0 (proto_version '1', publication_names 'gateway')"
        )
        reader.pgconn.send_query(start.encode())
        while not owner.execute("SELECT 1 FROM pg_replication_slots WHERE active").fetchone():
            pass
        with pytest.raises(Retry, match="somebody else"):
            list(followed.source.changes("t", LOG, position=None))
        owner.execute("INSERT INTO t VALUES (9)")
        with pytest.raises(Retry, match="Another session uses it"):
            followed.poll()
        reader.pgconn.finish()
    while owner.execute("SELECT 1 FROM pg_replication_slots WHERE active").fetchone():
        pass


def test_the_servers_log_shows_nothing_but_reads(
    owner: psycopg.Connection[Any], server: Server, source: OdbcSource
) -> None:
    begin = len(server.log.read_text())
    owner.execute("CREATE TABLE t (id int PRIMARY KEY, v text)")
    owner.execute("INSERT INTO t SELECT n, 'x' FROM generate_series(1, 50) n")
    follower = Follower(source, batch=20)
    follower.poll()
    owner.execute("UPDATE t SET v = 'y'")
    assert len(follower.poll()) == 50
    follower.poll()
    source.lag("t", LOG)
    text = server.log.read_text()[begin:]
    lines = [line for line in text.splitlines() if line.startswith("reader:")]
    sent = [line.split(": ", 1)[1] for line in lines if "statement: " in line or "execute " in line]
    assert len(sent) > 30
    words = {part.split(maxsplit=1)[0].upper() for line in sent for part in line.split(": ", 1)[-1].split(";") if part}
    assert words <= {"SELECT", "SET", "SHOW", "BEGIN", "COMMIT", "DEALLOCATE", "DECLARE", "FETCH", "CLOSE"}, sent
    assert all(" FOR SELECT " in line.upper() for line in sent if "DECLARE " in line.upper())
