"""X1: each interchange, or functional group, is answered exactly once, and no control number is used twice."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import pytest

from edi.acknowledgments import read_acknowledgment
from edi.edifact.scanner import events as edifact_events
from edi.findings import Finding
from edi.model import Document
from edi.segmented.walk.events import Aside
from edi.x12.scanner import events as x12_events
from gateway.errors import Retry
from gateway.operate import wiring
from gateway.operate.workers.answering import give_back
from gateway.operate.workers.worker import work_once
from gateway.repair.backup import take
from gateway.repair.restore import checked, restore
from gateway.store import acknowledgments
from gateway.workspace.loader import load
from tests.acceptance.answered import (
    BAD,
    GOOD,
    NORTHWIND,
    NOW,
    REFUSED,
    answer,
    answering,
    group,
    interchange,
    order,
    outbox,
    send,
    taken,
    unsent,
)
from tests.acceptance.workspaces import key_pair, make, opened, reopened, sample
from tests.gateway.workspace.standards import SAMPLES

if TYPE_CHECKING:
    from pathlib import Path

    from edi.acknowledgments import Received
    from tests.acceptance.workspaces import Place

ORDERS, EDIFACT = sample("acme-orders.edi"), sample("northwind-orders.edi")
CLAIM = (SAMPLES / "claim-batch.v1" / "x12-005010X222A1-837.edi").read_bytes()


def lines(content: bytes) -> list[str]:
    """The segments of an answer."""
    return [each for each in re.split("[~']\n?", content.decode("latin-1")) if each]


def told(content: bytes) -> tuple[list[Received], list[str]]:
    """What an answer says to who reads it with the reader of partners' answers, and what that finds wrong with it."""
    said, wrong = [], []
    for event in (edifact_events if content.startswith(b"UN") else x12_events)([content], {}):
        if isinstance(event, Document | Aside):
            received = read_acknowledgment(event)
            said += [received] if received else []
        findings = event.findings if isinstance(event, Document) else [event] if isinstance(event, Finding) else []
        wrong += [each.code for each in findings if each.code != "x12.ta1"]
    return said, wrong


def answered(place: Place, content: bytes, name: str = "orders.edi", source: str = "drop://acme") -> dict[str, Any]:
    """A file given, and what is due sent; the delivery."""
    shown = place.give(content, name, source)
    send(place)
    return place.delivery(shown["id"])


# ── what is sent ─────────────────────────────────────────────────────────────────────────────────────────────────────


def test_X1_a_997_says_of_each_order_what_the_standard_says(tmp_path: Path, store_url: str) -> None:  # noqa: N802
    with answering(tmp_path / "w", store=store_url) as place:
        shown = answered(place, interchange(group(GOOD, BAD)))
        ((name, content),) = taken(place).items()

        assert name == "997_ZZ-ACME_ZZ-GATEWAY_000000001.edi"
        assert lines(content) == [
            "ISA*00*          *00*          *ZZ*GATEWAY        *ZZ*ACME           *261121*0930*U*00401*000000001*0*P*>",
            "GS*FA*GATEWAY*ACME*20261121*0930*1*X*004010",
            "ST*997*0001",
            "AK1*PO*5",
            "AK2*850*0001",
            "AK5*A",
            "AK2*850*0002",
            "AK3*PO1*7**8",
            "AK4*4*212*6*12,5O",
            "AK5*R*5",
            "AK9*P*2*2*1",
            "SE*10*0001",
            "GE*1*1",
            "IEA*1*000000001",
        ]
        (said,), wrong = told(content)
        assert (said.kind, said.group, said.verdict, said.accepted, wrong) == ("997", "5", "P", 1, [])
        assert [each.verdict for each in said.documents] == ["A", "R"]
        (one,) = shown["acknowledgments"]
        assert {key: one[key] for key in ("kind", "number", "disposition", "interchange", "group", "state")} == {
            "kind": "997",
            "number": 1,
            "disposition": "partly_accepted",
            "interchange": "000000007",
            "group": "5",
            "state": "sent",
        }
        handed = place.ask(f"/api/v1/deliveries/{shown['id']}/acknowledgments")
        assert (handed.get_data(), handed.mimetype) == (content, "application/edi-x12")
        assert place.events(shown["id"])[-1] == "acknowledgment_sent"


