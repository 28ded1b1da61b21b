"""The whole line with its raw files in a bucket: kept, judged, shown, proved, replayed; and what is wrong is told."""

from __future__ import annotations

import base64
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import pytest

from gateway.repair.verify import verify
from gateway.store.database import Unwritable
from gateway.store.s3 import S3Vault
from sftp.arrival import drop_folder
from tests.acceptance.test_landing import Collecting
from tests.acceptance.workspaces import make, reopened, sample

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.acceptance.workspaces import Place
    from tests.servers import S3Server

CSV = sample("globex-prices.csv")
ORDERS = sample("acme-orders.edi")
GLOBEX = "drop://globex"


@contextmanager
def over_bucket(folder: Path, server: S3Server, *, more: str = "") -> Iterator[Place]:
    make(folder, more=more)
    settings = folder / "gateway.yaml"
    lines = [line for line in settings.read_text().splitlines() if not line.startswith("vault:")]
    lines += [f"vault: s3://{server.bucket()}", "s3:", f"  endpoint: {server.endpoint}", "  region: eu-central-1"]
    settings.write_text("\n".join([*lines, "  access_key: test", "  secret_key: secret:s3/key", ""]))
    secret = folder / "secrets" / "s3" / "key"
    secret.parent.mkdir(parents=True)
    secret.write_text("hunter2\n")
    secret.chmod(0o600)
    with reopened(folder) as place:
        yield place


def vault_of(place: Place) -> S3Vault:
    assert isinstance(place.gateway.vault, S3Vault)
    return place.gateway.vault


def told_by_deep_verify(place: Place) -> list[str]:
    gateway = place.gateway
    balance = verify(gateway.database, gateway.vault, gateway.in_force.of, deep=True)
    return [each.message for each in balance.disagreements]


def overwrite(place: Place, server: S3Server, sha256: str, content: bytes) -> None:
    vault = vault_of(place)
    server.client().put_object(Bucket=vault.bucket.name, Key=vault.key(sha256), Body=content)


def test_what_is_in_a_bucket_is_judged_shown_explained_proved_and_replayed(tmp_path: Path, s3_server: S3Server) -> None:
    with over_bucket(tmp_path, s3_server) as place:
        orders, prices = place.give(ORDERS), place.give(CSV, "prices.csv", GLOBEX)
        assert (orders["state"], prices["state"]) == ("partly_accepted", "partly_accepted")
        assert place.give(CSV, "again.csv", GLOBEX)["state"] == "duplicate"
        assert place.raw(orders["id"]) == ORDERS
        part = place.ask(f"/api/v1/deliveries/{orders['id']}/content", headers={"Range": "bytes=3-9"})
        assert (part.status_code, part.get_data()) == (206, ORDERS[3:10])
        for finding in place.findings(prices["id"]):
            if finding["value"] is not None:
                assert finding["value"].encode() in CSV[finding["start"] : finding["end"]]

        evidence: dict[str, Any] = place.get("/api/v1/orders/acme~4711/evidence")
        sources = [source for field in evidence["fields"] for source in field["sources"] if source["start"] is not None]
        assert sources
        for each in sources:
            assert base64.b64decode(each["bytes"]) == ORDERS[each["start"] : each["end"]]

        asked = {"as": "now", "reason": "to see that it can"}
        assert place.ask(f"/api/v1/deliveries/{orders['id']}/replay", "POST", json=asked).status_code == 202
        place.work()
        assert place.delivery(orders["id"])["documents"] == orders["documents"]
        assert told_by_deep_verify(place) == []
        assert place.client.get("/health/ready").status_code == 200
        assert not (tmp_path / "data" / "vault").exists()


def test_L2_a_flipped_bit_in_the_bucket_is_told_and_never_judged(tmp_path: Path, s3_server: S3Server) -> None:  # noqa: N802
    with over_bucket(tmp_path, s3_server, more="\ntries: 2\n") as place:
        landed = place.land(CSV, "prices.csv", GLOBEX)
        overwrite(place, s3_server, landed.sha256, CSV.replace(b"SCR-M8-40", b"SCR-M8-41"))
        for _ in range(3):
            place.work()
            place.clock.forward(3600)
        shown = place.delivery(landed.id)
        assert (shown["state"], shown["documents"], place.records("prices")) == ("failed", {}, [])
        assert any("was changed in the bucket" in said for said in told_by_deep_verify(place))
        answer = place.ask(f"/api/v1/deliveries/{landed.id}/content")
        assert (answer.status_code, b"SCR-M8-41" in answer.get_data()) == (503, False)

        again = place.give(CSV, "again.csv", GLOBEX)  # the same content heals it
        assert again["state"] == "partly_accepted"
        assert place.raw(landed.id) == CSV


def test_L1_while_the_bucket_cannot_be_used_nothing_is_taken_and_nothing_is_lost(  # noqa: N802
    tmp_path: Path, s3_server: S3Server
) -> None:
    with over_bucket(tmp_path, s3_server) as place:
        before = place.land(ORDERS)
        vault = vault_of(place)
        name, vault.bucket.name = vault.bucket.name, "not-there"
        collecting = Collecting(place, drop_folder(tmp_path / "drops", "globex"))
        (collecting.folder.path / "prices.csv").write_bytes(CSV)
        collecting.turn()
        assert collecting.left() == ["prices.csv"]
        path = "/api/v1/integrations/globex-prices/deliveries?filename=prices.csv"
        refused = place.ask(path, "POST", data=CSV)
        assert (refused.status_code, refused.get_json()["code"]) == (503, "stopped")
        assert place.client.get("/health/ready").status_code == 503
        place.work()
        assert (place.delivery(before.id)["state"], place.row(before.id).tries) == ("received", 0)
        assert len(place.get("/api/v1/deliveries")["items"]) == 1

        vault.bucket.name = name
        place.clock.forward(3600)
        collecting.turn(120)
        place.work()
        assert collecting.left() == []
        shown = place.get("/api/v1/deliveries")["items"]
        assert [each["state"] for each in shown] == ["partly_accepted", "partly_accepted"]
        assert told_by_deep_verify(place) == []


def test_a_proof_does_not_blame_files_when_the_bucket_is_out_of_reach(tmp_path: Path, s3_server: S3Server) -> None:
    with over_bucket(tmp_path, s3_server) as place:
        place.give(CSV, "prices.csv", GLOBEX)
        vault_of(place).bucket.name = "not-there"
        with pytest.raises(Unwritable, match="NoSuchBucket"):
            told_by_deep_verify(place)
