"""The decoder of pgoutput: bytes as the manual lays them out, in any portions, and bytes that are something else."""

from __future__ import annotations

import struct
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.errors import Stop
from adapters.pgoutput import (
    UNCHANGED,
    Begin,
    Commit,
    Delete,
    Event,
    Field,
    Insert,
    Message,
    Origin,
    Relation,
    Truncate,
    Type,
    Update,
    decode,
    lsn,
    lsn_text,
)


def text(word: str) -> bytes:
    return word.encode() + b"\0"


def cells_bytes(cells: list[Any]) -> bytes:
    """TupleData: the number of columns, then each by its kind."""
    out = struct.pack(">H", len(cells))
    for cell in cells:
        if cell is None:
            out += b"n"
        elif cell is UNCHANGED:
            out += b"u"
        elif isinstance(cell, bytes):
            out += b"b" + struct.pack(">I", len(cell)) + cell
        else:
            out += b"t" + struct.pack(">I", len(cell.encode())) + cell.encode()
    return out


def message(event: Event) -> bytes:
    """An event as the server sends it."""
    match event:
        case Begin(commit, at, xid):
            return b"B" + struct.pack(">QQI", commit, at, xid)
        case Commit(commit, end, at):
            return b"C\0" + struct.pack(">QQQ", commit, end, at)
        case Relation(oid, schema, name, identity, fields):
            head = b"R" + struct.pack(">I", oid) + text("" if schema == "pg_catalog" else schema) + text(name)
            columns = [
                bytes([field.key]) + text(field.name) + struct.pack(">Ii", field.oid, field.modifier)
                for field in fields
            ]
            return head + identity.encode() + struct.pack(">H", len(fields)) + b"".join(columns)
        case Insert(oid, new):
            return b"I" + struct.pack(">I", oid) + b"N" + cells_bytes(new)
        case Update(oid, new, told, old):
            before = b"" if old is None else told.encode() + cells_bytes(old)
            return b"U" + struct.pack(">I", oid) + before + b"N" + cells_bytes(new)
        case Delete(oid, told, old):
            return b"D" + struct.pack(">I", oid) + told.encode() + cells_bytes(old)
        case Truncate(oids, cascade, restart):
            return b"T" + struct.pack(f">IB{len(oids)}I", len(oids), cascade + 2 * restart, *oids)
        case Type(oid, schema, name):
            return b"Y" + struct.pack(">I", oid) + text(schema) + text(name)
        case Origin(commit, name):
            return b"O" + struct.pack(">Q", commit) + text(name)
        case Message(transactional, at, prefix, content):
            return (
                b"M" + struct.pack(">BQ", transactional, at) + text(prefix) + struct.pack(">I", len(content)) + content
            )


NUMBER = st.integers(0, 2**32 - 1)
PLACE = st.integers(0, 2**64 - 1)
NAME = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), min_size=1, max_size=8)
CELL = st.one_of(
    st.none(),
    st.just(UNCHANGED),
    st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=20),
    st.binary(max_size=20),
)
CELLS = st.lists(CELL, max_size=6)
FIELD = st.builds(Field, NAME, NUMBER, st.integers(-1, 2**31 - 1), st.booleans())
EVENT: st.SearchStrategy[Event] = st.one_of(
    st.builds(Begin, PLACE, PLACE, NUMBER),
    st.builds(Commit, PLACE, PLACE, PLACE),
    st.builds(Relation, NUMBER, NAME, NAME, st.sampled_from("dnfi"), st.lists(FIELD, max_size=4).map(tuple)),
    st.builds(Insert, NUMBER, CELLS),
    st.builds(Update, NUMBER, CELLS, st.just(""), st.none()),
    st.builds(Update, NUMBER, CELLS, st.sampled_from("KO"), CELLS),
    st.builds(Delete, NUMBER, st.sampled_from("KO"), CELLS),
    st.builds(Truncate, st.lists(NUMBER, max_size=3).map(tuple), st.booleans(), st.booleans()),
    st.builds(Type, NUMBER, NAME, NAME),
    st.builds(Origin, PLACE, NAME),
    st.builds(Message, st.booleans(), PLACE, NAME, st.binary(max_size=20)),
)


@given(st.lists(EVENT, max_size=8))
def test_whatever_is_sent_is_read_in_any_portions(events: list[Event]) -> None:
    messages = [message(event) for event in events]
    assert decode(b"".join(messages)) == events
    assert [event for each in messages for event in decode(each)] == events


@given(EVENT, st.data())
def test_a_message_that_is_cut_is_refused_and_never_half_a_row(event: Event, data: st.DataObject) -> None:
    whole = message(event)
    size = data.draw(st.integers(1, len(whole) - 1))
    with pytest.raises(Stop, match="pgoutput"):
        decode(whole[:size])


def test_bytes_that_are_no_message_are_shown() -> None:
    with pytest.raises(Stop, match=r"byte 21 of 24 .* 78 79 7a"):
        decode(message(Begin(1, 2, 3)) + b"xyz")
    with pytest.raises(Stop):
        decode(b"I\0\0\0\x01N\0\x01q")


def test_bytes_that_are_no_utf_8_stay_visible() -> None:
    row = b"I" + struct.pack(">I", 1) + b"N" + struct.pack(">H", 1) + b"t" + struct.pack(">I", 3) + b"a\xffb"
    assert decode(row) == [Insert(1, ["a\\xffb"])]


def test_places_have_two_forms() -> None:
    assert lsn("16/B374D848") == 0x16B374D848
    assert lsn_text(0x16B374D848) == "16/B374D848"
    assert lsn_text(lsn("0/0")) == "0/0"
    with pytest.raises(ValueError, match="unpack"):
        lsn("nowhere")
