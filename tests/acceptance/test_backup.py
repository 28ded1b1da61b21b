"""A backup is taken while everything runs; what is restored from it is whole, proves itself, and goes on."""

from __future__ import annotations

import io
import os
import shutil
import signal
import threading
from typing import TYPE_CHECKING, Any

import psycopg
import pytest
from sqlalchemy import text

from gateway.errors import Stop
from gateway.model import Arrived
from gateway.operate import wiring
from gateway.operate.workers.worker import work
from gateway.repair import backup
from gateway.repair.backup import take
from gateway.repair.manifest import MANIFEST
from gateway.repair.restore import check_content, checked, restore
from gateway.store import copying, leases
from tests.acceptance.children import die, in_child, prices
from tests.acceptance.test_command_line import gateway
from tests.acceptance.workspaces import Place, make, opened, reopened, sample
from tests.faults.ledger import ledger

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from sqlalchemy import Connection

    from gateway.repair.backup import Taken
    from gateway.repair.manifest import Manifest

GLOBEX = "drop://globex"
SECRET = b"\x00\xff\\N\t\n'\""


def taken(place: Place, folder: Path, name: str = "b_1") -> Taken:
    return take(place.gateway.database, place.gateway.vault, folder, id=name, who="ann")


def busy(place: Place) -> None:
    """A bit of everything that a store can hold."""
    place.give(prices(6, bad_every=2), "prices.csv", GLOBEX)
    place.give(sample("acme-orders.edi"))
    place.give(prices(6, bad_every=2), "again.csv", GLOBEX)
    first, second, *_ = place.held()
    place.ask(f"/api/v1/quarantine/{first['id']}/discard", "POST", json={"reason": "given up, «żółw» \\N"})
    patch = [{"start": second["findings"][0]["start"], "end": second["findings"][0]["end"], "text": "7,10"}]
    place.ask(f"/api/v1/quarantine/{second['id']}/correct", "POST", json={"patch": patch, "reason": "by phone"})
    place.work()
    place.give(prices(3, price="9,99"), "later.csv", GLOBEX)
    place.land(prices(2, first=50), "waiting.csv", GLOBEX)
    with place.gateway.database.write() as transaction:
        transaction.connection.execute(
            text("INSERT INTO shared_secret (name, value, made_at) VALUES ('odd', :value, 'now')"), {"value": SECRET}
        )


@pytest.fixture
def new_store(request: pytest.FixtureRequest, tmp_path: Path) -> Callable[[str], str]:
    """Makes the address of an empty store, ``sqlite`` or ``postgresql``, for a workspace of its own."""

    def made(kind: str) -> str:
        if kind == "sqlite":
            return f"sqlite:{tmp_path}/restored.db"
        server, _, name = request.getfixturevalue("postgresql_url").rpartition("/")
        with psycopg.connect(f"{server}/postgres", autocommit=True) as connection:
            connection.execute(f"CREATE DATABASE restored_{name}")
        return f"{server}/restored_{name}"

    return made


def destroyed(folder: Path, url: str) -> None:
    """Nothing is left of the workspace and its store."""
    shutil.rmtree(folder)
    if not url.startswith("sqlite:"):
        server, _, name = url.rpartition("/")
        with psycopg.connect(f"{server}/postgres", autocommit=True) as connection:
            connection.execute(f"DROP DATABASE {name} WITH (FORCE)")


# ── while everything runs ────────────────────────────────────────────────────────────────────────────────────────────

FILES = 60


def file_of(number: int) -> bytes:
    return prices(3, first=10 * number + 1, bad_every=3)


def send(folder: Path, *, first: int = 0) -> None:
    """Land file after file, each with the id that its sender's side gave it."""
    here = wiring.open_gateway(folder)
    for number in range(first, FILES):
        arrived = Arrived(GLOBEX, f"prices-{number}.csv", "globex", arrival=f"a-{number}")
        here.receiver.land(arrived, io.BytesIO(file_of(number)))
    here.close()


