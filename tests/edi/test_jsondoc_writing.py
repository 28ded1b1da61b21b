"""JSON documents, written: the objects as a list."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from edi import jsondoc
from edi.jsondoc_writing import write
from edi.model import Document, Envelope
from edi.writing import Unwritable


def written(*contents: Any, **options: str) -> bytes:
    documents = [Document(number, 0, 0, content, Envelope("json")) for number, content in enumerate(contents, 1)]
    return b"".join(write(documents, options))


@pytest.mark.parametrize(
    ("contents", "options", "data"),
    [
        ([], {}, b"[\n]\n"),
        ([{"a": Decimal("1.50")}, {}], {}, b'[\n{"a":1.50},\n{}\n]\n'),
        ([{"a": 1}, {"b": 2}], {"line_end": "none", "each": "data.orders"}, b'{"data":{"orders":[{"a":1},{"b":2}]}}'),
        ([{"a": "]}\n"}], {"each": "\u00fc", "line_end": "crlf"}, '{"ü":[\r\n{"a":"]}\\n"}\r\n]}\r\n'.encode()),
    ],
)
def test_objects_become_a_list_that_is_read_again(contents: list[Any], options: dict[str, str], data: bytes) -> None:
    assert written(*contents, **options) == data
    each = {"each": options["each"]} if "each" in options else {}
    assert [item.content for item in jsondoc.read([data], each) if isinstance(item, Document)] == contents


def test_what_would_be_read_otherwise_is_refused() -> None:
    with pytest.raises(Unwritable, match=r"^document 2, member a: 0.1 is no value of JSON that is read as it was"):
        written({}, {"a": 0.1})
    with pytest.raises(ValueError, match=r"each 'a\.\.b' has an empty name"):
        write([], {"each": "a..b"})
