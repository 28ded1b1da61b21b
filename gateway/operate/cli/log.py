"""The admin's log: tail."""

from __future__ import annotations

import sys
from itertools import chain
from typing import TYPE_CHECKING

import click

from gateway.operate import wiring
from gateway.operate.cli.options import stop_event, workspace_option
from gateway.operate.names import must_be_known
from gateway.operate.tail import Wanted, as_json, as_text, by_time, from_api, from_store
from gateway.operate.tail import since as moment_of

if TYPE_CHECKING:
    from pathlib import Path

EXIT_PROBLEMS_SEEN = 3


@click.command()
@click.argument("integration", required=False)
@click.option("--follow", "-f", is_flag=True, help="Go on with what comes, until Ctrl-C.")
@click.option("--lines", "-n", default=50, show_default=True, help="How many of the last lines to begin with.")
@click.option("--problems", is_flag=True, help="Only what went wrong.")
@click.option("--partner", help="Only lines of this partner.")
@click.option("--delivery", help="Only the life of one delivery; the beginning of its id is enough.")
@click.option("--since", help="From then on: 30s, 15m, 2h, 3d or 2026-11-21T09:00:00Z.")
@click.option("--grep", help="Only messages with this text, letters of either case.")
@click.option("--output", "-o", type=click.Choice(["text", "json"]), default="text", show_default=True)
@click.option("--until-idle", is_flag=True, help="End when nothing more is there; status 3 if problems were shown.")
@click.option("--url", help="The API of another machine instead of the local store.")
@click.option("--token", envvar="GATEWAY_TOKEN", help="An API key for --url with the scope activity:read.")
@workspace_option
def tail(
    integration: str | None,
    follow: bool,
    lines: int,
    problems: bool,
    partner: str | None,
    delivery: str | None,
    since: str | None,
    grep: str | None,
    output: str,
    until_idle: bool,
    url: str | None,
    token: str | None,
    workspace: Path,
) -> None:
    """Show the ingestion log, of one INTEGRATION or of all, in the order of time.

    What was written later than it happened has an arrow by its time when lines behind it were shown before. JSON is in
    the order of the numbers, behind which a program goes on.

    \b
    gateway tail -f                              everything, as it comes
    gateway tail -f acme-orders --problems       what goes wrong with one integration
    gateway tail --since 2h --grep 'not a number' -o json | jq .
    gateway tail --delivery d_01m7yf             one file's life
    gateway tail -f --url https://gw.example --token "$TOKEN"
    """  # noqa: D301 - \b keeps the lines as they are (click)
    try:
        moment = moment_of(since, wiring.utc_now()) if since else None
    except ValueError as wrong:
        raise click.UsageError(str(wrong)) from None
    wanted = Wanted(integration, problems, partner, delivery, moment, grep)
    stop = stop_event()
    if url is not None and token is None:
        raise click.UsageError("--url needs --token (or $GATEWAY_TOKEN); gateway key add makes one")
    gateway = None if url is not None else wiring.open_gateway(workspace)
    seen_problems = False
    try:
        if gateway is None:
            pages = from_api(str(url), str(token), wanted, last=lines, follow=follow, stop=stop)
        else:
            must_be_known(gateway, integration=integration, partner=partner)
            pages = from_store(gateway, wanted, last=lines, follow=follow, stop=stop)
        # A program goes on behind a number.
        shown = by_time(pages) if output == "text" else ((line, False) for line in chain.from_iterable(pages))
        for line, late in shown:
            seen_problems = seen_problems or line.level == "problem"
            colour = sys.stdout.isatty()
            click.echo(as_json(line) if output == "json" else as_text(line, colour=colour, late=late))
            sys.stdout.flush()
    finally:
        if gateway is not None:
            gateway.close()
    if until_idle and seen_problems:
        raise click.exceptions.Exit(EXIT_PROBLEMS_SEEN)
