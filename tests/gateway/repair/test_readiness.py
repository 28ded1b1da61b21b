"""How far a partner is: each step is missing with a remedy, then done, on one way from nothing to the first answer."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

import pytest
from click.testing import CliRunner

from gateway.operate import wiring
from gateway.operate.cli import gateway as command_line
from gateway.operate.exchange.outboxes import send_once
from gateway.receive.trials import Asking
from gateway.repair.readiness import Step, readiness
from gateway.store import collected
from gateway.workspace.loader import load
from sftp.hostkeys import load_or_create
from tests.acceptance.workspaces import Place, reopened
from tests.gateway.operate.cli.test_partner import ORDER, SERVER
from tests.gateway.workspace.test_amending import ONE

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

BAD = ORDER.replace(b"*2.95*", b"*2,95*")


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Place]:
    for name, text in {"gateway.yaml": "", "partners/globex.yaml": "partner: globex\n"}.items():
        path = tmp_path / "shop" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    with reopened(tmp_path / "shop") as made:
        yield made


def steps(place: Place, name: str = "globex") -> list[Step]:
    """The steps, as the API tells them."""
    shown = place.get(f"/api/v1/partners/{name}/readiness")
    made = [Step(**each) for each in shown["steps"]]
    assert shown["ready"] == all(each.done for each in made)
    assert all(bool(each.remedy) != each.done for each in made)
    return made


def open_(place: Place) -> list[str]:
    return [each.code for each in steps(place) if not each.done]


def run(place: Place, *arguments: str) -> str:
    said = CliRunner().invoke(command_line, [*arguments, "-w", str(place.folder)], catch_exceptions=False).output
    wiring.apply(place.gateway, load(place.folder))
    return said


def tried(place: Place, content: bytes) -> None:
    asking = Asking(place.gateway.receiver)
    asking.ask("globex", "test.edi", io.BytesIO(content), lane="page", size=len(content))
    place.work()


def test_each_step_is_told_with_what_to_do_until_it_is_done(place: Place) -> None:
    assert open_(place) == ["account", "host_key", "integration", "tried", "accepted"]
    run(place, "partner", "key", "add", "globex", ONE)
    run(place, "partner", "add", "globex", "--format", "x12 850")
    assert open_(place) == ["identifiers", "host_key", "tried", "accepted", "collected"]
    place.change("partners/globex.yaml", "partner: globex\n", "partner: globex\nidentifiers:\n  isa: ZZ:GLOBEX\n")
    load_or_create(place.folder / "data" / "hostkeys")
    assert open_(place) == ["tried", "accepted", "collected"]
    tried(place, BAD)
    assert "1 test file was judged, and none was all right" in steps(place)[4].said
    tried(place, ORDER)
    assert open_(place) == ["accepted", "collected"]
    held = place.give(BAD, "bad.edi", "drop://globex")
    assert steps(place)[5].remedy == f"gateway quarantine list --delivery {held['id']}"
    place.give(ORDER.replace(b"1001", b"1002"), "good.edi", "drop://globex")
    assert open_(place) == ["collected"]
    assert steps(place)[6].said == "no acknowledgment was sent yet"
    send_once(place.gateway, "test")
    assert "acknowledgments lie in /outbox, and none was fetched" in steps(place)[6].said
    name = next((place.folder / "data/sftp/globex/outbox").glob("*997*")).name
    with place.gateway.database.write() as transaction:
        collected.note(transaction, "globex", name)
    assert open_(place) == []
    assert "✓ an acknowledgment was fetched" in run(place, "partner", "check", "globex")


def test_the_command_marks_what_is_missing_and_ends_with_1(place: Place) -> None:
    done = CliRunner().invoke(command_line, ["partner", "check", "globex", "-w", str(place.folder)])
    assert done.exit_code == 1
    assert "✗ there is no account on our server\n    gateway partner key add globex FILE" in done.output


def test_a_partner_who_uploads_needs_no_account(place: Place) -> None:
    (place.folder / "integrations").mkdir()
    (place.folder / "integrations" / "globex-orders.yaml").write_text(
        "integration: globex-orders\nabout: orders\nowner: orders-team\npartner: globex\n"
        'source: "http:"\nformat: x12 850\nanswer: 997\ncontract: order v1\n',
        encoding="utf-8",
    )
    wiring.apply(place.gateway, load(place.folder))
    said = {each.code: each for each in steps(place)}
    assert said["account"].said == "no account is needed: files come from http:"
    assert said["host_key"].done
    assert said["collected"].said == "997 are asked for over the API: there is no outbox"


FLOW = "about: orders\nowner: orders-team\nformat: {format}\nanswer: 997\ncontract: order v1\n"


def flow(place: Place, name: str, source: str, *, partner: str = "", more: str = "") -> None:
    """Write an integration for orders that come that way, and apply it."""
    (place.folder / "integrations").mkdir(exist_ok=True)
    text = f'integration: {name}\nsource: "{source}"\n' + (f"partner: {partner}\n" if partner else "") + more
    text += FLOW.format(format="x12 850")
    (place.folder / "integrations" / f"{name}.yaml").write_text(text, encoding="utf-8")
    wiring.apply(place.gateway, load(place.folder))


def known(place: Place) -> None:
    place.change("partners/globex.yaml", "partner: globex\n", "partner: globex\nidentifiers:\n  isa: ZZ:GLOBEX\n")


def accepted(place: Place) -> str:
    """What is said of what was accepted."""
    return next(each.said for each in steps(place) if each.code == "accepted")


def test_a_file_of_a_watched_folder_counts_where_its_integration_names_the_partner(place: Place) -> None:
    flow(place, "globex-orders", "folder:van/*.edi", partner="globex")
    known(place)
    held = place.give(BAD, "bad.edi", "folder:van")
    assert accepted(place) == (
        f"files came, and nothing was accepted; the last is {held['id']}, which came through the watched folder van"
    )
    taken = place.give(ORDER, "good.edi", "folder:van")
    assert accepted(place) == f"{taken['id']} was accepted; it came through the watched folder van"
    assert open_(place) == []


def test_a_file_that_two_flows_of_the_partner_want_counts(place: Place) -> None:
    run(place, "partner", "add", "globex", "--format", "x12 850", "--format", "x12 810", "--source", "folder:van/*.edi")
    known(place)
    taken = place.give(ORDER, "good.edi", "folder:van")
    assert taken["partner"] is None, "nothing but its flows says whose it is"
    assert accepted(place) == f"{taken['id']} was accepted; it came through the watched folder van"


@pytest.mark.parametrize("answered", [True, False])
def test_a_file_from_anybody_counts_for_whom_its_envelope_names_and_nobody_else(place: Place, answered: bool) -> None:
    """Whether it is answered or not: of what is held there is a letter then, of what is taken there are records."""
    flow(place, "van-orders", "folder:van/*.edi")
    if not answered:
        place.change("integrations/van-orders.yaml", "answer: 997\n", "")
    (place.folder / "partners" / "initech.yaml").write_text(
        "partner: initech\nidentifiers:\n  isa: ZZ:INITECH\n", encoding="utf-8"
    )
    known(place)
    held = place.give(BAD, "bad.edi", "folder:van")
    assert held["partner"] is None
    assert f"the last is {held['id']}, which came through the watched folder van" in accepted(place)
    taken = place.give(ORDER.replace(b"1001", b"1002"), "good.edi", "folder:van")
    assert accepted(place) == f"{taken['id']} was accepted; it came through the watched folder van"
    assert open_(place) == []
    theirs = {each.code: each for each in steps(place, "initech")}
    assert theirs["accepted"].said == "no file came"
    assert theirs["account"].said == "no account is needed: files come from folder:van/*.edi"


def test_the_last_file_counts_whatever_way_it_came(place: Place) -> None:
    flow(place, "globex-orders", "drop://globex/*", more="precedence: 1\n")
    flow(place, "globex-folder", "folder:van/*.edi", partner="globex", more="precedence: 2\n")
    flow(place, "globex-http", "http:", partner="globex", more="precedence: 3\n")
    (place.folder / "connections.yaml").write_text(SERVER, encoding="utf-8")
    flow(place, "globex-pulled", "sftp://acme-server/out/*.edi", partner="globex", more="precedence: 4\n")
    known(place)
    ways = (
        ("folder:van", "through the watched folder van"),
        ("drop://globex", "over our SFTP server"),
        ("folder:van", "through the watched folder van"),
        ("sftp://acme-server/out", "from the partner's own server, sftp://acme-server/out"),
    )
    for number, (source, said) in enumerate(ways, 1002):
        taken = place.give(ORDER.replace(b"1001", b"%d" % number), "good.edi", source)
        assert accepted(place) == f"{taken['id']} was accepted; it came {said}"
    sent = place.ask("/api/v1/integrations/globex-http/deliveries", "POST", data=ORDER.replace(b"1001", b"1009"))
    assert sent.status_code in (200, 201, 202), sent.get_data(as_text=True)
    place.work()
    assert accepted(place).endswith(" was accepted; it came as an upload over HTTP")


def test_a_partner_that_is_not_there_is_404(place: Place) -> None:
    assert place.ask("/api/v1/partners/nobody/readiness").status_code == 404
    with place.gateway.database.read() as connection:
        configuration = place.gateway.in_force.configuration()
        assert len(readiness(connection, configuration, configuration.partners["globex"], ())) == 7


def test_a_test_file_is_judged_as_the_inbox_would_judge_it_and_an_inbox_that_nobody_wants_is_told(place: Place) -> None:
    run(place, "partner", "key", "add", "globex", ONE)
    (place.folder / "po.edi").write_bytes(ORDER)
    said = run(place, "partner", "add", "globex", "--from", f"{place.folder}/po.edi", "--source", "folder:van/*.edi")
    assert "from folder:van/*.edi alone: nobody wants what it puts in /inbox" in said
    step = next(each for each in steps(place) if each.code == "integration")
    assert not step.done
    assert "taken by globex-orders from folder:van/*.edi alone" in step.said
    assert (judged(place, "drop"), judged(place, "page")) == ("quarantined", "quarantined")
    assert judged(place, "page", integration="globex-orders") == "accepted", "where it is said what is meant"

    assert "source: drop://globex/*" in step.remedy
    place.change(
        "integrations/globex-orders.yaml",
        "source:   folder:van/*.edi\n",
        "source: drop://globex/*\n",
    )
    place.change("partners/globex.yaml", "partner: globex\n", "partner: globex\nidentifiers:\n  isa: ZZ:GLOBEX\n")
    assert next(each for each in steps(place) if each.code == "integration").done
    assert [judged(place, lane) for lane in ("drop", "page", "api")] == ["accepted"] * 3
    assert judged(place, "page", integration="globex-orders") == "accepted", "where it is said what is meant"


def judged(place: Place, lane: str, *, integration: str | None = None) -> str:
    """How an order ends that is tried by that lane."""
    asking, file = Asking(place.gateway.receiver), io.BytesIO(ORDER)
    trial = asking.ask("globex", "test.edi", file, lane=lane, size=len(ORDER), integration=integration)
    place.work()
    state: str = place.get(f"/api/v1/trials/{trial}")["file"]["state"]
    return state
