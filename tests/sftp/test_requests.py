"""What is told of requests: a refusal with the path that it is about, the end of an upload once it may be sent on."""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING

import pytest

from sftp.jail import Jail, Taken, place
from sftp.protocol import READ, STATUS, Fields, string
from sftp.quota import UNLIMITED, Allowance, Allowances
from sftp.requests import Requests, SessionLimits

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from sftp.activity import Activity

OPEN, CLOSE, READING, WRITING, SETSTAT, FSETSTAT, OPENDIR = 3, 4, 5, 6, 9, 10, 11
REMOVE, MKDIR, RMDIR, RENAME, READLINK, SYMLINK = 13, 14, 15, 18, 19, 20
NONE, SIZE = struct.pack(">I", 0), struct.pack(">IQ", 1, 7)
TO_READ, TO_WRITE = struct.pack(">I", READ), struct.pack(">I", 0x1A)


class Partner:
    """The requests of a partner without a connection, and what was told of them."""

    def __init__(self, jail: Jail, tell: Callable[[Activity], None] | None = None) -> None:
        self.told: list[Activity] = []
        allowance = Allowance("acme", UNLIMITED, Allowances(lambda: 0.0))
        self._requests = Requests(
            jail, limits=SessionLimits(), allowance=allowance, tell=tell or self.told.append, uploaded=lambda _: None,
            user="acme", address="192.0.2.1",
        )  # fmt: skip

    def ask(self, kind: int, *fields: bytes) -> tuple[bytes | memoryview, ...]:
        """The fields of the answer."""
        return self._requests.answer(kind, Fields(memoryview(b"".join(fields))))[1:]

    def abort(self) -> None:
        """The connection is over."""
        self._requests.abort()

    def opened(self, path: str, flags: bytes) -> bytes:
        """A handle, as it stands in further requests."""
        (handle,) = self.ask(OPEN, string(path), flags, NONE)
        return bytes(handle)


@pytest.fixture
def partner(tmp_path: Path) -> Iterator[Partner]:
    with Jail(tmp_path, "acme", Taken(lambda: 0.0)) as jail:
        yield Partner(jail)


LONG = "/inbox/" + "x" * 300


@pytest.mark.parametrize(
    ("kind", "fields", "told"),
    [
        (OPEN, (string("/inbox/a.edi"), TO_READ, NONE), "/inbox/a.edi: files in /inbox cannot be read back"),
        (OPEN, (string("outbox/a.edi"), TO_WRITE, NONE), "/outbox/a.edi: files are sent to /inbox"),
        (OPEN, (string("/test/outbox/a"), TO_WRITE, NONE), "/test/outbox/a: files are sent to /test/inbox"),
        (OPEN, (string("/inbox"), TO_WRITE, NONE), "/inbox is a folder of the server"),
        (OPEN, (string(LONG), TO_WRITE, NONE), f"{LONG[:200]}: the name is longer than 200 bytes"),
        (OPEN, (string("/a/b.edi"), TO_WRITE, NONE), "/a/b.edi: there are only the folders /inbox and /outbox,"),
        (SETSTAT, (string("/outbox"), SIZE), "/outbox can no longer be cut"),
        (REMOVE, (string("/inbox/../outbox"),), "/outbox is a folder of the server"),
        (REMOVE, (string("/inbox/a\0b"),), "/inbox/a\\x00b: a path holds no NUL"),
        (MKDIR, (string("/inbox/new"), NONE), "/inbox/new: folders cannot be made here; send files to /inbox"),
        (MKDIR, (string("/inbox"), NONE), "/inbox exists already"),
        (RMDIR, (string("/inbox"),), "/inbox: folders and links of this server stay as they are"),
        (READLINK, (string("/inbox/a"),), "/inbox/a: folders and links of this server stay as they are"),
        (SYMLINK, (string("/etc"), string("/inbox/e")), "/etc to /inbox/e: folders and links of this server stay as"),
        (RENAME, (string("/inbox/a"), string("/outbox/b")), "/inbox/a to /outbox/b: files are renamed within /inbox"),
        (RENAME, (string("/test/inbox/a"), string("/inbox/b")), "/test/inbox/a to /inbox/b: files are renamed within"),
    ],
)  # fmt: skip
def test_a_refusal_is_told_with_its_path(partner: Partner, kind: int, fields: tuple[bytes, ...], told: str) -> None:
    partner.ask(kind, *fields)
    (activity,) = partner.told
    assert activity.what == "refused"
    assert activity.message.startswith(told), activity.message


def test_what_the_client_hears_is_as_it_was(partner: Partner) -> None:
    heard = b"".join(map(bytes, partner.ask(MKDIR, string("/inbox/new"), NONE)))
    said = string("folders cannot be made here; send files to /inbox")
    assert heard.startswith(struct.pack(">I", STATUS["permission denied"]) + said)


def test_what_is_asked_of_an_open_file_is_told_with_the_path_of_it(partner: Partner, tmp_path: Path) -> None:
    (tmp_path / "acme" / "outbox" / "ack.edi").write_bytes(b"ack")
    sent, collected = partner.opened("/inbox/a.edi", TO_WRITE), partner.opened("outbox/ack.edi", TO_READ)
    partner.ask(READING, sent, struct.pack(">QI", 0, 1))
    partner.ask(FSETSTAT, collected, SIZE)
    partner.ask(WRITING, collected, struct.pack(">Q", 0), string(b"x"))
    partner.ask(WRITING, sent, struct.pack(">Q", 5), string(b"late"))
    partner.ask(CLOSE, sent)
    assert [each.message for each in partner.told] == [
        "/inbox/a.edi: files in /inbox cannot be read back",
        "/outbox/ack.edi: the file was opened for reading",
        "/outbox/ack.edi: the file was opened for reading",
        "/inbox/a.edi: bytes from 0 on are missing in a.edi; please send the whole file",
    ]


def test_a_path_of_one_request_is_not_told_with_the_next(partner: Partner) -> None:
    partner.ask(MKDIR, string("/inbox/new"), NONE)
    partner.ask(CLOSE, string("99"))
    assert partner.told[1].message == "there is no such handle"


def test_an_upload_whose_connection_ended_is_free_when_that_is_told(tmp_path: Path) -> None:
    with Jail(tmp_path, "acme", Taken(lambda: 0.0)) as jail, Jail(tmp_path, "acme", Taken(lambda: 0.0)) as later:
        told: list[str] = []

        def tell(activity: Activity) -> None:
            later.remove(place("/inbox/a.edi"))
            told.append(activity.what)

        partner = Partner(jail, tell)
        handle = partner.opened("/inbox/a.edi", TO_WRITE)
        partner.ask(WRITING, handle, struct.pack(">Q", 0), string(b"ISA"))
        partner.abort()
        assert (told, later.list(place("/inbox"))) == (["upload_broken"], [])
