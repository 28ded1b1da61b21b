"""API keys: made, listed, changed for new ones, revoked."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import click

from gateway.errors import Stop
from gateway.operate import wiring
from gateway.operate.cli.options import who_option, workspace_option
from gateway.operate.credentials import make_key, rotate_key
from gateway.store import audit, keys
from gateway.workspace.access import SCOPE

if TYPE_CHECKING:
    from pathlib import Path

    from gateway.operate.wiring import Gateway


@click.group()
def key() -> None:
    """Make, list, change and revoke API keys."""


def _scopes(_: click.Context, __: click.Parameter, given: tuple[str, ...]) -> tuple[str, ...]:
    wrong = next((each for each in given if not SCOPE.fullmatch(each)), None)
    if wrong is not None:
        raise click.BadParameter(f"{wrong!r} is no scope; write resource:verb, such as orders:read, or admin")
    return given


days_option = click.option("--days", type=click.IntRange(1), help="How long the key is good (default: until revoked).")


@key.command()
@click.argument("name")
@click.option(
    "--scope",
    "scopes",
    multiple=True,
    default=("*:read",),
    show_default=True,
    callback=_scopes,
    help="May be repeated.",
)
@click.option("--partner", "partners", multiple=True, help="Only this partner's data is seen. May be repeated.")
@days_option
@who_option
@workspace_option
def add(
    name: str, scopes: tuple[str, ...], partners: tuple[str, ...], days: int | None, who: str, workspace: Path
) -> None:
    """Make a key for NAME and print its token, once: only its hash is kept.

    \b
    Scopes: *:read  orders:read  orders:personal  deliveries:read  deliveries:write  quarantine:write  admin

    Two keys of one NAME may be live at a time.
    """  # noqa: D301 - \b keeps the lines as they are (click)
    gateway = wiring.open_gateway(workspace)
    try:
        _check_partners(gateway, partners)
        expires_at = wiring.utc_now() + timedelta(days=days) if days else None
        click.echo(make_key(gateway, name, scopes, expires_at=expires_at, who=who, partners=partners or None))
    finally:
        gateway.close()


def _check_partners(gateway: Gateway, partners: tuple[str, ...]) -> None:
    """Refuse a partner that the configuration in force does not have: the key would see nothing."""
    if not partners:
        return
    known = gateway.in_force.configuration().partners
    wrong = next((each for each in partners if each not in known), None)
    if wrong is not None:
        there = ", ".join(sorted(known)) or "none"
        raise Stop(f"there is no partner {wrong!r}", f"The configuration in force has: {there}.")


@key.command(name="list")
@workspace_option
def list_keys(workspace: Path) -> None:
    """List the keys: id, name, scopes, partners, state."""
    gateway = wiring.open_gateway(workspace)
    try:
        with gateway.database.read() as connection:
            for each in keys.all_keys(connection):
                state = "revoked" if each.revoked_at else f"until {each.expires_at:%Y-%m-%d}" if each.expires_at else ""
                partners = "all" if each.partners is None else " ".join(each.partners)
                click.echo("\t".join([each.id, each.name, " ".join(each.scopes), partners, state]))
    finally:
        gateway.close()


@key.command()
@click.argument("name")
@click.option("--grace", type=click.IntRange(0), default=7, show_default=True, help="Days until the old key ends.")
@days_option
@who_option
@workspace_option
def rotate(name: str, grace: int, days: int | None, who: str, workspace: Path) -> None:
    """Make a new key for NAME, with the scopes and partners of its old one, and print its token, once.

    The old one counts for some days more, so that nothing stands still meanwhile.
    """
    gateway = wiring.open_gateway(workspace)
    try:
        now = wiring.utc_now()
        expires_at = now + timedelta(days=days) if days else None
        click.echo(rotate_key(gateway, name, old_ends_at=now + timedelta(days=grace), expires_at=expires_at, who=who))
    finally:
        gateway.close()


@key.command()
@click.argument("key_id")
@who_option
@workspace_option
def revoke(key_id: str, who: str, workspace: Path) -> None:
    """End the key KEY_ID at once."""
    gateway = wiring.open_gateway(workspace)
    try:
        with gateway.database.write() as transaction:
            done = keys.revoke(transaction, key_id)
            if done:
                audit.write(transaction, "key_revoked", f"key {key_id}", who=who)
    finally:
        gateway.close()
    if not done:
        raise click.ClickException(f"there is no key {key_id} that could be revoked; gateway key list shows them")
    click.echo(f"{key_id} is revoked")
