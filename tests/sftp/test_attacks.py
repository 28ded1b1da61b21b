"""What a hostile client may try, with a login and without: it gets nothing, and the others go on.

Each attack is made against a real server on the loopback address. Those on single seams of paramiko stand in
`test_wire`, those on the protocol's fields in `test_session`, guessing and crowding in `test_login`.
"""

from __future__ import annotations

import socket
import struct
import threading
import time
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import paramiko
import pytest
from paramiko.common import (
    MSG_CHANNEL_OPEN,
    MSG_IGNORE,
    MSG_KEXINIT,
    MSG_USERAUTH_REQUEST,
    MSG_USERAUTH_SUCCESS,
)
from paramiko.message import Message

from sftp import auth
from sftp.auth import Account, Doorkeeper, hash_password
from sftp.quota import Allowances, Quota
from sftp.requests import SessionLimits
from sftp.server import Limits
from sftp.testing import HOST, PATIENCE_SECONDS, DropBox, dropbox
from tests.sftp.test_session import ask, code, hello, receive, send, string

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

pytestmark = pytest.mark.server


@pytest.fixture(scope="module")
def box(tmp_path_factory: pytest.TempPathFactory) -> Iterator[DropBox]:
    limits = Limits(connects_burst=10_000, ban_failures=10_000)
    folder = tmp_path_factory.mktemp("box")
    with dropbox(folder, partners=("acme", "other"), password="correct horse", limits=limits) as box:
        (folder / "secret").write_text("of the machine")
        yield box
        with box.client("other") as client:  # after all of it, others are served
            assert client.listdir("/") == ["inbox", "outbox", "test"]


def greeted(box: DropBox) -> paramiko.Transport:
    transport = paramiko.Transport((HOST, box.server.port))
    transport.start_client()
    return transport


def say(transport: paramiko.Transport, kind: int, *fields: str | int | bytes) -> None:
    """Send a message as no client of paramiko would."""
    message = Message()
    message.add_byte(bytes([kind]))
    for field in fields:
        message.add(field)
    transport._send_message(message)  # type: ignore[attr-defined]


def lost(peer: socket.socket) -> None:
    """The server ends the connection."""
    peer.settimeout(PATIENCE_SECONDS)
    with suppress(ConnectionError):
        while peer.recv(65536):
            pass


# Before the login -------------------------------------------------------------------------------------------------


def test_a_client_cannot_say_by_itself_that_it_is_logged_in(box: DropBox) -> None:
    with greeted(box) as transport:
        say(transport, MSG_USERAUTH_SUCCESS)
        with pytest.raises((paramiko.SSHException, EOFError)):
            transport.open_session(timeout=PATIENCE_SECONDS)


def test_a_channel_is_not_opened_by_bare_bytes_either(box: DropBox) -> None:
    with greeted(box) as transport:
        say(transport, MSG_CHANNEL_OPEN, "session", 0, 1 << 20, 1 << 15)
        with pytest.raises((paramiko.SSHException, EOFError)):
            transport.open_session(timeout=PATIENCE_SECONDS)
    assert ("", HOST) not in box.server.sessions()


def test_a_packet_slipped_into_the_strict_key_exchange_ends_it(box: DropBox) -> None:
    """Terrapin, CVE-2023-48795: what is ignored before the keys are new moves the count of packets."""
    transport = paramiko.Transport((HOST, box.server.port))
    original = transport._send_kex_init  # type: ignore[attr-defined]

    def slipped() -> None:
        original()
        say(transport, MSG_IGNORE, "slipped in")

    transport._send_kex_init = slipped  # type: ignore[attr-defined]
    with transport, pytest.raises((paramiko.SSHException, EOFError)):
        transport.start_client(timeout=PATIENCE_SECONDS)


def test_a_user_cannot_become_another_between_two_attempts(box: DropBox) -> None:
    with greeted(box) as transport:
        with pytest.raises(paramiko.AuthenticationException):
            transport.auth_password("nobody", "wrong", fallback=False)
        key = paramiko.Ed25519Key.from_private_key_file(str(box.key_file))
        with pytest.raises((paramiko.SSHException, EOFError)):
            transport.auth_publickey("acme", key)
        assert not transport.is_authenticated()


def test_asking_whether_a_key_fits_is_no_login(box: DropBox) -> None:
    key = paramiko.Ed25519Key.from_private_key_file(str(box.key_file))
    with greeted(box) as transport:
        say(transport, 5, "ssh-userauth")
        fields = ("acme", "ssh-connection", "publickey")
        for _ in range(3):
            say(transport, MSG_USERAUTH_REQUEST, *fields, False, "ssh-ed25519", key.asbytes())
        with pytest.raises((paramiko.SSHException, EOFError)):
            transport.open_session(timeout=PATIENCE_SECONDS)


