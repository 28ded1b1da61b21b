"""What a hostile server says harms nobody: it is refused, within bounds, and nothing is written elsewhere."""

from __future__ import annotations

import socket
import struct
import threading
from typing import TYPE_CHECKING, Any

import paramiko
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from sftp import dialogue, protocol
from sftp.client import Found, Remote, connect, private_key
from sftp.errors import Changed, Retry, SftpError, Stop
from sftp.protocol import string
from sftp.pull import DELETE, Pull, Watch
from sftp.testing import PATIENCE_SECONDS
from sftp.transfer import UNDER_WAY, fetch
from tests.sftp.hostile import Anybody, attributes, data, handle, hostile, names, nothing_but, packet, status
from tests.sftp.test_pull import Memory

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from sftp.client import Client


@pytest.fixture(scope="module")
def key() -> paramiko.PKey:
    pem = Ed25519PrivateKey.generate().private_bytes(Encoding.PEM, PrivateFormat.OpenSSH, NoEncryption())
    return private_key(pem.decode())


def fetched(client: Client, tmp_path: Path, **more: Any) -> None:
    with (tmp_path / "part").open("a+b") as part:
        fetch(client, "/a", Found("a", 1000, 1_700_000_000), part, **more)


READS = {
    "more than was asked for": lambda number, _: data(number, b"x" * 1001),
    "far more than was asked for": lambda number, _: data(number, b"x" * 200_000),
    "nothing": lambda number, _: data(number, b""),
    "a packet of 2 GB": lambda number, _: struct.pack(">IBI", 2**31, protocol.DATA, number),
    "a string longer than its packet": lambda number, _: packet(protocol.DATA, number, struct.pack(">I", 2**32 - 1)),
    "an empty packet": lambda _number, _: struct.pack(">I", 0),
    "another kind": lambda number, _: names(number, ("x", 1)),
    "to another question": lambda number, _: data(number + 7, b"x"),
    "an answer twice": lambda number, _: data(number, b"x") * 2,
    "silence": lambda _number, _: None,
}


@pytest.mark.parametrize("answer", READS.values(), ids=READS.keys())
def test_a_read_that_is_answered_otherwise_ends_the_conversation(
    key: paramiko.PKey, tmp_path: Path, answer: Any
) -> None:
    with hostile(key, {dialogue.READ: answer}) as client:
        if answer is READS["silence"]:
            client.dialogue._channel.settimeout(0.3)
        with pytest.raises(Retry):
            fetched(client, tmp_path)
    assert (tmp_path / "part").stat().st_size <= 1000


def test_crumbs_of_what_comes_later_are_taken_within_bounds(key: paramiko.PKey, tmp_path: Path) -> None:
    size = 32 * 1024 * UNDER_WAY
    first: list[int] = []

    def answer(number: int, payload: bytes) -> bytes | None:
        offset = int.from_bytes(payload[-12:-4], "big")
        if offset == 0:
            first.append(number)
            return None  # what comes next never comes
        return data(number, b"x")

    look = {dialogue.FSTAT: lambda number, _: packet(protocol.ATTRS, number, attributes(size))}
    with (
        hostile(key, {**look, dialogue.READ: answer}) as client,
        (tmp_path / "part").open("a+b") as part,
        pytest.raises(Retry, match="crumbs"),
    ):
        fetch(client, "/a", Found("a", size, 1_700_000_000), part)
    assert first


def test_a_server_that_sends_a_byte_now_and_then_is_given_up(key: paramiko.PKey, tmp_path: Path) -> None:
    seconds = iter(range(0, 10_000, 30))
    with hostile(key, {}) as client, pytest.raises(Retry, match="less than"):
        fetched(client, tmp_path, monotonic=lambda: float(next(seconds)))


def test_a_file_that_grows_for_ever_is_not_followed(key: paramiko.PKey, tmp_path: Path) -> None:
    grows = iter(range(1000, 10**6))
    look = {dialogue.FSTAT: lambda number, _: packet(protocol.ATTRS, number, attributes(next(grows)))}
    with hostile(key, look) as client, pytest.raises(Changed):
        fetched(client, tmp_path)
    assert (tmp_path / "part").stat().st_size <= 1000


