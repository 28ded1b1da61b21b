"""Numbers of machines: what is written is read back, and what is none is told with its byte."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edi.positional.charsets import charset
from edi.positional.layout import Kind
from edi.positional.numbers import Unreadable, binary, packed, plain, separate, written, zoned, zoned_text

DIGITS = st.text("0123456789", min_size=1, max_size=18)
SCALES = st.integers(-3, 12)


def value_of(digits: str, scale: int, *, negative: bool) -> Decimal:
    return Decimal(digits).scaleb(-scale) * (-1 if negative else 1)


@given(digits=DIGITS, scale=SCALES, negative=st.booleans())
def test_digits_become_the_number_that_they_are(digits: str, scale: int, negative: bool) -> None:
    text = plain(digits, scale, negative=negative)
    assert Decimal(text) == value_of(digits, scale, negative=negative)
    assert "E" not in text
    if not scale:
        assert text.removeprefix("-") == digits


@given(digits=DIGITS, scale=SCALES, sign=st.sampled_from("acefbd"))
def test_a_packed_number_is_read_back(digits: str, scale: int, sign: str) -> None:
    hexed = (digits + sign).zfill(2 * (len(digits) // 2 + 1))
    text = packed(hexed, Kind("packed", scale, len(digits)))
    assert text == plain(digits, scale, negative=sign in "bd")


@given(digits=DIGITS, scale=SCALES, sign=st.sampled_from("acefbd"), leading=st.booleans())
def test_a_zoned_number_of_ebcdic_is_read_back(digits: str, scale: int, sign: str, leading: bool) -> None:
    raw = bytearray(digits.encode("cp037"))
    at = 0 if leading else -1
    raw[at] = int(sign, 16) << 4 | raw[at] & 15
    text = zoned(raw.hex(), Kind("zoned", scale, len(digits), leading=leading))
    assert text == plain(digits, scale, negative=sign in "bd")
    translated = raw.decode("cp037")
    if sign in "cdf":
        assert zoned_text(translated, Kind("zoned", scale, len(digits), leading=leading)) == text


@given(digits=DIGITS, scale=SCALES, negative=st.booleans(), leading=st.booleans())
def test_a_number_with_a_separate_sign_is_read_back(digits: str, scale: int, negative: bool, leading: bool) -> None:
    sign = "-" if negative else "+"
    text = separate(sign + digits if leading else digits + sign, Kind("zoned", scale, leading=leading, separate=True))
    assert text == plain(digits, scale, negative=negative)


@given(size=st.sampled_from((1, 2, 4, 8)), scale=SCALES, signed=st.booleans(), data=st.data())
def test_a_binary_number_is_read_back(size: int, scale: int, signed: bool, data: st.DataObject) -> None:
    half = 1 << (8 * size - 1)
    value = data.draw(st.integers(-half, half - 1) if signed else st.integers(0, 2 * half - 1))
    text = binary(value.to_bytes(size, "big", signed=signed), Kind("binary", scale, signed=signed))
    assert Decimal(text) == Decimal(value).scaleb(-scale)


@given(value=st.decimals(allow_nan=False, allow_infinity=False, places=3, min_value=-(10**9), max_value=10**9))
def test_a_written_number_is_read_back(value: Decimal) -> None:
    assert Decimal(written(f"  {value} ", Kind("number", 2))) == value
    assert Decimal(written(f"{abs(value)}-", Kind("number", 2))) == -abs(value)


@pytest.mark.parametrize(
    ("text", "scale", "value"),
    [
        ("00012", 0, "00012"),
        ("-12", 0, "-12"),
        ("+ 12", 2, "0.12"),
        ("12-", 2, "-0.12"),
        ("1.5", 2, "1.5"),
        (".5", 0, "0.5"),
        ("5.", 0, "5"),
        ("-0", 0, "0"),
        ("   ", 2, ""),
        ("\0\0", 2, ""),
    ],
)
def test_a_written_number_becomes_plain(text: str, scale: int, value: str) -> None:
    assert written(text, Kind("number", scale)) == value


@pytest.mark.parametrize("text", ["x", "-", "1 2", "-1-", "1,5", "1.2.3", "²", "٣", "."])
def test_what_is_no_number_is_told(text: str) -> None:
    with pytest.raises(Unreadable) as told:
        written(f" {text}", Kind("number"))
    assert (told.value.code, told.value.start) == ("fixed.number", 1)


@pytest.mark.parametrize(
    ("hexed", "kind", "start", "message"),
    [
        ("1a3c", Kind("packed", digits=3), 0, "0xA is no digit"),
        ("12ac", Kind("packed", digits=3), 1, "0xA is no digit"),
        ("1234", Kind("packed", digits=3), 1, "0x4 is no sign"),
        ("4040", Kind("packed", digits=3), 1, "0x0 is no sign"),
        ("123d", Kind("packed", digits=3, signed=False), 1, "has no S"),
        ("123c", Kind("packed", digits=2), 0, "more digits than the 2"),
    ],
)
def test_a_bad_packed_number_is_told_with_its_byte(hexed: str, kind: Kind, start: int, message: str) -> None:
    with pytest.raises(Unreadable, match=message) as told:
        packed(hexed, kind)
    assert (told.value.code, told.value.start) == ("fixed.packed", start)


@pytest.mark.parametrize(
    ("hexed", "kind", "start", "message"),
    [
        ("f1c2c3", Kind("zoned"), 1, "0xC2 is no digit"),
        ("f1f2fa", Kind("zoned"), 2, "0xFA holds no digit"),
        ("f1f243", Kind("zoned"), 2, "no zone that is a sign"),
        ("f1f2d3", Kind("zoned", signed=False), 2, "has no S"),
        ("f1f2d3", Kind("zoned", leading=True), 2, "0xD3 is no digit"),
        ("40f2f3", Kind("zoned"), 0, "0x40 is no digit"),
    ],
)
def test_a_bad_zoned_number_is_told_with_its_byte(hexed: str, kind: Kind, start: int, message: str) -> None:
    with pytest.raises(Unreadable, match=message) as told:
        zoned(hexed, kind)
    assert (told.value.code, told.value.start) == ("fixed.zone", start)


@pytest.mark.parametrize(("text", "start"), [("1?3", 1), ("12?", 2), ("C23", 0), ("12S", 2), ("1²3", 1)])
def test_a_bad_zoned_text_is_told_with_its_place(text: str, start: int) -> None:
    with pytest.raises(Unreadable) as told:
        zoned_text(text, Kind("zoned"))
    assert told.value.start == start


@pytest.mark.parametrize(
    ("text", "leading", "start"), [("123", False, 2), ("+x2", True, 1), ("+", True, 0), ("1 2-", False, 1)]
)
def test_a_bad_separate_sign_is_told_with_its_place(text: str, leading: bool, start: int) -> None:
    with pytest.raises(Unreadable) as told:
        separate(text, Kind("zoned", leading=leading, separate=True))
    assert told.value.code == "fixed.number"
    assert start <= told.value.start <= len(text)


def test_numbers_that_are_blank_are_empty() -> None:
    assert zoned("404040", Kind("zoned")) == zoned_text("   ", Kind("zoned")) == separate("   ", Kind("zoned")) == ""


@given(hexed=st.binary(min_size=1, max_size=12).map(bytes.hex), signed=st.booleans(), leading=st.booleans())
def test_any_bytes_are_a_number_or_told(hexed: str, signed: bool, leading: bool) -> None:
    size = len(hexed) // 2
    for read in (packed, zoned):
        try:
            text = read(hexed, Kind("zoned", 2, size, signed, leading=leading))
        except Unreadable as told:
            assert 0 <= told.start < told.end <= size  # noqa: PT017 - most bytes are refused, some are not
        else:
            assert not text or Decimal(text) is not None


@pytest.mark.parametrize(
    ("name", "raw", "text"),
    [
        ("cp037", "4a5fadbabdbbb0", "¢¬Ý[¨]^"),
        ("cp1047", "4a5fadbabdbbb0", "¢^[Ý]¨¬"),
        ("IBM-1047", "ad", "["),
        ("cp500", "4a5a9f", "[]¤"),
        ("cp1148", "9f", "€"),
        ("cp1141", "9f4a", "€Ä"),
        ("cp273", "4a9f", "Ä¤"),
        ("windows-1252", "8081", "€\ufffd"),
    ],
)
def test_a_code_page_has_its_characters(name: str, raw: str, text: str) -> None:
    assert charset(name).decode(bytes.fromhex(raw)) == text


@pytest.mark.parametrize("name", ["utf-16", "shift_jis", "base64", "ebcdic", "", "cp1", "utf-7"])
def test_an_encoding_that_cannot_be_read_is_refused(name: str) -> None:
    with pytest.raises(ValueError, match="cp1047"):
        charset(name)
