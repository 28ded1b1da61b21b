"""Rows of a spreadsheet from lines of JSON: as a plain reading of the JSON gives them, whatever form the lines have."""

from __future__ import annotations

import csv
import io
import json
from typing import TYPE_CHECKING, Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.contracts import SCALARS, Field
from gateway.serve.sheets import Column, columns_of, sheet

if TYPE_CHECKING:
    from collections.abc import Collection

Member = dict[str, Any]

FIELDS = (
    Field("number", "text"),
    Field("note", "text", required=False),
    Field("total", "decimal", required=False),
    Field("pieces", "int", required=False),
    Field("paid", "bool", required=False),
    Field("ship_to", "object", required=False, fields=(Field("name", "text", required=False), Field("city", "text"))),
    Field("lines", "list", required=False, fields=(Field("sku", "text"), Field("tags", "list", required=False))),
)


def plain(lines: bytes, fields: tuple[Field, ...], chosen: Collection[str] | None = None) -> bytes:
    """The rows of these lines, each read as JSON and each cell made alone."""
    columns = [each for each in columns_of(fields) if chosen is None or each.path[0] in chosen]
    written = io.StringIO()
    writer = csv.writer(written, lineterminator="\r\n")
    writer.writerow(["_key", "_seq", "_version", *(".".join(each.path) for each in columns)])
    for line in lines.splitlines():
        record = orjson.loads(line)
        key = record["_key"]
        system = [f"'{key}" if key.startswith(("=", "+", "-", "@")) else key, record["_seq"], record["_version"]]
        writer.writerow([*system, *(cell(record, each) for each in columns)])
    return written.getvalue().encode()


def cell(record: Any, column: Column) -> str:
    value = record
    for name in column.path:
        value = value.get(name) if isinstance(value, dict) else None
    if value is None:
        return ""
    if not isinstance(value, str):
        return orjson.dumps(value).decode()
    return f"'{value}" if column.text and value.startswith(("=", "+", "-", "@", "\t", "\r")) else value


def line(members: Member, key: str = "7") -> bytes:
    """A record as it is stored and served."""
    return orjson.dumps({"_key": key, "_seq": 12, "_version": 3} | members) + b"\n"


def rows(*lines: bytes, chosen: Collection[str] | None = None) -> list[str]:
    """What stands in the sheet below the names of the columns."""
    return b"".join(sheet([b"".join(lines)], FIELDS, chosen=chosen)).decode().split("\r\n")[1:-1]


def test_a_key_that_a_spreadsheet_would_run_is_disarmed() -> None:
    lines = line({"number": "-A1"}, "-A1"), line({"number": "a"}, "@1"), line({"number": "A1"}, "A1")
    assert rows(*lines, chosen=["number"]) == ["'-A1,12,3,'-A1", "'@1,12,3,a", "A1,12,3,A1"]


@pytest.mark.parametrize(
    ("members", "row"),
    [
        ({"number": "a"}, "a,,,,,,,"),
        ({"number": "=a"}, "'=a,,,,,,,"),
        ({"number": "a", "note": "\t1"}, "a,'\t1,,,,,,"),
        ({"number": "a", "note": "x\r\ny"}, 'a,"x\r\ny",,,,,,'),
        ({"number": "a", "note": 'say "so", twice'}, 'a,"say ""so"", twice",,,,,,'),
        ({"number": "a", "note": "1, 2"}, 'a,"1, 2",,,,,,'),
        ({"number": "", "note": "-", "total": "-3.00", "pieces": -5, "paid": False}, ",'-,-3.00,-5,false,,,"),
        ({"number": "a", "pieces": None}, "a,,,,,,,"),
        ({"number": "a", "ship_to": {"city": "@home"}}, "a,,,,,,'@home,"),
        ({"number": "a", "ship_to": {"name": "Æ, Œ", "city": "東京"}}, 'a,,,,,"Æ, Œ",東京,'),
        ({"number": "a", "ship_to": None}, "a,,,,,,,"),
        ({"number": "a", "lines": []}, "a,,,,,,,[]"),
        ({"number": "a", "lines": [{"sku": "x"}]}, 'a,,,,,,,"[{""sku"":""x""}]"'),
        ({"number": "a", "lines": [{"sku": "x"}, {"sku": "=]"}]}, 'a,,,,,,,"[{""sku"":""x""},{""sku"":""=]""}]"'),
        ({"number": "a", "lines": [{"sku": "x", "tags": []}]}, 'a,,,,,,,"[{""sku"":""x"",""tags"":[]}]"'),
        ({"note": "an older contract's", "number": "a"}, "a,an older contract's,,,,,,"),
        ({"number": "a", "colour": "red"}, "a,,,,,,,"),
    ],
)
def test_a_record_becomes_a_row(members: Member, row: str) -> None:
    assert b"".join(sheet([line(members)], FIELDS)).decode().partition("\r\n")[2] == f"7,12,3,{row}\r\n"