def judge(folder: Path) -> None:
    here = wiring.open_gateway(folder)
    work(here, threading.Event())


def started(work: Callable[[], object]) -> int:
    process = os.fork()
    if process == 0:
        try:
            work()
        finally:
            os._exit(1)
    return process


def test_a_backup_that_is_taken_while_everything_runs_is_restored_and_goes_on_to_the_right_records(
    tmp_path: Path, store_url: str, new_store: Callable[[str], str]
) -> None:
    lost, folder = tmp_path / "lost", tmp_path / "backup"
    with opened(lost, store="sqlite:data/gateway.db" if store_url.startswith("sqlite:") else store_url):
        pass
    running = [started(lambda: send(lost)), started(lambda: judge(lost)), started(lambda: judge(lost))]
    here = wiring.open_gateway(lost)
    backups: list[Taken] = []
    while not backups or rows(backups[-1].manifest, "delivery") < 10:
        backups.append(take(here.database, here.vault, folder, id=f"b_{len(backups)}", who="ann"))
    here.close()
    for each in running:  # the machine is lost
        os.kill(each, signal.SIGKILL)
        os.waitpid(each, 0)
    assert rows(backups[-1].manifest, "delivery") < FILES
    destroyed(lost, store_url)

    manifest = checked(folder)
    assert manifest == backups[-1].manifest
    kind = "sqlite" if store_url.startswith("sqlite:") else "postgresql"
    found = tmp_path / "found"
    if kind == "postgresql":
        make(found, store=new_store(kind))
    ended = gateway("restore", folder, "-w", found)
    assert (ended.status, ended.err) == (0, "")
    assert f"{manifest.content.rows} raw files" in ended.out
    assert gateway("verify", "--deep", "-w", found).status == 0

    with reopened(found) as place:
        place.work()  # what was unfinished
        assert {each["state"] for each in place.get("/api/v1/deliveries?limit=1000")["items"]} == {"partly_accepted"}
        assert len(place.records("prices")) == 2 * rows(manifest, "delivery")
    send(found)  # the senders' side hands over again whatever it did; what is known is known
    with reopened(found) as place:
        place.work()
        numbers = (10 * number + row for number in range(FILES) for row in (1, 2, 3))
        expected = {f"A-{number}" for number in numbers if number % 3}
        got = {record["sku"] for page in pages(place, "/api/v1/prices?limit=1000") for record in page}
        assert got == expected
        assert len(place.held()) == FILES
        with place.gateway.database.read() as connection:
            assert connection.execute(text("SELECT count(*) FROM record_price_v2")).scalar_one() == len(expected)
    assert gateway("verify", "--deep", "-w", found).status == 0
    assert gateway("audit", "verify", "--anchor", manifest.audit, "-w", found).status == 0


def rows(manifest: Manifest, table: str) -> int:
    return next(part.rows for part in manifest.tables if part.name == table)


def pages(place: Place, path: str) -> Iterator[list[dict[str, str]]]:
    page = place.get(path)
    yield page["items"]
    while page["next"] is not None:
        page = place.get(f"{path}&cursor={page['next']}")
        yield page["items"]


