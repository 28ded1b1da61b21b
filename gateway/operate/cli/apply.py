"""A revision comes into force: apply."""

from __future__ import annotations

from dataclasses import fields
from typing import TYPE_CHECKING

import click

from gateway.configuration import FOLLOWED, Settings
from gateway.operate import wiring
from gateway.operate.cli.diff import EXIT_BREAKING, between
from gateway.operate.cli.options import who_option, workspace_option
from gateway.workspace.loader import load
from gateway.workspace.registry import SETTINGS

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from gateway.configuration import Configuration
    from gateway.validate.compatibility import Difference


@click.command()
@click.option("--breaking", is_flag=True, help="Apply it although those who read records have to change.")
@who_option
@workspace_option
def apply(breaking: bool, who: str, workspace: Path) -> None:
    """Make the working copy the revision in force, whole or not at all.

    Says what differs for who reads, as `gateway diff` does. A change that breaks readers of a contract that has records
    is refused with status 5: it belongs into a new version of the contract, or is wanted with --breaking.
    """
    configuration = load(workspace)
    gateway = wiring.open_gateway(workspace, configuration.settings)
    told: list[str] = []

    def agree(before: Configuration, recorded: frozenset[str]) -> None:
        found = between(before, configuration)
        told.extend(_told(found, recorded))
        broken = {each.contract for each in found if each.kind == "breaking"} & recorded
        if broken and not breaking:
            raise _Breaking(sorted(broken))
        later = ", ".join(restarted(before.settings, configuration.settings))
        if later:
            told.append(f"note: roles that run go on with the old {later} of gateway.yaml until they are restarted")

    try:
        done = wiring.apply(gateway, configuration, who=who, agree=agree)
    except _Breaking as refused:
        click.echo("\n".join(told))
        click.echo(f"gateway: {refused}", err=True)
        raise click.exceptions.Exit(EXIT_BREAKING) from None
    finally:
        gateway.close()
    for line in told:
        click.echo(line)
    click.echo(f"revision {configuration.revision} {'is' if done else 'was'} in force{'' if done else ' already'}")


class _Breaking(Exception):
    """Who reads would have to change, and nobody said that they shall."""

    def __init__(self, contracts: list[str]) -> None:
        names = ", ".join(contracts)
        name, _, version = contracts[0].rpartition(".v")
        super().__init__(
            f"nothing was applied: readers of {names} would break\n"
            f"    write the change as a new version beside it, {name} v{int(version) + 1}, so that both are served; "
            "or give --breaking where every reader knows of it"
        )


def _told(found: list[Difference], recorded: frozenset[str]) -> Iterator[str]:
    """What differs for readers; nobody can have read what has no records."""
    for each in found:
        unread = each.kind == "breaking" and each.contract not in recorded
        yield (
            f"{each} (it has no records yet)"
            if unread
            else f"warning: {each}"
            if each.kind == "breaking"
            else str(each)
        )


def restarted(before: Settings, after: Settings) -> list[str]:
    """The keys of gateway.yaml that differ, and that roles read when they start."""
    keys = {name: key for key, name in SETTINGS.items()}
    return [
        keys.get(each.name, each.name.replace("s3_", "s3."))
        for each in fields(Settings)
        if each.name not in FOLLOWED and getattr(before, each.name) != getattr(after, each.name)
    ]
