"""What must stand on a MariaDB or MySQL before its log is read, and whether it still tells all since a position."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from adapters.binlogparts import NEW_SNAPSHOT, Place
from adapters.errors import Gap, Stop
from adapters.readonly import guarded

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from adapters.binlogwire import Wire
    from adapters.model import Table
    from adapters.statements import Raw

VARIABLES = (
    "SELECT LOWER(variable_name), variable_value FROM {schema}.global_variables WHERE variable_name IN ('log_bin',"
    " 'binlog_format', 'binlog_row_image', 'binlog_row_value_options', 'binlog_transaction_compression', 'server_id',"
    " 'server_uuid', 'gtid_mode', 'lower_case_table_names', 'log_slave_updates', 'log_replica_updates',"
    " 'optimize_thread_scheduling')"
)
STATUS = (
    "SELECT LOWER(variable_name), variable_value FROM {schema}.global_status WHERE variable_name IN ("
    "'binlog_snapshot_file', 'binlog_snapshot_position', 'slaves_running')"
)
TELLS_ROWS = (
    "SELECT IF(@@global.log_bin = 1 AND @@global.binlog_format = 'ROW'"
    " AND @@global.binlog_row_image = 'FULL', '1', '0')"
)
CASCADES = re.compile(r"(?i)\bON (?:DELETE|UPDATE) (?:CASCADE|SET NULL|SET DEFAULT)\b")
REMEDY = "Have the owner run: SET GLOBAL {0} = '{1}'; and write {0} = {1} below [mysqld] in the server's option file"


def quoted(name: str) -> str:
    """A name as SQL has it."""
    return "`" + name.replace("`", "``") + "`"


@dataclass(frozen=True, slots=True)
class Facts:
    """What the server says of itself. `settings` are its global variables, `reached` where its log ends."""

    mysql: bool
    version: str
    settings: Mapping[str, str]
    reached: Place
    left_out: tuple[str, str]
    created: str
    replica: bool

    @property
    def server(self) -> str:
        """Which server it is."""
        return self.settings.get("server_uuid") or self.settings.get("server_id", "")

    @property
    def folded(self) -> bool:
        """Whether the names of tables are the same whatever their case."""
        return self.settings.get("lower_case_table_names", "0") != "0"


class Server:
    """What is asked of a server besides its log."""

    def __init__(self, wire: Wire, table: Table) -> None:
        self.wire = wire
        self._table = table
        self._mysql = False
        self._variables = "information_schema"
        self._status = "SHOW MASTER STATUS"

    def facts(self) -> Facts:
        """All that is to be checked before the log is read."""
        version = str(self.wire.ask("SELECT VERSION()")[0][0])
        self._mysql = "mariadb" not in version.lower()
        if self._mysql:
            self._variables = "performance_schema"
            if tuple(int(part) for part in re.findall(r"\d+", version)[:2]) >= (8, 2):
                self._status = "SHOW BINARY LOG STATUS"
        settings = {str(name): str(value) for name, value in self.wire.ask(VARIABLES.format(schema=self._variables))}
        if settings.get("log_bin", "OFF") != "ON":
            raise Stop(
                "the server keeps no log of its changes: log_bin is OFF",
                "Have the owner write below [mysqld] in the server's option file: log_bin = mysql-bin, server_id = 1,"
                " binlog_format = ROW, binlog_row_image = FULL; then restart the server",
            )
        row = self._row()
        created = self.wire.ask(f"SHOW CREATE TABLE {quoted(self._table.schema)}.{quoted(self._table.local)}")[0]
        return Facts(
            self._mysql,
            version,
            settings,
            Place(str(row[0]), int(row[1])),
            (str(row[2] or ""), str(row[3] or "")),
            str(created[1]) if len(created) == 2 else "",
            self._told_status().get("slaves_running", "0") != "0",
        )

    def reached(self) -> Place:
        """Where the log ends; all that a reader sees is before."""
        row = self._row()
        return Place(str(row[0]), int(row[1]))

    def seen(self) -> Place | None:
        """Up to where of the log a reader sees all; None where the server does not tell (MySQL)."""
        told = self._told_status()
        if "binlog_snapshot_file" not in told:
            return None
        return Place(told["binlog_snapshot_file"], int(told["binlog_snapshot_position"]))

    def executed(self, gtid: str) -> bool:
        """Whether readers see a transaction of MySQL, which counts as executed when they do."""
        return bool(self.wire.ask("SELECT GTID_SUBSET(%s, @@global.gtid_executed)", gtid)[0][0])

    def gtids(self, place: Place) -> tuple[str, ...]:
        """The last transaction of each domain at a place (MariaDB)."""
        if self._mysql:
            return ()
        found = self.wire.ask("SELECT BINLOG_GTID_POS(%s, CAST(%s AS SIGNED))", place.file, str(place.at))[0][0]
        return tuple(part for part in str(found or "").split(",") if part)

    def files(self) -> dict[str, int]:
        """The files of the log and their sizes."""
        return {str(row[0]): int(row[1]) for row in self.wire.ask("SHOW BINARY LOGS")}

    def _row(self) -> tuple[Any, ...]:
        rows = self.wire.ask(self._status)
        if not rows:
            raise Stop("the server keeps no log of its changes", "Have the owner set log_bin and restart the server")
        return (*rows[0], "", "")

    def _told_status(self) -> dict[str, str]:
        found = self.wire.ask(STATUS.format(schema=self._variables))
        return {str(name): str(value) for name, value in found}


def ready(facts: Facts, table: Table, *, cascades: bool) -> None:
    """Whether the owner has done his part. `cascades` is whether changes by foreign keys may be missed.

    Raises:
        Stop: Not yet; the remedy is what to run.
    """
    settings = facts.settings
    name = f"{table.schema}.{table.local}"
    only, never = (part.split(",") if part else [] for part in facts.left_out)
    updates = settings.get("log_slave_updates") or settings.get("log_replica_updates") or "ON"
    cases: tuple[tuple[bool, str, str], ...] = (
        (
            settings.get("binlog_format", "ROW").upper() != "ROW",
            f"the server logs statements instead of rows: binlog_format is {settings.get('binlog_format')!r}",
            REMEDY.format("binlog_format", "ROW") + "; sessions that are open keep the old one",
        ),
        (
            settings.get("binlog_row_image", "FULL").upper() != "FULL",
            f"the server logs some columns only: binlog_row_image is {settings.get('binlog_row_image')!r}",
            REMEDY.format("binlog_row_image", "FULL") + "; sessions that are open keep the old one",
        ),
        (
            bool(settings.get("binlog_row_value_options")),
            f"the server logs parts: binlog_row_value_options is {settings.get('binlog_row_value_options')!r}",
            REMEDY.format("binlog_row_value_options", ""),
        ),
        (
            settings.get("binlog_transaction_compression", "OFF") == "ON",
            "the server compresses its transactions, which is not read here: binlog_transaction_compression is ON",
            REMEDY.format("binlog_transaction_compression", "OFF"),
        ),
        (
            settings.get("optimize_thread_scheduling", "ON") == "OFF",
            "the server does not say which transactions a reader sees: optimize_thread_scheduling is OFF",
            "Have the owner remove optimize_thread_scheduling from the server's option file and restart it",
        ),
        (
            (bool(only) and table.schema not in only) or table.schema in never,
            f"the server does not log the database {table.schema!r} (binlog_do_db, binlog_ignore_db)",
            "Have the owner take the option out of the server's option file and restart it",
        ),
        (
            facts.replica and updates == "OFF",
            "the server is a replica that does not log what it replicates: log_slave_updates is OFF",
            "Read the log of its primary server, or have the owner set log_slave_updates = ON and restart the server",
        ),
        (
            not facts.created.upper().startswith("CREATE TABLE"),
            f"{table.name!r} is no table of rows that are logged",
            "Follow it by another strategy",
        ),
        (
            "WITH SYSTEM VERSIONING" in facts.created.upper(),
            f"{table.name!r} keeps its own history (WITH SYSTEM VERSIONING), which the log mixes with its rows",
            "Follow it by another strategy (diff, watermark)",
        ),
        (
            bool(CASCADES.search(facts.created)) and not cascades,
            (
                f"rows of {name} may be changed by a foreign key (ON DELETE or ON UPDATE), and the server does not log"
                " such changes"
            ),
            (
                "Follow it by another strategy (diff), or accept that they are missed with the option"
                " 'cascades: accepted', and compare at night"
            ),
        ),
    )
    for wrong, message, remedy in cases:
        if wrong:
            raise Stop(message, remedy)


def unbroken(facts: Facts, server: Server, told: str, end: Place) -> None:
    """Whether the log still tells all that came after a position of the server `told`.

    Raises:
        Gap: It does not.
    """
    if facts.server != told:
        raise Gap(
            f"the position belongs to the server {told!r}, and {facts.server!r} answers: places in their logs differ",
            NEW_SNAPSHOT + "; or connect to the server that it was",
        )
    files = server.files()
    if end.file not in files:
        first = min(files, key=lambda name: Place(name, 0).order, default="none")
        raise Gap(
            f"the server has thrown the file {end.file!r} of its log away before it was read; the first is {first!r}",
            NEW_SNAPSHOT
            + ". Have the owner keep the log for longer: SET GLOBAL expire_logs_days (binlog_expire_logs_seconds)",
        )
    if end.at > files[end.file]:
        raise Gap(f"the file {end.file!r} of the log is shorter than it was: it ends before {end.at}", NEW_SNAPSHOT)


def logs_rows(fetch: Callable[[str, Sequence[str], str], list[Raw]]) -> bool:
    """Whether the server's log tells of rows, as a probe asks it."""
    return fetch(guarded(TELLS_ROWS), (), "cannot ask whether the server logs its changes")[0][0] == "1"
