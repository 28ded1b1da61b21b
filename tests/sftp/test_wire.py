"""The seams of paramiko that the wire depends on, and what a hostile peer sends through them."""

from __future__ import annotations

import socket
import struct
import threading
from contextlib import suppress
from typing import TYPE_CHECKING

import paramiko
import pytest
from paramiko.auth_handler import AuthHandler
from paramiko.common import MSG_CHANNEL_DATA, MSG_EXT_INFO, MSG_USERAUTH_INFO_RESPONSE
from paramiko.message import Message
from paramiko.packet import Packetizer

from sftp import wire
from sftp.login import Login
from sftp.testing import HOST, PATIENCE_SECONDS, DropBox, dropbox
from sftp.wire import COMPATIBLE, MODERN, PACKET_BYTES_MAX, Transport, Wire

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = pytest.mark.server


@pytest.fixture(scope="module")
def box(tmp_path_factory: pytest.TempPathFactory) -> Iterator[DropBox]:
    with dropbox(tmp_path_factory.mktemp("box")) as box:
        yield box


@pytest.fixture
def pair() -> Iterator[tuple[socket.socket, socket.socket]]:
    with socket.create_server((HOST, 0)) as listener:
        client = socket.create_connection(listener.getsockname())
        server, _ = listener.accept()
        with client, server:
            yield client, server


def announced(box: DropBox) -> dict[str, list[str]]:
    """What the server offers, from its KEXINIT (RFC 4253 section 7.1)."""
    with socket.create_connection((HOST, box.server.port)) as peer:
        peer.sendall(b"SSH-2.0-test\r\n")
        data = b""
        while len(data) < 1000 and (more := peer.recv(4096)):
            data += more
            if data.endswith(b"\0" * 4):
                break
    packet = data.partition(b"\r\n")[2]
    fields = Message(packet[5 + 1 + 16 :])
    names = ("kex", "hostkeys", "ciphers", "_", "macs", "_", "compression")
    return {name: fields.get_list() for name in names}


def test_only_modern_algorithms_are_offered(box: DropBox) -> None:
    offered = announced(box)
    assert set(offered["kex"]) - {"kex-strict-s-v00@openssh.com"} <= set(MODERN.kex)
    assert "curve25519-sha256" in offered["kex"]
    assert offered["hostkeys"] == ["ssh-ed25519", "rsa-sha2-512", "rsa-sha2-256"]
    assert offered["ciphers"] == list(MODERN.ciphers)
    assert offered["macs"] == list(MODERN.macs)
    assert offered["compression"] == ["none"]


def test_no_list_offers_what_is_broken() -> None:
    for algorithms in (MODERN, COMPATIBLE):
        names = [*algorithms.kex, *algorithms.ciphers, *algorithms.macs, *algorithms.hostkeys]
        assert not [name for name in names if "sha1" in name or "md5" in name or "cbc" in name or "exchange" in name]
        assert "ssh-rsa" not in names


@pytest.mark.parametrize("name", ["_read_timeout", "read_all", "read_message"])
def test_the_packetizer_still_has_the_methods_that_are_bounded(name: str) -> None:
    assert callable(getattr(Packetizer, name))


@pytest.mark.parametrize(
    "name",
    ["_log", "_parse_newkeys", "_kex_info", "_preferred_pubkeys", "_channel_handler_table", "_active_check_timeout"],
)
def test_the_transport_still_has_the_names_that_are_replaced(name: str) -> None:
    assert name in vars(paramiko.Transport)
    assert name in vars(Transport)
    assert vars(paramiko.Transport)["_channel_handler_table"][MSG_CHANNEL_DATA]


@pytest.mark.parametrize("name", ["_send_auth_result", "_generate_key_from_request"])
def test_logging_in_still_has_the_names_that_are_replaced(name: str) -> None:
    assert name in vars(AuthHandler)
    assert name in vars(Login)


def test_answers_leave_at_once(pair: tuple[socket.socket, socket.socket]) -> None:
    Wire(pair[1])
    assert pair[1].getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)


def test_the_wire_gives_every_byte_in_order_whatever_is_asked_for(pair: tuple[socket.socket, socket.socket]) -> None:
    client, server = pair
    data = bytes(range(256)) * 8
    client.sendall(data)
    client.shutdown(socket.SHUT_WR)
    ours, got, sizes = Wire(server), b"", [1, 16, 500, 3, 100_000]
    while piece := ours.recv(sizes[len(got) % len(sizes)]):
        got += piece
    assert got == data


