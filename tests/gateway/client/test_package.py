"""The package's example works, and the package alone is enough for it."""

from __future__ import annotations

import doctest
import shutil
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

import gateway.client
from tests.gateway.serve.worlds import HEADER, order

if TYPE_CHECKING:
    from tests.gateway.client.gateways import Running

pytestmark = pytest.mark.server
CONTENT = (HEADER + order("4711", total="10.00", status="closed") + order("4712", total="250.00")).encode()


def test_the_example_works(here: Running) -> None:
    given = {"url": here.url, "key": here.key, "content": CONTENT}
    result = doctest.testmod(gateway.client, extraglobs=given, optionflags=doctest.ELLIPSIS)
    assert (result.attempted, result.failed) == (2, 0)


def test_a_copy_of_it_works_where_nothing_else_of_the_project_is(here: Running, tmp_path: Path) -> None:
    shutil.copytree(Path(gateway.client.__file__).parent, tmp_path / "copied")
    code = f"import sys; sys.path.insert(0, {str(tmp_path)!r}); from copied import Client\n"
    code += f"with Client({here.url!r}, {here.key!r}) as client: print(client.get('/health/ready')['status'])\n"
    code += "print({name.partition('.')[0] for name in sys.modules} - sys.stdlib_module_names - {'__main__'})\n"
    done = subprocess.run(
        [sys.executable, "-I", "-S", "-c", code], capture_output=True, text=True, check=True, cwd=tmp_path, timeout=60
    )
    assert done.stdout.splitlines() == ["ready", "{'copied'}"]
