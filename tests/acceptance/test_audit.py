"""A1: who did what is on record, and a row that was changed, taken away, put in or moved since is found."""

from __future__ import annotations

import json
import os
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import text

from gateway.errors import Stop
from gateway.operate import wiring
from gateway.operate.credentials import make_key
from gateway.repair import held
from gateway.repair.held import Change
from gateway.store import audit, chain, quarantine
from gateway.store.audit import Anchor, Fault
from gateway.store.chain import Entry, row_hash
from gateway.store.database import Database
from gateway.workspace.loader import load
from tests.acceptance.children import die, in_child, prices
from tests.acceptance.test_command_line import gateway
from tests.acceptance.workspaces import Place, opened

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from sqlalchemy import Connection

GLOBEX = "drop://globex"


def store(url: str) -> Database:
    database = Database(url, clock=lambda: datetime.now(UTC))
    database.migrate()
    return database


def rows(database: Database) -> list[audit.Line]:
    with database.read() as connection:
        return audit.after(connection, 0, limit=10_000)


def checked(database: Database, *anchors: Anchor) -> audit.Verdict:
    with database.read() as connection:
        return audit.check(connection, anchors)


def newest(database: Database) -> Anchor:
    with database.read() as connection:
        return audit.head(connection)


def filled(database: Database, count: int = 6) -> None:
    for number in range(1, count + 1):
        with database.write() as transaction:
            audit.write(transaction, "tried", f"thing {number}", who="ann", reason=f"because of {number}", count=number)


# ── what is on record ────────────────────────────────────────────────────────────────────────────────────────────────


def test_A1_whatever_people_do_and_however_a_delivery_ends_is_on_record(tmp_path: Path, store_url: str) -> None:  # noqa: N802 - the promise's name
    with opened(tmp_path, store=store_url) as place:
        database = place.gateway.database
        first = place.gateway.in_force.configuration().revision
        landed = place.give(prices(4, bad_every=2), "prices.csv", GLOBEX)
        one, other = place.held()
        accepts = held.policies(place.gateway.in_force.configuration())
        held.retry(database, [one["id"]], who="ann", accepts=accepts)
        place.work()
        code, value = one["findings"][0]["code"], one["findings"][0]["value"]
        held.retry_group(database, who="ann", accepts=accepts, code=code, value=value)
        place.work()
        price = one["findings"][0]
        with database.read() as connection:
            document = quarantine.get(connection, one["id"])
        assert document is not None
        fixed = held.changed(
            held.as_it_stands(database, place.gateway.vault, document)[0],
            document,
            [Change(price["start"], price["end"], b"12,00")],
        )
        held.correct(database, place.gateway.vault, document, fixed, who="ann", reason="by phone", accepts=accepts)
        with database.read() as connection:
            document = quarantine.get(connection, other["id"])
        assert document is not None
        held.discard(database, document, who="bob", reason="twice")
        place.work()
        assert place.ask(
            f"/api/v1/deliveries/{landed['id']}/replay", "POST", json={"as": "now", "reason": "again"}
        ).status_code == 202  # fmt: skip
        place.work()
        assert place.ask(f"/api/v1/deliveries/{landed['id']}/undo", "POST", json={"reason": "wrong"}).status_code == 200
        place.change("gateway.yaml", "vault:", "# a remark\nvault:")

        lines = rows(database)
        delivery = f"delivery {landed['id']}"
        told = [each for each in lines if each.subject.split()[0] not in ("key", "collection")]
        assert [(each.action, each.subject) for each in told] == [
            ("applied", f"revision {first}"),
            ("closed", delivery),
            ("retried", f"document {one['id']}"),
            ("closed", delivery),
            ("retried", "group of documents"),
            ("closed", delivery),
            ("corrected", f"document {one['id']}"),
            ("discarded", f"document {other['id']}"),
            ("closed", delivery),
            ("replay_asked", delivery),
            ("closed", delivery),
            ("undone", delivery),
            ("applied", f"revision {place.gateway.in_force.configuration().revision}"),
        ]
        by = {(each.action, each.subject): each for each in lines}
        ended = next(each for each in lines if each.action == "closed")
        assert ended.who == "worker"
        assert ended.details == {
            "documents": {"accepted": 2, "quarantined": 2},
            "revision": first,
            "sha256": landed["sha256"],
            "state": "partly_accepted",
        }
        assert lines[-1].details == {"previous": first}
        assert by["discarded", f"document {other['id']}"].who == "bob"
        assert by["discarded", f"document {other['id']}"].details["reason"] == "twice"
        assert by["replay_asked", delivery].who == "test"
        assert [each.number for each in lines] == list(range(1, len(lines) + 1))
        assert checked(database).faults == ()
        assert price["value"] not in " ".join(json.dumps(each.details) for each in lines)


