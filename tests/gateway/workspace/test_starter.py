"""The first workspace loads as it is, and nothing is overwritten by it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from gateway.errors import Stop
from gateway.workspace.loader import load
from gateway.workspace.starter import FILES, write

if TYPE_CHECKING:
    from pathlib import Path


def test_the_first_workspace_loads_without_a_problem(tmp_path: Path) -> None:
    folder = tmp_path / "new" / "workspace"
    written = write(folder)
    assert [path.relative_to(folder).as_posix() for path in written] == list(FILES)
    configuration = load(folder)
    assert set(configuration.integrations) == {"acme-orders"}
    assert configuration.contracts["order.v1"].per_partner
    assert dict(configuration.partners["acme"].identifiers)["isa"] == ("ZZ:ACME",)


def test_the_settings_shown_are_the_defaults(tmp_path: Path) -> None:
    write(tmp_path)
    shown = load(tmp_path).settings
    (tmp_path / "gateway.yaml").write_text("")
    assert load(tmp_path).settings == shown


def test_a_file_that_is_there_is_not_overwritten(tmp_path: Path) -> None:
    (tmp_path / "gateway.yaml").write_text("tries: 3\n")
    with pytest.raises(Stop, match=r"holds gateway\.yaml already"):
        write(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["gateway.yaml"]
    assert (tmp_path / "gateway.yaml").read_text() == "tries: 3\n"
