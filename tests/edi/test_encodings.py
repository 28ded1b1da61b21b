"""A header in another encoding than the declared one: which one it is, by its bytes, whatever the names are."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edi.encodings import guessed, misread, no_character

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