# ── the same, on either store ────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("to", ["sqlite", "postgresql"])
def test_a_store_that_was_restored_says_the_same_and_goes_on(
    tmp_path: Path, store_url: str, to: str, new_store: Callable[[str], str]
) -> None:
    asked = ("/api/v1/prices?sort=-price", "/api/v1/prices?price__gt=5&group=fasteners", "/api/v1/orders")
    with opened(tmp_path / "old", store=store_url) as place:
        busy(place)
        with place.gateway.database.write() as transaction:  # somebody is at work on it
            assert leases.take(transaction, owner="lost", seconds=10_000) is not None
        # Read before it is backed up: who reads personal data is on record, and that is to be in the backup too.
        said = [place.ask(path).get_data() for path in asked]
        history = place.get(f"/api/v1/prices/{place.records('prices')[0]['_key']}/history")
        manifest = taken(place, tmp_path / "backup").manifest
    old = ledger(store_url)
    url = new_store(to)
    make(tmp_path / "new", store=url)
    new = wiring.open_gateway(tmp_path / "new")
    restore(new.database, new.vault, tmp_path / "backup", checked(tmp_path / "backup"), who="ann")
    new.close()

    now = ledger(url)
    assert ["backup b_1", "restored", f'{{"taken_at": "{manifest.taken_at}"}}'] in now["audit"]
    now["audit"] = [line for line in now["audit"] if line[1] != "restored"]
    for each in old["deliveries"], now["deliveries"]:  # whoever was at work is gone
        for row in each:
            del row[-1]
    assert now == old
    with reopened(tmp_path / "new") as place:
        with place.gateway.database.read() as connection:
            value = connection.execute(text("SELECT value FROM shared_secret WHERE name = 'odd'")).scalar_one()
            assert bytes(value) == SECRET
        assert [without_time(place.ask(path).get_data()) for path in asked] == [without_time(each) for each in said]
        assert place.get(f"/api/v1/prices/{place.records('prices')[0]['_key']}/history") == history
        place.work()
        assert place.get("/api/v1/deliveries?limit=1")["items"][0]["state"] == "accepted"
        more = place.give(prices(4, bad_every=2, first=900), "more.csv", GLOBEX)
        assert more["state"] == "partly_accepted"
        assert place.events(more["id"])[-1] == "partly_accepted"
        assert place.ask(f"/api/v1/deliveries/{more['id']}/undo", "POST", json={"reason": "x"}).status_code == 200
    assert gateway("verify", "--deep", "-w", tmp_path / "new").status == 0
    assert gateway("audit", "verify", "-w", tmp_path / "new").status == 0


def without_time(answer: bytes) -> bytes:
    """A page without the moment at which it was asked for."""
    return answer.partition(b'"as_of"')[0]


# ── what is in the folder ────────────────────────────────────────────────────────────────────────────────────────────


def test_the_second_backup_copies_what_is_new_and_keeps_nothing_that_was_purged(tmp_path: Path) -> None:
    with opened(tmp_path / "here") as place:
        first = place.give(prices(2), "prices.csv", GLOBEX)
        one = taken(place, tmp_path / "backup")
        assert (one.files, one.size) == (1, first["size"])
        assert taken(place, tmp_path / "backup", "b_2").files == 0
        second = place.give(prices(3), "more.csv", GLOBEX)
        with place.gateway.database.write() as transaction:
            transaction.connection.execute(
                text("UPDATE delivery SET state = 'purged' WHERE id = :id"), {"id": first["id"]}
            )
        three = taken(place, tmp_path / "backup", "b_3")
        assert (three.files, three.manifest.content.rows) == (1, 1)
        assert [path.name for path in (tmp_path / "backup" / "vault").glob("*/*/*")] == [second["sha256"]]
        assert [path.name for path in (tmp_path / "backup").glob("store-*")] == ["store-b_3"]
        readable = [path for path in (tmp_path / "backup").rglob("*") if path.stat().st_mode & 0o077]
        assert all("vault" in path.parts for path in readable)  # and the folder itself lets nobody in
        assert (tmp_path / "backup").stat().st_mode & 0o077 == 0


def test_nobody_else_can_look_into_the_vault_of_a_backup_whatever_its_folder_allows(tmp_path: Path) -> None:
    folder = tmp_path / "backup"
    folder.mkdir(mode=0o755)
    with opened(tmp_path / "place") as place:
        place.give(sample("acme-orders.edi"))
        for name in ("b_1", "b_2"):
            taken(place, folder, name)
            assert (folder / "vault").stat().st_mode & 0o777 == 0o700
            (folder / "vault").chmod(0o755)  # as a backup of an earlier version left it


