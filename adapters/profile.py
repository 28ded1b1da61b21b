"""What is in a table: some rows of it are read, and each column's values described without showing a person's.

    >>> seen = profiled(source, "KUNDEN")
    >>> [(column.name, column.distinct, column.looks_like) for column in seen.columns]
    [('KDNR', 1250, ''), ('NAME1', 1241, ''), ('GEBDAT', 988, 'date YYYYMMDD')]

The cost is bounded: so many rows, in pages along the key, half of them from its beginning and half from its end, until
the rows or the seconds are used up. What a name or its values suspect to be a person's is described by counts, lengths
and coarse patterns alone: no value of it leaves here.
"""

from __future__ import annotations

import re
import time
from collections import Counter
from contextlib import closing
from dataclasses import dataclass, replace
from decimal import Decimal
from itertools import combinations, islice
from typing import TYPE_CHECKING, Any

from adapters.counts import so_many
from adapters.model import Selection, Sort
from adapters.scan import ScanSource
from adapters.statements import read
from adapters.survey import counted, watermarks

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from adapters.model import Column, Table
    from adapters.odbc import OdbcSource

ROWS_MAX = 10_000
SECONDS_MAX = 20.0
PAGE = 1000
VALUES_MAX = 20
PATTERNS_MAX = 5
PARTS_MAX = 6
"""Columns that are tried in pairs for a key."""

PERSONAL = re.compile(
    r"name|vorn|nachn|mail|phone|mobil|(^|_)tel|(^|_)fax|street|stra(ss|ß)e|addr|adress|(^|_)str($|_)|birth|gebd|gebu|(^|_)dob"
    r"|iban|bic|konto|account|card|ssn|social|tax|steuer|passp|ausweis|salar|gehalt|lohn|gender|geschl|relig"
    r"|passw|pwd|kennw|secret|token",
    re.IGNORECASE,
)