def test_A1_keys_are_on_record_without_their_tokens(tmp_path: Path, store_url: str) -> None:  # noqa: N802 - as above
    with opened(tmp_path, store=store_url) as place:
        (made,) = [each for each in rows(place.gateway.database) if each.action == "key_made"]
        assert made.details["name"] == "test"
        assert "deliveries:write" in made.details["scopes"]
        assert place.token not in json.dumps([each.details for each in rows(place.gateway.database)])


def test_A1_a_transaction_that_does_not_happen_leaves_no_row(store_url: str) -> None:  # noqa: N802 - as above
    database = store(store_url)
    filled(database, 2)

    def broken_off() -> None:
        with database.write() as transaction:
            audit.write(transaction, "tried", "thing", who="ann")
            raise RuntimeError

    with pytest.raises(RuntimeError):
        broken_off()
    filled(database, 1)
    assert [each.number for each in rows(database)] == [1, 2, 3]
    assert checked(database).faults == ()
    database.close()


def test_A1_odd_texts_come_back_as_they_were_proved(store_url: str) -> None:  # noqa: N802 - as above
    database = store(store_url)
    with database.write() as transaction:
        audit.write(
            transaction, "tried", "nul \x00 and \ud800", who="żółw ☃", reason='" \\ \x00 \u2028 \ud800', none=None
        )
    (line,) = rows(database)
    assert line.details == {"reason": '" \\ \x00 \u2028 \ud800'}
    assert checked(database).faults == ()
    database.close()


# ── what was done to it afterwards ───────────────────────────────────────────────────────────────────────────────────


def run(*statements: str) -> Callable[[Connection], None]:
    def act(connection: Connection) -> None:
        for statement in statements:
            connection.execute(text(statement))

    return act


def swap(connection: Connection) -> None:
    run("UPDATE audit SET number = -1 WHERE number = 2", "UPDATE audit SET number = 2 WHERE number = 4",
        "UPDATE audit SET number = 4 WHERE number = -1")(connection)  # fmt: skip


def forge(connection: Connection, at: int, previous: str) -> None:
    """Put in a row whose hash follows from the row before it."""
    entry = Entry("forged", "thing", "mallory", "{}")
    moment = "2026-11-21T00:00:00.000000Z"
    connection.execute(
        text("INSERT INTO audit VALUES (:number, :at, 'mallory', 'forged', 'thing', '{}', :hash)"),
        {"number": at, "at": moment, "hash": row_hash(previous, at, moment, entry)},
    )


def insert_in_the_middle(connection: Connection) -> None:
    for number in (6, 5, 4):
        connection.execute(text(f"UPDATE audit SET number = {number + 1} WHERE number = {number}"))
    forge(connection, 4, connection.execute(text("SELECT hash FROM audit WHERE number = 3")).scalar_one())


def insert_at_the_end(connection: Connection) -> None:
    forge(connection, 7, connection.execute(text("SELECT hash FROM audit WHERE number = 6")).scalar_one())


class UndoneError(Exception):
    """What was tried is rolled back."""


@pytest.fixture(scope="module")
def six_rows(module_store: str) -> Iterator[Database]:
    database = store(module_store)
    filled(database, 6)
    yield database
    database.close()


CHANGED = "does not follow from the row before it"


