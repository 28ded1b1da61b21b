"""Unknown is not silent: what nobody sends or wants is an open item that says what it is, and how a partner is made."""

from __future__ import annotations

import io
import re
import zipfile
from typing import TYPE_CHECKING, Any

import pytest
from click.testing import CliRunner

from gateway.operate import wiring
from gateway.operate.cli import gateway as command_line
from gateway.workspace.loader import load
from tests.acceptance.workspaces import reopened
from tests.gateway.operate.cli.test_partner import ORDER

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.acceptance.workspaces import Place

FLOW = "about: orders\nowner: orders-team\nformat: x12 850\ncontract: order v1\n"
FILES = {
    "gateway.yaml": "",
    "partners/acme.yaml": "partner: acme\nidentifiers:\n  isa: ZZ:ACME\n",
    "partners/hooli.yaml": "partner: hooli\n",
    "integrations/by-folder.yaml": f"integration: by-folder\nsource: folder:inbox/*.edi\nprecedence: 1\n{FLOW}",
    "integrations/by-http.yaml": f'integration: by-http\nsource: "http:"\nprecedence: 2\n{FLOW}',
    "integrations/by-acme.yaml": f"integration: by-acme\nsource: drop://acme/*.edi\nprecedence: 3\n{FLOW}",
}
SAID = "x12 004010 850 from ZZ:GLOBEX to ZZ:US"


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Place]:
    for name, text in FILES.items():
        path = tmp_path / "shop" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    with reopened(tmp_path / "shop") as made:
        yield made


def given(place: Place, way: str, content: bytes) -> dict[str, Any]:
    """The only document that is held of a file that came in this way."""
    if way == "http:":
        answer = place.ask("/api/v1/integrations/by-http/deliveries?filename=po.edi", "POST", data=content)
        assert answer.status_code == 202
        place.work()
        delivery = place.delivery(answer.get_json()["id"])
    else:
        delivery = place.give(content, "po.edi", way)
    assert delivery["state"] == "quarantined"
    assert delivery["documents"] == {"unrouted": 1}
    (held,) = place.held(f"&delivery={delivery['id']}")
    return held


def run(place: Place, command: str) -> str:
    done = CliRunner().invoke(command_line, [*command.split()[1:], "-w", str(place.folder)], catch_exceptions=False)
    assert done.exit_code == 0, done.output
    wiring.apply(place.gateway, load(place.folder))
    return done.output


@pytest.mark.parametrize("way", ["folder:inbox", "http:"])
def test_a_file_of_an_unknown_sender_becomes_its_partner_s_by_the_command_that_is_named(place: Place, way: str) -> None:
    held = given(place, way, ORDER)
    (finding,) = held["findings"]
    assert finding["code"] == "route.unknown_partner"
    assert SAID in finding["message"]
    command = re.search(r"gateway partner add NAME --from (d_\w+)", finding["remedy"])
    assert command is not None
    assert command[1] == held["delivery"]

    said = run(place, command[0].replace("NAME", "globex"))
    assert f"gateway quarantine retry --delivery {held['delivery']}" in said
    assert [each.name for each in load(place.folder).integrations.values()] == ["by-acme", "by-folder", "by-http"]
    place.ask("/api/v1/quarantine/retry", "POST", json={"delivery": held["delivery"]})
    place.work()
    assert place.delivery(held["delivery"])["state"] == "accepted"
    assert [each["_key"] for each in place.records("orders")] == ["globex~1001"]


def test_a_file_in_a_partner_s_inbox_that_no_integration_wants_gets_one_by_the_command(place: Place) -> None:
    held = given(place, "drop://hooli", ORDER)
    (finding,) = held["findings"]
    assert finding["code"] == "route.unwanted_file"
    assert f"po.edi from drop://hooli is wanted by nobody; it looks like {SAID}" in finding["message"]
    command = f"gateway partner add hooli --from {held['delivery']}"
    assert command in finding["remedy"]

    said = run(place, command)
    assert "ZZ:GLOBEX is no identifier of hooli yet: add it to identifiers, isa:, in its file." in said
    place.change("partners/hooli.yaml", "partner: hooli\n", "partner: hooli\nidentifiers:\n  isa: ZZ:GLOBEX\n")
    place.ask("/api/v1/quarantine/retry", "POST", json={"delivery": held["delivery"]})
    place.work()
    assert [each["_key"] for each in place.records("orders")] == ["hooli~1001"]


def test_a_member_of_an_archive_is_a_file_to_make_a_partner_from(place: Place) -> None:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("read.me", "Dear all")
        archive.writestr("po.edi", ORDER)
    delivery = place.give(packed.getvalue(), "november.zip", "folder:inbox")
    held = next(each for each in place.held(f"&delivery={delivery['id']}") if each["member"] == "po.edi")
    (finding,) = held["findings"]
    command = re.search(r"gateway partner add NAME --from d_\w+", finding["remedy"])
    assert command is not None, finding
    assert SAID in run(place, command[0].replace("NAME", "globex"))
    assert dict(load(place.folder).partners["globex"].identifiers) == {"isa": ("ZZ:GLOBEX",)}


def test_another_sender_in_a_partner_s_own_inbox_is_told_as_such(place: Place) -> None:
    (finding,) = given(place, "drop://acme", ORDER)["findings"]
    assert f"is not a known identifier of partner acme; the document is {SAID}" in finding["message"]
    assert "add isa: ZZ:GLOBEX to the identifiers in partners/acme.yaml" in finding["remedy"]


def test_another_message_names_the_command_too(place: Place) -> None:
    other = ORDER.replace(b"GLOBEX ", b"ACME   ").replace(b"ST*850", b"ST*860").replace(b"PO*", b"PC*")
    held = given(place, "drop://acme", other)
    (finding,) = held["findings"]
    assert finding["code"] == "route.unwanted_message"
    assert "takes x12 004010 860 from ZZ:ACME to ZZ:US" in finding["message"]
    assert f"gateway partner add acme --from {held['delivery']}, apply, and retry" in finding["remedy"]
    run(place, f"gateway partner add acme --from {held['delivery']}")
    assert load(place.folder).integrations["acme-order-changes"].contract == "order-change"
