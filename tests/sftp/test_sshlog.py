"""What OpenSSH's log says becomes hints of what is complete and what broke off. The lines are a real server's."""

from __future__ import annotations

import os
import socket
import threading
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sftp.arrival import Folder
from sftp.holding import BrokenUploads
from sftp.scanning import look
from sftp.sshlog import Line, SshLog, read_line
from sftp.testing import Told
from tests.sftp.test_collect import Bench

if TYPE_CHECKING:
    from pathlib import Path

HEAD = b"<38>Nov 21 20:13:04 internal-sftp[4486]: "


@pytest.mark.parametrize(
    ("said", "line"),
    [
        (b'open "/inbox/a.csv" flags WRITE,CREATE,TRUNCATE mode 0644',
         Line(4486, "opened", b"/inbox/a.csv", b"WRITE,CREATE,TRUNCATE")),
        (b'close "/inbox/a.csv" bytes read 0 written 5035', Line(4486, "closed", b"/inbox/a.csv", b"5035")),
        (b'forced close "/inbox/a.csv" bytes read 0 written 9', Line(4486, "broken", b"/inbox/a.csv", b"9")),
        (b'posix-rename old "/inbox/b.part" new "/inbox/b.csv"',
         Line(4486, "renamed", b"/inbox/b.part", b"/inbox/b.csv")),
        (b'rename old "/inbox/b.part" new "/inbox/b.csv"', Line(4486, "renamed", b"/inbox/b.part", b"/inbox/b.csv")),
        (b'remove name "/inbox/a.csv"', Line(4486, "removed", b"/inbox/a.csv")),
        (b"session closed for local user acme from [127.0.0.1]", Line(4486, "ended")),
        (b'close "/inbox/\\303\\251t\\303\\251\\n"x.csv" bytes read 0 written 1',
         Line(4486, "closed", '/inbox/été\n"x.csv'.encode(), b"1")),
        (b'close "/a\\\\303" bytes read 0 written 1', Line(4486, "closed", b"/a\\303", b"1")),
        (b'close "/x" bytes read 0 written 7" bytes read 0 written 1',
         Line(4486, "closed", b'/x" bytes read 0 written 7', b"1")),
        (b'opendir "/inbox/"', None),
        (b"sent status No such file", None),
        (b'close "/inbox/a.csv" bytes read 0 wri', None),
    ],
)  # fmt: skip
def test_lines_of_a_real_server(said: bytes, line: Line | None) -> None:
    assert read_line(HEAD + said) == line


def test_what_is_no_line_of_a_session_is_nothing() -> None:
    assert read_line(b"") is read_line(b"<38>sshd: hello") is None


@given(st.binary(max_size=300))
def test_any_bytes_are_a_line_or_none(said: bytes) -> None:
    read_line(said)
    read_line(HEAD + said)


class Chroot:
    """A chroot with an inbox, its collector with a clock that stands still, and its log."""

    def __init__(self, tmp_path: Path, **more: float) -> None:
        self.root = tmp_path / "chroot"
        (self.root / "dev").mkdir(parents=True)
        self.bench = Bench(tmp_path)
        self.bench.folder = Folder(
            self.root / "inbox", "folder:in", self.root / "inbox" / ".held", settle_seconds=5.0,
            partial_after_seconds=100.0, log=self.root / "dev" / "log", **more,  # type: ignore[arg-type]
        )  # fmt: skip
        self.bench.collector = self.bench.another()
        assert self.bench.folder.log is not None
        self.log = SshLog(self.bench.folder.log, [self.bench.folder], self.bench.collector, on_activity=self.bench.told)

    def hear(self, *said: str, session: int = 1) -> None:
        """Lines of a session."""
        for each in said:
            line = read_line(f"<38>Nov 21 20:13:04 internal-sftp[{session}]: {each}".encode())
            assert line is not None
            self.log.hear(line)

    def upload(self, name: str, data: bytes, how: str = "close", *, session: int = 1) -> None:
        """A file, and what the server says of its upload."""
        self.hear(f'open "/inbox/{name}" flags WRITE,CREATE,TRUNCATE mode 0644', session=session)
        self.bench.write(name, data)
        self.hear(f'{how} "/inbox/{name}" bytes read 0 written {len(data)}', session=session)


ENDED = "session closed for local user acme from [203.0.113.7]"


