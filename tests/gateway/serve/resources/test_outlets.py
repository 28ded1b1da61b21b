"""Outlets over HTTP: what waits for a partner, since when, and why; a partner sees his own alone."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

from sqlalchemy import insert

from gateway.store import outgoing
from gateway.store.database import stamp
from gateway.store.outgoing import Bag
from gateway.store.tables import letter
from tests.gateway.serve.worlds import FILES, World, order, with_key

if TYPE_CHECKING:
    from datetime import datetime

    from flask.testing import FlaskClient

PATH = "/api/v1/outlets"
KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIBvL0wUlb3rSbhh1yA0S0yq0Qn4bXbCrUnJwdqKmZ2xW"
ACCOUNT = f"sftp:\n  user: {{}}\n  keys: {KEY}\n"
MAIL = "mail:\n  host: mail.example\n  from: edi@gateway.example\n"
PARTNERS = FILES | {
    "gateway.yaml": FILES["gateway.yaml"] + MAIL,
    "partners/acme.yaml": f"partner: acme\nabout: Acme\n{ACCOUNT.format('acme')}",
    "partners/globex.yaml": f"partner: globex\nabout: Globex\n{ACCOUNT.format('globex')}"
    "contacts: [edi@globex.example]\nletters: outbox mail\n",
    "partners/quiet.yaml": "partner: quiet\nabout: Asks over the API\n",
}


def write(here: World, at: datetime, *to: tuple[str, str]) -> None:
    """Letters to partners, of these kinds, that are on their way."""
    number = here.deliver(order("1"), name=f"{at:%H%M%S}.csv").number
    told = {"content": b"x", "state": "built", "built_at": stamp(at), "due": at.timestamp(), "delivery": number}
    rows = [
        told | {"number": place, "partner": partner, "kind": kind, "name": f"{number}-{place}"}
        for place, (partner, kind) in enumerate(to)
    ]
    with here.database.write() as transaction:
        transaction.connection.execute(insert(letter), rows)


def limited(here: World, partner: str) -> FlaskClient:
    token = here.key("*:read")
    with here.database.write() as transaction:
        transaction.connection.exec_driver_sql("UPDATE api_key SET partners = ?", (partner,))
    return with_key(here.app().test_client(), token)


def listed(client: FlaskClient) -> dict[str, Any]:
    answer = client.get(PATH)
    assert answer.status_code == 200, answer.get_json()
    return {each.pop("name"): each for each in answer.get_json()["items"]}


def test_what_waits_what_was_sent_and_what_is_wrong(here: World) -> None:
    here.apply(PARTNERS)
    client = here.client("outlets:read")
    nothing = {"waiting": 0, "oldest_waiting_since": None, "last_sent_at": None, "problem": None}
    assert listed(client) == {
        "drop://acme/outbox": {"kind": "outbox", "partner": "acme", **nothing},
        "drop://globex/outbox": {"kind": "outbox", "partner": "globex", **nothing},
        "mail:globex": {"kind": "mail", "partner": "globex", **nothing},
    }
    early, late = (here.now() - timedelta(minutes=minutes) for minutes in (9, 5))
    write(here, early, ("acme", "text"), ("globex", "mail"))
    write(here, late, ("acme", "text"), ("acme", "html"))
    told = listed(client)
    assert told["drop://acme/outbox"]["waiting"] == 3
    assert told["drop://acme/outbox"]["oldest_waiting_since"] == early.isoformat().replace("+00:00", "Z")
    assert told["mail:globex"]["waiting"] == 1
    assert told["drop://globex/outbox"]["waiting"] == 0
    with here.database.write() as transaction:
        taken = outgoing.take_outgoing(transaction, owner="test", seconds=60, count=2, bag=Bag(partners=["acme"]))
        assert outgoing.sent(transaction, taken[0])
        assert outgoing.put_off(transaction, taken[1], seconds=60, problem="/secret/place is full")
    acme = listed(client)["drop://acme/outbox"]
    assert (acme["waiting"], acme["problem"]) == (2, "/secret/place is full")
    assert acme["last_sent_at"] is not None
    assert acme["oldest_waiting_since"] == late.isoformat().replace("+00:00", "Z")


def test_a_partner_sees_his_own_and_not_where_our_folders_are(here: World) -> None:
    here.apply(PARTNERS)
    write(here, here.now(), ("acme", "text"), ("globex", "text"))
    with here.database.write() as transaction:
        for each in outgoing.take_outgoing(transaction, owner="test", seconds=60, count=2):
            outgoing.put_off(transaction, each, seconds=60, problem="/secret/place is full")
    told = listed(limited(here, "acme"))
    assert told.keys() == {"drop://acme/outbox"}
    assert told["drop://acme/outbox"]["waiting"] == 1
    assert "secret" not in str(told)
    assert told["drop://acme/outbox"]["problem"] is not None
    assert here.client("partners:read").get(PATH).status_code == 403
