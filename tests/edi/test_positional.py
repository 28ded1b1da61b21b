"""Positional records: real bytes and what must come of them, whole, byte by byte and in two halves; then anything."""

from __future__ import annotations

import doctest
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edi import positional
from edi.findings import Finding
from edi.formats import parse_format
from edi.model import Document
from edi.paths import ColumnPath, MemberPath, parse_path
from edi.positional import SPEC, locate, read, read_blocks
from edi.positional.declared import Declared, declared
from tests.edi.corpus import LAYOUTS, cases, holds, options_of, same_however_cut
from tests.edi.corpus import declared as declaration_of

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


def known(declaration: str) -> Declared:
    """A file that is declared so, ready to be read."""
    return declared({option.name: option.default for option in SPEC.options} | options_of(declaration))


def documents(data: bytes, declaration: str) -> list[Document]:
    found = list(read([data], options_of(declaration)))
    assert all(isinstance(item, Document) for item in found)
    return [item for item in found if isinstance(item, Document)]


@pytest.mark.parametrize("path", cases("positional"), ids=lambda path: path.stem)
def test_each_file_is_read_as_expected_however_it_is_cut(path: Path) -> None:
    file = known(declaration_of(path))
    holds(path, lambda blocks: read_blocks(blocks, file))


def test_the_example_of_the_package_works() -> None:
    results = doctest.testmod(positional)
    assert results.attempted > 3
    assert not results.failed


def test_the_options_of_the_spec_read_its_example() -> None:
    found = documents(SPEC.example.encode(), "fixed sku:1-8 price:9-13:number")
    assert [each.content for each in found] == [["A-1", "9.90"], ["A-2", "12.00"]]


# --- whatever the bytes

FILES = (
    "fixed sku:1-4 price:5-8:number(2)",
    "fixed sku:1-2 price:3-5:zoned rest:6- trimmed=true",
    "fixed sku:1-4 price:5-8:zoned(1) cp037 records=lines",
    "fixed layout=movements windows-1252 ignore=header",
    "fixed sku:1-3 price:4-5:packed count:6-7:unsigned",
    "fixed sku:1-3 price:4-5:zoned cp273 block=12",
    "fixed layout=orders cp1047 by=REC-TYPE types=H:HEAD-DATA,L:LINE-DATA",
    "fixed layout=orders cp500 records=stream by=1-1 types=H:HEAD-DATA,L:LINE-DATA ignore=HEAD-DATA",
    "fixed layout=stock cp037 records=rdw",
    "fixed layout=stock cp037 records=bdw",
    "fixed layout=stock cp037 records=length field_bytes_max=99",
    "fixed layout=stock cp037 records=stream",
)
MARKS: tuple[bytes, ...] = (
    b"\n",
    b"\r\n",
    b"\x15",
    b"\x25",
    b"\0\x08\0\0",
    b"\0\x16\0\0",
    b"\0\0\0\x12",
    b"\0\0",
    b"\0\x01",
    b"    ",
)
MARKS += (
    b"H1",
    b"M1",
    b"T1",
    b"\xc8",
    b"\xd3",
    b"\x40" * 6,
    b"\xf0" * 4,
    b"0012",
    b"\x01\x2c",
    b"\xc3\xa4",
    b"\0\x1a\0\0",
)


@pytest.mark.parametrize("declaration", FILES)
@given(data=st.one_of(st.binary(max_size=70), st.lists(st.sampled_from(MARKS), max_size=24).map(b"".join)))
@settings(max_examples=60, deadline=None)
def test_whatever_the_bytes_the_answer_is_the_same_in_any_cut(declaration: str, data: bytes) -> None:
    file = known(declaration)
    same_however_cut(data, lambda blocks: read_blocks(blocks, file))


HEADS = {"rdw": 4, "bdw": 8, "length": 4}
"""Bytes that may stand before a record and belong to nothing else."""


