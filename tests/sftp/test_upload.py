"""An upload becomes visible whole or not at all, whatever the client does."""

from __future__ import annotations

import hashlib
import itertools
import resource
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sftp.errors import Reject
from sftp.jail import Jail, Place, Taken
from sftp.quota import Allowance, Allowances, Quota
from sftp.upload import EARLY_BYTES_MAX, Download, Upload

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

WHERE = Place("inbox", "a.edi")


@pytest.fixture
def jail(tmp_path: Path) -> Iterator[Jail]:
    with Jail(tmp_path, "acme", Taken(lambda: 0.0)) as jail:
        yield jail


def inbox(tmp_path: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in (tmp_path / "acme" / "inbox").iterdir()}


def begun(jail: Jail, *, fresh: bool = True, append: bool = False, quota: Quota | None = None) -> Upload:
    allowance = Allowance("acme", quota, Allowances(lambda: 0.0)) if quota else None
    return Upload(jail, WHERE, fresh=fresh, append=append, allowance=allowance)


def sent(jail: Jail, data: bytes) -> None:
    upload = begun(jail)
    upload.write(0, data)
    upload.commit()


def test_nothing_is_in_the_inbox_before_the_close_and_everything_after(jail: Jail, tmp_path: Path) -> None:
    upload = begun(jail)
    upload.write(0, b"hello ")
    upload.write(6, b"world")
    assert inbox(tmp_path) == {}
    upload.commit()
    assert inbox(tmp_path) == {"a.edi": b"hello world"}
    assert upload.sha256 == hashlib.sha256(b"hello world").hexdigest()
    assert list((tmp_path / "acme" / "stage").iterdir()) == []


@settings(
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow], max_examples=40, deadline=None
)
@given(
    data=st.binary(min_size=1, max_size=200), cuts=st.sets(st.integers(1, 199)), order=st.randoms(use_true_random=False)
)
def test_any_order_and_size_of_writes_gives_the_same_file(
    jail: Jail, tmp_path: Path, data: bytes, cuts: set[int], order: object
) -> None:
    edges = [0, *sorted(cut for cut in cuts if cut < len(data)), len(data)]
    pieces = list(itertools.pairwise(edges))
    order.shuffle(pieces)  # type: ignore[attr-defined]
    upload = begun(jail)
    for start, end in pieces:
        upload.write(start, data[start:end])
        # What lies in the stage is a prefix of the file, at every moment.
        assert data.startswith((tmp_path / "acme" / "stage" / "a.edi").read_bytes())
    upload.commit()
    assert inbox(tmp_path) == {"a.edi": data}
    assert upload.sha256 == hashlib.sha256(data).hexdigest()
    (tmp_path / "acme" / "inbox" / "a.edi").unlink()


def test_a_dropped_upload_is_kept_seen_and_resumed(jail: Jail, tmp_path: Path) -> None:
    upload = begun(jail)
    upload.write(0, b"first half, ")
    upload.abort()
    assert inbox(tmp_path) == {}
    assert jail.stat(WHERE).size == 12
    resumed = begun(jail, fresh=False)
    resumed.write(12, b"second half")
    resumed.commit()
    assert inbox(tmp_path) == {"a.edi": b"first half, second half"}
    assert resumed.sha256 == hashlib.sha256(b"first half, second half").hexdigest()


def test_appending_leaves_the_offset_to_the_server(jail: Jail, tmp_path: Path) -> None:
    upload = begun(jail)
    upload.write(0, b"one")
    upload.abort()
    resumed = begun(jail, fresh=False, append=True)
    resumed.write(0, b"two")
    resumed.commit()
    assert inbox(tmp_path) == {"a.edi": b"onetwo"}


def test_a_client_that_starts_over_without_truncating_leaves_no_tail_of_the_old_upload(
    jail: Jail, tmp_path: Path
) -> None:
    upload = begun(jail)
    upload.write(0, b"something long")
    upload.abort()
    again = begun(jail, fresh=False)
    again.write(0, b"short")
    again.commit()
    assert inbox(tmp_path) == {"a.edi": b"short"}


def test_a_gap_is_never_delivered(jail: Jail, tmp_path: Path) -> None:
    upload = begun(jail)
    upload.write(0, b"abc")
    upload.write(10, b"xyz")
    with pytest.raises(Reject, match="bytes from 3 on are missing"):
        upload.commit()
    assert inbox(tmp_path) == {}
    assert jail.stat(WHERE).size == 3


def test_what_waits_for_a_gap_to_be_filled_is_bounded(jail: Jail) -> None:
    upload = begun(jail)
    upload.write(1, bytes(EARLY_BYTES_MAX))
    with pytest.raises(Reject, match="bytes from 0 on are missing"):
        upload.write(EARLY_BYTES_MAX + 1, b"x")
    with pytest.raises(Reject):
        upload.commit()