@pytest.mark.parametrize("option", ["ciphers", "digests", "kex"])
def test_weak_algorithms_find_no_agreement(box: DropBox, option: str) -> None:
    weak = {"ciphers": ("aes128-cbc",), "digests": ("hmac-md5", "hmac-sha1"), "kex": ("diffie-hellman-group14-sha256",)}
    transport = paramiko.Transport((HOST, box.server.port))
    options = transport.get_security_options()
    setattr(options, option, weak[option])
    if option == "digests":
        options.ciphers = ("aes128-ctr", "aes256-ctr")  # one of whose packets a digest is wanted
    with transport, pytest.raises((paramiko.SSHException, EOFError)):
        transport.start_client(timeout=PATIENCE_SECONDS)


@pytest.mark.parametrize(
    "begin",
    [
        b"",
        b"SSH-2.0-slow",
        b"SSH-2.0-slow\r\n",
        b"SSH-2.0-slow\r\n" + struct.pack(">IB", 1000, 4) + bytes([MSG_KEXINIT]),
    ],
    ids=["silence", "half an identification", "no key exchange", "half a key exchange"],
)
def test_a_slow_handshake_is_ended_in_time_however_it_is_dribbled(tmp_path: Path, begin: bytes) -> None:
    over, now = threading.Event(), [0.0]
    with (
        dropbox(tmp_path, limits=Limits(grace_seconds=3), collecting=False, monotonic=lambda: now[0]) as box,
        socket.create_connection((HOST, box.server.port)) as peer,
    ):
        peer.settimeout(PATIENCE_SECONDS)
        assert peer.recv(100).startswith(b"SSH-2.0-")
        peer.sendall(begin)

        def dribble() -> None:
            with suppress(OSError):
                while not over.wait(0.05):
                    peer.sendall(b"x")

        dribbling = threading.Thread(target=dribble)
        dribbling.start()
        now[0] = 3.1
        try:
            lost(peer)
        finally:
            over.set()
            dribbling.join()
        with box.client() as client:  # others are served
            assert client.listdir("/") == ["inbox", "outbox", "test"]


def test_an_unknown_user_costs_the_same_work(monkeypatch: pytest.MonkeyPatch) -> None:
    """The work is counted, not the time: one check of one hash of the same cost."""
    checked: list[str] = []

    class Counting:
        def __init__(self, hasher: Any) -> None:
            self._hasher = hasher

        def __getattr__(self, name: str) -> Any:
            return getattr(self._hasher, name)

        def verify(self, kept: str, password: str) -> bool:
            checked.append(kept.rsplit("$", 2)[0])
            return bool(self._hasher.verify(kept, password))

    monkeypatch.setattr(auth, "_HASHER", Counting(auth._HASHER))
    known = Account("acme", "acme", password_hash=hash_password("right"))
    keyed = Account("keyed", "keyed")
    away = Account("away", "away", password_hash=hash_password("right"), networks=("192.0.2.0/24",))
    keeper = Doorkeeper(lambda: {each.user: each for each in (known, keyed, away)})
    for user in ("acme", "keyed", "away", "nobody"):
        assert not keeper.knows_password(user, "wrong", HOST)
    assert len(checked) == 4
    assert len(set(checked)) == 1


# With a login -----------------------------------------------------------------------------------------------------


@pytest.fixture
def channel(box: DropBox) -> Iterator[paramiko.Channel]:
    with box.connected() as ssh:
        transport = ssh.get_transport()
        assert transport is not None
        with transport.open_session() as channel:
            channel.settimeout(PATIENCE_SECONDS)
            channel.invoke_subsystem("sftp")
            hello(channel)
            yield channel


WAYS_OUT = [
    *("/../secret", "//../../secret", "/inbox/../../secret", "inbox/../../../secret", "/inbox/..%2f..%2fsecret"),
    *("/test/../../secret", "/other/outbox/letter", "/inbox/../../other/outbox/letter", "/test/../other/inbox"),
    *("/stage/a", "/held/a", "/outgoing/a", "/inbox/./../held/a", "/etc/passwd", "\\..\\secret", "/inbox/link/secret"),
]


@pytest.mark.parametrize("path", WAYS_OUT)
def test_no_path_leads_out(box: DropBox, channel: paramiko.Channel, path: str) -> None:
    other = box.root / "other" / "outbox" / "letter"
    other.parent.mkdir(parents=True, exist_ok=True)
    other.write_text("for other")
    link = box.root / "acme" / "inbox" / "link"
    link.unlink(missing_ok=True)
    link.symlink_to(box.root.parent)
    name = string(path.encode())
    for kind, fields in ((3, struct.pack(">II", 1, 0)), (17, b""), (7, b""), (11, b""), (13, b""), (15, b"")):
        assert ask(channel, kind, name + fields)[0] == 101, kind
    target = string(b"/inbox/mine")
    for kind, fields in ((18, name + target), (18, target + name), (20, name + target), (20, target + name)):
        assert code(ask(channel, kind, fields)) != "ok"
    assert code(ask(channel, 200, string(b"posix-rename@openssh.com") + name + target)) != "ok"
    assert code(ask(channel, 200, string(b"hardlink@openssh.com") + name + target)) != "ok"
    assert other.read_text() == "for other"
    assert (box.root.parent / "secret").read_text() == "of the machine"
    link.unlink()


