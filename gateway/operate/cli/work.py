"""The worker role."""

from __future__ import annotations

import sys
import threading
import time
from dataclasses import replace
from typing import TYPE_CHECKING

import click

from gateway.errors import Stop
from gateway.operate import wiring
from gateway.operate.cli.options import child_options, log_to_standard_error, stop_event, workspace_option
from gateway.operate.exchange.pulling import pull
from gateway.operate.garbage import collect_seldom
from gateway.operate.progress import Progress
from gateway.operate.tables.poller import poll
from gateway.operate.up import Supervisor
from gateway.operate.workers.limits import OUT_OF_MEMORY, ProcessorTime, limit_memory, out_of_room
from gateway.operate.workers.worker import owner_name
from gateway.operate.workers.worker import work as work_until

if TYPE_CHECKING:
    from pathlib import Path

    from gateway.operate.wiring import Gateway
    from gateway.operate.workers.limits import Slate


@click.command()
@workspace_option
@click.option("--until-idle", is_flag=True, help="End when nothing is left to do.")
@click.option("--workers", type=click.IntRange(1), default=1, help="Worker processes (default: one).")
@child_options
def work(workspace: Path, until_idle: bool, workers: int, child: bool, slate: Slate) -> None:
    """Run workers: judge deliveries and read the tables of legacy databases.

    A worker that a file kills is started again, and the file is given up after its tries.
    """
    log_to_standard_error()
    workspace = workspace.resolve()
    if not child and not until_idle:
        Supervisor(workspace, ["work"] * workers).run(stop_event())
        return
    gateway = wiring.open_gateway(workspace)
    settings = gateway.settings
    stop = stop_event(child=child)
    collect_seldom()
    watch = ProcessorTime(settings.judging_seconds_max, slate)
    try:
        limit_memory(settings.memory_bytes_max)
        _work(replace(gateway, line=replace(gateway.line, watch=watch)), stop, slate, until_idle=until_idle)
    except MemoryError as error:
        if child:
            sys.exit(OUT_OF_MEMORY)
        remedy = "Its try is counted; run this again for the others, or raise memory_max: in gateway.yaml"
        raise Stop(f"a file could not be judged: {out_of_room(settings)}", remedy) from error
    finally:
        gateway.close()


def _work(gateway: Gateway, stop: threading.Event, slate: Slate, *, until_idle: bool) -> None:
    if until_idle:
        progress = Progress(sys.stderr, time.monotonic)
        poll(gateway, stop, until_idle=True)
        pull(gateway, stop, until_idle=True)
        work_until(replace(gateway, line=replace(gateway.line, progress=progress)), stop, until_idle=True)
        progress.end()
        return
    poller = threading.Thread(target=poll, args=(gateway, stop), name="poller", daemon=True)
    poller.start()
    slate.come_up()
    work_until(gateway, stop, owner=owner_name(mark=slate.mark))
    poller.join(timeout=5.0)
