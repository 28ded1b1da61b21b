"""What apply says of a change before it makes it, and what it does not make unasked."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gateway.operate.cli.up import _behind
from tests.acceptance.test_command_line import gateway
from tests.acceptance.workspaces import opened, sample

if TYPE_CHECKING:
    from pathlib import Path

X12 = sample("acme-orders.edi")


def edited(folder: Path, file: str, old: str, new: str) -> None:
    path = folder / file
    said = path.read_text(encoding="utf-8")
    assert old in said
    path.write_text(said.replace(old, new), encoding="utf-8")


def test_a_change_that_breaks_readers_is_refused_until_it_is_wanted(tmp_path: Path) -> None:
    with opened(tmp_path) as place:
        place.give(X12)
        before = place.gateway.in_force.configuration().revision
        edited(
            tmp_path, "contracts/order.v1.yaml", "ordered_on:  date, filter, sort", "ordered_on:  date?, filter, sort"
        )

        refused = gateway("apply", "-w", tmp_path)

        assert refused.status == 5
        assert "warning: breaking  order.v1 ordered_on: may be missing" in refused.out
        assert "nothing was applied: readers of order.v1 would break" in refused.err
        assert "order v2" in refused.err
        assert "--breaking" in refused.err
        assert place.gateway.in_force.configuration().revision == before

        done = gateway("apply", "--breaking", "-w", tmp_path)
        assert done.status == 0
        assert "warning: breaking  order.v1 ordered_on: may be missing" in done.out
        assert place.gateway.in_force.configuration().revision != before


def test_what_nobody_can_have_read_breaks_nobody(tmp_path: Path) -> None:
    with opened(tmp_path):
        edited(
            tmp_path, "contracts/order.v1.yaml", "ordered_on:  date, filter, sort", "ordered_on:  date?, filter, sort"
        )
        done = gateway("apply", "-w", tmp_path)
    assert done.status == 0, done.err
    assert "breaking  order.v1 ordered_on: may be missing (it has no records yet)" in done.out


def test_a_change_that_breaks_nobody_is_said_in_a_line(tmp_path: Path) -> None:
    with opened(tmp_path) as place:
        place.give(X12)
        edited(tmp_path, "contracts/order.v1.yaml", "ordered_on:  date,", "note: text?\n  ordered_on:  date,")
        done = gateway("apply", "-w", tmp_path)
    assert done.status == 0, done.err
    assert done.lines[0] == "added     order.v1 note: is new"


def test_settings_that_hold_after_a_restart_are_named_and_others_are_not(tmp_path: Path) -> None:
    with opened(tmp_path):
        with (tmp_path / "gateway.yaml").open("a") as file:
            file.write("requests_per_minute: 10\nhot_lane: false\nupload_max: 1 MiB\n")
        done = gateway("apply", "-w", tmp_path)
    assert done.status == 0, done.err
    assert (
        "note: roles that run go on with the old requests_per_minute, hot_lane of gateway.yaml until they are restarted"
        in done.lines
    )


def test_up_says_that_the_working_copy_is_not_what_is_in_force(tmp_path: Path) -> None:
    with opened(tmp_path) as place:
        assert _behind(place.gateway) is None
        edited(tmp_path, "contracts/order.v1.yaml", "about:", "about: Also")
        assert "differs from it: gateway apply" in (_behind(place.gateway) or "")
        edited(tmp_path, "contracts/order.v1.yaml", "about:", "abut:")
        assert "has problems: gateway check" in (_behind(place.gateway) or "")
