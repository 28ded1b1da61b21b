"""MariaDB's log by a real server: what it tells is what a page shows, and nothing is lost, doubled or guessed."""

from __future__ import annotations

import os
import random
import re
import shutil
import struct
import subprocess
import threading
import time
from contextlib import closing, contextmanager
from decimal import Decimal
from itertools import count
from typing import TYPE_CHECKING, Any

import pymysql
import pytest

from adapters.binlogwire import Wire
from adapters.connections import driver_manager, parsed
from adapters.errors import Gap, Stop
from adapters.mariadb import Log
from adapters.model import Following, Selection
from adapters.odbc import OdbcSource
from adapters.tablereads import TableReader
from tests.servers import free_port, mariadb, mariadb_missing

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from adapters.model import Batch, Change

DRIVER = "MariaDB Unicode"
missing = mariadb_missing() or (
    None if DRIVER in driver_manager().drivers() else "no ODBC driver for MariaDB: apt-get install odbc-mariadb"
)
pytestmark = [pytest.mark.server, pytest.mark.skipif(bool(missing), reason=missing or "it can run")]

WRITABLE = {"accept_writable_login": "a server without system tables knows no rights"}
LOGGED = (
    "--log-warnings=1",
    "--log-bin=bin",
    "--server-id=7",
    "--binlog-format=ROW",
    "--binlog-row-image=FULL",
    "--sync-binlog=0",
)
FOLLOWING = Following("log")


