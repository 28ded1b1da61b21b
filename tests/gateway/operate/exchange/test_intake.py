"""The SFTP role: folders as the revision in force says, followed while it runs."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import delete

from gateway.errors import Stop
from gateway.operate.exchange import intake as intake_module
from gateway.operate.exchange.intake import Intake
from gateway.store.tables import audit_head
from sftp.activity import KINDS, Activity
from sftp.collect import Collector, prepare
from tests.acceptance.workspaces import make, reopened, sample
from tests.servers import free_port

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from sftp.arrival import Folder

CSV = sample("globex-prices.csv")


def until(done: Callable[[], Any]) -> Any:
    """Ask until there is an answer that counts."""
    for _ in range(3000):
        if answer := done():
            return answer
        threading.Event().wait(0.02)
    raise AssertionError("it did not come to that")


def test_watched_folders_are_collected_also_one_that_is_applied_later(tmp_path: Path) -> None:
    make(tmp_path, sftp=free_port())
    settings = tmp_path / "gateway.yaml"
    settings.write_text(settings.read_text().replace("settle: 500ms", "settle: 50ms"))
    with reopened(tmp_path) as place:

        def names() -> set[str]:
            return {each["name"] for each in place.get("/api/v1/deliveries")["items"]}

        place.change("integrations/globex-prices.yaml", "drop://globex/*.csv", "folder:in/*.csv")
        stop = threading.Event()
        running = threading.Thread(target=Intake(place.gateway).run, args=(stop,))
        running.start()
        try:
            until((tmp_path / "in").is_dir)
            (tmp_path / "in" / "first.csv").write_bytes(CSV)
            (tmp_path / "in" / "first.csv.part").write_bytes(CSV)
            until(lambda: names() == {"first.csv"})

            place.change("integrations/globex-prices.yaml", "folder:in/*.csv", "folder:later/*.csv")
            until((tmp_path / "later").is_dir)
            (tmp_path / "later" / "second.csv").write_bytes(CSV + b"\r\n")
            until(lambda: names() == {"first.csv", "second.csv"})
        finally:
            stop.set()
            running.join(60)
        assert not running.is_alive()
        place.work()
        assert len(place.records("prices")) == 8
        assert [path.name for path in (tmp_path / "in").iterdir() if path.is_file()] == ["first.csv.part"]


def test_an_upload_stands_in_the_log_before_what_became_of_it(tmp_path: Path) -> None:
    make(tmp_path, sftp=free_port())
    with reopened(tmp_path) as place:
        intake, stop = Intake(place.gateway), threading.Event()
        running = threading.Thread(target=intake.run, args=(stop,))
        running.start()
        try:
            inbox = tmp_path / place.gateway.settings.drops / "globex" / "inbox"
            until(inbox.is_dir)
            source, name = "drop://globex", "first.csv"
            intake.server.tell(Activity("uploaded", "first.csv", source=source, partner="globex", name=name))
            (inbox / name).write_bytes(CSV)
            intake.server.ring(source)
            until(lambda: place.get("/api/v1/deliveries")["items"])
        finally:
            stop.set()
            running.join(60)
        told = [each["event"] for each in place.get("/api/v1/activity?limit=100")["items"]]
        assert [each for each in told if each in ("received", "uploaded")] == ["uploaded", "received"]


def test_a_file_is_received_though_what_was_told_of_it_cannot_be_written(tmp_path: Path) -> None:
    make(tmp_path, sftp=free_port())
    with reopened(tmp_path) as place:
        intake, stop = Intake(place.gateway), threading.Event()
        with place.gateway.database.write() as transaction:
            transaction.connection.execute(delete(audit_head))
        running = threading.Thread(target=intake.run, args=(stop,))
        running.start()
        try:
            inbox = tmp_path / place.gateway.settings.drops / "globex" / "inbox"
            until(inbox.is_dir)
            source, name = "drop://globex", "first.csv"
            intake.server.tell(Activity("uploaded", "first.csv", source=source, partner="globex", name=name))
            (inbox / name).write_bytes(CSV)
            intake.server.ring(source)
            until(lambda: place.get("/api/v1/deliveries")["items"])
            assert intake.visits.waiting
        finally:
            stop.set()
            running.join(60)
        told = [each["event"] for each in place.get("/api/v1/activity?limit=100")["items"]]
        assert "received" in told
        assert not {"uploaded", "handover_failed"} & set(told)


def test_a_folder_that_cannot_be_used_is_told_once_and_left_out_until_it_can_be(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    looks: list[str] = []

    def look(folder: Folder) -> None:
        if folder.source == "folder:later":
            looks.append(folder.source)
        prepare(folder)

    monkeypatch.setattr(intake_module, "prepare", look)
    make(tmp_path, sftp=free_port())
    settings = tmp_path / "gateway.yaml"
    settings.write_text(settings.read_text().replace("settle: 500ms", "settle: 50ms"))
    (tmp_path / "later").write_bytes(b"a file, where a folder should be")
    with reopened(tmp_path) as place:

        def problems() -> list[dict[str, Any]]:
            lines = place.get("/api/v1/activity?problems=true")["items"]
            return [each for each in lines if each["event"] == "folder_unusable"]

        def names() -> set[str]:
            return {each["name"] for each in place.get("/api/v1/deliveries")["items"]}

        place.change("integrations/initech-invoices.yaml", "drop://initech/*", "folder:in/*")
        stop = threading.Event()
        running = threading.Thread(target=Intake(place.gateway).run, args=(stop,))
        running.start()
        try:
            until((tmp_path / "in").is_dir)
            place.change("integrations/globex-prices.yaml", "drop://globex/*.csv", "folder:later/*.csv")
            until(problems)
            (tmp_path / "in" / "a.xml").write_bytes(sample("initech-invoice.xml"))
            until(lambda: names() == {"a.xml"})
            so_far = len(looks)
            until(lambda: len(looks) > so_far + 1)  # two more looks at the folder, which tell nothing new
            assert [each["message"] for each in problems()] == ["folder:later is not collected from: File exists"]

            (tmp_path / "later").unlink()
            until((tmp_path / "later").is_dir)
            (tmp_path / "later" / "b.csv").write_bytes(CSV)
            until(lambda: names() == {"a.xml", "b.csv"})
        finally:
            stop.set()
            running.join(60)
        assert not running.is_alive()


def test_the_role_ends_loudly_when_its_collector_has_ended(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    make(tmp_path, sftp=free_port())
    monkeypatch.setattr(Collector, "run", lambda _collector, _stop: None)
    with reopened(tmp_path) as place, pytest.raises(Stop, match="the collector has ended"):
        Intake(place.gateway).run(threading.Event())


def test_what_an_administrator_must_see_is_stored(tmp_path: Path) -> None:
    port = free_port()
    make(tmp_path, sftp=port)
    with reopened(tmp_path) as place:
        intake = Intake(place.gateway)
        told = Activity("banned", "10.0.0.9 is locked out for 60 s", problem=True, address="10.0.0.9")
        intake.server.tell(told)
        intake.server.tell(Activity("listening", f"SFTP on port {port}"))
        intake.visits.write()
        (line,) = [each for each in place.get("/api/v1/activity")["items"] if each["event"] in KINDS]
        assert (line["event"], line["level"], line["message"]) == ("banned", "problem", told.message)


def test_all_that_is_stored_is_told_by_the_server_or_the_collector() -> None:
    assert set(intake_module._STORED) <= set(KINDS)
