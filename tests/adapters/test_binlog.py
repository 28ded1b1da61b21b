"""The row binlog's bytes, as a server sent them, become events; what is damaged is said and never guessed."""

from __future__ import annotations

import struct
import zlib
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.binlog import Begin, Commit, Damaged, Decoder, Event, Format, Query, Rotate, Rows, TableMap, inflated
from adapters.binlogjson import json_text
from adapters.binlogrows import Logged, Misfit, Writer
from adapters.binlogshape import effect
from adapters.binlogvalues import decimal_text, time_text, timestamp_text

# MariaDB 10.11 with binlog_row_metadata=FULL: CREATE TABLE erp.t (id INT PRIMARY KEY, v VARCHAR(9), d DECIMAL(5,2));
# INSERT (1,'ü',-1.5),(2,NULL,NULL); UPDATE id=3 WHERE id=1; DELETE id=2; FLUSH BINARY LOGS.
PACKETS = (
    "000000000407000000290000000000000020008e0200000000000062696e2e303030303031852b1f84",
    (
        "6ab5016b0f07000000fc000000000000000000040031302e31312e31392d4d6172696144422d302b646562313275312d6c6f"
        "6700000000000000000000000000000000000000000000000013380d000800120004040404120000e400041a080000000808"
        "08020000000a0a0a0000000000000a0a0a000000000000000000000000000000000000000000000000000000000000000000"
        "0000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000"
        "000000000000000000000000000000000000000000000000000000000000000000000000041304000d0808080a0a0a0174b3"
        "1e7d"
    ),
    "6ab5016ba2070000002a000000b802000008000300000000000000000000000c0000000000002a03b99f",
    (
        "6ab5016b1307000000430000004203000000000300000000000100036572700001740003030ff60424000502060101000201"
        "2d040702696401760164080100b9479a32"
    ),
    "6ab5016b17070000003100000073030000000003000000000001000307f80100000002c3bc7ffecdfe020000002c938478",
    "6ab5016b10070000001f00000092030000000005000000000000002168011b",
    "6ab5016ba2070000002a000000bc03000008000400000000000000000000000c000000000000bda71faf",
    (
        "6ab5016b1307000000430000003204000000000300000000000100036572700001740003030ff60424000502060101000201"
        "2d040702696401760164080100d19937e2"
    ),
    (
        "6ab5016b1807000000380000006a04000000000300000000000100030707f80100000002c3bc7ffecdf80300000002c3bc7f"
        "fecd949f1d8e"
    ),
    "6ab5016b10070000001f00000089040000000006000000000000001b6e77c1",
    "6ab5016ba2070000002a000000b304000008000500000000000000000000000c0000000000008d7fbeab",
    (
        "6ab5016b1307000000430000002505000000000300000000000100036572700001740003030ff60424000502060101000201"
        "2d040702696401760164080100ca453669"
    ),
    "6ab5016b1907000000260000004b050000000003000000000001000307fe02000000ed170a38",
    "6ab5016b10070000001f0000006a0500000000070000000000000010f284a3",
    "6ab5016b040700000029000000930500000000040000000000000062696e2e303030303032e1a086bd",
    "00000000040700000029000000000000002000040000000000000062696e2e303030303032f6c9c475",
    (
        "6ab5016b0f07000000fc000000000100000000040031302e31312e31392d4d6172696144422d302b646562313275312d6c6f"
        "6700000000000000000000000000000000000000000000000013380d000800120004040404120000e400041a080000000808"
        "08020000000a0a0a0000000000000a0a0a000000000000000000000000000000000000000000000000000000000000000000"
        "0000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000"
        "000000000000000000000000000000000000000000000000000000000000000000000000041304000d0808080a0a0a01c97b"
        "507b"
    ),
    "6ab5016ba3070000002b0000002b010000000001000000000000000700000005000000000000006401afdd",
    "6ab5016ba107000000250000005001000000000a00000062696e2e303030303031e2872c1e",
)
COLUMNS = (
    Logged("id", "int(11)", "int"),
    Logged("v", "varchar(9)", "text", "utf8mb4", 36),
    Logged("d", "decimal(5,2)", "decimal"),
)


def decoded() -> list[Event]:
    decoder = Decoder()
    return [decoder.event(bytes.fromhex(packet)) for packet in PACKETS]


