"""A table of SQL Server by the changes that the server keeps: change tracking, or change data capture.

Either is turned on by the owner. Change tracking (:mod:`adapters.changetracking`) tells which rows changed, and is
light; change data capture (:mod:`adapters.changecapture`) tells every change, with the row as it was. Where a table has
both, the first is followed, unless a capture instance is named:

``instance``     the capture instance
``publication``  the same, under the name that other databases have for what is published of a table

Nothing is made on the server, and nobody there keeps anything for us: changes are thrown away after the owner's
retention whether we have read them or not. When that happens it is a Gap.
"""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING

from adapters.changecapture import KIND as CDC
from adapters.changecapture import ChangeCapture
from adapters.changetracking import KIND as TRACKING
from adapters.changetracking import ChangeTracking
from adapters.errors import Stop, nearest
from adapters.readonly import guarded
from adapters.sqlserverparts import KEPT_ANYWHERE, Server, not_a_position

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from adapters.model import Batch, Column, Following
    from adapters.sqlserverparts import TableReader
    from adapters.statements import Raw

OPTIONS = ("instance", "publication")


def keeps_changes(fetch: Callable[[str, Sequence[str], str], list[Raw]]) -> bool:
    """Whether the server keeps the changes of any table; which, is the table's matter."""
    return bool(fetch(guarded(KEPT_ANYWHERE), (), "cannot see whether changes are kept"))


def followed(
    reader: TableReader,
    key: Sequence[Column],
    following: Following,
    *,
    position: str | None,
    batch: int,
    pause: Callable[[float], None] = time.sleep,
) -> Iterator[Batch]:
    """The changes of a table from a position on, in whichever way they are kept.

    Raises:
        Stop: Nothing is kept, an option is unknown, or the position belongs to something else.
        Gap: Changes since the position may be lost.
    """
    for name in following.options:
        if name not in OPTIONS:
            raise Stop(f"the strategy 'log' has no option {name!r} here", nearest(name, OPTIONS))
    instance = following.options.get("instance") or following.options.get("publication") or ""
    kind = _kind(reader, instance) if position is None else _kind_of(position)
    if kind == TRACKING and instance:
        raise Stop(
            f"the position was reached by change tracking, not by the capture instance {instance!r}",
            "Forget the position, so that a new snapshot is taken, or take the instance out",
        )
    if kind == TRACKING:
        yield from ChangeTracking(reader, key, batch, pause=pause).batches(position)
    else:
        yield from ChangeCapture(reader, key, instance, batch).batches(position)


def _kind(reader: TableReader, instance: str) -> str:
    """How the table is to be followed.

    Raises:
        Stop: Nothing is kept; the remedy is the SQL to run.
    """
    if instance:
        return CDC
    kept = Server(reader).kept()
    if kept.tracked:
        return TRACKING
    if kept.captured:
        return CDC
    name = f'"{reader.table.schema}"."{reader.table.local}"'
    raise Stop(
        f"the server keeps no changes of {reader.table.name!r} that this login can see",
        "Have the owner run: ALTER DATABASE CURRENT SET CHANGE_TRACKING = ON (CHANGE_RETENTION = 7 DAYS, AUTO_CLEANUP"
        f" = ON); ALTER TABLE {name} ENABLE CHANGE_TRACKING; GRANT SELECT, VIEW CHANGE TRACKING ON {name} TO the login."
        " Or follow the table by another strategy (diff)",
    )


def _kind_of(position: str) -> str:
    try:
        kind = json.loads(position)["kind"]
    except (ValueError, TypeError, KeyError):
        kind = None
    if kind not in (TRACKING, CDC):
        raise not_a_position(position)
    return str(kind)
