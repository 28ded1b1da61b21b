"""What the tools say of the whole tree; they are tests because `make test` shows what the house is like."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]


@pytest.mark.parametrize("package", ["adapters", "edi", "gateway", "sftp"])
def test_a_package_says_that_it_is_typed(package: str) -> None:
    assert (ROOT / package / "py.typed").is_file()


@pytest.mark.parametrize(
    "command",
    [
        pytest.param(["ruff", "check", "--quiet", "--output-format=concise", "."], id="ruff finds nothing"),
        pytest.param(["ruff", "format", "--quiet", "--check", "."], id="ruff would format nothing anew"),
        pytest.param(["mypy"], id="mypy finds nothing, strict, tests included"),
        pytest.param(["lint-imports"], id="imports go one way"),
    ],
)
def test_the_house_is_in_order(command: list[str]) -> None:
    program = Path(sys.executable).with_name(command[0])
    done = subprocess.run([program, *command[1:]], cwd=ROOT, capture_output=True, text=True, check=False, timeout=600)
    assert done.returncode == 0, f"{' '.join(command)}\n{done.stdout}{done.stderr}"
