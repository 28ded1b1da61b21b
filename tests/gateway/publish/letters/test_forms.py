"""A letter in its forms: whatever a file holds, nothing of it escapes, and the marks stand under the bytes."""

from __future__ import annotations

import csv
import io
import re
from datetime import UTC, datetime
from email import message_from_bytes, policy
from functools import partial
from html.parser import HTMLParser

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edi import delimited
from edi.model import Document, Envelope
from gateway.model import DeliveryState
from gateway.publish.letters import Item, Letter, Overtaken, Problem, Quote, Sheet, Unit, page, text
from gateway.publish.letters.mail import mail, message_id, of_message
from gateway.publish.letters.sheet import ROWS_MAX, Sheets

NOW = datetime(2026, 11, 21, 9, 30, tzinfo=UTC)
WORDS = st.text(max_size=200)
SHOWN = st.text(st.characters(exclude_categories=["C", "Z", "M"]), max_size=26)
PROBLEM = Problem("line 4, column Preis", Quote("A;", "12,5O", ";20"), "It is no number.", "a number", "Send 12,50.")


class Reader(HTMLParser):
    """The elements, and the text that is shown."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.attributes: set[str] = set()
        self.marked: list[str] = []
        self._marks = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes |= {name for name, _ in attrs}
        self._marks = tag == "mark"

    def handle_endtag(self, tag: str) -> None:
        self._marks = self._marks and tag != "mark"

    def handle_data(self, data: str) -> None:
        if self._marks:
            self.marked.append(data)


def letter(**more: object) -> Letter:
    told: dict[str, object] = {"reference": "d_1", "partner": "globex", "name": "prices.csv", "taken": 8, "refused": 2}
    told |= {"unit": Unit("row", "rows"), "items": (Item("Row 3", (PROBLEM,)),)}
    return Letter(**(told | more))  # type: ignore[arg-type] # as they are named


@given(WORDS, WORDS, SHOWN, SHOWN, WORDS)
def test_a_page_holds_only_elements_of_ours(name: str, about: str, before: str, value: str, what: str) -> None:
    problem = Problem("", Quote(before, value, "<b>"), what, what, what)
    reader = Reader()
    reader.feed(page(letter(name=name, about=about, problems=(problem,), items=())))
    known = set(re.findall(r"[a-z0-9]+", "html head meta title style body h1 h2 h3 dl dt dd p pre mark ol li"))
    assert set(reader.tags) <= known
    assert reader.attributes <= {"lang", "charset", "name", "content", "http-equiv"}
    assert "".join(reader.marked) == (value or "\N{ZERO WIDTH SPACE}")


def test_a_page_fetches_nothing() -> None:
    made = page(letter())
    assert "default-src 'none'" in made
    assert not re.search(r"https?:|url\(|@import|src=|href=", made)


@given(SHOWN.filter(str.isascii), SHOWN.filter(str.isascii), SHOWN.filter(str.isascii))
def test_the_marks_stand_under_the_bytes(before: str, value: str, behind: str) -> None:
    lines = text(letter(items=(Item("Row 3", (Problem("", Quote(before, value, behind), "x", "", "x"),)),))).split("\n")
    *_, at = (number for number, line in enumerate(lines) if re.fullmatch(r" {4} *\^+", line))
    first, marks = lines[at - 1], lines[at]
    start = marks.index("^")
    assert first == f"    {before}{value}{behind}"
    assert first[start : start + len(value)] == value
    assert len(marks) - start == max(1, len(value))


@given(WORDS, WORDS, st.text("ab ", max_size=2000))
def test_no_line_is_wider_than_72_columns_but_one_word_that_is(name: str, about: str, what: str) -> None:
    made = text(letter(name=name, about=about, items=(Item(what, (Problem(what, None, what, what, what),)),)))
    assert all(len(line) <= 72 for line in made.split("\n")) or any(len(each) > 40 for each in (name, about))
    assert all(line.isprintable() or not line for line in made.split("\n")[:1])


def test_wide_characters_are_marked_over_their_width() -> None:
    made = text(letter(items=(Item("Row 3", (Problem("", Quote("價a", "格", "b"), "x", "", "x"),)),)))
    assert "    價a格b\n       ^^\n" in made


def test_what_failed_on_our_side_is_not_to_be_sent_again() -> None:
    made = text(letter(ended=DeliveryState.FAILED, taken=0, refused=0, items=()))
    assert "prices.csv: not processed yet" in made
    assert "WHAT TO SEND AGAIN\n\nNothing for now" in made


def test_what_is_not_spelled_out_is_counted() -> None:
    made = text(letter(items=(Item("Row 3", (PROBLEM,), more=2),), refused=31, more=30))
    assert "  and 2 more problems in this row\n" in made
    assert "30 rows more are refused, and not listed here.\n" in made


@pytest.mark.parametrize(
    ("taken", "refused", "expected"),
    [
        (8, 2, "8 of 10 rows would be taken.\n2 rows would be refused."),
        (0, 2, "None of the 2 rows would be taken."),
        (0, 1, "The row would not be taken."),
        (0, 0, "Nothing of the file would be taken."),
    ],
)
def test_of_a_test_nothing_was_taken_and_the_whole_file_is_to_be_sent(taken: int, refused: int, expected: str) -> None:
    ended = DeliveryState.PARTLY_ACCEPTED if taken else DeliveryState.QUARANTINED
    made = text(letter(tested=True, taken=taken, refused=refused, ended=ended))
    assert f"WHAT WE DID\n\nThis was a test: nothing of the file was taken.\n{expected}\n\n" in made
    assert re.search(r"SEND AGAIN\n\nThe whole file, put right", made)
    assert not re.search(r"Only the|need not|(was|were) (taken|refused)\b(?! in the test|\.\n)|nothing of them", made)
    assert made.startswith("prices.csv, only tested: ")


def test_a_test_says_of_the_rows_that_are_right_that_they_are_to_be_sent_too() -> None:
    made = text(letter(tested=True))
    assert made.startswith("prices.csv, only tested: 2 of 10 rows would be refused\n")
    assert "The whole file, put right, with the 8 rows that are right already: of a\ntest nothing is taken.\n" in made
    assert "with the row that is right already" in text(letter(tested=True, taken=1)).replace("\n", " ")


# ── rows ─────────────────────────────────────────────────────────────────────────────────────────────────────────────

CELLS = st.text(st.characters(codec="utf-8", exclude_categories=["C"]), min_size=1)
ENVELOPE = Envelope("csv", columns=("sku", "price"), delimiters=';"\0')


def sheet(rows: list[list[str]], envelope: Envelope = ENVELOPE, **options: str) -> Sheet | None:
    made = Sheets("x.csv", options, format_name="csv")
    for number, cells in enumerate(rows, 1):
        raw = io.StringIO()
        csv.writer(raw, delimiter=";", lineterminator="").writerow(cells)
        made.add(Document(number, 0, 0, cells, envelope), [PROBLEM], f"d_1/{number}", raw.getvalue().encode)
    return made.finished()


def sheet_of(*rows: bytes) -> Sheet | None:
    """The sheet of a file in UTF-8 that has these rows."""
    made = Sheets("x.csv", {}, format_name="csv")
    for document in delimited.read([b"sku;price\n" + b"\n".join(rows)], {"delimiter": ";", "header": "true"}):
        if isinstance(document, Document):
            made.add(document, [PROBLEM], f"d_1/{document.number}", partial(rows.__getitem__, document.number - 1))
    return made.finished()


@given(st.lists(st.lists(CELLS, min_size=2, max_size=2)))
def test_a_row_keeps_its_cells_but_for_an_apostrophe(rows: list[list[str]]) -> None:
    made = sheet(rows)
    if made is None:
        assert not rows
        return
    found = list(csv.reader(io.StringIO(made.content.decode("utf-8-sig"), newline=""), delimiter=";"))[1:]
    assert [[cell.removeprefix("'") for cell in row[:2]] for row in found] == [
        [cell.removeprefix("'") for cell in row] for row in rows
    ]
    assert not any(re.match(r"[=@]", cell) for row in found for cell in row)


def test_rows_that_do_not_fit_the_columns_or_are_too_many_are_left_out_and_counted() -> None:
    made = sheet([["a", "1"], ["b"], ["c", "1", "2"]])
    assert made is not None
    assert (made.rows, made.odd, made.left_out) == (1, 2, 0)
    said = " ".join(text(letter(sheet=made)).split())
    assert "2 more rows are not in it, because their cells do not match the columns." in said
    many = sheet([["a", "1"]] * (ROWS_MAX + 5))
    assert many is not None
    assert (many.rows, many.odd, many.left_out) == (ROWS_MAX, 0, 5)
    assert "5 more rows are not in it, because it would be too long." in " ".join(text(letter(sheet=many)).split())


def test_bytes_that_are_no_characters_stand_there_as_the_letters_they_most_likely_are() -> None:
    made = sheet_of(b'A-1;"Gr\xf6\xdfe ""M"""', "Maß;1".encode())
    assert made is not None
    assert (made.rows, made.guessed, made.unread) == (2, 1, 0)
    found = list(csv.reader(io.StringIO(made.content.decode("utf-8-sig"), newline=""), delimiter=";"))
    assert [row[:2] for row in found[1:]] == [["A-1", 'Größe "M"'], ["Maß", "1"]]
    said = " ".join(text(letter(sheet=made)).split())
    assert "In 1 of its cells bytes that are no characters of UTF-8 are replaced by the letters that they" in said
    assert "Please check it before you send the file." in said


