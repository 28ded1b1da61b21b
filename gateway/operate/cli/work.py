"""The worker role."""

from __future__ import annotations

import sys
import threading
import time
from dataclasses import replace
from typing import TYPE_CHECKING

import click

from gateway.operate import wiring
from gateway.operate.cli.options import child_option, log_to_standard_error, stop_event, workspace_option
from gateway.operate.poller import poll
from gateway.operate.progress import Progress
from gateway.operate.worker import tune_collector
from gateway.operate.worker import work as work_until

if TYPE_CHECKING:
    from pathlib import Path


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
