"""JSON documents: real bytes and what must come of them, whole, byte by byte and in every two halves; then anything."""

from __future__ import annotations

import json
import tracemalloc
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edi.jsondoc import SPEC, locate, read, read_blocks
from edi.model import Document
from edi.paths import parse_path
from tests.edi.corpus import cases, declared, holds, options_of, same_however_cut, told

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from edi.findings import Finding


@pytest.mark.parametrize("path", cases("json"), ids=lambda path: path.stem)
def test_each_file_is_read_as_expected_however_it_is_cut(path: Path) -> None:
    options = options_of(declared(path))
    limit = int(options.get("document_bytes_max", "1000000"))
    holds(path, lambda blocks: read_blocks(blocks, each=options.get("each", ""), limit=limit))


def test_the_example_of_the_spec_is_read_without_a_finding() -> None:
    (order,) = read([SPEC.example.encode()], {})
    assert isinstance(order, Document)
    assert order.content["number"] == "4711"
    assert not order.findings


SEEDS = st.lists(
    st.sampled_from(
        (
            *(
                '{"a": 1}',
                '{"a"',
                '"a": ',
                '"b": ',
                "NaN",
                "\n",
                "\r\n",
                "é",
                '"',
                "\\",
                "[",
                "]",
                "{",
                "}",
                ",",
                ":",
                " ",
            ),
            *('{"a": [{"n": 1}]}', '{"b": {"a": [{"n": 1}, {"n": 2}]}}', '"x\\"]"', "12"),
        )
    ),
    max_size=12,
)


@given(
    data=st.one_of(st.binary(max_size=60), SEEDS.map(lambda parts: "".join(parts).encode())),
    start=st.sampled_from((b"", b"[", b'{"a": [', b'{"b": {"a": [')),
    each=st.sampled_from(("", "a", "b.a")),
    limit=st.sampled_from((1, 5, 1000)),
)
@settings(max_examples=200, deadline=None)
def test_whatever_the_bytes_the_answer_is_the_same_in_any_cut(data: bytes, start: bytes, each: str, limit: int) -> None:
    data = start + data
    same_however_cut(data, lambda blocks: read_blocks(blocks, each=each, limit=limit))
    items = [told(item, data) for item in read_blocks([data], each=each, limit=limit)]
    if each or not items:
        assert items or not each
        return
    covered = bytearray(data.removeprefix(b"\xef\xbb\xbf").rjust(len(data), b" "))
    for item in items:
        first, end = item["bytes"] if "document" in item else (item["finding"]["start"], item["finding"]["end"])
        covered[first:end] = b" " * (end - first)
    assert not covered.strip(b" \t\r\n[],").replace(b",", b"").strip()


VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(10**9), 10**9)
    | st.text(st.characters(codec="utf-8", exclude_characters="\0")),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text('ab{[,"', max_size=3), inner, max_size=3),
    max_leaves=8,
)
OBJECTS = st.lists(st.dictionaries(st.text("xy]}\\", max_size=3), VALUES, max_size=3), max_size=5)


@given(objects=OBJECTS, indent=st.sampled_from((None, 1)), size=st.integers(1, 40))
@settings(max_examples=150, deadline=None)
def test_what_the_json_module_writes_comes_back_with_its_bytes(
    objects: list[dict[str, Any]], indent: int | None, size: int
) -> None:
    inside = {"head": objects, "data": {"list": objects, "n": 1}, "list": 2}
    for whole, each in ((objects, ""), (inside, "data.list")):
        data = json.dumps(whole, indent=indent, ensure_ascii=False).encode()
        found = list(read_blocks((data[at : at + size] for at in range(0, len(data), size)), each=each))
        assert all(isinstance(item, Document) and not item.findings for item in found)
        assert [item.content for item in found if isinstance(item, Document)] == objects
        for item in found:
            assert isinstance(item, Document)
            assert json.loads(data[item.start : item.end]) == item.content


def test_a_value_is_found_in_the_bytes_of_its_object() -> None:
    data = b'[\n {"a": {"b": "x"}}]'
    (item,) = read([data], {})
    assert isinstance(item, Document)
    place = locate(data[item.start : item.end], item.envelope, parse_path("json", "a.b"), ())
    assert place is not None
    assert data[item.start + place.start : item.start + place.end] == b"x"


def test_a_large_file_and_an_object_without_an_end_take_no_more_memory_than_a_small_one() -> None:
    def chunks() -> Iterator[bytes]:
        yield b'{"skipped": "'
        yield from [b"x" * 1_000_000] * 8
        yield b'", "orders": ['
        yield from [b'{"n": [1, 2, 3]},' * 1000] * 20
        yield b'{"n": ["'
        yield from [b"]" * 1_000_000] * 8
        yield b'"]}, {"n": 1}]}'

    tracemalloc.start()
    try:
        count, long, last = _last_of(read(chunks(), {"each": "orders", "document_bytes_max": "200000"}))
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert count == 20_002
    assert isinstance(long, Document)
    assert [finding.code for finding in long.findings] == ["json.too_long"]
    assert isinstance(last, Document)
    assert last.content == {"n": 1}
    assert peak < 5_000_000


def _last_of(items: Iterator[Document | Finding]) -> Iterator[Any]:
    count, before, last = 0, None, None
    for item in items:
        count, before, last = count + 1, last, item
    yield count
    yield before
    yield last


@pytest.mark.parametrize(
    ("options", "message"), [({"each": "a..b"}, "empty name"), ({"document_bytes_max": "0"}, "no number of bytes")]
)
def test_an_option_without_a_usable_value_is_refused_at_the_call(options: dict[str, str], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        read([], options)
