"""A header in another encoding than the declared one: which one it is, by its bytes, whatever the names are."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edi.encodings import guessed, misread, no_character
from edi.findings import Finding
from edi.formats import FORMATS, parse_format
from edi.model import Document

LETTERS = st.text("abcäöüßéñ", min_size=1, max_size=8)


@pytest.mark.parametrize(
    ("written", "declared", "said"),
    [
        ("utf-8", "cp1252", "bytes C3 BC are 'ü' in UTF-8 and read as 'Ã¼' in windows-1252, so that 'grün' looks like"),
        (
            "cp1252",
            "utf-8",
            "byte FC is 'ü' in windows-1252 and no character of UTF-8, so that 'grün' looks like 'gr\ufffdn'",
        ),
        (
            "cp850",
            "cp1252",
            "byte 81 is 'ü' in cp850 and no character of windows-1252, so that 'grün' looks like 'gr\ufffdn'",
        ),
    ],
)
@pytest.mark.parametrize("way", ["replace", "surrogateescape"])
def test_the_bytes_the_sign_and_both_encodings_are_named(written: str, declared: str, said: str, way: str) -> None:
    wrong = misread(["sku", "grün"], ["sku", "grün".encode(written).decode(declared, way)], declared)
    assert str(wrong).startswith(said)


@given(st.lists(LETTERS, min_size=1), st.sampled_from(["utf-8", "cp1252"]))
def test_what_is_read_rightly_is_not_misread(names: list[str], encoding: str) -> None:
    assert misread(names, names, encoding) is None


@given(LETTERS.filter(lambda name: not name.isascii()))
def test_every_name_that_was_written_as_utf_8_is_found(name: str) -> None:
    wrong = misread([name], [name.encode().decode("cp1252", "replace")], "cp1252")
    assert wrong is not None
    assert (wrong.written, wrong.declared, wrong.expected) == ("UTF-8", "windows-1252", name)
    assert wrong.sign in name


def test_other_names_are_no_misread_ones() -> None:
    assert misread(["Preis", "gültig"], ["Price", "valid"], "utf-8") is None


@pytest.mark.parametrize(
    ("raw", "encoding", "said"),
    [
        pytest.param(b"\xe4x", "utf-8", "byte 0xE4 is no character of UTF-8, and 'ä' in windows-1252", id="a letter"),
        pytest.param(b"\x80", "utf-8", "byte 0x80 is no character of UTF-8, and '€' in windows-1252", id="a sign"),
        pytest.param(b"\x81", "utf-8", "byte 0x81 is no character of UTF-8", id="none there either"),
        pytest.param(b"\xa0", "utf-8", "byte 0xA0 is no character of UTF-8", id="nothing that could be seen"),
        pytest.param(b"\x81", "cp1252", "byte 0x81 is no character of windows-1252", id="in windows-1252"),
    ],
)
def test_a_byte_alone_is_named_with_what_it_is_elsewhere(raw: bytes, encoding: str, said: str) -> None:
    assert no_character(raw, encoding) == said


def test_where_a_byte_stands_and_why_the_encoding_counts_are_said() -> None:
    assert no_character(b"\xfc", "utf-8", "in line 2", "which counts") == (
        "byte 0xFC in line 2 is no character of UTF-8, which counts, and 'ü' in windows-1252"
    )


@given(LETTERS)
def test_what_was_written_as_windows_1252_is_guessed_and_nothing_is_made_of_what_is_mixed(said: str) -> None:
    raw = said.encode("cp1252")
    assert guessed(raw, "utf-8") == said or not raw.decode("utf-8", "ignore").isascii()
    assert guessed("ß".encode() + raw + b"\xff", "utf-8") is None


@pytest.mark.parametrize(
    ("raw", "encoding"),
    [
        pytest.param(b"\x81", "utf-8", id="no character there either"),
        pytest.param(b"a\xa0b\x8d", "utf-8", id="not all of it is"),
        pytest.param(b"\xff", "shift_jis", id="an encoding of which nobody knows what is sent instead"),
    ],
)
def test_what_may_be_anything_is_not_guessed(raw: bytes, encoding: str) -> None:
    assert guessed(raw, encoding) is None


@pytest.mark.parametrize("size", [1, 2, 3, 7, 1 << 16])
@pytest.mark.parametrize(
    ("declared", "holds"),
    [
        pytest.param("csv header", "sku,text\nA-1,f{}r T{}ren\n", id="csv"),
        pytest.param("jsonl", '{{"text": "f{}r T{}ren"}}\n', id="jsonl"),
        pytest.param("json", '[{{"text": "f{}r T{}ren"}}]\n', id="json"),
        pytest.param("xml", "<a>f{}r T{}ren</a>", id="xml"),
        pytest.param("fixed sku:1-3 text:4-20", "A-1f{}r T{}ren        \n", id="fixed"),
    ],
)
def test_a_sign_for_a_lost_letter_is_told_once_and_holds_nothing(declared: str, holds: str, size: int) -> None:
    name, _, _, options = parse_format(declared)

    def found(sign: str) -> tuple[bytes, list[Finding], list[Document]]:
        raw = holds.format(sign, sign).encode()
        chunks = [raw[at : at + size] for at in range(0, len(raw), size)]
        items = list(FORMATS[name].read(chunks, dict(options)))
        return raw, [each for each in items if isinstance(each, Finding)], [e for e in items if isinstance(e, Document)]

    raw, (told,), (document,) = found("\ufffd")
    assert (told.code, told.severity, document.findings) == ("text.lost", "warning", ())
    at = raw.index(b"\xef\xbf\xbd")
    assert (told.position.start, told.position.end) == (at, at + 3)
    assert told.message.endswith(f": 2 times, first at byte {at}")
    assert found("ü")[1] == []
    assert found("\uffe6")[1] == []  # its first two bytes are EF BF, too