def test_a_line_of_another_form_stands_in_its_place_among_the_others() -> None:
    lines = [line({"number": str(n), "note": "\\" if n % 3 else "plain"}, str(n)) for n in range(7)]
    assert [row.split(",")[0] for row in rows(*lines)] == list("0123456")
    assert rows(*lines)[1:4] == ["1,12,3,1,\\,,,,,,", "2,12,3,2,\\,,,,,,", "3,12,3,3,plain,,,,,,"]


def test_a_line_as_it_is_stored_is_not_read_as_json() -> None:
    """Which would refuse this number: so it shows that the quick way is taken."""
    assert rows(line({"number": "a", "pieces": 7}).replace(b"7}", b"007}")) == ["7,12,3,a,,,007,,,,"]


def test_only_chosen_fields_become_columns() -> None:
    stored = line({"number": "a", "note": "=x", "pieces": 1, "ship_to": {"city": "Ulm"}})
    assert rows(stored, chosen=("ship_to", "pieces")) == ["7,12,3,1,,Ulm"]
    assert rows(line({"number": "a"}), chosen=()) == ["7,12,3"]


def test_masked_lines_say_what_they_lack() -> None:
    masked = line({"_masked": ["note", "ship_to.city"], "number": "a", "note": None})
    assert b"".join(sheet([masked], FIELDS[:2], masked=True)).split(b"\r\n") == [
        b"_key,_seq,_version,_masked,number,note",
        b"7,12,3,note ship_to.city,a,",
        b"",
    ]


def test_names_of_columns_stand_once_and_where_there_is_no_record() -> None:
    head = b"_key,_seq,_version,number\r\n"
    assert list(sheet([], FIELDS[:1])) == [head]
    two = [line({"number": "a"}), line({"number": "b"})]
    assert list(sheet(two, FIELDS[:1])) == [head + b"7,12,3,a\r\n", b"7,12,3,b\r\n"]


TEXTS = st.text(st.sampled_from("ab=+-@,;\"'\\[]{}:\t\r\n é東\x00\x1f\x7f\u2028"), max_size=6)
VALUES: dict[str, st.SearchStrategy[Any]] = {
    "int": st.integers(-(2**63), 2**63 - 1),
    "bool": st.booleans(),
    "decimal": st.from_regex(r"-?[0-9]{1,4}(\.[0-9]{1,3})?", fullmatch=True),
}


@st.composite
def shapes(draw: st.DrawFn, depth: int = 2) -> tuple[Field, ...]:
    """The fields of an object; names that begin like others are among them."""
    names = draw(st.lists(st.sampled_from(("a", "ab", "b", "a_b", "c", "type")), min_size=1, max_size=5, unique=True))
    kinds = st.sampled_from((*SCALARS, "text", "text", *(("object", "list") if depth else ())))
    made = []
    for name in names:
        kind = draw(kinds)
        inner = draw(shapes(depth - 1)) if kind in ("object", "list") else ()
        made.append(Field(name, kind, required=draw(st.booleans()), fields=inner))
    return tuple(made)


def values_of(field: Field) -> st.SearchStrategy[Any]:
    if field.type == "object":
        return members_of(field.fields)
    if field.type == "list":
        return st.lists(members_of(field.fields), max_size=2)
    return VALUES.get(field.type, TEXTS)


@st.composite
def members_of(draw: st.DrawFn, fields: tuple[Field, ...]) -> Member:
    """An object as it is stored: in the contract's order, what is absent left out."""
    return {each.name: draw(values_of(each)) for each in fields if each.required or draw(st.booleans())}


@st.composite
def sheets(draw: st.DrawFn) -> tuple[tuple[Field, ...], list[list[Member]]]:
    fields = draw(shapes())
    anything = st.dictionaries(st.sampled_from([each.name for each in fields]), st.none() | TEXTS | st.integers(0, 9))
    return fields, draw(st.lists(st.lists(members_of(fields) | anything, min_size=1, max_size=4), max_size=3))


@given(sheets(), st.booleans())
def test_rows_are_those_of_a_plain_reading(made: tuple[tuple[Field, ...], list[list[Member]]], whole: bool) -> None:
    fields, parts = made
    chosen = None if whole else tuple(each.name for each in fields[::2])
    lines = [b"".join(map(line, part)) for part in parts]
    assert b"".join(sheet(lines, fields, chosen=chosen)) == plain(b"".join(lines), fields, chosen)


@given(st.lists(members_of(FIELDS[:6]), min_size=1, max_size=5))
def test_what_a_spreadsheet_reads_is_what_was_stored(records: list[Member]) -> None:
    text = b"".join(sheet([b"".join(map(line, records))], FIELDS[:6])).decode()
    for row, record in zip(csv.DictReader(io.StringIO(text, newline="")), records, strict=True):
        assert row["number"].removeprefix("'") == record["number"].removeprefix("'")
        assert row["total"] == record.get("total", "")
        assert row["pieces"] == (json.dumps(record["pieces"]) if "pieces" in record else "")
        assert not any(row[name].startswith(("=", "+", "-", "@")) for name in ("number", "note", "ship_to.city"))
