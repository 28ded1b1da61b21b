"""How a column that grows is followed here: by what it is bounded, and with which options.

``overlap``  how much before the last value a poll begins: seconds, or steps of a number
``wait``     how many seconds a transaction is waited for that has not written yet (3600)
``op``       the column that says what happened, in a table of changes (:mod:`adapters.outbox`)
``of``       the columns that identify the row to which it did, with commas between them
"""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Protocol

from adapters.dialects import native_word
from adapters.errors import Reject, Stop, nearest
from adapters.horizon import READER_SECONDS, horizon_of
from adapters.keyranges import Fetcher
from adapters.outbox import Outbox
from adapters.overlap import Overlap
from adapters.statements import Clause, written
from adapters.watermark import Reader, Watermark

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from adapters.model import Batch, Column, Following, Table
    from adapters.protocol import Recall

OPTIONS = ("overlap", "wait", "op", "of")
OVERLAP_SECONDS = Decimal(60)
OVERLAP_STEPS = Decimal(1000)


class Reading(Reader, Fetcher, Protocol):
    """What reads rows for us and what asks the database for anything else."""


def followed(
    reader: Reading,
    key: Sequence[Column],
    column: Column | None,
    following: Following,
    *,
    position: str | None,
    recall: Recall,
    batch: int,
) -> Iterator[Batch]:
    """The changes by a column that grows, or a snapshot where there is none.

    Raises:
        Reject: ``unknown_column`` in an option.
        Stop: An option is unknown or its value unsuitable.
    """
    for name in following.options:
        if column is not None and name not in OPTIONS:
            raise Stop(f"a column that grows is followed without an option {name!r}", nearest(name, OPTIONS))
    if column is None:
        yield from Watermark(reader, key, None, batch).batches(position)
        return
    dialect = reader.dialect
    ceiling = dialect.ceilings.get(native_word(column.native))
    below = [Clause(f"{written(dialect, dialect.order, column)} < {ceiling}", ())] if ceiling else []
    horizon = None
    if not ceiling:
        wait = _number(following, "wait")
        horizon = horizon_of(dialect, reader.fetch, reader_seconds=READER_SECONDS if wait is None else float(wait))
    width = _number(following, "overlap")
    if width is None and not ceiling and horizon is None and not dialect.one_writer:
        width = OVERLAP_STEPS if column.type in ("int", "decimal") else OVERLAP_SECONDS
    watermark = Watermark(
        reader,
        key,
        column,
        batch,
        horizon=horizon,
        below=below,
        overlap=Overlap(width, recall) if width else None,
        outbox=_outbox(reader.table, key, following),
    )
    yield from watermark.batches(position)


def _number(following: Following, name: str) -> Decimal | None:
    text = following.options.get(name)
    if text is None:
        return None
    if not text.isdecimal() or not text.isascii():
        raise Stop(f"the option {name!r} is {text!r}", "Write a whole number, 0 or above")
    return Decimal(text)


def _outbox(table: Table, key: Sequence[Column], following: Following) -> Outbox | None:
    if "op" not in following.options:
        return None
    names = [name.strip() for name in following.options.get("of", "").split(",") if name.strip()]
    of = [_named(table, name) for name in names] or list(key)
    return Outbox(_named(table, following.options["op"]), of)


def _named(table: Table, name: str) -> Column:
    for column in table.columns:
        if column.name == name:
            return column
    known = [column.name for column in table.columns]
    raise Reject("unknown_column", f"table {table.name!r} has no column {name!r}", nearest(name, known))
