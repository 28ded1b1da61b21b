"""JSON lines: real bytes and what must come of them, whole, byte by byte and in every two halves; then anything."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edi.jsonlines import SPEC, locate, read, read_blocks
from edi.model import Document, Envelope
from edi.paths import ColumnPath, MemberPath, parse_path
from tests.edi.corpus import cases, declared, holds, options_of, same_however_cut, told

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

ENVELOPE = Envelope("jsonl")


@pytest.mark.parametrize("path", cases("jsonl"), ids=lambda path: path.stem)
def test_each_file_is_read_as_expected_however_it_is_cut(path: Path) -> None:
    limit = int(options_of(declared(path)).get("line_bytes_max", "1000000"))
    holds(path, lambda blocks: read_blocks(blocks, limit))


def test_the_example_of_the_spec_is_read_without_a_finding() -> None:
    (line,) = read([SPEC.example.encode()], {})
    assert isinstance(line, Document)
    assert line.content == {"number": "4711", "total": Decimal("12.50")}
    assert str(line.content["total"]) == "12.50"
    assert not line.findings


SEEDS = st.lists(
    st.sampled_from(('{"a": 1}', '{"a"', "NaN", "\n", "\r\n", "é", '"', "[", "]}", "\\u0000", "\\ud800", " "))
)


@given(
    data=st.one_of(st.binary(max_size=60), SEEDS.map(lambda parts: "".join(parts).encode())),
    limit=st.sampled_from((1, 5, 1000)),
)
@settings(max_examples=300, deadline=None)
def test_whatever_the_bytes_the_answer_is_the_same_in_any_cut_and_no_byte_is_lost(data: bytes, limit: int) -> None:
    same_however_cut(data, lambda blocks: read_blocks(blocks, limit))
    covered = bytearray(data.removeprefix(b"\xef\xbb\xbf").rjust(len(data), b" "))
    for item in (told(item, data) for item in read_blocks([data], limit)):
        start, end = item["bytes"] if "document" in item else (item["finding"]["start"], item["finding"]["end"])
        covered[start:end] = b" " * (end - start)
    assert not covered.strip(b" \t\r\n")


JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(10**6), 10**6)
    | st.text(st.characters(codec="utf-8", exclude_characters="\0")),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.text(st.characters(codec="utf-8", exclude_characters="\0")), inner, max_size=3)
    ),
    max_leaves=8,
)


@given(value=st.dictionaries(st.sampled_from(("a", "b", "é")), JSON), ascii_only=st.booleans())
@settings(max_examples=200, deadline=None)
def test_each_member_is_found_again(value: dict[str, Any], ascii_only: bool) -> None:
    raw = json.dumps(value, ensure_ascii=ascii_only).encode()
    (document,) = read([raw], {})
    assert isinstance(document, Document)
    assert document.content == value
    for name, member in value.items():
        place = locate(raw, ENVELOPE, MemberPath((name,)), ())
        assert place is not None
        written = raw[place.start : place.end].decode()
        assert json.loads(f'"{written}"' if isinstance(member, str) else written) == member


RAW = b'{"a": [{"b":"x\\"y"} , {"b":-1.50}], "c":{}, "\xc3\xa4": "\xc3\xb6"}'


@pytest.mark.parametrize(
    ("path", "loops", "found"),
    [
        ("b", (("a", 0),), b'x\\"y'),
        ("b", (("a", 1),), b"-1.50"),
        ("a", (), b'[{"b":"x\\"y"} , {"b":-1.50}]'),
        ("ä", (), b"\xc3\xb6"),
    ],
)
def test_a_value_in_a_list_is_found_by_its_place(path: str, loops: tuple[tuple[str, int], ...], found: bytes) -> None:
    place = locate(RAW, ENVELOPE, parse_path("jsonl", path), tuple((MemberPath((name,)), at) for name, at in loops))
    assert place is not None
    assert RAW[place.start : place.end] == found
    assert (place.line, place.column) == (1, path)


@pytest.mark.parametrize(
    ("path", "loops", "before"),
    [
        ("z", (("a", 1),), b'}], "c"'),
        ("b", (("a", 2),), b'], "c"'),
        ("c.d", (), b'}, "\xc3\xa4"'),
        ("d", (), b"}"),
        ("c.d.e", (), b'}, "\xc3\xa4"'),
    ],
)
def test_a_missing_value_has_an_empty_span_where_it_should_stand(
    path: str, loops: tuple[tuple[str, int], ...], before: bytes
) -> None:
    place = locate(RAW, ENVELOPE, parse_path("jsonl", path), tuple((MemberPath((name,)), at) for name, at in loops))
    assert place is not None
    assert place.start == place.end
    assert RAW[place.start :].startswith(before)


def test_a_path_of_another_format_or_a_damaged_document_is_nowhere() -> None:
    assert locate(RAW, ENVELOPE, ColumnPath("a"), ()) is None
    assert locate(b'{"a": ', ENVELOPE, MemberPath(("a",)), ()) is None
    assert locate(b'{"a" 1', ENVELOPE, MemberPath(("b",)), ()) is None


def test_a_40_mb_line_is_a_finding_and_the_lines_behind_it_are_read() -> None:
    def chunks() -> Iterator[bytes]:
        yield b'{"a": "'
        for _ in range(40):
            yield b"x" * 1_000_000
        yield b'"}\r\n{"a": 2}\n'

    first, second = (item for item in read(chunks(), {}))
    assert isinstance(first, Document)
    assert isinstance(second, Document)
    assert (first.start, first.end, first.content) == (0, 40_000_009, None)
    assert first.findings[0].code == "json.too_long"
    assert second.content == {"a": 2}


def test_a_limit_that_is_no_number_is_refused_at_the_call() -> None:
    with pytest.raises(ValueError, match="16777216"):
        read([], {"line_bytes_max": "16 MB"})


def test_a_web_page_is_told_once_and_not_line_by_line() -> None:
    data = b"<!DOCTYPE html>\n<html>\n<body>Log in</body>\n</html>\n" * 3
    (finding,) = read([data], {})
    assert not isinstance(finding, Document)
    assert (finding.code, finding.position.end) == ("file.kind", len(data))
