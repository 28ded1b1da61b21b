"""A replication slot of PostgreSQL and what must stand around it, asked and moved by SELECT alone.

A slot is the server's promise to keep its log from a place on until we say that we have it. One slot serves one table.
It is made by ``pg_create_logical_replication_slot``, looked into by ``pg_logical_slot_peek_binary_changes``, which
takes nothing away, and moved by ``pg_replication_slot_advance``; all three work in a read-only session. The login needs
SELECT and the attribute REPLICATION; the owner makes the publication. PostgreSQL 13 and later.

The places given to a slot are where a record of the log begins. The end of what is flushed need not be one, and a slot
that is moved into the midst of a commit never tells of it.
"""

from __future__ import annotations

import hashlib
import json
import re
import tempfile
import time
from dataclasses import dataclass, field
from typing import IO, TYPE_CHECKING, Any, Protocol

from adapters.connections import joined, parsed
from adapters.errors import Retry, Stop, nearest
from adapters.model import Lag
from adapters.pgoutput import lsn, lsn_text
from adapters.readonly import guarded
from adapters.replication import Stream, identifier

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from adapters.connections import Connections
    from adapters.model import Following, Table
    from adapters.statements import Raw

PUBLICATION = "gateway"
PREFIX = "gateway_"
"""What the names of slots begin with that we derive."""

OPTIONS = frozenset({"publication", "slot", "linger_seconds"})
SPOOL_BYTES = 8 << 20
LINGER_MAX = 3600
LEAVING_SECONDS = 2.0
NAME = re.compile(r"[a-z0-9_]{1,63}")
NOT_A_NAME = re.compile(r"[^a-z0-9_]+")


class Server(Protocol):
    """The way to the database; every statement has passed the guard."""

    def fetch(self, sql: str, parameters: Sequence[str], doing: str) -> list[Raw]:
        """All rows of a statement."""

    def spool(self, sql: str, parameters: Sequence[str], doing: str) -> Spool:
        """The rows of a statement that gives bytes and a number, fetched a few at a time."""


class Spool:
    """What the server sent, kept on disk where it is much. `total` is the number beside the last bytes."""

    def __init__(self) -> None:
        self._file: IO[bytes] = tempfile.SpooledTemporaryFile(SPOOL_BYTES)  # noqa: SIM115 - closed when it is read
        self._sizes: list[int] = []
        self.total = 0

    def add(self, content: bytes, total: int) -> None:
        """Keep these bytes behind the others."""
        self._file.write(content)
        self._sizes.append(len(content))
        self.total = total

    def __iter__(self) -> Iterator[bytes]:
        """The bytes as they were added."""
        self._file.seek(0)
        for size in self._sizes:
            yield self._file.read(size)

    def close(self) -> None:
        """Forget it."""
        self._file.close()


def in_portions(text: str) -> str:
    """The connection string with which psqlODBC reads some rows at a time, however many there are."""
    pairs = {key: value for key, value in parsed(text).items() if key.lower() not in ("usedeclarefetch", "fetch")}
    return joined({**pairs, "UseDeclareFetch": "1", "Fetch": "32"})


class Way:
    """The way to the database over ODBC: `fetch` reads all rows of a statement, `portions` connects for a spool."""

    def __init__(self, fetch: Callable[[str, Sequence[str], str], list[Raw]], portions: Connections) -> None:
        self._fetch = fetch
        self._portions = portions

    def fetch(self, sql: str, parameters: Sequence[str], doing: str) -> list[Raw]:
        """All rows of a statement."""
        return self._fetch(sql, parameters, doing)

    def spool(self, sql: str, parameters: Sequence[str], doing: str) -> Spool:
        """The rows of a statement that gives bytes and a number."""

        def spooled(cursor: Any) -> Spool:
            kept = Spool()
            try:
                cursor.execute(sql, *parameters)
                while rows := cursor.fetchmany(32):
                    for content, total in rows:
                        kept.add(content, int(total))
            except BaseException:
                kept.close()
                raise
            return kept

        return self._portions.ask(spooled, doing)

    def close(self) -> None:
        """Close what is idle."""
        self._portions.close()