@pytest.mark.parametrize("declaration", FILES)
@given(data=st.one_of(st.binary(max_size=70), st.lists(st.sampled_from(MARKS), max_size=24).map(b"".join)))
@settings(max_examples=60, deadline=None)
def test_no_byte_of_a_file_of_records_is_lost(declaration: str, data: bytes) -> None:
    """What lies between documents and findings is a line end, a descriptor word, padding, or an ignored record."""
    if "ignore=" in declaration:
        declaration = " ".join(word for word in declaration.split() if not word.startswith("ignore="))
    options = options_of(declaration)
    spans = []
    for item in read([data], options):
        place = item.position if isinstance(item, Finding) else item
        spans.append((place.start, place.end))
    spans = [(0, 0), *spans, (len(data), len(data))]
    records = options.get("records", "lines" if "columns" in options or "windows" in declaration else "")
    for (_, before), (after, _) in pairwise(spans):
        assert before <= after
        between = data[before:after]
        if records in HEADS:
            assert len(between) <= HEADS[records] or not between.strip(b"\r\n\x15\x25\x1a")
        else:
            assert not between.strip(b"\r\n\x15\x25\x1a\0\x40 \xef\xbb\xbf")


# --- where a value stands


@pytest.mark.parametrize(
    ("raw", "declaration", "path", "found"),
    [
        (b"A-1     9.90", "fixed sku:1-8 price:9-12:number", "price", b"9.90"),
        (b"A-1     9.90", "fixed sku:1-8 price:9-12:number", "#1", b"A-1     "),
        ("Tür     9.90".encode(), "fixed sku:1-8 price:9-12:number", "price", b"9.90"),
        ("Türen".encode(), "fixed sku:1-2 rest:3-", "rest", b"ren"),
        (b"A-1", "fixed sku:1-8 price:9-12:number trimmed=true", "price", b""),
        (b"A-1", "fixed sku:1-8 price:9-12:number trimmed=true", "sku", b"A-1"),
        (b"A-1 \x01\x2c", "fixed sku:1-4 price:5-6:packed", "price", b"\x01\x2c"),
    ],
)
def test_a_value_is_found_again(raw: bytes, declaration: str, path: str, found: bytes) -> None:
    (document,) = documents(raw, declaration)
    place = locate(raw, document.envelope, parse_path("fixed", path), ())
    assert place is not None
    assert raw[place.start : place.end] == found
    assert place.column in document.envelope.columns


def test_a_column_that_is_not_there_has_an_empty_span_at_the_end() -> None:
    (document,) = documents(b"A-1", "fixed sku:1-3")
    for path in (ColumnPath("price"), ColumnPath("#7", 7)):
        place = locate(b"A-1", document.envelope, path, ())
        assert place is not None
        assert (place.start, place.end, place.column) == (3, 3, path.name)


def test_a_path_of_another_format_is_nowhere() -> None:
    (document,) = documents(b"A-1", "fixed sku:1-3")
    assert locate(b"A-1", document.envelope, MemberPath(("sku",)), ()) is None
    assert locate(b"A-1", document.envelope, ColumnPath("sku"), ((ColumnPath("sku"), 0),)) is None


# --- what is declared


