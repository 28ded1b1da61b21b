"""docs/client.md: its examples are run in their order, in Python and with curl, and say what the page says."""

from __future__ import annotations

import contextlib
import io
import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

import gateway
from tests.gateway.client.gateways import running
from tests.gateway.serve.test_docs import like

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.gateway.client.gateways import Running

PAGE = (Path(gateway.__file__).parents[1] / "docs" / "client.md").read_text(encoding="utf-8")
BLOCKS = re.compile(r"^```(\w+)\n(.*?)^```$", re.DOTALL | re.MULTILINE)
ADDRESS = "http://127.0.0.1:8080"


@pytest.fixture
def alone(tmp_path: Path) -> Iterator[Running]:
    """A gateway that nobody else hands files to."""
    with running(tmp_path / "gateway") as made:
        yield made


def in_python(text: str, names: dict[str, Any]) -> str:
    """What an example prints."""
    said = io.StringIO()
    with contextlib.redirect_stdout(said):
        exec(compile(text, "docs/client.md", "exec"), names)
    return said.getvalue()


def in_shell(text: str) -> str:
    """What commands print."""
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    done = subprocess.run(
        ["bash", "-euc", text],
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
        env=os.environ | {"PATH": path},
    )
    assert done.returncode == 0, f"{text}\n{done.stdout}{done.stderr}"
    return done.stdout


@pytest.mark.server
def test_every_example_says_what_the_page_says(alone: Running, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    if missing := [name for name in ("bash", "curl") if shutil.which(name) is None]:
        pytest.skip(f"the page uses programs that are not here: {', '.join(missing)}")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("KEY", alone.key)
    monkeypatch.syspath_prepend(str(tmp_path))
    names: dict[str, Any] = {}
    said, compared = "", 0
    for kind, shown in BLOCKS.findall(PAGE):
        text = shown.replace(ADDRESS, alone.url)
        if kind == "csv":
            (tmp_path / "orders.csv").write_text(text, encoding="utf-8")
        elif kind == "python":
            said = in_python(text, names)
        elif kind == "sh":
            said = in_shell(text)
        elif kind == "json":
            assert like(json.loads(said), json.loads(text)), f"{text}\n{said}"
            compared += 1
        elif kind == "text":
            assert like(said, text), f"{text}\n{said}"
            compared += 1
        else:
            assert kind == "ts"  # tests/acceptance/test_generated_clients.py has the compiler read more of it
    assert compared == PAGE.count("```text\n") + PAGE.count("```json\n")
    names["client"].close()
