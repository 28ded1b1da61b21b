"""The grammar of lists: understood as written, or refused with the nearest name."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.contracts import Contract, Field
from gateway.serve import filters
from gateway.serve.filters import Condition
from gateway.serve.problems import PROBLEMS, Problem

ORDER = Contract(
    "order",
    1,
    "",
    "",
    ("number",),
    (
        Field("number", "text"),
        Field("status", "code", filterable=True),
        Field("total", "decimal", filterable=True, sortable=True),
        Field("day", "date", filterable=True),
        Field("at", "datetime", filterable=True),
        Field("urgent", "bool", filterable=True),
        Field("pieces", "int", sortable=True),
        Field("limit", "int", filterable=True),
        Field("note", "text"),
        Field("a__b", "text", filterable=True),
        Field("ship_to", "object", fields=(Field("city", "text"),), filterable=True),
    ),
)
FIELDS = filters.queryable(ORDER)


def parse(*pairs: tuple[str, str]) -> filters.Asked:
    return filters.parse(pairs, "orders", FIELDS)


def refused(*pairs: tuple[str, str]) -> Problem:
    with pytest.raises(Problem) as caught:
        parse(*pairs)
    return caught.value


@pytest.mark.parametrize(
    ("name", "text", "condition"),
    [
        ("status", "open", Condition("status", "eq", "open")),
        ("status__ne", "", Condition("status", "ne", "")),
        ("total__gte", "100", Condition("total", "gte", Decimal(100))),
        ("total__in", "1,2.5", Condition("total", "in", (Decimal(1), Decimal("2.5")))),
        ("number__in", '"a,1",b', Condition("number", "in", ("a,1", "b"))),
        ("number__contains", "1,2", Condition("number", "contains", "1,2")),
        ("day__lt", "2026-02-28", Condition("day", "lt", "2026-02-28")),
        ("at", "2026-11-21T01:00:00+01:00", Condition("at", "eq", "2026-11-21T00:00:00.000000Z")),
        ("at", "2026-11-21t01:00:00.5z", Condition("at", "eq", "2026-11-21T01:00:00.500000Z")),
        ("at__gte", "2026-11-21T01:00:00.12345670Z", Condition("at", "gte", "2026-11-21T01:00:00.123456Z7")),
        ("urgent", "true", Condition("urgent", "eq", 1)),
        ("total__isnull", "false", Condition("total", "isnull", False)),
        ("limit__eq", "5", Condition("limit", "eq", 5)),
        ("a__b", "x", Condition("a__b", "eq", "x")),
        ("a__b__startswith", "x", Condition("a__b", "startswith", "x")),
        ("_key__gt", "acme~1", Condition("_key", "gt", "acme~1")),
    ],
)
def test_a_condition_is_typed_by_its_field(name: str, text: str, condition: Condition) -> None:
    assert parse((name, text)).conditions == (condition,)


def test_conditions_on_one_field_all_hold() -> None:
    asked = parse(("total__gt", "1"), ("total__lt", "9"))
    assert [each.op for each in asked.conditions] == ["gt", "lt"]


def test_the_parameters_of_a_list() -> None:
    asked = parse(("sort", "-total,number"), ("fields", "total,number"), ("limit", "7"), ("count", "exact"))
    assert (asked.sort, asked.fields, asked.limit, asked.count) == (
        (("total", True), ("number", False)),
        ("total", "number"),
        7,
        True,
    )


@pytest.mark.parametrize(
    ("name", "text", "code", "says"),
    [
        ("totl__gte", "1", "unknown_field", "Did you mean 'total'?"),
        ("totl", "1", "unknown_parameter", "Did you mean 'total'?"),
        ("total_gte", "1", "unknown_parameter", "Did you mean 'total__gte'?"),
        ("limt", "1", "unknown_parameter", "Did you mean 'limit'?"),
        ("total__gtee", "1", "unknown_operator", "Did you mean 'gte'?"),
        ("total__like", "1", "unknown_operator", "gte"),
        ("total__contains", "1", "unknown_operator", "A decimal has: eq, ne"),
        ("urgent__gt", "true", "unknown_operator", "A bool has: eq, ne, isnull."),
        ("note", "x", "not_filterable", "status"),
        ("pieces", "1", "not_filterable", "status"),
        ("ship_to", "x", "not_filterable", ""),
        ("ship_to.city", "x", "unknown_parameter", ""),
        ("total", "12,5O", "bad_value", "total must be a decimal number such as 1234.50, but is '12,5O'"),
        ("total", "NaN", "bad_value", ""),
        ("day", "2026-02-30", "bad_value", "a day of the calendar"),
        ("at", "2026-11-21", "bad_value", "a moment"),
        ("at", "2026-13-21t01:00:00z", "bad_value", "but is '2026-13-21t01:00:00z'"),
        ("at", "2026-11-21T01:00:005Z", "bad_value", "a moment"),
        ("at", "2026-11-21T01:00:00.Z", "bad_value", "a moment"),
        ("urgent", "1", "bad_value", "true or false"),
        ("pieces__isnull", "yes", "not_filterable", ""),
        ("total__isnull", "yes", "bad_value", "true or false"),
        ("total__in", "", "bad_value", ""),
        ("total__in", '"1', "bad_value", ""),
        ("total__in", ",".join("1" * 201), "bad_value", "1 to 200"),
        ("limit", "0", "bad_parameter", "from 1 to 1000"),
        ("limit", "1001", "bad_parameter", ""),
        ("limit", "1_0", "bad_parameter", ""),
        ("limit", "٣", "bad_parameter", ""),
        ("count", "yes", "bad_parameter", "exact"),
        ("sort", "note", "not_sortable", "total"),
        ("sort", "status", "not_sortable", ""),
        ("sort", "nmber", "unknown_field", "Did you mean 'number'?"),
        ("sort", "total,-total", "bad_parameter", "twice"),
        ("sort", "_key,total", "bad_parameter", "_key"),
        ("sort", "", "unknown_field", ""),
        ("cursor", "", "bad_cursor", "empty"),
        ("fields", "number,nota", "unknown_field", "Did you mean 'note'?"),
        ("status", "x" * 2001, "bad_parameter", "2000"),
        ("", "x", "unknown_parameter", ""),
        ("status__", "x", "unknown_operator", ""),
        ("__eq", "x", "unknown_field", ""),
    ],
)
def test_what_is_wrong_is_refused_with_what_would_be_right(name: str, text: str, code: str, says: str) -> None:
    problem = refused((name, text))
    assert (problem.code, problem.kind.status) == (code, 400)
    assert says in problem.detail + " " + problem.remedy
    assert problem.errors[0].parameter == name


def test_a_sort_by_several_fields_may_be_repeated_as_generated_clients_do() -> None:
    together = parse(("sort", "-total,number"), ("limit", "7"))
    assert parse(("sort", "-total"), ("limit", "7"), ("sort", "number")) == together
    assert refused(("sort", "total"), ("sort", "-total")).detail == "sort names total twice"


def test_a_query_has_a_bounded_number_of_parameters() -> None:
    assert len(parse(*[("total__gt", "1")] * 100).conditions) == 100
    assert "at most 100" in refused(*[("nonsense", "1")] * 101).detail


def test_all_that_is_wrong_is_told_at_once() -> None:
    problem = refused(("totl__gt", "1"), ("total", "x"), ("limit", "0"), ("limit", "1"), ("limit", "2"))
    assert [flaw.code for flaw in problem.errors] == [
        "unknown_field",
        "bad_value",
        "bad_parameter",
        "repeated_parameter",
        "repeated_parameter",
    ]


@given(st.lists(st.tuples(st.text(max_size=12), st.text(max_size=12)), max_size=4))
def test_any_query_is_understood_or_refused_in_one_shape(pairs: list[tuple[str, str]]) -> None:
    asked: filters.Asked | Problem
    try:
        asked = filters.parse(pairs, "orders", FIELDS)
    except Problem as problem:
        asked = problem
    if isinstance(asked, Problem):
        assert asked.kind.status == 400
        assert all(flaw.code in PROBLEMS and flaw.detail for flaw in asked.errors)
    else:
        named = [name for name, _ in pairs]
        assert len(named) == len(asked.conditions) + sum(name in filters.PARAMETERS for name in named)


NAMES = [name for name, field in FIELDS.items() if field.filterable]


@given(data=st.data(), name=st.sampled_from(NAMES))
def test_what_is_accepted_means_what_was_written(data: st.DataObject, name: str) -> None:
    field = FIELDS[name]
    op = data.draw(st.sampled_from([each for each in filters.OPERATORS[field.type] if each != "isnull"]))
    values: dict[str, st.SearchStrategy[Any]] = {
        "decimal": st.decimals(allow_nan=False, allow_infinity=False, places=2, min_value=-(10**9), max_value=10**9),
        "int": st.integers(-(2**63), 2**63 - 1),
        "date": st.dates().map(lambda day: day.isoformat()),
        "datetime": st.datetimes().map(lambda at: at.isoformat(timespec="microseconds") + "Z"),
        "bool": st.sampled_from(["true", "false"]),
    }
    value = data.draw(values.get(field.type, st.text(st.characters(exclude_categories=["Cs", "Cc"]), max_size=20)))
    text = str(value)
    if op == "in":
        text = '"' + text.replace('"', '""') + '"'
    (condition,) = parse((f"{name}__{op}", text)).conditions
    got = condition.value[0] if op == "in" else condition.value
    assert got == {"true": 1, "false": 0}.get(value, value) if field.type == "bool" else got == value


@given(st.permutations([("status", "a"), ("total__gt", "1"), ("total__lt", "5")]))
def test_a_cursor_survives_another_order_of_the_parameters(pairs: list[tuple[str, str]]) -> None:
    assert parse(*pairs).identity() == parse(*sorted(pairs)).identity()


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("2026-11-21T10:00:00Z", "2026-11-21t11:00:00.000000000+01:00"),
        ("2026-11-21T10:00:00.1234567Z", "2026-11-21t10:00:00.123456700z"),
    ],
)
def test_a_cursor_survives_another_spelling_of_a_moment(one: str, other: str) -> None:
    assert parse(("at__gt", one)).identity() == parse(("at__gt", other)).identity()
    past = [filters.parse([("as_of", text)], "orders", {}, parameters=("as_of",)) for text in (one, other)]
    assert past[0].identity() == past[1].identity() != parse().identity()


def test_a_cursor_is_not_bound_to_page_size_and_fields() -> None:
    assert parse(("limit", "5"), ("fields", "total")).identity() == parse().identity()
    assert parse(("sort", "total")).identity() != parse(("sort", "-total")).identity() != parse().identity()


def test_a_plus_that_was_read_as_a_space_is_told() -> None:
    with pytest.raises(Problem) as caught:
        filters.parse([("as_of", "2026-11-21T10:00:00 01:00")], "orders", {}, parameters=("as_of",))
    assert "%2B" in caught.value.remedy