@pytest.fixture(scope="module")
def general_log(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("server") / "general.log"


@pytest.fixture(scope="module")
def port(general_log: Path) -> Iterator[int]:
    with mariadb(options=(*LOGGED, "--general-log=1", f"--general-log-file={general_log}")) as found:
        yield found


def login(port: int) -> Any:
    return pymysql.connect(
        host="127.0.0.1", port=port, user="owner", database="erp", autocommit=True, charset="utf8mb4"
    )


def at(port: int) -> str:
    return f"Driver={{{DRIVER}}};Server=127.0.0.1;Port={port};Database=erp;Uid=owner"


class Owner:
    """The owner's way in."""

    def __init__(self, port: int) -> None:
        self.connection = login(port)

    def run(self, sql: str, *values: Any) -> Any:
        with self.connection.cursor() as cursor:
            cursor.execute(sql, values or None)
            return cursor.fetchall()


@pytest.fixture
def owner(port: int) -> Iterator[Owner]:
    found = Owner(port)
    found.run("DROP DATABASE erp")
    found.run("CREATE DATABASE erp CHARACTER SET utf8mb4")
    found.run("USE erp")
    found.run("SET SESSION sql_mode = ''")
    yield found
    found.connection.close()


@pytest.fixture
def source(port: int) -> Iterator[OdbcSource]:
    with closing(OdbcSource(at(port), options=WRITABLE)) as found:
        yield found


class Store:
    """Keeps what a store keeps, in the order in which it was told."""

    def __init__(self, following: Following = FOLLOWING) -> None:
        self.following = following
        self.rows: dict[tuple[Any, ...], dict[str, Any]] = {}
        self.position: str | None = None
        self.memory: dict[str, bytes | None] = {}
        self.told: list[Change] = []
        self.drift: list[str] = []

    def keep(self, batch: Batch) -> None:
        for change in batch.changes:
            if change.row is None:
                self.rows.pop(change.key, None)
            else:
                self.rows[change.key] = change.row
        self.told += batch.changes
        self.drift += batch.drift
        self.position = batch.position
        self.memory.update(batch.memory)

    def follow(self, source: OdbcSource, table: str, *, batch: int = 1000, only: int | None = None) -> list[Change]:
        """What is told now; after `only` batches the follower is gone."""
        before = len(self.told)
        told = source.changes(table, self.following, position=self.position, recall=self.memory.get, batch=batch)
        for number, each in enumerate(told, 1):
            self.keep(each)
            if number == only:
                break
        return self.told[before:]


def stands(source: OdbcSource, table: str) -> list[dict[str, Any]]:
    rows, after = [], None
    while True:
        page = source.page(table, Selection(limit=10_000, after=after))
        rows += page.rows
        after = page.next
        if after is None:
            return rows


def shown(rows: Any) -> list[str]:
    """Rows as text, so that 1.50 is not 1.5."""
    return sorted(map(repr, rows))


def equal(store: Store, source: OdbcSource, table: str) -> None:
    assert shown(store.rows.values()) == shown(stands(source, table))


# Types ----------------------------------------------------------------------------------------------------------------

LETTERS = "aZ ß€'\"\\\t\n%😀漢é"
# No NUL: the ODBC driver cuts a page's text there, and the log does not.


def text(letters: str, size: int) -> Callable[[random.Random], Any]:
    return lambda rng: "".join(rng.choice(letters) for _ in range(rng.choice((0, 1, size, rng.randrange(size + 1)))))


def whole(bits: int, *, signed: bool) -> Callable[[random.Random], Any]:
    low, high = (-(1 << bits - 1), (1 << bits - 1) - 1) if signed else (0, (1 << bits) - 1)
    return lambda rng: rng.choice((low, high, 0, rng.randint(low, high)))


def digits(precision: int, scale: int) -> Callable[[random.Random], Any]:
    def number(rng: random.Random) -> Decimal:
        most = 10**precision - 1
        return Decimal(rng.choice((most, -most, 0, 1, -1, rng.randint(-most, most)))).scaleb(-scale)

    return lambda rng: f"{number(rng):f}"


def octets(size: int) -> Callable[[random.Random], Any]:
    return lambda rng: rng.choice((b"", b"\0", rng.randbytes(size), rng.randbytes(rng.randrange(size)) + b"\0\0"))[
        :size
    ]


def day(rng: random.Random) -> str:
    fixed = ("0000-00-00", "2024-00-00", "2024-02-00", "0001-01-01", "9999-12-31", "2024-02-29")
    return rng.choice((*fixed, f"{rng.randrange(10000):04}-{rng.randint(1, 12):02}-{rng.randint(1, 28):02}"))


def clock(rng: random.Random) -> str:
    below = rng.choice(("", ".5", ".123456", ".000001", ".999999", ".1"))
    return f"{rng.randrange(24):02}:{rng.randrange(60):02}:{rng.randrange(60):02}{below}"


def moment(rng: random.Random) -> str:
    return f"{day(rng)} {clock(rng)}"


def instant(rng: random.Random) -> str:
    usual = f"{rng.randint(1971, 2037)}-{rng.randint(1, 12):02}-{rng.randint(1, 28):02} {clock(rng)}"
    return rng.choice(("0000-00-00 00:00:00", "1970-01-01 00:00:01", "2038-01-19 03:14:07", usual))


def span(rng: random.Random) -> str:
    usual = f"{rng.choice(('', '-'))}{rng.randrange(839)}:{clock(rng)[3:]}"
    return rng.choice(("00:00:00", "-00:00:00.000001", "838:59:59", "-838:59:59", "-00:00:00.5", usual))


def double(rng: random.Random) -> Any:
    found = struct.unpack("<d", rng.randbytes(8))[0]
    finite = found if abs(found) < 1e300 else 0.0
    return rng.choice(
        (0, -0.0, 1.5, 0.1, 1e15, 1e16, 123456789012345680.0, 1e-5, 5e-324, 1.7976931348623157e308, finite)
    )


def single(rng: random.Random) -> Any:
    found = struct.unpack("<f", rng.randbytes(4))[0]
    finite = found if abs(found) < 1e38 else 0.0
    return rng.choice((0, 1.1, 0.1, 1234567, 16777216, 3.4028235e38, 1.17549435e-38, -2.5, finite))


def one_of(*values: Any) -> Callable[[random.Random], Any]:
    return lambda rng: rng.choice(values)


# column → its type, and what makes its values
KINDS: dict[str, tuple[str, Callable[[random.Random], Any]]] = {
    **{
        f"{name}{'' if signed else '_u'}": (f"{name}{'' if signed else ' unsigned'}", whole(bits, signed=signed))
        for name, bits in (("tinyint", 8), ("smallint", 16), ("mediumint", 24), ("int", 32), ("bigint", 64))
        for signed in (True, False)
    },
    "zerofill": ("int(7) unsigned zerofill", whole(20, signed=False)),
    "bool_": ("boolean", one_of(0, 1)),
    "bit1": ("bit(1)", one_of(0, 1)),
    "bit9": ("bit(9)", whole(9, signed=False)),
    "bit64": ("bit(64)", whole(64, signed=False)),
    "single": ("float", single),
    "single_fixed": ("float(9,3)", one_of(0, 1.5, -1234.5678, 0.0005)),
    "double_": ("double", double),
    "double_fixed": ("double(15,4)", one_of(0, 1.5, -1234.56789, 99999999999.9999)),
    **{
        f"decimal_{precision}_{scale}": (f"decimal({precision},{scale})", digits(precision, scale))
        for precision, scale in ((1, 0), (10, 2), (9, 9), (18, 9), (20, 0), (38, 10), (65, 30), (5, 4))
    },
    "decimal_padded": ("decimal(8,2) unsigned zerofill", one_of("0", "1.5", "999999.99")),
    "date_": ("date", day),
    **{f"datetime_{size}": (f"datetime({size})", moment) for size in range(7)},
    **{f"timestamp_{size}": (f"timestamp({size}) null", instant) for size in range(7)},
    **{f"time_{size}": (f"time({size})", span) for size in range(7)},
    "year_": ("year", one_of(0, 1901, 2026, 2155)),
    "char_": ("char(20)", text(LETTERS, 20)),
    "char_long": ("char(200)", text(LETTERS, 200)),
    "varchar_": ("varchar(60)", text(LETTERS, 60)),
    "varchar_long": ("varchar(300)", text(LETTERS, 300)),
    "latin1": ("varchar(40) character set latin1", text("aä€\x81ÿ'", 40)),
    "latin1_char": ("char(255) character set latin1", text("aä€ÿ'", 255)),
    "latin2": ("text character set latin2", text("aąžŔ", 40)),
    "cp1251": ("varchar(40) character set cp1251", text("a\u0416\u044f", 40)),
    "koi8r": ("varchar(40) character set koi8r", text("a\u0416\u044f", 40)),
    "cp850": ("varchar(40) character set cp850", text("aäß", 40)),
    "hp8": ("varchar(40) character set hp8", text("aäß", 40)),
    "ascii": ("varchar(40) character set ascii", text("aZ", 40)),
    "ucs2": ("varchar(40) character set ucs2", text("aä漢", 40)),
    "utf16": ("varchar(40) character set utf16", text("aä漢😀", 40)),
    "utf32": ("varchar(40) character set utf32", text("aä漢😀", 40)),
    "utf8mb3": ("varchar(40) character set utf8mb3", text("aä漢", 40)),
    "sjis": ("varchar(40) character set sjis", text("aカ漢", 40)),
    "gbk": ("varchar(40) character set gbk", text("a漢", 40)),
    "big5": ("varchar(40) character set big5", text("a漢", 40)),
    "euckr": ("varchar(40) character set euckr", text("a한", 40)),
    "ujis": ("varchar(40) character set ujis", text("aカ漢", 40)),
    "binary_": ("binary(8)", octets(8)),
    "varbinary_": ("varbinary(300)", octets(300)),
    **{
        f"{size}{kind}": (f"{size}{kind}", text(LETTERS, 60) if kind == "text" else octets(200))
        for size in ("tiny", "", "medium", "long")
        for kind in ("text", "blob")
    },
    "enum_": ("enum('a','it''s','ä, unsigned','')", one_of("a", "it's", "ä, unsigned", "", 0)),
    "set_": ("set('x','y','it''s zerofill','ü')", one_of("", "x", "x,ü", "y,it's zerofill", "x,y,it's zerofill,ü")),
    "json_": ("json", one_of('{"a": [1, 2.5, "ü"]}', "null", "[]")),
    "inet4_": ("inet4", one_of("0.0.0.0", "10.0.0.1", "255.255.255.0")),
    "inet6_": ("inet6", one_of("::", "::1", "2001:db8::ff00:42:8329", "::ffff:1.2.3.4", "::1.2.3.4", "fe80:0:0:1::")),
    "uuid_": ("uuid", one_of("123e4567-e89b-12d3-a456-426614174000", "018e4567-e89b-72d3-a456-426614174000")),
}


def filled(owner: Owner, numbers: range, rng: random.Random) -> None:
    """Rows with random values; one in eight has none."""
    columns = ", ".join(f"`{name}`" for name in KINDS)
    marks = ", ".join(["%s"] * len(KINDS))
    for number in numbers:
        values = [None if number % 8 == 7 or rng.random() < 0.1 else make(rng) for _, make in KINDS.values()]
        owner.run(f"INSERT INTO kinds (id, {columns}, spot) VALUES ({number}, {marks}, POINT({number}, 2.5))", *values)


@pytest.mark.parametrize(("seed", "names"), [(1, "MINIMAL"), (2, "FULL")])
def test_a_row_of_the_log_is_the_row_of_a_page(owner: Owner, source: OdbcSource, seed: int, names: str) -> None:
    owner.run(f"SET GLOBAL binlog_row_metadata = '{names}'")
    columns = ", ".join(f"`{name}` {kind}" for name, (kind, _) in KINDS.items())
    owner.run(f"CREATE TABLE kinds (id INT PRIMARY KEY, {columns}, spot POINT) ROW_FORMAT=DYNAMIC")
    store = Store()
    store.follow(source, "kinds")
    rng = random.Random(seed)
    filled(owner, range(160), rng)
    told = store.follow(source, "kinds")
    rows = stands(source, "kinds")
    assert len(rows) == 160
    for change, row in zip(told, rows, strict=True):
        assert change.row is not None
        wrong = {name: (change.row[name], row[name]) for name in row if repr(change.row[name]) != repr(row[name])}
        assert (change.op, wrong) == ("insert", {})
    owner.run("UPDATE kinds SET `tinyint` = NULL, varchar_ = 'later' WHERE id % 3 = 0")
    owner.run("DELETE FROM kinds WHERE id % 5 = 0")
    changes = store.follow(source, "kinds")
    assert [change.before for change in changes if change.op == "update"] == [row for row in rows if row["id"] % 3 == 0]
    equal(store, source, "kinds")
    owner.run("SET GLOBAL binlog_row_metadata = 'NO_LOG'")


NOT_KEYS = ("single", "double", "json", "varchar_long", "char_long", "latin1_char", "latin2", "varbinary")


KEYS = [name for name in KINDS if "text" not in name and "blob" not in name and not name.startswith(NOT_KEYS)]


@pytest.mark.parametrize("part", range(5))
def test_the_log_names_a_row_as_the_snapshot_does(owner: Owner, source: OdbcSource, part: int) -> None:
    rng, names = random.Random(4), KEYS[part::5]
    assert 0 < len(names) <= 16
    columns = ", ".join(f"`{name}` {KINDS[name][0].removesuffix(' null')} NOT NULL" for name in names)
    owner.run(f"CREATE TABLE keyed ({columns}, n INT, PRIMARY KEY ({', '.join(f'`{name}`' for name in names)}))")
    store, again = Store(), Store()
    store.follow(source, "keyed")
    values = [[KINDS[name][1](rng) for name in names] for _ in range(40)]
    marks = ", ".join(["(" + "%s, " * len(names) + "1)"] * len(values))
    owner.run(f"INSERT IGNORE INTO keyed VALUES {marks}", *(each for row in values for each in row))
    told = [change.key for change in store.follow(source, "keyed")]
    assert len(told) > 20
    assert sorted(change.key for change in again.follow(source, "keyed")) == sorted(told)


# The stream ---------------------------------------------------------------------------------------------------------


@pytest.fixture
def followed(owner: Owner, source: OdbcSource) -> Store:
    owner.run("CREATE TABLE t (id INT PRIMARY KEY, name VARCHAR(40), amount DECIMAL(10,2)) ENGINE=InnoDB")
    owner.run("CREATE TABLE other (id INT PRIMARY KEY, name VARCHAR(40)) ENGINE=InnoDB")
    owner.run("INSERT INTO t SELECT seq, CONCAT('row ', seq), seq / 4 FROM seq_1_to_10")
    store = Store()
    store.follow(source, "t")
    equal(store, source, "t")
    return store


def ops(changes: list[Change]) -> list[tuple[str, tuple[Any, ...]]]:
    return [(change.op, change.key) for change in changes]


def test_each_change_is_told_once_in_the_order_of_the_commits(
    owner: Owner, source: OdbcSource, followed: Store
) -> None:
    owner.run("INSERT INTO t VALUES (11, 'new', 1), (12, 'new', 2)")
    owner.run("UPDATE t SET name = 'x' WHERE id IN (1, 11)")
    owner.run("UPDATE t SET id = 100 WHERE id = 2")
    owner.run("DELETE FROM t WHERE id = 3")
    owner.run("UPDATE t SET name = name WHERE id = 4")
    told = followed.follow(source, "t")
    assert ops(told) == [
        ("insert", ("11",)),
        ("insert", ("12",)),
        ("update", ("1",)),
        ("update", ("11",)),
        ("delete", ("2",)),
        ("insert", ("100",)),
        ("delete", ("3",)),
    ]
    assert told[2].before == {"id": 1, "name": "row 1", "amount": Decimal("0.25")}
    assert len({change.at for change in told}) == len(told)
    equal(followed, source, "t")
    assert followed.follow(source, "t") == []


def test_what_was_rolled_back_or_is_another_tables_is_not_told(
    owner: Owner, source: OdbcSource, followed: Store
) -> None:
    owner.run("BEGIN")
    owner.run("INSERT INTO t VALUES (20, 'gone', 1)")
    owner.run("ROLLBACK")
    owner.run("BEGIN")
    owner.run("INSERT INTO other VALUES (1, 'a')")
    owner.run("INSERT INTO t VALUES (21, 'stays', 1)")
    owner.run("SAVEPOINT s")
    owner.run("INSERT INTO t VALUES (22, 'gone', 1)")
    owner.run("ROLLBACK TO SAVEPOINT s")
    owner.run("UPDATE other JOIN t USING (id) SET other.name = 'b', t.name = 'both' WHERE id = 1")
    owner.run("COMMIT")
    assert ops(followed.follow(source, "t")) == [("insert", ("21",)), ("update", ("1",))]
    equal(followed, source, "t")


def test_a_huge_transaction_comes_in_parts_that_can_be_gone_on_from(
    owner: Owner, source: OdbcSource, followed: Store
) -> None:
    start, memory = followed.position, dict(followed.memory)
    owner.run("BEGIN")
    owner.run("INSERT INTO t SELECT seq, 'many', 1 FROM seq_1000_to_2999")
    owner.run("UPDATE t SET id = id + 5000 WHERE id >= 1000")
    owner.run("COMMIT")
    owner.run("DELETE FROM t WHERE id = 1")
    whole = followed.follow(source, "t", batch=50)
    assert len(whole) == 6001
    assert len({change.at for change in whole}) == 6001
    equal(followed, source, "t")
    again = Store()
    again.position, again.memory = start, memory
    while again.follow(source, "t", batch=50, only=1):
        assert len(again.told) <= 6001
    assert again.told == whole


def test_the_log_goes_on_over_files_and_from_every_position(owner: Owner, source: OdbcSource, followed: Store) -> None:
    places = [(followed.position, 0)]
    for number in range(30, 60):
        owner.run("INSERT INTO t VALUES (%s, 'n', 0)", number)
        if number % 7 == 0:
            owner.run("FLUSH BINARY LOGS")
        if number % 5 == 0:
            followed.follow(source, "t", batch=2)
            places.append((followed.position, len(followed.told)))
    followed.follow(source, "t")
    equal(followed, source, "t")
    begun = len(followed.told) - 30
    for place, told in places:
        again = Store()
        again.position, again.memory = place, followed.memory
        assert again.follow(source, "t", batch=3) == followed.told[max(told, begun) :]


def test_compressed_rows_and_tables_without_transactions_are_told(
    owner: Owner, source: OdbcSource, followed: Store
) -> None:
    owner.run("SET GLOBAL log_bin_compress = ON")
    owner.run("SET GLOBAL log_bin_compress_min_len = 10")
    try:
        owner.run("INSERT INTO t SELECT seq, REPEAT('long ', 8), 1 FROM seq_200_to_400")
        owner.run("UPDATE t SET name = REPEAT('other ', 6) WHERE id > 300")
        owner.run("DELETE FROM t WHERE id > 350")
    finally:
        owner.run("SET GLOBAL log_bin_compress = OFF")
    assert len(followed.follow(source, "t")) == 201 + 100 + 50
    equal(followed, source, "t")
    owner.run("CREATE TABLE plain (id INT PRIMARY KEY, n INT, v INT AS (n + 1) VIRTUAL, p INT AS (n + 2) STORED)")
    owner.run("ALTER TABLE plain ENGINE = MyISAM")
    store = Store()
    store.follow(source, "plain")
    owner.run("INSERT INTO plain (id, n) VALUES (1, 1), (2, 2)")
    owner.run("UPDATE plain SET n = 5 WHERE id = 1")
    assert ops(store.follow(source, "plain")) == [("insert", ("1",)), ("insert", ("2",)), ("update", ("1",))]
    assert [row["p"] for row in store.rows.values()] == [7, 4]


def writing(port: int, number: int, stop: threading.Event) -> None:
    rng = random.Random(number)
    with closing(login(port)) as connection, connection.cursor() as cursor:
        while not stop.wait(0.003):
            one, two = rng.randrange(400), rng.randrange(400)
            statement = rng.choice(
                (
                    f"INSERT IGNORE INTO t VALUES ({one}, 'new {number}', {number})",
                    f"UPDATE t SET name = CONCAT(LEFT(name, 30), '{number}'), amount = {two} WHERE id = {one}",
                    f"DELETE FROM t WHERE id = {one}",
                    f"UPDATE IGNORE t SET id = {two} WHERE id = {one}",
                    f"UPDATE t SET amount = {two} WHERE id BETWEEN {one} AND {one + 9}",
                )
            )
            try:
                cursor.execute(statement)
            except pymysql.err.OperationalError as error:
                assert error.args[0] in (1213, 1205), error  # noqa: PT017 - deadlocks are theirs to try again


def test_a_snapshot_among_eight_writers_ends_in_the_table_from_every_position(
    owner: Owner, source: OdbcSource, port: int
) -> None:
    owner.run("CREATE TABLE t (id INT PRIMARY KEY, name VARCHAR(40), amount DECIMAL(10,2)) ENGINE=InnoDB")
    owner.run("INSERT INTO t SELECT seq, 'first', 1 FROM seq_1_to_300")
    stop = threading.Event()
    writers = [threading.Thread(target=writing, args=(port, number, stop)) for number in range(8)]
    for writer in writers:
        writer.start()
    stores = [Store()]
    try:
        for _ in range(8):
            # Somebody else goes on from each place where this one stopped.
            stores[0].follow(source, "t", batch=17, only=4)
            copy = Store()
            copy.rows, copy.position, copy.memory = dict(stores[0].rows), stores[0].position, dict(stores[0].memory)
            stores.append(copy)
    finally:
        stop.set()
        for writer in writers:
            writer.join()
    for store in stores:
        while store.follow(source, "t", batch=100) or '"snapshot"' in str(store.position):
            pass
        equal(store, source, "t")


class Meddler:
    """Reads a table, and has its owner change rows of each chunk before it is told."""

    def __init__(self, source: OdbcSource, owner: Owner, table: str) -> None:
        self._inner = TableReader(source._reads, source.schema(table))
        self._owner = owner
        self.dialect = self._inner.dialect

    def rows(self, order: Any, **rest: Any) -> Any:
        read, raws = self._inner.rows(order, **rest)
        self._meddle([int(read.place(raw)[0] or 0) for raw in raws])
        return read, raws

    def columns(self, order: Any, **rest: Any) -> Any:
        read, columns = self._inner.columns(order, **rest)
        self._meddle([int(place[0] or 0) for place in columns.places(read)])
        return read, columns

    def _meddle(self, keys: list[int]) -> None:
        for statement in ("UPDATE t SET name = 'newer' WHERE id = {0}", "DELETE FROM t WHERE id = {1}",
                          "UPDATE t SET id = id + 1000 WHERE id = {2}", "UPDATE t SET id = id - 5000 WHERE id = {3}",
                          "INSERT INTO t VALUES (10000 + {0}, 'later', 1)"):  # fmt: skip
            if len(keys) > 4 and keys[0] < 1000:
                self._owner.run(statement.format(*keys))

    def count(self, where: Any) -> int:
        return self._inner.count(where)


def directly(source: OdbcSource, owner: Owner, port: int, store: Store, **more: Any) -> Log:
    """The strategy itself, among somebody else's changes."""
    table = source.schema("t")
    key = [column for column in table.columns if column.key]
    wire = Wire(parsed(at(port)))
    return Log(wire, FOLLOWING, Meddler(source, owner, "t"), table, key, 10, recall=store.memory.get, **more)


def test_what_changes_after_its_chunk_was_read_is_told_by_the_log(owner: Owner, source: OdbcSource, port: int) -> None:
    owner.run("CREATE TABLE t (id INT PRIMARY KEY, name VARCHAR(40), amount DECIMAL(10,2)) ENGINE=InnoDB")
    owner.run("INSERT INTO t SELECT seq, 'first', 1 FROM seq_1_to_60")
    store = Store()
    for batch in directly(source, owner, port, store).batches(None):
        store.keep(batch)
    equal(store, source, "t")
    assert len({row["id"] for row in store.rows.values() if row["name"] == "newer"}) > 4


def test_no_chunk_is_read_before_all_that_was_told_can_be_seen(
    owner: Owner, source: OdbcSource, port: int, followed: Store
) -> None:
    hidden: list[float] = []
    store = Store()
    log = directly(source, owner, port, store, pause=hidden.append, clock=iter(count(0, 0.1)).__next__)
    truly = log._server.seen
    log._server.seen = lambda: None if (place := truly()) is None else place._replace(at=4)  # type: ignore[method-assign]
    assert [len(batch.changes) for batch in log.batches(None)] == [0]
    assert hidden
    log = directly(source, owner, port, store)
    for batch in log.batches(None):
        store.keep(batch)
    equal(store, source, "t")
    assert followed.position != store.position


# What is lost is a Gap ------------------------------------------------------------------------------------------------


def gap(store: Store, source: OdbcSource, words: str) -> None:
    position = store.position
    with pytest.raises(Gap, match=words) as caught:
        store.follow(source, "t")
    assert "forget the position" in caught.value.remedy
    store.position = position


def test_a_file_that_was_thrown_away_is_a_gap(owner: Owner, source: OdbcSource, followed: Store) -> None:
    owner.run("INSERT INTO t VALUES (11, 'lost', 1)")
    owner.run("FLUSH BINARY LOGS")
    file = owner.run("SHOW MASTER STATUS")[0][0]
    while owner.run("SHOW BINARY LOGS")[0][0] != file:
        owner.run("PURGE BINARY LOGS TO %s", file)  # a file in use stays, without a word
    gap(followed, source, "thrown the file")


def test_a_log_that_was_begun_anew_is_a_gap(owner: Owner, source: OdbcSource, followed: Store) -> None:
    file = owner.run("SHOW MASTER STATUS")[0][0]
    time.sleep(1.1)  # files are told apart by the second in which they were made
    owner.run("RESET MASTER")
    gap(followed, source, "thrown the file|another one of the same name|shorter than it was")
    while owner.run("SHOW MASTER STATUS")[0][0] != file:
        owner.run("FLUSH BINARY LOGS")
    owner.run("INSERT INTO other SELECT seq, REPEAT('x', 40) FROM seq_1_to_500")
    gap(followed, source, "another one of the same name|cannot be read|shorter")


@pytest.mark.parametrize(
    "statement",
    ["TRUNCATE t", "TRUNCATE TABLE erp.t", "DROP TABLE t", "RENAME TABLE t TO u", "ALTER TABLE `t` RENAME TO u",
     "CREATE OR REPLACE TABLE t (id INT PRIMARY KEY)"],
)  # fmt: skip
def test_rows_that_go_untold_are_a_gap_after_all_that_was_before(
    owner: Owner, source: OdbcSource, followed: Store, statement: str
) -> None:
    owner.run("INSERT INTO t VALUES (11, 'before', 1)")
    owner.run(statement)
    owner.run("DROP TABLE IF EXISTS t")
    owner.run("CREATE TABLE t (id INT PRIMARY KEY, name VARCHAR(40), amount DECIMAL(10,2))")
    with pytest.raises(Gap, match="rows went without"):
        followed.follow(source, "t")
    assert ops(followed.told[-1:]) == [("insert", ("11",))]


def test_statements_instead_of_rows_and_rows_without_columns_are_a_gap(
    owner: Owner, source: OdbcSource, followed: Store
) -> None:
    owner.run("SET SESSION binlog_format = 'STATEMENT'")
    owner.run("UPDATE t SET name = 'by statement' WHERE id = 1")
    gap(followed, source, "a statement was logged")
    owner.run("SET SESSION binlog_format = 'ROW'")
    fresh = Store()
    fresh.follow(source, "t")
    owner.run("SET SESSION binlog_row_image = 'MINIMAL'")
    owner.run("UPDATE t SET name = 'minimal' WHERE id = 1")
    gap(fresh, source, "binlog_row_image")
    owner.run("SET SESSION binlog_row_image = 'FULL'")


def test_a_transaction_of_two_phases_is_a_gap_where_it_is_of_this_table(
    owner: Owner, source: OdbcSource, followed: Store
) -> None:
    for table in ("other", "t"):
        owner.run("XA START 'x'")
        owner.run(f"INSERT INTO {table} (id) VALUES (77)")
        owner.run("XA END 'x'")
        owner.run("XA PREPARE 'x'")
        owner.run("XA COMMIT 'x'")
        if table == "other":
            assert followed.follow(source, "t") == []
    gap(followed, source, "two phases")


# The shape ------------------------------------------------------------------------------------------------------------


def test_a_new_shape_is_told_and_followed(owner: Owner, source: OdbcSource, followed: Store) -> None:
    owner.run("INSERT INTO t VALUES (11, 'old shape', 1)")
    owner.run("ALTER TABLE other ADD COLUMN t INT")
    owner.run("ALTER TABLE t ADD COLUMN extra INT UNSIGNED DEFAULT 4000000000 AFTER id, DROP COLUMN amount")
    owner.run("INSERT INTO t (id, name) VALUES (12, 'new shape')")
    told = followed.follow(source, "t")
    assert [list(change.row or ()) for change in told] == [["id", "name", "amount"], ["id", "extra", "name"]]
    assert followed.drift[:2] == ["column 'extra' (int(10) unsigned) is new", "column 'amount' (decimal(10,2)) is gone"]
    assert followed.follow(source, "t") == []


def test_names_that_nobody_knows_any_more_are_not_guessed(owner: Owner, source: OdbcSource, followed: Store) -> None:
    owner.run("ALTER TABLE t RENAME COLUMN name TO first")
    owner.run("INSERT INTO t VALUES (11, 'between', 1)")
    owner.run("ALTER TABLE t RENAME COLUMN first TO second")
    gap(followed, source, "changed again later")


def test_a_change_that_the_log_does_not_tell_of_is_a_gap(owner: Owner, source: OdbcSource, followed: Store) -> None:
    owner.run("SET SESSION sql_log_bin = 0")
    owner.run("ALTER TABLE t RENAME COLUMN name TO first")
    owner.run("SET SESSION sql_log_bin = 1")
    gap(followed, source, "does not tell when")


# Before it begins -----------------------------------------------------------------------------------------------------


def stopped(source: OdbcSource, words: str, remedy: str, following: Following = FOLLOWING, table: str = "t") -> None:
    with pytest.raises(Stop, match=words) as caught:
        list(source.changes(table, following, position=None))
    assert remedy in caught.value.remedy


def test_what_the_owner_must_do_first_is_said_as_sql(owner: Owner, source: OdbcSource) -> None:
    owner.run("CREATE TABLE t (id INT PRIMARY KEY, up INT, FOREIGN KEY (up) REFERENCES t (id) ON DELETE CASCADE)")
    stopped(source, "foreign key", "cascades: accepted")
    assert list(source.changes("t", Following("log", options={"cascades": "accepted"}), position=None))
    owner.run("CREATE OR REPLACE TABLE t (id INT PRIMARY KEY) WITH SYSTEM VERSIONING")
    stopped(source, "its own history", "another strategy")
    owner.run("CREATE OR REPLACE TABLE t (id INT PRIMARY KEY)")
    for name, value in (("binlog_format", "MIXED"), ("binlog_row_image", "MINIMAL")):
        before = owner.run(f"SELECT @@global.{name}")[0][0]
        owner.run(f"SET GLOBAL {name} = '{value}'")
        try:
            stopped(source, name, f"SET GLOBAL {name} = '{before}'")
        finally:
            owner.run(f"SET GLOBAL {name} = '{before}'")
    stopped(source, "no option 'slot'", "", Following("log", options={"slot": "x"}))
    stopped(source, "server_id", "number", Following("log", options={"server_id": "many"}))
    owner.run("CREATE VIEW v AS SELECT * FROM t")
    stopped(source, "no table of rows", "another strategy", Following("log", ("id",)), "v")


def test_positions_of_something_else_are_refused(source: OdbcSource, followed: Store) -> None:
    assert followed.position is not None
    for wrong in ("{}", "nonsense", '{"phase":"done"}', '{"strategy":"log","phase":"stream"}', "[]"):
        with pytest.raises(Stop, match="not a position"):
            list(source.changes("t", FOLLOWING, position=wrong))
    with pytest.raises(Stop, match=r"belongs to 'erp\.t'"):
        list(source.changes("other", FOLLOWING, position=followed.position))
    with pytest.raises(Gap, match="not remembered"):
        list(source.changes("t", FOLLOWING, position=followed.position.replace('"shape":"', '"shape":"0')))
    with pytest.raises(Gap, match="belongs to the server"):
        list(source.changes("t", FOLLOWING, position=followed.position.replace('"server":"7"', '"server":"8"')))


def test_the_server_sees_nothing_but_reads(owner: Owner, port: int, general_log: Path) -> None:
    owner.run("CREATE TABLE t (id INT PRIMARY KEY)")
    owner.run("INSERT INTO t SELECT seq FROM seq_1_to_50")
    before = general_log.stat().st_size
    with closing(OdbcSource(at(port), options=WRITABLE)) as source:
        store = Store()
        store.follow(source, "t", batch=20)
        assert len(store.told) == 50
        store.follow(source, "t")
    with general_log.open(encoding="utf-8") as file:
        file.seek(before)
        said = re.findall(r"(?m)^.*?\s\d+ (\w[\w ]*)\t(.*)$", file.read())
    assert {kind for kind, _ in said} >= {"Query", "Binlog Dump", "Connect"}
    allowed = re.compile(
        r"(?i)SELECT |SHOW |SET (SESSION |SESSION_TRACK_\w+ ?=|NAMES |AUTOCOMMIT ?= ?1|@\w+ ?= ?|STATEMENT )"
    )
    sent = [sql for kind, sql in said if kind in ("Query", "Execute", "Prepare")]
    assert [sql for sql in sent if not allowed.match(sql)] == []


def test_a_login_without_rights_is_told_what_to_ask_for(tmp_path: Path) -> None:
    install = shutil.which("mariadb-install-db")
    if install is None:
        pytest.skip("no mariadb-install-db")
    with mariadb_with_rights(tmp_path, install) as (port, run):
        run("CREATE DATABASE erp", "CREATE TABLE erp.t (id INT PRIMARY KEY)", "CREATE USER reader@'%'",
            "GRANT SELECT ON erp.* TO reader@'%'")  # fmt: skip
        pairs = f"Driver={{{DRIVER}}};Server=127.0.0.1;Port={port};Database=erp;Uid=reader"
        with closing(OdbcSource(pairs)) as source:
            stopped(source, "BINLOG MONITOR", "GRANT REPLICATION SLAVE, BINLOG MONITOR ON *.*")
            run("GRANT BINLOG MONITOR ON *.* TO reader@'%'")
        with closing(OdbcSource(pairs)) as source:
            stopped(source, "REPLICATION SLAVE", "GRANT REPLICATION SLAVE, BINLOG MONITOR ON *.*")
            run("GRANT REPLICATION SLAVE ON *.* TO reader@'%'")
        with closing(OdbcSource(pairs)) as source:
            assert list(source.changes("t", FOLLOWING, position=None))


@contextmanager
def mariadb_with_rights(folder: Path, install: str) -> Iterator[tuple[int, Callable[..., None]]]:
    """A server with system tables, without passwords, and a way in for its owner."""
    as_root = ["--user=root"] if os.geteuid() == 0 else []
    data = [f"--datadir={folder / 'data'}", "--auth-root-authentication-method=normal"]
    subprocess.run(
        [install, "--no-defaults", "--skip-test-db", *as_root, *data],
        check=True, capture_output=True, timeout=300,
    )  # fmt: skip
    port = free_port()
    program = shutil.which("mariadbd", path=f"{os.environ.get('PATH', '')}:/usr/sbin")
    assert program
    command = [program, "--no-defaults", *as_root, data[0], f"--socket={folder / 's'}", f"--port={port}"]
    command += ["--bind-address=127.0.0.1", f"--tmpdir={folder}", *LOGGED]
    server = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    try:
        assert server.stderr is not None
        assert any(b"ready for connections" in line for line in server.stderr)
        with closing(pymysql.connect(host="127.0.0.1", port=port, user="root", autocommit=True)) as root:

            def run(*statements: str) -> None:
                with root.cursor() as cursor:
                    for statement in statements:
                        cursor.execute(statement)

            yield port, run
    finally:
        server.terminate()
        server.communicate()
