"""A fault's place in the bytes, found again only when something is wrong."""

from __future__ import annotations

import io
from contextlib import closing
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edi.model import Document, Envelope
from gateway import positions
from gateway.model import Finding
from gateway.positions import Places
from gateway.store.local import LocalVault

if TYPE_CHECKING:
    from pathlib import Path

ENVELOPE = Envelope("x12", "850", "004010", "ZZ:EVIL", interchange="000000001")
ISA = b"ISA*00*EVIL      *00*          *ZZ*EVIL           *ZZ*GATEWAY        *261121*0900*U*00401*000000001*0*P*>~\n"
UNKNOWN = Finding("route.unknown_partner", "error", "the sender ZZ:EVIL …", "Add it.", value="ZZ:EVIL")


@pytest.fixture
def vault(tmp_path: Path) -> LocalVault:
    return LocalVault(tmp_path)


def document_at(raw: bytes, start: int, envelope: Envelope = ENVELOPE, number: int = 1) -> Document:
    return Document(number, start, len(raw), {}, envelope)


def of_route(vault: LocalVault, raw: bytes, start: int, finding: Finding, envelope: Envelope = ENVELOPE) -> Finding:
    stored = vault.put(io.BytesIO(raw))
    with closing(Places(vault, stored.sha256)) as places:
        return places.of_route(finding, document_at(raw, start, envelope))


def test_an_unknown_sender_is_shown_in_its_own_element_and_nowhere_else(vault: LocalVault) -> None:
    raw = b"\n\n" + ISA + b"GS*PO*EVIL*GATEWAY~ST*850*0001~"
    found = of_route(vault, raw, raw.index(b"ST*"), UNKNOWN)
    assert found.start is not None
    assert found.end is not None
    assert (raw[found.start : found.end], raw[: found.start].count(b"*")) == (b"EVIL", 6)
    assert (found.line, found.tag, found.element, found.value) == (3, "ISA", 6, "EVIL")


@pytest.mark.parametrize("between", [0, 70_000, 200_000, 64 * 1024 - 110, 64 * 1024 - 60])
def test_the_header_is_found_however_far_before_the_document_it_stands(vault: LocalVault, between: int) -> None:
    raw = ISA + b"ST*850*0001~N1*BY*ISABEL~" + b"x" * between + b"ST*850*0002~"
    found = of_route(vault, raw, raw.rindex(b"ST*"), UNKNOWN)
    assert (found.start, found.value) == (35, "EVIL")


def test_an_edifact_sender_is_shown_in_its_header(vault: LocalVault) -> None:
    raw = b"UNA:+.? 'UNB+UNOC:3+5400000000009:14+4012345000009:14+261121:0905+N0001'UNH+1+ORDERS:D:96A:UN'"
    envelope = Envelope("edifact", "ORDERS", "D96A", "14:5400000000009", interchange="N0001")
    finding = Finding("route.unknown_partner", "error", "…", "…", value="14:5400000000009")
    found = of_route(vault, raw, raw.index(b"UNH"), finding, envelope)
    assert found.start is not None
    assert found.end is not None
    assert raw[found.start : found.end] == b"5400000000009" == (found.value or "").encode()


@pytest.mark.parametrize(
    ("raw", "receiver"),
    [
        (ISA.replace(b"EVIL", b"SAME").replace(b"GATEWAY", b"SAME   ") + b"ST*850*0001~", "ZZ:SAME"),
        (b"UNB+UNOC:3+SAME:14+SAME:14+261121:0905+N0001'UNH+1+ORDERS:D:96A:UN'", "14:SAME"),
    ],
)
def test_a_receiver_is_shown_where_it_stands_though_the_sender_is_called_so_too(
    vault: LocalVault, raw: bytes, receiver: str
) -> None:
    form, tag = ("x12", b"ST*") if raw.lstrip().startswith(b"ISA") else ("edifact", b"UNH")
    envelope = Envelope(form, receiver=receiver, sender=receiver, interchange="N0001")
    finding = Finding("route.other_receiver", "error", "…", "…", value=receiver)
    found = of_route(vault, raw, raw.index(tag), finding, envelope)
    assert found.start == raw.rindex(b"SAME")
    assert (found.value, found.element) == ("SAME", 8 if form == "x12" else 3)


def test_a_sender_that_is_not_found_again_leaves_the_finding_at_the_document(vault: LocalVault) -> None:
    raw = b"no header at all\nST*850*0001~"
    found = of_route(vault, raw, 17, UNKNOWN)
    assert (found.start, found.end, found.line, found.value) == (17, len(raw), 2, None)


def test_an_unwanted_message_is_shown_at_the_document(vault: LocalVault) -> None:
    raw = ISA + b"ST*855*0001~"
    found = of_route(vault, raw, len(ISA), Finding("route.unwanted_message", "error", "…", "…", value="855"))
    assert (found.start, found.end, found.line, found.value) == (len(ISA), len(raw), 2, "855")


def test_a_finding_about_the_columns_is_shown_on_the_first_line(vault: LocalVault) -> None:
    raw = b"a;b\r\n1;2\r\n"
    stored = vault.put(io.BytesIO(raw))
    with closing(Places(vault, stored.sha256)) as places:
        found = places.of_header(Finding("mapping.unusable", "error", "…", "…"), document_at(raw, 5, number=7))
    assert (found.start, found.end, found.line, found.document) == (0, 4, 1, 7)


@given(st.binary(max_size=60).map(lambda raw: raw.replace(b"x", b"\n")), st.lists(st.integers(0, 60), max_size=6))
def test_lines_are_counted_the_same_in_any_order_of_questions(
    tmp_path_factory: pytest.TempPathFactory, raw: bytes, offsets: list[int]
) -> None:
    vault = LocalVault(tmp_path_factory.mktemp("vault"))
    stored = vault.put(io.BytesIO(raw))
    with closing(Places(vault, stored.sha256)) as places, pytest.MonkeyPatch.context() as small:
        small.setattr(positions, "_COUNTED_BYTES", 7)
        for offset in offsets:
            at = min(offset, len(raw))
            assert places.line_of(at) == raw[:at].count(b"\n") + 1


class Counted(io.BytesIO):
    """A file that counts the bytes that are read of it."""

    taken = 0

    def read(self, size: int | None = -1, /) -> bytes:
        raw = super().read(size)
        self.taken += len(raw)
        return raw


def test_questions_in_another_order_than_the_bytes_read_as_many_bytes_as_there_are_between_them(
    vault: LocalVault, monkeypatch: pytest.MonkeyPatch
) -> None:
    row = b"99;01.12.2026;0,3X;x\n"
    raw = row * 5_000
    stored = vault.put(io.BytesIO(raw))
    file = Counted(raw)
    monkeypatch.setattr(vault, "spans", lambda _sha256: file)
    with closing(Places(vault, stored.sha256)) as places:
        for number in range(5_000):
            start = number * len(row)
            assert [places.line_of(start + at) for at in (14, 0, 3)] == [number + 1] * 3
    assert file.taken < 4 * len(raw)
