"""Keys that we make and secrets that we are given: neither is ever shown."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from gateway.errors import Stop
from gateway.operate.credentials import make_key, resolved
from gateway.store import keys
from tests.acceptance.workspaces import opened

if TYPE_CHECKING:
    from pathlib import Path


def test_a_key_is_kept_as_its_hash_alone(tmp_path: Path) -> None:
    with opened(tmp_path) as place:
        token = make_key(place.gateway, "billing", ("orders:read",))
        assert len(token) > 40
        with place.gateway.database.read() as connection:
            known = keys.all_keys(connection)
        assert [each.name for each in known] == ["test", "billing"]
        assert token not in repr(known)


def secret(folder: Path, *, mode: int = 0o600) -> Path:
    path = folder / "secrets" / "erp" / "password"
    path.parent.mkdir(parents=True)
    path.write_text("hunter2\n")
    path.chmod(mode)
    return path


def test_a_reference_is_the_content_of_its_file(tmp_path: Path) -> None:
    secret(tmp_path)
    assert resolved("secret:erp/password", tmp_path) == "hunter2"
    assert resolved("plain", tmp_path) == "plain"


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o660])
def test_a_secret_that_others_may_read_is_refused(tmp_path: Path, mode: int) -> None:
    path = secret(tmp_path, mode=mode)
    with pytest.raises(Stop, match="may be read by others") as stopped:
        resolved("secret:erp/password", tmp_path)
    assert f"chmod 600 {path}" in stopped.value.remedy
    assert "hunter2" not in str(stopped.value)


def test_a_secret_that_is_not_there_or_outside_is_refused(tmp_path: Path) -> None:
    with pytest.raises(Stop, match="cannot be read") as stopped:
        resolved("secret:erp/password", tmp_path)
    assert str(tmp_path / "secrets" / "erp" / "password") in stopped.value.remedy
    with pytest.raises(Stop, match="out of the folder"):
        resolved("secret:../../etc/passwd", tmp_path)
