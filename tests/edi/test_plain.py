"""Documents become plain values for JSON, and come back from them as they were."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

import pytest
from lxml import etree

from edi.formats import FORMATS, parse_format
from edi.model import Document, Envelope
from edi.plain import document_of, plain


@pytest.mark.parametrize("name", FORMATS)
def test_the_example_of_a_format_comes_back_from_json(name: str) -> None:
    declared = {"csv": "csv header", "fixed": "fixed sku:1-8 price:9-14:number"}.get(name, name)
    _, _, message, options = parse_format(declared)
    given = dict(options) | ({"message": message} if message else {})
    example = b"A-1      12.50\n" if name == "fixed" else FORMATS[name].spec.example.encode()
    documents = [each for each in FORMATS[name].read([example], given) if isinstance(each, Document)]
    assert documents
    for document in documents:
        again = document_of(json.loads(json.dumps(plain(document))))
        assert again.envelope == document.envelope
        assert again.number == document.number
        if name == "xml":
            assert etree.tostring(again.content) == etree.tostring(document.content, with_tail=False)
        else:
            assert again.content == document.content


def test_repeats_and_decimals_are_told_from_lists_and_texts() -> None:
    content = {"ZZZ": [["ZZZ", ("a", ["b", "c"])]], "n": Decimal("1.50")}
    told = plain(Document(1, 0, 1, content, Envelope("jsonl")))
    assert told["content"] == {"ZZZ": [["ZZZ", {"repeated": ["a", ["b", "c"]]}]], "n": {"decimal": "1.50"}}
    assert document_of(told).content == content


@pytest.mark.parametrize(
    ("told", "said"),
    [
        pytest.param({"content": {}}, "envelope", id="no envelope"),
        pytest.param({"envelope": {"format": "x12"}}, "content", id="no content"),
        pytest.param({"envelope": {"format": "x12", "colour": "red"}, "content": {}}, "colour", id="no such member"),
    ],
)
def test_what_is_no_document_is_told(told: dict[str, Any], said: str) -> None:
    with pytest.raises(ValueError, match=said):
        document_of(told)