def test_what_was_sent_is_taken_when_its_session_ends_and_need_not_settle(tmp_path: Path) -> None:
    chroot = Chroot(tmp_path)
    chroot.upload("a.csv", b"1")
    chroot.upload("other.csv", b"2", session=2)
    assert chroot.bench.after(1) == []
    chroot.hear(ENDED)
    assert chroot.bench.after(0) == ["a.csv"]
    assert chroot.bench.after(5) == ["a.csv", "other.csv"]  # it has settled


def test_what_was_renamed_behind_the_close_is_taken_under_its_new_name(tmp_path: Path) -> None:
    chroot = Chroot(tmp_path)
    chroot.upload("a.csv.part", b"1")
    (chroot.bench.folder.path / "a.csv.part").rename(chroot.bench.folder.path / "a.csv")
    chroot.hear('posix-rename old "/inbox/a.csv.part" new "/inbox/a.csv"', ENDED)
    assert chroot.bench.after(0) == ["a.csv"]


def test_what_was_only_read_or_lies_elsewhere_is_no_hint(tmp_path: Path) -> None:
    chroot = Chroot(tmp_path)
    chroot.bench.write("a.csv", b"1")
    chroot.hear('open "/inbox/a.csv" flags READ mode 0666', 'close "/inbox/a.csv" bytes read 1 written 0')
    chroot.hear('close "/elsewhere/a.csv" bytes read 0 written 1', 'close "/inbox/../../x" bytes read 0 written 1')
    chroot.hear('close "/inbox/deeper/a.csv" bytes read 0 written 1', ENDED)
    assert chroot.bench.after(0) == []
    assert chroot.bench.after(5) == ["a.csv"]


def test_a_path_from_where_the_client_is_is_understood(tmp_path: Path) -> None:
    chroot = Chroot(tmp_path)
    chroot.bench.write("a.csv", b"1")
    chroot.hear('close "a.csv" bytes read 0 written 1', ENDED)
    assert chroot.bench.after(0) == ["a.csv"]


@pytest.mark.parametrize("name", ["x" * 300, r"a\0b", "/inbox/" + "x" * 300, r"/inbox/a\0b", "\\"])
def test_names_that_no_file_can_have_harm_nobody(tmp_path: Path, name: str) -> None:
    chroot = Chroot(tmp_path)
    chroot.upload("a.csv", b"1")
    chroot.hear(
        f'open "{name}" flags WRITE,CREATE mode 0644',
        f'forced close "{name}" bytes read 0 written 1',
        f'rename old "/inbox/a.csv" new "{name}"',
        f'remove name "{name}"',
        ENDED,
    )
    assert chroot.bench.after(0) == []
    assert chroot.bench.after(5) == ["a.csv"]


def test_what_changes_behind_its_close_settles_anew(tmp_path: Path) -> None:
    chroot = Chroot(tmp_path)
    chroot.upload("a.csv", b"1")
    chroot.hear(ENDED)
    chroot.bench.collector._look_at(  # the look that the end of the session rings for
        chroot.bench.folder, chroot.bench.collector._state(chroot.bench.folder), chroot.bench.clock()
    )
    chroot.bench.write("a.csv", b"another")
    assert chroot.bench.after(1) == []
    assert chroot.bench.after(5) == ["a.csv"]


def test_an_upload_that_broke_off_waits_and_is_handed_over_as_partial(tmp_path: Path) -> None:
    chroot = Chroot(tmp_path)
    chroot.upload("a.csv", b"sku;price\n1;", "forced close")
    chroot.hear(ENDED)
    chroot.bench.after(0)
    assert chroot.bench.after(6) == []
    told = {each.what: each.message for each in chroot.bench.told.activities}
    assert told["upload_broken"] == "a.csv  12 bytes, then its connection broke off"
    assert "a.csv  12 bytes, but it broke off; it waits 100 s" in told["partial_waiting"]
    assert chroot.bench.after(90) == []
    chroot.bench.collector = chroot.bench.another()  # a restart in between does not make a whole file of it
    chroot.bench.after(0)
    assert chroot.bench.after(50) == []
    assert chroot.bench.after(60) == ["a.csv"]
    assert chroot.bench.received.arrivals[0].whole is False
    assert chroot.bench.left() == [".held"]
    assert list(chroot.bench.folder.holding.iterdir()) == []