# to_jsonb shows the columns that this version of the server has, and asks for none that it has not.
FACTS = """SELECT CAST(jsonb_build_object(
    'version', CAST(current_setting('server_version_num') AS integer),
    'system', (SELECT CAST(system_identifier AS text) FROM pg_catalog.pg_control_system()),
    'standby', pg_is_in_recovery(),
    'timeline', CASE WHEN NOT pg_is_in_recovery() THEN left(pg_walfile_name(pg_current_wal_insert_lsn()), 8) END,
    'insert', CASE WHEN NOT pg_is_in_recovery() THEN pg_current_wal_insert_lsn() END,
    'flush', CASE WHEN NOT pg_is_in_recovery() THEN pg_current_wal_flush_lsn() END,
    'wal_level', current_setting('wal_level'),
    'login', current_user,
    'database', current_database(),
    'may', (SELECT bool_or(o.rolreplication OR o.rolsuper) FROM pg_catalog.pg_roles o
        WHERE o.rolname = current_user OR (o.rolname = 'rds_replication' AND pg_has_role(o.oid, 'USAGE'))),
    'slots', (SELECT count(*) FROM pg_catalog.pg_replication_slots),
    'slots_max', CAST(current_setting('max_replication_slots') AS integer),
    'slot', (SELECT to_jsonb(s) FROM pg_catalog.pg_replication_slots s WHERE s.slot_name = q.slot),
    'publication', to_jsonb(p), 'published', to_jsonb(m), 'membership', CAST(coalesce(l.oid, p.oid) AS text),
    'oid', CAST(c.oid AS bigint), 'kind', c.relkind, 'persistence', c.relpersistence, 'identity', c.relreplident,
    'identity_columns', (SELECT jsonb_agg(a.attname) FROM pg_catalog.pg_index i
        CROSS JOIN LATERAL unnest(i.indkey) WITH ORDINALITY AS k(attnum, place)
        JOIN pg_catalog.pg_attribute a ON a.attrelid = c.oid AND a.attnum = k.attnum
        WHERE i.indrelid = c.oid AND k.place <= i.indnkeyatts
        AND CASE c.relreplident WHEN 'd' THEN i.indisprimary WHEN 'i' THEN i.indisreplident END),
    'untold', (SELECT jsonb_agg(a.attname) FROM pg_catalog.pg_attribute a
        WHERE a.attrelid = c.oid AND a.attgenerated <> '' AND NOT a.attisdropped)) AS text)
FROM (SELECT CAST(? AS name) AS slot, CAST(? AS name) AS publication,
    CAST(? AS name) AS schema, CAST(? AS name) AS local) q
LEFT JOIN pg_catalog.pg_namespace n ON n.nspname = q.schema
LEFT JOIN pg_catalog.pg_class c ON c.relnamespace = n.oid AND c.relname = q.local
LEFT JOIN pg_catalog.pg_publication p ON p.pubname = q.publication
LEFT JOIN pg_catalog.pg_publication_rel l ON l.prpubid = p.oid AND l.prrelid = c.oid
LEFT JOIN pg_catalog.pg_publication_tables m
    ON m.pubname = q.publication AND m.schemaname = q.schema AND m.tablename = q.local"""

NOW = """SELECT CAST(pg_current_wal_insert_lsn() AS text), CAST(pg_current_wal_flush_lsn() AS text),
CAST(pg_current_snapshot() AS text)"""

# Some 64 KiB of messages at a time, in order; those of other tables stay where they are. Sorting spills to the server's
# disk, hashing would not.
PEEK = """SELECT string_agg(m.data, NULL ORDER BY m.n), CAST(max(m.n) AS text) FROM (
    SELECT c.n, c.data, sum(length(c.data)) OVER (ROWS UNBOUNDED PRECEDING) / 65536 AS part
    FROM pg_logical_slot_peek_binary_changes(CAST(? AS name), CAST(? AS pg_lsn), CAST(? AS integer),
        'proto_version', '1', 'publication_names', CAST(? AS text)) WITH ORDINALITY AS c(lsn, xid, data, n)
    WHERE get_byte(c.data, 0) NOT IN (73, 85, 68) OR substr(c.data, 2, 4) = decode(CAST(? AS text), 'hex')
) m GROUP BY m.part ORDER BY m.part"""