def test_a_file_past_the_limit_is_refused_and_not_delivered_though_the_client_closes_it(
    jail: Jail, tmp_path: Path
) -> None:
    upload = begun(jail, quota=Quota(file=10))
    upload.write(0, b"12345")
    with pytest.raises(Reject, match="larger than 10 bytes"):
        upload.write(5, b"678901")
    with pytest.raises(Reject, match="larger than 10 bytes"):
        upload.commit()
    assert inbox(tmp_path) == {}
    assert list((tmp_path / "acme/stage").iterdir()) == []


def test_a_disk_that_takes_no_more_is_told_at_the_write_and_nothing_is_delivered(jail: Jail, tmp_path: Path) -> None:
    upload = begun(jail)
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1000, hard))
    try:
        with pytest.raises(Reject, match="too large for the server's disk"):
            upload.write(0, bytes(2000))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    with pytest.raises(Reject, match="too large"):
        upload.write(1000, b"more")
    with pytest.raises(Reject, match="too large"):
        upload.commit()
    assert inbox(tmp_path) == {}
    assert jail.stat(WHERE).size == 1000, "what came can be resumed"


def test_a_client_may_cut_what_it_sent_but_not_grow_it(jail: Jail, tmp_path: Path) -> None:
    upload = begun(jail)
    upload.write(0, b"0123456789")
    with pytest.raises(Reject, match="cannot be made longer"):
        upload.truncate(11)
    upload.truncate(4)
    upload.commit()
    assert inbox(tmp_path) == {"a.edi": b"0123"}
    assert upload.sha256 == hashlib.sha256(b"0123").hexdigest()


def test_a_newer_file_of_the_same_name_steps_before_the_one_that_waits_and_both_are_kept(
    jail: Jail, tmp_path: Path
) -> None:
    for data in (b"one", b"two", b"three"):
        sent(jail, data)
    assert inbox(tmp_path) == {".superseded~1~a.edi": b"one", ".superseded~2~a.edi": b"two", "a.edi": b"three"}


def test_a_file_that_was_closed_early_is_resumed_and_then_there_once(jail: Jail, tmp_path: Path) -> None:
    sent(jail, b"first half, ")
    resumed = begun(jail, fresh=False)
    assert inbox(tmp_path) == {"a.edi": b"first half, "}, "the client was told OK: it stays until more is there"
    resumed.write(12, b"second half")
    resumed.commit()
    assert inbox(tmp_path) == {"a.edi": b"first half, second half"}


def test_a_resumption_that_drops_loses_nothing_of_the_file_that_was_there(jail: Jail, tmp_path: Path) -> None:
    sent(jail, b"first half, ")
    resumed = begun(jail, fresh=False)
    resumed.write(12, b"sec")
    resumed.abort()
    assert inbox(tmp_path) == {"a.edi": b"first half, "}
    assert jail.stat(WHERE).size == 15


@pytest.mark.parametrize("change", ["overwrite", "truncate", "start over"])
def test_a_file_that_was_closed_is_kept_when_the_next_one_does_not_begin_with_it(
    jail: Jail, tmp_path: Path, change: str
) -> None:
    sent(jail, b"first half, ")
    upload = begun(jail, fresh=False)
    if change == "overwrite":
        upload.write(3, b"XX")
    elif change == "truncate":
        upload.truncate(3)
    else:
        upload.write(0, b"new")
    upload.commit()
    assert inbox(tmp_path)[".superseded~1~a.edi"] == b"first half, "


def test_the_inbox_cannot_be_read_nor_the_outbox_written(jail: Jail) -> None:
    sent(jail, b"secret")
    with pytest.raises(Reject, match="cannot be read back"):
        Download(jail, WHERE)
    with pytest.raises(Reject, match="cannot be read back"):
        begun(jail, fresh=False).read(0, memoryview(bytearray(5)))
    with pytest.raises(Reject, match="files are sent to /inbox"):
        Upload(jail, Place("outbox", "a"), fresh=True, append=False)
    with pytest.raises(Reject, match="a folder of the server"):
        Upload(jail, Place("inbox", None), fresh=True, append=False)


def test_a_stage_file_that_is_a_link_is_not_followed(jail: Jail, tmp_path: Path) -> None:
    target = tmp_path / "target"
    target.write_text("untouched")
    (tmp_path / "acme" / "stage" / "a.edi").symlink_to(target)
    with pytest.raises(OSError, match="symbolic link"):
        begun(jail)
    assert target.read_text() == "untouched"


def test_a_download_is_complete_when_its_last_byte_was_read(jail: Jail, tmp_path: Path) -> None:
    (tmp_path / "acme" / "outbox" / "ack.edi").write_bytes(b"0123456789")
    download = Download(jail, Place("outbox", "ack.edi"))
    room = memoryview(bytearray(100))
    assert bytes(download.read(0, room[:4])) == b"0123"
    assert not download.complete
    assert bytes(download.read(4, room)) == b"456789"
    assert download.complete
    assert not download.read(10, room)
    download.abort()