@pytest.mark.parametrize(
    ("declaration", "message"),
    [
        ("fixed sku", "which has a colon: sku:1-8"),
        ("fixed sku:0-8", "write 3-12"),
        ("fixed sku:8-1", "ends before it begins"),
        ("fixed sku:1-8:numbre", "did you mean 'number'"),
        ("fixed sku:1-8:text(2)", "only numbers have decimals"),
        ("fixed sku:1-3:binary", "1, 2, 4 or 8"),
        ("fixed sku:1-:number", "to the end of the record"),
        ("fixed sku:1-3 sku:4-5", "give one of them another name"),
        ("fixed sku:1-999999999", "behind the longest record"),
        ("fixed cp1048", "did you mean 'cp1047'"),
        ("fixed encoding=utf-16", "encoding of positional records"),
        ("fixed records=vb", "records 'vb' is none of"),
        ("fixed n:1-2:packed records=lines", "look like a line end"),
        ("fixed n:1-2 length=1", "the layout needs 2 bytes"),
        ("fixed n:1-2 length=9 records=rdw", "say their length themselves"),
        ("fixed n:1-2 block=9", "belongs to records=fixed"),
        ("fixed n:1- records=fixed", "a column without an end"),
        ("fixed n:1-2 records=fixed trimmed=true", "trimmed belongs to records=lines"),
        ("fixed n:1-2 trimmed=yes", "neither true nor false"),
        ("fixed n:1-2 ignore=H", "no record type 'H'"),
        ("fixed n:1-2 message=H", "it has one only"),
        ("fixed n:1-2 field_bytes_max=0", "number of bytes"),
        ("fixed layout=order", "did you mean 'orders'"),
        ("fixed layout=orders n:1-2", "one of them says where the columns are"),
        ("fixed layout=orders by=1-1", "go together"),
        ("fixed layout=orders by=1-1 types=H", "H1:HEADER,L1:LINE"),
        ("fixed layout=orders by=1-1 types=H:HED-DATA", "did you mean HEAD-DATA"),
        ("fixed layout=orders by=TOTAL types=H:HEAD-DATA,L:LINE-DATA", "write by=1-2"),
        ("fixed layout=orders records=lines", "look like a line end"),
        ("fixed layout=movements by=1-1 types=H:A", "belong to a copybook"),
        ("fixed layout=movements message=trialer", "it has header, movement, trailer"),
    ],
)
def test_what_cannot_be_meant_is_refused_with_a_remedy(declaration: str, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        parse_format(declaration, LAYOUTS)


@pytest.mark.parametrize(
    ("layout", "message"),
    [
        ("orders", "name of a layout, and only its text can be read"),
        ("sku 1-8\nname", "line 2: 'name' is no column"),
        ('sku 1-8\n"name 9-10', "line 2: a quote is opened and never closed"),
        ("sku 1-8 number 5", "line 1: .* is no column"),
        ("record A\nsku 1-8\nrecord B\nsku 1-8", "not where the type stands"),
        ("by 1-1\nrecord A\nsku 1-8\nrecord B A\nsku 1-8", "'A' announces two record types, A and B"),
        ("by 1-1\nsku 2-8", "and no type"),
        ("by 1-1\nrecord A\nrecord B\nsku 2-8", "the record 'A' has no columns"),
        ("by 1-\nrecord A\nsku 2-8", "needs an end"),
        ("# nothing\n\n", "no columns"),
    ],
)
def test_a_layout_that_means_nothing_is_refused_with_its_line(layout: str, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        read([], {"layout": layout})


def test_columns_above_the_types_belong_to_all_of_them() -> None:
    layout = 'by 1-1\n"by" 2-3\nrecord A\nsku 4-5 # here\nrecord B b B\nrecord 4+2 number'
    found = list(read([b"A12xy\nb34 7\n"], {"layout": layout}))
    assert [
        (item.envelope.message, item.envelope.columns, item.content) for item in found if isinstance(item, Document)
    ] == [
        ("A", ("by", "sku"), ["12", "xy"]),
        ("B", ("by", "record"), ["34", "7"]),
    ]


def test_a_40_mb_line_is_a_finding_and_the_lines_behind_it_are_read() -> None:
    def chunks() -> Iterator[bytes]:
        for _ in range(40):
            yield b"x" * 1_000_000
        yield b"\r\nA-1 \r\n"

    first, second = read(chunks(), {"columns": "sku:1-4"})
    assert isinstance(first, Document)
    assert isinstance(second, Document)
    assert (first.start, first.end, first.content, first.findings[0].code) == (0, 40_000_000, None, "fixed.too_long")
    assert second.content == ["A-1"]


def test_what_is_ignored_is_no_document_but_bad_records_of_that_type_are() -> None:
    data = b"T1000001\nT10000x1\nM1A-1     000012000990{          \n"
    found = documents(data, "fixed layout=movements windows-1252 ignore=trailer")
    contents: list[Any] = [(each.envelope.message, len(each.findings)) for each in found]
    assert contents == [("trailer", 1), ("movement", 0)]


def test_a_web_page_is_told_once_and_not_line_by_line() -> None:
    data = b"<!DOCTYPE html>\n<html>\n<body>Log in</body>\n</html>\n" * 3
    (finding,) = read([data], {"columns": "sku:1-8"})
    assert isinstance(finding, Finding)
    assert (finding.code, finding.position.end) == ("file.kind", len(data))
