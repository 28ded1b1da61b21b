"""The configuration in force: applied whole, stored with every delivery, followed by those who run."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from gateway.errors import Stop
from gateway.operate import wiring
from gateway.workspace.loader import load
from tests.acceptance.workspaces import make, opened, sample

if TYPE_CHECKING:
    from pathlib import Path


def test_nothing_works_before_a_revision_is_applied_and_the_first_one_is_applied_once(
    tmp_path: Path, store_url: str
) -> None:
    gateway = wiring.open_gateway(make(tmp_path, store=store_url))
    try:
        with pytest.raises(Stop, match="no configuration was applied yet") as stopped:
            gateway.in_force.routes()
        assert "gateway apply" in stopped.value.remedy
        assert wiring.apply_first(gateway) == load(tmp_path).revision
        assert wiring.apply_first(gateway) is None
        assert not wiring.apply(gateway, load(tmp_path))
    finally:
        gateway.close()


def test_every_delivery_names_the_revision_that_judged_it(tmp_path: Path, store_url: str) -> None:
    content = sample("globex-prices.csv")
    with opened(tmp_path, store=store_url) as place:
        first = place.give(content, "a.csv", "drop://globex")
        place.change("codes/product-groups.csv", "40,garden,Garden\n", "40,garden,Garden\n77,garden,Spades\n")
        second = place.give(content + b"\r\n", "b.csv", "drop://globex")

        assert first["revision"] != second["revision"] == load(tmp_path).revision
        assert (first["documents"]["accepted"], second["documents"]["accepted"]) == (8, 9)
        assert place.gateway.in_force.routes() is place.gateway.in_force.routes()


def test_another_process_follows_what_is_applied(tmp_path: Path) -> None:
    with opened(tmp_path) as place:
        other = wiring.open_gateway(tmp_path)
        try:
            before = other.in_force.configuration().revision
            place.change("codes/units.csv", "EA,piece,Each", "EA,piece,Every")
            assert other.in_force.configuration().revision != before
        finally:
            other.close()
