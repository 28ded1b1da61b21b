"""The roles: up, serve, sftp, work."""

from __future__ import annotations

import sys
import threading
import time
from dataclasses import replace
from typing import TYPE_CHECKING

import click

from gateway.operate import wiring
from gateway.operate.cli.options import (
    child_option,
    end_with_parent,
    log_to_standard_error,
    stop_event,
    workspace_option,
)
from gateway.operate.intake import Intake
from gateway.operate.poller import poll
from gateway.operate.progress import Progress
from gateway.operate.up import Supervisor, workers_by_default
from gateway.operate.web import serve as serve_http
from gateway.operate.worker import tune_collector
from gateway.operate.worker import work as work_until
from gateway.workspace.loader import load_settings

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
    Supervisor(workspace, workers=workers).run(stop_event())


@click.command()
@workspace_option
@child_option
def serve(workspace: Path, child: bool) -> None:
    """Run the API alone."""
    log_to_standard_error()
    if child:
        end_with_parent()
    workspace = workspace.resolve()
    serve_http(workspace, address=load_settings(workspace).http)


@click.command()
@workspace_option
@child_option
def sftp(workspace: Path, child: bool) -> None:
    """Run the SFTP server and collect from its inboxes and from watched folders."""
    log_to_standard_error()
    gateway = wiring.open_gateway(workspace.resolve())
    try:
        Intake(gateway).run(stop_event(child=child))
    finally:
        gateway.close()


@click.command()
@workspace_option
@click.option("--until-idle", is_flag=True, help="End when nothing is left to do.")
@child_option
def work(workspace: Path, until_idle: bool, child: bool) -> None:
    """Run one worker: judge deliveries and read the tables of legacy databases."""
    log_to_standard_error()
    gateway = wiring.open_gateway(workspace.resolve())
    stop = stop_event(child=child)
    tune_collector()
    try:
        if until_idle:
            progress = Progress(sys.stderr, time.monotonic)
            poll(gateway, stop, until_idle=True)
            work_until(replace(gateway, line=replace(gateway.line, progress=progress)), stop, until_idle=True)
            progress.end()
            return
        poller = threading.Thread(target=poll, args=(gateway, stop), name="poller", daemon=True)
        poller.start()
        work_until(gateway, stop)
        poller.join(timeout=5.0)
    finally:
        gateway.close()
