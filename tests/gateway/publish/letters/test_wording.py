"""Findings are said to who sent the file: nothing in them is for us, or of the inside."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from edi import delimited, edifact, x12, xmldoc
from edi.findings import CODES
from edi.findings import Finding as FileFinding
from edi.model import Document
from gateway.model import Finding
from gateway.normalize.faults import CODES as MAPPING
from gateway.publish.letters.wording import worded
from gateway.receive.archives import CODES as ARCHIVES
from gateway.validate.messages import CODES as CONTRACT

if TYPE_CHECKING:
    from types import ModuleType

INSIDE = re.compile(
    r"\b(sender|contract|integrations?|mapping|apply|replay|retry|quarantine|declare|layout|gateway|configuration"
    r"|codes/|yaml|_max|header_at|each=|records=|guide of|discard|delivery)\b",
    re.IGNORECASE,
)
ERRORS = {name: code for name, code in (CODES | MAPPING | ARCHIVES).items() if str(code.severity) == "error"}


def finding(code: str, message: str, remedy: str, **more: str) -> Finding:
    return Finding(code, "error", message, remedy, 0, 1, **more)  # type: ignore[arg-type] # texts only


@pytest.mark.parametrize(
    "remedy",
    [
        *(each.remedy for each in ERRORS.values()),
        "Ask the sender to send each parent before the levels below it, and to name its HL01 in HL02.",
        "Ask the sender to number the levels 1, 2, 3 … as they are sent, and to look for one that is missing.",
    ],
)
def test_a_request_of_two_parts_is_one_sentence(remedy: str) -> None:
    said = worded(finding("some.code", "x", remedy)).send
    assert not re.search(r"\b(and|or) to (?!the\b)", said), said


@pytest.mark.parametrize("code", ERRORS)
def test_no_remedy_tells_the_sender_to_ask_the_sender_or_to_change_our_configuration(code: str) -> None:
    words = worded(finding(code, "x", ERRORS[code].remedy))
    assert not INSIDE.search(words.send), words.send
    assert re.fullmatch(r"[A-Z'\"].*[.!?]", words.send), words.send


@pytest.mark.parametrize("code", CONTRACT)
def test_what_a_contract_says_is_said_without_its_words(code: str) -> None:
    remedy = "Send 'EUR', or add the code to the code table ISO-4217"
    message = "price is 'x', but must be a code of the code table X; the nearest is 'y'"
    told = finding(code, message, remedy, target="/price")
    words = worded(told, name="Preis")
    assert not INSIDE.search(" ".join(words[:3])), words
    assert words.what.startswith(("Preis is 'x'", "There is something")), words


@pytest.mark.parametrize(
    ("told", "send"),
    [
        ("Ask the sender to send the whole file again.", "Please send the whole file again."),
        ("Ask the sender for letters only.", "Please send letters only."),
        (
            "Ask the sender for a listed code; if the two of you agreed on it, add it to a guide.",
            "Please send a listed code.",
        ),
        (
            "One of them may be a copy: ask the sender which is meant, and for control numbers that do not repeat.",
            "One of them may be a copy: please say which is meant, and use control numbers that do not repeat.",
        ),
        ("Send at least 3 characters, or change the contract", "Send at least 3 characters."),
        ("Raise the option, apply and retry.", "Please correct it, and send it again."),
        ("", "Please correct it, and send it again."),
    ],
)
def test_a_remedy_becomes_a_request(told: str, send: str) -> None:
    assert worded(finding("another.code", "x", told)).send == send


def test_of_bytes_of_another_encoding_the_sender_hears_what_his_kind_of_file_wants() -> None:
    agreed = worded(finding("text.encoding", "x", CODES["text.encoding"].remedy))
    assert agreed.send == "Please save the file in the encoding that was agreed, or tell us which one you use."
    (document,) = xmldoc.read([b"<b>\xfc</b>"], {})
    assert isinstance(document, Document)
    (told,) = document.findings
    declared = worded(finding(told.code, told.message, told.remedy))
    assert declared.what == (
        "Byte 0xFC at line 1, column 4 (offset 3) is no character of UTF-8, which counts where a file declares nothing "
        "else, and 'ü' in windows-1252."
    )
    assert declared.send == (
        'Please write encoding="windows-1252" into the XML declaration, if the file is written so, or send it in UTF-8.'
    )


def test_a_file_that_nobody_reads_may_be_left_out_of_an_archive() -> None:
    alone = finding("route.unwanted_file", "x", "")
    packed = finding("route.unwanted_file", "x", "", member="readme.txt")
    assert worded(packed).send == (
        "If it is not meant for us, please leave it out of the archive. "
        "Otherwise please tell us what it is, so that we can take it."
    )
    assert "archive" not in worded(alone).send


def test_of_xml_that_is_cut_off_or_in_utf_16_the_sender_hears_that() -> None:
    (document,) = xmldoc.read([b"<a><b>1</b>"], {})
    assert isinstance(document, Document)
    (told,) = document.findings
    words = worded(finding(told.code, told.message, told.remedy))
    assert words.what == "The file is cut off: its XML does not come to an end behind line 1, column 12."
    assert words[1:3] == ("a file with its end", "Please send the whole file again.")
    (wide,) = xmldoc.read(['<?xml version="1.0" encoding="UTF-8"?><a/>'.encode("utf-16")], {})
    assert isinstance(wide, FileFinding)
    words = worded(finding(wide.code, wide.message, wide.remedy))
    assert words.what == "The file is written in UTF-16-LE, which is not the encoding that it declares."
    assert words.send == 'Please send the file in UTF-8, or write encoding="UTF-16" into the XML declaration.'


@pytest.mark.parametrize("reader", [x12, edifact])
def test_of_utf_16_the_sender_of_edi_hears_nothing_of_spreadsheets(reader: ModuleType) -> None:
    (told,) = reader.read(["ISA*00*".encode("utf-16")], {})
    assert worded(finding(told.code, told.message, told.remedy)).send == (
        "Please send the file in plain ASCII, or in the character set that its envelope names, "
        "without a byte order mark."
    )


def test_a_number_with_a_letter_in_it_is_guessed_and_anything_else_is_not() -> None:
    def send(value: str) -> str:
        return worded(finding("mapping.number", "x", "", value=value)).send

    assert send("12,5O") == "If 12,50 is meant, please send 12,50."
    assert send("l2") == "If 12 is meant, please send 12."
    assert send("twelve") == "Please correct the value."
    assert send("O" * 500) == "Please correct the value."
    assert send("Oslo") == "Please correct the value."


def test_a_delimiter_that_was_agreed_is_named_and_to_send_the_file_with_it_is_enough() -> None:
    for declared, named in ((",", "commas"), ("tab", "tabs"), (":", "the character ':'")):
        (told,) = delimited.read([b"sku;price\nA-1;9.90\n"], {"delimiter": declared, "header": "true"})
        assert isinstance(told, FileFinding)
        words = worded(finding(told.code, told.message, told.remedy))
        assert words.what == "Header and rows have 2 cells each with ';' between them."
        assert words.expected == f"{named} between the cells, as it was agreed"
        assert words.send == f"Please send the file with {named} between the cells."
        assert not words.ours


def test_a_number_beyond_64_bits_is_told_by_its_bounds() -> None:
    words = worded(finding("contract.range", "count is 99, but must fit in 64 bits", "", target="/count"), name="Zahl")
    assert words.what == "Zahl is 99."
    assert words.expected == "a whole number from -9,223,372,036,854,775,808 to 9,223,372,036,854,775,807"


def test_a_value_that_is_missing_is_told_by_the_senders_name_for_it_and_without_the_contracts() -> None:
    message = "name is required by stock-prices.v1, but Bezeichnung is empty or missing"
    told = finding("mapping.missing", message, "", target="/lines/0/name")
    assert worded(told, name="Bezeichnung").what == "Bezeichnung is needed, and empty or missing."
    assert worded(told).what == "Name of lines 1 is needed, and empty or missing."


def test_what_is_expected_is_the_codes_if_they_are_few_and_how_it_is_written_if_that_is_known() -> None:
    code = finding("mapping.code", "'77' is not a code of the table groups", "")
    assert worded(code, codes={"20", "10"}).expected == "one of 10, 20"
    assert worded(code, codes={str(each) for each in range(100)}).expected == "a code that we know"
    assert worded(code).what == "'77' is not a code that we know."
    number = finding("mapping.number", "'x' is not a number", "")
    assert worded(number, expression="Preis | strip | decimal('1.234,56')").expected == "a number written like 1.234,56"
    assert worded(number, expression="Preis | decimal").expected == "a number"
