"""Answers at a partner's own server: each once and whole, also when connection or process end in between."""

from __future__ import annotations

import threading
import time
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any

import pytest

from gateway.operate import wiring
from gateway.operate.exchange import pushing
from gateway.operate.exchange.intake import Intake
from gateway.operate.exchange.outboxes import OUTBOXES, send_once
from gateway.operate.exchange.pushing import way_to
from gateway.publish.remote import RemoteFolder
from gateway.store.tables import acknowledgment as table
from gateway.workspace.loader import load
from sftp.client import connect
from sftp.errors import Retry
from tests.acceptance.workspaces import reopened, sample
from tests.gateway.operate.exchange.pulling_scene import describe
from tests.sftp.partner_server import PartnerServer, missing, partner_server

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from sftp.client import Client
    from tests.acceptance.workspaces import Place

pytestmark = pytest.mark.skipif(missing() is not None, reason=str(missing()))
ORDERS = sample("acme-orders.edi")


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PartnerServer]:
    with partner_server(tmp_path_factory.mktemp("partner") / "sshd") as one:
        yield one


@contextmanager
def answering(workspace: Path, server: PartnerServer, folder: str) -> Iterator[Place]:
    """A workspace in which acme's orders are answered at his server, with one answer due."""
    describe(workspace, server, lines="settle: none\nanswer: 997")
    (server.root / folder).mkdir()
    path = workspace / "partners" / "acme.yaml"
    path.write_text(f"{path.read_text()}\nletters: none\nanswers: sftp://acme-server{server.root}/{folder}\n")
    with reopened(workspace) as place:
        wiring.apply(place.gateway, load(workspace))
        place.give(ORDERS, source=f"sftp://acme-server{server.root}/out")
        yield place


def push(place: Place) -> bool:
    place.clock.forward(3600)
    return send_once(place.gateway, "tests", way_to("acme-server"))


def files(server: PartnerServer, folder: str) -> list[str]:
    return sorted(each.name for each in (server.root / folder).iterdir())


def acknowledgment(place: Place) -> dict[str, Any]:
    with place.gateway.database.read() as connection:
        found = connection.execute(table.select()).mappings().one()
    return dict(found)


def test_an_answer_is_put_at_the_partners_server_and_nowhere_else(server: PartnerServer, tmp_path: Path) -> None:
    with answering(tmp_path / "w", server, "in") as place:
        assert not send_once(place.gateway, "tests", OUTBOXES)
        assert push(place)
        [name] = files(server, "in")
        assert (server.root / "in" / name).read_bytes().startswith(b"ISA*")
        assert acknowledgment(place)["state"] == "sent"
        lines = place.get("/api/v1/activity?limit=1000")["items"]
        [told] = [each["message"] for each in lines if each["event"] == "acknowledgment_sent"]
        assert f"at sftp://acme-server{server.root}/in" in told
        assert not push(place)
        assert files(server, "in") == [name]


def test_the_sftp_role_pulls_and_answers_by_itself(server: PartnerServer, tmp_path: Path) -> None:
    workspace, stop = tmp_path / "w", threading.Event()
    describe(workspace, server, "role", lines="settle: none\nafter: delete\nanswer: 997")
    (server.root / "answers").mkdir()
    path = workspace / "partners" / "acme.yaml"
    path.write_text(f"{path.read_text()}\nletters: none\nanswers: sftp://acme-server{server.root}/answers\n")
    orders = server.put("role/orders.edi", ORDERS)
    with reopened(workspace) as place:
        wiring.apply(place.gateway, load(workspace))
        place.gateway.database.clock = wiring.utc_now
        role = threading.Thread(target=Intake(place.gateway).run, args=(stop,))
        role.start()
        try:
            until = time.monotonic() + 60  # the answer may be there before the order is removed
            while time.monotonic() < until and (
                orders.exists() or not [each for each in files(server, "answers") if "part" not in each]
            ):
                place.work()
                stop.wait(0.05)
        finally:
            stop.set()
            role.join()
    assert not orders.exists()
    [answer] = files(server, "answers")
    assert (server.root / "answers" / answer).read_bytes().startswith(b"ISA*")


