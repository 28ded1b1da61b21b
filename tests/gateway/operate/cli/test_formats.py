"""``gateway parse``, ``write`` and ``guide``: what they print, where, and with which exit status."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import pytest
from click.testing import CliRunner

from edi.formats import FORMATS
from edi.segmented import guides
from gateway.operate import demo
from gateway.operate.cli import gateway as command_line

if TYPE_CHECKING:
    from collections.abc import Callable

SAMPLES = Path(demo.__file__).parent / "samples"
ORDERS, PRICES = SAMPLES / "acme-orders.edi", SAMPLES / "globex-prices.csv"
INVOICE, NORTHWIND = SAMPLES / "initech-invoice.xml", SAMPLES / "northwind-orders.edi"
X12, EDIFACT = FORMATS["x12"].spec.example.encode(), FORMATS["edifact"].spec.example.encode()
TIME = "time=2026-11-21T09:00"


class Ended(NamedTuple):
    """What a command did."""

    status: int
    out: bytes
    err: str

    @property
    def lines(self) -> list[Any]:
        """The JSON lines that it wrote."""
        return [json.loads(line) for line in self.out.splitlines()]


def gateway(*arguments: str | Path, given: bytes = b"") -> Ended:
    done = CliRunner().invoke(command_line, [*map(str, arguments)], input=given)
    if done.exception and not isinstance(done.exception, SystemExit):
        raise done.exception
    return Ended(done.exit_code, done.stdout_bytes, done.stderr)


# ── parse ────────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_documents_go_to_standard_output_and_findings_to_the_other() -> None:
    ended = gateway("parse", ORDERS)
    assert ended.status == 1
    assert [(line["document"], line["content"]["BEG"][0][3]) for line in ended.lines] == [(1, "4711"), (2, "4712")]
    assert [finding["code"] for line in ended.lines for finding in line["findings"]] == ["element.number"]
    assert ended.err.splitlines()[:3] == [
        "error element.number in line 25, segment 9 PO1, element 4",
        "  PO1*1*40*EA*12,5O**VP*HAMMER-300",
        "              ^^^^^",
    ]


def test_a_file_without_errors_is_status_0_and_silent_beside_its_documents() -> None:
    ended = gateway("parse", NORTHWIND)
    assert (ended.status, ended.err, len(ended.lines)) == (0, "", 1)


def test_warnings_and_notes_are_told_and_are_status_0() -> None:
    ended = gateway("parse", given=X12.replace(b"*X*004010", b"*X*4010"))
    assert ended.status == 0
    assert ended.err.startswith("warning envelope.version")


def test_a_pipe_is_read_and_shown_like_a_file() -> None:
    from_pipe, from_file = gateway("parse", given=ORDERS.read_bytes()), gateway("parse", ORDERS)
    assert from_pipe == from_file
    assert gateway("parse", "-", given=ORDERS.read_bytes()) == from_file


@pytest.mark.parametrize(
    ("given", "form"),
    [
        *((form.spec.example.encode(), name) for name, form in FORMATS.items() if name not in ("fixed", "csv")),
        (b"sku;price\nA-1;9.90\n", "csv"),
        (b"sku\tprice\nA-1\t9.90\n", "csv"),
        (b"sku|price\nA-1|9.90\n", "csv"),
        (EDIFACT.decode().encode("cp500"), "edifact"),
        (b"\xef\xbb\xbf" + X12, "x12"),
    ],
)
def test_the_format_is_guessed(given: bytes, form: str) -> None:
    ended = gateway("parse", given=given)
    assert ended.status == 0
    assert {line["envelope"]["format"] for line in ended.lines} == {form}


def test_a_csv_file_is_guessed_with_its_delimiter_header_and_encoding() -> None:
    first = gateway("parse", PRICES).lines[0]
    assert first["envelope"]["columns"][3] == "gültig ab"
    assert first["content"][:2] == ["SCR-M8-40", "Sechskantschraube M8 x 40"]


@pytest.mark.parametrize(
    ("arguments", "given", "words"),
    [
        ((), b"hello\n", "the file looks like nothing that is known; say what it is: --format x12, edifact"),
        ((), b"", "the file has no bytes"),
        (("-f", "cvs"), X12, "'cvs' is no format; did you mean 'csv'?"),
        (("-f", ""), X12, "'' is no format"),
        (("-f", "csv hedaer"), X12, "did you mean 'header'"),
        (("-f", "csv layout=orders"), b"a", "there is no layout 'orders'"),
        (("--summary", "--findings"), X12, "one of --summary, --findings and --ack is enough"),
        (("--ack=997", "--findings"), X12, "one of --summary, --findings and --ack is enough"),
        (("--ack=998",), X12, "'998' is not one of"),
        (("--ack=CONTRL",), X12, "answers no file of x12; it is answered with TA1, 997, 999"),
        (("--ack=997",), EDIFACT, "answers no file of edifact; it is answered with CONTRL"),
        (("--ack=auto",), b"a;b\n1;2\n", "only X12 and EDIFACT have acknowledgments"),
        (("-o", "yaml"), X12, "'yaml' is not one of"),
    ],
)
def test_wrong_usage_is_status_2_and_says_what_to_do(arguments: tuple[str, ...], given: bytes, words: str) -> None:
    ended = gateway("parse", *arguments, given=given)
    assert (ended.status, ended.out) == (2, b"")
    assert words in " ".join(ended.err.split())


def test_a_file_that_is_not_there_is_status_2(tmp_path: Path) -> None:
    ended = gateway("parse", tmp_path / "orders.edi")
    assert ended.status == 2
    assert "No such file" in ended.err


def test_a_declared_format_goes_before_what_the_file_looks_like() -> None:
    ended = gateway("parse", "-f", "csv *", given=b"ISA*00\n")
    assert ended.lines[0]["content"] == ["ISA", "00"]


def test_findings_alone_go_to_standard_output() -> None:
    ended = gateway("parse", ORDERS, "--findings")
    assert (ended.status, ended.err) == (1, "")
    assert ended.out.decode().splitlines()[0] == "error element.number in line 25, segment 9 PO1, element 4"


def test_findings_as_json_have_code_place_and_value() -> None:
    (finding,) = gateway("parse", ORDERS, "--findings", "-o", "json").lines
    assert (finding["code"], finding["severity"], finding["value"]) == ("element.number", "error", "12,5O")
    assert finding["position"] == {"start": 705, "end": 710, "line": 25, "segment": 9, "tag": "PO1", "element": 4}
    beside = gateway("parse", ORDERS, "-o", "json")
    assert json.loads(beside.err) == finding
    assert len(beside.lines) == 2


def test_the_place_is_shown_up_to_the_terminator_where_there_are_no_line_ends() -> None:
    ended = gateway("parse", "--findings", given=X12.replace(b"~\n", b"~").replace(b"GE*1*1", b"GE*2*1"))
    assert ended.out.decode().splitlines()[1:3] == ["  GE*2*1", "     ^"]


def test_the_summary_counts_documents_and_findings() -> None:
    ended = gateway("parse", ORDERS, "--summary")
    first, *rest = ended.out.decode().splitlines()
    assert (ended.status, ended.err) == (1, "")
    assert first.startswith(f"{ORDERS}: 773 bytes in ")
    assert rest == [
        "  x12 004010 850 from ZZ:ACME to ZZ:GATEWAY: 2 documents, 1 of them with errors",
        "  error    element.number               1",
    ]
    assert gateway("parse", NORTHWIND, "--summary").status == 0


def test_named_shows_elements_columns_and_tags_by_their_names() -> None:
    order = gateway("parse", ORDERS, "--named").lines[0]["content"]
    assert order["BEG"][0]["BEG03"] == "4711"
    assert order["PO1*"][0]["PO1"][0]["PO104"] == "2.95"
    assert gateway("parse", PRICES, "--named").lines[0]["content"]["gültig ab"] == "01.12.2026"
    assert "cbc:ID" in str(gateway("parse", INVOICE, "--named").lines[0]["content"])


def test_a_layout_is_named_by_its_file(tmp_path: Path) -> None:
    layout = tmp_path / "lines.txt"
    layout.write_text("by 1\nrecord head H\nnumber 2-5\nrecord line L\nsku 2-4\n", encoding="utf-8")
    arguments = ("--layout", layout, "--named")
    ended = gateway("parse", "-f", "fixed layout=lines", *arguments, given=b"H4711\nLA-1 \n")
    assert [line["content"] for line in ended.lines] == [{"number": "4711"}, {"sku": "A-1"}]
    one = gateway("parse", "-f", "fixed layout=lines.txt message=line", *arguments, given=b"LA-1 \n")
    assert [line["content"] for line in one.lines] == [{"sku": "A-1"}]


def test_a_guide_of_ones_own_is_taken_and_one_that_is_none_refused(tmp_path: Path) -> None:
    guide, wrong = tmp_path / "acme.toml", X12.replace(b"*SA*", b"*QQ*")
    assert gateway("parse", given=wrong).status == 1
    guide.write_text('extends = "x12/004010/850"\n[codes]\nBEG02 = "+ QQ"\n', encoding="utf-8")
    assert gateway("parse", "--guide", guide, given=wrong).status == 0
    for text, words in (("x = [", "nvalid value"), ("x = 1", "extends")):
        guide.write_text(text, encoding="utf-8")
        ended = gateway("parse", "--guide", guide, given=wrong)
        assert ended.status == 2
        assert words in ended.err


# ── acknowledgments ──────────────────────────────────────────────────────────────────────────────────────────────────


def segments(content: bytes, terminator: str = "~") -> list[str]:
    return [segment.strip() for segment in content.decode().split(terminator) if segment.strip()]


def tags(content: bytes, terminator: str = "~") -> list[str]:
    return [segment[:3].strip("*+") for segment in segments(content, terminator)]


def test_orders_are_answered_with_a_997_that_names_the_error() -> None:
    ended = gateway("parse", ORDERS, "--ack=997", "--control-number", "42")
    assert ended.status == 1
    assert ended.err.startswith("error element.number")
    said = segments(ended.out)
    assert said[0].startswith("ISA*00*          *00*          *ZZ*GATEWAY        *ZZ*ACME           *")
    assert said[0].split("*")[13] == "000000042"
    assert said[3:10] == [
        *("AK1*PO*101", "AK2*850*0001", "AK5*A", "AK2*850*0002"),
        *("AK3*PO1*9**8", "AK4*4*212*6*12,5O", "AK5*R*5"),
    ]


@pytest.mark.parametrize("option", ["--ack", "--ack=auto"])
def test_auto_answers_as_the_file_wants_it(option: str) -> None:
    wanted = X12.replace(b"*000000001*0*P", b"*000000001*1*P")
    assert "TA1" not in tags(gateway("parse", option, given=X12).out)
    assert {"TA1", "AK9"} <= set(tags(gateway("parse", option, given=wanted).out))
    assert "UCI" in tags(gateway("parse", option, given=EDIFACT).out, "'")


def test_auto_answers_an_implementation_guide_with_a_999() -> None:
    claims = X12.replace(b"*U*00401*", b"*^*00501*").replace(b"*X*004010", b"*X*005010X222A1")
    sets = [segment for segment in segments(gateway("parse", "--ack", given=claims).out) if segment.startswith("ST")]
    assert sets[0].startswith("ST*999*")


@pytest.mark.parametrize(("kind", "given", "has"), [("TA1", X12, "TA1*000000001"), ("CONTRL", EDIFACT, "UCI+77")])
def test_an_interchange_is_answered_as_a_whole(kind: str, given: bytes, has: str) -> None:
    ended = gateway("parse", f"--ack={kind}", given=given)
    assert ended.status == 0
    assert has in ended.out.decode()


def test_an_answer_is_a_right_file() -> None:
    for given in (ORDERS.read_bytes(), EDIFACT):
        answer = gateway("parse", "--ack", given=given).out
        again = gateway("parse", given=answer)
        assert (again.status, again.err) == (0, "")
        assert {line["envelope"]["message"] for line in again.lines} <= {"997", "CONTRL"}


# ── write ────────────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("file", "options", "change"),
    [
        pytest.param(ORDERS, (TIME, "line_end=lf"), lambda raw: raw, id="x12"),
        pytest.param(PRICES, (), lambda raw: raw, id="csv"),
        pytest.param(
            NORTHWIND,
            ("time=2026-11-21T09:05", "line_end=lf", "una=true"),
            lambda raw: raw.replace(b"?,", b","),  # nothing that must be released
            id="edifact",
        ),
    ],
)
def test_what_was_parsed_is_written_as_the_same_bytes(
    file: Path, options: tuple[str, ...], change: Callable[[bytes], bytes]
) -> None:
    words = [word for option in options for word in ("-O", option)]
    ended = gateway("write", *words, given=gateway("parse", file).out)
    assert (ended.status, ended.err) == (0, "")
    assert ended.out == change(file.read_bytes())


@pytest.mark.parametrize("file", [ORDERS, PRICES, INVOICE, NORTHWIND], ids=lambda file: file.name)
def test_what_is_written_is_read_as_the_same_documents(file: Path) -> None:
    first = gateway("parse", file)
    again = gateway("parse", given=gateway("write", given=first.out).out)
    assert [line["content"] for line in again.lines] == [line["content"] for line in first.lines]
    assert [line["envelope"] for line in again.lines] == [line["envelope"] for line in first.lines]
    assert again.status == first.status


def test_the_options_of_the_writer_are_taken() -> None:
    lines = gateway("parse", PRICES).out
    ended = gateway("write", "-O", "delimiter=tab", "-O", "encoding=utf-8", given=lines)
    assert ended.out.decode().splitlines()[0] == "Artikelnummer\tBezeichnung\tPreis\tgültig ab\tWarengruppe"


@pytest.mark.parametrize(
    ("given", "words"),
    [
        (b"", "there is no document; pipe the lines that gateway parse prints"),
        (b"\n\n", "there is no document"),
        (b"ISA*00*\n", "line 1 is no document"),
        (b"[]\n", "line 1 is no document: a document is a JSON object"),
        (b"{}\n", 'a document has "content", and an "envelope"'),
        (b'{"envelope":{"format":"csv","column":[]},"content":["a"]}\n', "an envelope has no 'column'"),
        (b'{"envelope":{"format":"csv","columns":5},"content":["a"]}\n', "'columns' of the envelope is 5; a list"),
        (b'{"envelope":{"format":"edi"},"content":["a"]}\n', "it is one of x12, edifact, csv"),
        (b'{"envelope":{"format":"xml"},"content":"<a>"}\n', "its content is no XML"),
        (b'{"envelope":{"format":"csv"},"content":["a"]}\nx\n', "line 2 is no document"),
    ],
)
def test_what_is_no_document_is_status_2(given: bytes, words: str) -> None:
    ended = gateway("write", given=given)
    assert ended.status == 2
    assert words in " ".join(ended.err.split())


@pytest.mark.parametrize("file", [ORDERS, PRICES], ids=lambda file: file.name)
def test_documents_by_names_are_refused_with_the_way_back(file: Path) -> None:
    ended = gateway("write", given=gateway("parse", file, "--named").out)
    assert (ended.status, ended.out) == (2, b"")
    assert "without --named" in ended.err


def test_an_option_that_the_writer_does_not_have_is_status_2() -> None:
    ended = gateway("write", "-O", "line=lf", given=gateway("parse", given=X12).out)
    assert ended.status == 2
    assert "no option 'line'" in ended.err


def test_what_the_format_cannot_hold_is_status_1_with_the_place() -> None:
    (line,) = gateway("parse", given=X12).lines
    line["content"]["BEG"][0][3] = "47*11"
    ended = gateway("write", given=json.dumps(line).encode())
    assert ended.status == 1
    assert "BEG03" in ended.err


# ── guide ────────────────────────────────────────────────────────────────────────────────────────────────────────────


def text(*arguments: str) -> list[str]:
    ended = gateway("guide", *arguments)
    assert (ended.status, ended.err) == (0, "")
    return ended.out.decode().splitlines()


def test_the_guides_are_listed_with_their_versions() -> None:
    lines = [line.split() for line in text()]
    for standard in ("x12", "edifact"):
        for message, versions in guides.available(standard).items():
            (line,) = [line for line in lines if line[:2] == [standard, message]]
            assert line[-len(versions) :] == sorted(versions)


@pytest.mark.parametrize(
    ("arguments", "first"),
    [
        (("850",), "850 005010: purchase order (group PO)"),
        (("004010", "850"), "850 004010: purchase order (group PO)"),
        (("850", "004010"), "850 004010: purchase order (group PO)"),
        (("837",), "837 005010: health care claim (group HC)"),
        (("005010X222A1", "837"), "837 005010X222A1: health care claim, professional (group HC)"),
        (("ORDERS",), "ORDERS D01B: purchase order"),
        (("D96A", "ORDERS"), "ORDERS D96A: purchase order"),
    ],
)
def test_a_guide_is_that_of_the_version_or_the_newest_of_a_release(arguments: tuple[str, ...], first: str) -> None:
    assert text(*arguments)[0] == first


def test_a_guide_is_drawn_as_a_tree_with_its_totals() -> None:
    lines = text("004010", "850")
    assert lines[1].split() == ["ST", "1", "start", "of", "the", "set"]
    assert any(line.startswith("  CUR ") for line in lines)
    assert "total: CTT01 = count(PO1)" in lines
    assert [line for line in lines if line != line.rstrip()] == []


def test_a_segment_is_shown_with_elements_codes_and_notes() -> None:
    lines = text("004010", "850", "PO1")
    assert any(line.split()[:3] == ["PO104", "212", "R"] for line in lines)
    assert any(line.strip().startswith("codes: ") for line in lines)
    assert "  note: P0607" in lines
    assert [line for line in lines if line != line.rstrip()] == []
    narrowed = text("005010X222A1", "837", "NM1[85]")
    assert narrowed[0].startswith("NM1[85]: ")


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("851",), "there is no guide for 851; gateway guide lists all of them"),
        (("004010", "851"), "there is no guide for 851"),
        (("850", "QQQ"), "has no segment QQQ; the versions are 004010, 005010"),
        (("004010", "850", "QQQ"), "has no segment QQQ"),
    ],
)
def test_a_guide_that_is_not_there_is_status_2(arguments: tuple[str, ...], words: str) -> None:
    ended = gateway("guide", *arguments)
    assert ended.status == 2
    assert words in " ".join(ended.err.split())
