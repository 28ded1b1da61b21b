"""The web role."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from gateway.operate.cli.options import child_option, end_with_parent, log_to_standard_error, workspace_option
from gateway.operate.web import serve as serve_http
from gateway.workspace.loader import load_settings

if TYPE_CHECKING:
    from pathlib import Path


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