@pytest.mark.parametrize(
    ("act", "found"),
    [
        *(
            (run(f"UPDATE audit SET {column} = {column} || 'x' WHERE number = 3"), {3: CHANGED})
            for column in ("at", "who", "action", "subject", "details")
        ),
        (run("UPDATE audit SET hash = 'x' WHERE number = 3"), {3: CHANGED, 4: CHANGED}),
        (run("UPDATE audit SET hash = 'x' WHERE number = 6"), {6: CHANGED}),
        (run("DELETE FROM audit WHERE number = 1"), {1: "row 1 is missing"}),
        (run("DELETE FROM audit WHERE number IN (3, 4)"), {3: "rows 3 to 4 are missing"}),
        (run("DELETE FROM audit WHERE number = 6"), {6: "row 6 is missing"}),
        (run("DELETE FROM audit"), {1: "rows 1 to 6 are missing"}),
        (swap, {2: CHANGED, 3: CHANGED, 4: CHANGED, 5: CHANGED}),
        (insert_in_the_middle, {5: CHANGED, 6: CHANGED, 7: "behind the newest"}),
        (insert_at_the_end, {7: "behind the newest"}),
        (run("UPDATE audit_head SET hash = 'x'"), {6: "another hash than was written"}),
        (run("DELETE FROM audit_head"), {6: "what the newest row is, is missing"}),
    ],
)
def test_A1_whatever_is_done_to_a_row_is_found_with_its_number_and_a_remedy(  # noqa: N802 - as above
    act: Callable[[Connection], None], found: dict[int, str], six_rows: Database
) -> None:
    faults: list[Fault] = []

    def tried() -> None:
        with six_rows.write() as transaction:
            assert audit.check(transaction.connection).faults == ()
            act(transaction.connection)
            faults.extend(audit.check(transaction.connection).faults)
            raise UndoneError

    with pytest.raises(UndoneError):
        tried()
    assert {each.number for each in faults} == found.keys()
    for number, said in found.items():
        assert any(said in each.message for each in faults if each.number == number)
    assert all(each.remedy for each in faults)


def test_A1_an_end_that_was_cut_off_with_its_head_shows_against_an_anchor(store_url: str) -> None:  # noqa: N802 - as above
    database = store(store_url)
    filled(database)
    middle = Anchor(4, rows(database)[3].hash)
    kept = newest(database)
    assert audit.anchor(str(kept)) == kept
    assert checked(database, middle, kept).faults == ()
    with database.write() as transaction:
        run("DELETE FROM audit WHERE number > 4")(transaction.connection)
        transaction.connection.execute(text("UPDATE audit_head SET number = 4, hash = :hash"), {"hash": middle.hash})
    assert checked(database, middle).faults == ()
    (fault,) = checked(database, middle, kept).faults
    assert (fault.number, "cut off" in fault.message) == (6, True)
    filled(database, 4)  # it goes on, and passes the number of the anchor
    (fault,) = checked(database, middle, kept).faults
    assert (fault.number, "written anew" in fault.message) == (6, True)
    database.close()


def test_A1_a_chain_that_was_written_anew_shows_against_an_anchor(store_url: str) -> None:  # noqa: N802 - as above
    database = store(store_url)
    filled(database)
    kept = newest(database)
    lines = rows(database)
    with database.write() as transaction:
        previous = chain.GENESIS
        for line in lines:
            details = json.dumps(line.details, sort_keys=True, separators=(",", ":"))
            subject = "another thing" if line.number == 2 else line.subject
            previous = row_hash(previous, line.number, line.at, Entry(line.action, subject, line.who, details))
            transaction.connection.execute(
                text("UPDATE audit SET subject = :subject, hash = :hash WHERE number = :number"),
                {"subject": subject, "hash": previous, "number": line.number},
            )
        transaction.connection.execute(text("UPDATE audit_head SET hash = :hash"), {"hash": previous})
    assert checked(database).faults == ()
    (fault,) = checked(database, kept).faults
    assert (fault.number, "another hash than the anchor" in fault.message) == (6, True)
    database.close()


