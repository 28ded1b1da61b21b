"""The web role."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from gateway.operate.cli.options import (
    child_options,
    end_with_parent,
    log_to_standard_error,
    stop_event,
    workspace_option,
)
from gateway.operate.up import Supervisor
from gateway.operate.web import serve as serve_http
from gateway.workspace.loader import load_settings

if TYPE_CHECKING:
    from pathlib import Path

    from gateway.operate.workers.limits import Slate


@click.command()
@workspace_option
@child_options
def serve(workspace: Path, child: bool, slate: Slate) -> None:
    """Run the API alone."""
    log_to_standard_error()
    workspace = workspace.resolve()
    if not child:
        Supervisor(workspace, ["serve"]).run(stop_event())
        return
    end_with_parent()
    serve_http(workspace, address=load_settings(workspace).http, begin=slate.begin, come_up=slate.come_up)
