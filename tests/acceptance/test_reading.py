"""R1 and R2: what readers see while deliveries come and go, and whoever asks twice, on both stores."""

from __future__ import annotations

import json
import threading
from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING, Any

import pytest

from gateway import ingest
from gateway.operate import web, wiring
from gateway.operate.credentials import make_key
from gateway.repair import undo as undoing
from gateway.store import staging
from tests.acceptance.children import prices
from tests.acceptance.workspaces import SCOPES, Clock, Place, opened, reopened, sample

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

GLOBEX = "drop://globex"
ROWS = 30
WHY = {"reason": "a test"}


# ── R1 ───────────────────────────────────────────────────────────────────────────────────────────────────────────────


class Reader:
    """Looks at a collection all of whose records say the same, and notes what must not be seen."""

    def __init__(self, place: Place) -> None:
        self._place = place
        self._lock = threading.Lock()
        self._newest = (0, "")
        self._stood: dict[int, bytes] = {}
        self.begun: set[tuple[str, bool]] = set()
        self.looks = 0
        self.wrong: list[str] = []

    def look(self, query: str = "limit=1000") -> None:
        """One page, and all that must hold for it."""
        with self._lock:
            before = self._newest
        page = self._place.get(f"/api/v1/prices?{query}")
        items, as_of = page["items"], page["as_of"]
        now = (as_of["change"], as_of["time"] or "")
        states = {(each["price"], each["name"].isupper()) for each in items}
        with self._lock:
            self.looks += 1
            self._note(now[0] < before[0] or now[1] < before[1], f"as_of {now} behind {before}")
            self._note(len(states) > 1, f"a page of several deliveries: {states}")
            self._note(bool(states - self.begun), f"{states} of a delivery that is not finished")
            self._note(any(each["_seq"] > now[0] for each in items), f"a record newer than {now}")
            if query == "limit=1000":
                self._note(len(items) not in (0, ROWS), f"{len(items)} of {ROWS} records")
                said = json.dumps(items).encode()
                self._note(self._stood.setdefault(now[0], said) != said, f"another page as of change {now[0]}")
            self._newest = max(self._newest, now)

    def _note(self, wrong: bool, what: str) -> None:
        if wrong:
            self.wrong.append(what)

    @contextmanager
    def hammering(self) -> Iterator[None]:
        """Look at whole pages and at small ones in three threads for as long as the block takes."""
        stop = threading.Event()

        def run(query: str) -> None:
            while not stop.is_set():
                self.look(query)

        threads = [
            threading.Thread(target=run, args=(each,)) for each in ("limit=1000", "limit=1000", "limit=7&sort=-price")
        ]
        for thread in threads:
            thread.start()
        try:
            yield
        finally:
            stop.set()
            for thread in threads:
                thread.join()