def test_A1_nothing_is_done_any_more_without_being_on_record(store_url: str) -> None:  # noqa: N802 - as above
    database = store(store_url)
    filled(database, 1)
    with database.write() as transaction:
        run("DELETE FROM audit_head")(transaction.connection)
    with pytest.raises(Stop, match="the row of audit_head is gone"):
        filled(database, 1)
    assert len(rows(database)) == 1
    database.close()


# ── many writers, and those that die ─────────────────────────────────────────────────────────────────────────────────


def at_once(works: list[Callable[[], object]]) -> list[int]:
    """Run each in a forked process, all together; their statuses."""
    children = []
    for work in works:
        process = os.fork()
        if process == 0:
            status = 99
            try:
                work()
                status = 0
            finally:
                os._exit(status)
        children.append(process)
    return [os.waitstatus_to_exitcode(os.waitpid(each, 0)[1]) for each in children]


def test_A1_writers_in_many_processes_make_one_unbroken_chain(store_url: str) -> None:  # noqa: N802 - as above
    """Two of them take a number of the change log, too, before their row or behind it: the locks have one order."""
    store(store_url).close()

    def write(name: int) -> None:
        database = store(store_url)
        for turn in range(25):
            with database.write() as transaction:
                if name == 1:
                    transaction.next_number("seq")
                audit.write(transaction, "tried", f"thing {turn}", who=f"writer {name}")
                if name == 2:
                    transaction.next_number("seq")
                if name > 1:
                    audit.write(transaction, "tried", f"thing {turn} again", who=f"writer {name}")

    assert at_once([lambda name=name: write(name) for name in range(4)]) == [0] * 4  # type: ignore[misc] # bound early
    database = store(store_url)
    verdict = checked(database)
    assert (verdict.rows, verdict.head.number, verdict.faults) == (150, 150, ())
    for name in range(4):
        own = [each.subject for each in rows(database) if each.who == f"writer {name}"]
        told = [subject for turn in range(25) for subject in (f"thing {turn}", f"thing {turn} again")]
        assert own == (told if name > 1 else told[::2])
    database.close()


def test_A1_a_long_transaction_keeps_nobody_from_writing_a_row(postgresql_url: str) -> None:  # noqa: N802 - as above
    database = store(postgresql_url)
    with database.write() as long:
        audit.write(long, "tried", "the long one", who="ann")
        with database.write() as short:
            audit.write(short, "tried", "the short one", who="bob")
        assert [each.subject for each in rows(database)] == ["the short one"]
    assert [each.subject for each in rows(database)] == ["the short one", "the long one"]
    assert checked(database).faults == ()
    database.close()