def test_a_row_whose_letters_cannot_be_told_is_left_out_and_no_sheet_makes_up_a_sign_for_them() -> None:
    nowhere, beside = b"A-1;\x81", "A-2;Maß ".encode() + b"\xdf"
    made = sheet_of(nowhere, beside, b"A-3;7")
    assert made is not None
    assert (made.rows, made.guessed, made.unread) == (1, 0, 2)
    assert "\ufffd".encode() not in made.content
    said = " ".join(text(letter(sheet=made)).split())
    assert "2 more rows are not in it, because we cannot tell which letters their bytes stand for." in said
    assert sheet_of(nowhere) is None


def test_the_sign_for_a_lost_letter_that_was_sent_itself_is_left_as_it_is() -> None:
    made = sheet_of("A-1;Gr\ufffd\ufffde".encode())
    assert made is not None
    assert (made.rows, made.guessed, made.unread) == (1, 0, 0)
    assert "A-1;Gr\ufffd\ufffde;" in made.content.decode()


def test_one_row_is_told_as_one() -> None:
    made = sheet([["=a", "1"], ["b"]])
    assert made is not None
    said = " ".join(text(letter(sheet=made, refused=2)).split())
    assert "You can put it right in that file and send it" in said
    assert "1 more row is not in it, because its cells do not match the columns." in said
    assert "In 1 of its cells an apostrophe (') stands in front, because a spreadsheet would take it for a form" in said
    assert "Take it away before you send the file: we would read it as a part of the value." in said


