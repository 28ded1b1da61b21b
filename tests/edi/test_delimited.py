"""CSV: real bytes and what must come of them, whole, byte by byte and in every two halves; then anything at all."""

from __future__ import annotations

import csv
import io
from itertools import pairwise
from typing import TYPE_CHECKING

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from edi.delimited import SPEC, columns_of, locate, read, sheet
from edi.delimited.rows import read_blocks
from edi.model import Document, Envelope
from edi.paths import ColumnPath, MemberPath, parse_path
from tests.edi.corpus import cases, declared, holds, options_of, same_however_cut, single, told

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    from edi.findings import Finding


def blocks_of(options: dict[str, str], blocks: Iterable[bytes]) -> Iterator[Document | Finding]:
    known, header = sheet(options)
    return read_blocks(blocks, known, header=header)


def documents(data: bytes, **options: str) -> list[Document]:
    return [item for item in read([data], options) if isinstance(item, Document)]


@pytest.mark.parametrize("path", cases("csv"), ids=lambda path: path.stem)
def test_each_file_is_read_as_expected_however_it_is_cut(path: Path) -> None:
    options = options_of(declared(path))
    holds(path, lambda blocks: blocks_of(options, blocks))


def test_the_example_of_the_spec_is_read_without_a_finding() -> None:
    (row,) = documents(SPEC.example.encode(), header="true")
    assert row.content == ["A-1", "9.90"]


def test_chunks_of_any_size_are_taken() -> None:
    data = b"a;b\r\n" + b"1;\xe4\r\n" * 40_000
    options = {"delimiter": ";", "encoding": "windows-1252", "header": "true"}
    assert list(read(single(data), options)) == list(read([data], options))
    assert len(documents(data, **options)) == 40_000


ALPHABET = "a;\",\n\r\0é\x81€\\'b"
ODD = st.text(ALPHABET, max_size=60).map(lambda drawn: drawn.encode("utf-8"))
OPTIONS = st.fixed_dictionaries(
    {},
    optional={
        "delimiter": st.sampled_from(";,"),
        "header": st.sampled_from(("true", "false")),
        "encoding": st.sampled_from(("utf-8", "windows-1252", "gbk")),
        "quote": st.sampled_from(('"', "none", "'")),
        "escape": st.sampled_from(("none", "\\")),
        "skip": st.sampled_from(("0", "1", "2")),
        "footer": st.sampled_from(("0", "1", "2")),
        "field_bytes_max": st.sampled_from(("1", "3", "8", "1000")),
    },
).filter(lambda options: options.get("encoding") != "gbk" or options.get("escape", "none") == "none")
LAYOUT = "by 1\nrecord head a b\nnumber 2\nrecord line é\nsku 2\nquantity 3"


@given(data=st.one_of(ODD, st.binary(max_size=80)), options=OPTIONS)
@example(data=b'x;"a\r', options={"field_bytes_max": "3"})
@example(data=b'";"a";";"\r\n;"', options={"field_bytes_max": "1"})
@example(data=b'"\\"a\\\r\n";\\', options={"field_bytes_max": "1", "escape": "\\"})
@example(data=b"sep=;\r\n1;2\r\n", options={})
@settings(max_examples=300, deadline=None)
def test_whatever_the_bytes_the_answer_is_the_same_in_any_cut_and_nothing_raises(
    data: bytes, options: dict[str, str]
) -> None:
    same_however_cut(data, lambda blocks: blocks_of(options, blocks))


@given(data=ODD, header_at=st.sampled_from(("a", "é")), limit=st.sampled_from(("3", "1000")))
@settings(max_examples=200, deadline=None)
def test_a_header_is_found_by_its_name_however_the_file_is_cut(data: bytes, header_at: str, limit: str) -> None:
    options = {"delimiter": ";", "header_at": header_at, "field_bytes_max": limit}
    same_however_cut(data, lambda blocks: blocks_of(options, blocks))


@given(data=ODD, delimiter=st.sampled_from(";,"), ignore=st.sampled_from(("", "line")))
@settings(max_examples=200, deadline=None)
def test_rows_of_several_types_are_the_same_however_the_file_is_cut(data: bytes, delimiter: str, ignore: str) -> None:
    options = {"delimiter": delimiter, "layout": LAYOUT, "ignore": ignore}
    same_however_cut(data, lambda blocks: blocks_of(options, blocks))