def test_what_a_server_sent_becomes_events() -> None:
    events = decoded()
    kinds = [type(event).__name__ for event in events if event is not None]
    group = ["Begin", "TableMap", "Rows", "Commit"]
    assert kinds == ["Rotate", "Format", *group * 3, "Rotate", "Rotate", "Format", "Gtids"]
    assert events[0] == Rotate("bin.000001", 654)
    assert isinstance(events[1], Format)
    assert events[1].version.startswith("10.11.19-MariaDB")
    begin = events[2]
    assert isinstance(begin, Begin)
    assert (begin.gtid, begin.alone, begin.start) == ("0-7-3", False, 654)
    assert isinstance(events[5], Commit)
    table = events[3]
    assert isinstance(table, TableMap)
    assert (table.schema, table.table, table.names) == ("erp", "t", ("id", "v", "d"))
    assert (list(table.types), table.metas) == ([3, 15, 246], ((0, 0), (36, 0), (5, 2)))


def test_rows_are_read_by_name_with_their_key() -> None:
    events = decoded()
    table = next(event for event in events if isinstance(event, TableMap))
    writer = Writer(lambda _: lambda content: content.decode("latin-1"))
    cells = [writer.cell(*each) for each in zip(COLUMNS, table.types, table.metas, strict=True)]
    read = writer.function(COLUMNS, cells, ["d", "id"])
    first = (("-1.50", "1"), {"id": 1, "v": "ü", "d": Decimal("-1.50")})
    second = ((None, "2"), {"id": 2, "v": None, "d": None})
    third = (("-1.50", "3"), {"id": 3, "v": "ü", "d": Decimal("-1.50")})
    found = [(event.verb, read(event.content, event.start, event.end)) for event in events if isinstance(event, Rows)]
    assert found == [("insert", [first, second]), ("update", [first, third]), ("delete", [second])]
    rows = next(event for event in events if isinstance(event, Rows))
    with pytest.raises((ValueError, IndexError, struct.error)):
        read(rows.content[: rows.end - 2], rows.start, rows.end - 2)


@pytest.mark.parametrize("native", ["bigint(20)", "int(11)", "varchar(9)", "decimal(5,3)", "date", "vector(3)"])
def test_a_column_that_the_log_has_otherwise_is_refused(native: str) -> None:
    table = next(event for event in decoded() if isinstance(event, TableMap))
    with pytest.raises(Misfit, match="'d'"):
        Writer(lambda _: bytes.decode).cell(Logged("d", native, "text", "utf8mb4", 36), table.types[2], table.metas[2])


@given(st.integers(0, len(PACKETS) - 1), st.integers(0, 10_000), st.integers(1, 255))
def test_a_byte_that_is_wrong_is_damage_or_another_description(at: int, place: int, flip: int) -> None:
    decoder = Decoder()
    for number, packet in enumerate(PACKETS):
        content = bytearray.fromhex(packet)
        if number == at:
            content[place % len(content)] ^= flip
        try:
            event = decoder.event(bytes(content))
        except Damaged:
            return
        if number == at:
            # Only what is not in the sum can differ: the mark of a file in use, and what says that there are sums.
            assert number == 0 or isinstance(event, Format)
            return


@given(st.integers(0, len(PACKETS) - 1), st.integers(0, 300))
def test_an_event_that_is_cut_is_damage(at: int, size: int) -> None:
    decoder = Decoder()
    for number, packet in enumerate(PACKETS):
        content = bytes.fromhex(packet)
        if number == at and size < len(content):
            with pytest.raises(Damaged):
                decoder.event(content[:size])
            return
        decoder.event(content)


@given(st.integers(1, 65), st.integers(0, 30), st.data())
def test_decimals_keep_every_digit(precision: int, scale: int, data: st.DataObject) -> None:
    scale = min(scale, precision)
    size, text = decimal_text(precision, scale, padded=False)
    number = data.draw(st.integers(-(10**precision) + 1, 10**precision - 1))
    digits = f"{abs(number):0{precision}}"
    whole, fraction = digits[: precision - scale], digits[precision - scale :]
    groups = [whole[: len(whole) % 9], *(whole[at : at + 9] for at in range(len(whole) % 9, len(whole), 9))]
    groups += [fraction[at : at + 9] for at in range(0, len(fraction), 9)]
    content = bytearray(b"".join(int(g).to_bytes((0, 1, 1, 2, 2, 3, 3, 4, 4, 4)[len(g)], "big") for g in groups if g))
    assert len(content) == size
    content[0] |= 0x80
    if number < 0:
        content = bytearray(byte ^ 0xFF for byte in content)
    assert int(text(bytes(content)).replace(".", "")) == number
    assert len(text(bytes(content)).partition(".")[2]) == scale