def test_what_cannot_be_put_there_waits_with_the_reason(server: PartnerServer, tmp_path: Path) -> None:
    with answering(tmp_path / "w", server, "away") as place:
        (server.root / "away").rename(server.root / "elsewhere")
        push(place)
        assert "no such file" in acknowledgment(place)["problem"].lower()
        (server.root / "elsewhere").rename(server.root / "away")
        push(place)
        assert acknowledgment(place)["state"] == "sent"
        assert len(files(server, "away")) == 1


def test_another_file_of_that_name_is_not_replaced(server: PartnerServer, tmp_path: Path) -> None:
    with answering(tmp_path / "w", server, "taken") as place:
        name = acknowledgment(place)["name"]
        path = server.put(f"taken/{name}", b"another")
        push(place)
        assert "another file lies there" in acknowledgment(place)["problem"]
        assert path.read_bytes() == b"another"
        path.unlink()
        push(place)
        assert files(server, "taken") == [name]


class Killed(BaseException):
    """The process is no more."""


class Mortal:
    """A connection of which every call is a step; at the chosen one the process dies, or the connection does."""

    def __init__(self, inner: Client, steps: Iterator[int], at: int, end: type[BaseException]) -> None:
        self._inner = inner
        self._steps = steps
        self._at = at
        self._end = end

    def __getattr__(self, name: str) -> Any:
        attribute = getattr(self._inner, name)
        if name not in ("stat", "rename", "look", "listing", "remove", "opened"):
            return attribute

        def step(*arguments: Any, **named: Any) -> Any:
            self._count()
            answer = attribute(*arguments, **named)
            if name != "opened":
                self._count()
            return answer

        return step

    def _count(self) -> None:
        if next(self._steps) == self._at:
            self._inner.close()
            raise self._end("the connection broke off")


@pytest.mark.parametrize(("end", "partner_takes_it"), [(Killed, True), (Retry, False)])
def test_an_answer_is_put_there_once_whenever_the_process_or_the_connection_ends(
    server: PartnerServer,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    end: type[BaseException],
    *,
    partner_takes_it: bool,
) -> None:
    folder = f"once-{end.__name__}-{partner_takes_it}"
    taken: list[bytes] = []

    def partner_takes() -> None:
        """The partner's own program, which takes what has its final name and deletes it."""
        for path in (server.root / folder).iterdir():
            if not path.name.endswith(".part"):
                taken.append(path.read_bytes())
                path.unlink()

    with answering(tmp_path / "w", server, folder) as place:
        for at in range(1000):
            steps = iter(range(100_000))

            def mortal(where: Any, at: int = at, steps: Iterator[int] = steps) -> Any:
                return Mortal(connect(where), steps, at, end)

            monkeypatch.setattr(pushing, "connect", mortal)
            place.clock.forward(3600)
            with suppress(Killed):
                send_once(place.gateway, "tests", way_to("acme-server"))
            if partner_takes_it:
                partner_takes()
            monkeypatch.setattr(pushing, "connect", connect)
            for _ in range(2):
                push(place)
                if partner_takes_it:
                    partner_takes()
            assert acknowledgment(place)["state"] == "sent", f"ended at step {at}"
            partner_takes()
            assert files(server, folder) == [], f"ended at step {at}"
            assert len(taken) == 1, f"ended at step {at}"
            taken.clear()
            if next(steps) <= at:
                break
            with place.gateway.database.write() as transaction:  # the same once more
                values = {"state": "built", "staged": None, "token": 0, "tries": 0, "due": 0.0, "owner": None}
                transaction.connection.execute(table.update().values(**values))
        assert at > 10


def test_nobody_connects_before_there_is_need() -> None:
    def connected() -> Client:
        raise AssertionError

    folder = RemoteFolder("sftp://x/in", "/in", connected)
    folder.sync_hidden()
    folder.sync_shown()
    folder.close()
