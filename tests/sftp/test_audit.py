"""What ssh-audit, which knows the weaknesses of algorithms and servers, says about ours."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from sftp.testing import HOST, dropbox
from sftp.wire import COMPATIBLE, MODERN, Algorithms

pytestmark = pytest.mark.server
PROGRAM = shutil.which("ssh-audit") or shutil.which("ssh-audit", path=str(Path(sys.executable).parent))
POST_QUANTUM = "does not provide protection against post-quantum attacks"


def audited(folder: Path, algorithms: Algorithms) -> dict[str, Any]:
    if PROGRAM is None:
        pytest.skip("ssh-audit is missing: pip install -r requirements-test.txt")
    with dropbox(folder, algorithms=algorithms, collecting=False) as box:
        command = [PROGRAM, "--json", "--timeout", "60", "--port", str(box.server.port), HOST]
        done = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)
    said: dict[str, Any] = json.loads(done.stdout)
    return said


def notes(said: dict[str, Any], level: str) -> set[str]:
    """What is said at one level, of every algorithm."""
    offered = [each for kind in ("kex", "key", "enc", "mac") for each in said[kind]]
    assert len(offered) > 8
    return {note for each in offered for note in each.get("notes", {}).get(level, ())}


def test_the_modern_list_has_no_fault_and_no_warning_but_that_of_the_future(tmp_path: Path) -> None:
    said = audited(tmp_path, MODERN)
    assert notes(said, "fail") == set()
    assert notes(said, "warn") <= {POST_QUANTUM}
    assert said["cves"] == []
    assert [note for note in said["additional_notes"] if "throttling" in note] == []
    assert said["banner"]["software"] == "LegacyGateway"


def test_the_compatible_list_has_older_curves_and_digests_but_nothing_that_is_broken(tmp_path: Path) -> None:
    said = audited(tmp_path, COMPATIBLE)
    assert all("elliptic curves" in note for note in notes(said, "fail"))
    assert not [each for kind in ("kex", "enc", "mac") for each in said[kind] if "sha1" in each["algorithm"]]
    assert said["cves"] == []
