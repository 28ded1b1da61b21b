"""X12 and EDIFACT, written: what was read comes out as it was, and what cannot be said is refused."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from edi import edifact, x12
from edi.edifact import scanner as edifact_scanner
from edi.edifact import writing as edifact_writing
from edi.findings import Finding
from edi.model import Document, Envelope
from edi.writing import Unwritable
from edi.x12 import scanner as x12_scanner
from edi.x12 import writing as x12_writing
from tests.edi.corpus import CORPUS
from tests.edi.makers.files import MAKERS, made

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from edi.segmented.walk.interchange import Event

SAMPLES = Path(__file__).parents[3] / "gateway" / "operate" / "demo" / "samples"
TIME = {"time": "2026-01-02T10:10"}


@dataclass(frozen=True)
class Side:
    """One standard: its events, its writer, and the options that documents alone need."""

    events: Callable[[Iterable[bytes]], Iterable[Event]]
    write: Callable[..., Iterable[bytes]]
    alone: dict[str, str]


SIDES = {
    "x12": Side(partial(x12_scanner.events, options={}), x12.write, TIME),
    "edifact": Side(partial(edifact_scanner.events, options={}), edifact.write, TIME),
}
FILES = [
    ("x12", SAMPLES / "acme-orders.edi"),
    ("edifact", SAMPLES / "northwind-orders.edi"),
    *((name, path) for name in SIDES for path in sorted((CORPUS / name).glob("*.edi"))),
]
OTHERWISE = {
    # What is not in the events cannot come out again: gaps, junk, marks; and what is wrong in trailers comes out right.
    "byte-order-mark.edi": "the mark is left out",
    "byte-order-mark-utf-8.edi": "the mark is left out",
    "counts-disagree.edi": "the trailers are made anew",
    "interactive.edi": "an interactive interchange is no document",
    "isa-broken.edi": "the broken header is left out",
    "junk-between.edi": "the junk is left out",
    "many-errors-one-neighbour.edi": "the trailers are made anew",
    "northwind-orders.edi": "a comma is released without need",
    "not-edi.edi": "it is no EDI",
    "several-interchanges.edi": "the mark at the end is left out",
    "trailers-missing.edi": "the trailers come out",
    "truncated-in-a-set.edi": "the trailers come out",
    "truncated.edi": "the trailers come out",
    "unb-broken.edi": "the broken header is left out",
}


def told(side: Side, data: bytes) -> list[Event]:
    return list(side.events([data]))


def documents(items: Iterable[Any]) -> list[Document]:
    return [item for item in items if isinstance(item, Document)]


def contents(items: Iterable[Any], trailer: bool = True) -> list[Any]:
    found = [document.content for document in documents(items)]
    return found if trailer else [{k: v for k, v in one.items() if k not in ("SE", "UNT")} for one in found]


def written(side: Side, items: Iterable[Any], **options: str) -> bytes:
    return b"".join(side.write(items, options))


def bare(data: bytes) -> bytes:
    """Without line breaks, those of EBCDIC included."""
    return data.translate(None, b"\r\n\x15\x25" if data.startswith("ISA".encode("cp037")) else b"\r\n")


@pytest.mark.parametrize(("name", "path"), [pytest.param(*each, id=each[1].stem) for each in FILES])
def test_events_are_written_as_the_very_bytes_they_were_read_from(name: str, path: Path) -> None:
    side, data = SIDES[name], path.read_bytes()
    events = told(side, data)
    again = written(side, events, trimmed="false")
    exact = path.name not in OTHERWISE
    assert (bare(again) == bare(data)) is exact
    assert contents(told(side, again), trailer=exact) == contents(events, trailer=exact)


@pytest.mark.parametrize(("name", "path"), [pytest.param(*each, id=each[1].stem) for each in FILES])
def test_documents_alone_are_read_again_as_they_were(name: str, path: Path) -> None:
    side = SIDES[name]
    before = documents(side.events([path.read_bytes()]))
    options = side.alone | {"trimmed": "false"}
    if name == "x12":
        options |= {"group": "PO"}
    elif any(document.envelope.encoding == "utf-8" for document in before):
        options |= {"syntax": f"UNOY:{4 if before[0].envelope.delimiters[4] == '*' else 3}"}
    again = documents(told(side, written(side, before, **options)))
    assert contents(again, trailer=False) == contents(before, trailer=False)
    assert [document.envelope for document in again] == [document.envelope for document in before]


@pytest.mark.parametrize("maker", ["x12-850", "x12-856", "edifact-orders"])
def test_made_files_come_out_as_they_were(maker: str) -> None:
    side = SIDES[MAKERS[maker].declaration.split()[0]]
    data = made(maker, 12)
    events = told(side, data)
    assert not any(isinstance(event, Finding) for event in events)
    assert written(side, events) == data
    assert written(side, events, line_end="lf").replace(b"\n", b"") == data


# ── built headers ────────────────────────────────────────────────────────────────────────────────────────────────────

ORDER = [["ST", "850", "0001"], ["BEG", "00", "SA", "4711", "", "20260102"], ["PO1", "1", "3", "EA", "9"]]
ACME = Envelope("x12", "850", "004010", "ZZ:ACME", "01:123456789", "000000007", "12", "0001")
ORDERS = [["UNH", "1", ["ORDERS", "D", "96A", "UN"]], ["BGM", "220", "4711", "9"], ["LIN", "1", "", ["A", "EN"]]]
GLOBEX = Envelope("edifact", "ORDERS", "D96A", "14:4012345000009", ":US", "77", None, "1")


def document(rows: Any, envelope: Envelope = ACME, number: int = 1) -> Document:
    return Document(number, 0, 0, rows, envelope)


def test_an_interchange_is_built_around_documents() -> None:
    text = written(SIDES["x12"], [document(ORDER), document(ORDER, number=2)], **TIME, line_end="lf", usage="T")
    assert text.decode() == (
        "ISA*00*          *00*          *ZZ*ACME           *01*123456789      *260102*1010*U*00401*000000007*0*T*>~\n"
        "GS*PO*ACME*123456789*20260102*1010*12*X*004010~\n"
        "ST*850*0001~\nBEG*00*SA*4711**20260102~\nPO1*1*3*EA*9~\nSE*4*0001~\n"
        "ST*850*0001~\nBEG*00*SA*4711**20260102~\nPO1*1*3*EA*9~\nSE*4*0001~\n"
        "GE*2*12~\nIEA*1*000000007~\n"
    )


def test_edifact_is_built_around_messages() -> None:
    text = written(SIDES["edifact"], [document(ORDERS, GLOBEX)], **TIME)
    assert text.decode() == (
        "UNB+UNOC:3+4012345000009:14+US+260102:1010+77'"
        "UNH+1+ORDERS:D:96A:UN'BGM+220+4711+9'LIN+1++A:EN'UNT+4+1'UNZ+1+77'"
    )


def test_edifact_with_groups_una_test_and_syntax_4() -> None:
    inside = GLOBEX._replace(group="5")
    options = TIME | {"usage": "T", "una": "true", "syntax": "UNOC:4", "group_sender": "ZZ:SHOP", "line_end": "crlf"}
    text = written(SIDES["edifact"], [document(ORDERS, inside)], **options)
    assert text.decode().split("\r\n") == [
        "UNA:+.?*'",
        "UNB+UNOC:4+4012345000009:14+US+20260102:1010+77++++++1'",
        "UNG+ORDERS+SHOP:ZZ+US+260102:1010+5+UN+D:96A'",
        "UNH+1+ORDERS:D:96A:UN'", "BGM+220+4711+9'", "LIN+1++A:EN'", "UNT+4+1'",
        "UNE+1+5'", "UNZ+1+77'", "",
    ]  # fmt: skip


def test_what_changes_in_the_envelope_opens_another_interchange_or_group() -> None:
    others = [ACME, ACME._replace(group="13"), ACME._replace(interchange="8"), ACME._replace(interchange="8")]
    text = written(SIDES["x12"], [document(ORDER, each) for each in others], **TIME).decode()
    tags = [segment.partition("*")[0] for segment in text.split("~")]
    assert " ".join(tags).replace("BEG PO1 ", "") == (
        "ISA GS ST SE GE GS ST SE GE IEA ISA GS ST SE ST SE GE IEA "
    )  # fmt: skip
    assert "IEA*2*000000007~" in text
    assert "IEA*1*000000008~" in text


def test_all_numbers_count_from_the_first_one_if_it_is_given() -> None:
    given = [ACME, ACME._replace(group="13"), ACME._replace(receiver="ZZ:OTHER", interchange=None)]
    read = told(
        SIDES["x12"],
        written(SIDES["x12"], [document(ORDER, each) for each in given], **TIME, first_control_number="999999999"),
    )
    numbers = [(one.envelope.interchange, one.envelope.group, one.envelope.reference) for one in documents(read)]
    assert numbers == [("999999999", "1", "0001"), ("999999999", "2", "0001"), ("000000001", "1", "0001")]
    assert not any(isinstance(each, Finding) for each in read)


@pytest.mark.parametrize(("name", "maker"), [("x12", "x12-850"), ("edifact", "edifact-orders")])
def test_events_are_numbered_anew_likewise(name: str, maker: str) -> None:
    side = SIDES[name]
    again = documents(told(side, written(side, told(side, made(maker, 3)), first_control_number="500")))
    assert {int(one.envelope.interchange or "") for one in again} == {500}
    assert [int(one.envelope.reference or "") for one in again] == [1, 2, 3]
    assert not any(one.findings for one in again)


def test_an_implementation_guide_is_named_in_its_group() -> None:
    rows = [["ST", "837", "0001", "005010X222A1"], ["BHT", "0019"]]
    envelope = ACME._replace(message="837", version="005010")
    text = written(SIDES["x12"], [document(rows, envelope)], **TIME).decode()
    assert "GS*HC*ACME*123456789*20260102*1010*12*X*005010X222A1~" in text
    assert "*^*00501*" in text


@pytest.mark.parametrize(
    ("envelope", "options", "words"),
    [
        (ACME, {}, r"ISA09: its header needs a date and a time; give the option time"),
        (ACME._replace(interchange=None), TIME, r"ISA13: it names no control number; give the option first"),
        (ACME._replace(sender="A MUCH TOO LONG NAME"), TIME, r"ISA06: .* names nobody; give sender and receiver as"),
        (ACME._replace(sender="ZZ:A MUCH TOO LONG NAME"), TIME, r"ISA06: .* has 20 characters instead of 15"),
        (ACME._replace(sender="ZZ:A*B"), TIME, r"ISA06: 'A\*B +' holds '\*', the element separator"),
        (ACME._replace(version=None), TIME, r"ISA12: the version '' is none of X12; name it with version=004010"),
        (ACME._replace(message="123"), TIME, r"GS01: no guide says in which group"),
    ],
)
def test_a_header_that_cannot_be_built_is_refused(envelope: Envelope, options: dict[str, str], words: str) -> None:
    with pytest.raises(Unwritable, match=f"^document 3, .*{words}"):
        written(SIDES["x12"], [document(ORDER, envelope, number=3)], **options)


# ── delimiters and values ────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("name", "maker", "chosen", "read"),
    [("x12", "x12-850", "|:\n^", "|:\n"), ("edifact", "edifact-orders", ";*.! ~", ";*.! ~")],
)
def test_delimiters_can_be_chosen(name: str, maker: str, chosen: str, read: str) -> None:
    side = SIDES[name]
    events = told(side, made(maker, 3))
    again = told(side, written(side, events, delimiters=chosen))
    assert contents(again) == contents(events)
    assert {one.envelope.delimiters for one in documents(again)} == {read}


def test_the_decimal_mark_stays() -> None:
    events = told(SIDES["edifact"], made("edifact-orders", 1))
    with pytest.raises(Unwritable, match=r"its decimal mark is '\.', that of this interchange is ','"):
        written(SIDES["edifact"], events, delimiters=";*,! ~")


def rows_with(value: Any) -> list[list[Any]]:
    return [*ORDER, ["MSG", value]]


@pytest.mark.parametrize(
    ("value", "words"),
    [
        ("a*b", r"^document 1, segment 4, MSG01: 'a\*b' holds '\*', the element separator .*; choose other delimiters"),
        ("a~b", r"holds '~', the segment terminator"),
        ("a>b", r"holds '>', the component separator"),
        (["a", "b>c"], r"segment 4, MSG01 component 2: 'b>c' holds"),
        ("a\nb", r"holds a line break; leave it out, or send two values"),
        (("a", "b"), r"the element is repeated 2 times, and this interchange has no repetition separator"),
        (5, r"5 is no text; give every value as a text"),
        ([5], r"MSG01 component 1: 5 is no text"),
        (None, r"None is no text"),
        ("ł", r"MSG01: 'ł' is no character of iso8859-1; choose another encoding"),
    ],
)
def test_a_value_that_would_be_read_otherwise_is_refused(value: Any, words: str) -> None:
    given = [document(ORDER), document(rows_with(value), ACME._replace(encoding="iso8859-1"))]
    writer = iter(SIDES["x12"].write(given, TIME))
    assert next(writer).count(b"~") == 6, "ISA, GS and one whole transaction set"
    with pytest.raises(Unwritable, match=words):
        next(writer)


@pytest.mark.parametrize(
    "rows", [[["BEG", "00"]], [[]], [["ST", "850", "1"], ["IEA", "1"]], [["ST", "850"], ["", "x"]]]
)
def test_rows_that_are_no_document_are_refused(rows: Any) -> None:
    with pytest.raises(Unwritable, match=r"begin with ST|cannot be the tag"):
        written(SIDES["x12"], [document(rows)], **TIME)


def test_iso_8859_1_that_looks_like_utf_8_is_refused() -> None:
    narrow = ACME._replace(encoding="iso8859-1")
    with pytest.raises(Unwritable, match="would be read as UTF-8"):
        written(SIDES["x12"], [document(rows_with("Ã¼"), narrow)], **TIME)
    assert "Ã¼".encode("latin-1") in written(
        SIDES["x12"], [document(rows_with("Ã¼"), narrow)], **TIME, encoding="latin-1"
    )


def test_edifact_releases_its_service_characters() -> None:
    value = "it's 1+1:2? yes*"
    text = written(SIDES["edifact"], [document([*ORDERS[:2], ["FTX", "AAI", "", "", [value, "x"]]], GLOBEX)], **TIME)
    assert b"FTX+AAI+++it?'s 1?+1?:2?? yes*:x'" in text
    (again,) = documents(told(SIDES["edifact"], text))
    assert again.content["FTX"] == [["FTX", "AAI", "", "", [value, "x"]]]


def test_without_a_release_character_such_a_value_is_refused() -> None:
    control = GLOBEX._replace(delimiters="\x1f\x1d,  \x1c")
    with pytest.raises(Unwritable, match=r"holds '\\x1d', the element separator"):
        written(SIDES["edifact"], [document([*ORDERS, ["FTX", "a\x1db"]], control)], **TIME)


def test_what_is_empty_at_the_end_is_left_out_unless_it_is_wanted() -> None:
    rows = [*ORDER, ["MSG", "a", ["b", "", ""], ["", ""], ""], ["N3", ""], ["N4"]]
    assert b"~MSG*a*b~N3~N4~" in written(SIDES["x12"], [document(rows)], **TIME)
    assert b"~MSG*a*b>>*>*~N3*~N4~" in written(SIDES["x12"], [document(rows)], **TIME, trimmed="false")


@pytest.mark.parametrize(
    "segment", ["BIN*7*a~b*c>d", "BIN*4*\u00e9\r\n~", "BDS*ASC*5*a\nb*c", "BIN*007*a~b*c>d", "BIN*0*"]
)
def test_binary_data_stay_byte_by_byte(segment: str) -> None:
    isa = "ISA*00*          *00*          *ZZ*ACME           *ZZ*US             *260102*1010*U*00401*000000001*0*P*>~"
    text = f"{isa}GS*XX*ACME*US*20260102*1010*1*X*004010~ST*123*0001~{segment}~SE*3*0001~GE*1*1~IEA*1*000000001~"
    data = text.encode("latin-1")
    assert written(SIDES["x12"], told(SIDES["x12"], data), trimmed="false") == data


def test_binary_data_may_be_bytes_and_are_counted() -> None:
    rows = [["ST", "123", "0001"], ["BIN", "", b"~*\n"]]
    text = written(SIDES["x12"], [document(rows, ACME._replace(message="123"))], **TIME, group="PO")
    assert b"~BIN*3*~*\n~SE*3*0001~" in text
    with pytest.raises(Unwritable, match=r"segment 2, BIN02: the binary data hold a character that is no byte"):
        written(SIDES["x12"], [document([rows[0], ["BIN", "1", "\u0142"]], ACME)], **TIME)


VALUES = st.text(
    st.characters(codec="utf-8", exclude_categories=["Cs"]).filter(lambda c: c not in "\r\n\x1b"), max_size=8
)
PARTS = VALUES | st.lists(VALUES, min_size=2, max_size=4).filter(lambda parts: parts[-1] != "")
ELEMENTS = PARTS | st.lists(PARTS, min_size=2, max_size=3).map(tuple).filter(lambda repeats: repeats[-1] != "")
ROWS = st.lists(st.lists(ELEMENTS, min_size=1, max_size=5).map(lambda row: ["ZZZ", *row]), max_size=5)


def _texts(value: Any) -> list[str]:
    return [value] if isinstance(value, str) else [text for part in value for text in _texts(part)]


def trimmed(row: list[Any]) -> list[Any]:
    return row if row[-1] else trimmed(row[:-1])


@example(rows=[["ZZZ", "+", ""]])
@given(rows=ROWS)
def test_edifact_of_syntax_4_holds_any_value_but_line_breaks(rows: list[list[Any]]) -> None:
    envelope = GLOBEX._replace(message="ZZZZZZ", delimiters=":+.?*'")
    head = ["UNH", "1", ["ZZZZZZ", "D", "96A", "UN"]]
    text = written(SIDES["edifact"], [document([head, *rows], envelope)], **TIME, syntax="UNOY:4")
    (again,) = documents(told(SIDES["edifact"], text))
    assert again.content.get("ZZZ", []) == [trimmed(row) for row in rows]


@given(rows=ROWS)
def test_x12_is_read_as_it_was_given_or_refused(rows: list[list[Any]]) -> None:
    envelope = ACME._replace(message="123", version="005010")
    given_rows = [["ST", "123", "0001"], *rows]
    try:
        text = written(SIDES["x12"], [document(given_rows, envelope)], **TIME, group="PO")
    except Unwritable:
        marks = {"*", ">", "~", "^"}
        assert any(marks & {*text} for row in rows for text in _texts(row))
        return
    (again,) = documents(told(SIDES["x12"], text))
    assert again.content.get("ZZZ", []) == [trimmed(row) for row in rows]


# ── options ──────────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("name", "options", "words"),
    [
        ("x12", {"delimiters": "*>"}, r"delimiters '\*>' are not three or four different characters"),
        ("x12", {"delimiters": "**~"}, "are not three or four"),
        ("x12", {"delimiters": "*A~"}, "are not three or four"),
        ("x12", {"line_end": "cr"}, "line_end 'cr' is no end of a line; write lf, crlf or none"),
        ("x12", {"trimmed": "yes"}, "trimmed 'yes' is neither true nor false"),
        ("x12", {"encoding": "utf-99"}, "encoding 'utf-99' is no character set that is known"),
        ("x12", {"encoding": "utf-16"}, "does not hold ASCII as it is"),
        ("x12", {"time": "yesterday"}, "time 'yesterday' is no date and time"),
        ("x12", {"usage": "X"}, "usage 'X' is neither P"),
        ("x12", {"first_control_number": "0"}, "first_control_number '0' is no control number"),
        ("x12", {"delimiter": "*"}, "the writer has no option 'delimiter'; did you mean 'delimiters'?"),
        ("edifact", {"delimiters": ":+.?'"}, "are not the six characters of a UNA"),
        ("edifact", {"delimiters": ":+.??'"}, "are not the six characters of a UNA"),
        ("edifact", {"delimiters": "a+.? '"}, "have to be signs of ASCII"),
        ("edifact", {"una": "no"}, "una 'no' is none of auto, true and false"),
        ("edifact", {"syntax": "UNOC"}, "syntax 'UNOC' is none"),
    ],
)
def test_an_unusable_option_is_refused_at_the_call(name: str, options: dict[str, str], words: str) -> None:
    with pytest.raises(ValueError, match=words):
        SIDES[name].write([], options)


def test_every_option_stands_in_the_specification() -> None:
    assert x12.SPEC.writes is x12_writing.WRITES
    assert edifact.SPEC.writes is edifact_writing.WRITES
