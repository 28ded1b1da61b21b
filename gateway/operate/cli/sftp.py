"""The SFTP role."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from gateway.operate import wiring
from gateway.operate.cli.options import child_options, log_to_standard_error, stop_event, workspace_option
from gateway.operate.exchange.intake import Intake
from gateway.operate.garbage import pass_over_what_is_loaded

if TYPE_CHECKING:
    from pathlib import Path

    from gateway.operate.workers.limits import Slate


@click.command()
@workspace_option
@child_options
def sftp(workspace: Path, child: bool, slate: Slate) -> None:
    """Run the SFTP server and collect from its inboxes and from watched folders."""
    log_to_standard_error()
    gateway = wiring.open_gateway(workspace.resolve())
    pass_over_what_is_loaded()
    try:
        Intake(gateway).run(stop_event(child=child), slate.come_up)
    finally:
        gateway.close()
