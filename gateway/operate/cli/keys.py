"""API keys: made, listed, revoked."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import click

from gateway.operate import wiring
from gateway.operate.cli.options import who_option, workspace_option
from gateway.operate.credentials import make_key
from gateway.store import audit, keys

if TYPE_CHECKING:
    from pathlib import Path


@click.group()
def key() -> None:
    """Make, list and revoke API keys."""


@key.command()
@click.argument("name")
@click.option("--scope", "scopes", multiple=True, default=("*:read",), show_default=True, help="May be repeated.")
@click.option("--days", type=click.IntRange(1), help="How long the key is good (default: until revoked).")
@who_option
@workspace_option
def add(name: str, scopes: tuple[str, ...], days: int | None, who: str, workspace: Path) -> None:
    """Make a key for NAME and print its token, once: only its hash is kept.

    \b
    Scopes: *:read  orders:read  deliveries:read  deliveries:write  quarantine:write  admin
    """  # noqa: D301 - \b keeps the lines as they are (click)
    gateway = wiring.open_gateway(workspace)
    try:
        expires_at = wiring.utc_now() + timedelta(days=days) if days else None
        click.echo(make_key(gateway, name, scopes, expires_at=expires_at, who=who))
    finally:
        gateway.close()


@key.command(name="list")
@workspace_option
def list_keys(workspace: Path) -> None:
    """List the keys: id, name, scopes, state."""
    gateway = wiring.open_gateway(workspace)
    try:
        with gateway.database.read() as connection:
            for each in keys.all_keys(connection):
                state = "revoked" if each.revoked_at else f"until {each.expires_at:%Y-%m-%d}" if each.expires_at else ""
                click.echo("\t".join([each.id, each.name, " ".join(each.scopes), state]))
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
