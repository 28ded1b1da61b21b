"""Where values lie: a path and the open loops lead to bytes that, cut out, are the value."""

from __future__ import annotations

from pathlib import Path

import pytest

from edi import edifact, x12
from edi.model import Document
from edi.paths import SegmentPath, parse_path

CORPUS = Path(__file__).parents[3] / "corpus"
LOCATE = {"x12": x12.locate, "edifact": edifact.locate}


def path(text: str) -> SegmentPath:
    found = parse_path("x12", text)
    assert isinstance(found, SegmentPath)
    return found


def first(sample: str, number: int = 1) -> tuple[bytes, Document]:
    raw = (CORPUS / sample).read_bytes()
    reader = x12.read if sample.startswith("x12") else edifact.read
    document = [item for item in reader([raw], {}) if isinstance(item, Document)][number - 1]
    return raw[document.start : document.end], document


def cut(sample: str, name: str, *loops: tuple[str, int]) -> bytes | None:
    raw, document = first(sample)
    place = LOCATE[document.envelope.format](
        raw, document.envelope, path(name), tuple((path(loop), occurrence) for loop, occurrence in loops)
    )
    return raw[place.start : place.end] if place else None


@pytest.mark.parametrize(
    ("sample", "name", "loops", "value"),
    [
        ("x12/orders-one-bad.edi", "BEG03", [], b"4500012345"),
        ("x12/orders-one-bad.edi", "N1[ST].04", [], b"S12"),
        ("x12/orders-one-bad.edi", "N1[ST]/N4.01", [], b"Peoria"),
        ("x12/orders-one-bad.edi", "N1[BY]/N4.01", [], b"Springfield"),
        ("x12/orders-one-bad.edi", "PO104", [("PO1", 0)], b"12.50"),
        ("x12/orders-one-bad.edi", "PO104", [("PO1", 1)], b"149.00"),
        ("x12/orders-one-bad.edi", "PID05", [("PO1", 1)], b"Box of nails, 450 pieces"),
        ("x12/orders-one-bad.edi", "N302", [("N1[ST]", 0)], b"Dock 3"),
        ("x12/orders-one-bad.edi", "CTT", [], b"CTT*2"),
        ("x12/wrapped-at-80.edi", "BEG05", [], b"20260112"),
        ("edifact/orders.edi", "DTM[2].01.02", [], b"20260130"),
        ("edifact/orders.edi", "NAD[DP].02.01", [], b"4012345000108"),
        ("edifact/orders.edi", "NAD[BY]/CTA.02.02", [], b"Einkauf Nord"),
        ("edifact/orders.edi", "QTY[21].01.02", [("LIN", 1)], b"12"),
        ("edifact/orders.edi", "PRI[AAA].01.02", [("LIN", 1)], b"17.45"),
        ("edifact/orders.edi", "IMD.03.04", [("LIN", 1)], b"Schraubendreher, Satz?: 6 St\xfcck"),
        ("edifact/without-una.edi", "LIN03.01", [("LIN", 0)], b"A?:B"),
        ("edifact/syntax-4-repeats.edi", "ZZZ01", [], b"a*b:c*d?*e"),
    ],
)  # fmt: skip
def test_the_span_cut_out_is_the_value(sample: str, name: str, loops: list[tuple[str, int]], value: bytes) -> None:
    assert cut(sample, name, *loops) == value


def test_a_value_in_a_file_of_ebcdic_is_found() -> None:
    raw, document = first("x12/ebcdic.edi")
    place = x12.locate(raw, document.envelope, path("PO104"), ((path("PO1"), 0),))
    assert place
    assert raw[place.start : place.end].decode("cp037") == "1.5"


@pytest.mark.parametrize(
    ("name", "loops", "before"),
    [
        ("PO110", [("PO1", 0)], b"*BP*778812"),
        ("PID[X].05", [("PO1", 0)], b"*BP*778812"),
        ("CUR09", [], b"CUR*BY*USD"),
        ("REF[ZZ].02", [], b"ST*850*0001"),
        ("N1[XX]/N4.01", [], b"ST*850*0001"),
        ("BEG04", [], b"4500012345*"),
    ],
)
def test_a_missing_value_is_empty_where_it_should_stand(name: str, loops: list[tuple[str, int]], before: bytes) -> None:
    raw, document = first("x12/orders-one-bad.edi")
    place = x12.locate(raw, document.envelope, path(name), tuple((path(p), n) for p, n in loops))
    assert place
    assert place.start == place.end
    assert raw[: place.start].endswith(before)


def test_a_place_names_segment_tag_element_and_component() -> None:
    raw, document = first("edifact/orders.edi")
    place = edifact.locate(raw, document.envelope, path("PRI[AAA].01.02"), ((path("LIN"), 0),))
    assert place
    assert (place.segment, place.tag, place.element, place.component) == (17, "PRI", 1, 2)


def test_a_loop_that_does_not_exist_has_no_place() -> None:
    assert cut("x12/orders-one-bad.edi", "PO104", ("PO1", 2)) is None


def test_every_finding_of_the_reader_is_where_locate_says() -> None:
    raw, document = first("x12/orders-one-bad.edi", 2)
    place = x12.locate(raw, document.envelope, path("PO104"), ((path("PO1"), 1),))
    assert place
    assert place.start + document.start == document.findings[0].position.start
    assert place.end + document.start == document.findings[0].position.end
