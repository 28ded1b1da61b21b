"""The workspace: init, check, schema."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import click

from gateway.operate.references import unusable
from gateway.repair.retention import notes
from gateway.repair.retention import said as how_long
from gateway.validate.backtracking import slow_patterns
from gateway.workspace import starter
from gateway.workspace.loader import load
from gateway.workspace.schema import schema as all_schemas

if TYPE_CHECKING:
    from collections.abc import Iterator

    from gateway.configuration import Configuration

_NOT_ACTED_ON = ("expect", "precedence")


@click.command()
@click.argument("folder", type=click.Path(file_okay=False, path_type=Path), default=".")
def init(folder: Path) -> None:
    """Write a small commented workspace into FOLDER to start from.

    Files that are there are never overwritten.
    """
    for path in starter.write(folder):
        click.echo(f"wrote {path}")
    click.echo(f"Next: look at {folder / 'gateway.yaml'}, then: gateway check {folder}")


@click.command()
@click.argument("folder", type=click.Path(exists=True, file_okay=False, path_type=Path), default=".")
def check(folder: Path) -> None:
    """Check the workspace in FOLDER and show every problem with its place and a remedy."""
    configuration = load(folder)
    counts = (
        (len(configuration.integrations), "integration"),
        (len(configuration.contracts), "contract"),
        (len(configuration.partners), "partner"),
        (len(configuration.connections), "connection"),
    )
    said = ", ".join(f"{number} {noun}{'' if number == 1 else 's'}" for number, noun in counts)
    for integration in configuration.integrations.values():
        for key in _NOT_ACTED_ON:
            if getattr(integration, key) is not None:
                click.echo(
                    f"{integration.place}: note: {key}: is kept, but this version does not act on it yet", err=True
                )
    for line in _slow_patterns(configuration):
        click.echo(line, err=True)
    for place, sentence in notes(configuration):
        click.echo(f"{place}: note: {sentence}", err=True)
    for place, sentence in unusable(configuration, folder):
        click.echo(f"{place}: warning: {sentence}", err=True)
    for line in how_long(configuration):
        click.echo(line)
    click.echo(f"{folder}: {said}; revision {configuration.revision}. No problems.")


def _slow_patterns(configuration: Configuration) -> Iterator[str]:
    """A warning for each pattern that a text of a sender can keep a worker busy with."""
    for contract in configuration.contracts.values():
        for path, field in slow_patterns(contract):
            yield (
                f"{field.place or contract.place}: warning: the pattern of {path} in {contract.id}, /{field.pattern}/, "
                "can take a time that doubles with each character of a text that does not match\n"
                "    write it so that each text can be read in one way only: no quantifier of the same characters "
                "inside another, and no two alternatives under a quantifier that read the same"
            )


@click.command()
@click.option("--into", type=click.Path(file_okay=False, path_type=Path), help="Write one file for each kind of file.")
def schema(into: Path | None) -> None:
    """Print the JSON Schemas of the workspace's files, for editors."""
    schemas = all_schemas()
    if into is None:
        click.echo(json.dumps(schemas, indent=2, ensure_ascii=False))
        return
    into.mkdir(parents=True, exist_ok=True)
    for name, each in schemas.items():
        path = into / f"{name}.schema.json"
        path.write_text(json.dumps(each, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
        click.echo(f"wrote {path}")
