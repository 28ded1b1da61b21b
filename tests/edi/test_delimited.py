"""CSV: real bytes and what must come of them, whole, byte by byte and in every two halves; then anything at all."""

from __future__ import annotations

import csv
import io
from typing import TYPE_CHECKING

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from edi.delimited import SPEC, locate, read, sheet
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


ALPHABET = 'a;",\n\r\0é\x81€'
ODD = st.text(ALPHABET, max_size=60).map(lambda drawn: drawn.encode("utf-8"))
OPTIONS = st.fixed_dictionaries(
    {},
    optional={
        "delimiter": st.sampled_from(";,"),
        "header": st.sampled_from(("true", "false")),
        "encoding": st.sampled_from(("utf-8", "windows-1252", "gbk")),
        "quote": st.sampled_from(('"', "none")),
        "field_bytes_max": st.sampled_from(("1", "3", "8", "1000")),
    },
)


@given(data=st.one_of(ODD, st.binary(max_size=80)), options=OPTIONS)
@example(data=b'x;"a\r', options={"field_bytes_max": "3"})
@example(data=b'";"a";";"\r\n;"', options={"field_bytes_max": "1"})
@settings(max_examples=300, deadline=None)
def test_whatever_the_bytes_the_answer_is_the_same_in_any_cut_and_nothing_raises(
    data: bytes, options: dict[str, str]
) -> None:
    same_however_cut(data, lambda blocks: blocks_of(options, blocks))


@given(data=st.one_of(ODD, st.binary(max_size=80)), options=OPTIONS)
@settings(max_examples=300, deadline=None)
def test_no_byte_is_lost(data: bytes, options: dict[str, str]) -> None:
    # The header is no document; without one, whatever is neither a line end nor the mark belongs to something.
    items = [told(item, data) for item in read([data], options | {"header": "false"})]
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
        ("1;2", "1;é", '"1";2', '"1;\n3";2', '1;"a""b"', "1", "", "1;2;3", '1;"a"b', "1;\0", '""', "1;\x81")
    )
)


@given(rows=ROWS, ending=st.sampled_from(("\n", "\r\n", "\r")), encoding=st.sampled_from(("utf-8", "windows-1252")))
@settings(max_examples=300, deadline=None)
def test_the_fast_paths_and_the_rules_give_the_same_rows(rows: list[str], ending: str, encoding: str) -> None:
    data = ending.join(["a;b", *rows, "1;2"]).encode("cp1252", "replace").replace(b"?", b"\x81")
    options = {"delimiter": ";", "encoding": encoding, "header": "true"}
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
