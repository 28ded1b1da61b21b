"""What a power cut would show: nothing is relied on before it was synced. The order is read from the calls themselves.

A kill leaves what the kernel has in its memory, so it cannot show a missing fsync; the order of calls does.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from sftp.hostkeys import load_or_create
from tests.faults.injection import calls_of, missing
from tests.faults.roles import collect, inbox_of
from tests.faults.scenes import PRICES, scene

if TYPE_CHECKING:
    from pathlib import Path

    from tests.faults.injection import Call
    from tests.faults.nursery import Nursery

pytestmark = pytest.mark.skipif(missing() is not None, reason=str(missing()))

_FILES = re.compile(r'"(/[^"]+)"|<(/[^>]+)>')


def files(call: Call) -> list[str]:
    """The paths that a call names."""
    return [first or second for first, second in _FILES.findall(call.line)]


class Order:
    """The calls of a process in their order, to ask what came before what."""

    def __init__(self, calls: list[Call]) -> None:
        self.calls = calls

    def where(self, name: str, part: str, *, after: int = -1) -> int:
        """The first such call behind `after` whose first path matches."""
        for at, call in enumerate(self.calls):
            if at > after and call.name.startswith(name) and files(call) and re.search(part, files(call)[0]):
                return at
        pytest.fail(f"no {name} of {part} behind {self.calls[after] if after >= 0 else 'the beginning'}")

    def commit(self, *, after: int) -> int:
        """The first commit of the store behind `after` by the same thread, when it is durable; others commit theirs."""
        for at, call in enumerate(self.calls):
            durable = call.what == "commit" or (call.what == "store-wal" and call.name in ("fsync", "fdatasync"))
            if at > after and durable and call.thread == self.calls[after].thread:
                return at
        pytest.fail("nothing was committed")


def test_L1_bytes_their_name_their_folders_and_their_row_are_synced_before_the_senders_file_goes(  # noqa: N802
    tmp_path: Path, store_url: str, children: Nursery
) -> None:
    here = scene(tmp_path / "here", store_url, lambda _: None)
    load_or_create(here.folder / "data" / "hostkeys")
    inbox_of(here, "globex").joinpath("prices.csv").write_bytes(PRICES)
    assert collect(here, children, trace=tmp_path / "trace").status == 0
    order = Order(calls_of(tmp_path / "trace"))

    claimed = order.where("rename", r"/inbox/prices\.csv$")
    claim_synced = order.where("fsync", r"/held$", after=claimed)
    written = order.where("write", r"\.part$")
    synced = order.where("fsync", r"\.part$", after=written)
    named = order.where("rename", r"\.part$", after=written)
    target = files(order.calls[named])[1]
    folder = target.rpartition("/")[0]
    entered = order.where("fsync", f"^{folder}$", after=named)
    removed = order.where("unlink", r"/held/[^/]+prices\.csv$")
    committed = order.commit(after=entered)

    assert synced < named, "the file has its name before its bytes are durable"
    made = [at for at, call in enumerate(order.calls) if call.name.startswith("mkdir") and "/vault" in call.line]
    for at in made:
        path = files(order.calls[at])[-1]
        if " = -1 " in order.calls[at].line:
            continue
        parent_synced = order.where("fsync", f"^{path.rpartition('/')[0]}$", after=at)
        assert parent_synced < committed, f"the row is committed before {path} is durable"
    assert entered < committed < removed, "the sender's file goes before its bytes and its row are durable"
    assert claim_synced < committed, "the row is committed before the claim is durable"
