"""Which files go which way: what has no partner too, and each way is asked for what goes it alone."""

from __future__ import annotations

from contextlib import closing
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import insert

from gateway.store import outgoing
from gateway.store.database import stamp
from gateway.store.outgoing import Bag
from gateway.store.tables import acknowledgment
from tests.gateway.serve.worlds import World, order, world

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture
def here(tmp_path: Path, store_url: str) -> Iterator[World]:
    with closing(world(tmp_path, url=store_url)) as made:
        yield made


def answer(here: World, partner: str | None, number: int) -> None:
    """An acknowledgment that is due to be sent."""
    delivery = here.deliver(order(str(number)), name=f"{number}.csv").number
    row = {
        "delivery": delivery,
        "place": number,
        "interchange": 1,
        "functional_group": 0,
        "kind": "997",
        "standard": "x12",
        "sender": "us",
        "receiver": "them",
        "number": number,
        "answers_interchange": "1",
        "disposition": "accepted",
        "received": 1,
        "accepted": 1,
        "again": 0,
        "partner": partner,
        "name": f"{number}.edi",
        "content": b"ISA",
        "state": "built",
        "built_at": stamp(here.now()),
        "due": here.now().timestamp(),
    }
    with here.database.write() as transaction:
        transaction.connection.execute(insert(acknowledgment), [row])


def test_what_has_no_partner_is_left_out_by_no_way_that_leaves_out_some(here: World) -> None:
    answer(here, None, 1)
    answer(here, "acme", 2)
    answer(here, "globex", 3)
    with here.database.write() as transaction:
        taken = outgoing.take_outgoing(transaction, owner="w", seconds=60, count=8, bag=Bag(but=["globex"]))
    assert [each.name for each in taken] == ["1.edi", "2.edi"]


def test_a_way_is_asked_for_what_goes_it_alone(here: World) -> None:
    answer(here, "globex", 1)
    with here.database.read() as connection:
        due = [
            outgoing.something_outgoing(connection, here.now(), bag)
            for bag in (Bag(), Bag(["globex"]), Bag(["acme"]), Bag(but=["globex"]), Bag(mails=True))
        ]
    assert due == [True, True, False, False, False]
