"""A first workspace to change into one's own: `gateway init` writes it, and it loads without a problem as it is."""

from __future__ import annotations

from importlib.resources import files
from typing import TYPE_CHECKING

from gateway.errors import Stop

if TYPE_CHECKING:
    from pathlib import Path

FILES = (
    "README.txt",
    "gateway.yaml",
    "connections.yaml",
    "teams.yaml",
    "partners/acme.yaml",
    "codes/units.csv",
    "integrations/acme-orders.yaml",
)


def write(folder: Path) -> list[Path]:
    """Write the first workspace into `folder`, which is made where it is missing; the files that were written.

    Raises:
        Stop: one of the files is there already; then nothing is written.
    """
    taken = [name for name in FILES if (folder / name).exists()]
    if taken:
        raise Stop(f"{folder} holds {', '.join(taken)} already", "name a folder that is new or empty")
    written = []
    for name in FILES:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes((files(__name__) / "files").joinpath(*name.split("/")).read_bytes())
        written.append(path)
    return written


def settings() -> str:
    """The text of gateway.yaml alone, for a workspace whose other files follow."""
    return (files(__name__) / "files" / "gateway.yaml").read_text(encoding="utf-8")
