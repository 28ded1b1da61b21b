"""The balance of deliveries: verify."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import click

from gateway.operate import wiring
from gateway.operate.cli.options import workspace_option
from gateway.repair.verify import verify as verified

if TYPE_CHECKING:
    from collections import Counter
    from pathlib import Path

    from gateway.repair.verify import Balance


@click.command()
@click.option("--deep", is_flag=True, help="Read every raw file again: check hash, documents, records.")
@workspace_option
def verify(deep: bool, workspace: Path) -> None:
    """Compute anew that nothing was lost and nothing doubled, and print the balance.

    Documents of the files = accepted + held + left out, delivery by delivery; every accepted one made a record; change
    numbers have no gap. With --deep each current record is made anew from its document, by the revision that made it,
    and compared with what is stored. Status 1 when something disagrees.
    """
    gateway = wiring.open_gateway(workspace)
    terminal = sys.stderr.isatty()

    def progress(files: int) -> None:
        if terminal:
            click.echo(f"\r{files:,} files read", nl=False, err=True)

    try:
        balance = verified(gateway.database, gateway.vault, gateway.in_force.of, deep=deep, progress=progress)
    finally:
        gateway.close()
    if terminal and deep:
        click.echo("\r\x1b[2K", nl=False, err=True)
    for line in _lines(balance, deep=deep):
        click.echo(line)
    for each in balance.disagreements:
        click.echo(f"{each.what}: {each.message}\n    {each.remedy}", err=True)
    if balance.disagreements:
        raise click.exceptions.Exit(1)


def _lines(balance: Balance, *, deep: bool) -> list[str]:
    lines = [f"{sum(balance.deliveries.values()):>12,} deliveries = {_sum(balance.deliveries)}"]
    lines.append(f"{balance.total:>12,} documents  = {_sum(balance.documents)}")
    if deep:
        lines.append(
            f"{balance.read:>12,} documents in the bytes of {balance.files:,} files, each with the hash of its name"
        )
        if balance.uncounted:
            lines.append(f"{balance.uncounted:>12,} cannot be counted: the revision that read them is no longer there")
        lines.append(f"{balance.compared:>12,} current records held against the documents that they were made of")
        lines += [f"{count:>12,} cannot be compared: {why}" for why, count in balance.incomparable.most_common()]
    count = len(balance.disagreements)
    lines.append("Everything agrees." if not count else f"{count} disagreement{'' if count == 1 else 's'}:")
    return lines


def _sum(counts: Counter[str]) -> str:
    return " + ".join(f"{count:,} {state}" for state, count in counts.most_common()) or "0"
