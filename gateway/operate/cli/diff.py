"""What a change of the configuration means for who reads: diff."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import click

from gateway.operate import wiring
from gateway.operate.cli.options import workspace_option
from gateway.validate.compatibility import differences
from gateway.workspace.loader import load

if TYPE_CHECKING:
    from gateway.configuration import Configuration
    from gateway.validate.compatibility import Codes, Difference

EXIT_BREAKING = 5


@click.command()
@click.option(
    "--against",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    help="Another workspace, such as a checkout of the main branch; without it, the configuration in force.",
)
@click.option("--output", "-o", type=click.Choice(["text", "json"]), default="text", help="How it is printed.")
@workspace_option
def diff(against: Path | None, output: str, workspace: Path) -> None:
    """Compare the contracts of the working copy with those in force, as those who read records see them.

    A difference is breaking (a field is gone, may be missing, is of another type, can no more be filtered by), risky
    (values may come that never came), added, or the same to readers. Status 0 when none is breaking, 5 when one is:
    for a check of pull requests. A breaking change belongs into a new version of the contract; both are then served.

    \b
    gateway diff
    gateway diff --against ../main -o json
    """  # noqa: D301 - \b keeps the lines as they are (click)
    new = load(workspace)
    if against is not None:
        old = load(against)
    else:
        gateway = wiring.open_gateway(workspace, new.settings)
        try:
            old = gateway.in_force.configuration()
        finally:
            gateway.close()
    found = between(old, new)
    if output == "json":
        click.echo(json.dumps([asdict(each) for each in found], indent=2, ensure_ascii=False))
    else:
        for each in found:
            click.echo(str(each))
        if not found:
            click.echo("nothing differs for readers")
    if any(each.kind == "breaking" for each in found):
        raise click.exceptions.Exit(EXIT_BREAKING)


def between(old: Configuration, new: Configuration) -> list[Difference]:
    """What differs for who reads."""
    return differences(old.contracts.values(), new.contracts.values(), _codes(old), _codes(new))


def _codes(configuration: Configuration) -> Codes:
    return {name: table.codes for name, table in configuration.codes.items()}
