"""Hooks through the whole product, on both stores, with the secret in a file that its owner may read."""

from __future__ import annotations

import re
import threading
from typing import TYPE_CHECKING

from gateway.operate import web, wiring
from tests.acceptance.hooked import PATH, add_hook, keep_secret, notices, signed
from tests.acceptance.test_command_line import gateway
from tests.acceptance.workspaces import conserved, opened
from tests.gateway.serve.senders import KEY, OTHER

if TYPE_CHECKING:
    from pathlib import Path

    import pytest

    from tests.acceptance.workspaces import Place


def test_L1_a_message_that_is_signed_is_durable_judged_and_counts_once(tmp_path: Path, store_url: str) -> None:  # noqa: N802
    body = notices("1", "2", "3")
    with opened(tmp_path, store=store_url) as place:
        add_hook(place)
        first = place.client.post(PATH, data=body, headers=signed(body, "msg_1"))
        assert first.status_code == 202
        delivery = first.get_json()["id"]
        assert place.raw(delivery) == body
        place.work()
        again = place.client.post(PATH, data=body, headers=signed(body, "msg_1"))
        assert (again.status_code, again.get_json()["id"], again.get_json()["state"]) == (200, delivery, "accepted")
        other = notices("4")
        refused = place.client.post(PATH, data=other, headers=signed(other, "msg_1"))
        assert (refused.status_code, refused.get_json()["code"]) == (422, "key_reused")
        place.work()
        conserved(place, delivery)
        assert {each["id"] for each in place.records("notices")} == {"1", "2", "3"}
        assert place.events(delivery) == ["received", "accepted"]
        evidence = place.get("/api/v1/notices/2/evidence?field=id")
        assert "msg_1.jsonl" in str(evidence)


def test_a_message_that_is_held_is_corrected_and_replayed_like_a_file(tmp_path: Path, store_url: str) -> None:
    body = notices("1") + b'{"id":"2"}\n'
    with opened(tmp_path, store=store_url) as place:
        add_hook(place)
        delivery = place.client.post(PATH, data=body, headers=signed(body, "msg_1")).get_json()["id"]
        place.work()
        (held,) = place.held()
        fixed = {"content": '{"id":"2","what":"lost"}', "reason": "they said so"}
        assert place.ask(f"/api/v1/quarantine/{held['id']}/correct", "POST", json=fixed).status_code == 202
        place.work()
        asked = {"as": "now", "reason": "to see"}
        assert place.ask(f"/api/v1/deliveries/{delivery}/replay", "POST", json=asked).status_code == 202
        place.work()
        assert {each["id"] for each in place.records("notices")} == {"1", "2"}
        conserved(place, delivery)


def test_the_same_message_at_once_to_several_servers_is_one_delivery(tmp_path: Path, store_url: str) -> None:
    body = notices("1")
    with opened(tmp_path, store=store_url) as place:
        add_hook(place)
        gateways = [wiring.open_gateway(tmp_path) for _ in range(4)]
        apps = [web.application(each) for each in gateways]
        start, answers = threading.Barrier(8), list[tuple[int, str]]()

        def ask(at: int) -> None:
            client = apps[at % 4].test_client()  # type: ignore[attr-defined]
            start.wait()
            answer = client.post(PATH, data=body, headers=signed(body, "msg_1"))
            answers.append((answer.status_code, answer.get_json().get("id", "")))

        threads = [threading.Thread(target=ask, args=(at,)) for at in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        for each in gateways:
            each.close()
        taken = {delivery for status, delivery in answers if status in (200, 202)}
        assert {status for status, _ in answers} <= {200, 202, 409}
        assert len(taken) == 1
        assert [each["id"] for each in place.get("/api/v1/deliveries")["items"]] == list(taken)


def test_what_a_hook_takes_is_signed(tmp_path: Path) -> None:
    upload = "/api/v1/integrations/acme-notices/deliveries"
    with opened(tmp_path) as place:
        add_hook(place)
        token = gateway("key", "add", "portal", "--scope", "deliveries:*", "-w", tmp_path).out.strip()
        refused = place.client.post(upload, data=notices("1"), headers={"Authorization": f"Bearer {token}"})
        assert (refused.status_code, refused.get_json()["code"]) == (409, "signature_wanted")
        admin = gateway("key", "add", "root", "--scope", "admin", "-w", tmp_path).out.strip()
        taken = place.client.post(upload, data=notices("1"), headers={"Authorization": f"Bearer {admin}"})
        assert taken.status_code == 202
        place.work()
        assert [each["id"] for each in place.records("notices")] == ["1"]


def told(place: Place) -> list[str]:
    lines = place.get("/api/v1/activity?limit=200")["items"]
    return [each["message"] for each in lines if each["event"] == "hook_unusable"]


def test_a_secret_is_read_where_it_is_kept_and_told_nobody(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    body = notices("1")
    with opened(tmp_path) as place:
        add_hook(place)
        secret = tmp_path / "secrets" / "acme" / "hook"

        def status() -> int:
            return place.client.post(PATH, data=body, headers=signed(body, "msg_1")).status_code

        secret.chmod(0o644)
        assert status() == status() == 401
        assert "may be read by others" in caplog.text
        (line,) = told(place)
        assert line == "acme-notices lets nobody in: secret:acme/hook cannot be used; gateway check says why"
        checked = gateway("check", tmp_path)
        assert checked.status == 0
        assert re.search(r"acme-notices.yaml:1:14: warning: the secret .+/acme/hook may be read by others", checked.err)
        secret.unlink()
        assert status() == 401
        assert len(told(place)) == 1, "it is said once"
        assert "secret:acme/hook cannot be read" in gateway("check", tmp_path).err
        assert "secret:acme/hook cannot be read" in caplog.text
        keep_secret(tmp_path, OTHER)
        assert status() == 401
        keep_secret(tmp_path)
        assert "warning" not in gateway("check", tmp_path).err
        assert status() == 202
        secret.write_text("whsec_short")
        assert "secret:acme/hook is no key: what follows whsec_ is not base64" in gateway("check", tmp_path).err
        assert status() == 401
        assert len(told(place)) == 2, "it could be used meanwhile"
        assert OTHER.removeprefix("whsec_") not in caplog.text
        assert str(KEY) not in caplog.text