def test_times_before_midnight_and_the_zero_date_keep_their_fraction() -> None:
    assert time_text(2, (0x80000000 - 50).to_bytes(4, "big")) == "-00:00:00.50"
    assert time_text(0, (0x800000 - (838 << 12 | 59 << 6 | 59)).to_bytes(3, "big")) == "-838:59:59"
    assert timestamp_text(6, bytes(7)) == "0000-00-00 00:00:00.000000"
    assert timestamp_text(0, (2**32 - 1).to_bytes(4, "big")) == "2106-02-07 06:28:15"


def test_compressed_rows_are_checked() -> None:
    content = zlib.compress(b"x" * 300)
    assert inflated(b"\x82\x01\x2c" + content) == b"x" * 300
    for wrong in (b"\x82\x01\x2d" + content, b"\x92\x01\x2c" + content, b"\x82\x01\x2c" + content[:-3]):
        with pytest.raises(zlib.error):
            inflated(wrong)


def test_binary_json_is_shown_as_text() -> None:
    # {"a": 1, "b": [true, "x"]} and a double, built after MySQL's json_binary.h.
    array = struct.pack("<HHBHBH", 2, 12, 4, 1, 12, 10) + b"\x01x"
    start = 4 + 2 * 4 + 2 * 3
    entries = struct.pack("<HHHH", start, 1, start + 1, 1) + struct.pack("<BHBH", 5, 1, 2, start + 2)
    body = entries + b"ab" + array
    assert json_text(b"\0" + struct.pack("<HH", 2, len(body) + 4) + body) == '{"a": 1, "b": [true, "x"]}'
    assert json_text(b"\x0b" + struct.pack("<d", 2.5)) == "2.5"
    assert json_text(b"\x0c\x03\xc3\xbc!") == '"ü!"'
    assert json_text(b"") == "null"


@pytest.mark.parametrize(
    ("sql", "does"),
    [
        ("ALTER TABLE t ADD c INT", "shape"),
        ("alter online table `erp`.`t` modify v text comment 'rename to x'", "shape"),
        ("SET STATEMENT lock_wait_timeout=1 FOR ALTER TABLE t DROP v", "shape"),
        ("/* who */ ALTER TABLE t ADD COLUMN IF NOT EXISTS c INT", "shape"),
        ("ALTER TABLE t RENAME COLUMN v TO w", "shape"),
        ("ALTER TABLE t RENAME TO u", "gone"),
        ("ALTER TABLE x RENAME erp.t", "gone"),
        ("ALTER TABLE t DROP PARTITION p0", "gone"),
        ("ALTER TABLE p EXCHANGE PARTITION p0 WITH TABLE t", "gone"),
        ("TRUNCATE t", "gone"),
        ("DROP TABLE IF EXISTS `t` /* generated by server */", "gone"),
        ("DROP TABLE a, erp.t", "gone"),
        ("RENAME TABLE a TO b, t TO c", "gone"),
        ("DROP DATABASE erp", "gone"),
        ("CREATE OR REPLACE TABLE t (id INT)", "gone"),
        ("CREATE TABLE t (id INT)", "shape"),
        ("UPDATE t SET v = 1", "statement"),
        ("INSERT INTO erp.t SELECT 1", "statement"),
        ("ALTER TABLE other ADD FOREIGN KEY (a) REFERENCES t (id)", ""),
        ("ALTER TABLE shop.t ADD c INT", ""),
        ("ALTER TABLE tt ADD c INT", ""),
        ("CREATE TABLE u LIKE t", ""),
        ("CREATE TEMPORARY TABLE t (id INT)", ""),
        ("DROP DATABASE shop", ""),
        ("GRANT SELECT ON t TO x", ""),
        ("CREATE INDEX i ON t (v)", ""),
        ("ANALYZE TABLE t", ""),
        ("", ""),
    ],
)
def test_what_a_statement_does_to_a_table(sql: str, does: str) -> None:
    assert effect(sql, "erp", ("erp", "t")) == does
    if does and "erp" not in sql:
        assert effect(sql, "shop", ("erp", "t")) == ""
    assert effect(sql.replace("t ", "T "), "ERP", ("erp", "t"), folded=True) == does


def test_a_statement_is_told_with_its_schema() -> None:
    body = struct.pack("<IIBHH", 1, 0, 3, 0, 0) + b"erp\0TRUNCATE t"
    head = struct.pack("<IBIIIH", 1, 2, 7, 19 + len(body), 500, 0)
    assert Decoder().event(head + body) == Query("erp", "TRUNCATE t", 500 - 19 - len(body))
