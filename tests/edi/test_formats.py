"""The table of formats, their declarations, and what first bytes look like."""

from __future__ import annotations

import doctest

import pytest
from hypothesis import given
from hypothesis import strategies as st

import edi
from edi.findings import CODES
from edi.formats import FORMATS, parse_format, sniff
from edi.model import Document
from tests.edi.corpus import cases


def test_the_example_of_the_package_works() -> None:
    results = doctest.testmod(edi)
    assert results.attempted > 5
    assert not results.failed


@pytest.mark.parametrize("name", FORMATS)
def test_the_example_of_each_format_gives_a_document_without_an_error(name: str) -> None:
    form = FORMATS[name]
    assert form.spec.name == name
    items = list(form.read([form.spec.example.encode()], {option.name: option.default for option in form.spec.options}))
    found = [item for item in items if isinstance(item, Document)]
    assert found
    assert not [finding for item in found for finding in item.findings if finding.severity == "error"]
    assert all(item.envelope.format == name for item in found)


@pytest.mark.parametrize(
    ("declaration", "expected"),
    [
        ("x12 004010 850", ("x12", "004010", "850", ())),
        ("x12 005010X222A1 837", ("x12", "005010X222A1", "837", ())),
        ("x12", ("x12", None, None, ())),
        ("edifact D96A ORDERS", ("edifact", "D96A", "ORDERS", ())),
        ("edifact ORDERS", ("edifact", None, "ORDERS", ())),
        (
            "csv ; windows-1252 header",
            ("csv", None, None, (("delimiter", ";"), ("encoding", "windows-1252"), ("header", "true"))),
        ),
        ("csv , utf-8 header", ("csv", None, None, (("delimiter", ","), ("encoding", "utf-8"), ("header", "true")))),
        ("csv tab utf-8", ("csv", None, None, (("delimiter", "\t"), ("encoding", "utf-8")))),
        ("csv | quote=none", ("csv", None, None, (("quote", "none"), ("delimiter", "|")))),
        ("xml ubl:Invoice-2.1", ("xml", None, "ubl:Invoice-2.1", ())),
        ("xml each=item", ("xml", None, None, (("each", "item"),))),
        ("xml list each=cac:Item", ("xml", None, "list", (("each", "cac:Item"),))),
        ("jsonl", ("jsonl", None, None, ())),
        ("json each=data.orders", ("json", None, None, (("each", "data.orders"),))),
        (
            "csv ; header_at=Artikel footer=1",
            ("csv", None, None, (("header_at", "Artikel"), ("footer", "1"), ("delimiter", ";"))),
        ),
    ],
)
def test_a_declaration_is_understood(declaration: str, expected: tuple[object, ...]) -> None:
    assert parse_format(declaration) == expected


@pytest.mark.parametrize(
    ("declaration", "message"),
    [
        ("", "known are x12"),
        ("cvs ;", "did you mean 'csv'"),
        ("csv hedaer", "did you mean 'header'"),
        ("csv widows-1252", "did you mean 'windows-1252'"),
        ("csv ; , header", "declared twice"),
        ("csv delimter=;", "did you mean 'delimiter'"),
        ("csv utf-16", "converted to UTF-8"),
        ("csv ; base64", "read byte by byte"),
        ("csv | shift_jis", "half a character"),
        ("csv field_bytes_max=many", "number of bytes"),
        ("x12 40 850", "write x12 004010 850"),
        ("x12 850 004010 810", "declared twice"),
        ("edifact d96a", "write edifact D96A ORDERS"),
        ("xml ubl:Invoice-2.1 UBL", "one word too many"),
        ("xml cbb:Item", "did you mean cbc:Item"),
        ("jsonl utf-8", "write jsonl alone"),
        ("json orders", "each=orders"),
        ("csv layout=orders", "there is no layout 'orders'"),
        ("csv message=line", "only a layout has some"),
    ],
)
def test_a_declaration_that_says_nothing_is_refused_with_a_remedy(declaration: str, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        parse_format(declaration)


@given(st.text(max_size=30))
def test_no_declaration_fails_without_a_sentence(declaration: str) -> None:
    for name in FORMATS:
        try:
            parse_format(f"{name} {declaration}")
        except ValueError as error:
            assert str(error)  # noqa: PT017 - most texts are refused, some are not


@pytest.mark.parametrize(
    ("first", "name"),
    [
        (b"ISA*00*          *00*", "x12"),
        (b"\xef\xbb\xbf\r\nISA*00*", "x12"),
        (b"UNA:+.? 'UNB+UNOA:1", "edifact"),
        (b"UNB+UNOC:3", "edifact"),
        (b"<?xml version='1.0'?>", "xml"),
        (b"\xef\xbb\xbf<a/>", "xml"),
        ("<a/>".encode("utf-16"), "xml"),
        ("<a/>".encode("utf-16-be"), "xml"),
        (b'{"a": 1}\n', "jsonl"),
        (b'{"a": {\n', "json"),
        (b'{\r\n  "a": 1', "json"),
        (b'[{"a": 1}]', "json"),
        (b"[link]", None),
        (b"a;b\n1;2\n", "csv"),
        (b"G\xfcltig\tab\r\n", "csv"),
        (b'"a;b"\n', None),
        (b"ISAAC was here", None),
        (b"hello world", None),
        (b"PK\x03\x04,,,", None),
        (b"\x89PNG\r\n\x1a\n;;", None),
        (b"", None),
    ],
)
def test_first_bytes_look_like_a_format_or_nothing(first: bytes, name: str | None) -> None:
    assert sniff(first) == name


@given(st.binary(max_size=200))
def test_any_first_bytes_can_be_looked_at(first: bytes) -> None:
    assert sniff(first) in {*FORMATS, None}


def test_the_corpus_looks_like_what_it_is() -> None:
    for name, stem in (("csv", "prices"), ("xml", "invoice"), ("jsonl", "orders")):
        (path,) = (path for path in cases(name) if path.stem == stem)
        assert sniff(path.read_bytes()[:512]) == name


def test_every_code_has_a_title_and_a_remedy() -> None:
    for code, row in CODES.items():
        assert "." in code
        assert row.title[0].islower() or row.title[0].isupper()
        assert row.remedy.endswith(".")


def test_a_layout_of_rows_is_named_and_one_type_of_it_is_the_message() -> None:
    layouts = {"orders": "by 1\nrecord order H\nnumber 2\nrecord line L\nsku 2"}
    name, version, message, options = parse_format("csv ; layout=orders message=line", layouts)
    assert (name, version, message) == ("csv", None, "line")
    assert dict(options) == {"delimiter": ";", "layout": layouts["orders"]}
    with pytest.raises(ValueError, match="no record type 'lines'"):
        parse_format("csv ; layout=orders message=lines", layouts)


@pytest.mark.parametrize(
    ("data", "name"), [("ISA*00*", "x12"), ("UNA:+.? 'UNB+", "edifact"), ("UNB+UNOA:1", "edifact"), ("UIB+", "edifact")]
)
def test_interchanges_are_known_in_ascii_and_in_ebcdic(data: str, name: str) -> None:
    assert sniff(data.encode()) == sniff(b"\x40\x15" + data.encode("cp037")) == name
