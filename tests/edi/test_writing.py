"""What all writers share: every format writes what its example holds, and a refusal says where and what to do."""

from __future__ import annotations

from typing import Any

import pytest
from lxml import etree

from edi.formats import FORMATS
from edi.model import Document
from edi.spec import Option
from edi.writing import Unwritable, codec, line_end, taken

NEEDED = {"x12": {"time": "2026-01-02T10:10"}, "edifact": {"time": "2026-01-02T10:10"}}


def contents(name: str, data: bytes) -> list[Any]:
    found = [item.content for item in FORMATS[name].read([data], {}) if isinstance(item, Document)]
    return [etree.tostring(one) if isinstance(one, etree._Element) else one for one in found]


@pytest.mark.parametrize("name", FORMATS)
def test_the_example_of_each_format_is_read_again_as_it_was(name: str) -> None:
    example = FORMATS[name].spec.example.encode()
    documents = [item for item in FORMATS[name].read([example], {}) if isinstance(item, Document)]
    data = b"".join(FORMATS[name].write(documents, NEEDED.get(name, {})))
    assert contents(name, data) == contents(name, example)
    assert contents(name, data)


@pytest.mark.parametrize("name", FORMATS)
def test_each_writer_refuses_an_option_that_it_does_not_have(name: str) -> None:
    assert {option.name for option in FORMATS[name].spec.writes}
    with pytest.raises(ValueError, match="the writer has no option 'colour'; "):
        FORMATS[name].write([], {"colour": "red"})


def test_nothing_gives_a_file_without_documents() -> None:
    assert {name: b"".join(each.write([], {})) for name, each in FORMATS.items() if name != "json"} == dict.fromkeys(
        [name for name in FORMATS if name != "json"], b""
    )


@pytest.mark.parametrize(
    ("problem", "words"),
    [
        (Unwritable("it is wrong", "change it", "PO104", 3), "document 3, PO104: it is wrong; change it"),
        (Unwritable("it is wrong", "change it"), "it is wrong; change it"),
        (Unwritable("it is wrong", "change it", document=7), "document 7: it is wrong; change it"),
    ],
)
def test_a_refusal_says_where_what_and_what_to_do(problem: Unwritable, words: str) -> None:
    assert str(problem) == words


def test_options_have_their_defaults() -> None:
    known = (Option("one", "1", "the first"), Option("two", "2", "the second"))
    assert taken({"two": "b"}, known) == {"one": "1", "two": "b"}
    with pytest.raises(ValueError, match="no option 'twoo'; did you mean 'two'"):
        taken({"twoo": "b"}, known)
    assert (line_end("crlf"), line_end("\n"), line_end("none")) == ("\r\n", "\n", "")
    assert codec("latin-1") == "iso8859-1"
