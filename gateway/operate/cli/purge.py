"""What has been kept long enough: purge."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import TYPE_CHECKING

import click

from gateway.operate import wiring
from gateway.operate.cli.options import who_option, workspace_option
from gateway.repair.retention import Retention

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from gateway.repair.retention import Tally


_READ_FROM = "somebody reads from the store: its write-ahead log holds what went until the next purge empties it"


@click.command()
@click.argument("integration", required=False)
@click.option("--dry-run", is_flag=True, help="Show what would go, and do nothing.")
@click.option("--unnamed", is_flag=True, help="Delete all files of the vault that no row names and that are a day old.")
@click.option("--json", "as_json", is_flag=True, help="Print it as JSON.")
@who_option
@workspace_option
def purge(integration: str | None, dry_run: bool, unnamed: bool, as_json: bool, who: str, workspace: Path) -> None:
    """Purge what is older than keep: says, of one INTEGRATION or of all; workers do it by themselves, too.

    Raw files, held documents and what findings quote of them go by keep: of an integration or of gateway.yaml; records
    and personal data by keep: and keep_personal: of their contract, when no INTEGRATION is named. What somebody works
    on is put off. Interrupted, it goes on with the next purge.

    Without an INTEGRATION, files of the vault that no row names go, too: what processes left that were killed. Where
    they are more than that can explain, they stay; --unnamed deletes them.
    """
    gateway = wiring.open_gateway(workspace)
    try:
        routes = gateway.in_force.routes()
        if integration is not None and integration not in routes.configuration.integrations:
            known = ", ".join(sorted(routes.configuration.integrations))
            raise click.UsageError(f"there is no integration {integration!r}; known are {known}")
        if integration is not None and unnamed:
            raise click.UsageError("what nothing names is no integration's: leave INTEGRATION or --unnamed out")
        retention = Retention(gateway.database, gateway.vault, routes, who=who)
        if dry_run:
            retention.would(integration, unnamed=unnamed)
        else:
            for _ in retention.steps(integration, unnamed=unnamed):
                pass
            if not gateway.database.scrub():
                retention.tally.later(_READ_FROM)
    finally:
        gateway.close()
    if as_json:
        click.echo(json.dumps(asdict(retention.tally), indent=2))
        return
    for line in _lines(retention.tally, "would go" if dry_run else "purged"):
        click.echo(line)


def _lines(tally: Tally, done: str) -> Iterator[str]:
    if tally.deliveries or tally.files:
        held = f", {_counted(tally.documents, 'document')} held of them" if tally.documents else ""
        files = f"; {_counted(tally.files, 'file')} deleted" if tally.files else ""
        went = _counted(tally.deliveries, "delivery", "deliveries")
        yield f"{done}: the bytes of {went}, {tally.bytes:,} bytes{held}{files}"
    if tally.unnamed:
        yield f"{done}: {_counted(tally.unnamed, 'file')} of the vault that nothing names"
    for contract, number in tally.records.items():
        yield f"{done}: {_counted(number, 'record')} of {contract}"
    for contract, number in tally.versions.items():
        yield f"{done}: {_counted(number, 'earlier version')} of records of {contract}"
    for contract, number in tally.erased.items():
        yield f"{done}: personal data in {_counted(number, 'version')} of records of {contract}"
    for each in tally.put_off:
        yield f"put off: {each}"
    if tally.put_off_more:
        yield f"put off: {tally.put_off_more:,} more"
    if not (tally.deliveries or tally.files or tally.unnamed or tally.records or tally.versions or tally.erased):
        yield "Nothing is older than it is to be kept."


def _counted(number: int, noun: str, nouns: str = "") -> str:
    return f"{number:,} {noun if number == 1 else nouns or noun + 's'}"