def test_what_the_contract_refuses_is_accepted_by_the_standard(tmp_path: Path) -> None:
    with answering(tmp_path) as place:
        shown = answered(place, interchange(group(REFUSED)))
        assert shown["state"] == "quarantined"
        assert [each["disposition"] for each in shown["acknowledgments"]] == ["accepted"]


def test_X1_a_claim_is_answered_by_a_999(tmp_path: Path) -> None:  # noqa: N802
    with opened(tmp_path) as place:
        partner = "partner: care\nletters: none\nidentifiers:\n  isa: ZZ:ACME\n"
        partner += f"sftp:\n  user: care\n  keys:\n    - {key_pair()[1]}\n"
        (tmp_path / "partners" / "care.yaml").write_text(partner, encoding="utf-8")
        (tmp_path / "partners" / "acme.yaml").write_text("partner: acme\n", encoding="utf-8")
        flow = "integration: claims\nabout: Claims\nowner: orders-team\nsource: drop://care/*\nformat: x12 005010 837\n"
        claims = f"{flow}contract: claim-batch v1\nanswer: 997, 999\n"
        (tmp_path / "integrations" / "claims.yaml").write_text(claims, encoding="utf-8")
        assert wiring.apply(place.gateway, load(tmp_path))
        place.clock.now = NOW

        shown = answered(place, CLAIM.replace(b"*D8*19800412*", b"*D8*19801312*"), "claims.edi", "drop://care")
        ((name, content),) = taken(place, "care").items()

        assert name.startswith("999_")
        assert [each["kind"] for each in shown["acknowledgments"]] == ["999"]
        (said,), wrong = told(content)
        assert (said.verdict, said.accepted, wrong) == ("R", 0, [])
        assert "GS*FA*GLOBEX*ACME*20261121*0930*1*X*005010X231A1" in lines(content)
        assert lines(content)[5:9] == ["IK3*DMG*17**8", "IK4*2*1251*8*19801312", "IK5*R*5", "AK9*R*1*1*0"]


def test_X1_orders_of_edifact_are_answered_by_a_contrl(tmp_path: Path, store_url: str) -> None:  # noqa: N802
    with answering(tmp_path / "w", store=store_url) as place:
        shown = answered(place, EDIFACT, "o.edi", NORTHWIND)
        answered(place, EDIFACT.replace(b"PRI+AAA:17.8'", b"PRI+AAA:17.8O'"), "bad.edi", NORTHWIND)
        good, bad = taken(place, "northwind").values()

        assert lines(good) == [
            "UNB+UNOC:3+4012345000009:14+5412345000013:14+261121:0930+1",
            "UNH+1+CONTRL:D:3:UN",
            "UCI+N0001+5412345000013:14+4012345000009:14+7",
            "UNT+3+1",
            "UNZ+1+1",
        ]
        assert lines(bad)[2:-2] == [
            "UCI+N0001+5412345000013:14+4012345000009:14+7",
            "UCM+1+ORDERS:D:96A:UN+4",
            "UCS+15",
            "UCD+37+2:2",
        ]
        assert [(each.verdict, wrong) for each, wrong in ((told(good)[0][0], told(good)[1]),)] == [("A", [])]
        assert told(bad)[0][0].documents[0].verdict == "R"
        handed = place.ask(f"/api/v1/deliveries/{shown['id']}/acknowledgments")
        assert (handed.get_data(), handed.mimetype) == (good, "application/edifact")


def test_X1_each_interchange_and_each_group_is_answered_once_in_their_order(  # noqa: N802
    tmp_path: Path, store_url: str
) -> None:
    first = interchange(group(GOOD), group(BAD, number=6))
    second = interchange(group(order("4714"), number=9), number=8)
    with answering(tmp_path / "w", store=store_url, acme="TA1, 997") as place:
        shown = answered(place, first + b"\n" + second)
        found = [
            (each["kind"], each["interchange"], each["group"], each["number"], each["disposition"])
            for each in shown["acknowledgments"]
        ]
        assert found == [
            ("TA1", "000000007", None, 1, "accepted"),
            ("997", "000000007", "5", 2, "accepted"),
            ("997", "000000007", "6", 3, "rejected"),
            ("TA1", "000000008", None, 4, "accepted"),
            ("997", "000000008", "9", 5, "accepted"),
        ]
        files = taken(place)
        assert [told(content)[1] for content in files.values()] == [[]] * 5
        ta1 = files["TA1_ZZ-ACME_ZZ-GATEWAY_000000004.edi"]
        assert lines(ta1)[1:] == ["TA1*000000008*261121*0900*A*000", "IEA*0*000000004"]
        one = place.ask(f"/api/v1/deliveries/{shown['id']}/acknowledgments?number=4").get_data()
        assert one == ta1
        all_of_them = place.ask(f"/api/v1/deliveries/{shown['id']}/acknowledgments").get_data()
        assert len(all_of_them) == sum(map(len, files.values()))


