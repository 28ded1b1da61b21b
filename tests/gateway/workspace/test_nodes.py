"""Nothing is typed, nothing is expanded, and every node knows its place."""

from __future__ import annotations

import doctest

import pytest
from hypothesis import given
from hypothesis import strategies as st

import gateway.workspace
import gateway.workspace.nodes
from gateway.workspace.nodes import DEPTH_MAX, Mapping, Node, Scalar, Sequence, compose
from gateway.workspace.problems import File, Problem


def read(text: str) -> tuple[Node | None, list[Problem]]:
    file = File("x.yaml", text)
    return compose(file), file.problems


def value(text: str) -> Scalar:
    root, problems = read(text)
    assert isinstance(root, Mapping)
    assert not problems
    node = root.entries[0][1]
    assert isinstance(node, Scalar)
    return node


@pytest.mark.parametrize(
    "text",
    ["004010", "NO", "no", "01", "12:30", "1.10", "1e9", "0x1F", "~", "null", "true", "2026-01-31", "1_000", "=", "<<"],
)
def test_every_scalar_stays_the_text_that_stands_there(text: str) -> None:
    assert value(f"key: {text}\n").value == text


@pytest.mark.parametrize("key", ["on", "y", "No", "012", "1.0", "null", "12:30:45"])
def test_every_key_stays_the_text_that_stands_there(key: str) -> None:
    root, problems = read(f"{key}: x")
    assert isinstance(root, Mapping)
    assert root.entries[0][0].value == key
    assert not problems


@pytest.mark.parametrize(
    ("text", "style"), [("a", ""), ("'a'", "'"), ('"a"', '"'), ("|\n  a", "|"), (">\n  a", ">")], ids=str
)
def test_the_way_a_text_is_quoted_stays_visible(text: str, style: str) -> None:
    node = value(f"key: {text}")
    assert (node.value.strip(), node.style) == ("a", style)
    assert node.literal == (style == "'")


REFUSED = [
    ("a: 1\nb: 2\na: 3\n", 3, 1, "'a' stands here a second time"),
    ("a: &x 1\n", 1, 4, "an anchor stands here"),
    ("a: *x\n", 1, 4, "an alias stands here"),
    ("a: !!str 1\n", 1, 4, "a tag stands here"),
    ("a: !!python/object:os.system x\n", 1, 4, "a tag stands here"),
    ("a: 1\n---\nb: 2\n", 2, 1, "a second document begins here"),
    ("? [a, b]\n: c\n", 1, 3, "a key is a text"),
    ("a: b\n\tc: d\n", 2, 1, "a tab stands here"),
    ("a:\n\tb: c\n", 2, 1, "a tab stands here"),
    ("a: `x y`\n", 1, 4, "YAML does not let a value begin with '`'"),
    ("a: @id\n", 1, 4, "YAML does not let a value begin with '@'"),
    ("a: %x\n", 1, 4, "YAML does not let a value begin with '%'"),
    ("a: 'X' & B\n", 1, 9, 'the value begins with "\'" and does not end where YAML expects it'),
    ("a: N1 ?? ': '\n", 1, 11, "a second colon stands in this line"),
    ("a: b\nsource: http:\n", 2, 9, "YAML takes 'http:' for one more key"),
    ("source: http:  # uploads\n", 1, 9, "YAML takes 'http:' for one more key"),
    ("a: b\x01\n", 1, 5, "a control character stands here"),
    ("a: ü\x01\n", 1, 5, "a control character stands here"),
    ("a: \ud800\n", 1, 4, "half a character stands here"),
    ("a: {b: c\n", 1, 9, "the value begins with '{' and does not end"),
    ("a:\n  b: c\n d: e\n", 3, 2, "this is not YAML"),
    ("[" * (DEPTH_MAX + 2) + "]" * (DEPTH_MAX + 2), 1, DEPTH_MAX + 1, "this is nested too deeply"),
]