def test_R1_no_page_shows_a_part_of_a_delivery_and_as_of_never_goes_back(  # noqa: N802 - the promise's name
    tmp_path: Path, store_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(staging, "SETTLED_AT_ONCE", 5)
    monkeypatch.setattr(staging, "settle", partial(staging.settle, limit=10))
    with opened(tmp_path, store=store_url) as place:
        reader = Reader(place)
        coming = {"state": ("", False)}
        reveal = ingest.Attempt._reveal

        def note_then_reveal(attempt: ingest.Attempt, transaction: Any) -> None:
            reader.begun.add(coming["state"])
            reveal(attempt, transaction)

        monkeypatch.setattr(ingest.Attempt, "_reveal", note_then_reveal)
        for of in (ingest.Attempt, undoing._Undoing):  # readers also look from within each transaction of a writer
            prove = of._prove

            def look_and_prove(self: Any, transaction: Any, prove: Any = prove) -> None:
                reader.look()
                prove(self, transaction)

            monkeypatch.setattr(of, "_prove", look_and_prove)

        with reader.hammering():
            given = []
            for number in range(1, 5):
                coming["state"] = (f"{number}.50", False)
                given.append(place.give(prices(ROWS, price=f"{number},50"), f"p{number}.csv", GLOBEX)["id"])
            place.change("integrations/globex-prices.yaml", "Bezeichnung | squash", "Bezeichnung | squash | upper")
            coming["state"] = ("4.50", True)
            for how in ("then", "now"):
                place.ask(f"/api/v1/deliveries/{given[3]}/replay", "POST", json={"as": how, **WHY})
                place.work()
            for number in (3, 2):
                answer = place.ask(f"/api/v1/deliveries/{given[number]}/undo", "POST", json=WHY)
                assert answer.json == {"records": ROWS, "left": 0}

        assert reader.wrong == []
        assert reader.looks > 60
        assert {each["price"] for each in place.records("prices")} == {"2.50"}


# ── R2 ───────────────────────────────────────────────────────────────────────────────────────────────────────────────


UPLOAD = "/api/v1/integrations/acme-orders/deliveries?filename=orders.edi"
ORDERS = sample("acme-orders.edi")


def upload(place: Place, key: str, content: bytes = ORDERS, path: str = UPLOAD) -> Any:
    return place.ask(path, "POST", data=content, headers={"Idempotency-Key": key})


def test_R2_the_same_key_and_request_have_the_same_answer_also_after_a_restart(  # noqa: N802
    tmp_path: Path, store_url: str
) -> None:
    with opened(tmp_path, store=store_url) as place:
        first = upload(place, "k-1")
        place.work()
        again = upload(place, "k-1")
        assert first.status_code == again.status_code == 202
        assert again.get_data() == first.get_data()
        assert again.headers["Location"] == first.headers["Location"]
        assert "Idempotency-Replayed" not in first.headers
        token = place.token
    with reopened(tmp_path) as place:
        after = place.client.post(
            UPLOAD, data=ORDERS, headers={"Authorization": f"Bearer {token}", "Idempotency-Key": "k-1"}
        )
        assert (after.status_code, after.get_data()) == (202, first.get_data())
        assert len(place.get("/api/v1/deliveries")["items"]) == 1
        rotated = upload(place, "k-1")  # the place has another key now, of the same client
        assert (rotated.headers["Idempotency-Replayed"], rotated.get_data()) == ("true", first.get_data())
        token = make_key(place.gateway, "theirs", SCOPES)
        other_client = place.client.post(  # a key of ours says nothing about a key of theirs
            UPLOAD, data=ORDERS, headers={"Authorization": f"Bearer {token}", "Idempotency-Key": "k-1"}
        )
        assert other_client.get_json()["id"] != first.get_json()["id"]
        assert "Idempotency-Replayed" not in other_client.headers


@pytest.mark.parametrize(
    "other",
    [
        pytest.param({"content": ORDERS + b"\n"}, id="another body"),
        pytest.param({"path": UPLOAD.replace("orders.edi", "o.edi")}, id="another name"),
        pytest.param({"path": UPLOAD.replace("acme-orders/", "northwind-orders/")}, id="another path"),
    ],
)
def test_R2_the_same_key_with_another_request_is_refused(tmp_path: Path, store_url: str, other: Any) -> None:  # noqa: N802
    with opened(tmp_path, store=store_url) as place:
        first = upload(place, "k-1")
        refused = upload(place, "k-1", **other)
        assert (refused.status_code, refused.json["code"]) == (422, "key_reused")
        assert upload(place, "k-1").get_data() == first.get_data()
        assert len(place.get("/api/v1/deliveries")["items"]) == 1


def test_R2_decisions_that_are_asked_for_twice_are_made_once(tmp_path: Path, store_url: str) -> None:  # noqa: N802
    with opened(tmp_path, store=store_url) as place:
        place.give(prices(ROWS, price="1,50"), "old.csv", GLOBEX)
        new = place.give(prices(ROWS, price="2,50", bad_every=20), "new.csv", GLOBEX)["id"]
        (held,) = place.held()

        def twice(path: str, body: dict[str, Any]) -> None:
            one, other = (place.ask(path, "POST", json=body, headers={"Idempotency-Key": path[-40:]}) for _ in range(2))
            assert one.status_code < 300, one.get_data(as_text=True)
            assert (other.status_code, other.get_data()) == (one.status_code, one.get_data())
            place.work()

        twice(f"/api/v1/quarantine/{held['id']}/retry", {})
        twice(f"/api/v1/deliveries/{new}/replay", {"as": "now", **WHY})
        (held,) = place.held()
        twice(f"/api/v1/quarantine/{held['id']}/discard", WHY)
        twice(f"/api/v1/deliveries/{new}/undo", WHY)
        told = [event for event in place.events(new) if event in ("retried", "replay", "discarded", "undone")]
        assert told == ["retried", "replay", "discarded", "undone"]
        assert {each["price"] for each in place.records("prices")} == {"1.50"}


def test_R2_the_same_key_at_once_to_several_servers_makes_one_delivery(tmp_path: Path, store_url: str) -> None:  # noqa: N802
    with opened(tmp_path, store=store_url) as place:
        gateways = [wiring.open_gateway(tmp_path) for _ in range(4)]
        token = make_key(place.gateway, "one", SCOPES)
        apps = [web.application(each) for each in gateways]
        places = [Place(tmp_path, each, Clock(), app, token) for each, app in zip(gateways, apps, strict=True)]  # type: ignore[arg-type]
        start, answers = threading.Barrier(8), []

        def ask(at: int) -> None:
            start.wait()
            answers.append(upload(places[at % 4], "k-1"))

        threads = [threading.Thread(target=ask, args=(at,)) for at in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        for each in gateways:
            each.close()
        assert len(answers) == 8
        busy = [each for each in answers if each.status_code == 409]
        assert {each.json["code"] for each in busy} <= {"still_running"}
        told = {each.json["id"] for each in answers if each not in busy}
        assert len(told) == 1
        assert [each["id"] for each in place.get("/api/v1/deliveries")["items"]] == list(told)
