"""What a partner finds in his folder for tests: its names fit on a disk, its bytes are those that would be sent."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from hypothesis import assume, given
from hypothesis import strategies as st

from gateway.publish.outbox import Folders
from gateway.publish.tried import files_of, put
from gateway.store.trials import DONE, DROP, Shown, Trial, as_bytes, as_text

if TYPE_CHECKING:
    from pathlib import Path

ANSWER = b"ISA\x1d00\x1d          \x1eAK4\x1dM\xfcller\x1e"
"""What is said in a partner's own separators, which may be any, quotes his characters."""
ROWS = "sku;Preis\nHAMMER;12,5O €\n".encode("cp1252")
LONGEST = "\u6ce8" * 85
"""A name of 255 bytes, as long as any disk takes it."""


def shown(name: str) -> Shown:
    result = {
        "state": "quarantined",
        "documents": {"quarantined": 1},
        "records": [],
        "findings": [],
        "more": {"records": False, "findings": False},
        "answers": [{"name": "997_1.edi", "kind": "997", "disposition": "rejected", "text": as_text(ANSWER)}],
        "letter": {"text": "Müller\n", "html": "<p>Müller</p>\n", "csv": as_text(ROWS)},
    }
    at = datetime(2026, 11, 21, tzinfo=UTC)
    return Shown(Trial("t_1234567890", DROP, "acme", "drop://acme", name, None, 1), DONE, at, at, result, None)


def test_a_file_with_the_longest_name_is_answered(tmp_path: Path) -> None:
    put(Folders(tmp_path), shown(LONGEST))
    names = [each.name for each in (tmp_path / "outbox").iterdir()]
    assert len(names) == 3
    assert sum("\u6ce8" * 50 in each for each in names) == 1


def test_the_text_is_shown_when_all_that_came_with_it_is_there(tmp_path: Path) -> None:
    order: list[str] = []

    class Noting(Folders):
        def show(self, hidden: str, name: str) -> None:
            super().show(hidden, name)
            order.append(name)

    put(Noting(tmp_path), shown("prices.csv"))
    assert len(order) == 3
    assert order[-1] == "tested_prices.csv_34567890.txt"


def test_answers_are_byte_for_byte_what_would_be_sent() -> None:
    files = dict(files_of(shown("prices.csv")))
    assert files["34567890_997_1.edi"] == ANSWER
    assert files["letter_prices.csv_t_1234567890.html"] == "<p>Müller</p>\n".encode()


def test_no_sheet_of_refused_rows_is_given_out_for_a_test() -> None:
    assert not [name for name, content in files_of(shown("prices.csv")) if name.endswith(".csv") or content == ROWS]


def test_the_text_says_that_nothing_was_taken_and_that_all_of_the_file_is_to_be_sent() -> None:
    text = dict(files_of(shown("prices.csv")))["tested_prices.csv_34567890.txt"].decode()
    assert text.startswith("Your file prices.csv was only tested: nothing of it was taken.\n")
    assert "when it is right, send the whole file to /inbox: of a test nothing is taken." in text


def test_what_is_accepted_and_was_read_with_other_letters_is_told_with_the_letters() -> None:
    accepted = shown("prices.csv")
    assert accepted.result is not None
    said = "the file is UTF-8, but cp1252 was declared: it was read with 'Ã¤' instead of 'ä'"
    warning = {"code": "text.mistaken", "severity": "warning", "message": said, "remedy": "Declare utf-8.", "line": 2}
    noted = {"code": "csv.preamble", "severity": "note", "message": "2 lines were passed over", "remedy": "", "line": 1}
    accepted.result.update(state="accepted", documents={"accepted": 1}, letter={}, findings=[noted, warning])
    text = dict(files_of(accepted))["tested_prices.csv_34567890.txt"].decode()
    assert "All of it would be accepted." in text
    assert "What else was noticed:\n  line 2: The file is UTF-8, but cp1252 was declared" in text
    assert "'Ã¤' instead of 'ä'" in text
    assert "passed over" not in text
    accepted.result.update(findings=[warning] * 12)
    assert "\n  and 2 more\n" in dict(files_of(accepted))["tested_prices.csv_34567890.txt"].decode()


def test_a_file_with_nothing_in_it_is_not_said_to_be_taken() -> None:
    empty = shown("prices.csv")
    assert empty.result is not None
    empty.result.update(state="accepted", documents={}, letter={})
    text = dict(files_of(empty))["tested_prices.csv_34567890.txt"].decode()
    assert "nothing would be taken: there is no row or document in it" in text
    assert "All of it would be accepted" not in text


def test_keys_are_those_that_the_partner_gave() -> None:
    good = shown("prices.csv")
    assert good.result is not None
    good.result.update(records=[{"contract": "price-list.v1", "record": {"_key": "acme~A-1"}}])
    assert "  price-list A-1\n" in dict(files_of(good))["tested_prices.csv_34567890.txt"].decode()


@given(st.one_of(st.binary(), st.text(st.characters(max_codepoint=0x2FF)).map(str.encode)))
def test_no_byte_is_lost_in_a_text_but_that_latin_letters_may_come_in_another_encoding(content: bytes) -> None:
    assume(not any(bytes((0xE2, 0x90, each)) in content for each in range(0x80, 0xA0)))  # pictures of their own
    assert as_bytes(as_text(content)) in (content, content.decode(errors="ignore").encode("latin-1", "ignore"))