@given(data=st.one_of(ODD, st.binary(max_size=80)), options=OPTIONS)
@settings(max_examples=300, deadline=None)
def test_no_byte_is_lost(data: bytes, options: dict[str, str]) -> None:
    # The header is no document; without one, whatever is neither a line end nor the mark belongs to something.
    items = [told(item, data) for item in read([data], options | {"header": "false"})]
    documents = [item["bytes"] for item in items if "document" in item]
    assert all(before[1] <= after[0] for before, after in pairwise(documents))
    covered = bytearray(data.removeprefix(b"\xef\xbb\xbf").rjust(len(data), b"\n"))
    for item in items:
        start, end = item["bytes"] if "document" in item else (item["finding"]["start"], item["finding"]["end"])
        covered[start:end] = b"\n" * (end - start)
    assert not covered.strip(b"\r\n")


CELL = st.text(st.characters(exclude_characters="\0", codec="utf-8"), max_size=12)
TABLE = st.integers(2, 5).flatmap(
    lambda width: st.lists(st.lists(CELL, min_size=width, max_size=width), min_size=1, max_size=6)
)


@given(
    table=TABLE,
    delimiter=st.sampled_from(",;\t|"),
    ending=st.sampled_from(("\r\n", "\n", "\r")),
    quoting=st.sampled_from((csv.QUOTE_MINIMAL, csv.QUOTE_ALL)),
    size=st.integers(1, 30),
)
@settings(max_examples=300, deadline=None)
def test_what_the_csv_module_writes_comes_back_and_each_cell_is_found_again(
    table: list[list[str]], delimiter: str, ending: str, quoting: int, size: int
) -> None:
    written = io.StringIO(newline="")
    # The csv module quotes a lone CR or LF only where it is part of its own line end.
    quoting = csv.QUOTE_ALL if any("\r" in cell or "\n" in cell for row in table for cell in row) else quoting
    csv.writer(written, delimiter=delimiter, lineterminator=ending, quoting=quoting).writerows(table)  # type: ignore[arg-type]
    data = written.getvalue().encode()
    if data.startswith(b"\xef\xbb\xbf"):
        return
    cut = (data[at : at + size] for at in range(0, len(data), size))
    rows = list(blocks_of({"delimiter": delimiter}, cut))
    assert [row.content for row in rows if isinstance(row, Document)] == table
    for row in rows:
        assert isinstance(row, Document)
        assert not row.findings
        raw = data[row.start : row.end]
        for number, cell in enumerate(row.content, 1):
            place = locate(raw, row.envelope, ColumnPath(f"#{number}", number), ())
            assert place is not None
            found = raw[place.start : place.end].decode()
            assert found.replace('""', '"') == cell if '"' in found else found == cell


ROWS = st.lists(
    st.sampled_from(
        (
            *("1;2", "1;é", '"1";2', '"1;\n3";2', '1;"a""b"', "1", "", "1;2;3", '1;"a"b', "1;\0", '""', "1;\x81"),
            *('1;"a\\"b"', "1\\;;2", "1;a\\", '"\\\\";2', "b;", "b;1;;", "c;1"),
        )
    )
)


@given(
    rows=ROWS,
    ending=st.sampled_from(("\n", "\r\n", "\r")),
    encoding=st.sampled_from(("utf-8", "windows-1252")),
    more=st.sampled_from(
        ({"header": "true"}, {"header": "true", "escape": "\\"}, {"layout": "by 1\nrecord b b 1\nx 2"})
    ),
)
@settings(max_examples=400, deadline=None)
def test_the_fast_paths_and_the_rules_give_the_same_rows(
    rows: list[str], ending: str, encoding: str, more: dict[str, str]
) -> None:
    data = ending.join(["a;b", *rows, "1;2"]).encode("cp1252", "replace").replace(b"?", b"\x81")
    options = {"delimiter": ";", "encoding": encoding} | more
    # With a limit below the size of what is read at once, every row is read by the rules alone.
    by_rules = list(blocks_of(options | {"field_bytes_max": str(max(len(data) - 4, 9))}, [data]))
    assert list(blocks_of(options, [data])) == by_rules


