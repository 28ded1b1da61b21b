"""Partners: made, described to themselves, checked, given keys, and a page to try their files on."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from gateway.errors import Stop
from gateway.operate import wiring
from gateway.operate.cli.options import who_option, workspace_option
from gateway.operate.cli.partner_keys import keys, known
from gateway.operate.credentials import make_link, revoke_links
from gateway.operate.exchange.hostkeys import fingerprints
from gateway.operate.onboarding import card as cards
from gateway.operate.onboarding import logins, making
from gateway.operate.onboarding.making import Asked
from gateway.repair.readiness import readiness
from gateway.store import links
from gateway.workspace.newcomers import Newcomer
from sftp.auth import hash_password

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from gateway.operate.wiring import Gateway

_ASK, _GENERATE = "ask", "generate"


@click.group()
def partner() -> None:
    """Make partners, and see to it that they get through.

    \b
    add     who it is, how it logs in, what it sends: one command, or one sample file
    card    what to send to the partner
    link    a page on which the partner tries files, which needs nothing but the link
    check   what is still missing
    key     change the keys that it logs in with
    """  # noqa: D301 - \b keeps the lines as they are (click)


def _described(command: Callable[..., Any]) -> Callable[..., Any]:
    """Who the partner is, and how it logs in."""
    for option in (
        click.option("--about", default="", help="Who that is, in a few words."),
        click.option("--owner", default="", help="The team that answers for it (default: the first of teams.yaml)."),
        click.option("--isa", multiple=True, metavar="ZZ:ACME", help="Who it is in X12's ISA. May be repeated."),
        click.option("--unb", multiple=True, metavar="14:4012…", help="Who it is in EDIFACT's UNB. May be repeated."),
        click.option("--user", default="", help="The name to log in with (default: NAME)."),
        click.option("--key", "keys", multiple=True, metavar="FILE|LINE", help="Its public key. May be repeated."),
        click.option(
            "--password",
            type=click.Choice([_GENERATE, _ASK]),
            is_flag=False,
            flag_value=_GENERATE,
            help="Where it has no key: make a password, which is shown once, or ask for one.",
        ),
        click.option("--contact", "contacts", multiple=True, metavar="ADDRESS", help="Whom to write to."),
    ):
        command = option(command)
    return command


@partner.command()
@click.argument("name")
@_described
@click.option(
    "--format", "formats", multiple=True, metavar="FORMAT", help="What it sends, as 'x12 850'. May be repeated."
)
@click.option("--source", default="", help="Where its files come from (default: drop://NAME/*, its own inbox).")
@click.option("--from", "sample", metavar="FILE|d_…", help="A file of it, or one that was taken: it says the rest.")
@click.option("--column", "columns", multiple=True, help="With --from: a column that tells rows apart.")
@click.option("--contract", default="", metavar="NAME", help="With --from: what a table's contract is to be called.")
@workspace_option
def add(
    name: str,
    formats: tuple[str, ...],
    source: str,
    sample: str | None,
    columns: tuple[str, ...],
    contract: str,
    keys: tuple[str, ...],
    password: str | None,
    workspace: Path,
    **described: Any,
) -> None:
    """Write the files of the partner NAME: who it is, how it logs in, and a flow for each kind of document it sends.

    \b
    gateway partner add acme --isa ZZ:ACME --key acme.pub --format 'x12 850'
    gateway partner add acme --from sample.edi --password
    gateway partner add acme --from d_01m7yhc002

    With --from a file says who sends it and what it is; d_… is a file that was taken and that nobody wanted. For a
    table without a standard contract, a first contract and mapping are written. For a partner that is there already
    --format and --from add flows. The result is checked before anything is written, and nothing is overwritten.
    """  # noqa: D301 - \b keeps the lines as they are (click)
    asked = Asked(formats, source, columns, making.sample(sample, workspace) if sample else None, contract)
    told = _password(password)
    newcomer = Newcomer(
        name=name,
        keys=tuple(map(logins.public_key, keys)),
        password_hash=hash_password(told) if told else "",
        **described,
    )
    if asked.sample is not None:
        click.echo(f"{asked.sample.name}: {asked.sample.seen}")
    made = making.prepared(workspace, newcomer, asked)
    for path in making.write(workspace, made.files):
        click.echo(f"wrote {path}")
    if password == _GENERATE:
        click.echo(f"password of {newcomer.user or name}, shown this once: {told}")
    for note in made.notes:
        click.echo(note)
    there = "" if workspace == Path() else f" -w {workspace}"
    click.echo(f"Next: gateway apply{there}, then: gateway partner card {name}{there}")


def _password(way: str | None) -> str:
    """The password that is made or asked for; empty where none is wanted."""
    if way == _ASK:
        said: str = click.prompt("Password", hide_input=True, confirmation_prompt=True)
        if len(said) < logins.PASSWORD_MIN:
            raise click.UsageError(f"the password has {len(said)} characters; {logins.PASSWORD_MIN} are the least")
        return said
    return logins.new_password() if way == _GENERATE else ""


@partner.command()
@click.argument("name")
@click.option("--html", is_flag=True, help="As a page in one file, to be attached to a mail.")
@workspace_option
def card(name: str, html: bool, workspace: Path) -> None:
    """Print what to send to the partner NAME: the server and its keys, the folders, what is taken, how clients are set.

    Its address is sftp_public of gateway.yaml, or else where the server listens.
    """
    configuration, of = known(workspace, name)
    made = cards.card(configuration, of, fingerprints(workspace))
    for warning in made.warnings:
        click.echo(f"note: {warning}", err=True)
    click.echo(made.html() if html else made.text())


@partner.command()
@click.argument("name")
@click.pass_context
@workspace_option
def check(context: click.Context, name: str, workspace: Path) -> None:
    """Check whether the partner NAME can get through: from its account to the first acknowledgment that it fetched.

    What is applied counts. The status is 1 while something is missing.
    """
    gateway = wiring.open_gateway(workspace)
    try:
        configuration = gateway.in_force.configuration()
        if name not in configuration.partners:
            known(workspace, name)
            raise Stop(f"{name} is not applied yet", "Run: gateway apply")
        with gateway.database.read() as connection:
            steps = readiness(connection, configuration, configuration.partners[name], fingerprints(workspace))
    finally:
        gateway.close()
    for each in steps:
        click.echo(f"{'✓' if each.done else '✗'} {each.said}")
        if each.remedy:
            click.echo(f"    {each.remedy}")
    if not all(each.done for each in steps):
        context.exit(1)


@partner.command()
@click.argument("name")
@click.option("--days", type=click.IntRange(1, 366), default=7, show_default=True, help="How long it is good.")
@click.option("--list", "listed", is_flag=True, help="List the links there are, without making one.")
@click.option("--revoke", is_flag=True, help="End all links of the partner at once, without making one.")
@who_option
@workspace_option
def link(name: str, days: int, listed: bool, revoke: bool, who: str, workspace: Path) -> None:
    """Print a link to a page on which the partner NAME tries files: it needs nothing else, and touches nothing real.

    It is shown once: only its hash is kept. Its address is http_public of gateway.yaml, or else where the API listens.
    """
    gateway = wiring.open_gateway(workspace)
    try:
        if name not in gateway.in_force.configuration().partners:
            known(workspace, name)
            raise Stop(f"{name} is not applied yet", "Run: gateway apply")
        if revoke:
            ended = revoke_links(gateway, name, who)
            click.echo(f"{len(ended)} link{'' if len(ended) == 1 else 's'} of {name} ended")
        elif listed:
            _list_links(gateway, name)
        else:
            place = gateway.settings.http_public or f"http://{gateway.settings.http}"
            if gateway.settings.http_public is None:
                click.echo(f"note: {place} is where the API listens; where partners find it is http_public", err=True)
            click.echo(f"{place.rstrip('/')}/try/{make_link(gateway, name, days, who)}")
    finally:
        gateway.close()


def _list_links(gateway: Gateway, name: str) -> None:
    with gateway.database.read() as connection:
        for each in links.of_partner(connection, name):
            until = f"until {each.expires_at:%Y-%m-%d %H:%M} UTC"
            state = "revoked" if each.revoked_at else until if each.live(wiring.utc_now()) else f"over, {until}"
            click.echo(f"{each.id}\t{state}")


partner.add_command(keys)
