"""Keys of partners' accounts: one more, one less, which there are; two at a time, to change one for another."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from gateway.errors import Retry, Stop
from gateway.operate import wiring
from gateway.operate.cli.options import workspace_option
from gateway.operate.onboarding import logins, making
from gateway.store.readiness import key_used_at
from gateway.workspace.amending import with_key, without_key
from gateway.workspace.loader import load, parse
from gateway.workspace.shelf import FOLDER as SHIPPED

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from gateway.configuration import Configuration
    from gateway.partners import Partner

LIVE_MAX = 2
"""So many keys of one partner count at a time: the old one and the new one."""


@click.group(name="key")
def keys() -> None:
    """Add, remove and list the public keys that a partner logs in with.

    Two count at a time: add the new one, apply, have the partner use it, and remove the old one.
    """


@keys.command()
@click.argument("name")
@click.argument("key", metavar="FILE|LINE")
@workspace_option
def add(name: str, key: str, workspace: Path) -> None:
    """Add a public key to the partner NAME: a .pub file, or the line that stands in it.

    The partner's first key makes its account.
    """
    configuration, partner = known(workspace, name)
    line = logins.public_key(key)
    mine = logins.fingerprint(line)
    there = partner.account.keys if partner.account is not None else ()
    logins.check_is_nobodys(line, configuration.partners.values())
    if len(there) >= LIVE_MAX:
        listed = ", ".join(map(logins.fingerprint, there))
        raise Stop(
            f"{name} has {len(there)} keys already: {listed}",
            f"Remove the one that is not used any more: gateway partner key remove {name} SHA256:…",
        )
    text = configuration.files[partner.file]
    _put(workspace, configuration, partner, with_key(partner.file, text, name, line))
    click.echo(f"{name} has the key {mine}, too" if there else f"{name} has the key {mine}")
    click.echo(f"Next: {_apply(workspace)}; it counts a second later")


@keys.command()
@click.argument("name")
@click.argument("which", metavar="FINGERPRINT|COMMENT")
@workspace_option
def remove(name: str, which: str, workspace: Path) -> None:
    """Remove a key from the partner NAME: the one with this fingerprint, its beginning, or this comment."""
    configuration, partner = known(workspace, name)
    there = partner.account.keys if partner.account is not None else ()
    chosen = [number for number, line in enumerate(there) if _is_meant(line, which)]
    if len(chosen) != 1:
        listed = "; ".join(f"{logins.fingerprint(each)} {_comment(each)}".rstrip() for each in there) or "none"
        how_many = "no key" if not chosen else f"{len(chosen)} keys"
        raise Stop(f"{name} has {how_many} {which!r}", f"There is {listed}.")
    gone = logins.fingerprint(there[chosen[0]])
    _put(workspace, configuration, partner, without_key(partner.file, configuration.files[partner.file], chosen[0]))
    click.echo(f"{name} has the key {gone} no more")
    left = [line for number, line in enumerate(there) if number != chosen[0]]
    if not _any_used(workspace, name, left):
        listed = ", ".join(map(logins.fingerprint, left))
        click.echo(f"note: no login with {listed} is known: before apply, have {name} log in with it once", err=True)
    click.echo(f"Next: {_apply(workspace)}; it ends a second later for new logins")


@keys.command(name="list")
@click.argument("name")
@workspace_option
def list_keys(name: str, workspace: Path) -> None:
    """List the keys of the partner NAME: fingerprint, comment, and when it was last used, where the log tells that."""
    _, partner = known(workspace, name)
    there = partner.account.keys if partner.account is not None else ()
    for line, at in zip(there, _used(workspace, name, there), strict=True):
        used = f"last used {at:%Y-%m-%d %H:%M} UTC" if at is not None else "no use is known"
        click.echo("\t".join([line.split()[0], logins.fingerprint(line), _comment(line), used]))
    if partner.account is not None and partner.account.password_hash is not None:
        click.echo("There is a password, too.")
    elif not there:
        click.echo(f"{name} has no key.")


def known(workspace: Path, name: str) -> tuple[Configuration, Partner]:
    """The workspace as it stands in its files, and one of its partners.

    Raises:
        Stop: there is none of that name.
        ConfigurationProblems: the workspace does not load.
    """
    configuration = load(workspace)
    if name not in configuration.partners:
        there = ", ".join(sorted(configuration.partners)) or "none"
        raise Stop(f"there is no partner {name!r}; there is {there}", f"gateway partner add {name} makes one")
    return configuration, configuration.partners[name]


def _used(workspace: Path, name: str, lines: Sequence[str]) -> list[datetime | None]:
    """When each key was last used, where the log tells that."""
    gateway = wiring.open_gateway(workspace)
    try:
        with gateway.database.read() as connection:
            return [key_used_at(connection, name, logins.fingerprint(each)) for each in lines]
    finally:
        gateway.close()


def _any_used(workspace: Path, name: str, lines: Sequence[str]) -> bool:
    """Whether one of them was used as far as is known; a key can be taken away while the store does not answer."""
    try:
        return not lines or any(_used(workspace, name, lines))
    except (Stop, Retry):
        return True


def _apply(workspace: Path) -> str:
    return "gateway apply" if workspace == Path() else f"gateway apply -w {workspace}"


def _put(workspace: Path, configuration: Configuration, partner: Partner, text: str) -> None:
    """The partner's file anew, if the workspace loads with it."""
    own = {path: each for path, each in configuration.files.items() if not path.startswith(SHIPPED)}
    parse(own | {partner.file: text})
    making.rewrite(workspace / partner.file, text)


def _is_meant(line: str, which: str) -> bool:
    digest, wanted = (each.removeprefix("SHA256:") for each in (logins.fingerprint(line), which))
    return bool(wanted) and (digest.startswith(wanted) or _comment(line) == which)


def _comment(line: str) -> str:
    return " ".join(line.split()[2:])