MAKE = "SELECT CAST(lsn AS text) FROM pg_create_logical_replication_slot(CAST(? AS name), 'pgoutput')"
LET_GO = """SELECT CAST(pg_drop_replication_slot(s.slot_name) AS text) FROM pg_catalog.pg_replication_slots s
WHERE s.slot_name = CAST(? AS name)"""
ADVANCE = """SELECT CAST(pg_replication_slot_advance(s.slot_name, CAST(? AS pg_lsn)) AS text)
FROM pg_catalog.pg_replication_slots s, pg_catalog.pg_control_system() c
WHERE s.slot_name = CAST(? AS name) AND s.confirmed_flush_lsn < CAST(? AS pg_lsn)
AND c.system_identifier = CAST(? AS bigint)"""
_STANDS = "CASE WHEN pg_is_in_recovery() THEN pg_last_wal_replay_lsn() ELSE pg_current_wal_{}_lsn() END"
LAG = f"""SELECT s.slot_name, CAST({_STANDS.format("flush")} - s.confirmed_flush_lsn AS text),
CAST({_STANDS.format("insert")} - s.restart_lsn AS text), CAST(s.safe_wal_size AS text), s.wal_status,
CAST(s.active AS text) FROM pg_catalog.pg_replication_slots s"""  # noqa: S608 - constants
LAG_OF_ONE = f"{LAG} WHERE s.slot_name = CAST(? AS name)"
LAG_OF_OURS = f"{LAG} WHERE s.database = current_database() AND s.plugin = 'pgoutput' AND s.slot_name LIKE '{PREFIX}%'"


@dataclass(frozen=True, slots=True)
class Facts:
    """What the server says of itself, the slot, the publication and the table; see `FACTS`."""

    told: Mapping[str, Any]
    slot: Mapping[str, Any] | None = field(default=None)

    def __getitem__(self, name: str) -> Any:
        return self.told[name]

    @property
    def flush(self) -> int:
        """Where the log ends that a crash would leave."""
        return lsn(self.told["flush"])

    @property
    def insert(self) -> int:
        """Where the log's next record begins."""
        return lsn(self.told["insert"])

    @property
    def confirmed(self) -> int:
        """Up to where the slot has been told that we have it."""
        return lsn((self.slot or {}).get("confirmed_flush_lsn") or "0/0")


@dataclass(frozen=True, slots=True)
class Now:
    """Where the log stands, and which transactions a statement would see: ``xmin:xmax:those still running``."""

    insert: int
    flush: int
    snapshot: str

    def sees(self, xid: int) -> bool:
        """Whether what a transaction of the log did can be read. The log knows the lower 32 bits of its number."""
        lowest, following, running = self.snapshot.split(":")
        first = int(following)
        whole = first - ((first - xid + (1 << 31)) % (1 << 32) - (1 << 31))
        return whole < first and (whole < int(lowest) or str(whole) not in running.split(","))


def slot_name(database: str, table: Table) -> str:
    """The slot that a table has where none is named, the same each time and for this table only."""
    whole = json.dumps([database, table.schema, table.local])
    word = NOT_A_NAME.sub("_", table.local.lower())[:40].strip("_")
    return f"{PREFIX}{word}_{hashlib.blake2b(whole.encode(), digest_size=5).hexdigest()}"


def lags(server: Server, name: str = "") -> tuple[Lag, ...]:
    """What the slot of this name costs the server, or each slot of this database that is named as ours are."""
    sql, parameters = (LAG_OF_ONE, (name,)) if name else (LAG_OF_OURS, ())
    rows = server.fetch(guarded(sql), parameters, f"cannot look at the slot {name!r}" if name else "cannot see slots")
    found = []
    for row in rows:
        behind, retained, left = (int(text) if text else None for text in row[1:4])
        found.append(Lag(row[0] or "", behind, retained, left, row[4] or "", row[5] == "true"))
    return tuple(found)