def test_X1_a_test_is_answered_by_a_test(tmp_path: Path) -> None:  # noqa: N802
    with answering(tmp_path) as place:
        answered(place, interchange(group(GOOD)).replace(b"*0*P*>~", b"*0*T*>~"))
        assert b"*0*T*>~" in next(iter(taken(place).values()))


def test_an_interchange_for_somebody_else_is_answered_when_it_is_known_to_be_ours(
    tmp_path: Path, store_url: str
) -> None:
    with answering(tmp_path / "w", store=store_url, acme="TA1, 997") as place:
        place.change("gateway.yaml", "settle: 500ms", "settle: 500ms\nidentifiers: {isa: ZZ:COMPANY}")
        other = answered(place, interchange(group(GOOD)))
        assert other["documents"] == {"unrouted": 1}
        assert other["acknowledgments"] == []

        place.change("gateway.yaml", "isa: ZZ:COMPANY", "isa: [ZZ:COMPANY, ZZ:GATEWAY]")
        place.ask("/api/v1/quarantine/retry", "POST", json={"code": "route.other_receiver"})
        place.work()
        send(place)
        shown = place.delivery(other["id"])
        assert shown["documents"] == {"accepted": 1}
        assert [each["kind"] for each in shown["acknowledgments"]] == ["TA1", "997"]
        place.ask(f"/api/v1/deliveries/{other['id']}/replay", "POST", json={"reason": "to see"})
        place.work()
        send(place)
        assert len(taken(place)) == 2


def test_what_a_partner_sends_in_the_name_of_another_is_not_answered_and_uses_none_of_his_numbers(
    tmp_path: Path,
) -> None:
    with answering(tmp_path, acme="TA1, 997") as place:
        (tmp_path / "partners" / "hooli.yaml").write_text(
            "partner: hooli\nidentifiers:\n  isa: ZZ:HOOLI\n", encoding="utf-8"
        )
        text = (tmp_path / "integrations" / "acme-orders.yaml").read_text(encoding="utf-8")
        text = text.replace("acme", "hooli").replace("precedence: 1", "precedence: 9")
        (tmp_path / "integrations" / "hooli-orders.yaml").write_text(text, encoding="utf-8")
        assert wiring.apply(place.gateway, load(tmp_path))

        foreign = answered(place, interchange(group(GOOD)), source="drop://hooli")
        assert (foreign["documents"], foreign["acknowledgments"]) == ({"unrouted": 1}, [])
        own = answered(place, interchange(group(order("4799"))))
        assert [each["number"] for each in own["acknowledgments"]] == [1, 2]
        assert lines(taken(place)["TA1_ZZ-ACME_ZZ-GATEWAY_000000001.edi"])[1].endswith("*A*000")


def test_a_control_number_of_which_nothing_was_accepted_may_be_used_again(tmp_path: Path, store_url: str) -> None:
    with answering(tmp_path / "w", store=store_url, acme="TA1, 997") as place:
        answered(place, interchange(group(GOOD), closed=False))
        answered(place, interchange(group(BAD)))
        whole = answered(place, interchange(group(GOOD)))
        assert [each["disposition"] for each in whole["acknowledgments"]] == ["accepted", "accepted"]
        again = answered(place, interchange(group(order("4799"))))
        assert [each["disposition"] for each in again["acknowledgments"]] == ["accepted_with_errors", "accepted"]


