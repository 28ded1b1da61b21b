"""The one suite that every adapter passes: subclass :class:`AdapterContract` and give it a database.

    class TestSqlite(AdapterContract):
        @pytest.fixture
        def world(self, tmp_path):
            ...
            yield World(source=…, run=…, session=…, writes=…)

The suite makes its own table through `World.run`, the owner's way in, and reads it through the source.
"""

# ruff: noqa: D102, PT017 - a test's name is its sentence; the suite itself does not need pytest
from __future__ import annotations

from dataclasses import dataclass, field, replace
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from adapters.errors import AdapterError, Reject
from adapters.model import Filter, Following, Selection, Sort
from adapters.watermark import TIES_MAX

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from adapters.model import Batch
    from adapters.protocol import Source


@dataclass(frozen=True, slots=True)
class World:
    """A fresh, empty database and the ways into it.

    `run` executes SQL as the owner, with ``?`` for parameters and double quotes around names. `session` executes SQL in
    a session that the source itself opened. `writes` are attempts that such a session must refuse. `types` are the
    database's names for what standard SQL does not name.
    """

    source: Source
    run: Callable[..., object]
    session: Callable[[str], object]
    writes: tuple[str, ...]
    types: Mapping[str, str] = field(
        default_factory=lambda: {"datetime": "TIMESTAMP", "bytes": "BLOB", "bool": "BOOLEAN", "long": "TEXT"}
    )


ORDERS = """
    CREATE TABLE "Orders" (
        "No" INTEGER NOT NULL, "Line" VARCHAR(10) NOT NULL, "Name" VARCHAR(80), "Amount" DECIMAL(12,2), "Big" BIGINT,
        "Day" DATE, "Stamp" {datetime}, "Flag" {bool}, "Photo" {bytes}, PRIMARY KEY ("Line", "No"))
"""
INSERT = 'INSERT INTO "Orders" VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)'
STAMP = "2026-11-21 06:55:00"
KEY = ("Line", "No")

Row = dict[str, Any]


def order(number: int, line: str = "a", *, stamp: str | None = STAMP, name: str | None = None) -> tuple[Any, ...]:
    """One row of the suite's table."""
    return (number, line, name, None, None, None, stamp, None, None)


def fill(world: World, *rows: tuple[Any, ...]) -> None:
    """The suite's table with these rows."""
    world.run(ORDERS.format(**world.types))
    add(world, *rows)


def add(world: World, *rows: tuple[Any, ...]) -> None:
    """More rows."""
    for row in rows:
        world.run(INSERT, *row)


def walked(source: Source, selection: Selection) -> list[Row]:
    """All rows, page by page."""
    rows: list[Row] = []
    for _ in range(10_000):
        page = source.page("Orders", selection)
        rows += page.rows
        if page.next is None:
            return rows
        selection = replace(selection, after=page.next)
    raise AssertionError("the pages never end")


def told(world: World, position: str | None = None, *, batch: int = 2, column: str | None = "Stamp") -> list[Batch]:
    """One poll."""
    return list(world.source.changes("Orders", followed(column), position=position, batch=batch))


def followed(column: str | None, key: tuple[str, ...] = KEY) -> Following:
    """By the column, or by a snapshot each time where there is none."""
    return Following("watermark" if column else "snapshot", key, column)


def keys(rows: list[Row]) -> list[tuple[str, int]]:
    """The rows' keys."""
    return [(row["Line"], row["No"]) for row in rows]


def rejected(code: str, ask: Callable[[], object]) -> Reject:
    """The refusal that asking ends in."""
    try:
        ask()
    except Reject as error:
        assert error.code == code, error
        assert error.remedy
        return error
    raise AssertionError(f"nothing was refused, {code} was expected")


