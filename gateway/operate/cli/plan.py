"""What a change of the configuration would do to what is stored: plan."""

from __future__ import annotations

import json
import sys
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from gateway.observations import so_many
from gateway.operate import wiring
from gateway.operate.cli.options import workspace_option
from gateway.operate.tail import since as moment_of
from gateway.repair.plan import plan as planned
from gateway.repair.plan_page import page
from gateway.routing import Routes
from gateway.workspace.loader import load

if TYPE_CHECKING:
    from collections.abc import Iterator

    from gateway.model import Delivery
    from gateway.repair.plan import Compared, Plan

EXIT_RECORDS_DIFFER = 4


@click.command()
@click.argument("integration", required=False)
@click.option("--since", help="Only deliveries from then on: 30d, 2h or 2026-11-21T09:00:00Z.")
@click.option("--html", type=click.Path(dir_okay=False, path_type=Path), help="Write a page for people into this file.")
@click.option("--output", "-o", type=click.Choice(["text", "json"]), default="text", help="How it is printed.")
@workspace_option
def plan(integration: str | None, since: str | None, html: Path | None, output: str, workspace: Path) -> None:
    """Judge stored deliveries by the working copy, and show which records would differ from those of today.

    Nothing is stored or applied. Status 0 when no record would differ, 4 when some would: for a check of pull requests.

    \b
    gateway plan acme-orders --since 30d --html plan.html
    """  # noqa: D301 - \b keeps the lines as they are (click)
    try:
        moment = moment_of(since, wiring.utc_now()) if since else None
    except ValueError as wrong:
        raise click.UsageError(str(wrong)) from None
    working_copy = load(workspace)
    if integration is not None and integration not in working_copy.integrations:
        known = ", ".join(sorted(working_copy.integrations))
        raise click.UsageError(f"there is no integration {integration!r}; known are {known}")
    gateway = wiring.open_gateway(workspace, working_copy.settings)
    try:
        made = planned(
            gateway.database,
            gateway.vault,
            gateway.in_force.routes(),
            Routes(working_copy),
            integration=integration,
            since=moment,
            progress=_progress,
        )
    finally:
        gateway.close()
    if sys.stderr.isatty():
        click.echo("\r\x1b[2K", nl=False, err=True)
    if html is not None:
        html.write_text(page(made), encoding="utf-8")
    if output == "json":
        click.echo(json.dumps(asdict(made), indent=2, ensure_ascii=False))
    else:
        for line in _lines(made):
            click.echo(line)
    if made.differ:
        raise click.exceptions.Exit(EXIT_RECORDS_DIFFER)


def _progress(delivery: Delivery) -> None:
    if sys.stderr.isatty():
        click.echo(f"\r\x1b[2K{delivery.name}", nl=False, err=True)


def _lines(made: Plan) -> Iterator[str]:
    yield f"{made.before} → {made.after}: {so_many(made.read, 'deliveries')} read, {made.untouched} not concerned"
    if made.purged:
        yield f"{so_many(made.purged, 'deliveries', 'were')} purged, and cannot be judged any more"
    if made.decided:
        yield f"left out, because somebody corrected or discarded it: {so_many(made.decided, 'documents')}"
    for each in made.unreadable:
        yield f"not read: {each}"
    if not made.differ:
        yield "No record would differ."
    for name, compared in sorted(made.integrations.items()):
        if compared.differ:
            yield ""
            yield from _integration(name, compared)


def _integration(name: str, compared: Compared) -> Iterator[str]:
    yield (
        f"{name}: of {so_many(compared.documents, 'documents')} {compared.changed:,} would differ, "
        f"{compared.held:,} would be held, {compared.accepted:,} would be accepted"
    )
    for code, each in sorted(compared.reasons.items(), key=lambda item: -item[1].count):
        yield f"  held: {code}  {each.count:,}"
        yield from (f"    {example.key}: {example.after}" for example in each.examples)
    for field, each in sorted(compared.fields.items(), key=lambda item: -item[1].count):
        yield f"  {field or 'accepted'}  {each.count:,}"
        yield from (f"    {each.key}: {_shown(each.before)} → {_shown(each.after)}" for each in each.examples)


def _shown(value: Any) -> str:
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= 80 else text[:80] + "…"
