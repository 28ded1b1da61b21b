"""docs/hooks.md: every sender of the page is configured as it says, and what it sends is signed, taken and read."""

from __future__ import annotations

import base64
import re
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

import gateway
from gateway.workspace.loader import parse
from tests.gateway.serve.senders import mac
from tests.gateway.serve.worlds import FILES, World

if TYPE_CHECKING:
    from collections.abc import Callable

PAGE = (Path(gateway.__file__).parents[1] / "docs" / "hooks.md").read_text(encoding="utf-8")
BLOCK = re.compile(r"```(yaml|http)\n(.+?)```", re.DOTALL)
NOW = datetime(2026, 11, 21, 9, 0, tzinfo=UTC)
SECTIONS = {part.partition("\n")[0]: part for part in PAGE.split("\n## ")[1:]}
CONTRACT = BLOCK.findall(PAGE)[0][1]


def _standard(headers: dict[str, str], body: bytes, secret: str) -> str:
    key = base64.b64decode(secret.removeprefix("whsec_"))
    signed = f"{headers['webhook-id']}.{headers['webhook-timestamp']}.".encode() + body
    return f"webhook-signature: v1,{base64.b64encode(mac(key, signed)).decode()}"


def _github(_: dict[str, str], body: bytes, secret: str) -> str:
    return f"X-Hub-Signature-256: sha256={mac(secret.encode(), body).hex()}"


def _shopify(_: dict[str, str], body: bytes, secret: str) -> str:
    return f"X-Shopify-Hmac-Sha256: {base64.b64encode(mac(secret.encode(), body)).decode()}"


def _stripe(headers: dict[str, str], body: bytes, secret: str) -> str:
    time = headers["Stripe-Signature"].split(",")[0].removeprefix("t=")
    return f"Stripe-Signature: t={time},v1={mac(secret.encode(), f'{time}.'.encode() + body).hex()},v0="


SIGNED: dict[str, Callable[[dict[str, str], bytes, str], str]] = {
    "Standard Webhooks": _standard,
    "GitHub": _github,
    "Shopify": _shopify,
    "Stripe": _stripe,
}
"""What each sender says of itself, computed with nothing but a hash."""


def test_every_sender_of_the_page_is_tried() -> None:
    assert [*SECTIONS] == [*SIGNED, "Others"]
    assert len(BLOCK.findall(PAGE)) == 1 + 2 * len(SIGNED)


@pytest.mark.parametrize("name", SIGNED)
def test_a_sender_of_the_page_is_let_in(here: World, name: str) -> None:
    section = SECTIONS[name]
    (_, flow), (_, example) = BLOCK.findall(section)
    secrets = re.findall(r"`secrets/(\S+)`\sholds\s`([^`]+)`", section)
    assert len(secrets) == 1
    head, _, content = example.partition("\n\n")
    line, *rest = head.split("\n")
    headers = dict(each.split(": ", 1) for each in rest)
    body = content.removesuffix("\n").encode()
    assert SIGNED[name](headers, body, secrets[0][1]) in head

    here.apply(FILES | {"contracts/notice.v1.yaml": CONTRACT, "integrations/it.yaml": flow})
    known = {f"secret:{reference}": secret for reference, secret in secrets}
    client = here.app(secret=known.__getitem__, now=lambda: NOW).test_client()
    path = line.removeprefix("POST ")
    answers = [client.post(path, data=body, headers=headers).status_code for _ in range(2)]
    assert answers == [202, 200]
    assert client.post(path, data=body + b" ", headers=headers).status_code == 401
    here.work()
    (record,) = here.client().get("/api/v1/notices").get_json()["items"]
    assert record["id"] in content
    assert record["what"]


def test_all_examples_of_the_page_can_stand_side_by_side() -> None:
    flows = [text for kind, text in BLOCK.findall(PAGE)[1:] if kind == "yaml"]
    files = {f"integrations/{number}.yaml": flow for number, flow in enumerate(flows)}
    configuration = parse(FILES | {"contracts/notice.v1.yaml": CONTRACT} | files)
    assert len(flows) == len(SIGNED)
    assert {each.precedence for each in configuration.integrations.values() if each.contract == "notice"} == {
        1,
        2,
        3,
        4,
    }
