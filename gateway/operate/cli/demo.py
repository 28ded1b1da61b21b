"""The demo."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path

import click

from gateway.operate.demo import show, workspace_maker


@click.command()
@click.option("--once", is_flag=True, help="End after the show: status 0 when every step held, 1 with the reason.")
@click.option(
    "--keep",
    metavar="DIR",
    type=click.Path(file_okay=False, path_type=Path),
    help="Make the workspace in DIR and leave it there: a good first configuration to copy.",
)
def demo(once: bool, keep: Path | None) -> None:
    """Run the main job here and now: real files over SFTP become records on the API.

    Everything is embedded: SQLite, a local vault, our SFTP server, and a small legacy database behind ODBC. Stays up
    until Ctrl-C.
    """
    folder = keep.resolve() if keep is not None else Path(tempfile.mkdtemp(prefix="gateway-demo-"))
    try:
        show.run(workspace_maker.make(folder), once=once, kept=keep is not None)
    except KeyboardInterrupt:
        click.echo("\nstopped")
    finally:
        if keep is None:
            shutil.rmtree(folder, ignore_errors=True)
