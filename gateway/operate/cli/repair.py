"""Deliveries judged again, and undone: replay, undo."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

import click

from gateway.model import DeliveryState
from gateway.observations import so_many
from gateway.operate import wiring
from gateway.operate.cli.options import decision_options, workspace_option
from gateway.operate.workers.worker import owner_name, work_once
from gateway.repair.replay import NOW, THEN, ask_replay
from gateway.repair.undo import undo as undone
from gateway.store import deliveries

if TYPE_CHECKING:
    from pathlib import Path

    from gateway.model import Delivery
    from gateway.operate.wiring import Gateway

_LOOK_EVERY_SECONDS = 0.2


@click.command()
@click.argument("delivery_ids", metavar="DELIVERY...", nargs=-1, required=True)
@click.option(
    "--as",
    "how",
    type=click.Choice([THEN, NOW]),
    required=True,
    help="By the revision that judged it, or the one in force.",
)
@click.option("--no-wait", is_flag=True, help="Leave it to the workers; do not wait for the end.")
@decision_options
@workspace_option
def replay(delivery_ids: tuple[str, ...], how: str, no_wait: bool, who: str, reason: str, workspace: Path) -> None:
    """Judge each DELIVERY again from its raw bytes, with the corrections and discards that people decided.

    It keeps its place in the order of deliveries: newer records stay. A record that it makes no more returns to what
    it was before. The beginning of an id is enough. Status 1 when one could not be judged.
    """
    gateway = wiring.open_gateway(workspace)
    try:
        found = [known(gateway, each) for each in delivery_ids]
        for each in found:
            now = gateway.in_force.routes()
            routes = now if how == NOW else gateway.in_force.of(each.revision or "")
            ask_replay(gateway.database, gateway.vault, each, routes=routes, how=how, who=who, reason=reason)
        if no_wait:
            return
        ended = [_ended(gateway, each) for each in found]
    finally:
        gateway.close()
    for each in ended:
        counts = ", ".join(f"{count} {state}" for state, count in each.documents.items())
        click.echo(f"{each.id}  {each.name}: {each.state}, {counts or 'no documents'}")
    if any(each.state is DeliveryState.FAILED for each in ended):
        raise click.exceptions.Exit(1)


@click.command()
@click.argument("delivery_id", metavar="DELIVERY")
@click.option("--leave-changed", is_flag=True, help="Leave records that were changed since, instead of refusing.")
@decision_options
@workspace_option
def undo(delivery_id: str, leave_changed: bool, who: str, reason: str, workspace: Path) -> None:
    """Return the records that a DELIVERY touched to what they were before, and tell that as changes.

    Nothing is done when a later delivery has changed one of them; those are named.
    """
    gateway = wiring.open_gateway(workspace)
    try:
        delivery = known(gateway, delivery_id)
        done = undone(
            gateway.database,
            delivery,
            who=who,
            reason=reason,
            owner=owner_name(),
            leave_changed=leave_changed,
        )
    finally:
        gateway.close()
    left = f"; changed since, and left: {done.left}" if done.left else ""
    click.echo(
        f"{delivery.id}  {delivery.name}: {so_many(done.records, 'records')} returned to the version before{left}"
    )


def known(gateway: Gateway, delivery_id: str) -> Delivery:
    """The delivery with this id, or with the only id that starts so.

    Raises:
        click.ClickException: there is none, or there are several.
    """
    try:
        with gateway.database.read() as connection:
            found = deliveries.get(connection, delivery_id)
    except LookupError as several:
        raise click.ClickException(str(several)) from several
    if found is None:
        raise click.ClickException(f"there is no delivery {delivery_id!r}; gateway tail shows their ids")
    return found


def _ended(gateway: Gateway, delivery: Delivery) -> Delivery:
    """The delivery when its judging has ended; this process works meanwhile, in the order in which things are due."""
    pause = threading.Event()
    while True:
        with gateway.database.read() as connection:
            now = deliveries.by_number(connection, delivery.number)
        if now.state is not DeliveryState.RECEIVED:
            return now
        if not work_once(gateway, owner_name()):
            pause.wait(_LOOK_EVERY_SECONDS)