@pytest.mark.parametrize("when", ["before the rows", "behind the rows"])
def test_A1_a_writer_that_is_killed_leaves_the_chain_whole(  # noqa: N802 - as above
    when: str, store_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    database = store(store_url)
    filled(database, 3)
    database.close()
    append = chain.append

    def append_and_die(*arguments: Any) -> None:
        if when == "behind the rows":
            append(*arguments)
        die()

    def work() -> None:
        monkeypatch.setattr(chain, "append", append_and_die)
        filled(store(store_url), 1)

    assert in_child(work) == -9
    database = store(store_url)
    verdict = checked(database)
    assert (verdict.rows, verdict.faults) == (3, ())
    filled(database, 1)
    verdict = checked(database)
    assert (verdict.rows, verdict.faults) == (4, ())
    database.close()


# ── asked over HTTP ──────────────────────────────────────────────────────────────────────────────────────────────────


def test_A1_the_log_is_read_over_http_behind_a_number(tmp_path: Path, store_url: str) -> None:  # noqa: N802 - as above
    with opened(tmp_path, store=store_url) as place:
        place.give(prices(2), "prices.csv", GLOBEX)
        place.give(prices(3), "more.csv", GLOBEX)
        told = rows(place.gateway.database)
        page = place.get("/api/v1/audit?limit=3")
        assert [each["number"] for each in page["items"]] == [1, 2, 3]
        assert page["items"][0]["hash"] == told[0].hash
        rest = place.get(f"/api/v1/audit?after={page['next']}")
        assert [each["number"] for each in rest["items"]] == list(range(4, len(told) + 1))
        assert rest["head"] == {"number": told[-1].number, "hash": told[-1].hash}
        closed = place.get("/api/v1/audit?action=closed&last=1")
        assert [each["details"]["documents"] for each in closed["items"]] == [{"accepted": 3}]
        assert place.get("/api/v1/audit?who=nobody")["items"] == []
        assert place.get("/api/v1/audit?since=2099-01-01T00:00:00Z")["items"] == []


def test_A1_a_configuration_that_is_in_force_already_is_no_row(tmp_path: Path) -> None:  # noqa: N802 - as above
    with opened(tmp_path) as place:
        assert not wiring.apply(place.gateway, load(place.folder), who="ann")
        assert sum(each.action == "applied" for each in rows(place.gateway.database)) == 1


def test_A1_a_key_without_the_scope_reads_nothing(tmp_path: Path) -> None:  # noqa: N802 - as above
    with opened(tmp_path) as place:
        token = wiring_key(place, "orders:read")
        answer = place.client.get("/api/v1/audit", headers={"X-Api-Key": token})
        assert (answer.status_code, (answer.json or {})["code"]) == (403, "scope_missing")
        token = wiring_key(place, "audit:read")
        assert place.client.get("/api/v1/audit", headers={"X-Api-Key": token}).status_code == 200


def wiring_key(place: Place, scope: str) -> str:
    return make_key(place.gateway, "other", (scope,), who="ann")


# ── on the command line ──────────────────────────────────────────────────────────────────────────────────────────────


def test_A1_the_command_line_lists_proves_and_anchors(tmp_path: Path) -> None:  # noqa: N802 - as above
    with opened(tmp_path) as place:
        place.give(prices(2), "prices.csv", GLOBEX)
    here = ("-w", tmp_path)
    made = gateway("key", "add", "billing", "--who", "ann lee", *here)
    listed = gateway("audit", "list", *here)
    assert [line.split()[3:5] for line in listed.lines[:3]] == [
        ["applied", "revision"],
        ["key_made", "key"],
        ["closed", "delivery"],
    ]
    assert listed.lines[3].startswith("     4  ")
    assert "  ann lee  key_made key key_" in listed.lines[3]
    assert made.out.strip() not in listed.out
    (told,) = gateway("audit", "list", "--who", "ann lee", "-o", "json", *here).lines
    assert json.loads(told)["details"] == {"name": "billing", "scopes": ["*:read"]}
    assert gateway("audit", "list", "--after", "2", "-n", "1", *here).lines == listed.lines[2:3]

    anchor = gateway("audit", "head", *here).out.strip()
    assert json.loads(gateway("audit", "head", "-o", "json", *here).out) == {"number": 4, "hash": anchor[2:]}
    whole = gateway("audit", "verify", "--anchor", anchor, *here)
    assert (whole.status, whole.out) == (0, f"4 rows, one unbroken chain to {anchor}\n")
    assert gateway("audit", "verify", "--anchor", "4:abc", *here).status == 2
    gateway("key", "revoke", json.loads(told)["subject"].split()[1], *here)
    (revoked,) = gateway("audit", "list", "--action", "key_revoked", *here).lines
    assert revoked.split()[0] == "5"

    with opened(tmp_path) as place, place.gateway.database.write() as transaction:
        run("UPDATE audit SET who = 'bob' WHERE number = 4", "DELETE FROM audit WHERE number > 4",
            "UPDATE audit_head SET number = 4")(transaction.connection)  # fmt: skip
    broken = gateway("audit", "verify", *here)
    assert (broken.status, broken.out.startswith("4 rows, ")) == (1, True)
    assert "row 4 does not follow" in broken.err
    assert "Find out who can write" in broken.err
    told = json.loads(gateway("audit", "verify", "-o", "json", *here).out)
    assert told["faults"][0]["number"] == 4