def test_control_numbers_count_for_each_pair_of_parties(tmp_path: Path) -> None:
    with answering(tmp_path) as place:
        place.change("partners/acme.yaml", "isa: ZZ:ACME", "isa: [ZZ:ACME, ZZ:ACME SUB]")
        for number, sender in enumerate(("ACME", "ACME SUB", "ACME"), 1):
            answered(place, interchange(group(order(str(number))), number=number, sender=sender))
        assert sorted(re.sub(r"_[0-9a-f]{10}_", "_hash_", name) for name in outbox(place)) == [
            "997_ZZ-ACME-SUB_ZZ-GATEWAY_hash_000000001.edi",
            "997_ZZ-ACME_ZZ-GATEWAY_000000001.edi",
            "997_ZZ-ACME_ZZ-GATEWAY_000000002.edi",
        ]


# ── whom an answer is for ────────────────────────────────────────────────────────────────────────────────────────────


def test_each_group_gets_what_the_integration_of_its_documents_wants(tmp_path: Path) -> None:
    with answering(tmp_path) as place:
        other = (tmp_path / "integrations" / "acme-orders.yaml").read_text(encoding="utf-8")
        other = other.replace("integration: acme-orders", "integration: acme-changes").replace("answer:   997", "")
        other = other.replace("004010 850", "004010 860").replace("precedence: 1", "precedence: 3")
        (tmp_path / "integrations" / "acme-changes.yaml").write_text(other.replace("BEG", "BCH"), encoding="utf-8")
        assert wiring.apply(place.gateway, load(tmp_path))
        changes = group("ST*860*0001~BCH*04*SA*1***20261120~SE*3*0001~", number=6, kind="PC")
        unknown = group("ST*864*0001~BMG*00~MIT*1~SE*4*0001~", number=7, kind="TX")

        shown = answered(place, interchange(group(GOOD), changes, unknown))
        # What nobody takes is answered as anybody at this source wants it: it says what the standard says, and no more.
        assert [each["group"] for each in shown["acknowledgments"]] == ["5", "7"]


def test_an_acknowledgment_is_never_acknowledged(tmp_path: Path) -> None:
    with answering(tmp_path, acme="TA1, 997") as place:
        received = "ST*997*0001~AK1*PO*1~AK9*A*1*1*1~SE*4*0001~"
        alone = answered(place, interchange(group(received, kind="FA")))
        beside = answered(place, interchange(group(received, kind="FA"), group(GOOD, number=6), number=8))
        assert alone["acknowledgments"] == []
        assert [(each["kind"], each["group"]) for each in beside["acknowledgments"]] == [("TA1", None), ("997", "6")]


def test_a_file_that_is_cut_off_is_rejected_and_one_without_a_header_is_told_in_the_log(tmp_path: Path) -> None:
    with answering(tmp_path, acme="TA1, 997") as place:
        cut = answered(place, interchange(group(GOOD), closed=False))
        assert [(each["kind"], each["disposition"]) for each in cut["acknowledgments"]] == [
            ("TA1", "rejected"),
            ("997", "rejected"),
        ]
        nothing = answered(place, b"%PDF-1.7")
        assert nothing["acknowledgments"] == []
        assert place.events(nothing["id"])[-1] == "not_answered"


def test_a_partner_without_an_account_asks_for_the_answer_over_http(tmp_path: Path) -> None:
    with answering(tmp_path) as place:
        text = (tmp_path / "partners" / "acme.yaml").read_text(encoding="utf-8").partition("sftp:")[0]
        (tmp_path / "partners" / "acme.yaml").write_text(text, encoding="utf-8")
        assert wiring.apply(place.gateway, load(tmp_path))
        shown = answered(place, ORDERS)
        assert [each["state"] for each in shown["acknowledgments"]] == ["kept"]
        assert place.events(shown["id"])[-1] == "acknowledgment_kept"
        assert outbox(place) == {}
        assert b"AK9*P*2*2*1~" in place.ask(f"/api/v1/deliveries/{shown['id']}/acknowledgments").get_data()


