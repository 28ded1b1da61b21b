"""What a partner was told about a delivery."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import click

from gateway.errors import Stop
from gateway.operate import wiring
from gateway.operate.cli.options import workspace_option
from gateway.store import deliveries, letters

if TYPE_CHECKING:
    from pathlib import Path


@click.command()
@click.argument("delivery")
@click.option("--html", "kind", flag_value=letters.HTML, help="The page.")
@click.option("--csv", "kind", flag_value=letters.CSV, help="The refused rows, as a CSV file.")
@workspace_option
def letter(delivery: str, kind: str | None, workspace: Path) -> None:
    """Show the newest letter to the partner about a DELIVERY, its id or how that begins."""
    gateway = wiring.open_gateway(workspace)
    try:
        with gateway.database.read() as connection:
            try:
                found = deliveries.get(connection, delivery)
            except LookupError as several:
                raise Stop(str(several), "Give more of the id.") from several
            if found is None:
                raise Stop(f"there is no delivery {delivery!r}", "gateway tail shows their ids.")
            forms = letters.newest(connection, found.number)
            is_owed = letters.is_owed(connection, found.number)
        form = forms.get(kind or letters.TEXT)
        if form is None and forms:
            raise Stop(f"the letter about {found.id} has no rows", "Leave --csv out.")
        if form is None:
            later = "A worker is about to write it." if is_owed else "Its partner is told nothing by letter."
            raise Stop(f"there is no letter about {found.id}", later)
        if not form.content:
            raise Stop(f"the letter about {found.id} was purged with the file", "Ask the partner for it.")
    finally:
        gateway.close()
    sys.stdout.buffer.write(form.content)