def test_that_a_claimed_file_had_broken_off_is_known_after_a_crash(tmp_path: Path) -> None:
    chroot = Chroot(tmp_path)
    chroot.bench.received.fail = OSError("down")
    chroot.upload("a.csv", b"1;", "forced close")
    chroot.bench.after(0)
    chroot.bench.after(200)
    chroot.bench.received.fail = None
    other = chroot.bench.another()
    other.recover()
    other.scan()
    assert [each.whole for each in chroot.bench.received.arrivals] == [False]
    assert list(chroot.bench.folder.holding.iterdir()) == []


def test_what_is_resumed_or_sent_anew_after_it_broke_off_is_whole(tmp_path: Path) -> None:
    chroot = Chroot(tmp_path)
    chroot.upload("a.csv", b"1;", "forced close")
    assert chroot.bench.after(6) == []
    chroot.upload("a.csv", b"1;2", session=2)
    chroot.hear(ENDED, session=2)
    assert chroot.bench.after(0) == ["a.csv"]
    assert chroot.bench.received.arrivals[0].whole is None
    assert list(chroot.bench.folder.holding.iterdir()) == []


def test_an_envelope_that_is_closed_outweighs_a_connection_that_broke_off_behind_it(tmp_path: Path) -> None:
    chroot = Chroot(tmp_path)
    chroot.upload("a.xml", b"<a></a>", "forced close")
    chroot.bench.after(0)
    assert chroot.bench.after(5) == ["a.xml"]
    assert chroot.bench.received.arrivals[0].whole is True


def test_the_note_is_of_the_bytes_and_not_of_the_rights(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_bytes(b"1")
    notes = BrokenUploads(tmp_path / "held")
    notes.note("a.csv", look(path.lstat()))
    path.chmod(0o600)
    assert notes.is_broken("a.csv", look(path.lstat()))
    path.write_bytes(b"12")
    assert not notes.is_broken("a.csv", look(path.lstat()))


@pytest.fixture
def heard(tmp_path: Path) -> Chroot:
    return Chroot(tmp_path, after_close_seconds=0.0)


def test_the_socket_is_heard_and_replaced_and_goes(heard: Chroot) -> None:
    path = heard.root / "dev" / "log"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as before:
        before.bind(str(path))  # a process before us was killed
    heard.log.start()
    try:
        assert path.stat().st_mode & 0o777 == 0o666
        heard.bench.write("a.csv", b"1")
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as server:
            for said in (b'open "/inbox/a.csv" flags WRITE mode 0644', b'close "/inbox/a.csv" bytes read 0 written 1'):
                server.sendto(HEAD + said, str(path))
        while not heard.bench.after(0):
            heard.bench.collector._bell.wait(0.01)
    finally:
        heard.log.stop()
    assert not path.exists()


def test_what_was_said_before_the_file_was_closed_counts_however_late_it_is_heard(tmp_path: Path) -> None:
    chroot = Chroot(tmp_path)
    chroot.log._thread = threading.Thread(target=str)  # one that does not come to listen
    chroot.log.start()
    try:
        chroot.bench.write("a.csv", b"1;")
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as server:
            for said in (
                'open "/inbox/a.csv" flags WRITE mode 0644',
                'forced close "/inbox/a.csv" bytes read 0 written 2',
            ):
                server.sendto(HEAD + said.encode(), str(chroot.root / "dev" / "log"))
        chroot.bench.after(0)
        assert chroot.bench.after(6) == []
        assert "it broke off" in chroot.bench.told.wait("partial_waiting").message
    finally:
        chroot.log.stop()


def test_a_socket_that_cannot_be_had_is_told(tmp_path: Path) -> None:
    chroot = Chroot(tmp_path)
    (chroot.root / "dev" / "log").write_text("a file")
    chroot.log.start()
    chroot.log.stop()
    (told,) = chroot.bench.told.of("log_missing")
    assert "something that is no socket lies there" in told.message
    assert (chroot.root / "dev" / "log").read_text() == "a file"


def test_a_note_that_cannot_be_kept_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(_notes: BrokenUploads, _name: str, _seen: object) -> None:
        raise OSError(28, os.strerror(28))

    chroot = Chroot(tmp_path)
    monkeypatch.setattr(BrokenUploads, "note", full)
    chroot.upload("a.csv", b"1", "forced close")
    assert "No space left" in chroot.bench.told.of("log_missing")[0].message
    assert isinstance(chroot.bench.told, Told)