def test_a_200_mb_cell_is_a_finding_and_the_rows_behind_it_are_read() -> None:
    def chunks() -> Iterator[bytes]:
        yield b'id;text\n1;"'
        for _ in range(200):
            yield b"x" * 1_000_000
        yield b'"\n2;good\n'

    first, second = (item for item in read(chunks(), {"delimiter": ";", "header": "true"}))
    assert isinstance(first, Document)
    assert isinstance(second, Document)
    assert (first.start, first.end, first.content) == (8, 8 + 2 + 2 + 200_000_000, None)
    assert [finding.code for finding in first.findings] == ["csv.too_long"]
    assert second.content == ["2", "good"]


def test_an_unclosed_quote_in_a_large_file_is_told_at_its_place_and_the_rows_before_it_are_good() -> None:
    def chunks() -> Iterator[bytes]:
        yield b'id;text\n1;good\n2;"open\n'
        for _ in range(40):
            yield b"3;lost\n" * 100_000

    good, held = (item for item in read(chunks(), {"delimiter": ";", "header": "true"}))
    assert isinstance(good, Document)
    assert isinstance(held, Document)
    assert good.content == ["1", "good"]
    (finding,) = held.findings
    assert (finding.code, finding.position.start, finding.position.line) == ("csv.unclosed_quote", 17, 3)
    assert held.end == finding.position.end == 23 + 40 * 700_000


def test_a_row_of_100_000_columns_is_read() -> None:
    data = b";".join(b"%d" % number for number in range(100_000))
    (row,) = documents(data + b"\n", delimiter=";")
    assert row.content[99_999] == "99999"


@pytest.mark.parametrize(
    ("raw", "name", "found", "column"),
    [
        (b'1;"a;b";x', "text", b"a;b", "text"),
        (b'1;"a ""b""";x', "text", b'a ""b""', "text"),
        (b'1;"a" b;x', "text", b'"a" b', "text"),
        (b"1;\xc3\xa4;x", "#3", b"x", "price"),
        (b"1;2", "price", b"", "price"),
        (b"1;2;3;4", "#4", b"4", "#4"),
        (b"1;2;3", "no such column", b"", "no such column"),
    ],
)
def test_the_bytes_of_a_value_are_found_again(raw: bytes, name: str, found: bytes, column: str) -> None:
    envelope = Envelope("csv", columns=("id", "text", "price"), delimiters=';"')
    place = locate(raw, envelope, parse_path("csv", name), ())
    assert place is not None
    assert raw[place.start : place.end] == found
    assert (place.column, place.line) == (column, 1)
    assert found or place.start == len(raw)


