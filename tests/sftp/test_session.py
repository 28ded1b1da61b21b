"""The protocol itself: requests as bytes, well-formed and not."""

from __future__ import annotations

import random
import struct
from typing import TYPE_CHECKING

import pytest

from sftp.protocol import EXTENSIONS, STATUS
from sftp.testing import PATIENCE_SECONDS, DropBox, dropbox

if TYPE_CHECKING:
    from collections.abc import Iterator

    import paramiko

pytestmark = pytest.mark.server


@pytest.fixture(scope="module")
def box(tmp_path_factory: pytest.TempPathFactory) -> Iterator[DropBox]:
    with dropbox(tmp_path_factory.mktemp("box")) as box:
        yield box


@pytest.fixture
def channel(box: DropBox) -> Iterator[paramiko.Channel]:
    with box.connected() as ssh:
        transport = ssh.get_transport()
        assert transport is not None
        with transport.open_session() as channel:
            channel.settimeout(PATIENCE_SECONDS)
            channel.invoke_subsystem("sftp")
            yield channel


def string(data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + data


def send(channel: paramiko.Channel, packet: bytes) -> None:
    channel.sendall(struct.pack(">I", len(packet)) + packet)


def receive(channel: paramiko.Channel) -> bytes:
    def exactly(count: int) -> bytes:
        data = b""
        while len(data) < count:
            more = channel.recv(count - len(data))
            if not more:
                raise EOFError
            data += more
        return data

    return exactly(int.from_bytes(exactly(4), "big"))


def hello(channel: paramiko.Channel) -> bytes:
    send(channel, b"\x01" + struct.pack(">I", 3))
    return receive(channel)


def ask(channel: paramiko.Channel, kind: int, fields: bytes, number: int = 7) -> bytes:
    send(channel, bytes([kind]) + struct.pack(">I", number) + fields)
    return receive(channel)


def code(reply: bytes) -> str:
    assert reply[0] == 101, reply
    return {value: name for name, value in STATUS.items()}[int.from_bytes(reply[5:9], "big")]


def test_the_greeting_names_the_extensions(channel: paramiko.Channel) -> None:
    reply = hello(channel)
    assert reply == b"\x02" + struct.pack(">I", 3) + b"".join(
        string(name.encode()) + string(data.encode()) for name, data in EXTENSIONS
    )


def test_limits_tell_openssh_to_send_large_pieces(channel: paramiko.Channel) -> None:
    hello(channel)
    reply = ask(channel, 200, string(b"limits@openssh.com"))
    assert reply[0] == 201
    assert struct.unpack(">QQQQ", reply[5:]) == (262144, 261120, 261120, 64)


def test_replies_carry_the_number_of_their_request(channel: paramiko.Channel) -> None:
    hello(channel)
    for number in (0, 1, 0xFFFFFFFF):
        assert ask(channel, 17, string(b"/inbox"), number)[1:5] == struct.pack(">I", number)


def test_fsync_is_done_on_an_upload(channel: paramiko.Channel, box: DropBox) -> None:
    hello(channel)
    handle = ask(channel, 3, string(b"/inbox/synced.csv") + struct.pack(">II", 0x1A, 0))[5:]
    assert code(ask(channel, 6, handle + struct.pack(">Q", 0) + string(b"a,b\n"))) == "ok"
    assert code(ask(channel, 200, string(b"fsync@openssh.com") + handle)) == "ok"
    assert code(ask(channel, 4, handle)) == "ok"
    assert box.received.wait(1)[0].name == "synced.csv"


@pytest.mark.parametrize(
    ("kind", "fields", "expected"),
    [
        pytest.param(3, b"", "bad message", id="no fields"),
        pytest.param(3, struct.pack(">I", 0xFFFFFFFF) + b"/inbox/a", "bad message", id="a string past the packet"),
        pytest.param(17, string(b"/inbox/\xff"), "failure", id="a name that is not UTF-8"),
        pytest.param(3, string(b"/inbox/a\nb") + struct.pack(">II", 0x1A, 0), "failure", id="a line end in a name"),
        pytest.param(17, string(b"/inbox/a\0b"), "failure", id="a NUL in a name"),
        pytest.param(17, string(b"/inbox/" + b"a" * 300), "failure", id="a name too long to look for"),
        pytest.param(
            9,
            string(b"/inbox") + struct.pack(">II", 0x80000000, 0xFFFFFFFF),
            "bad message",
            id="attributes that count four billion extensions",
        ),
        pytest.param(5, string(b"x") + struct.pack(">QI", 0, 0x7FFFFFFF), "failure", id="an unknown handle"),
        pytest.param(4, string(b"x"), "failure", id="closing an unknown handle"),
        pytest.param(200, string(b"check-file") + bytes(40), "unsupported", id="an extension we do not speak"),
        pytest.param(99, b"", "unsupported", id="a request that does not exist"),
        pytest.param(20, string(b"/etc/passwd") + string(b"/outbox/a"), "permission denied", id="a link"),
    ],
)
def test_a_request_that_cannot_be_done_is_answered_and_the_session_goes_on(
    channel: paramiko.Channel, kind: int, fields: bytes, expected: str
) -> None:
    hello(channel)
    assert code(ask(channel, kind, fields)) == expected
    assert ask(channel, 17, string(b"/"))[0] == 105


def test_a_read_of_two_gigabytes_gets_what_one_packet_holds(channel: paramiko.Channel, box: DropBox) -> None:
    hello(channel)
    (box.root / "acme" / "outbox" / "large").write_bytes(bytes(1_000_000))
    handle = ask(channel, 3, string(b"/outbox/large") + struct.pack(">II", 1, 0))[5:]
    reply = ask(channel, 5, handle + struct.pack(">QI", 0, 0x7FFFFFFF))
    assert (reply[0], len(reply)) == (103, 9 + 261120)
    assert code(ask(channel, 5, handle + struct.pack(">QI", 1_000_000, 10))) == "end of file"


@pytest.mark.parametrize("data", [b"\xff\xff\xff\xff", b"\x00\x00\x00\x00", b"GET / HTTP/1.1\r\n\r\n"])
def test_what_is_not_sftp_ends_the_session(channel: paramiko.Channel, data: bytes) -> None:
    channel.sendall(data)
    assert channel.recv(1) == b""


def test_a_clean_end_is_reported_as_exit_status_zero(channel: paramiko.Channel) -> None:
    hello(channel)
    channel.shutdown_write()
    assert channel.recv_exit_status() == 0


def test_random_packets_neither_stop_the_session_nor_leave_the_folders(channel: paramiko.Channel, box: DropBox) -> None:
    hello(channel)
    chance = random.Random(4711)
    parts = [
        string(b"/inbox/fuzz"),
        string(b"/outbox/../.."),
        string(b"1"),
        struct.pack(">I", 0x1A),
        bytes(8),
        b"\xff" * 4,
    ]
    for _ in range(600):
        fields = b"".join(chance.choices(parts, k=chance.randint(0, 5)))
        reply = ask(channel, chance.choice([*range(3, 21), 200, 255]), fields)
        assert reply[0] in {101, 102, 103, 104, 105, 201}
    assert sorted(path.name for path in box.root.iterdir()) == ["acme"]
    assert sorted(path.name for path in (box.root / "acme").iterdir()) == ["held", "inbox", "outbox", "stage", "test"]


def test_what_is_not_sftp_ends_the_session_and_is_told_with_its_partner(
    channel: paramiko.Channel, box: DropBox
) -> None:
    channel.sendall(b"GET / HTTP/1.1\r\n\r\n")
    assert channel.recv(1) == b""
    told = box.told.wait("session_failed")
    assert (told.partner, told.user, told.address) == ("acme", "acme", "127.0.0.1")
    assert told.message == "the client sent what is not SFTP"
