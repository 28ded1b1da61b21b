"""Rows that travel in one piece come out as they went in, or not at all; on a real server with everything in them."""

from __future__ import annotations

from contextlib import closing
from typing import TYPE_CHECKING

import psycopg
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from adapters.connections import driver_manager
from adapters.jsonrows import NULL, said
from adapters.model import Filter, Selection, Sort
from adapters.odbc import OdbcSource
from adapters.packed import MARK, unpacked
from tests.servers import postgresql, postgresql_missing

if TYPE_CHECKING:
    from collections.abc import Iterator

CELL = st.none() | st.text(st.sampled_from([NULL, MARK, "a"]), max_size=3)


def row(cells: tuple[str | None, ...]) -> tuple[str]:
    """What a server makes of a row."""
    return (MARK.join(NULL if cell is None else cell.replace(NULL, NULL * 2) for cell in cells),)


@given(st.lists(st.tuples(CELL, CELL, CELL), min_size=1, max_size=4))
@example([(NULL, None, "")])
@example([("a\x1fb", "c", "d"), ("e", "f", "g")])
def test_rows_come_out_as_they_went_in_or_not_at_all(rows: list[tuple[str | None, ...]]) -> None:
    cells = unpacked([row(each) for each in rows], 3)
    clean = not any(mark in (cell or "") for each in rows for cell in each for mark in (NULL, MARK))
    if cells is None:
        assert not clean
        return
    assert [tuple(None if cell == NULL else cell for cell in each) for each in zip(*cells, strict=True)] == rows


@pytest.mark.parametrize("raws", [[(None,)], [("a\x1fb",)], [("a\x1fb",), ("a\x1fb\x1fc\x1fd",)]])
def test_what_was_cut_is_not_taken_apart(raws: list[tuple[str | None, ...]]) -> None:
    assert unpacked(raws, 3) is None


@pytest.fixture(scope="module")
def source() -> Iterator[tuple[OdbcSource, psycopg.Connection]]:
    if postgresql_missing() or "PostgreSQL Unicode" not in driver_manager().drivers():
        pytest.skip("no PostgreSQL server or no ODBC driver: apt-get install postgresql odbc-postgresql")
    with postgresql() as address, psycopg.connect(address, autocommit=True) as owner:
        owner.execute("CREATE ROLE reader LOGIN")
        owner.execute(
            "CREATE TABLE everything (id bigint, part text, whole numeric, ratio float8, day date, at timestamp,"
            ' zoned timestamptz, clock time, flag boolean, photo bytea, doc jsonb, "o\'d""d {x}" varchar(9),'
            " money money,"
            " PRIMARY KEY (part, id))"
        )
        owner.execute(
            "INSERT INTO everything VALUES"
            " (1, 'a', 1.50, 1e20, '2026-11-21', '2026-11-21 06:55:00.5', '2026-11-21 06:55+02', '06:55', true,"
            "  '\\x00ff', '{\"a\": 1}', 'x', 1.5),"
            " (9223372036854775807, 'a', 'NaN', 'infinity', 'infinity', '-infinity', 'infinity', '24:00', false, '',"
            "  'null', '', -1),"
            " (-1, '', 12345678901234567890.123456789, 0.1, '0044-03-15 BC', '0044-03-15 BC', '10000-01-01', null,"
            "  null, null, null, null, null),"
            " (2, E'q\"\\\\\\n\\t', null, null, null, null, null, null, null, null, null, E'\\u00e4\\U0001f600', null)"
        )
        owner.execute("GRANT SELECT ON everything TO reader")
        port = address.rpartition(":")[2].partition("/")[0]
        text = f"Driver={{PostgreSQL Unicode}};Server=127.0.0.1;Port={port};Database=postgres;UID=reader"
        with closing(OdbcSource(text)) as made:
            yield made, owner


def same(source: OdbcSource, selection: Selection) -> None:
    lines, page = source.lines("everything", selection), source.page("everything", selection)
    assert lines.text == ",".join(map(said, page.rows))
    assert (lines.count, lines.next) == (len(page.rows), page.next)


def test_pages_are_the_same_in_one_piece_and_cell_by_cell(source: tuple[OdbcSource, psycopg.Connection]) -> None:
    made, owner = source
    for selection in (
        Selection(),
        Selection(limit=1),
        Selection(limit=2, sort=(Sort("whole", descending=True),)),
        Selection(columns=("flag", "id")),
        Selection((Filter("part", "eq", "a"),), sort=(Sort("at"),), columns=("photo",), limit=1),
        Selection((Filter("part", "eq", "none"),)),
    ):
        same(made, selection)
    after = made.lines("everything", Selection(limit=2)).next
    same(made, Selection(limit=2, after=after))
    assert not made._reads.bundles["everything"].loose
    for letter in (NULL, MARK):
        owner.execute("INSERT INTO everything VALUES (99, %s)", (f"z{letter}",))
        same(made, Selection())
        assert made._reads.bundles["everything"].loose
        made._reads.bundles.clear()
        owner.execute("DELETE FROM everything WHERE id = 99")