def test_a_path_of_another_format_is_nowhere() -> None:
    assert locate(b"1;2", Envelope("csv", delimiters=';"'), MemberPath(("a",)), ()) is None


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"delimiter": ";;"}, "not one ASCII character"),
        ({"delimiter": "1"}, "not one ASCII character"),
        ({"quote": ","}, "other than the delimiter"),
        ({"header": "yes"}, "neither true nor false"),
        ({"field_bytes_max": "-1"}, "no number of bytes"),
        ({"encoding": "utf-16"}, "converted to UTF-8"),
        ({"encoding": "cp037"}, "converted to UTF-8"),
        ({"encoding": "klingon"}, "no encoding"),
        ({"encoding": "shift_jis", "delimiter": "|"}, "half a character"),
    ],
)
def test_an_option_without_a_usable_value_is_refused_at_the_call(options: dict[str, str], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        read([], options)


def findings(data: bytes, **options: str) -> list[Finding]:
    return [item for item in read([data], options) if not isinstance(item, Document)]


def codes(data: bytes, **options: str) -> list[str]:
    return [finding.code for finding in findings(data, **options)]


@pytest.mark.parametrize("line", [b"sep=;\r\n", b"SEP=;\n", b'"sep=;"\r', b"\xef\xbb\xbfsep=;\n"])
def test_the_line_of_excel_names_the_delimiter_and_a_note_tells_it(line: bytes) -> None:
    data = line + b"id;text\r\n1;a,b\r\n"
    note, row = read([data], {"header": "true"})
    assert isinstance(row, Document)
    assert (row.content, row.envelope.columns, row.envelope.delimiters) == (["1", "a,b"], ("id", "text"), ';"')
    assert not isinstance(note, Document)
    assert (note.code, note.severity, note.position.end) == ("csv.sep", "note", len(line))
    assert data[row.start : row.end] == b"1;a,b"


def test_a_first_cell_that_only_begins_like_the_line_of_excel_is_a_cell() -> None:
    (row,) = documents(b"sep=;x,2\n")
    assert row.content == ["sep=;x", "2"]


def test_lines_before_the_header_are_passed_over_and_told_whatever_quotes_they_hold() -> None:
    data = b'Price list "new"\r\n"Acme\r\n\r\nsku;price\r\nA-1;9\r\n'
    for options in ({"skip": "3", "header": "true"}, {"header_at": "price"}):
        note, row = read([data], {"delimiter": ";"} | options)
        assert not isinstance(note, Document)
        assert isinstance(row, Document)
        assert (note.code, note.severity, note.value) == ("csv.preamble", "note", 'Price list "new"')
        assert (note.position.start, note.position.end, note.position.line) == (0, 27, 1)
        assert (row.content, row.envelope.columns) == (["A-1", "9"], ("sku", "price"))
        assert data[row.start : row.end] == b"A-1;9"


def test_a_file_without_the_named_header_is_refused_once() -> None:
    data = b"a;b\n1;2\n3;4\n"
    (finding,) = findings(data, delimiter=";", header_at="sku")
    assert (finding.code, finding.position.start, finding.position.end) == ("csv.no_header", 0, len(data))
    assert not documents(data, delimiter=";", header_at="sku")


def test_rows_at_the_end_are_no_documents_if_so_declared() -> None:
    data = b"sku;price\nA-1;9\nA-2;8\nTotal;17\nend\n"
    rows = documents(data, delimiter=";", header="true", footer="2")
    assert [row.content[0] for row in rows] == ["A-1", "A-2"]
    (note,) = findings(data, delimiter=";", header="true", footer="2")
    assert (note.code, data[note.position.start : note.position.end]) == ("csv.footer", b"Total;17\nend")


@pytest.mark.parametrize(
    ("data", "options", "head"),
    [
        (b"sku,price\n", {}, b"sku,price"),
        (b'\r\n\r\nsku,"price"\r\n\r\n', {}, b'sku,"price"'),
        (b"made by us\nsku,price", {"header_at": "sku"}, b"sku,price"),
        (b"sku,price\n17,totals\n", {"footer": "1"}, b"17,totals"),
    ],
)
def test_a_file_without_rows_tells_the_names_in_its_header(data: bytes, options: dict[str, str], head: bytes) -> None:
    for size in (1, 4, 100):
        blocks = [data[at : at + size] for at in range(0, len(data), size)]
        found = [item for item in read(blocks, {"header": "true"} | options) if not isinstance(item, Document)]
        (told,) = [item for item in found if item.columns is not None]
        assert (told.columns, data[told.position.start : told.position.end]) == (("sku", "price"), head)
        assert told.code == ("csv.footer" if "footer" in options else "csv.no_rows")
        assert told.position.line in (data[: told.position.start].count(b"\n") + 1, None)
    assert all(each.columns is None for each in findings(data + b"1,2\n3,4\n", header="true", **options))


def test_a_wrong_delimiter_is_told_once_and_no_row_is_taken() -> None:
    data = b"sku;price\n" + b"A-1;9\n" * 1000
    (finding,) = list(read([data], {"header": "true"}))
    assert not isinstance(finding, Document)
    assert (finding.code, finding.severity) == ("csv.delimiter_wrong", "error")
    assert (finding.position.start, finding.position.end) == (0, len(data))
    assert "';'" in finding.message


def test_one_column_whose_name_holds_another_delimiter_is_a_warning_and_the_rows_are_taken() -> None:
    data = b"name; first name\nAda\n"
    assert codes(data, header="true") == ["csv.delimiter"]
    assert [row.content for row in documents(data, header="true")] == [["Ada"]]


@pytest.mark.parametrize(
    ("data", "what"),
    [
        (b"\r\n<!DOCTYPE html>\n<html><body>login</body></html>", "web page"),
        (b"<html lang='en'>", "web page"),
        (b"PK\x03\x04" + b"x" * 100, "Excel"),
        (b"%PDF-1.7\n", "PDF"),
        (b"\x1f\x8b\x08\0", "gzip"),
    ],
)
def test_a_file_that_is_no_text_of_rows_says_what_it_is(data: bytes, what: str) -> None:
    (finding,) = list(read([data], {}))
    assert not isinstance(finding, Document)
    assert finding.code == "file.kind"
    assert what in finding.message
    assert (finding.position.start, finding.position.end) == (0, len(data))


def test_utf_8_in_a_file_declared_as_windows_1252_is_told_once() -> None:
    data = "sku;text\n1;Größe\n2;Tür\n".encode()
    (finding,) = findings(data, delimiter=";", header="true", encoding="windows-1252")
    assert (finding.code, finding.severity, finding.value) == ("text.mistaken", "warning", "Ã¶")
    assert data[finding.position.start : finding.position.end] == "ö".encode()
    assert not findings("1;Größe\n".encode("cp1252"), delimiter=";", encoding="windows-1252")
    assert not findings(data, delimiter=";", header="true")


@pytest.mark.parametrize(
    ("raw", "cells"),
    [
        (b"a\\;b;c", ["a;b", "c"]),
        (b'"say \\"hi\\"";c', ['say "hi"', "c"]),
        (b'"say ""hi""";c', ['say "hi"', "c"]),
        (b"a\\\nb;c", ["a\nb", "c"]),
        (b"\\\\;c", ["\\", "c"]),
    ],
)
def test_an_escape_takes_the_next_character_into_the_cell(raw: bytes, cells: list[str]) -> None:
    for data in (raw, b"x;y\n" + raw + b"\nx;y\n"):
        rows = documents(data, delimiter=";", escape="\\")
        row = rows[len(rows) // 2]
        assert row.content == cells
        place = locate(data[row.start : row.end], row.envelope, ColumnPath("#2", 2), ())
        assert place is not None
        assert data[row.start + place.start : row.start + place.end] == b"c"


def test_single_quotes_can_be_the_quotes() -> None:
    (row,) = documents(b"'a;''b';\"c\"", delimiter=";", quote="'")
    assert row.content == ["a;'b", '"c"']


def test_each_type_of_record_has_its_own_columns() -> None:
    layout = "by 1\nrecord order H\nnumber 2\ndate 4\nrecord line L M\nsku 2\nquantity 3\nrecord end T"
    layout += "\ncount 2"
    data = b"H;4711;;2026-11-21\nL;A-1;12;;\nM;A-2;1\nL;A-3\nX;1\nL;A-4;1;2\nT;5\n"
    rows = documents(data, delimiter=";", layout=layout, ignore="end")
    assert [(row.number, row.envelope.message, row.content) for row in rows] == [
        (1, "order", ["H", "4711", "", "2026-11-21"]),
        (2, "line", ["L", "A-1", "12"]),
        (3, "line", ["M", "A-2", "1"]),
        (4, "line", ["L", "A-3"]),
        (5, None, None),
        (6, "line", ["L", "A-4", "1"]),
    ]
    assert [[finding.code for finding in row.findings] for row in rows] == [
        *([], [], []),
        *(["csv.ragged"], ["csv.type"], ["csv.ragged"]),
    ]
    assert rows[0].envelope.columns == ("", "number", "", "date")
    place = locate(data[rows[1].start : rows[1].end], rows[1].envelope, ColumnPath("quantity"), ())
    assert place is not None
    assert data[rows[1].start + place.start : rows[1].start + place.end] == b"12"


def test_a_layout_of_one_type_names_the_columns_of_a_file_without_a_header() -> None:
    (row,) = documents(b"A-1;x;9\n", delimiter=";", layout="sku 1\nprice 3")
    assert (row.envelope.columns, row.content) == (("sku", "", "price"), ["A-1", "x", "9"])
    assert columns_of({"layout": "sku 1\nprice 3"}, None) == ("sku", "", "price")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"escape": "xx"}, "one ASCII character of its own"),
        ({"escape": '"'}, "one ASCII character of its own"),
        ({"skip": "-1"}, "no number of lines"),
        ({"footer": "many"}, "no number of lines"),
        ({"layout": "orders"}, "only its text can be read"),
        ({"layout": "sku 1-8"}, "takes several cells"),
        ({"layout": "sku 1 number"}, "which is text"),
        ({"layout": "sku 1\nname 1"}, "are both cell 1"),
        ({"layout": "sku 1\nprice 2", "header": "true"}, "both name the columns"),
        ({"layout": "sku 1\nprice 2", "message": "line"}, "no record type 'line'"),
        ({"message": "line"}, "only a layout has some"),
    ],
)
def test_an_option_of_layouts_and_edges_without_a_usable_value_is_refused(
    options: dict[str, str], message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        read([], options)
