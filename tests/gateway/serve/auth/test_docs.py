"""docs/access.md: every example is asked, and answered as it says."""

from __future__ import annotations

import hashlib
import json
import re
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING

import gateway
from gateway.model import Arrived
from gateway.store import keys
from tests.acceptance.test_scopes import FILES, HEADER
from tests.gateway.serve.auth.issuing import issuer
from tests.gateway.serve.test_docs import EXAMPLE, ask, like

if TYPE_CHECKING:
    from tests.gateway.serve.worlds import World

PAGE = (Path(gateway.__file__).parents[1] / "docs" / "access.md").read_text(encoding="utf-8")
KEYS: dict[str, tuple[tuple[str, ...], tuple[str, ...] | None]] = {
    "prices": (("prices:read",), None),
    "acme": (("*:read",), ("acme",)),
    "reader": (("*:read",), None),
    "desk": (("orders:read", "orders:personal"), None),
    "admin": (("admin",), None),
}


def test_every_example_is_answered_as_the_page_says(here: World) -> None:
    here.apply(FILES)
    for partner, number, mail, total in (("acme", 4711, "ann", "10.00"), ("globex", 4712, "bob", "20.00")):
        line = f"{number},open,{total},{mail}@example.com,Kiel,DE\n"
        where = Arrived("http:", "orders.csv", partner, f"{partner}-orders")
        here.receiver.land(where, BytesIO((HEADER + line).encode()))
        here.work()
    secrets = {}
    for name, (scopes, partners) in KEYS.items():
        secrets[name] = token = here.ids.new("key")
        with here.database.write() as transaction:
            sha256 = hashlib.sha256(token.encode()).hexdigest()
            keys.add(transaction, id=token, name=name, sha256_hex=sha256, scopes=scopes, partners=partners)
    examples = EXAMPLE.findall(PAGE)
    assert len(examples) == PAGE.count("```http\n") == 11
    with here.database.read() as connection:
        (delivery,) = connection.exec_driver_sql("SELECT id FROM delivery WHERE partner = 'acme'").scalars()
    for request, _, shown in examples:
        filled = request.replace("{delivery}", delivery)
        for name, secret in secrets.items():
            filled = filled.replace("{" + name + "}", secret)
        answer = ask(here.app().test_client(), filled.rstrip("\n"))
        got = answer.get_json()
        assert like(got, json.loads(shown)), (
            f"{request}\nanswered {answer.status_code}\n{answer.get_data(as_text=True)}"
        )


def test_the_settings_of_the_page_let_in_whom_it_says(here: World) -> None:
    (settings,) = re.findall(r"```yaml\n(.+?)```", PAGE, re.DOTALL)
    with issuer() as server:
        url = "https://login.company.example/realms/us"
        here.apply(FILES | {"gateway.yaml": settings.replace(url, server.url)})
        now = here.now().timestamp()

        def status(path: str, **claims: object) -> int:
            token = server.token(now, **claims)  # type: ignore[arg-type] # no header among them
            client = here.app().test_client()
            return client.get(f"/api/v1/{path}", headers={"Authorization": f"Bearer {token}"}).status_code

        desk = {"realm_access": {"roles": ["order-desk"]}}
        assert (status("orders", **desk), status("prices", **desk)) == (200, 403)
        assert status("orders", scope="orders:read") == 403
    client = here.app().test_client()
    for peer, expected in (("10.0.0.5", 200), ("10.0.0.6", 401)):
        said = {"X-Client-Subject": "CN=erp,O=Us"}
        assert (
            client.get("/api/v1/orders", headers=said, environ_overrides={"REMOTE_ADDR": peer}).status_code == expected
        )
