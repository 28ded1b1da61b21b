"""Host keys: made once, kept private, shown as OpenSSH shows them."""

from __future__ import annotations

import shutil
import stat
import subprocess
from typing import TYPE_CHECKING

import pytest

from sftp.errors import Stop
from sftp.hostkeys import fingerprint, load_or_create

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("keys") / "hostkeys"
    load_or_create(folder)
    return folder


def test_both_keys_are_made_once_and_then_the_same(folder: Path) -> None:
    before = [key.asbytes() for key in load_or_create(folder)]
    assert [key.asbytes() for key in load_or_create(folder)] == before
    assert [(key.get_name(), key.get_bits()) for key in load_or_create(folder)] == [
        ("ssh-ed25519", 256),
        ("ssh-rsa", 3072),
    ]


def test_only_the_owner_can_read_them_and_no_draft_is_left(folder: Path) -> None:
    files = sorted(folder.iterdir())
    assert [file.name for file in files] == ["ssh_host_ed25519_key", "ssh_host_rsa_key"]
    assert {stat.S_IMODE(file.stat().st_mode) for file in files} == {0o600}


@pytest.mark.skipif(shutil.which("ssh-keygen") is None, reason="ssh-keygen is missing: apt-get install openssh-client")
def test_the_fingerprint_is_that_of_ssh_keygen(folder: Path) -> None:
    output = subprocess.run(
        ["ssh-keygen", "-lf", folder / "ssh_host_rsa_key"], capture_output=True, text=True, check=True
    ).stdout
    assert output.split()[:2] == ["3072", fingerprint(load_or_create(folder)[1])]


def test_a_key_that_others_can_read_is_refused_with_the_remedy(folder: Path, tmp_path: Path) -> None:
    copy = shutil.copytree(folder, tmp_path / "copy")
    (copy / "ssh_host_rsa_key").chmod(0o640)
    with pytest.raises(Stop, match=r"mode 0640.*chmod 600") as caught:
        load_or_create(copy)
    assert "PRIVATE" not in str(caught.value)


def test_a_damaged_key_is_not_replaced(folder: Path, tmp_path: Path) -> None:
    copy = shutil.copytree(folder, tmp_path / "copy")
    (copy / "ssh_host_ed25519_key").write_text("nonsense")
    with pytest.raises(Stop, match="cannot be read"):
        load_or_create(copy)
    assert (copy / "ssh_host_ed25519_key").read_text() == "nonsense"
