"""Delimited text, written: what is read again is what was given."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edi import delimited
from edi.delimited import write
from edi.model import Document, Envelope
from edi.writing import Unwritable
from tests.edi.corpus import cases, declared, options_of

if TYPE_CHECKING:
    from pathlib import Path

PLAIN = Envelope("csv")
NAMED = Envelope("csv", columns=("sku", "price"), delimiters=';"')


def rows(*contents: Any, envelope: Envelope = PLAIN) -> list[Document]:
    return [Document(number, 0, 0, content, envelope) for number, content in enumerate(contents, 1)]


def written(documents: list[Document], **options: str) -> bytes:
    return b"".join(write(documents, options))


def read(data: bytes, **options: str) -> list[Any]:
    return [item.content for item in delimited.read([data], options) if isinstance(item, Document)]


@pytest.mark.parametrize("path", [pytest.param(path, id=path.stem) for path in cases("csv")])
def test_every_sample_is_read_again_as_it_was(path: Path) -> None:
    options = options_of(declared(path))
    before = [
        item
        for item in delimited.read([path.read_bytes()], options)
        if isinstance(item, Document) and item.content is not None
    ]
    again = {name: text for name, text in options.items() if name not in ("skip", "header_at", "footer")}
    if "header_at" in options:
        again["header"] = "true"
    if before and before[0].envelope.delimiters:
        again |= {"delimiter": before[0].envelope.delimiters[0], "encoding": before[0].envelope.encoding}
    unwritable = [one for one in before if any("\0" in cell or "\ufffd" in cell for cell in one.content)]
    if unwritable:
        with pytest.raises(Unwritable, match=r"holds a NUL|is no character of"):
            written(unwritable)
    good = [one for one in before if one not in unwritable]
    header = "false" if "layout" in options else "auto"
    data = written(good, header=header)
    assert read(data, **again) == [one.content for one in good]
    if again.get("quote") != "none" and "field_bytes_max" not in again:
        assert read(written(good, header=header, quoting="all"), **again) == [one.content for one in good]


@pytest.mark.parametrize(
    ("contents", "options", "data"),
    [
        ([["a", "b"], ["c", ""]], {}, b"a,b\r\nc,\r\n"),
        ([["a", "b"]], {"line_end": "lf", "delimiter": "tab"}, b"a\tb\n"),
        ([["a", "b"]], {"quoting": "all"}, b'"a","b"\r\n'),
        ([["a,b", 'c"d', "e\nf", "g\rh"]], {}, b'"a,b","c""d","e\nf","g\rh"\r\n'),
        ([["a,b", "c'd"]], {"quote": "'"}, b"'a,b','c''d'\r\n"),
        ([[""], ["a"]], {}, b'""\r\na\r\n'),
        ([["a"], [""]], {}, b'a\r\n""\r\n'),
        ([["T\xfcr"]], {"encoding": "windows-1252"}, b"T\xfcr\r\n"),
        ([["T\xfcr"]], {"mark": "true"}, b"\xef\xbb\xbfT\xc3\xbcr\r\n"),
        ([["\ufeffa"]], {}, b'"\xef\xbb\xbfa"\r\n'),
        ([["sep=", "a"]], {}, b"sep=,a\r\n"),
        ([["sep=", ""]], {}, b'"sep=",""\r\n'),
        ([["<html>", "a"]], {}, b'"<html>","a"\r\n'),
        ([], {"header": "true"}, b""),
    ],
)
def test_rows_become_bytes(contents: list[Any], options: dict[str, str], data: bytes) -> None:
    assert written(rows(*contents), **options) == data


def test_the_header_comes_from_the_envelope() -> None:
    documents = rows(["A-1", "9,90"], ["A-2", "1;0"], envelope=NAMED)
    assert written(documents, line_end="lf") == b'sku;price\nA-1;9,90\nA-2;"1;0"\n'
    assert written(documents, header="false", delimiter=",", line_end="lf") == b'A-1,"9,90"\nA-2,1;0\n'


def test_an_escape_stays_one() -> None:
    document = rows(["a\\b", 'c"d', "e;f"], envelope=PLAIN._replace(delimiters=';"\\'))
    data = written(document)
    assert read(data, delimiter=";", escape="\\") == [["a\\b", 'c"d', "e;f"]]
    bare = rows(["a\\b", "e;f", "g\nh"], envelope=PLAIN._replace(delimiters=";\0\\"))
    assert written(bare, quote="none") == b"a\\\\b;e\\;f;g\\\nh\r\n"


@pytest.mark.parametrize(
    ("content", "options", "words"),
    [
        (["a", "b,c"], {"quote": "none"}, r"^document 2, column #2: 'b,c' holds ',', and there are no quotes; choose"),
        (["a", 'b"\r'], {"quote": "none"}, r"holds '\\r', and there are no quotes"),
        ([""], {"quote": "none"}, "^document 2: a row of one empty cell is a blank line"),
        ([], {}, "document 2: the row has no cells"),
        (None, {}, "document 2: the row has no cells"),
        (["a", 5], {}, "^document 2, column #2: 5 is no text"),
        (["a\0"], {}, r"^document 2, column #1: 'a\\x00' holds a NUL"),
        (["x", "ł"], {"encoding": "latin-1"}, "^document 2, column #2: 'ł' is no character of iso8859-1"),
    ],
)
def test_a_row_that_would_be_read_otherwise_is_refused(content: Any, options: dict[str, str], words: str) -> None:
    writer = write(rows(["a", "b"], content), options)
    assert next(writer) == b"a,b\r\n"
    with pytest.raises(Unwritable, match=words):
        next(writer)


def test_the_first_row_must_not_name_a_delimiter() -> None:
    with pytest.raises(Unwritable, match=r"document 1, column #1: the file would begin with 'sep=;'"):
        written(rows(["sep=;"]))


def test_other_columns_are_no_rows_of_the_same_file() -> None:
    other = NAMED._replace(columns=("sku",))
    documents = [*rows(["a", "b"], envelope=NAMED), *rows(["a"], envelope=other)]
    with pytest.raises(Unwritable, match=r"its columns \(sku\) are not those of the header"):
        written(documents)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"delimiter": "ab"}, "delimiter 'ab' is not one ASCII character"),
        ({"quote": ","}, "quote ',' is not one ASCII character other than the delimiter"),
        ({"quoting": "some"}, "quoting 'some' is none of minimal, all"),
        ({"quoting": "all", "quote": "none"}, "quoting=all needs a quote"),
        ({"encoding": "utf-16"}, "'utf-16' is no encoding that can be read byte by byte"),
        ({"encoding": "utf-99"}, "is no character set that is known"),
        ({"mark": "true", "encoding": "latin-1"}, "mark true belongs to UTF-8"),
        ({"header": "yes"}, "header 'yes' is none of auto, true, false"),
        ({"line_end": "none"}, "line_end none: rows end with a line"),
        ({"colour": "red"}, "the writer has no option 'colour'"),
    ],
)
def test_an_unusable_option_is_refused_at_the_call(options: dict[str, str], words: str) -> None:
    with pytest.raises(ValueError, match=words):
        write([], options)


CELLS = st.text(st.sampled_from('ab",;\r\n\\ \t\ufeffü=<'), max_size=5)


@given(
    contents=st.lists(st.lists(CELLS, min_size=2, max_size=2), max_size=6), quoting=st.sampled_from(["minimal", "all"])
)
def test_any_rows_are_read_again(contents: list[list[str]], quoting: str) -> None:
    try:
        data = written(rows(*contents), quoting=quoting)
    except Unwritable as problem:
        assert "the file would begin with" in problem.message  # noqa: PT017 - only then
        return
    assert read(data) == contents


def test_many_rows_are_written_alike() -> None:
    contents = [[f"{number}", "x" if number % 700 else 'a "quoted" one'] for number in range(2000)]
    data = written(rows(*contents))
    assert read(data) == contents
    assert data.count(b'"') == 18
