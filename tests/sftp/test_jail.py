"""What a partner sees and may do, without a server around it."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sftp.errors import Reject, Stop
from sftp.jail import Entry, Jail, Lane, Place, Taken, place
from sftp.upload import Upload

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


class Clock:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def jail(tmp_path: Path) -> Iterator[Jail]:
    with Jail(tmp_path, "acme", Taken(Clock())) as jail:
        yield jail


def names(jail: Jail, area: str | None) -> list[str]:
    return [entry.name for entry in jail.list(Place(area, None))]


@pytest.mark.parametrize(
    ("path", "area", "name"),
    [
        ("", None, None),
        (".", None, None),
        ("//", None, None),
        ("/..", None, None),
        ("/inbox/", "inbox", None),
        ("inbox/a", "inbox", "a"),
        ("//inbox//a", "inbox", "a"),
        ("/inbox/../../../outbox/a", "outbox", "a"),
        ("/inbox/x/../a", "inbox", "a"),
        ("/test/../inbox/a", "inbox", "a"),
    ],
)
def test_a_path_is_understood_on_paper(path: str, area: str | None, name: str | None) -> None:
    assert place(path) == Place(area, name)


@pytest.mark.parametrize(
    ("path", "area", "name"),
    [("/test", None, None), ("test/outbox/", "outbox", None), ("/inbox/../test//inbox/a", "inbox", "a")],
)
def test_the_same_folders_stand_again_in_test(path: str, area: str | None, name: str | None) -> None:
    where = place(path)
    assert where == Place(area, name, test=True)
    assert place(str(where)) == where


def test_what_is_in_test_is_seen_there_alone(jail: Jail, tmp_path: Path) -> None:
    assert names(jail, None) == ["inbox", "outbox", "test"]
    assert [entry.name for entry in jail.list(Place(None, None, test=True))] == ["inbox", "outbox"]
    upload = Upload(jail, Place("inbox", "a.edi", test=True), fresh=True, append=False)
    upload.write(0, b"abc")
    upload.commit()
    assert upload.source == "test://acme"
    assert (tmp_path / "acme/test/inbox/a.edi").read_bytes() == b"abc"
    assert jail.stat(Place("inbox", "a.edi", test=True)).size == 3
    assert names(jail, "inbox") == []
    with pytest.raises(Reject, match="there is no /inbox/a"):
        jail.stat(Place("inbox", "a.edi"))
    with pytest.raises(Reject, match="renamed within /test/inbox only"):
        jail.rename(Place("inbox", "a.edi", test=True), Place("inbox", "a.edi"), replace=False)


def test_a_folder_has_the_time_of_its_last_change(jail: Jail, tmp_path: Path) -> None:
    home = tmp_path / "acme"
    times = {home: 1_000_000_000, home / "inbox": 1_100_000_000, home / "outbox": 1_200_000_000}
    for folder, when in times.items():
        os.utime(folder, (when, when))
    listed = {entry.name: entry.modified for entry in jail.list(Place(None, None))}
    assert listed == {"inbox": 1_100_000_000, "outbox": 1_200_000_000, "test": 1_000_000_000}  # nobody was in /test yet
    assert not (home / "test").exists()
    assert jail.stat(Place(None, None)).modified == 1_000_000_000
    jail.lane(Place(None, None, test=True))
    os.utime(home / "test", (1_300_000_000, 1_300_000_000))
    assert jail.stat(Place(None, None, test=True)).modified == 1_300_000_000


@pytest.mark.parametrize(
    "path",
    [
        "/etc/passwd",
        "/stage/a",
        "/held",
        "/inbox/a/b",
        "/outbox/../held/a",
        "inbox~",
        "/test/test/inbox",
        "/test/held/a",
        "/test/inbox/a/b",
    ],
)
def test_there_is_nothing_but_the_two_folders(path: str) -> None:
    with pytest.raises(Reject, match="only the folders"):
        place(path)


@given(st.lists(st.sampled_from(["..", ".", "", "inbox", "outbox", "a", "stage", "test", "\x00", "~"])).map("/".join))
def test_no_path_leads_to_more_than_one_name_in_an_area(path: str) -> None:
    try:
        where = place(path)
    except Reject:
        return
    assert where.area in {None, "inbox", "outbox"}
    assert where.name is None or ("/" not in where.name and where.name not in {"", ".", ".."})


def test_links_pipes_and_folders_are_not_there(jail: Jail, tmp_path: Path) -> None:
    outbox = tmp_path / "acme" / "outbox"
    (outbox / "passwd").symlink_to("/etc/passwd")
    os.mkfifo(outbox / "pipe")
    (outbox / "folder").mkdir()
    (outbox / "letter.txt").write_text("hello")
    assert names(jail, "outbox") == ["letter.txt"]
    for name in ("passwd", "pipe", "folder"):
        with pytest.raises(Reject, match="there is no /outbox"):
            jail.stat(Place("outbox", name))


def test_an_area_that_is_a_link_is_refused(tmp_path: Path) -> None:
    (tmp_path / "acme").mkdir()
    (tmp_path / "acme" / "inbox").symlink_to(tmp_path)
    with pytest.raises(OSError, match=r"Not a directory|Too many levels"):
        Jail(tmp_path, "acme", Taken(Clock()))


@pytest.mark.parametrize("partner", ["", "..", "a/b", ".hidden"])
def test_a_partner_whose_name_is_no_folder_gets_none(partner: str, tmp_path: Path) -> None:
    with pytest.raises(Stop, match="cannot have a folder"):
        Jail(tmp_path, partner, Taken(Clock()))


def test_whole_files_in_the_inbox_are_not_removed_but_unfinished_and_temporary_ones_are(
    jail: Jail, tmp_path: Path
) -> None:
    inbox, stage = tmp_path / "acme" / "inbox", tmp_path / "acme" / "stage"
    for file in (inbox / "whole.edi", inbox / "whole.edi.filepart", stage / "half.edi"):
        file.touch()
    with pytest.raises(Reject, match="has been taken") as caught:
        jail.remove(Place("inbox", "whole.edi"))
    assert caught.value.code == "permission denied"
    jail.remove(Place("inbox", "whole.edi.filepart"))
    jail.remove(Place("inbox", "half.edi"))
    assert names(jail, "inbox") == ["whole.edi"]


def test_what_stepped_aside_is_on_its_way_and_cannot_be_removed_under_the_servers_own_name(
    jail: Jail, tmp_path: Path
) -> None:
    aside = tmp_path / "acme" / "inbox" / ".superseded~1~a.edi"
    aside.write_bytes(b"ISA*00*")
    with pytest.raises(Reject, match="has been taken"):
        jail.remove(Place("inbox", aside.name))
    assert aside.read_bytes() == b"ISA*00*"


def test_a_file_that_the_collector_takes_while_its_sender_removes_it_is_taken(tmp_path: Path) -> None:
    home, taken = tmp_path / "acme", Taken(Clock())

    class Overtaken(Lane):
        def _lacks_its_end(self, name: str) -> bool:
            lacks = super()._lacks_its_end(name)
            (home / "inbox" / name).rename(home / "held" / name)
            return lacks

    lane = Overtaken(home, "drop://acme", taken)
    (home / "inbox" / "a.edi").write_bytes(b"ISA*00*")
    taken.remember("drop://acme", Entry("a.edi", 0o100640, 7, 1))
    with pytest.raises(Reject, match="has been taken"):
        lane.remove(Place("inbox", "a.edi"))
    assert (home / "held" / "a.edi").read_bytes() == b"ISA*00*"
    assert lane.stat(Place("inbox", "a.edi")).size == 7
    lane.close()


def test_an_upload_that_is_being_written_is_not_removed_by_another_session(jail: Jail, tmp_path: Path) -> None:
    upload = Upload(jail, Place("inbox", "a"), fresh=True, append=False)
    with Jail(tmp_path, "acme", jail.taken) as other:
        with pytest.raises(Reject, match="being written by another session"):
            other.remove(Place("inbox", "a"))
        with pytest.raises(Reject, match="being written by another session"):
            Upload(other, Place("inbox", "a"), fresh=True, append=False)
    upload.abort()


@pytest.mark.parametrize("replace", [False, True], ids=["plain", "posix"])
def test_renaming_onto_a_file_that_waits_keeps_both(jail: Jail, tmp_path: Path, replace: bool) -> None:
    inbox = tmp_path / "acme" / "inbox"
    (inbox / "a.edi").write_text("old")
    (inbox / "a.edi.tmp").write_text("new")
    jail.rename(Place("inbox", "a.edi.tmp"), Place("inbox", "a.edi"), replace=replace)
    assert {path.name: path.read_text() for path in inbox.iterdir()} == {".superseded~1~a.edi": "old", "a.edi": "new"}
    assert names(jail, "inbox") == ["a.edi"]


def test_only_who_says_so_renames_over_a_temporary_name_which_nothing_would_be_left_of(
    jail: Jail, tmp_path: Path
) -> None:
    inbox = tmp_path / "acme" / "inbox"
    (inbox / "a.tmp").write_text("old")
    (inbox / "b.tmp").write_text("new")
    with pytest.raises(Reject, match="exists already"):
        jail.rename(Place("inbox", "b.tmp"), Place("inbox", "a.tmp"), replace=False)
    assert (inbox / "a.tmp").read_text() == "old"
    jail.rename(Place("inbox", "b.tmp"), Place("inbox", "a.tmp"), replace=True)
    assert {path.name: path.read_text() for path in inbox.iterdir()} == {"a.tmp": "new"}


@pytest.mark.parametrize(
    ("source", "target", "message"),
    [
        (Place("inbox", "gone"), Place("inbox", "b"), "there is no /inbox/gone"),
        (Place("inbox", "half"), Place("inbox", "b"), "has not ended"),
        (Place("inbox", "taken"), Place("inbox", "b"), "has been taken"),
        (Place("inbox", "whole"), Place("outbox", "b"), "within /inbox only"),
        (Place("outbox", "ack"), Place("inbox", "b"), "within /inbox only"),
        (Place("inbox", "whole"), Place("inbox", ".superseded~1~x"), "the server's own"),
        (Place("inbox", None), Place("inbox", "b"), "a folder of the server"),
    ],
)
def test_a_rename_that_may_not_be_says_why(
    jail: Jail, tmp_path: Path, source: Place, target: Place, message: str
) -> None:
    home = tmp_path / "acme"
    for file in ("inbox/whole", "stage/half", "outbox/ack"):
        (home / file).touch()
    jail.taken.remember("drop://acme", Entry("taken", 0o100640, 1, 1))
    with pytest.raises(Reject, match=message):
        jail.rename(source, target, replace=True)
    assert (home / "inbox" / "whole").exists()


def test_a_file_that_was_just_collected_can_still_be_looked_at_for_a_while() -> None:
    clock = Clock()
    taken = Taken(clock)
    entry = Entry("a.edi", 0o100640, 5, 7)
    taken.remember("acme", entry)
    assert taken.get("acme", "a.edi") == entry
    assert taken.get("other", "a.edi") is None
    clock.now += 121
    assert taken.get("acme", "a.edi") is None