class Slot:
    """One table's slot. It outlives a poll, and knows what it was told since it was made.

    `replication` is the address at which it is streamed, empty where it is asked over ODBC. The option
    `linger_seconds` says how long a poll stays for what comes.
    """

    def __init__(
        self,
        server: Server,
        table: Table,
        following: Following,
        *,
        replication: str = "",
        connect_seconds: float = 10.0,
    ) -> None:
        unknown = sorted(following.options.keys() - OPTIONS)
        if unknown:
            raise Stop(f"the strategy 'log' has no option {unknown[0]!r}", nearest(unknown[0], OPTIONS))
        self._server = server
        self._table = table
        self.publication = following.options.get("publication", PUBLICATION)
        self.name = following.options.get("slot") or self._derived()
        if not NAME.fullmatch(self.name):
            raise Stop(f"{self.name!r} is no name for a slot", "Write up to 63 of a to z, 0 to 9 and the underscore")
        try:
            self.linger_seconds = float(following.options.get("linger_seconds", "0"))
        except ValueError:
            self.linger_seconds = -1.0
        if not 0 <= self.linger_seconds <= LINGER_MAX:
            raise Stop(
                f"option 'linger_seconds' is {following.options['linger_seconds']!r}",
                f"Write a number from 0 to {LINGER_MAX}",
            )
        self.acked = 0
        self.stream: Stream | None = None
        self.replication = replication
        self._connect_seconds = connect_seconds
        self._boundary: tuple[str, int] = ("", 0)

    def _derived(self) -> str:
        rows = self._server.fetch(guarded("SELECT CAST(current_database() AS text)"), (), "cannot name the slot")
        return slot_name(rows[0][0] or "", self._table)

    def facts(self) -> Facts:
        """All that is to be checked before the log is read, in one question."""
        names = (self.name, self.publication, self._table.schema, self._table.local)
        rows = self._server.fetch(guarded(FACTS), names, f"cannot look at the slot {self.name!r}")
        told = json.loads(rows[0][0] or "{}")
        return Facts(told, told["slot"])

    def now(self) -> Now:
        """Where the log stands."""
        insert, flush, snapshot = self._server.fetch(guarded(NOW), (), "cannot see where the log stands")[0]
        return Now(lsn(insert or ""), lsn(flush or ""), snapshot or "")

    def peek(self, oid: int, upto: int, count: int) -> Spool:
        """The messages of whole transactions that were committed before `upto`, at least `count` if there are."""
        parameters = (self.name, lsn_text(upto), str(count), identifier(self.publication), f"{oid:08x}")
        return self._server.spool(guarded(PEEK), parameters, f"cannot look into the slot {self.name!r}")

    def make(self) -> int:
        """Make the slot and return where it begins: all transactions before are seen by whoever reads now.

        Raises:
            Retry: Transactions that were open did not end within the time-out; the server waits for them.
        """
        try:
            rows = self._server.fetch(guarded(MAKE), (self.name,), f"cannot make the slot {self.name!r}")
        except Retry as error:
            raise Retry(
                error.message,
                "A new slot begins when every transaction has ended that was open before: look for the oldest"
                " xact_start in pg_stat_activity, or raise timeout_seconds",
                delay_seconds=30.0,
            ) from None
        self.acked = lsn(rows[0][0] or "")
        return self.acked

    def let_go(self) -> None:
        """Have the server forget the slot, if it is there."""
        self._server.fetch(guarded(LET_GO), (self.name,), f"cannot let go of the slot {self.name!r}")

    def advance(self, system: str, end: int) -> None:
        """All up to `end` is kept here; the server may forget it."""
        if self.stream is not None:
            try:
                self.stream.confirm(end)
            except Retry:
                self.leave()
            else:
                self.acked = max(self.acked, end)
                return
        place = lsn_text(end)
        parameters = (place, self.name, place, system)
        self._server.fetch(guarded(ADVANCE), parameters, f"cannot move the slot {self.name!r}")
        self.acked = max(self.acked, end)

    def streaming(self, system: str, end: int) -> Stream:
        """The stream from `end` on; one that is open goes on where it is.

        Raises:
            Retry: The slot is being read by somebody else, or the server does not answer.
        """
        until = time.monotonic() + LEAVING_SECONDS
        while self.stream is None:
            try:
                self.stream = Stream(
                    self.replication,
                    self.name,
                    self.publication,
                    system,
                    end,
                    self.acked,
                    connect_seconds=self._connect_seconds,
                )
            except Retry as error:
                # The server needs a moment to see that the stream before this one was left.
                if "is active" not in error.message or time.monotonic() > until:
                    raise
                time.sleep(0.02)
        return self.stream

    def leave(self) -> None:
        """End the stream, if there is one."""
        if self.stream is not None:
            self.stream.close()
            self.stream = None

    def lag(self) -> Lag | None:
        """How far the slot is behind, and what it costs the server; None where there is no slot."""
        return next(iter(lags(self._server, self.name)), None)

    def boundary(self, system: str, insert: int, flush: int) -> int:
        """A place where a record begins and that is flushed, as far along as is known; 0 for none.

        Where the next record will be written is such a place; it is flushed when we look the next time at the latest.
        """
        known, place = self._boundary if self._boundary[0] == system else (system, 0)
        reached = insert if flush >= insert else place if flush >= place else 0
        if flush >= place:
            self._boundary = (known, insert)
        return reached
