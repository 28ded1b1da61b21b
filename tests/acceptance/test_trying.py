"""A partner drops files into his folder for tests, and is answered there; nothing that is real is touched."""

from __future__ import annotations

import io
import threading
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

import paramiko

from gateway.operate.exchange.intake import Intake
from gateway.operate.workers.trying import Teller, give_back, try_once
from gateway.operate.workers.upkeep import Upkeep
from gateway.receive.trials import Asking
from gateway.store import trials
from tests.acceptance.workspaces import key_pair, make, reopened, sample
from tests.servers import free_port

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path
    from typing import Any

    import pytest

    from tests.acceptance.workspaces import Place

ORDERS = sample("acme-orders.edi")


def until(done: Callable[[], Any]) -> Any:
    """Ask until there is an answer that counts."""
    end = time.monotonic() + 60
    while time.monotonic() < end:
        if found := done():
            return found
        threading.Event().wait(0.02)
    raise AssertionError("it did not come to that")


@contextmanager
def intake(folder: Path) -> Iterator[tuple[Place, paramiko.SFTPClient]]:
    """The SFTP role, and Acme's client."""
    port = free_port()
    make(folder, sftp=port)
    with reopened(folder) as place:
        place.change("integrations/acme-orders.yaml", "contract: order v1", 'contract: order v1\nanswer: "997"')
        stop, up = threading.Event(), threading.Event()
        running = threading.Thread(target=Intake(place.gateway).run, args=(stop, up.set))
        running.start()
        try:
            assert up.wait(60)
            key = paramiko.Ed25519Key.from_private_key(io.StringIO(key_pair()[0].decode()))
            with paramiko.Transport(("127.0.0.1", port)) as transport:
                transport.connect(username="acme", pkey=key)
                client = paramiko.SFTPClient.from_transport(transport)
                assert client is not None
                yield place, client
        finally:
            stop.set()
            running.join(60)


def test_a_file_in_the_folder_for_tests_is_answered_and_nothing_is_taken(tmp_path: Path) -> None:
    with intake(tmp_path) as (place, client):
        with client.open("/test/inbox/acme-orders.edi", "wb") as file:
            file.write(ORDERS)
        until(lambda: place.get("/api/v1/trials")["items"])
        place.work()
        told = until(lambda: [name for name in client.listdir("/test/outbox") if name.startswith("tested_")])
        names = client.listdir("/test/outbox")
        text = client.open(f"/test/outbox/{told[0]}").read().decode()
        assert "Some of it would be accepted" in text
        assert "order 4711" in text
        assert "^^^^^" in text
        trial = place.get("/api/v1/trials")["items"][0]["id"]
        assert f"Please quote {trial}." in text
        assert f"letter_acme-orders.edi_{trial}.html" in names
        assert "d_" not in text
        (acknowledgment,) = (name for name in names if "997" in name)
        assert b"ST*997" in client.open(f"/test/outbox/{acknowledgment}").read()
        assert client.listdir("/outbox") == []
        assert place.get("/api/v1/deliveries")["items"] == []
        assert place.records("orders") == []
        events = [each["event"] for each in place.get("/api/v1/activity")["items"]]
        assert [each for each in events if each.startswith("trial")] == ["trial_asked", "trial_done"]


def test_a_file_that_nobody_would_want_is_answered_too(tmp_path: Path) -> None:
    with intake(tmp_path) as (place, client):
        with client.open("/test/inbox/holiday.jpg", "wb") as file:
            file.write(b"\xff\xd8\xff")
        until(lambda: place.get("/api/v1/trials")["items"])
        place.work()
        until(lambda: [name for name in client.listdir("/test/outbox") if name.startswith("tested_")])
        told = next(name for name in client.listdir("/test/outbox") if name.startswith("tested_"))
        assert "None of it would be accepted" in client.open(f"/test/outbox/{told}").read().decode()


def test_what_a_dead_worker_was_to_try_is_tried_once_more_and_then_given_up(tmp_path: Path) -> None:
    make(tmp_path)
    with reopened(tmp_path) as place:
        gateway = place.gateway
        trial = Asking(gateway.receiver).ask("acme", "acme-orders.edi", io.BytesIO(ORDERS), lane="page", size=1)
        for expected in (trials.WAITING, trials.FAILED):
            with gateway.database.write() as transaction:
                assert trials.take(transaction, owner="dead", seconds=60) is not None
            give_back(gateway, "dead", "it needed more memory than there is")
            with gateway.database.read() as connection:
                shown = trials.get(connection, trial)
            assert shown is not None
            assert shown.state == expected
        assert shown is not None
        assert shown.problem == "it needed more memory than there is"
        assert not try_once(gateway, "another")


def test_a_defect_of_ours_is_told_without_its_own_words(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def broken(*_: object) -> None:
        raise KeyError("/srv/secret/place")

    make(tmp_path)
    with reopened(tmp_path) as place:
        trial = Asking(place.gateway.receiver).ask("acme", "a.edi", io.BytesIO(ORDERS), lane="page", size=1)
        with monkeypatch.context() as changed:
            changed.setattr("gateway.operate.workers.trying._judged", broken)
            assert try_once(place.gateway, "worker")
        with place.gateway.database.read() as connection:
            shown = trials.get(connection, trial)
    assert shown is not None
    assert shown.problem is not None
    assert "a fault of ours stopped it" in shown.problem
    assert "KeyError" not in shown.problem
    assert "/srv" not in shown.problem
    assert "/srv/secret/place" in caplog.text


def test_trials_that_are_over_are_forgotten_with_their_files(tmp_path: Path) -> None:
    make(tmp_path)
    with reopened(tmp_path) as place:
        asking = Asking(place.gateway.receiver)
        asking.ask("acme", "acme-orders.edi", io.BytesIO(ORDERS), lane="page", size=len(ORDERS))
        place.work()
        assert len(place.get("/api/v1/trials")["items"]) == 1
        place.clock.forward(8 * 24 * 3600)
        Upkeep(place.gateway).when_due()
        assert place.get("/api/v1/trials")["items"] == []
        assert place.vault.listed("", 10) == []


def test_answers_that_cannot_be_put_anywhere_hold_up_no_others(tmp_path: Path) -> None:
    make(tmp_path)
    with reopened(tmp_path) as place:
        drops = place.gateway.folder / place.gateway.settings.drops
        (drops / "blocked").mkdir(parents=True)
        (drops / "blocked" / "test").write_bytes(b"no folder")
        with place.gateway.database.write() as transaction:
            for number in range(30):
                blocked = trials.Trial(f"t_{number:08}", trials.DROP, "blocked", "", "x.edi", None, 1)
                trials.ask(transaction, blocked, problem="why")
            trials.ask(
                transaction, trials.Trial("t_99999999", trials.DROP, "acme", "", "x.edi", None, 1), problem="why"
            )
        Teller(place.gateway).tell_once()
        assert [each.name for each in (drops / "acme" / "test" / "outbox").iterdir()] == ["tested_x.edi_99999999.txt"]