def test_our_columns_have_names_that_theirs_have_not() -> None:
    made = sheet([["a", "1"]], ENVELOPE._replace(columns=("problem", "send")))
    assert made is not None
    assert made.columns == ("problem_", "expected", "send_", "reference")


def test_a_file_whose_first_lines_are_passed_over_is_only_to_be_read() -> None:
    made, ready = sheet([["a", "1"]], skip="3"), sheet([["a", "1"]], delimiter=";")
    assert made is not None
    assert ready is not None
    assert (made.ready, ready.ready) == (False, True)


def test_records_of_fixed_width_are_only_to_be_read() -> None:
    made = Sheets("x.csv", {}, format_name="fixed")
    made.add(
        Document(1, 0, 0, ["A", "1"], Envelope("fixed", columns=("sku", "price"), encoding="cp037")),
        [PROBLEM],
        "d_1/1",
        b"".strip,
    )
    done = made.finished()
    assert done is not None
    assert not done.ready
    assert done.content.decode("utf-8-sig").splitlines()[0] == "sku,price,problem,expected,send,reference"


# ── mail ─────────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_mail_has_text_page_and_rows_and_is_the_same_each_time() -> None:
    told = letter(sheet=Sheet("rows.csv", b"\xef\xbb\xbfsku\r\n", 1, ("problem",), ready=True))
    made = mail(told, 1, sender="edi@us.example", to=["a@acme.example", "b@acme.example"], at=NOW)
    assert made == mail(told, 1, sender="edi@us.example", to=["a@acme.example", "b@acme.example"], at=NOW)
    read = message_from_bytes(made, policy=policy.default)
    assert (read["Message-ID"], read["To"]) == ("<letter.d_1.1@us.example>", "a@acme.example, b@acme.example")
    assert read["Subject"] == "prices.csv: 2 of 10 rows refused [d_1]"
    assert read["Auto-Submitted"] == "auto-generated"
    parts = {part.get_content_type(): part for part in read.walk() if not part.is_multipart()}
    assert parts["text/plain"].get_content().replace("\r\n", "\n") == text(told)
    assert parts["text/html"].get_content().replace("\r\n", "\n") == page(told)
    assert parts["text/csv"].get_payload(decode=True) == b"\xef\xbb\xbfsku\r\n"


@given(st.text(max_size=300))
def test_no_name_of_a_file_makes_a_header_of_its_own(name: str) -> None:
    made = mail(letter(name=name), 1, sender="edi@us.example", to=["a@acme.example"], at=NOW)
    assert set(message_from_bytes(made).keys()) == {
        *("From", "To", "Subject", "Date", "Message-ID", "Auto-Submitted", "MIME-Version", "Content-Type")
    }


def test_a_message_id_says_which_letter_it_is() -> None:
    assert of_message(message_id("d_01m7", 12, "edi@us.example")) == ("d_01m7", 12)


def test_what_a_newer_record_overtook_is_counted_told_and_asked_for_by_what_says_which_is_newer() -> None:
    late = letter(
        ended=DeliveryState.ACCEPTED,
        taken=1,
        refused=0,
        items=(),
        older=30,
        newest_by="changed",
        overtaken=(Overtaken("Row 2 <b>", "The record A & B is newer."),),
    )
    said = " ".join(text(late).split())
    assert "30 of 31 rows not used: newer records are there" in said
    assert "1 of 31 rows was taken. 30 rows were not used: newer records are there, which stay." in said
    assert "1. Row 2 <b> The record A & B is newer. 29 rows more were not used, and are not listed here." in said
    assert "with a higher value of changed: the highest counts as the newest." in said
    assert "<h3>Row 2 &lt;b&gt;</h3><p>The record A &amp; B is newer.</p>" in page(late)
