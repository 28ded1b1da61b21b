"""A vault that is a folder: writers beside each other, what they leave when they are killed, who takes it away."""

from __future__ import annotations

import hashlib
import io
import os
import signal
import time
from typing import TYPE_CHECKING

import pytest

from gateway.errors import Stop
from gateway.operate.workers.upkeep import Upkeep
from gateway.store.local import LocalVault
from tests.acceptance.children import die, in_child
from tests.acceptance.workspaces import opened

if TYPE_CHECKING:
    from pathlib import Path

DAY = 24 * 3600
CONTENT = b"x" * 100_000


class Deadly(io.RawIOBase):
    """A stream whose reader dies in the middle of it."""

    def __init__(self) -> None:
        super().__init__()
        self._left = 2

    def read(self, size: int = -1) -> bytes:
        self._left -= 1
        return b"y" * min(size, 1000) if self._left >= 0 else die()


def killed_writer(vault: LocalVault) -> Path:
    """Let a writer be killed; what it has left."""
    known = set(vault.folder.glob("incoming/*"))
    assert in_child(lambda: vault.put(Deadly())) == -signal.SIGKILL  # type: ignore[arg-type]
    (left,) = set(vault.folder.glob("incoming/*")) - known
    return left


def age(path: Path, seconds: float) -> None:
    """Let nobody have written to it for so long."""
    then = time.time() - seconds
    os.utime(path, (then, then))


def test_what_a_killed_writer_left_goes_after_a_day_and_nothing_else(tmp_path: Path) -> None:
    vault = LocalVault(tmp_path / "vault")
    assert vault.sweep() == 0
    stored = vault.put(io.BytesIO(CONTENT))
    age(vault.path(stored.sha256), 3 * DAY)
    old, young = killed_writer(vault), killed_writer(vault)
    age(old, DAY + 60)
    age(young, DAY - 60)
    assert vault.sweep() == 1
    assert list(vault.folder.glob("incoming/*")) == [young]
    vault.verify(stored.sha256)
    assert {path.name for path in vault.folder.iterdir()} == {"incoming", stored.sha256[:2]}  # no probe stays


def test_a_writer_that_slept_for_a_day_keeps_its_file_on_its_machine_and_says_so_on_another(tmp_path: Path) -> None:
    vault = LocalVault(tmp_path / "vault")

    class Slow(io.BytesIO):
        elsewhere = False

        def read(self, size: int | None = -1) -> bytes:
            for part in vault.folder.glob("incoming/*.part"):
                age(part, 2 * DAY)
                if self.elsewhere:  # no process of that number runs here
                    part.rename(part.with_name("999999999-1-1.part"))
                assert vault.sweep() == self.elsewhere
            return super().read(min(size or -1, 60_000))

    stored = vault.put(Slow(CONTENT))
    vault.verify(stored.sha256)
    slow = Slow(CONTENT + b"more")
    slow.elsewhere = True
    with pytest.raises(Stop, match="cannot keep a file"):
        vault.put(slow)


def test_an_idle_worker_sweeps(tmp_path: Path) -> None:
    with opened(tmp_path) as place:
        place.land(CONTENT)
        vault = place.gateway.vault
        assert isinstance(vault, LocalVault)
        left = killed_writer(vault)
        age(left, DAY + 60)
        Upkeep(place.gateway).when_due()
        assert not left.exists()


def test_L1_folders_that_another_writer_has_just_made_are_durable_before_our_file_counts(  # noqa: N802 - the promise
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    vault = LocalVault(tmp_path)
    target = vault.path(hashlib.sha256(b"some bytes").hexdigest())
    target.parent.mkdir(parents=True)  # and its maker has not synced them yet
    synced: list[Path] = []
    monkeypatch.setattr("gateway.store.local.sync", synced.append)
    vault.put(io.BytesIO(b"some bytes"))
    assert synced == [target.parent, target.parent.parent, tmp_path]
