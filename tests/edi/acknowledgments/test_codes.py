"""The table of codes is whole, and says only what the standards know."""

from __future__ import annotations

import pytest

from edi.acknowledgments import words
from edi.acknowledgments.codes import CHOICES, ISA, ISA_NOTES, NOT_TOLD, SET_ELEMENTS, TABLE, Told
from edi.findings import CODES

FAMILIES = ("envelope", "structure", "segment", "element", "level", "total", "x12", "edifact")
LISTS = {
    "ta1": words.INTERCHANGE,
    "group": words.GROUP,
    "set": words.SET,
    "segment": words.SEGMENT,
    "element": words.ELEMENT,
} | dict.fromkeys(("uci", "ucf", "ucm", "ucs", "ucd"), words.SYNTAX)
# EANCOM's CONTRL says which codes of 0085 may stand where (eancom.com, ref.gs1.org: CONTRL, segments layout).
SEGMENT_CODES = {"12", "13", "14", "15", "16", "18", "21", "22", "27", "34", "35", "36"}
MESSAGE_CODES = {str(code) for code in (*range(12, 19), 21, 22, 23, *range(25, 32), 34, 37, 39, 40)}


def test_every_code_of_the_two_standards_is_told_or_has_a_reason_not_to_be() -> None:
    ours = {code for code in CODES if code.partition(".")[0] in FAMILIES}
    assert ours == set(TABLE) | set(NOT_TOLD)
    assert not set(TABLE) & set(NOT_TOLD)


@pytest.mark.parametrize("code", TABLE)
def test_a_row_says_what_the_standards_know(code: str) -> None:
    row = TABLE[code]
    assert any(row)
    for column, cell in row._asdict().items():
        assert cell in ("", ISA) or set(cell.split("/")) <= set(LISTS[column]), column
        assert "/" not in cell or cell in CHOICES
    assert not row.element or row.segment == "8"
    assert row.ucm == "" or row.ucm in MESSAGE_CODES
    assert row.ucs == "" or set(row.ucs.split("/")) <= SEGMENT_CODES


def test_a_segment_that_holds_errors_is_told_of_where_its_columns_are() -> None:
    for code, row in TABLE.items():
        family = code.partition(".")[0]
        at_segment = (row.segment, row.element, row.ucs, row.ucd)
        assert family not in ("segment", "element", "total") or any(at_segment), code
        assert family in ("segment", "element", "total", "level") or not any(at_segment), code


def test_the_notes_of_the_elements_are_notes() -> None:
    assert set(ISA_NOTES.values()) <= set(words.INTERCHANGE)
    assert set(ISA_NOTES) == set(range(1, 17))
    assert set(SET_ELEMENTS.values()) <= set(words.SET)
    assert len(Told._fields) == 10