@pytest.mark.parametrize("name", [b"", b"h" * 257, b"h" * 100_000], ids=["empty", "257 bytes", "100 kB"])
def test_a_handle_that_is_none_is_refused(key: paramiko.PKey, name: bytes) -> None:
    with (
        hostile(key, {dialogue.OPENDIR: lambda number, _: handle(number, name)}) as client,
        pytest.raises(Retry, match="handle"),
    ):
        client.listing("/out")


def test_an_endless_listing_has_an_end(key: paramiko.PKey) -> None:
    counted = iter(range(10**9))

    def answer(number: int, _: bytes) -> bytes:
        return names(number, *((f"{next(counted)}.edi", 1) for _ in range(100)))

    with hostile(key, {dialogue.READDIR: answer}) as client, pytest.raises(Stop, match="more than 1000 entries"):
        client.listing("/out", names_max=1000)
    assert next(counted) <= 1200


def test_a_listing_of_the_same_name_for_ever_has_an_end(key: paramiko.PKey) -> None:
    same = {dialogue.READDIR: lambda number, _: names(number, *(("a.edi", 1),) * 100)}
    with hostile(key, same) as client, pytest.raises(Stop):
        client.listing("/out", names_max=1000)


def test_a_listing_of_huge_names_has_an_end(key: paramiko.PKey) -> None:
    counted = iter(range(10**9))
    huge = {dialogue.READDIR: lambda number, _: names(number, (f"{next(counted):0200000}", 1))}
    with hostile(key, huge) as client, pytest.raises(Stop):
        client.listing("/out")
    assert next(counted) < 200


LISTINGS = {
    "no names for ever": lambda number, _: names(number),
    "four billion names": lambda number, _: packet(protocol.NAME, number, struct.pack(">I", 2**32 - 1)),
    "four billion attributes": lambda number, _: packet(
        protocol.NAME, number, struct.pack(">I", 1) + string("a") + string("a") + struct.pack(">II", 2**31, 2**32 - 1)
    ),
}


@pytest.mark.parametrize("answer", LISTINGS.values(), ids=LISTINGS.keys())
def test_a_listing_that_cannot_be_ends_the_conversation(key: paramiko.PKey, answer: Any) -> None:
    with hostile(key, {dialogue.READDIR: answer}) as client, pytest.raises(Retry):
        client.listing("/out")


@pytest.mark.parametrize(
    "greeting",
    [struct.pack(">IBI", 5, protocol.VERSION, 6), struct.pack(">IB", 1, protocol.VERSION), b"Welcome to our server!\n"],
    ids=["version 6", "no version", "words"],
)
def test_a_greeting_that_is_none_ends_the_conversation(key: paramiko.PKey, greeting: bytes) -> None:
    with pytest.raises(Retry, match="does not speak SFTP"), hostile(key, {}, greeting=greeting):
        pass


NAMES: list[str | bytes] = [
    "../../../../tmp/evil.edi", "/etc/passwd", "..", ".", "", "a/b.edi", "a\x00.edi", "a\nb.edi", "\x1b[2J.edi",
    "x" * 300, b"..\xff/\xfe.edi",
]  # fmt: skip


def listing_of(*entries: tuple[str | bytes, int]) -> Callable[[int, bytes], bytes]:
    """What answers the first READDIR with these, and the next with the end."""
    pages = iter([True, False])
    return lambda number, _: names(number, *entries) if next(pages) else status(number, 1)


def test_names_that_lead_elsewhere_are_not_touched(key: paramiko.PKey, tmp_path: Path) -> None:
    touched: list[bytes] = []

    def refused(number: int, payload: bytes) -> bytes:
        touched.append(payload)
        return status(number, 3)

    answers = {
        dialogue.READDIR: listing_of(*((name, 4) for name in NAMES)),
        dialogue.OPEN: refused,
        dialogue.REMOVE: refused,
    }
    memory = Memory()
    with hostile(key, answers) as client:
        watch = Watch("sftp://x/out", "/out", tmp_path / "here" / "stage", after=DELETE, settle_seconds=0.0)
        turn = Pull().turn(client, watch, memory)
    assert (turn.listed, turn.taken, memory.arrivals) == (0, 0, {})
    assert len(turn.problems) == len(NAMES) - 4  # "..", ".", "" and the hidden one are no files at all
    assert not any(not char.isprintable() for problem in turn.problems for char in problem)
    assert touched == []
    assert nothing_but(tmp_path) == ["here", "here/stage"]


