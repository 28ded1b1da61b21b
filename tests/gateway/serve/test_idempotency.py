"""Idempotency-Key on every request that decides something: once, the same answer, another body refused (R2)."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from itertools import chain
from typing import TYPE_CHECKING, Any

import pytest

from gateway.serve.app import _resources
from gateway.store.database import Database
from tests.gateway.serve.worlds import World, order

if TYPE_CHECKING:
    from collections.abc import Callable

    from flask.testing import FlaskClient

WHY = {"reason": "the partner says so"}


@dataclass(frozen=True, slots=True)
class Decision:
    """A request that decides: where, what it says, and what another request with the same key says."""

    path: str
    body: dict[str, Any] = field(default_factory=lambda: dict(WHY))
    other: dict[str, Any] = field(default_factory=lambda: {"reason": "for another reason"})


HELD = order("2", status="lost")


def held(here: World) -> str:
    here.deliver(HELD)
    (item,) = here.client().get("/api/v1/quarantine").get_json()["items"]
    return f"/api/v1/quarantine/{item['id']}"


def taken(here: World) -> str:
    return f"/api/v1/deliveries/{here.deliver(order('1')).id}"


def correction(here: World) -> Decision:
    path, content = held(here), HELD.replace("lost", "open")
    return Decision(f"{path}/correct", {"content": content, **WHY}, {"content": content + " ", **WHY})


DECISIONS: dict[str, Callable[[World], Decision]] = {
    "retry_document": lambda here: Decision(f"{held(here)}/retry", {}, {"x": 1}),
    "retry_group": lambda here: Decision(
        held(here).rpartition("/")[0] + "/retry", {"all": True}, {"integration": "acme-orders"}
    ),
    "correct_document": correction,
    "discard_document": lambda here: Decision(f"{held(here)}/discard"),
    "replay_delivery": lambda here: Decision(f"{taken(here)}/replay", {"as": "now", **WHY}, {"as": "then", **WHY}),
    "undo_delivery": lambda here: Decision(f"{taken(here)}/undo"),
}
HOW_ELSE = {"upload_delivery", "try_file", "send_try", "receive_hook", "issue_token"}
"""Uploads and forms have tests of their own, a message of a hook has its own id, and a token decides nothing."""


def test_every_request_that_writes_is_tried() -> None:
    asked = {each.id for each in chain.from_iterable(_resources("0").values()) if each.method not in ("GET", "HEAD")}
    assert asked == DECISIONS.keys() | HOW_ELSE


def ask(client: FlaskClient, decision: Decision, body: dict[str, Any], key: str = "k1") -> Any:
    return client.post(decision.path, json=body, headers={"Idempotency-Key": key})


@pytest.mark.parametrize("name", DECISIONS)
def test_the_same_request_has_the_same_answer_and_another_body_none(here: World, name: str) -> None:
    decision, client = DECISIONS[name](here), here.client("admin")
    first = ask(client, decision, decision.body)
    assert first.status_code < 300, first.get_data(as_text=True)
    here.work()
    again = ask(client, decision, decision.body)
    assert (again.status_code, again.get_data()) == (first.status_code, first.get_data())
    assert (again.headers.get("Location"), again.headers["Idempotency-Replayed"]) == (
        first.headers.get("Location"),
        "true",
    )
    other = ask(client, decision, decision.other)
    assert other.status_code == 422
    assert other.get_json()["code"] in ("key_reused", "invalid_body")
    with here.database.read() as connection:
        keys = connection.exec_driver_sql("SELECT count(*) FROM idempotency").scalar()
    assert keys == 1


@pytest.mark.parametrize("name", DECISIONS)
def test_while_the_first_runs_the_second_is_told_to_wait(
    here: World, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    decision, key = DECISIONS[name](here), here.key("admin")
    app, hangs, goes_on, opened = here.app(), threading.Event(), threading.Event(), Database.write

    def client() -> FlaskClient:
        made = app.test_client()
        made.environ_base["HTTP_AUTHORIZATION"] = f"Bearer {key}"
        return made

    answers: list[int] = []
    running = threading.Thread(target=lambda: answers.append(ask(client(), decision, decision.body).status_code))

    def slowly(*given: Any, **more: Any) -> Any:
        if threading.current_thread() is running:
            hangs.set()
            assert goes_on.wait(60)
        return opened(*given, **more)

    monkeypatch.setattr(Database, "write", slowly)
    running.start()
    assert hangs.wait(60)
    second = ask(client(), decision, decision.body)
    goes_on.set()
    running.join(60)
    assert (second.status_code, second.get_json()["code"], second.headers["Retry-After"]) == (409, "still_running", "1")
    assert answers[0] < 300
