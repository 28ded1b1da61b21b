"""Positional records, written: what is read again is what was given, in every frame and code page."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edi.findings import Severity
from edi.model import Document, Envelope
from edi.positional import numbers, putting, read, write
from edi.positional.layout import Kind
from edi.writing import Unwritable
from tests.edi.corpus import LAYOUTS, cases, declared, options_of

if TYPE_CHECKING:
    from pathlib import Path

ORDERS = {"layout": LAYOUTS["orders"], "encoding": "cp037"}
TYPED = ORDERS | {"by": "REC-TYPE", "types": "H:HEAD-DATA,L:LINE-DATA"}


def rows(*contents: Any, message: str | None = None) -> list[Document]:
    around = Envelope("fixed", message=message)
    return [Document(number, 0, 0, content, around) for number, content in enumerate(contents, 1)]


def written(documents: list[Document], **options: str) -> bytes:
    return b"".join(write(documents, options))


def documents(data: bytes, options: dict[str, str]) -> list[Document]:
    return [item for item in read([data], options) if isinstance(item, Document)]


@pytest.mark.parametrize("path", [pytest.param(path, id=path.stem) for path in cases("positional")])
def test_every_sample_is_read_again_as_it_was(path: Path) -> None:
    options = options_of(declared(path))
    before = [
        one
        for one in documents(path.read_bytes(), options)
        if one.content is not None and all(found.severity is not Severity.ERROR for found in one.findings)
    ]
    chosen = {name: text for name, text in options.items() if name not in ("ignore", "field_bytes_max")}
    again = documents(written(before, **chosen), options)
    assert [(one.content, one.envelope.message) for one in again] == [
        (one.content, one.envelope.message) for one in before
    ]


@pytest.mark.parametrize(
    ("columns", "content", "options", "data"),
    [
        ("sku:1-4 price:5-10:number", ["A-1", "9.90"], {}, b"A-1   9.90\n"),
        ("sku:1-4 price:6-10:number(2)", ["A-1", "-9.90"], {}, b"A-1   -990\n"),
        ("price:1-5:number(2)", ["0.05"], {}, b"  005\n"),
        ("price:1-2:number(2)", ["0.05"], {}, b"05\n"),
        ("price:1-5:number(2)", ["1.5"], {}, b"  1.5\n"),
        ("price:1-3:number(2)", ["7"], {}, b"700\n"),
        ("price:1-5:number", [""], {}, b"     \n"),
        ("code:1-6:number", ["000815"], {"line_end": "crlf"}, b"000815\r\n"),
        ("a:1-4:zoned(2)", ["-12.3"], {}, b"123}\n"),
        ("a:1-4:zoned", [""], {}, b"    \n"),
        ("a:1-2 rest:3-", ["\u00fc", "\u20ac12"], {}, "\u00fc \u20ac12\n".encode()),
        ("a:1-4", ["\u00fc"], {"records": "fixed"}, b"\xc3\xbc  "),
        ("a:1-2 b:3-4:packed", ["x", "-12"], {"records": "fixed"}, b"x \x01\x2d"),
        ("a:1-2:binary(1) b:3-3:unsigned", ["-1.5", "255"], {}, b"\xff\xf1\xff"),
        ("a:1-3:zoned", ["-12"], {"encoding": "cp037"}, b"\xf0\xf1\xd2"),
        ("a:1-3:zoned", ["12"], {"encoding": "cp037"}, b"\xf0\xf1\xc2"),
        ("a:1-3", ["x"], {"length": "5", "records": "fixed"}, b"x    "),
        ("a:1-3", ["x"], {"records": "rdw", "encoding": "cp037"}, b"\0\x07\0\0\xa7\x40\x40"),
        ("a:1-3", ["x"], {"records": "bdw", "encoding": "cp037"}, b"\0\x0b\0\0\0\x07\0\0\xa7\x40\x40"),
        ("a:1-3", ["x"], {"records": "length"}, b"\0\0\0\x03x  "),
        ("a:1-3 b:4-9", ["x", ""], {"trimmed": "true"}, b"x\n"),
        ("a:1-3", [""], {"trimmed": "true"}, b" \n"),
    ],
)
def test_values_become_bytes(columns: str, content: list[str], options: dict[str, str], data: bytes) -> None:
    assert written(rows(content), columns=columns, **options) == data


def test_blocks_are_filled_up() -> None:
    data = written(rows(["a"], ["b"], ["c"]), columns="a:1-2", records="fixed", block="5")
    assert data == b"a b  c "
    assert [one.content for one in documents(data, {"columns": "a:1-2", "records": "fixed", "block": "5"})] == [
        ["a"], ["b"], ["c"]
    ]  # fmt: skip


def test_blocks_with_descriptor_words_stay_below_their_limit() -> None:
    options = {"columns": "a:1-1000", "records": "bdw"}
    data = written(rows(*([str(number)] for number in range(70))), **options)
    assert [one.content for one in documents(data, options)] == [[str(number)] for number in range(70)]
    assert data[:2] == (32 * 1004 + 4).to_bytes(2, "big")


def test_the_type_of_a_record_is_announced() -> None:
    layout = "by 1-2\nrecord header H1\nnumber 3-6\nrecord line L1 L2\nsku 3-6"
    found = [*rows(["7"], message="header"), *rows(["A"], message="line")]
    assert written(found, layout=layout) == b"H17   \nL1A   \n"
    assert written(rows(["A"]), layout=layout, message="line") == b"L1A   \n"
    with pytest.raises(Unwritable, match=r"^document 1: its record type is None; the layout has header, line; name"):
        written(rows(["A"]), layout=layout)


def test_a_view_of_shared_bytes_is_written_that_gives_all_values() -> None:
    source = (cases("positional")[0].parent / "orders_views.dat").read_bytes()
    found = documents(source, ORDERS)
    assert written(found, **ORDERS) == source


COUNTED = {
    "encoding": "cp037",
    "records": "rdw",
    "layout": (
        " 01 STOCK.\n 05 SKU PIC X(3).\n 05 BINS PIC 9(2).\n"
        " 05 BIN OCCURS 1 TO 4 DEPENDING ON BINS.\n 10 PLACE PIC X(2).\n 10 QTY PIC S9(3) COMP-3.\n"
    ),
}


@pytest.mark.parametrize("counter", ["02", ""])
def test_the_counter_of_a_table_says_how_long_a_record_is(counter: str) -> None:
    content = ["A-1", counter, "B1", "5", "B2", "-7", "", "", "", ""]
    data = written(rows(content), **COUNTED)
    assert len(data) == 4 + 5 + 2 * 4
    (again,) = documents(data, COUNTED)
    assert again.content == ["A-1", "02", "B1", "005", "B2", "-007", "", "", "", ""]


@pytest.mark.parametrize(
    ("content", "options", "words"),
    [
        (
            ["A-1", "01", "B1", "5", "B2", "", "", "", "", ""],
            COUNTED,
            "column BINS: it counts 01, and there are values up",
        ),
        (
            ["A-1", "05", "B1", "5", "", "", "", "", "", ""],
            COUNTED,
            r"column BINS: '05' counts PLACE\[1\], which occurs 1",
        ),
        (["A-1", "01", "B1", "", "", "", "", "", "", ""], COUNTED, r"column QTY\[1\]: the number is empty, and"),
        (["abc"], {"columns": "a:1-2"}, r"^document 1, column a: 'abc' is too long for its column of 2; shorten it"),
        (["ab "], {"columns": "a:1-3"}, r"column a: 'ab ' would be read as 'ab'; leave out blanks"),
        (["ab"], {"columns": "a:1-3:raw"}, r"column a: 'ab' would be read as 'ab '"),
        (["a\0"], {"columns": "a:1-3 b:4-"}, r"it has 1 values for 2 columns; give a text for each"),
        (["a\0b"], {"columns": "a:1-3"}, r"it would be refused: the value holds a NUL"),
        (["a\nb"], {"columns": "a:1-3"}, r"a value holds a line break, which ends the record"),
        (["x"], {"columns": "a:1-3:number"}, r"column a: 'x' is no number"),
        (["1.234"], {"columns": "a:1-9:zoned(2)"}, r"has more decimals than the 2 of its column"),
        (["12345"], {"columns": "a:1-3:number"}, r"'12345' is too long for its column of 3 characters"),
        (["12345"], {"columns": "a:1-2:packed"}, r"'12345' is too long for its column of 3 digits"),
        (["-1"], {"columns": "a:1-2:unsigned"}, r"is negative, and its column has no sign"),
        (["40000"], {"columns": "a:1-2:binary"}, r"'40000' is too long for its column of 2 bytes"),
        (["ł"], {"columns": "a:1-3", "encoding": "cp037"}, r"'ł' is no character of cp037; choose another encoding"),
        (["\ufeffa"], {"columns": "a:1-3"}, r"the file would begin with what readers take for a byte order mark"),
        (["a", "ł"], {"columns": "a:1-3 b:4-", "encoding": "latin-1"}, r"column b: 'ł' is no character of iso8859-1"),
        ([5], {"columns": "a:1-3"}, r"column a: 5 is no text"),
        (None, {"columns": "a:1-3"}, r"it has no values for 1 columns"),
    ],
)
def test_a_record_that_would_be_read_otherwise_is_refused(content: Any, options: dict[str, str], words: str) -> None:
    with pytest.raises(Unwritable, match=words):
        written(rows(content), **options)


def test_a_record_that_announces_another_type_is_refused() -> None:
    content = ["L", "815", "1261121", "-123.45", "ACME"]
    with pytest.raises(Unwritable, match=r"it would be read as the record type LINE-DATA|it would be refused"):
        written(rows(content, message="HEAD-DATA"), **TYPED)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"columns": "a:1-3", "line_end": "none"}, "line_end none: these records end with a line"),
        ({"columns": "a:1-3", "line_end": "cr"}, "line_end 'cr' is no end of a line"),
        ({"columns": "a"}, "is no column"),
        ({"columns": "a:1-3", "ignore": "x"}, "the writer has no option 'ignore'"),
    ],
)
def test_an_unusable_option_is_refused_at_the_call(options: dict[str, str], words: str) -> None:
    with pytest.raises(ValueError, match=words):
        write([], options)


KINDS: dict[str, tuple[Any, Any]] = {
    "number": (putting.written, numbers.written),
    "zoned_text": (putting.zoned_text, numbers.zoned_text),
    "separate": (putting.separate, numbers.separate),
    "zoned": (putting.zoned, lambda raw, kind: numbers.zoned(raw.hex(), kind)),
    "packed": (putting.packed, lambda raw, kind: numbers.packed(raw.hex(), kind)),
    "binary": (putting.binary, numbers.binary),
}


@pytest.mark.parametrize("name", KINDS)
@given(number=st.integers(-(10**6), 10**6), scale=st.integers(0, 3), leading=st.booleans(), signed=st.booleans())
def test_numbers_of_every_kind_are_read_again(name: str, number: int, scale: int, leading: bool, signed: bool) -> None:
    put, get = KINDS[name]
    kind = Kind("any", scale, 15, signed=signed or name in ("number", "separate"), leading=leading, separate=True)
    value = Decimal(number if kind.signed else abs(number)).scaleb(-scale)
    data = put(f"{value:f}", kind, 8)
    assert len(data) == 8
    assert Decimal(get(data, kind)) == value


@given(contents=st.lists(st.lists(st.text(st.sampled_from("aü€ 1"), max_size=3), min_size=2, max_size=2), max_size=4))
def test_any_texts_are_read_again(contents: list[list[str]]) -> None:
    contents = [[value.rstrip(" ") for value in content] for content in contents]
    for options in ({"columns": "a:1-3 b:4-6"}, {"columns": "a:1-9 b:10-18", "records": "fixed"}):
        assert [one.content for one in documents(written(rows(*contents), **options), options)] == contents
