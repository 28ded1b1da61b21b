"""COBOL copybooks: the places of items, their names, and what is refused."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edi.positional.copybook import looks_like
from edi.positional.layout import Column, Kind
from edi.positional.placing import from_copybook
from tests.edi.corpus import LAYOUTS


def columns(text: str) -> tuple[Column, ...]:
    (record,) = from_copybook(text).types
    return record.columns


def places(text: str) -> list[tuple[str, int, int | None]]:
    return [(column.name, column.start, column.end) for column in columns(text)]


@pytest.mark.parametrize(
    ("clause", "size", "kind"),
    [
        ("PIC X(10)", 10, Kind("text")),
        ("PIC A(3)X9", 5, Kind("text")),
        ("picture is 9(5)", 5, Kind("zoned", 0, 5, signed=False)),
        ("PIC S9(5)V99", 7, Kind("zoned", 2, 7)),
        ("PIC S99V9(2) SIGN LEADING", 4, Kind("zoned", 2, 4, leading=True)),
        ("PIC S999 SIGN IS TRAILING SEPARATE CHARACTER", 4, Kind("zoned", 0, 3, separate=True)),
        ("PIC 999 LEADING SEPARATE", 3, Kind("zoned", 0, 3, signed=False, leading=True)),
        ("PIC S9(4) COMP", 2, Kind("binary", 0, 4)),
        ("PIC S9(5) USAGE IS COMPUTATIONAL", 4, Kind("binary", 0, 5)),
        ("COMP-5 PIC 9(10)V9", 8, Kind("binary", 1, 11, signed=False)),
        ("PIC S9(7)V99 COMP-3", 5, Kind("packed", 2, 9)),
        ("PIC 9(4) PACKED-DECIMAL", 3, Kind("packed", 0, 4, signed=False)),
        ("PIC 9(3)P(3)", 3, Kind("zoned", -3, 3, signed=False)),
        ("PIC VPP99", 2, Kind("zoned", 4, 2, signed=False)),
        ("PIC PP99", 2, Kind("zoned", 4, 2, signed=False)),
        ("PIC ZZ,ZZ9.99-", 10, Kind("trimmed")),
        ("PIC $$$9.99CR", 9, Kind("trimmed")),
        ("PIC X(2) JUSTIFIED RIGHT BLANK WHEN ZERO VALUE 'A. B'", 2, Kind("text")),
        ("VALUE -1.5 PIC S9V9", 2, Kind("zoned", 1, 2)),
    ],
)
def test_a_picture_has_its_size_and_kind(clause: str, size: int, kind: Kind) -> None:
    (column,) = columns(f"01 A {clause}.")
    assert (column.end, column.kind) == (size, kind)


def test_groups_hand_usage_and_sign_down() -> None:
    found = columns("01 A. 05 B COMP-3. 10 C PIC S9(3). 10 D PIC 9 DISPLAY. 05 E SIGN LEADING SEPARATE. 10 F PIC S9.")
    assert [(column.name, column.end, column.kind.name) for column in found] == [
        ("C", 2, "packed"),
        ("D", 3, "zoned"),
        ("F", 5, "zoned"),
    ]
    assert found[2].kind.separate


def test_tables_are_unrolled_and_names_that_stand_twice_are_qualified() -> None:
    text = """
        01  R.
            05  SHIP-TO.   10 CITY PIC X(2). 10 FILLER PIC X.
            05  BILL-TO.   10 CITY PIC X(2).
            05  ROW OCCURS 2 TIMES INDEXED BY I.
                10  SKU    PIC X.
                10  TAX    OCCURS 2 PIC 9.
            05  PIC 9.
            05  LAST       PIC X.
    """
    assert places(text) == [
        ("SHIP-TO.CITY", 0, 2),
        ("BILL-TO.CITY", 3, 5),
        ("SKU[1]", 5, 6),
        ("TAX[1][1]", 6, 7),
        ("TAX[1][2]", 7, 8),
        ("SKU[2]", 8, 9),
        ("TAX[2][1]", 9, 10),
        ("TAX[2][2]", 10, 11),
        ("LAST", 12, 13),
    ]


def test_a_redefinition_begins_where_the_item_does_and_the_longest_counts() -> None:
    text = "01 R. 05 A PIC X(4). 05 B REDEFINES A. 10 C PIC X. 10 D PIC 9(5). 05 E REDEFINES B PIC X. 05 F PIC X."
    assert places(text) == [("A", 0, 4), ("C", 0, 1), ("D", 1, 6), ("E", 0, 1), ("F", 6, 7)]
    assert [column.views for column in columns(text)] == [((0, 0),), ((0, 1),), ((0, 1),), ((0, 2),), ()]


def test_a_type_has_its_own_view_alone_and_records_of_level_01_are_types() -> None:
    text = """
        01  HEAD. 05 KIND PIC X. 05 REST PIC X(3).
        01  LINE. 05 KIND PIC X. 05 A PIC 9. 05 B REDEFINES A PIC X. 05 C PIC XX.
        01  TAIL. 05 KIND PIC X.
    """
    layout = from_copybook(text, "kind", {"H": "HEAD", "L": "LINE", "l": "LINE", "T": "TAIL"})
    assert [(one.name, one.values, one.size, [column.name for column in one.columns]) for one in layout.types] == [
        ("HEAD", ("H",), 4, ["KIND", "REST"]),
        ("LINE", ("L", "l"), 4, ["KIND", "A", "B", "C"]),
        ("TAIL", ("T",), 1, ["KIND"]),
    ]
    only = from_copybook(text, "1-1", {"x": "B"})
    assert [column.name for column in only.types[0].columns] == ["KIND", "B", "C"]


def test_a_last_table_may_depend_on_a_counter() -> None:
    (record,) = from_copybook(LAYOUTS["stock"]).types
    assert record.table
    assert (record.table.counter.name, record.table.start, record.table.size, record.table.columns) == (
        "BIN-COUNT",
        12,
        6,
        3,
    )
    assert (record.table.least, record.table.most, record.size, len(record.columns)) == (0, 4, 36, 15)


FIXED = """
000100 IDENTIFICATION DIVISION.
000200*COMMENT DON'T READ
000300 01  A.                                                           IGNORED
000400     05  B PIC X(2) VALUE 'THIS LITERAL GOES ON IN THE NEXT LINE, WHICH
000500-    'IS A CONTINUATION. '.
000600D    05  DEBUG-ONLY PIC X.
000700     05  C PIC X. *> and a comment behind
"""


def test_the_fixed_format_is_told_from_the_free_one() -> None:
    assert places(FIXED) == [("B", 0, 2), ("C", 2, 3)]
    assert places("01 A.\n* a comment\n05 B PIC X(2). *> free\n  /page\n 05 C PIC X.") == [("B", 0, 2), ("C", 2, 3)]
    assert places("\ufeff01\tA.\r\n\t05\tB\tPIC X.\r\n") == [("B", 0, 1)]


def test_items_outside_any_record_are_one() -> None:
    assert places("05 A PIC X. 05 B PIC X.") == [("A", 0, 1), ("B", 1, 2)]
    assert places("FD ORDERS RECORDING MODE F. 01 A PIC X.") == [("A", 0, 1)]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("01 A.\n   05 B PIC X(.", "line 2, column 13: .* is no picture"),
        ("01 A PIC Q.", "is no picture"),
        ("01 A PIC 9S.", "S stands once, at the beginning"),
        ("01 A PIC 9V9V9.", "V stands once"),
        ("01 A PIC X(5) COMP-3.", "no picture of a number"),
        ("01 A PIC 9(39).", "39 digits"),
        ("01 A PIC 9(19) COMP.", "18 at most"),
        ("01 A PIC N(5).", "several bytes"),
        ("01 A PIC .", "PIC"),
        ("01 A PIC", "the period is missing|picture is missing"),
        ("01 A COMP-1.", "COMP-1 is a floating point number"),
        ("01 A. 05 P POINTER.", "address"),
        ("01 A USAGE NATIONAL PIC X.", "several bytes"),
        ("01 A USAGE COMP3 PIC 9.", "did you mean COMP-3"),
        ("01 A PIC S9(4) COMP SYNC.", "write them as FILLER"),
        ("01 A PIC 9 OCURS 3.", "did you mean OCCURS"),
        ("01 A PIC X OCCURS 0 TIMES.", "0 to 0 occurrences"),
        ("01 A PIC X OCCURS N TIMES.", "a number is expected, not 'N'"),
        ("01 A. 05 B PIC X OCCURS 1 TO 3 TIMES.", "DEPENDING ON"),
        ("01 A. 05 B PIC X OCCURS 3 DEPENDING ON N.", "cannot count B"),
        ("01 A. 05 N PIC X. 05 B PIC X OCCURS 3 DEPENDING ON N.", "no whole number before"),
        ("01 A. 05 N PIC 9. 05 B PIC X OCCURS 3 DEPENDING ON N. 05 C PIC X.", "nothing may follow it"),
        ("01 A. 05 N PIC 9. 05 B OCCURS 2. 10 C PIC X OCCURS 3 DEPENDING ON N.", "inside another table"),
        ("01 A. 05 B OCCURS 20000. 10 C OCCURS 20000. 15 D PIC X.", "longer than the longest record"),
        ("01 A. 05 B OCCURS 200. 10 C OCCURS 200. 15 D PIC X.", "more than 20000 columns"),
        ("01 A PIC X(99999999).", "longer than the longest record"),
        ("01 A. 05 B PIC X. 05 C REDEFINES D PIC X.", "no item D stands before it"),
        ("01 A. 05 B.", "neither a picture nor items below"),
        ("01 A PIC X. 05 B PIC X.", "A has a picture"),
        ("01 A. 05 FILLER PIC X.", "no item with a name"),
        ("01 A. 05 B PIC X. 05 B PIC X.", "stands twice"),
        ("01 A. COPY B.", "put what it stands for"),
        ("01 A. 50 B PIC X.", "there is no level 50"),
        ("01 A. B PIC X.", "a level number such as 05 is expected"),
        ("01 A PIC X VALUE 'B.", "never closed"),
        ("01 A PIC X. {", "means nothing"),
        ("01 A.\n 05 B PIC X VALUE 1\n 05 C PIC X.", "line 3, column 2: the period is missing"),
        ("01 A PIC X. 01 B PIC X.", "describes 2 records"),
        ("01 A SIGN BEHIND PIC S9.", "LEADING or TRAILING"),
        ("88 A VALUE 1.", "describes no record"),
    ],
)
def test_what_cannot_be_read_is_refused_with_its_place(text: str, message: str) -> None:
    with pytest.raises(ValueError, match=message) as told:
        from_copybook(text)
    assert "line " in str(told.value) or "describes 2" in str(told.value)


@pytest.mark.parametrize(
    ("text", "is_one"),
    [
        (LAYOUTS["orders"], True),
        (LAYOUTS["stock"], True),
        (FIXED, True),
        (LAYOUTS["movements"], False),
        ("* comment\n  05 A PIC X.", True),
        ("COPY X.", True),
        ("sku 1-8", False),
        ("# don't\nsku 1-8", False),
        ("", False),
    ],
)
def test_a_copybook_is_told_from_a_layout(text: str, is_one: bool) -> None:
    assert looks_like(text) == is_one


WORDS = ("01", "05", "10", "88", "A", "B", "PIC", "X(3)", "S9(4)V9", "COMP-3", "FILLER", "REDEFINES", "SIGN", "LEADING")
CLAUSES = ("OCCURS 2 TO 3", "OCCURS 2 TIMES", "DEPENDING ON A", "VALUE 'x'", ".", ".\n", "\n", "(", "'", "99", ". 05 B")


@given(text=st.one_of(st.text(max_size=60), st.lists(st.sampled_from(WORDS + CLAUSES), max_size=30).map(" ".join)))
@settings(max_examples=400, deadline=None)
def test_any_text_is_a_copybook_or_refused_with_a_sentence(text: str) -> None:
    looks_like(text)
    try:
        layout = from_copybook(text)
    except ValueError as told:
        assert str(told)  # noqa: PT017 - most texts are refused, some are not
    else:
        assert all(column.end and column.end <= record.size for record in layout.types for column in record.columns)