class AdapterContract:
    """What holds for every source."""

    def test_probe_says_who_answers_and_that_it_cannot_write(self, world: World) -> None:
        found = world.source.probe()
        assert found.product
        assert found.version
        assert found.driver
        assert found.read_only

    def test_the_catalogue_has_columns_types_and_the_keys_own_order(self, world: World) -> None:
        fill(world)
        assert world.source.tables() == ("Orders",)
        table = world.source.schema("Orders")
        assert table.key == KEY
        assert {column.name: column.type for column in table.columns} == {
            "No": "int",
            "Line": "text",
            "Name": "text",
            "Amount": "decimal",
            "Big": "int",
            "Day": "date",
            "Stamp": "datetime",
            "Flag": "bool",
            "Photo": "binary",
        }
        assert [column.name for column in table.columns if not column.nullable] == ["No", "Line"]

    def test_values_arrive_as_they_are(self, world: World) -> None:
        fill(
            world,
            (1, "a", "Jürgen Æther €😀 'x' \"y\" {z} ?", "12345678.05", 2**63 - 1, "2026-02-28", STAMP, 1, b"\0\xff"),
        )
        add(
            world,
            (2, "a", "", "-0.10", -(2**63), "0001-01-01", "2026-11-21 06:55:00.123456", 0, b""),
            order(3, stamp=None),
        )
        first, second, third = world.source.page("Orders", Selection()).rows
        assert first == {
            "No": 1,
            "Line": "a",
            "Name": "Jürgen Æther €😀 'x' \"y\" {z} ?",
            "Amount": Decimal("12345678.05"),
            "Big": 2**63 - 1,
            "Day": "2026-02-28",
            "Stamp": "2026-11-21T06:55:00",
            "Flag": True,
            "Photo": "AP8=",
        }
        assert second == {
            "No": 2,
            "Line": "a",
            "Name": "",
            "Amount": Decimal("-0.1"),
            "Big": -(2**63),
            "Day": "0001-01-01",
            "Stamp": "2026-11-21T06:55:00.123456",
            "Flag": False,
            "Photo": "",
        }
        assert all(third[name] is None for name in ("Name", "Amount", "Big", "Day", "Stamp", "Flag", "Photo"))

    def test_long_text_is_not_cut(self, world: World) -> None:
        world.run('CREATE TABLE "Notes" ("Id" INTEGER PRIMARY KEY, "Body" {long})'.format(**world.types))
        body = "ü€" * 50_000
        world.run('INSERT INTO "Notes" VALUES (?, ?)', 1, body)
        assert world.source.page("Notes", Selection()).rows == [{"Id": 1, "Body": body}]

    def test_pages_meet_without_gap_or_overlap_in_every_order(self, world: World) -> None:
        names = [None, "b", "a", None, "b", "Ä", "", "a", "B"]
        fill(world, *(order(number % 4 * 5, f"l{number:02}", name=name) for number, name in enumerate(names)))
        sorts: tuple[tuple[Sort, ...], ...] = (
            (),
            (Sort("Name"),),
            (Sort("Name", descending=True),),
            (Sort("Name"), Sort("No", descending=True)),
            (Sort("No", descending=True), Sort("Name")),
            (Sort("Line", descending=True),),
        )
        numbers = world.source.page("Orders", Selection(sort=(Sort("No"),))).rows
        assert [row["No"] for row in numbers] == [0, 0, 0, 5, 5, 10, 10, 15, 15]
        for sort in sorts:
            whole = world.source.page("Orders", Selection(sort=sort)).rows
            assert len(whole) == len(names)
            for limit in (1, 2, 3, len(names)):
                assert walked(world.source, Selection(sort=sort, limit=limit)) == whole, (sort, limit)

    def test_only_the_wanted_columns_come(self, world: World) -> None:
        fill(world, order(1, name="x"))
        assert world.source.page("Orders", Selection(columns=("Name", "No"))).rows == [{"Name": "x", "No": 1}]

    def test_every_filter_finds_its_rows_and_no_others(self, world: World) -> None:
        fill(
            world,
            (1, "a", "Müller", "12.50", 2**63 - 1, "2026-01-31", STAMP, 1, b"\x01"),
            (2, "a", "Meier 100%", "-3", 7, "2026-02-01", "2026-11-21 06:55:00.5", 0, b"\x02"),
            (3, "b", "mu_x", "100", 8, "2026-02-02", "2026-11-22 00:00:00", 1, None),
            order(4, "b", stamp=None),
        )
        cases: list[tuple[str, Any, Any, set[int]]] = [
            ("No", "eq", "2", {2}),
            ("No", "ne", "2", {1, 3, 4}),
            ("Name", "ne", "mu_x", {1, 2}),
            ("Amount", "gt", "12.5", {3}),
            ("Amount", "gte", "12.50", {1, 3}),
            ("Amount", "lt", Decimal("12.5"), {2}),
            ("Amount", "lte", "1.25e1", {1, 2}),
            ("Big", "eq", str(2**63 - 1), {1}),
            ("Big", "in", ("7", 8), {2, 3}),
            ("Name", "contains", "%", {2}),
            ("Name", "contains", "_", {3}),
            ("Name", "contains", "ül", {1}),
            ("Name", "contains", "M", {1, 2}),
            ("Name", "startswith", "M", {1, 2}),
            ("Name", "startswith", "üll", set()),
            ("Name", "isnull", "true", {4}),
            ("Name", "isnull", False, {1, 2, 3}),
            ("Day", "gt", "2026-01-31", {2, 3}),
            ("Stamp", "eq", "2026-11-21T06:55:00Z", {1}),
            ("Stamp", "gt", "2026-11-21T07:55:00+01:00", {2, 3}),
            ("Stamp", "lte", "2026-11-21T06:55:00.5", {1, 2}),
            ("Flag", "eq", "true", {1, 3}),
            ("Flag", "eq", False, {2}),
            ("Photo", "eq", "Ag==", {2}),
        ]
        for column, op, value, expected in cases:
            rows = walked(world.source, Selection(filters=(Filter(column, op, value),), limit=2))
            assert {row["No"] for row in rows} == expected, (column, op, value)
        both = (Filter("No", "gt", "1"), Filter("Line", "eq", "a"))
        assert keys(world.source.page("Orders", Selection(filters=both)).rows) == [("a", 2)]

    def test_a_value_that_does_not_suit_the_column_is_refused_with_an_example(self, world: World) -> None:
        fill(world)
        wrong: tuple[tuple[str, Any, Any], ...] = (
            ("No", "eq", "12a"),
            ("No", "eq", "١٢"),
            ("Amount", "gt", "12,5"),
            ("Amount", "gt", "NaN"),
            ("Day", "eq", "2026-02-30"),
            ("Stamp", "gt", "yesterday"),
            ("Flag", "eq", "maybe"),
            ("Photo", "eq", "%%"),
            ("Name", "eq", "a\0b"),
            ("Name", "eq", "\ud800"),
            ("Name", "eq", None),
            ("Name", "eq", ("a", "b")),
            ("Name", "in", ()),
            ("Name", "isnull", "perhaps"),
        )
        for column, op, value in wrong:
            rejected("bad_value", lambda: world.source.page("Orders", Selection(filters=(Filter(column, op, value),))))  # noqa: B023 - called at once

    def test_unknown_names_are_refused_with_the_nearest(self, world: World) -> None:
        fill(world)
        source = world.source
        assert "'Orders'" in rejected("unknown_table", lambda: source.schema("orders")).remedy
        assert (
            "'Name'"
            in rejected("unknown_column", lambda: source.page("Orders", Selection(sort=(Sort("Nmae"),)))).remedy
        )
        assert (
            "'Name'" in rejected("unknown_column", lambda: source.page("Orders", Selection(columns=("name",)))).remedy
        )
        wrong: Any = "startwith"
        selection = Selection(filters=(Filter("Name", wrong, "x"),))
        assert "'startswith'" in rejected("unknown_operator", lambda: source.page("Orders", selection)).remedy
        rejected("bad_operator", lambda: source.page("Orders", Selection(filters=(Filter("No", "contains", "1"),))))
        rejected("bad_sort", lambda: source.page("Orders", Selection(sort=(Sort("Name"), Sort("Name")))))
        rejected("bad_limit", lambda: source.page("Orders", Selection(limit=0)))
        rejected("bad_cursor", lambda: source.page("Orders", Selection(after=("1",))))

    def test_names_and_values_are_never_sql(self, world: World) -> None:
        fill(world, order(1, name="x"))
        attack = "x' OR '1'='1\"; DROP TABLE \"Orders\"; --"
        source = world.source
        for op in ("eq", "contains", "startswith", "in"):
            chosen: Any = op
            assert source.page("Orders", Selection(filters=(Filter("Name", chosen, attack),))).rows == []
        rejected("unknown_column", lambda: source.page("Orders", Selection(filters=(Filter(attack, "eq", "1"),))))
        rejected("unknown_column", lambda: source.page("Orders", Selection(sort=(Sort(attack),))))
        rejected("unknown_column", lambda: source.page("Orders", Selection(columns=("Name, No",))))
        rejected("unknown_table", lambda: source.page('Orders"; DROP TABLE "Orders', Selection()))
        assert source.row("Orders", (attack, "1")) is None
        assert source.row("Orders", ("a", attack)) is None
        assert len(source.page("Orders", Selection()).rows) == 1

    def test_a_name_full_of_quotes_is_still_a_name(self, world: World) -> None:
        world.run('CREATE TABLE "a ""b"" {c}; -- ?" ("k""; --" INTEGER PRIMARY KEY, "sel ect {0}" VARCHAR(9))')
        world.run('INSERT INTO "a ""b"" {c}; -- ?" VALUES (1, \'x\')')
        (name,) = world.source.tables()
        assert name == 'a "b" {c}; -- ?'
        selection = Selection(sort=(Sort("sel ect {0}"),), filters=(Filter('k"; --', "eq", "1"),))
        assert world.source.page(name, selection).rows == [{'k"; --': 1, "sel ect {0}": "x"}]

    def test_a_row_is_found_by_its_key(self, world: World) -> None:
        fill(world, order(1, "a"), order(2, "a"), order(1, "b", name="this"))
        found = world.source.row("Orders", ("b", "1"))
        assert found is not None
        assert found["Name"] == "this"
        assert world.source.row("Orders", ("b", "2")) is None
        assert world.source.row("Orders", ("b", "x")) is None
        assert "Line, No" in rejected("bad_key", lambda: world.source.row("Orders", ("b",))).message

    def test_a_table_without_a_key_is_read_by_named_columns_or_not_at_all(self, world: World) -> None:
        world.run('CREATE TABLE "Log" ("A" INTEGER, "B" INTEGER)')
        for number in (1, 2, 3, 3):
            world.run('INSERT INTO "Log" VALUES (?, ?)', number, number)
        source = world.source
        assert "key" in rejected("no_key", lambda: source.page("Log", Selection())).remedy
        rejected("no_key", lambda: source.row("Log", ("1",)))
        rejected("no_key", lambda: source.changes("Log", followed(None, ()), position=None))
        assert source.page("Log", Selection(key=("A", "B"), limit=2)).next == ("2", "2")
        # Two rows that cannot be told apart: the second would be lost where a page ends.
        rejected("key_not_unique", lambda: source.page("Log", Selection(key=("A",), limit=3)))
        rejected("key_not_unique", lambda: list(source.changes("Log", followed(None, ("A",)), position=None)))

    def test_the_session_itself_refuses_to_write(self, world: World) -> None:
        fill(world, order(1))
        for statement in world.writes:
            try:
                world.session(statement)
            except Exception:  # noqa: BLE001, S112 - any refusal of the driver will do; a refusal it must be
                continue
            raise AssertionError(f"the session took {statement!r}")
        assert keys(world.source.page("Orders", Selection()).rows) == [("a", 1)]
        assert world.source.tables() == ("Orders",)

    def test_a_snapshot_tells_every_row_once_and_then_nothing(self, world: World) -> None:
        fill(world, *(order(number) for number in range(5)))
        batches = told(world)
        assert [len(one.rows) for one in batches] == [2, 2, 1]
        assert all(one.snapshot for one in batches)
        assert keys([row for one in batches for row in one.rows]) == [("a", number) for number in range(5)]
        assert told(world, batches[-1].position) == []

    def test_a_snapshot_goes_on_from_every_position(self, world: World) -> None:
        fill(world, *(order(number, "ab"[number % 2]) for number in range(7)))
        batches = told(world)
        for at, one in enumerate(batches):
            rest = told(world, one.position)
            assert [again.rows for again in rest] == [later.rows for later in batches[at + 1 :]]

    def test_an_empty_table_waits_for_its_first_rows(self, world: World) -> None:
        fill(world)
        assert told(world) == []
        add(world, order(1))
        assert [one.snapshot for one in told(world)] == [True]

    def test_changes_between_polls_are_told_in_order(self, world: World) -> None:
        fill(world, order(1), order(2))
        position = told(world)[-1].position
        add(world, order(9, stamp="2026-11-21 07:00:00"), order(3, stamp="2026-11-21 07:00:01.000001"))
        world.run('UPDATE "Orders" SET "Name" = ?, "Stamp" = ? WHERE "No" = 1', "new", "2026-11-21 07:00:02")
        batches = told(world, position)
        assert keys([row for one in batches for row in one.rows]) == [("a", 9), ("a", 3), ("a", 1)]
        assert batches[-1].rows[-1]["Name"] == "new"
        assert not any(one.snapshot for one in batches)
        assert told(world, batches[-1].position) == []
        # After a crash between two batches, the later ones are told again.
        for at, one in enumerate(batches):
            again = [row for later in told(world, one.position) for row in later.rows]
            assert again == [row for later in batches[at + 1 :] for row in later.rows]

    def test_rows_that_share_the_last_value_are_never_lost(self, world: World) -> None:
        fill(world, order(5), order(6))
        position = told(world)[-1].position
        # The same second, a lower key, after the others had been read.
        add(world, order(3))
        batches = told(world, position)
        assert [keys(one.rows) for one in batches] == [[("a", 3)]]
        assert told(world, batches[-1].position) == []
        # Changed within the same second: only the content tells.
        world.run('UPDATE "Orders" SET "Name" = ? WHERE "No" = 5', "twice in one second")
        batches = told(world, batches[-1].position)
        assert [[row["Name"] for row in one.rows] for one in batches] == [["twice in one second"]]
        # Many with one value, read in batches, with a stop after each of them, and a newer value beyond.
        add(world, *(order(number, "t", stamp="2026-11-21 08:00:00") for number in range(5)))
        add(world, order(7, "t", stamp="2026-11-21 08:00:01"))
        batches = told(world, batches[-1].position)
        for at, one in enumerate(batches):
            rest = [row for later in batches[at + 1 :] for row in later.rows]
            assert [row for later in told(world, one.position) for row in later.rows] == rest
        # A lower key of the same value, while the reader stood in the middle of them.
        middle = next(one for one in batches if ("t", 1) in keys(one.rows))
        add(world, order(0, "s", stamp="2026-11-21 08:00:00"))
        assert ("s", 0) in keys([row for one in told(world, middle.position) for row in one.rows])

    def test_a_table_loaded_in_one_go_is_not_read_anew_with_each_poll(self, world: World) -> None:
        fill(world)
        world.run(
            'INSERT INTO "Orders" ("No", "Line") WITH RECURSIVE n (i) AS'
            " (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ?) SELECT i, 'a' FROM n",
            TIES_MAX + 500,
        )
        world.run('UPDATE "Orders" SET "Stamp" = ?', STAMP)
        batches = told(world, batch=700)
        assert [len(one.rows) for one in batches] == [700, 700, 100]
        position = batches[-1].position
        assert told(world, position) == []
        # A row that leaves the group is told, and nothing else.
        world.run('UPDATE "Orders" SET "Stamp" = ? WHERE "No" = 5', "2026-11-21 08:00:00")
        assert [keys(one.rows) for one in told(world, position)] == [[("a", 5)]]
        # The group grows: all of it is told again, rather than one row lost.
        add(world, order(0), order(-1))
        assert ("a", 0) in keys([row for one in told(world, position, batch=1000) for row in one.rows])
        # All of them move on at once; a stop in the middle of them does not begin anew.
        world.run('UPDATE "Orders" SET "Stamp" = ?', "2026-11-21 09:00:00")
        batches = told(world, position, batch=700)
        assert [len(one.rows) for one in batches] == [700, 700, 102]
        assert [len(one.rows) for one in told(world, batches[1].position, batch=700)] == [102]

    def test_what_changes_while_the_snapshot_runs_is_told_after_it(self, world: World) -> None:
        fill(world, *(order(number) for number in range(4)))
        snapshot = world.source.changes("Orders", followed("Stamp", KEY), position=None, batch=2)
        first = next(snapshot)
        world.run('UPDATE "Orders" SET "Name" = ?, "Stamp" = ? WHERE "No" = 0', "late", "2026-11-21 09:00:00")
        rest = list(snapshot)
        assert keys([row for one in (first, *rest) for row in one.rows]) == [("a", number) for number in range(4)]
        assert [keys(one.rows) for one in told(world, rest[-1].position)] == [[("a", 0)]]

    def test_a_table_without_a_watermark_is_a_snapshot_each_time(self, world: World) -> None:
        fill(world, order(1), order(2), order(3))
        batches = told(world, column=None)
        assert [len(one.rows) for one in batches] == [2, 1]
        assert [keys(one.rows) for one in told(world, batches[0].position, column=None)] == [[("a", 3)]]
        assert [len(one.rows) for one in told(world, batches[-1].position, column=None)] == [2, 1]

    def test_a_position_of_another_question_is_refused(self, world: World) -> None:
        fill(world, order(1))
        position = told(world)[-1].position
        for key, column in ((KEY, None), (KEY, "Day"), (("No", "Line"), "Stamp")):
            try:
                list(world.source.changes("Orders", followed(column, key), position=position))
            except AdapterError as error:
                assert "position" in error.message
            else:
                raise AssertionError((key, column))

    def test_a_column_that_cannot_grow_is_no_watermark(self, world: World) -> None:
        fill(world)
        rejected("bad_column", lambda: world.source.changes("Orders", followed("Flag", KEY), position=None))
        rejected("unknown_column", lambda: world.source.changes("Orders", followed("Stmp", KEY), position=None))

    def test_a_closed_source_opens_again(self, world: World) -> None:
        fill(world, order(1))
        assert world.source.page("Orders", Selection()).rows
        world.source.close()
        assert world.source.page("Orders", Selection()).rows