def test_a_file_is_written_under_our_name_whatever_it_is_called(key: paramiko.PKey, tmp_path: Path) -> None:
    answers = {
        dialogue.READDIR: listing_of(("~p_orders*?.edi", 1), ("c:\\x.edi", 1)),
        dialogue.FSTAT: lambda number, _: packet(protocol.ATTRS, number, attributes(1)),
    }
    memory = Memory()
    with hostile(key, answers) as client:
        watch = Watch("sftp://x/out", "/out", tmp_path / "stage", settle_seconds=0.0)
        Pull().turn(client, watch, memory)
    assert [name for name, _ in memory.contents()] == ["c:\\x.edi"]
    assert nothing_but(tmp_path) == ["stage"]


@pytest.mark.parametrize("size", [2**64 - 1, 2**63, 10**15])
def test_a_size_beyond_all_bounds_is_refused(key: paramiko.PKey, tmp_path: Path, size: int) -> None:
    with hostile(key, {dialogue.READDIR: listing_of(("a.edi", size))}) as client:
        watch = Watch("sftp://x/out", "/out", tmp_path / "s", settle_seconds=0.0, file_bytes_max=2**30)
        turn = Pull().turn(client, watch, Memory())
    assert "at most 1073741824 are taken" in turn.problems[0]


def test_what_a_server_says_is_shown_without_its_control_characters(key: paramiko.PKey) -> None:
    said = {dialogue.OPENDIR: lambda number, _: status(number, 4, "\x1b[31mred\n" + "x" * 10_000)}
    with hostile(key, said) as client, pytest.raises(SftpError) as refused:
        client.listing("/out")
    assert refused.value.message.isprintable()
    assert len(refused.value.message) < 300


class NeverAnswering(Anybody):
    """Takes the request for SFTP, and does not say whether it is granted."""

    def check_channel_subsystem_request(self, channel: paramiko.Channel, name: str) -> bool:  # noqa: ARG002
        threading.Event().wait(5.0)
        return False


class Pondering(Anybody):
    """Does not say whether somebody is let in."""

    over = threading.Event()

    def check_auth_password(self, username: str, password: str) -> int:  # noqa: ARG002
        self.over.wait(PATIENCE_SECONDS)
        return paramiko.common.AUTH_FAILED


def test_a_server_that_does_not_say_whether_we_are_let_in_is_tried_again(key: paramiko.PKey) -> None:
    try:
        with (
            pytest.raises(Retry, match="does not say within 2 s"),
            hostile(key, {}, connect_seconds=2.0, server=Pondering),
        ):
            pass
    finally:
        Pondering.over.set()


def test_a_server_that_does_not_answer_the_request_for_sftp_is_hung_up_on(key: paramiko.PKey) -> None:
    with pytest.raises(Retry), hostile(key, {}, connect_seconds=0.3, server=NeverAnswering):
        pass


def test_a_server_that_says_nothing_at_all_is_hung_up_on() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent, pytest.raises(Retry):
        connect(Remote("127.0.0.1", silent.getsockname()[1], "x", ("SHA256:x",), connect_seconds=0.3))


def test_an_answer_that_takes_for_ever_is_not_waited_for(key: paramiko.PKey) -> None:
    seconds = iter(range(0, 10**6, 1000))

    def dribbled(number: int, _: bytes) -> bytes:
        return struct.pack(">IBI", 200_000, protocol.HANDLE, number) + b"x"

    with hostile(key, {dialogue.OPENDIR: dribbled}) as client:
        client.dialogue._monotonic = lambda: float(next(seconds))
        with pytest.raises(Retry, match="for ever"):
            client.listing("/out")