def test_what_comes_in_behind_the_first_look_at_the_vault_is_in_the_backup_whole(
    tmp_path: Path, store_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with opened(tmp_path / "here", store=store_url) as place:
        place.give(prices(2), "prices.csv", GLOBEX)
        store, names = backup._store, copying.names

        def and_a_file_comes(*given: Any) -> Manifest:
            place.give(prices(3), "before.csv", GLOBEX)
            return store(*given)

        def and_another_comes(connection: Connection) -> list[str]:
            connection.execute(text("SELECT 1 FROM delivery"))  # the snapshot is of here
            place.give(prices(4), "behind.csv", GLOBEX)
            return names(connection)

        monkeypatch.setattr(backup, "_store", and_a_file_comes)
        monkeypatch.setattr(copying, "names", and_another_comes)
        manifest = taken(place, tmp_path / "backup").manifest
        assert (rows(manifest, "delivery"), manifest.content.rows, manifest.missing) == (2, 2, {})
        assert rows(manifest, "record_price_v2") == 5
        assert check_content(tmp_path / "backup", checked(tmp_path / "backup")) == 2
        assert len(place.get("/api/v1/deliveries")["items"]) == 3


def test_a_file_that_the_vault_lacks_or_has_damaged_is_told_and_everything_else_is_in_the_backup(
    tmp_path: Path,
) -> None:
    with opened(tmp_path / "here") as place:
        gone, bad, good = (place.give(prices(2 + n), f"{n}.csv", GLOBEX) for n in range(3))
        place.vault.path(gone["sha256"]).unlink()
        place.vault.path(bad["sha256"]).write_bytes(b"damaged")
    ended = gateway("backup", tmp_path / "backup", "-w", tmp_path / "here")
    assert ended.status == 1
    assert ended.err.count("not in the backup: the vault") == 2
    assert f"{gone['sha256']}" in ended.err
    assert gateway("restore", "--check", tmp_path / "backup").out.endswith("is whole, with 1 raw files\n")
    ended = gateway("restore", tmp_path / "backup", "-w", tmp_path / "new")
    assert ended.status == 0
    assert bad["sha256"] in ended.err
    with reopened(tmp_path / "new") as place:
        assert place.raw(good["id"]) == prices(4)
        assert len(place.records("prices")) == 4


# ── broken off, damaged, in the way ──────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("step", ["write_part", "write_manifest", "_tidy"])
def test_a_backup_that_was_broken_off_is_known_as_such_and_the_one_before_it_counts(
    step: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken_off(name: str) -> None:
        here = wiring.open_gateway(tmp_path / "here")
        monkeypatch.setattr(backup, step, lambda *_: die())
        take(here.database, here.vault, tmp_path / "backup", id=name, who="ann")

    with opened(tmp_path / "here") as place:
        place.give(prices(2), "prices.csv", GLOBEX)
    assert in_child(lambda: broken_off("b_1")) == -signal.SIGKILL
    if step != "_tidy":
        with pytest.raises(Stop, match=f"holds no backup: there is no {MANIFEST}"):
            checked(tmp_path / "backup")
    with reopened(tmp_path / "here") as place:
        assert taken(place, tmp_path / "backup", "b_2").manifest == checked(tmp_path / "backup")
        place.give(prices(3), "more.csv", GLOBEX)
    assert in_child(lambda: broken_off("b_3")) == -signal.SIGKILL
    manifest = checked(tmp_path / "backup")
    assert manifest.id == ("b_3" if step == "_tidy" else "b_2")
    assert check_content(tmp_path / "backup", manifest) == (2 if step == "_tidy" else 1)
    with reopened(tmp_path / "here") as place:
        taken(place, tmp_path / "backup", "b_4")
    assert [path.name for path in (tmp_path / "backup").glob("store-*")] == ["store-b_4"]
    assert check_content(tmp_path / "backup", checked(tmp_path / "backup")) == 2


@pytest.mark.parametrize(
    "spoiled", ["manifest.json", "store-b_1/delivery.jsonl.gz", "store-b_1/record_price_v2.jsonl.gz", "vault/*/*/*"]
)
@pytest.mark.parametrize("how", ["a bit", "gone"])
def test_a_damaged_backup_is_refused_with_the_files_name(tmp_path: Path, spoiled: str, how: str) -> None:
    with opened(tmp_path / "here") as place:
        place.give(prices(2), "prices.csv", GLOBEX)
        taken(place, tmp_path / "backup")
    (path,) = (tmp_path / "backup").glob(spoiled)
    if how == "gone":
        path.unlink()
    else:
        content = bytearray(path.read_bytes())
        content[len(content) // 2] ^= 0x04
        path.write_bytes(content)
    for more in (("--check",), ()):
        ended = gateway("restore", tmp_path / "backup", "-w", tmp_path / "new", *more)
        assert (ended.status, ended.out.count("restored")) == (1, 0)
        assert path.name in ended.err
    if (tmp_path / "new").exists():
        with reopened(tmp_path / "new") as place:
            assert place.get("/api/v1/deliveries")["items"] == []


def test_a_restore_that_was_broken_off_has_written_nothing_and_is_begun_again(
    tmp_path: Path, store_url: str, new_store: Callable[[str], str], monkeypatch: pytest.MonkeyPatch
) -> None:
    with opened(tmp_path / "old", store=store_url) as place:
        busy(place)
        taken(place, tmp_path / "backup")
    url = new_store("sqlite" if store_url.startswith("sqlite:") else "postgresql")
    make(tmp_path / "new", store=url)

    def broken_off() -> None:
        monkeypatch.setattr("gateway.store.copying.set_going", lambda _: die())
        here = wiring.open_gateway(tmp_path / "new")
        restore(here.database, here.vault, tmp_path / "backup", checked(tmp_path / "backup"), who="ann")

    assert in_child(broken_off) == -signal.SIGKILL
    here = wiring.open_gateway(tmp_path / "new")
    with here.database.read() as connection:
        assert connection.execute(text("SELECT count(*) FROM delivery")).scalar_one() == 0
    here.close()
    assert gateway("restore", tmp_path / "backup", "-w", tmp_path / "new").status == 0
    assert gateway("verify", "--deep", "-w", tmp_path / "new").status == 0


def test_what_is_in_the_way_is_left_alone(tmp_path: Path) -> None:
    with opened(tmp_path / "here") as place:
        place.give(prices(2), "prices.csv", GLOBEX)
        taken(place, tmp_path / "backup")
        with pytest.raises(Stop, match="is not empty"):
            restore(place.gateway.database, place.vault, tmp_path / "backup", checked(tmp_path / "backup"), who="ann")
        (tmp_path / "photos").mkdir()
        (tmp_path / "photos" / "cat.jpg").write_bytes(b"cat")
        with pytest.raises(Stop, match=r"holds something that is no backup: cat\.jpg"):
            taken(place, tmp_path / "photos")
        with backup._held(tmp_path / "backup"), pytest.raises(Stop, match="another backup is being written"):
            taken(place, tmp_path / "backup", "b_2")
    (tmp_path / "half" / "codes").mkdir(parents=True)
    (tmp_path / "half" / "codes" / "units.csv").write_text("mine", encoding="utf-8")
    ended = gateway("restore", tmp_path / "backup", "-w", tmp_path / "half")
    assert (ended.status, "restore into an empty folder" in ended.err) == (1, True)
    assert (tmp_path / "half" / "codes" / "units.csv").read_text(encoding="utf-8") == "mine"


def test_a_backup_of_another_version_is_refused(tmp_path: Path) -> None:
    with opened(tmp_path / "here") as place:
        with place.gateway.database.write() as transaction:
            transaction.connection.execute(text("UPDATE alembic_version SET version_num = '0001'"))
        taken(place, tmp_path / "backup")
    ended = gateway("restore", tmp_path / "backup", "-w", tmp_path / "new")
    assert ended.status == 1
    assert "made with tables of version 0001" in ended.err