def test_a_control_number_that_comes_in_another_file_is_told_by_a_warning(tmp_path: Path) -> None:
    with answering(tmp_path, acme="TA1, 997") as place:
        first = answered(place, interchange(group(GOOD)))
        second = answered(place, interchange(group(order("4799"))))
        assert second["state"] == "accepted"
        assert [each["disposition"] for each in second["acknowledgments"]] == ["accepted_with_errors", "accepted"]
        assert b"*E*025~" in outbox(place)["TA1_ZZ-ACME_ZZ-GATEWAY_000000003.edi"]
        (line,) = place.get("/api/v1/activity?grep=control+number")["items"]
        assert (line["event"], line["delivery"]) == ("interchange_repeated", second["id"])
        assert first["id"] in line["message"]


def test_a_control_number_that_comes_twice_at_once_is_told_as_well(tmp_path: Path) -> None:
    with answering(tmp_path, acme="997") as place:
        first = place.land(interchange(group(GOOD)), "1.edi")
        second = place.land(interchange(group(order("4799"))), "2.edi")
        place.work()
        (line,) = place.get("/api/v1/activity?grep=control+number")["items"]
        assert (line["event"], line["delivery"]) == ("interchange_repeated", second.id)
        assert first.id in line["message"]


# ── once ─────────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_X1_a_duplicate_gets_the_same_bytes_again_and_no_new_number(tmp_path: Path, store_url: str) -> None:  # noqa: N802
    with answering(tmp_path / "w", store=store_url, acme="TA1, 997") as place:
        answered(place, ORDERS)
        first = taken(place)
        assert len(first) == 2
        again = answered(place, ORDERS, "again.edi")
        assert again["state"] == "duplicate"
        assert [each["number"] for each in again["acknowledgments"]] == [1, 2]
        answered(place, ORDERS, "once-more.edi")  # while the partner has not taken them yet
        assert taken(place) == first
        assert unsent(place) == []
        assert [each["number"] for each in answered(place, interchange(group(order("1"))))["acknowledgments"]] == [3, 4]


def test_X1_replay_undo_retry_and_correction_answer_nothing(tmp_path: Path, store_url: str) -> None:  # noqa: N802
    with answering(tmp_path / "w", store=store_url) as place:
        shown = answered(place, ORDERS)
        first = taken(place)
        delivery, reason = f"/api/v1/deliveries/{shown['id']}", {"reason": "a test"}

        def act(path: str, body: dict[str, Any]) -> None:
            answer = place.ask(path, "POST", json=body)
            assert answer.status_code in (200, 202), answer.get_data(as_text=True)
            place.work()
            send(place)

        act(f"{delivery}/replay", {"as": "then", **reason})
        act(f"{delivery}/replay", {"as": "now", **reason})
        (held,) = place.held()
        act(f"/api/v1/quarantine/{held['id']}/retry", {})
        (held,) = place.held()
        start = held["start"] + ORDERS[held["start"] :].index(b"12,5O")
        patch = [{"start": start, "end": start + 5, "text": "12.50"}]
        act(f"/api/v1/quarantine/{held['id']}/correct", {"patch": patch, **reason})
        assert place.delivery(shown["id"])["documents"] == {"accepted": 1, "corrected": 1}
        act(f"{delivery}/replay", {"as": "now", **reason})
        act(f"{delivery}/undo", reason)

        assert outbox(place) == {}
        assert [each["number"] for each in place.delivery(shown["id"])["acknowledgments"]] == [1]
        assert len(first) == 1


def test_X1_what_was_not_to_be_answered_is_not_answered_by_a_replay(tmp_path: Path) -> None:  # noqa: N802
    with opened(tmp_path) as place:
        shown = place.give(ORDERS)
        answer(place)
        place.ask(f"/api/v1/deliveries/{shown['id']}/replay", "POST", json={"as": "now", "reason": "a test"})
        place.work()
        send(place)
        assert place.delivery(shown["id"])["acknowledgments"] == []
        assert answered(place, ORDERS, "again.edi")["acknowledgments"] == []


def test_a_file_that_nobody_wanted_is_answered_when_somebody_does(tmp_path: Path) -> None:
    with answering(tmp_path) as place:
        shown = answered(place, ORDERS, "orders.txt")
        assert shown["acknowledgments"] == []
        place.change("integrations/acme-orders.yaml", "drop://acme/*.edi", "drop://acme/*")
        (held,) = place.held()
        place.ask(f"/api/v1/quarantine/{held['id']}/retry", "POST", json={})
        place.work()
        send(place)
        assert [each["number"] for each in place.delivery(shown["id"])["acknowledgments"]] == [1]


