"""What a file says of itself."""

from __future__ import annotations

import doctest

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edi import identify as module
from edi.identify import Identity, identify

X12 = (
    b"ISA*00*          *00*          *ZZ*ACME           *ZZ*US             *261121*0900*U*00401*000000001*0*P*>~"
    b"GS*PO*ACME*US*20261121*0900*1*X*%s~ST*850*0001~BEG*00*SA*1001**20261121~SE*3*0001~GE*1*1~IEA*1*000000001~"
)
EDIFACT = b"UNB+UNOA:3+4012345000009:14+US:ZZ+261121:0900+1'UNH+1+ORDERS:D:96A:UN'BGM+220+1'UNT+3+1'UNZ+1+1'"
UBL = b'<?xml version="1.0"?><Order xmlns="urn:oasis:names:specification:ubl:schema:xsd:Order-2"/>'


def of(raw: bytes) -> Identity:
    found = identify(raw)
    assert found is not None
    return found


def test_the_example_of_the_module() -> None:
    assert doctest.testmod(module).failed == 0


@pytest.mark.parametrize("raw", [b"", b"\0\1\2", b"hello", b"PK\3\4 and more"])
def test_what_looks_like_nothing_is_nothing(raw: bytes) -> None:
    assert identify(raw) is None


def test_an_envelope_names_message_and_parties() -> None:
    assert str(of(X12 % b"004010")) == "x12 004010 850 from ZZ:ACME to ZZ:US"
    assert str(of(EDIFACT)) == "edifact D96A ORDERS from 14:4012345000009 to ZZ:US"
    assert of(UBL).declared() == ("xml ubl:Order-2.1",)


def test_a_version_of_the_trade_is_declared_by_its_release() -> None:
    assert of(X12 % b"004010VICS").declared() == ("x12 004010 850",)


def test_a_file_that_is_cut_off_says_what_it_says() -> None:
    assert str(of((X12 % b"004010")[:230])) == "x12 004010 850 from ZZ:ACME to ZZ:US"
    assert of(X12[:120]) == Identity("x12")


def test_csv_has_a_delimiter_an_encoding_and_columns() -> None:
    found = of("Größe;Preis\nL;9,90\n".encode("windows-1252"))
    assert found.declared() == ("csv ; windows-1252 header",)
    assert found.columns == ("Größe", "Preis")
    assert found.rows == (("L", "9,90"),)


def test_a_letter_that_is_cut_in_two_is_still_utf8() -> None:
    assert of("a;ü\nx;ü".encode()[:-1]).declared() == ("csv ; header",)


def test_a_first_row_of_values_is_no_header() -> None:
    assert of(b"1\tA-1\n2\tA-2\n").declared() == ("csv tab",)
    assert of(b"sku,sku\n1,2\n").columns == ()


def test_flat_objects_have_columns_and_others_have_not() -> None:
    found = of(b'{"sku": "A-1", "price": 9.90, "gone": null, "new": true}\n')
    assert (found.columns, found.rows) == (("sku", "price", "gone", "new"), (("A-1", "9.90", "", "true"),))
    assert of(b'{"sku": {"id": 1}}\n').columns == ()


@given(
    st.sampled_from([X12 % b"004010", EDIFACT, UBL, b"sku;price\nA;1\n"]), st.integers(0, 300), st.binary(max_size=20)
)
def test_no_bytes_break_it(raw: bytes, at: int, noise: bytes) -> None:
    found = identify(raw[:at] + noise + raw[at:])
    assert found is None or found.declared()
