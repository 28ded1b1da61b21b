"""What must stand on the server before a slot can be made, and whether one still tells all since a position."""

from __future__ import annotations

from typing import TYPE_CHECKING

from adapters.errors import Gap, Stop
from adapters.pgoutput import lsn_text
from adapters.readonly import guarded
from adapters.replication import identifier

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from adapters.model import Table
    from adapters.slots import Facts, Slot
    from adapters.statements import Raw

VERSION_MIN = 130000
KINDS = ("insert", "update", "delete", "truncate")


ALLOWED = """SELECT CASE WHEN CAST(current_setting('server_version_num') AS integer) >= 130000
AND current_setting('wal_level') = 'logical' AND NOT pg_is_in_recovery()
AND (SELECT bool_or(o.rolreplication OR o.rolsuper) FROM pg_catalog.pg_roles o WHERE o.rolname = current_user
OR (o.rolname = 'rds_replication' AND pg_has_role(o.oid, 'USAGE'))) THEN '1' ELSE '0' END"""


def allowed(fetch: Callable[[str, Sequence[str], str], list[Raw]]) -> bool:
    """Whether the server keeps a log that this login may read; the rest is one table's matter."""
    return fetch(guarded(ALLOWED), (), "cannot see whether the log can be read")[0][0] == "1"


def ready(facts: Facts, slot: Slot, table: Table, key: Sequence[str]) -> None:
    """Whether the owner has done his part.

    Raises:
        Stop: Not yet; the remedy is the SQL to run.
    """
    name = f"{identifier(table.schema)}.{identifier(table.local)}"
    publication = identifier(slot.publication)
    published, columns = facts["published"] or {}, facts["identity_columns"] or []
    all_kinds = all(
        (facts["publication"] or {}).get(f"pub{kind}") for kind in ("insert", "update", "delete", "truncate")
    )
    root = " WITH (publish_via_partition_root = true)" if facts["kind"] == "p" else ""
    cases: tuple[tuple[bool, str, str], ...] = (
        (
            facts["version"] < VERSION_MIN,
            f"the server's version is {facts['version']}, and its log is read from PostgreSQL 13 on",
            "Follow the table by another strategy",
        ),
        (
            bool(facts["standby"]),
            "the server is a standby, which makes no slots for us",
            "Connect to the primary server, or follow the table by another strategy",
        ),
        (
            facts["wal_level"] != "logical",
            f"the server's log holds too little: wal_level is {facts['wal_level']!r}",
            "Have the owner run: ALTER SYSTEM SET wal_level = 'logical'; then restart the server",
        ),
        (
            not facts["may"],
            f"the login {facts['login']!r} may not read the log",
            (
                f"Have the owner run: ALTER ROLE {identifier(facts['login'])} REPLICATION; (on Amazon RDS: GRANT"
                f" rds_replication TO {identifier(facts['login'])};). It also permits copying the whole server"
            ),
        ),
        (
            facts["kind"] not in ("r", "p") or facts["persistence"] != "p",
            f"{table.name!r} is a view, a foreign or an unlogged table: the log does not tell of it",
            "Follow it by another strategy",
        ),
        (
            not facts["publication"],
            f"there is no publication {slot.publication!r}",
            f"Have the owner run: CREATE PUBLICATION {publication} FOR TABLE {name}{root};",
        ),
        (
            not published,
            f"the publication {slot.publication!r} does not hold {table.name!r}",
            f"Have the owner run: ALTER PUBLICATION {publication} ADD TABLE {name};"
            + (f" ALTER PUBLICATION {publication} SET (publish_via_partition_root = true);" if root else ""),
        ),
        (
            not all_kinds,
            f"the publication {slot.publication!r} leaves kinds of changes out",
            f"Have the owner run: ALTER PUBLICATION {publication} SET (publish = 'insert, update, delete, truncate');",
        ),
        (
            bool(published.get("rowfilter")),
            f"the publication {slot.publication!r} leaves rows of {table.name!r} out: {published.get('rowfilter')}",
            (
                f"Have the owner run: ALTER PUBLICATION {publication} DROP TABLE {name};"
                f" ALTER PUBLICATION {publication} ADD TABLE {name};"
            ),
        ),
        (
            facts["identity"] != "f" and not set(key) <= set(columns),
            (
                f"the log does not tell which row of {table.name!r} was deleted: of an old row it holds"
                f" {columns or 'nothing'}, and the key is {list(key)}"
            ),
            f"Have the owner run: ALTER TABLE {name} REPLICA IDENTITY FULL;",
        ),
        (
            not facts.slot and facts["slots"] >= facts["slots_max"],
            f"all {facts['slots_max']} replication slots of the server are taken",
            (
                f"Have the owner run: ALTER SYSTEM SET max_replication_slots = {facts['slots_max'] + 10}; then restart"
                " the server; or let go of a slot that nobody reads: SELECT pg_drop_replication_slot(…)"
            ),
        ),
        (
            bool(facts.slot)
            and ((facts.slot or {}).get("plugin"), (facts.slot or {}).get("database"))
            != ("pgoutput", facts["database"]),
            (
                f"the slot {slot.name!r} is somebody else's: {(facts.slot or {}).get('plugin')!r} in the database"
                f" {(facts.slot or {}).get('database')!r}"
            ),
            "Name another with the option 'slot'",
        ),
    )
    for wrong, message, remedy in cases:
        if wrong:
            raise Stop(message, remedy)


NEW_SNAPSHOT = "Changes between may be lost: forget the position, so that all rows are read again and compared"


def unbroken(facts: Facts, name: str, *, system: str, timeline: str, oid: int, membership: str, end: int) -> None:
    """Whether the slot still tells all that came after a position.

    Raises:
        Gap: It does not.
    """
    slot = facts.slot or {}
    lost = slot.get("wal_status") == "lost" or slot.get("invalidation_reason")
    cases = (
        (facts["system"] != system, f"this is another server: it calls itself {facts['system']}, not {system}"),
        (
            facts["timeline"] != timeline,
            f"the server was restored, or a standby took over: timeline {facts['timeline']}, not {timeline}",
        ),
        (
            facts.flush < end,
            f"the server was restored: its log ends at {lsn_text(facts.flush)}, before {lsn_text(end)}",
        ),
        (facts["oid"] != oid, "the table was dropped and made anew"),
        (facts["membership"] != membership, "the table was taken out of the publication and put back"),
        (not slot, f"the slot {name!r} is gone"),
        (
            bool(lost),
            f"the server gave up the slot {name!r}: it kept more of the log than max_slot_wal_keep_size allows",
        ),
        (
            facts.confirmed > end,
            (
                f"the slot {name!r} begins at {lsn_text(facts.confirmed)}, after {lsn_text(end)}: it was made anew, or"
                " somebody else reads it too"
            ),
        ),
    )
    for broken, message in cases:
        if broken:
            raise Gap(message, NEW_SNAPSHOT)