@pytest.mark.parametrize("flags", [0x02 | 0x08, 0x02 | 0x08 | 0x10, 0x02, 0x1A | 0x04])
def test_a_link_in_the_way_is_neither_written_nor_read(box: DropBox, channel: paramiko.Channel, flags: int) -> None:
    victim = box.root.parent / "secret"
    for folder in ("inbox", "outbox", "stage"):
        link = box.root / "acme" / folder / "trap"
        link.unlink(missing_ok=True)
        link.symlink_to(victim)
    where = "outbox" if flags == 0x02 else "inbox"
    reply = ask(channel, 3, string(f"/{where}/trap".encode()) + struct.pack(">II", flags, 0))
    if reply[0] == 102:
        ask(channel, 6, reply[5:] + struct.pack(">Q", 0) + string(b"overwritten"))
        ask(channel, 4, reply[5:])
    assert ask(channel, 3, string(b"/outbox/trap") + struct.pack(">II", 1, 0))[0] == 101
    assert victim.read_text() == "of the machine"
    for folder in ("inbox", "outbox", "stage"):
        (box.root / "acme" / folder / "trap").unlink(missing_ok=True)


def test_size_by_attributes_neither_empties_nor_grows_a_file(box: DropBox, channel: paramiko.Channel) -> None:
    answer = box.root / "acme" / "outbox" / "answer"
    answer.write_bytes(b"12345")
    for size in (0, 1 << 40):
        attributes = struct.pack(">IQ", 1, size)
        assert code(ask(channel, 9, string(b"/outbox/answer") + attributes)) == "permission denied"
        handle = ask(channel, 3, string(b"/outbox/answer") + struct.pack(">II", 1, 0))[5:]
        assert code(ask(channel, 10, handle + attributes)) == "permission denied"
        assert code(ask(channel, 4, handle)) == "ok"
    assert answer.read_bytes() == b"12345"
    upload = ask(channel, 3, string(b"/inbox/sparse") + struct.pack(">II", 0x1A, 0))[5:]
    assert code(ask(channel, 10, upload + struct.pack(">IQ", 1, 1 << 40))) == "failure"
    assert code(ask(channel, 13, string(b"/inbox/sparse"))) == "failure"  # it is still being written


@pytest.mark.parametrize("name", ["a\0b", "a\nb", "a\x1b[2J", "x" * 300, ".superseded~1~a", "\u202egpj.exe"])
def test_a_name_that_could_deceive_is_not_taken(channel: paramiko.Channel, name: str) -> None:
    path = string(f"/inbox/{name}".encode())
    assert ask(channel, 3, path + struct.pack(">II", 0x1A, 0))[0] == 101


def test_handles_and_folders_are_bounded_and_those_that_are_open_go_on(channel: paramiko.Channel) -> None:
    folders = [ask(channel, 11, string(b"/inbox")) for _ in range(20)]
    assert [reply[0] for reply in folders] == [102] * 8 + [101] * 12
    files = [ask(channel, 3, string(f"/inbox/h{n}.tmp".encode()) + struct.pack(">II", 0x1A, 0)) for n in range(80)]
    assert [reply[0] for reply in files].count(102) == 64 - 8
    for reply in files[:56]:
        assert code(ask(channel, 4, reply[5:])) == "ok"
    for number in range(56):
        assert code(ask(channel, 13, string(f"/inbox/h{number}.tmp".encode()))) == "ok"


