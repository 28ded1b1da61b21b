"""The grammar: what is read as what, what is refused and where, and that a printed tree is read as itself."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.normalize.expression import (
    Binary,
    Call,
    ExpressionError,
    Fallback,
    Joined,
    Name,
    Node,
    Number,
    Text,
    parse,
    unparse,
)

A, B, C = Name("A01"), Name("B01"), Name("C01")


@pytest.mark.parametrize(
    ("text", "tree"),
    [
        pytest.param("BEG03", Name("BEG03"), id="a path"),
        pytest.param("'it''s'", Text("it's"), id="a quote is doubled"),
        pytest.param("''", Text(""), id="an empty text"),
        pytest.param("12", Number(12), id="a whole number"),
        pytest.param("-1.50", Number(Decimal("-1.50")), id="a negative fraction"),
        pytest.param("`A ``B`` (C)`", Name("A `B` (C)"), id="backticks"),
        pytest.param("A01 | strip", Call("strip", (A,), piped=True), id="a pipe"),
        pytest.param("strip(A01)", Call("strip", (A,)), id="the same call, written around"),
        pytest.param(
            "A01 | date('yymmdd', none='000000')",
            Call("date", (A, Text("yymmdd")), (("none", Text("000000")),), piped=True),
            id="arguments by position and by name",
        ),
        pytest.param("A01 - -1", Binary("-", A, Number(-1)), id="a minus and a negative number"),
        pytest.param("A01 == -1", Binary("==", A, Number(-1)), id="a comparison with a negative number"),
        pytest.param("A01 - B01 - C01", Binary("-", Binary("-", A, B), C), id="subtraction from the left"),
        pytest.param("A01 * B01 | int", Binary("*", A, Call("int", (B,), piped=True)), id="pipe before times"),
        pytest.param("A01 + B01 * C01", Binary("+", A, Binary("*", B, C)), id="times before plus"),
        pytest.param("A01 & B01 + C01", Joined((A, Binary("+", B, C))), id="plus before and"),
        pytest.param("A01 == B01 & C01", Binary("==", A, Joined((B, C))), id="and before comparing"),
        pytest.param("A01 ?? B01 == C01", Fallback((A, Binary("==", B, C))), id="comparing before fallback"),
        pytest.param("(A01 ?? B01) | int", Call("int", (Fallback((A, B)),), piped=True), id="parentheses first"),
        pytest.param("A01 ?? B01 ?? C01", Fallback((A, B, C)), id="several fallbacks are one"),
        pytest.param("(A01 & B01) & C01", Joined((Joined((A, B)), C)), id="parentheses are kept"),
    ],
)
def test_an_expression_is_read_as_this_tree(text: str, tree: Node) -> None:
    assert parse(text, "x12") == tree


@pytest.mark.parametrize(
    ("format_name", "text", "tree"),
    [
        pytest.param("x12", "N1[ST]/N4.01", Name("N1[ST]/N4.01"), id="a child segment"),
        pytest.param("x12", "REF[A B/C].02", Name("REF[A B/C].02"), id="brackets hold anything"),
        pytest.param("x12", "A01 / B01", Binary("/", A, B), id="division has spaces"),
        pytest.param("xml", "cac:A/cbc:B/@c-d", Name("cac:A/cbc:B/@c-d"), id="an attribute"),
        pytest.param(
            "xml", "cac:A[2]/text() | strip", Call("strip", (Name("cac:A[2]/text()"),), piped=True), id="text()"
        ),
        pytest.param("xml", ".", Name("."), id="the element itself"),
        pytest.param("csv", "gültig ab", Name("gültig ab"), id="a header with a space"),
        pytest.param("csv", "Preis  je  Stk.", Name("Preis  je  Stk."), id="spaces as they stand"),
        pytest.param("csv", "Artikel-Nr - 1", Binary("-", Name("Artikel-Nr"), Number(1)), id="hyphen and minus"),
        pytest.param("csv", "a b*c d", Binary("*", Name("a b"), Name("c d")), id="words around an operator"),
        pytest.param("csv", "Spalte 2", Name("Spalte 2"), id="a header that ends in a number"),
        pytest.param("csv", "#3", Name("#3"), id="a column by its number"),
        pytest.param("csv", "count(lines)", Call("count", (Name("lines"),)), id="a call in CSV"),
        pytest.param("jsonl", "customer.name", Name("customer.name"), id="a member"),
    ],
)
def test_names_follow_each_format_s_habit(format_name: str, text: str, tree: Node) -> None:
    assert parse(text, format_name) == tree


@pytest.mark.parametrize(
    ("text", "message", "offset", "hint"),
    [
        ("", "the expression is empty", 0, "source path"),
        ("  ", "the expression is empty", 2, "source path"),
        ("A01 |", "the name of a function is expected", 5, "| strip"),
        ("A01 | 5", "the name of a function is expected", 6, ""),
        ("A01 ??", "the expression ends here", 6, ""),
        ("(A01", "this parenthesis is not closed", 0, "add the missing )"),
        ("A01)", "closes nothing", 3, ""),
        ("f(A01", "this parenthesis is not closed", 1, ""),
        ("f(A01 B01)", "an operator or the end is expected before 'B01)'", 6, "backticks"),
        ("'abc", "this ' is not closed", 0, "double it inside"),
        ("`abc", "this ` is not closed", 0, ""),
        ('A01 ?? "USD"', "text stands in single quotes", 7, "'text'"),
        ("A01 = 'x'", "'=' is no operator", 4, "=="),
        ("A01 || B01", "'||' is no operator", 4, "any(a, b)"),
        ("A01 && B01", "'&&' is no operator", 4, "all(a, b)"),
        ("A01 == 'x' and B01 == 'y'", "'and' is no operator", 11, "all(a, b)"),
        ("A01 < B01 < C01", "two values are compared at a time", 10, "all(a < b, b < c)"),
        ("A01 B01", "an operator or the end is expected before 'B01'", 4, "backticks"),
        ("Preis (EUR)", "a parenthesis is not expected here", 6, "backticks"),
        ("N1[ST", "this square bracket has no partner", 2, ""),
        ("f(a=1, 2)", "without a name stands before", 7, ""),
        ("f(a=1, a=2)", "'a' is given twice", 7, ""),
        ("A01 + * B01", "a value is expected, not '*'", 6, ""),
        ("(" * 60 + "A01" + ")" * 60, "nests too deeply", 25, "split"),
        ("A01" + " | strip" * 60, "too long a chain", 196, "split"),
        ("A01" + " + 1" * 60, "too long a chain", 100, "split"),
        ("9" * 101, "longer than 100 digits", 0, ""),
        ("A01 & " * 1000 + "A01", "longer than 4000 characters", 4000, "split"),
    ],
)
def test_what_is_no_expression_is_refused_at_its_place(text: str, message: str, offset: int, hint: str) -> None:
    with pytest.raises(ExpressionError) as caught:
        parse(text, "x12")
    assert message in caught.value.message
    assert caught.value.offset == offset
    assert hint in caught.value.hint
    assert caught.value.length >= 1


def test_nodes_know_where_they_stand() -> None:
    tree = parse("A01 | strip == upper(B01)", "x12")
    assert isinstance(tree, Binary)
    assert (tree.offset, tree.length) == (0, 20)
    assert isinstance(tree.left, Call)
    assert (tree.left.offset, tree.left.length) == (6, 5)


FORMATS = ("x12", "edifact", "csv", "xml", "jsonl", "record")
_texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=6)
_leaves = st.one_of(
    _texts.map(Text),
    st.integers(-(10**6), 10**6).map(Number),
    st.decimals(-(10**6), 10**6, places=2).map(Number),
    st.sampled_from(["BEG03", "N1[ST]/N4.01", "gültig ab", "a-b", "cbc:ID/@x", "Preis (EUR)", "1", "a.b"]).map(Name),
    st.text(min_size=1, max_size=6).filter(bool).map(Name),
)
_functions = st.sampled_from(["strip", "if", "date", "pair"])


def _nodes(inner: st.SearchStrategy[Node]) -> st.SearchStrategy[Node]:
    parts = st.lists(inner, min_size=2, max_size=3).map(tuple)
    arguments = st.lists(inner, min_size=1, max_size=3).map(tuple)
    named = st.lists(st.tuples(st.sampled_from(["none", "places", "how"]), inner), max_size=2, unique_by=lambda p: p[0])
    return st.one_of(
        st.builds(Binary, st.sampled_from(["+", "-", "*", "/", "==", "!=", "<", "<=", ">", ">="]), inner, inner),
        st.builds(Joined, parts),
        st.builds(Fallback, parts),
        st.builds(Call, _functions, arguments, named.map(tuple), piped=st.booleans()),
    )


_trees = _leaves
for _ in range(3):
    _trees = st.one_of(_leaves, _nodes(_trees))


@given(_trees, st.sampled_from(FORMATS))
def test_a_printed_tree_is_read_as_itself(tree: Node, format_name: str) -> None:
    written = unparse(tree, format_name)
    assert parse(written, format_name) == tree
    assert unparse(parse(written, format_name), format_name) == written


def _read(text: str, format_name: str) -> Node | ExpressionError:
    try:
        return parse(text, format_name)
    except ExpressionError as error:
        return error


@given(
    st.one_of(st.text(max_size=60), st.text("AB01 |?&=<>+-*/()[],.'\"`#:@xyz", max_size=60)), st.sampled_from(FORMATS)
)
def test_whatever_is_written_is_read_or_refused(text: str, format_name: str) -> None:
    tree = _read(text, format_name)
    if isinstance(tree, ExpressionError):
        assert 0 <= tree.offset <= len(text)
        assert tree.message
    else:
        assert parse(unparse(tree, format_name), format_name) == tree


@given(st.binary(max_size=40), st.sampled_from(FORMATS))
def test_random_bytes_are_read_or_refused(data: bytes, format_name: str) -> None:
    tree = _read(data.decode("latin-1"), format_name)
    assert not isinstance(tree, ExpressionError) or tree.offset <= len(data)
