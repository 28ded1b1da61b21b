"""Each difference of two shapes is told once, and none where there is none."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from adapters.drift import CODES_MAX, LEARN, WINDOW, Difference, accepted, differences, shape, usual
from adapters.model import Column, Table, Type

types: st.SearchStrategy[Type] = st.sampled_from(["text", "int", "date"])
columns = st.lists(
    st.builds(Column, name=st.text(min_size=1, max_size=3), native=st.text(max_size=4), type=types),
    unique_by=lambda column: column.name,
    max_size=5,
)


def table(*made: Column) -> Table:
    return Table("t", "s", "t", made)


@given(columns)
def test_a_shape_does_not_differ_from_itself(made: list[Column]) -> None:
    assert differences(shape(table(*made)), shape(table(*made))) == []


@given(columns, columns)
def test_what_is_told_is_what_differs(one: list[Column], other: list[Column]) -> None:
    found = {(each.kind, each.column) for each in differences(shape(table(*one)), shape(table(*other)))}
    was, now = ({column.name: column.type for column in each} for each in (one, other))
    expected = {("missing", name) for name in was.keys() - now.keys()}
    expected |= {("added", name) for name in now.keys() - was.keys()}
    expected |= {("retyped", name) for name in was.keys() & now.keys() if was[name] != now[name]}
    if not expected and list(was) != list(now):
        expected = {("moved", "")}
    assert found == expected


def test_the_key_is_part_of_the_shape_and_lengths_are_not() -> None:
    before = table(Column("a", "VARCHAR(10)", "text", key=1), Column("b", "int", "int"))
    longer = table(Column("a", "VARCHAR(20)", "text", key=1), Column("b", "int", "int"))
    keyed = table(Column("a", "VARCHAR(10)", "text", key=1), Column("b", "int", "int", key=2))
    assert differences(shape(before), shape(longer)) == []
    assert [each.said for each in differences(shape(before), shape(keyed))] == ["the primary key was a and is a, b"]


TABLE = table(
    Column("no", "int", "int", key=1), Column("state", "char", "text"), Column("note", "text", "text"),
    Column("price", "numeric", "decimal"),
)  # fmt: skip
DAY = "2026-11-02"
Row = dict[str, str | int | None]


def some(count: int, state: str = "open", note: str | None = "x", price: str | None = "1") -> list[Row]:
    return [{"no": number, "state": state, "note": note, "price": price} for number in range(count)]


def learnt(*more: Row) -> bytes:
    rows = [*some(LEARN // 2), *some(LEARN // 2, "closed")]
    memory, found = usual(None, TABLE, [*rows, *more], DAY)
    assert not found
    return memory


def test_a_new_code_is_told_once_until_it_is_accepted() -> None:
    memory, found = usual(learnt(), TABLE, some(3, "lost"), DAY)
    (told,) = found
    assert (told.kind, told.column) == ("code", "state")
    assert told.said == "the column state had 2 different values, and new is 'lost'"
    assert b"lost" not in memory, "values of the table are nothing to keep"
    memory, found = usual(memory, TABLE, some(3, "lost"), DAY)
    assert found == []
    memory = accepted(memory)
    memory, found = usual(memory, TABLE, [*some(1, "lost"), *some(1, "void")], DAY)
    assert [each.said for each in found] == ["the column state had 3 different values, and new is 'void'"]


def test_codes_are_looked_at_where_that_is_asked() -> None:
    memory, _ = usual(None, TABLE, some(LEARN), DAY, coded={"note"})
    assert [each.column for each in usual(memory, TABLE, some(1, "lost", "y"), DAY, coded={"note"})[1]] == ["note"]


def test_a_column_with_many_values_has_no_codes() -> None:
    many: list[Row] = [{"no": number, "state": f"s{number}", "note": "x", "price": "1"} for number in range(LEARN)]
    memory, _ = usual(None, TABLE, many, DAY)
    assert usual(memory, TABLE, some(3, "lost"), DAY)[1] == []
    memory, (told,) = usual(learnt(), TABLE, many[: CODES_MAX + 1], DAY)
    assert "too many for codes, such as 's0'" in told.said
    assert usual(memory, TABLE, some(3, "lost"), DAY)[1] == []


def test_another_share_of_nulls_is_told_until_it_is_over_or_accepted() -> None:
    memory, found = usual(learnt(), TABLE, some(WINDOW, note=None), DAY)
    (told,) = found
    assert (told.kind, told.column) == ("nulls", "note")
    assert told.said == "the column note was NULL in 0% of the rows and is in 100%"
    assert usual(memory, TABLE, some(WINDOW, note=None), DAY)[1] == []
    over, found = usual(memory, TABLE, some(WINDOW), DAY)
    assert found == []
    assert [each.kind for each in usual(over, TABLE, some(WINDOW, note=None), DAY)[1]] == ["nulls"]
    assert usual(accepted(memory), TABLE, some(2 * WINDOW, note=None), DAY)[1] == []
    few = [*some(WINDOW - 10), *some(10, note=None)]
    assert usual(learnt(), TABLE, few, DAY)[1] == [], "five in a hundred may be chance"


def test_a_day_that_brings_much_less_or_more_than_its_weekday_is_told() -> None:
    def weeks(*counts: int) -> list[Difference]:
        memory, told = None, []
        for day, count in enumerate(counts):
            rows = some(count)
            memory, found = usual(memory, TABLE, rows, f"2026-01-{day + 1:02}")
            told += found
        return told

    week = [400, 400, 400, 400, 400, 0, 0]
    assert weeks(*week * 4) == []
    assert [each.said for each in weeks(*week, *week, 10, 400)] == [
        "2026-01-15 brought 10 changes; the same day of the weeks before brought 400 to 400"
    ]
    assert [each.kind for each in weeks(*week, *week, 4000, 400)] == ["volume"]
    memory = None
    for day in range(1, 15):
        memory, _ = usual(memory, TABLE, some(400), f"2026-01-{day:02}")
    assert [each.said[:10] for each in usual(memory, TABLE, [], "2026-01-18")[1]] == [
        "2026-01-15", "2026-01-16", "2026-01-17",
    ], "days on which nothing came"  # fmt: skip
    memory, _ = usual(None, TABLE, some(400), DAY, counted=False)
    assert b'"today":0' in memory


cells = st.one_of(st.none(), st.sampled_from(["a", "b", "c", "a value that is too long to be a code of anything"]))


@given(st.lists(st.tuples(cells, st.integers(0, 40) | st.none())), st.lists(st.integers(0, 30)), st.integers(0, 3))
def test_however_rows_are_cut_the_same_is_learnt(
    pairs: list[tuple[str | None, int | None]], cuts: list[int], times: int
) -> None:
    rows: list[Row] = [{"no": 1, "state": state, "note": "x", "price": price} for state, price in pairs]
    whole = usual(None, TABLE, [*some(times * WINDOW), *rows], DAY)[0]
    memory, _ = usual(None, TABLE, some(times * WINDOW), DAY)
    at = 0
    for cut in cuts:
        memory, _ = usual(memory, TABLE, rows[at : at + cut], DAY)
        at += cut
    memory, _ = usual(memory, TABLE, rows[at:], DAY)
    assert memory == whole
    assert usual(memory, TABLE, [], DAY) == (memory, [])


@given(st.lists(st.tuples(cells, cells), max_size=20))
def test_what_was_told_is_not_told_again(pairs: list[tuple[str | None, str | None]]) -> None:
    rows: list[Row] = [{"no": 1, "state": state, "note": note, "price": "1"} for state, note in pairs]
    memory, _ = usual(learnt(), TABLE, rows, DAY)
    assert [each for each in usual(memory, TABLE, rows, DAY)[1] if each.kind == "code"] == []


def test_a_column_that_is_gone_is_not_missed() -> None:
    rest = Table("t", "s", "t", TABLE.columns[:2])
    rows = [{"no": 1, "state": "open"}] * WINDOW
    assert usual(learnt(), rest, rows, DAY)[1] == []
