"""Unfinished uploads are kept for some days, and then no more."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from sftp.jail import Jail, Place, Taken
from sftp.server import Limits
from sftp.stale import Forgotten, forget
from sftp.testing import dropbox
from sftp.upload import Upload

if TYPE_CHECKING:
    from pathlib import Path


def begun(jail: Jail, name: str, *, test: bool = False) -> Upload:
    upload = Upload(jail, Place("inbox", name, test), fresh=True, append=False)
    upload.write(0, b"half")
    upload.touch(0)  # a client may say that the file is old
    return upload


def test_what_nobody_went_on_with_is_removed_and_what_is_written_or_whole_is_not(tmp_path: Path) -> None:
    with Jail(tmp_path, "acme", Taken(time.monotonic)) as jail:
        begun(jail, "left.edi").abort()
        begun(jail, "left.edi", test=True).abort()
        whole = begun(jail, "whole.edi")
        whole.commit()
        busy = begun(jail, "busy.edi")
        assert list(forget(tmp_path, before=time.time() - 60)) == []
        assert list(forget(tmp_path, before=time.time() + 60)) == [
            Forgotten("acme", "drop://acme", "left.edi", 4),
            Forgotten("acme", "test://acme", "left.edi", 4),
        ]
        assert sorted(path.name for path in tmp_path.rglob("*.edi")) == ["busy.edi", "whole.edi"]
        busy.abort()


def test_a_folder_that_is_a_link_is_not_entered(tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere" / "file").touch()
    (tmp_path / "drops" / "acme").mkdir(parents=True)
    (tmp_path / "drops" / "acme" / "stage").symlink_to(tmp_path / "elsewhere")
    assert list(forget(tmp_path / "drops", before=time.time() + 60)) == []
    assert list(forget(tmp_path / "nowhere", before=time.time() + 60)) == []


def test_the_server_removes_it_and_says_so(tmp_path: Path) -> None:
    stage = tmp_path / "drops" / "acme" / "stage"
    stage.mkdir(parents=True)
    (stage / "left.edi").write_bytes(b"half")
    with dropbox(tmp_path, limits=Limits(unfinished_seconds=0.0), collecting=False) as box:
        told = box.told.wait("upload_forgotten")
    assert (told.partner, told.source, told.name, told.size) == ("acme", "drop://acme", "left.edi", 4)
    assert not (stage / "left.edi").exists()
