"""The compiled function equals the slow interpreter: same values, same failures, for random expressions."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from edi.model import Envelope
from gateway.normalize.access import members
from gateway.normalize.compiler import Mapper, MappingProblems, compile_mapping
from gateway.normalize.expression import parse
from gateway.normalize.faults import CODES as FAULTS
from gateway.normalize.faults import Failure
from tests.gateway.normalize.builders import ACME_ORDERS, CODES, ORDER, X12, contract, integration, loose
from tests.gateway.normalize.reference import Reference

PIPES = [
    "strip", "squash", "upper", "left(2)", "slice(2, -1)", "pad(4)", "before('-')", "digits", "replace('1', '')",
    "split(';')", "text", "int", "decimal", "decimal('1.234,56')", "implied(1)", "round(1)", "abs", "negate",
    "divide(3, 2)", "date", "date('yyyymmdd', none='1')", "year", "time('hh:mi')", "code(units)",
    "code(units, other='KG')", "none('1', 'a')", "bool('1', '2')", "one_of('1', 'a')", "not", "present", "default('z')",
    "default(2.5)", "equals('1')", "count", "sum", "first", "last", "min", "max", "join('-')",
]  # fmt: skip
WRAPS = [
    "all({}, {})",
    "any({}, {})",
    "if({}, {}, 1)",
    "every({0})",
    "some({0})",
    "sum({0})",
    "count({0})",
    "max({0} * 2)",
]
OPERATORS = ["+", "-", "*", "/", "&", "??", "==", "!=", "<", ">="]
VALUES = [
    "",
    "1",
    "2",
    "12,5O",
    "2026-02-28",
    "20260230",
    "EA",
    "ea",
    "a;b;;1",
    " x ",
    "1.5",
    "-7",
    "a-b",
    "NaN",
    "09:30",
]


def written(names: list[str]) -> st.SearchStrategy[str]:
    """Expressions over these names, as text; many are refused, the rest is compared."""
    leaves = st.sampled_from([*names, *names, *names, "'a'", "''", "'1;2'", "1", "2.5", "0"])
    return st.recursive(
        leaves,
        lambda inner: st.one_of(
            st.builds("({}) | {}".format, inner, st.sampled_from(PIPES)),
            st.builds("({}) | {}".format, inner, st.sampled_from(PIPES)),
            st.builds("({}) {} ({})".format, inner, st.sampled_from(OPERATORS), inner),
            st.builds(str.format, st.sampled_from(WRAPS), inner, inner),
        ),
        max_leaves=5,
    )


def compiled(text: str, format_name: str, columns: tuple[str, ...] = ()) -> Mapper | None:
    """The mapping of one expression to a target of a type that fits; None where none does."""
    for kind in ("text", "int", "decimal", "date", "time", "bool"):
        try:
            return compile_mapping(
                integration(format_name, {"it": text}), contract(*loose(f"it:{kind}")), columns=columns, codes=CODES
            )
        except MappingProblems:
            continue
    return None


def same(text: str, content: Any, envelope: Envelope, mapper: Mapper, reference: Reference) -> None:
    record, faults = mapper.function(content, envelope)
    expected = _evaluated(text, reference)
    if isinstance(expected, Failure):
        assert [(fault.code, fault.message) for fault in faults] == [(expected.code, expected.message)], mapper.source
    else:
        assert faults == (), mapper.source
        assert record == ({} if expected is None else {"it": expected}), mapper.source
        assert type(record.get("it")) is type(expected)


def _evaluated(text: str, reference: Reference) -> Any:
    try:
        return reference.value(parse(text, reference.format_name))
    except Failure as failure:
        return failure


HEADER = ("Preis", "gültig ab", "Menge")


@settings(max_examples=150)
@given(
    written(list(HEADER)), st.lists(st.lists(st.sampled_from(VALUES), min_size=3, max_size=3), min_size=1, max_size=4)
)
def test_over_rows_of_csv(text: str, rows: list[list[str]]) -> None:
    mapper = compiled(text, "csv", HEADER)
    for row in rows if mapper else ():
        assert mapper is not None
        columns = dict(zip(HEADER, row, strict=True))
        reference = Reference("csv", columns.__getitem__, lambda name, columns=columns: [columns[name] or None])  # type: ignore[misc]
        same(text, row, Envelope("csv", columns=HEADER), mapper, reference)


_single = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-3, 12),
    st.sampled_from([Decimal("1.5"), Decimal("1E+2"), Decimal(0)]),
    st.sampled_from(VALUES),
)
_member = st.one_of(_single, st.lists(_single, max_size=3), st.fixed_dictionaries({"x": _single}))


@settings(max_examples=150)
@given(
    written(["a", "b", "a.x"]),
    st.lists(st.fixed_dictionaries({}, optional={"a": _member, "b": _member}), min_size=1, max_size=4),
)
def test_over_objects_of_json(text: str, objects: list[dict[str, Any]]) -> None:
    mapper = compiled(text, "jsonl")
    for content in objects if mapper else ():
        assert mapper is not None

        def first(name: str, content: Any = content) -> Any:
            for part in name.split("."):
                content = content.get(part) if isinstance(content, dict) else None
            return content

        def every(name: str, content: Any = content) -> list[Any]:
            return members(content, tuple(name.split(".")))

        same(text, content, Envelope("jsonl"), mapper, Reference("jsonl", first, every))


@settings(max_examples=150)
@given(
    written(["AMT01", "AMT02", "REF[DP].02"]),
    st.lists(
        st.tuples(st.sampled_from(["AMT", "REF"]), st.lists(st.sampled_from([*VALUES, "DP"]), max_size=3)), max_size=4
    ),
)
def test_over_segments_of_x12(text: str, segments: list[tuple[str, list[str]]]) -> None:
    mapper = compiled(text, "x12")
    if mapper is None:
        return
    content: dict[str, Any] = {}
    for tag, elements in segments:
        content.setdefault(tag, []).append([tag, *elements])

    def every(name: str) -> list[Any]:
        rows = content.get(name[:3], [])
        if "[" in name:
            rows = [row for row in rows if row[1:2] == ["DP"]]
        number = int(name[-2:])
        return [(row[number] or None) if len(row) > number else None for row in rows]

    def first(name: str) -> Any:
        return next(iter(every(name)), None)

    same(text, content, X12, mapper, Reference("x12", first, every))


_text = st.sampled_from([*VALUES, "BY", "ST", "F", "VP", "002"])
_element = st.one_of(_text, st.lists(_text, max_size=2), st.lists(_text, max_size=2).map(tuple))


@st.composite
def loops(draw: st.DrawFn, depth: int = 2) -> dict[str, Any]:
    """A loop of any rows and child loops, as no sender would send it."""
    made: dict[str, Any] = {}
    for tag in draw(st.lists(st.sampled_from(["BEG", "N1", "N4", "PO1", "PID", "DTM"]), max_size=3, unique=True)):
        rows = draw(st.lists(st.lists(_element, max_size=4), min_size=1, max_size=2))
        made[tag] = [[tag, *row] for row in rows]
        if depth:
            made[tag + "*"] = [{**loop, tag: [[tag]]} for loop in draw(st.lists(loops(depth - 1), max_size=2))]
    return made


@given(loops())
def test_a_loop_of_any_shape_becomes_a_record_or_faults(content: dict[str, Any]) -> None:
    mapper = compile_mapping(integration("x12", ACME_ORDERS, "count(lines) == CTT01"), ORDER, codes=CODES)
    record, faults = mapper.function(content, X12)
    assert isinstance(record["lines"], list)
    assert all(fault.message and fault.remedy and fault.code in FAULTS for fault in faults)
