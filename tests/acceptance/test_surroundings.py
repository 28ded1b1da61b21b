"""What broken surroundings get: a store that is read-only, a full disk, a port in use, a driver that is missing."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import psycopg
import pytest
from sqlalchemy import event

from gateway.errors import Retry, Stop
from gateway.operate import wiring
from gateway.operate.tables.poller import poll
from gateway.store.database import Database
from tests.acceptance.workspaces import Place, make, opened, reopened, sample
from tests.servers import free_port

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

X12 = sample("acme-orders.edi")
UPLOAD = "/api/v1/integrations/acme-orders/deliveries?filename=orders.edi"


def gateway(*arguments: str, cwd: Path | None = None) -> subprocess.CompletedProcess[str]:
    """Run the command line to its end."""
    return subprocess.run(
        [sys.executable, "-m", "gateway.operate", *arguments],
        capture_output=True, text=True, timeout=180, check=False, cwd=cwd,
    )  # fmt: skip


# ── a store that is read-only ────────────────────────────────────────────────────────────────────────────────────────


@contextmanager
def read_only(place: Place) -> Iterator[None]:
    """The store refuses to be written, as its own database says it."""
    database = place.gateway.database
    if not database.is_sqlite:
        name = database.url.rpartition("/")[2]
        with psycopg.connect(database.url.rpartition("/")[0] + "/postgres", autocommit=True) as connection:
            database._writer.dispose()
            connection.execute(f"ALTER DATABASE {name} SET default_transaction_read_only = on")
            try:
                yield
            finally:
                connection.execute(f"ALTER DATABASE {name} RESET default_transaction_read_only")
                database._writer.dispose()
        return

    def refuse(connection: Any) -> None:
        connection.exec_driver_sql("PRAGMA query_only = ON")

    event.listen(database._writer, "begin", refuse)
    try:
        yield
    finally:
        event.remove(database._writer, "begin", refuse)
        database._writer.dispose()


def test_a_store_that_is_read_only_takes_nothing_and_loses_nothing(tmp_path: Path, store_url: str) -> None:
    with opened(tmp_path, store=store_url) as place:
        waiting = place.land(X12)
        with read_only(place):
            with pytest.raises(Stop, match="cannot be written") as stopped:
                place.land(X12 + b"\n")
            place.work()
            refused = place.ask(UPLOAD, "POST", data=X12 + b"\n\n")
            ready = place.client.get("/health/ready")
            shown = place.delivery(waiting.id)

        assert stopped.value.remedy
        assert (refused.status_code, refused.json["code"]) == (503, "stopped")  # type: ignore[index]
        assert (ready.status_code, ready.json["checks"]["store_writable"]) == (503, False)  # type: ignore[index]
        assert (shown["state"], shown["tries"]) == ("received", 0)

        place.work()
        assert place.delivery(waiting.id)["state"] == "partly_accepted"
        assert place.give(X12 + b"\n")["state"] == "partly_accepted"


@pytest.mark.skipif(os.geteuid() != 0, reason="only root may mount a folder read-only")
def test_a_gateway_does_not_start_on_a_read_only_store_and_says_why(tmp_path: Path) -> None:
    disk = tmp_path / "disk"
    disk.mkdir()
    folder = make(tmp_path / "workspace", store=f"sqlite:{disk}/gateway.db")
    with reopened(folder) as place:
        place.land(X12)
    with mounted("--bind", str(disk), disk), mounted("-o", "remount,bind,ro", disk, again=True):
        ended = gateway("up", "--workspace", str(folder))

    assert ended.returncode == 1
    assert f"the store {disk}/gateway.db cannot be written" in ended.stderr
    assert "this user may write the file and its folder" in ended.stderr
    assert "Traceback" not in ended.stderr


def test_a_store_that_does_not_answer_is_asked_again_later(tmp_path: Path) -> None:
    database = Database(f"postgresql://postgres@127.0.0.1:{free_port()}/none", clock=wiring.utc_now)
    with pytest.raises(Retry, match="the store does not answer"), database.read():
        pass
    with pytest.raises(Retry, match="the store does not answer"), database.write():
        pass
    database.close()

    folder = make(tmp_path, store=f"postgresql://postgres@127.0.0.1:{free_port()}/none")
    ended = gateway("apply", "--workspace", str(folder))
    assert ended.returncode == 1
    assert "the store does not answer" in ended.stderr
    assert "Check the line store: in gateway.yaml." in ended.stderr


# ── a full disk ──────────────────────────────────────────────────────────────────────────────────────────────────────


@contextmanager
def mounted(*options: str | Path, again: bool = False) -> Iterator[None]:
    """Mount a file system for a while; `again` changes one that the caller unmounts."""
    done = subprocess.run(["mount", *map(str, options)], capture_output=True, text=True, check=False)
    if done.returncode != 0:
        pytest.skip(f"this machine lets nobody mount: {done.stderr.strip()}")
    try:
        yield
    finally:
        if not again:
            subprocess.run(["umount", "--lazy", str(options[-1])], check=True)


def fill(disk: Path) -> Path:
    """Write until nothing more fits."""
    filler = disk / "filler"
    descriptor = os.open(filler, os.O_CREAT | os.O_WRONLY)
    try:
        for size in (65536, 4096, 1):
            try:
                while os.write(descriptor, b"x" * size):
                    pass
            except OSError:
                continue
    finally:
        os.close(descriptor)
    return filler


@pytest.mark.skipif(os.geteuid() != 0, reason="only root may mount a small disk to fill")
@pytest.mark.parametrize("on_the_disk", ["store", "vault"])
def test_a_full_disk_takes_nothing_half_and_goes_on_when_there_is_room(tmp_path: Path, on_the_disk: str) -> None:
    disk = tmp_path / "disk"
    disk.mkdir()
    with mounted("-t", "tmpfs", "-o", "size=3m", "tmpfs", disk):
        folder = make(
            tmp_path / "workspace", store=f"sqlite:{disk}/gateway.db" if on_the_disk == "store" else "sqlite:db"
        )
        if on_the_disk == "vault":
            text = (folder / "gateway.yaml").read_text()
            (folder / "gateway.yaml").write_text(text.replace("data/vault", f"{disk}/vault"))
        with reopened(folder) as place:
            place.land(X12)
            filler = fill(disk)
            # More than SQLite's log has room for already, or more than is left in the vault.
            name, content = (
                ("n" * 1_000_000, X12 + b"\n") if on_the_disk == "store" else ("o.edi", X12 + b"\n" * 100_000)
            )
            with pytest.raises(Stop, match=r"cannot be written|cannot keep a file") as stopped:
                place.land(content, name)
            refused = place.ask(UPLOAD, "POST", data=X12 + b"\n" * 99_999) if on_the_disk == "vault" else None
            ready = place.client.get("/health/ready")
            assert stopped.value.remedy
            if refused is not None:  # a page more may still fit into the store's log
                assert (refused.status_code, refused.json["code"]) == (503, "stopped")  # type: ignore[index]
                assert (ready.status_code, ready.json["checks"]["vault_writable"]) == (503, False)  # type: ignore[index]
            place.work()

            filler.unlink()
            place.clock.forward(3600)
            place.work()
            assert place.give(X12.replace(b"4711", b"4799"))["state"] == "partly_accepted"
            shown = place.get("/api/v1/deliveries?limit=1000")["items"]
            assert [each["state"] for each in shown] == ["partly_accepted"] * 2
            for each in shown:
                place.gateway.vault.verify(each["sha256"])
            assert not list(place.vault.folder.glob("incoming/*"))


# ── a port in use ────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("role", "taken", "said"),
    [
        ("serve", "http", "the API cannot listen on 127.0.0.1:{port}: Address already in use"),
        ("sftp", "sftp", "cannot listen on 127.0.0.1:{port}"),
        ("up", "http", "the role serve could not start"),
    ],
)
def test_a_port_in_use_ends_the_role_with_status_1_and_what_to_do(
    tmp_path: Path, role: str, taken: str, said: str
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        ports = {"http": free_port(), "sftp": free_port()} | {taken: port}
        folder = make(tmp_path, **ports)
        with reopened(folder):
            pass
        ended = gateway(role, "--workspace", str(folder))

    assert ended.returncode == 1
    assert said.format(port=port) in ended.stderr
    assert f"127.0.0.1:{port}" in ended.stderr
    assert f"{taken}:" in ended.stderr  # the line of gateway.yaml to change
    assert "Traceback" not in ended.stderr


# ── an ODBC driver that is missing ───────────────────────────────────────────────────────────────────────────────────


@pytest.fixture
def without_driver(tmp_path: Path) -> Iterator[Place]:
    folder = make(tmp_path)
    (folder / "connections.yaml").write_text(
        "erp:\n  kind: odbc\n  url:  Driver=PostgreSQL Unicode X;Server=erp.example;Database=erp\n"
    )
    (folder / "contracts" / "customer.v1.yaml").write_text(
        "contract: customer v1\nabout: A customer\nowner: finance\nkey: id\n\nfields:\n  id: text 1..10\n"
    )
    (folder / "integrations" / "erp-customers.yaml").write_text(
        "integration: erp-customers\nabout: Customers\nowner: finance\nsource: table://erp/KUNDEN\n"
        "changes: AENDTS every 2s\nkey: KDNR\ncontract: customer v1\n\nmap:\n  id: KDNR\n"
    )
    with reopened(folder) as place:
        yield place


def test_a_missing_odbc_driver_is_told_once_with_the_package_to_install(without_driver: Place) -> None:
    place = without_driver
    poll(place.gateway, threading.Event(), until_idle=True)
    place.clock.forward(60)
    poll(place.gateway, threading.Event(), until_idle=True)

    (line,) = [each for each in place.get("/api/v1/activity")["items"] if each["event"] == "table_failed"]
    assert (line["level"], line["integration"]) == ("problem", "erp-customers")
    assert "the ODBC driver 'PostgreSQL Unicode X' is not installed" in line["message"]
    assert "apt-get install odbc-postgresql" in line["message"]

    answer = place.ask("/api/v1/tables/erp/KUNDEN")
    assert answer.status_code == 503
    assert answer.json["remedy"]  # type: ignore[index]