@pytest.mark.parametrize(("text", "line", "column", "message"), REFUSED, ids=[case[3] for case in REFUSED])
def test_what_means_something_else_in_yaml_is_refused_where_it_stands(
    text: str, line: int, column: int, message: str
) -> None:
    _, problems = read(text)
    assert len(problems) == 1, problems
    assert problems[0].message.startswith(message)
    assert (problems[0].line, problems[0].column) == (line, column)
    assert problems[0].hint


def test_a_value_that_ends_with_a_colon_is_shown_as_it_is_to_be_written() -> None:
    _, problems = read("integration: uploads\nsource: http:\n")
    assert problems[0].hint == 'quote it: source: "http:"'


def test_a_laughing_billion_is_refused_without_being_expanded() -> None:
    lines = ["a0: &a0 [x]"] + [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]" for n in range(1, 9)]
    _, problems = read("\n".join(lines))
    assert {problem.message for problem in problems} == {"an anchor stands here", "an alias stands here"}


def test_a_byte_order_mark_and_windows_line_ends_change_no_place() -> None:
    root, problems = read("\ufeffa: b\r\nc: dé\r\n")
    assert isinstance(root, Mapping)
    key, node = root.entries[1]
    assert (key.place.line, key.place.column) == (2, 1)
    assert isinstance(node, Scalar)
    assert (node.value, node.place.column) == ("dé", 4)
    assert not problems


def test_an_empty_file_is_no_node() -> None:
    assert read("") == (None, [])
    assert read("# only a comment\n") == (None, [])


WRITTEN = [
    ("a: plain text", "text"),
    ("a: 'it''s text'", "text"),
    (r'a: "\u00e9\t\x41 text"', "text"),
    ("a: one\n  two\n\n  text", "text"),
    ('a: "one \\\n  two\n  text"', "text"),
    ("a: 'one\n\n\n  text'", "text"),
    ("a: |\n  one\n\n    two text\n", "text"),
    ("a: |-  # kept\r\n   one\r\n   text\r\n", "text"),
]


@pytest.mark.parametrize(("text", "word"), WRITTEN, ids=[repr(case[0]) for case in WRITTEN])
def test_a_part_of_a_text_is_found_where_it_is_written(text: str, word: str) -> None:
    node = value(text)
    offset = node.value.index(word)
    part = node.part(offset, len(word))
    assert text[part.start : part.end] == word
    assert part.value == word


@given(st.text(st.characters(exclude_categories=["Cc", "Cs"], exclude_characters="\ufeff\u2028\u2029\x85\ufffe\uffff")))
def test_each_character_of_a_quoted_text_is_found_where_it_is_written(content: str) -> None:
    node = value("a: '" + content.replace("'", "''") + "'")
    assert node.value == content
    assert "".join(node.file.text[node.index(offset)] for offset in range(len(content))) == content


@given(st.text(st.sampled_from(list("ab \t\n'\"\\:-#[]{},&*!|>%@`?é\U0001f600\r\x00\x7f\u2028")), max_size=60))
def test_any_text_is_a_tree_or_a_problem(text: str) -> None:
    file = File("x.yaml", text)
    root = compose(file)
    for node in _nodes(root):
        assert 0 <= node.start <= node.end <= len(file.text)
    for problem in file.problems:
        assert 1 <= problem.line <= text.count("\n") + text.count("\r") + 1
        assert problem.column >= 1
        assert str(problem)


def _nodes(node: Node | None) -> list[Node]:
    if isinstance(node, Mapping):
        return [node, *(inner for pair in node.entries for part in pair for inner in _nodes(part))]
    if isinstance(node, Sequence):
        return [node, *(inner for item in node.items for inner in _nodes(item))]
    return [node] if node else []


def test_the_example_of_each_docstring_works() -> None:
    for module in (gateway.workspace, gateway.workspace.nodes):
        assert doctest.testmod(module).failed == 0
        assert doctest.testmod(module).attempted > 0
