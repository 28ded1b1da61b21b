"""A partner at our SFTP server, as the workspace describes him: let in, limited, written down, answered."""

from __future__ import annotations

import io
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

import paramiko
import pytest

from gateway.operate.exchange.partnerserver import Accounts, partner_server
from gateway.operate.exchange.visits import Visits
from gateway.store import audit
from tests.acceptance.answered import answering, outbox, send
from tests.acceptance.workspaces import key_pair, opened, sample
from tests.servers import free_port

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from sftp.activity import Activity
    from tests.acceptance.workspaces import Place

pytestmark = pytest.mark.server
HOST = "127.0.0.1"


@contextmanager
def served(place: Place) -> Iterator[tuple[int, Visits]]:
    """The server of a place, and what it keeps."""
    visits = Visits(place.gateway.database, time.monotonic)

    def tell(activity: Activity) -> None:
        visits.told(activity)

    server = partner_server(place.gateway, lambda _source: None, tell)
    server._address = (HOST, free_port())
    server.start()
    try:
        yield server.port, visits
    finally:
        server.close()


def key() -> paramiko.PKey:
    return paramiko.Ed25519Key.from_private_key(io.StringIO(key_pair()[0].decode()))


@contextmanager
def client(port: int) -> Iterator[paramiko.SFTPClient]:
    with paramiko.Transport((HOST, port)) as transport:
        transport.connect(username="acme", pkey=key())
        sftp = transport.open_sftp_client()
        assert sftp is not None
        yield sftp


def rows(place: Place, action: str) -> list[audit.Line]:
    with place.gateway.database.read() as connection:
        return audit.last(connection, action=action)


def test_an_answer_says_when_its_partner_fetched_it(tmp_path: Path) -> None:
    with answering(tmp_path) as place:
        delivery = place.give(sample("acme-orders.edi"), "orders.edi", "drop://acme")
        send(place)
        (name,) = outbox(place)
        (answer,) = place.delivery(delivery["id"])["acknowledgments"]
        assert answer["collected_at"] is None
        with served(place) as (port, visits):
            with client(port) as sftp:
                sftp.open(f"/outbox/{name}").read(3)  # looked into, and left
                assert visits.write()
                with sftp.open(f"/outbox/{name}") as file:
                    file.read()
            visits.write()
        (answer,) = place.delivery(delivery["id"])["acknowledgments"]
        assert answer["collected_at"] > answer["sent_at"]
        (line,) = [each for each in place.get("/api/v1/activity")["items"] if each["event"] == "collected"]
        assert (line["delivery"], line["partner"], line["data"]["name"]) == (delivery["id"], "acme", name)
        (row,) = rows(place, "collected")
        assert (row.who, row.details["address"]) == ("sftp user acme", HOST)


def test_what_the_partners_file_allows_is_all_that_is_taken(tmp_path: Path) -> None:
    with opened(tmp_path) as place:
        place.change("partners/acme.yaml", "  user: acme", "  user: acme\n  quota: {file: 1 KB}")
        with served(place) as (port, visits):
            with (
                client(port) as sftp,
                pytest.raises(OSError, match="larger than 1000 bytes"),
                sftp.open("/inbox/large.edi", "wb") as file,
            ):
                file.write(bytes(1001))
            visits.write()
        assert list((tmp_path / "data/sftp/acme").rglob("large*")) == []
        lines = [each for each in place.get("/api/v1/activity?problems=true")["items"] if each["event"] == "refused"]
        said = "/inbox/large.edi: large.edi is larger than 1000 bytes, the most that one file may have here"
        assert [each["message"] for each in lines] == [said, said]  # at the write, and at the close
        assert (len(rows(place, "logged_in")), len(rows(place, "refused"))) == (1, 2)


def test_a_change_of_the_partners_file_counts_at_the_next_login(tmp_path: Path) -> None:
    with opened(tmp_path) as place, served(place) as (port, visits):
        with client(port) as sftp:
            assert sftp.listdir("/") == ["inbox", "outbox", "test"]
        place.change("partners/acme.yaml", "  user: acme", "  user: acme\n  from: [203.0.113.0/24]")
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline:
            try:
                with client(port):
                    pass
            except paramiko.AuthenticationException:
                break
        else:
            pytest.fail("he is still let in")
        visits.write()
        assert rows(place, "logged_in")


def test_a_password_whose_reference_leads_nowhere_closes_no_other_account(tmp_path: Path) -> None:
    with opened(tmp_path) as place:
        place.change("partners/globex.yaml", "sftp:", "sftp:\n  password_hash: secret:globex/sftp")
        accounts = Accounts(place.gateway)()
        assert accounts["acme"].keys
        assert accounts["globex"].password_hash is None
        assert accounts["globex"].quota.file == place.gateway.settings.upload_bytes_max
