"""All roles on this machine."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from gateway.operate import wiring
from gateway.operate.cli.options import log_to_standard_error, stop_event, workspace_option
from gateway.operate.up import Supervisor, all_roles, workers_by_default
from gateway.store import revisions
from gateway.workspace.loader import load
from gateway.workspace.problems import ConfigurationProblems

if TYPE_CHECKING:
    from pathlib import Path

    from gateway.operate.wiring import Gateway


@click.command()
@workspace_option
@click.option("--workers", type=click.IntRange(1), help="Worker processes (default: one for each core less one).")
def up(workspace: Path, workers: int | None) -> None:
    """Run everything on this machine: the API, the SFTP server and the workers.

    Applies the workspace if nothing is applied yet, and says so; and when the API and the SFTP server listen. Ends with
    Ctrl-C.
    """
    log_to_standard_error()
    workspace = workspace.resolve()
    gateway = wiring.open_gateway(workspace)
    try:
        applied = wiring.apply_first(gateway)
        behind = None if applied else _behind(gateway)
    finally:
        gateway.close()
    if applied:
        click.echo(f"applied the workspace as the first revision: {applied}")
    if behind:
        click.echo(behind)
    settings = gateway.settings
    roles = all_roles(workers)
    places = {
        "serve": f"API       http://{settings.http}/docs listens",
        "sftp": f"SFTP      {settings.sftp} listens",
    }
    click.echo(f"starting: the API, the SFTP server, workers: {workers or workers_by_default()}")
    Supervisor(workspace, roles, came_up=lambda role: _say(places.pop(role, ""))).run(stop_event())


def _say(line: str) -> None:
    """Tell what can be used now."""
    if line:
        click.echo(line)


def _behind(gateway: Gateway) -> str | None:
    """What is said where the working copy is not what is in force: whoever edited it may think so."""
    with gateway.database.read() as connection:
        here = revisions.current_name(connection)
    try:
        other = load(gateway.folder).revision != here
    except ConfigurationProblems:
        return f"note: revision {here} is in force; the working copy has problems: gateway check"
    return f"note: revision {here} is in force; the working copy differs from it: gateway apply" if other else None
