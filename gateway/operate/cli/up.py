"""All roles on this machine."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from gateway.operate import wiring
from gateway.operate.cli.options import log_to_standard_error, stop_event, workspace_option
from gateway.operate.up import Supervisor, all_roles, workers_by_default

if TYPE_CHECKING:
    from pathlib import Path


@click.command()
@workspace_option
@click.option("--workers", type=click.IntRange(1), help="Worker processes (default: one for each core less one).")
def up(workspace: Path, workers: int | None) -> None:
    """Run everything on this machine: the API, the SFTP server and the workers.

    Applies the workspace if nothing is applied yet, and says so. Ends with Ctrl-C.
    """
    log_to_standard_error()
    workspace = workspace.resolve()
    gateway = wiring.open_gateway(workspace)
    try:
        applied = wiring.apply_first(gateway)
    finally:
        gateway.close()
    if applied:
        click.echo(f"applied the workspace as the first revision: {applied}")
    settings = gateway.settings
    click.echo(f"API       http://{settings.http}/docs")
    click.echo(f"SFTP      {settings.sftp}")
    click.echo(f"workers   {workers or workers_by_default()}")
    Supervisor(workspace, all_roles(workers)).run(stop_event())
