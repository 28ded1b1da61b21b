"""API keys: made, listed, changed for new ones, revoked."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import click

from gateway.errors import Stop
from gateway.operate import wiring
from gateway.operate.cli.options import who_option, workspace_option
from gateway.operate.credentials import make_key, rotate_key
from gateway.serve.auth.scopes import OWN, allows, nearest_scope, scopes_of
from gateway.store import audit, keys
from gateway.workspace.access import SCOPE
from gateway.workspace.loader import load

if TYPE_CHECKING:
    from datetime import datetime
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
    Scopes
      *:read              all that is read, live tables too, but no personal data
      orders:read         one collection; orders:personal shows its personal data
      *:personal          the personal data of every collection, with a scope that reads it
      tables:read         the live tables; tables.erp:read those of one connection
      deliveries:write    upload, replay and undo; quarantine:write retry, correct, discard
      RESOURCE:read       activity audit deliveries integrations metrics outlets partners
                          quarantine sources types usage
      admin               all of it

    Two keys of one NAME may be live at a time.
    """  # noqa: D301 - \b keeps the lines as they are (click)
    gateway = wiring.open_gateway(workspace)
    try:
        _check_scopes(gateway, scopes)
        _check_partners(gateway, partners)
        expires_at = wiring.utc_now() + timedelta(days=days) if days else None
        click.echo(make_key(gateway, name, scopes, expires_at=expires_at, who=who, partners=partners or None))
    finally:
        gateway.close()


def _check_scopes(gateway: Gateway, scopes: tuple[str, ...]) -> None:
    """Refuse a scope that allows nothing, neither now nor once the working copy is applied.

    Raises:
        Stop: there is such a scope; what is wrong with the working copy, where no configuration says what there is.
    """
    known, unread = OWN, []
    if all(allows(each, known) for each in scopes):
        return
    for read in (gateway.in_force.configuration, lambda: load(gateway.folder)):
        try:
            known |= scopes_of(read())
        except Stop as trouble:
            unread.append(trouble)
        wrong = next((each for each in scopes if not allows(each, known)), "")
        if not wrong:
            return
    if len(unread) > 1:
        raise unread[-1]
    near = nearest_scope(wrong, known)
    raise Stop(
        f"the scope {wrong} allows nothing here",
        (f"Did you mean {near}? " if near else "")
        + f"There are: {', '.join(sorted(known))}, stars in their place, admin.",
    )


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
@click.argument("key_or_name", metavar="KEY")
@who_option
@workspace_option
def revoke(key_or_name: str, who: str, workspace: Path) -> None:
    """End a key at once. KEY is its id, the beginning of it, or the name of a client that has one live key."""
    gateway = wiring.open_gateway(workspace)
    try:
        with gateway.database.write() as transaction:
            found = _meant(keys.all_keys(transaction.connection), key_or_name, transaction.now)
            keys.revoke(transaction, found.id)
            audit.write(transaction, "key_revoked", f"key {found.id}", who=who)
    finally:
        gateway.close()
    click.echo(f"{found.id} of {found.name} is revoked")


def _meant(known: list[keys.Key], text: str, now: datetime) -> keys.Key:
    """The key that is meant: by its id, whether it has ended or not, else the one live key that it can be."""
    usable = [each for each in known if each.revoked_at is None]
    exact = [each for each in usable if each.id == text]
    live = [each for each in usable if each.live(now)]
    found = exact or [each for each in live if each.name == text] or [each for each in live if each.id.startswith(text)]
    if len(found) == 1:
        return found[0]
    if not found:
        raise click.ClickException(f"there is no key {text} that could be revoked; gateway key list shows them")
    several = ", ".join(f"{each.id} (made {each.created_at:%Y-%m-%d %H:%M})" for each in found)
    raise click.ClickException(f"{text} can be any of {several}; name it by its id")