def test_X1_a_restored_store_gives_out_no_number_that_it_gave_out_behind_the_backup(tmp_path: Path) -> None:  # noqa: N802
    with answering(tmp_path / "w") as place:
        answered(place, ORDERS)
        take(place.gateway.database, place.gateway.vault, tmp_path / "backup", id="b_1", who="ann")
        answered(place, interchange(group(order("1"))))
    make(tmp_path / "new")
    gateway = wiring.open_gateway(tmp_path / "new")
    restore(gateway.database, gateway.vault, tmp_path / "backup", checked(tmp_path / "backup"), who="ann")
    gateway.close()
    with reopened(tmp_path / "new") as place:
        shown = answered(place, interchange(group(order("2"))))
        assert [each["number"] for each in shown["acknowledgments"]] == [10_002]


# ── on their way ─────────────────────────────────────────────────────────────────────────────────────────────────────


def test_an_outbox_that_cannot_be_written_is_told_once_and_filled_later(tmp_path: Path, store_url: str) -> None:
    with answering(tmp_path / "w", store=store_url) as place:
        home = place.folder / "data" / "sftp" / "acme"
        home.mkdir(parents=True)
        (home / "outbox").write_bytes(b"in the way")
        shown = answered(place, ORDERS)
        answered(place, EDIFACT, "o.edi", NORTHWIND)
        for _ in range(3):
            place.clock.forward(3600)
            send(place)
        (one,) = place.delivery(shown["id"])["acknowledgments"]
        assert (one["state"], one["sent_at"]) == ("built", None)
        assert one["problem"]
        assert place.events(shown["id"]).count("acknowledgment_waits") == 1
        assert len(outbox(place, "northwind")) == 1

        (home / "outbox").unlink()
        place.clock.forward(3600)
        send(place)
        (one,) = place.delivery(shown["id"])["acknowledgments"]
        assert (one["state"], one["problem"]) == ("sent", None)
        assert len(outbox(place)) == 1


def test_another_file_of_that_name_is_not_written_over(tmp_path: Path) -> None:
    with answering(tmp_path) as place:
        folder = tmp_path / "data" / "sftp" / "acme" / "outbox"
        folder.mkdir(parents=True)
        name = "997_ZZ-ACME_ZZ-GATEWAY_000000001.edi"
        (folder / name).write_bytes(b"of a store that was restored from an old backup")
        shown = answered(place, ORDERS)
        (one,) = shown["acknowledgments"]
        assert (one["state"], one["problem"]) == ("built", f"another file lies there as {name}; move it away")
        assert len(outbox(place)[name]) < 60
        (folder / name).unlink()
        place.clock.forward(3600)
        send(place)
        assert b"AK9" in outbox(place)[name]


def test_what_a_dead_worker_was_to_answer_is_answered_at_once(tmp_path: Path, store_url: str) -> None:
    with answering(tmp_path / "w", store=store_url) as place:
        landed = place.land(ORDERS)
        while work_once(place.gateway, "me"):
            pass
        with place.gateway.database.write() as transaction:
            (held,) = acknowledgments.take_owed(transaction, owner="dead", seconds=60, count=5, size_max=10_000)
        place.work()
        assert place.delivery(landed.id)["acknowledgments"] == []
        give_back(place.gateway, "dead", 0, None)
        place.work()
        assert len(place.delivery(landed.id)["acknowledgments"]) == 1
        with pytest.raises(Retry), place.gateway.database.write() as transaction:  # were it not dead, it wrote nothing
            acknowledgments.finish(transaction, held, acknowledgments.NOTHING)


def test_an_answer_that_cannot_be_made_is_given_up_after_some_tries_and_holds_nobody_up(tmp_path: Path) -> None:
    with answering(tmp_path) as place:
        landed = place.land(ORDERS)
        path = place.vault.path(landed.sha256)
        while work_once(place.gateway, "me"):
            pass
        raw = path.read_bytes()
        path.unlink()
        for _ in range(8):
            place.clock.forward(3600)
            place.work()
        assert place.events(landed.id).count("answer_failed") == 1
        path.write_bytes(raw)
        assert [each["number"] for each in answered(place, interchange(group(GOOD)))["acknowledgments"]] == [1]
