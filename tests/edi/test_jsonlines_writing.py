"""JSON lines, written: every digit stays, and what would be read otherwise is refused."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edi import jsonlines
from edi.jsonlines import write
from edi.model import Document, Envelope
from edi.writing import Unwritable
from tests.edi.corpus import cases

if TYPE_CHECKING:
    from pathlib import Path


def documents(*contents: Any) -> list[Document]:
    return [Document(number, 0, 0, content, Envelope("jsonl")) for number, content in enumerate(contents, 1)]


def written(*contents: Any, **options: str) -> bytes:
    return b"".join(write(documents(*contents), options))


def read(data: bytes) -> list[Any]:
    return [item.content for item in jsonlines.read([data], {}) if isinstance(item, Document)]


@pytest.mark.parametrize("path", [pytest.param(path, id=path.stem) for path in cases("jsonl")])
def test_every_sample_is_read_again_as_it_was(path: Path) -> None:
    contents = [content for content in read(path.read_bytes()) if content is not None]
    again = read(written(*contents))
    assert again == contents
    assert str(again) == str(contents)


def test_decimals_keep_every_digit() -> None:
    content = {"total": Decimal("12.50"), "rate": Decimal("1E-30"), "many": [Decimal("0.10")], "count": 3, "id": "007"}
    data = written(content, {"ü": None}, line_end="crlf")
    assert data == ('{"total":12.50,"rate":1E-30,"many":[0.10],"count":3,"id":"007"}\r\n{"ü":null}\r\n'.encode())


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ({"a": [1, {"b": 0.1}]}, r"^document 1, member a.2.b: 0.1 is no value of JSON that is read as it was; give"),
        ({"a": (1, 2)}, r"member a: \(1, 2\) is no value"),
        ({"a": {1: "x"}}, r"member a.1: the name 1 is no text"),
        ({"a": Decimal("NaN")}, r"member a: Decimal\('NaN'\) is no value"),
        ({"a": float("inf")}, r"member a: inf is no value"),
        ({"a": b"x"}, r"member a: b'x' is no value"),
        ({"a": "x\0y"}, r"member a: 'x\\x00y' holds a NUL or half"),
        ({"a": "\0001\0"}, r"member a: '\\x001\\x00' holds a NUL or half"),
        ({"a\0": 1}, r"holds a NUL or half"),
        ({"a": "\ud800"}, r"member a: '\\ud800' holds a NUL or half"),
        ([1], r"^document 1: \[1\] is no object"),
        (None, r"None is no object"),
    ],
)
def test_what_would_be_read_otherwise_is_refused(content: Any, words: str) -> None:
    with pytest.raises(Unwritable, match=words):
        written(content)


def test_what_is_nested_too_deep_is_refused() -> None:
    content: Any = {}
    for _ in range(250):
        content = {"a": content}
    with pytest.raises(Unwritable, match=r"nested deeper than 200"):
        written(content)


@pytest.mark.parametrize("options", [{"line_end": "none"}, {"line_end": "cr"}, {"indent": "2"}])
def test_an_unusable_option_is_refused_at_the_call(options: dict[str, str]) -> None:
    with pytest.raises(ValueError, match=r"line_end|no option 'indent'"):
        write([], options)


TEXTS = st.text(st.characters(codec="utf-8", exclude_characters="\0") | st.sampled_from('\\"u0'), max_size=8)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | TEXTS | st.decimals(allow_nan=False, allow_infinity=False),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=3),
    max_leaves=8,
)


@given(contents=st.lists(st.dictionaries(TEXTS, VALUES, max_size=4), max_size=3))
def test_any_objects_are_read_again(contents: list[Any]) -> None:
    assert read(written(*contents)) == contents