def test_nothing_but_sftp_is_served_and_each_refusal_is_told(box: DropBox) -> None:
    before = len(box.told.of("refused"))
    with box.connected() as ssh:
        transport = ssh.get_transport()
        assert transport is not None
        attempts: list[Callable[[paramiko.Channel], None]] = [
            lambda channel: channel.exec_command("id"),
            lambda channel: channel.invoke_shell(),
            lambda channel: channel.invoke_subsystem("netconf"),
        ]
        for attempt in attempts:
            with transport.open_session() as channel, pytest.raises(paramiko.SSHException):
                attempt(channel)
        with pytest.raises(paramiko.ChannelException, match="prohibited"):
            transport.open_channel("direct-tcpip", ("127.0.0.1", 22), ("127.0.0.1", 1))
        with pytest.raises(paramiko.SSHException):
            transport.request_port_forward("127.0.0.1", 0)
        with pytest.raises(paramiko.ChannelException, match="prohibited"):
            transport.open_channel("x11", src_addr=("127.0.0.1", 1))
        with transport.open_session() as channel:
            channel.invoke_subsystem("sftp")
            with pytest.raises(paramiko.SSHException):
                channel.invoke_subsystem("sftp")
    told = box.told.of("refused")[before:]
    assert {(each.partner, each.user, each.problem) for each in told} == {("acme", "acme", True)}
    *others, last = [each.message for each in told]
    assert others == [
        f"{asked} was refused: there is SFTP here and nothing else"
        for asked in (
            "the command id",
            "a shell",
            "the subsystem netconf",
            "a way through to 127.0.0.1:22",
            "listening at 127.0.0.1:0",
            "a channel of the kind x11",
        )
    ]
    assert last == "a second session on one channel was refused: each has a channel of its own"


def test_one_session_more_than_a_connection_may_have_is_refused_and_told(box: DropBox) -> None:
    before = len(box.told.of("refused"))
    with box.connected() as ssh:
        transport = ssh.get_transport()
        assert transport is not None
        held = [transport.open_session() for _ in range(box.server.limits.sessions)]
        with pytest.raises(paramiko.ChannelException):
            transport.open_session()
        assert all(each.active for each in held)
    (told,) = box.told.of("refused")[before:]
    assert told.message == "one more session was refused: its connection has as many as are allowed"


def test_a_reader_that_never_reads_is_dropped(tmp_path: Path) -> None:
    limits = Limits(session=SessionLimits(stall_seconds=1))
    with dropbox(tmp_path, limits=limits, collecting=False) as box, box.connected() as ssh:
        (box.root / "acme" / "outbox").mkdir(parents=True, exist_ok=True)
        (box.root / "acme" / "outbox" / "large").write_bytes(bytes(8_000_000))
        transport = ssh.get_transport()
        assert transport is not None
        channel = transport.open_session(window_size=1 << 15)
        channel.invoke_subsystem("sftp")
        hello(channel)
        handle = ask(channel, 3, string(b"/outbox/large") + struct.pack(">II", 1, 0))[5:]
        for offset in range(0, 8_000_000, 32_000):
            with suppress(OSError):
                send(channel, b"\x05" + struct.pack(">I", 1) + handle + struct.pack(">QI", offset, 32_000))
        deadline = time.monotonic() + PATIENCE_SECONDS
        while box.server.sessions():
            assert time.monotonic() < deadline
            threading.Event().wait(0.05)


def test_what_is_sent_ahead_of_a_gap_is_bounded_for_all_together(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sftp.quota._EARLY_BYTES_MAX", 1000)
    allowances = Allowances(lambda: 0.0)
    assert allowances.early(600)
    assert not allowances.early(600)
    assert allowances.early(-600)
    assert allowances.early(600)


def test_bytes_that_wait_for_a_gap_are_given_back_when_the_file_is_given_up(tmp_path: Path) -> None:
    with dropbox(tmp_path, quota=Quota(), collecting=False) as box, box.client() as client:
        for number in range(3):
            with client.open(f"/inbox/{number}", "wb") as file:
                file.seek(100)
                with suppress(OSError):
                    file.write(bytes(10_000))
        client.listdir("/inbox")
        assert box.server.allowances._early_bytes == 0
        assert client.listdir("/outbox") == []


def test_a_name_of_somebody_who_writes_is_not_taken_from_him(box: DropBox, channel: paramiko.Channel) -> None:
    mine = ask(channel, 3, string(b"/inbox/busy.edi") + struct.pack(">II", 0x1A, 0))[5:]
    assert code(ask(channel, 6, mine + struct.pack(">Q", 0) + string(b"whole"))) == "ok"
    with box.client() as second:
        with pytest.raises(OSError, match="being written by another session"):
            second.open("/inbox/busy.edi", "wb")
        with pytest.raises(OSError, match="being written by another session"):
            second.remove("/inbox/busy.edi")
        with second.open("/inbox/late.edi.tmp", "wb") as file:
            file.write(b"other")
        second.posix_rename("/inbox/late.edi.tmp", "/inbox/late.edi")
    assert code(ask(channel, 4, mine)) == "ok"
    arrived = {each.name: box.received.contents[each.id] for each in box.received.wait(2)}
    assert (arrived["busy.edi"], arrived["late.edi"]) == (b"whole", b"other")


def test_a_flood_of_requests_is_answered_one_by_one_and_the_session_goes_on(channel: paramiko.Channel) -> None:
    for number in range(3000):
        send(channel, b"\x11" + struct.pack(">I", number) + string(b"/inbox/nothing"))
    assert {int.from_bytes(receive(channel)[1:5], "big") for _ in range(3000)} == set(range(3000))