# What texts, and numbers written out, turn out to be: the first that all of them are.
LOOKS: tuple[tuple[str, bool, re.Pattern[str]], ...] = (
    ("UUID", False, re.compile(r"[0-9A-Fa-f]{8}(-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}")),
    ("e-mail address", True, re.compile(r"[^@\s]+@[^@\s]+\.[^@\s]+")),
    ("IBAN", True, re.compile(r"[A-Z]{2}[0-9]{2}[A-Z0-9]{11,30}")),
    ("date YYYYMMDD", False, re.compile(r"(0{8}|9{8}|(18|19|20|21)[0-9]{2}(0[1-9]|1[0-2])(0[1-9]|[12][0-9]|3[01]))")),
    ("date DD.MM.YYYY", False, re.compile(r"(0[1-9]|[12][0-9]|3[01])\.(0[1-9]|1[0-2])\.[0-9]{4}")),
    ("date", False, re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")),
    ("time", False, re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}[T ][0-9]{2}:[0-9]{2}.*")),
    ("phone number", True, re.compile(r"(\+|00)[0-9][0-9 ()/-]{6,20}")),
    ("whole number", False, re.compile(r"[+-]?[0-9]+")),
    ("number with a point", False, re.compile(r"[+-]?[0-9]+\.[0-9]+")),
    ("number with a comma", False, re.compile(r"[+-]?[0-9.]+,[0-9]+")),
    ("JSON", False, re.compile(r"[\[{].*[\]}]", re.DOTALL)),
    ("XML", False, re.compile(r"\s*<.*>\s*", re.DOTALL)),
)
PLAIN = frozenset({"whole number", "number with a point", "number with a comma"})


@dataclass(frozen=True, slots=True)
class ColumnProfile:
    """One column, over the rows that were read.

    `distinct` counts its different values, `unsuitable` those that are not what its type promises, `blank` texts of
    blanks alone. `minimum` and `maximum` are texts, and missing where `personal` suspects a person's data; so are
    `values`, which are all there are where they are few. `patterns` are shapes with their counts: 9 a digit, A a
    letter, {4} how often; the rest as it is.
    """

    name: str
    native: str
    type: str
    nullable: bool
    nulls: int
    distinct: int
    unsuitable: int
    blank: int
    minimum: str | None
    maximum: str | None
    shortest: int | None
    longest: int | None
    looks_like: str
    personal: bool
    patterns: tuple[tuple[str, int], ...]
    values: tuple[tuple[str, int], ...]


@dataclass(frozen=True, slots=True)
class Profile:
    """A table. `read` rows were looked at, `whole` if those are all; `rows` is how many there are, as far as is known.

    `key` are the columns that identify a row, and `key_why` how that is known; empty where nothing was unique.
    `grows` are columns that may grow with each change, the likeliest first.
    """

    table: str
    rows: int | None
    more: bool
    read: int
    whole: bool
    key: tuple[str, ...]
    key_why: str
    grows: tuple[str, ...]
    columns: tuple[ColumnProfile, ...]


def profiled(
    source: OdbcSource | ScanSource,
    name: str,
    *,
    rows_max: int = ROWS_MAX,
    seconds_max: float = SECONDS_MAX,
    clock: Callable[[], float] = time.monotonic,
) -> Profile:
    """Describe a table by some of its rows.

    Raises:
        Reject: ``unknown_table``.
        Retry, Stop: The database does not answer, or not this login.
    """
    table = source.schema(name)
    number: int | None
    if isinstance(source, ScanSource):
        with closing(source.rows(name)) as scanned:
            rows = list(islice(scanned, rows_max + 1))
        whole, rows = len(rows) <= rows_max, rows[:rows_max]
        number, more = len(rows), not whole
    else:
        rows, whole = _rows(source, table, rows_max, clock, clock() + seconds_max)
        number, more = (len(rows), False) if whole else counted(source, table)
    columns = tuple(_column(column, [row[column.name] for row in rows]) for column in table.columns)
    key, key_why = _key(table, rows, columns, whole=whole)
    grows = tuple(column.name for column in watermarks(table))
    return Profile(name, number, more, len(rows), whole, key, key_why, grows, columns)


def _rows(
    source: OdbcSource, table: Table, rows_max: int, clock: Callable[[], float], until: float
) -> tuple[list[dict[str, Any]], bool]:
    """Up to so many rows, and whether they are all."""
    if not table.key or not all(
        source.dialect.finds_again(column) for column in table.columns if column.name in table.key
    ):
        plan = read(source.dialect, table, table.columns, order=(), limit=rows_max + 1)
        raws = source.asked(plan.sql, plan.parameters, doing=f"cannot read table {table.name!r}")
        return plan.rows(raws[:rows_max]), len(raws) <= rows_max
    first, finished = _along(source, table, rows_max - rows_max // 2, clock, until, descending=False)
    if finished:
        return first, True
    last, _ = _along(source, table, rows_max // 2, clock, until, descending=True)
    seen = {tuple(row[part] for part in table.key) for row in first}
    fresh = [row for row in last if tuple(row[part] for part in table.key) not in seen]
    return first + fresh, len(fresh) < len(last)


def _along(
    source: OdbcSource, table: Table, limit: int, clock: Callable[[], float], until: float, *, descending: bool
) -> tuple[list[dict[str, Any]], bool]:
    rows: list[dict[str, Any]] = []
    selection = Selection(sort=tuple(Sort(part, descending) for part in table.key))
    while len(rows) < limit and clock() < until:
        page = source.page(table.name, replace(selection, limit=min(PAGE, limit - len(rows))))
        rows += page.rows
        if page.next is None:
            return rows, True
        selection = replace(selection, after=page.next)
    return rows, False


def _column(column: Column, cells: Sequence[Any]) -> ColumnProfile:
    values = [cell for cell in cells if cell is not None]
    texts = [text_of(value) for value in values]
    suitable = [value for value in values if _suits(column, value)]
    looks_like, by_look = look(texts) if column.type in ("text", "int", "decimal") else ("", False)
    if column.type != "text" and looks_like in PLAIN:
        looks_like = ""
    personal = by_look or (column.type in ("text", "int", "date", "datetime") and bool(PERSONAL.search(column.name)))
    counts = Counter(texts)
    few = not personal and 0 < len(counts) <= VALUES_MAX and len(texts) > len(counts)
    bounds = _bounds(suitable) if not personal else (None, None)
    shapes = Counter(pattern(text, coarse=personal) for text in texts) if column.type == "text" else Counter[str]()
    return ColumnProfile(
        column.name,
        column.native,
        column.type,
        column.nullable,
        nulls=len(cells) - len(values),
        distinct=len(counts),
        unsuitable=len(values) - len(suitable),
        blank=sum(1 for text in texts if not text.strip()),
        minimum=bounds[0],
        maximum=bounds[1],
        shortest=min(map(len, texts), default=None),
        longest=max(map(len, texts), default=None),
        looks_like=looks_like,
        personal=personal,
        patterns=tuple(shapes.most_common(PATTERNS_MAX)),
        values=tuple(counts.most_common()) if few else (),
    )


def text_of(value: Any) -> str:
    """A value as it is written."""
    return {True: "true", False: "false"}[value] if isinstance(value, bool) else str(value)


def _suits(column: Column, value: Any) -> bool:
    """Whether a cell is what its column promises; :mod:`adapters.values` gives a text where it is not."""
    if column.type in ("int", "bool"):
        return isinstance(value, int)
    if column.type in ("decimal", "float"):
        return isinstance(value, Decimal)
    if column.type in ("date", "datetime"):
        return bool(re.match(r"[0-9]{4}-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])", value))
    return True


def _bounds(values: Sequence[Any]) -> tuple[str | None, str | None]:
    if not values:
        return None, None
    low, high = text_of(min(values)), text_of(max(values))
    return low[:80], high[:80]


def look(texts: Iterable[str]) -> tuple[str, bool]:
    """What all of the texts are that are not blank, and whether that is a person's; nothing where they differ."""
    filled = [text.strip() for text in texts if text.strip()]
    if filled:
        for name, personal, form in LOOKS:
            if all(form.fullmatch(text) for text in filled):
                return name, personal
    return "", False


def pattern(text: str, *, coarse: bool = False) -> str:
    """``KD-4711`` → ``A{2}-9{4}``; coarse without the numbers: ``A-9``."""
    shape = "".join("9" if letter.isdigit() else "A" if letter.isalpha() else letter for letter in text[:80])
    runs = re.finditer(r"(.)\1*", shape, re.DOTALL)
    if coarse:
        # Blanks and letters alone: whoever has two names and whoever has three look alike.
        return re.sub(r"A(?: +A)+", "A", "".join(run[1] for run in runs))[:20]
    return "".join(run[1] if len(run[0]) == 1 else f"{run[1]}{{{len(run[0])}}}" for run in runs)


def _key(
    table: Table, rows: Sequence[dict[str, Any]], columns: Sequence[ColumnProfile], *, whole: bool
) -> tuple[tuple[str, ...], str]:
    """What identifies a row: the primary key, else a column or two that were unique in what was read."""
    if table.key:
        return table.key, "the primary key" if table.primary else "as connections.yaml says"
    if not rows:
        return (), "the table is empty"
    where = "in all rows" if whole else f"in the {so_many(len(rows), 'row that was', 'rows that were')} read"
    filled = [each for each in columns if not each.nulls and each.type not in ("float", "binary")]
    for each in filled:
        if each.distinct == len(rows):
            return (each.name,), f"unique {where}; the catalogue knows no primary key"
    several = sorted(filled, key=lambda each: -each.distinct)[:PARTS_MAX]
    for one, other in combinations((each.name for each in several), 2):
        if len({(row[one], row[other]) for row in rows}) == len(rows):
            return (one, other), f"unique together {where}; the catalogue knows no primary key"
    return (), f"no one or two columns are unique {where}"