@pytest.mark.parametrize(("pieces", "delivered"), [(1, True), (1000, False)])
def test_what_the_peer_acknowledged_was_delivered_and_stays_so_when_the_connection_ends(
    pieces: int, delivered: bool
) -> None:
    with (
        socket.create_server(("127.0.0.1", 0)) as listener,
        socket.create_connection(listener.getsockname()) as client,
    ):
        ours = Wire(listener.accept()[0])
        ours.settimeout(0.05)
        with suppress(TimeoutError):
            for _ in range(pieces):
                ours.send(bytes(100_000))
        if delivered:
            client.recv(100_000, socket.MSG_WAITALL)
        client.shutdown(socket.SHUT_WR)
        ours.settimeout(PATIENCE_SECONDS)
        assert ours.recv(1) == b""
        assert ours.delivered() is delivered
        ours.close()
        assert ours.delivered() is delivered


def test_closing_the_wire_wakes_whoever_reads_it(pair: tuple[socket.socket, socket.socket]) -> None:
    ours = Wire(pair[1])
    got: list[bytes] = []

    def read() -> None:
        with suppress(OSError):  # when it is closed before the thread comes to read
            got.append(ours.recv(1))

    reader = threading.Thread(target=read)
    reader.start()
    ours.close()
    ours.close()
    reader.join(PATIENCE_SECONDS)
    assert not reader.is_alive()
    assert got in ([], [b""])


def fill(ours: Wire) -> None:
    while True:
        ours.send(bytes(1 << 20))


def test_a_peer_that_takes_nothing_is_dropped(pair: tuple[socket.socket, socket.socket]) -> None:
    now = [0.0]
    ours = Wire(pair[1], stall_seconds=60, monotonic=lambda: now[0])
    ours.settimeout(0.2)  # the kernel may pass on later what it has taken, and then have room for more
    with pytest.raises(TimeoutError):
        fill(ours)
    now[0] = 59.0
    with pytest.raises(TimeoutError):
        ours.send(b"x")
    now[0] = 61.0
    with pytest.raises(EOFError):
        ours.send(b"x")


# Hostile peers ----------------------------------------------------------------------------------------------------


def greeted(box: DropBox) -> paramiko.Transport:
    """A client's transport after the key exchange, before any login."""
    transport = paramiko.Transport((HOST, box.server.port))
    transport.start_client()
    return transport


def transports(box: DropBox) -> list[threading.Thread]:
    return [c._transport for c in list(box.server._connections)]


def ended(box: DropBox, before: list[threading.Thread]) -> None:
    """Every server thread that came since `before` has ended."""
    for thread in transports(box):
        if thread not in before:
            thread.join(PATIENCE_SECONDS)
            assert not thread.is_alive()


@pytest.mark.parametrize("kind", [MSG_EXT_INFO, MSG_USERAUTH_INFO_RESPONSE])
def test_a_count_that_the_message_does_not_hold_ends_the_connection(box: DropBox, kind: int) -> None:
    before = transports(box)
    with greeted(box) as transport:
        message = Message()
        message.add_byte(bytes([kind]))
        message.add_int(0xFFFFFFFF)
        transport._send_message(message)  # type: ignore[attr-defined]
        transport.join(PATIENCE_SECONDS)
        assert not transport.is_active()
    ended(box, before)


def test_an_announced_packet_past_the_limit_ends_the_connection_before_it_is_read(box: DropBox) -> None:
    with socket.create_connection((HOST, box.server.port)) as peer:
        peer.settimeout(PATIENCE_SECONDS)
        peer.sendall(b"SSH-2.0-test\r\n" + struct.pack(">I", 0x7FFFFFF4) + bytes(64))
        with suppress(ConnectionError):
            while peer.recv(65536):
                pass


def test_an_endless_identification_ends_the_connection(box: DropBox) -> None:
    with socket.create_connection((HOST, box.server.port)) as peer:
        peer.settimeout(PATIENCE_SECONDS)
        peer.sendall(b"x" * (wire._BANNER_BYTES_MAX + 1000))
        with suppress(ConnectionError):
            while peer.recv(4096):
                pass


def test_a_channel_before_login_is_refused(box: DropBox) -> None:
    with greeted(box) as transport, pytest.raises(paramiko.ChannelException, match="prohibited"):
        transport.open_session(timeout=PATIENCE_SECONDS)


def test_data_past_the_window_ends_the_connection(box: DropBox) -> None:
    before = transports(box)
    with box.connected() as ssh:
        transport = ssh.get_transport()
        assert transport is not None
        channel = transport.open_session()  # no subsystem: nobody reads
        message = Message()
        message.add_byte(bytes([MSG_CHANNEL_DATA]))
        message.add_int(channel.remote_chanid)
        message.add_string(bytes(32_000))
        for _ in range((wire._WINDOW_BYTES + PACKET_BYTES_MAX) // 32_000 + 2):
            try:
                transport._send_message(message)  # type: ignore[attr-defined]
            except (OSError, EOFError):
                break
        transport.join(PATIENCE_SECONDS)
        assert not transport.is_active()
    ended(box, before)
