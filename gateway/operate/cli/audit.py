"""Who did what: the audit log listed, proved, anchored."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import TYPE_CHECKING

import click

from gateway.observations import so_many
from gateway.operate import wiring
from gateway.operate.cli.options import workspace_option
from gateway.operate.tail import since as moment_of
from gateway.store import audit as store
from gateway.store.database import stamp

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path
    from typing import Any

    from gateway.store.audit import Anchor, Line


def output_option(command: Callable[..., Any]) -> Callable[..., Any]:
    """``--output``: for a person or a program."""
    form = click.Choice(["text", "json"])
    return click.option("--output", "-o", type=form, default="text", help="How it is printed.")(command)


@click.group()
def audit() -> None:
    """Show who did what, prove that nobody changed that since, and print an anchor to keep elsewhere."""


@audit.command(name="list")
@click.option("--lines", "-n", default=50, show_default=True, type=click.IntRange(1), help="How many of the last rows.")
@click.option("--after", type=click.IntRange(0), help="Rows behind this number instead, the oldest first.")
@click.option("--action", help="Only this: applied, key_made, retried, discarded, closed, …")
@click.option("--subject", help="Only what was done to this, as in 'delivery d_01m7…', whole.")
@click.option("--who", help="Only what this person did; worker is the gateway itself.")
@click.option("--since", help="From then on: 30s, 15m, 2h, 3d or 2026-11-21T09:00:00Z.")
@output_option
@workspace_option
def list_rows(
    lines: int,
    after: int | None,
    action: str | None,
    subject: str | None,
    who: str | None,
    since: str | None,
    output: str,
    workspace: Path,
) -> None:
    """List rows of the audit log: number, when, who, what, and to what."""
    try:
        moment = stamp(moment_of(since, wiring.utc_now())) if since else None
    except ValueError as wrong:
        raise click.UsageError(str(wrong)) from None
    chosen = {"action": action, "subject": subject, "who": who, "since": moment}
    gateway = wiring.open_gateway(workspace)
    try:
        with gateway.database.read() as connection:
            if after is None:
                found = store.last(connection, limit=lines, **chosen)
            else:
                found = store.after(connection, after, limit=lines, **chosen)
    finally:
        gateway.close()
    for each in found:
        click.echo(json.dumps(asdict(each), ensure_ascii=False) if output == "json" else _text(each))


def _text(line: Line) -> str:
    details = " ".join(f"{name}={_short(value)}" for name, value in line.details.items())
    return f"{line.number:>6}  {line.at[:19]}Z  {line.who}  {line.action} {line.subject}  {details}".rstrip()


def _short(value: object) -> str:
    return value if isinstance(value, str) and value.isprintable() and " " not in value else json.dumps(value)


@audit.command()
@click.option(
    "--anchor", "anchors", multiple=True, metavar="NUMBER:HASH", help="A head that was kept; may be repeated."
)
@output_option
@workspace_option
def verify(anchors: tuple[str, ...], output: str, workspace: Path) -> None:
    """Prove that no row was changed, taken away, added or moved. Status 1 when one was.

    Whoever can write to the database can also cut off the end, or write all rows anew: that shows against an anchor.
    """
    kept = [_anchor(each) for each in anchors]
    gateway = wiring.open_gateway(workspace)
    try:
        with gateway.database.read() as connection:
            verdict = store.check(connection, kept)
    finally:
        gateway.close()
    if output == "json":
        faults = [asdict(each) for each in verdict.faults]
        click.echo(json.dumps({"rows": verdict.rows, "head": asdict(verdict.head), "faults": faults}))
    else:
        for each in verdict.faults:
            click.echo(f"{each.message}\n    {each.remedy}", err=True)
        count, rows = len(verdict.faults), so_many(verdict.rows, "rows")
        whole = f"{rows}, one unbroken chain to {verdict.head}"
        click.echo(whole if not count else f"{rows}, {so_many(count, 'faults')}")
    if verdict.faults:
        raise click.exceptions.Exit(1)


def _anchor(text: str) -> Anchor:
    try:
        return store.anchor(text)
    except ValueError as wrong:
        raise click.BadParameter(str(wrong), param_hint="--anchor") from wrong


@audit.command()
@output_option
@workspace_option
def head(output: str, workspace: Path) -> None:
    """Print the number and hash of the newest row: keep it where nobody who can write to the store can."""
    gateway = wiring.open_gateway(workspace)
    try:
        with gateway.database.read() as connection:
            newest = store.head(connection)
    finally:
        gateway.close()
    click.echo(json.dumps(asdict(newest)) if output == "json" else str(newest))
