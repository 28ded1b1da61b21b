"""Whoever follows a table of SQL Server hears of everything, however others write, clean up and kill in between.

There is no server here: a small model of what the manual promises answers our statements
(:mod:`tests.adapters.sqlservers`).
"""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, event, given, settings
from hypothesis import strategies as st

from adapters.errors import Gap, Stop
from adapters.model import Batch, Capabilities, Following
from adapters.odbc import OdbcSource
from adapters.readonly import guarded
from adapters.sqlserverparts import Kept
from adapters.survey import as_kept, surveyed
from tests.adapters.sqlservers import CONNECTION, Error, Key, Model, driver, place

if TYPE_CHECKING:
    from collections.abc import Iterator

KEYS: tuple[Key, ...] = (("a", 1), ("a", 2), ("b", 1), ("b", 10), ("b", 9))
INSTANCE = "ERP_ORDERS"
KINDS = ("tracked", "captured")


def database(kind: str) -> Model:
    """A database whose owner has turned one of the two on."""
    return Model(tracked=kind == "tracked", instances=[INSTANCE] if kind == "captured" else [])


class Follower:
    """One who stores what it hears, in one piece with the position, and may be killed before or after."""

    def __init__(self, model: Model) -> None:
        self.model = model
        self.rows: dict[Key, str] = {}
        self.position: str | None = None
        self.told: list[Any] = []
        self.heard: dict[Key, int] = {}
        self.gaps = 0
        self.exact_from = ""
        self.source = OdbcSource(CONNECTION)

    def batches(self, batch: int, options: dict[str, str] | None = None) -> Iterator[Batch]:
        following = Following("log", options=options or {})
        return self.source.changes("ORDERS", following, position=self.position, batch=batch)

    def poll(self, batch: int = 2, kill: int = -1) -> None:
        """One poll; killed before the batch of that number is stored. A gap has all rows read anew."""
        try:
            for number, each in enumerate(self.batches(batch)):
                if number == kill:
                    return
                self.keep(each)
        except Gap:
            self.gaps += 1
            self.position = None
            self.rows = {}
            self.told = []

    def keep(self, batch: Batch) -> None:
        assert batch.position != self.position, "a batch that moves nothing"
        self.position = batch.position
        if not batch.exact and '"cdc","phase":"stream"' in batch.position:
            self.exact_from = json.loads(batch.position)["end"]
        for change in batch.changes:
            line, number = change.key
            assert line is not None
            assert number is not None
            key = line, int(number)
            name = None if change.row is None else change.row["NAME"]
            if change.row is None:
                self.rows.pop(key, None)
                assert change.op == "delete"
            else:
                assert (change.row["LINE"], change.row["NO"]) == key
                self.rows[key] = change.row["NAME"]
            self._newer(key, name)
            if batch.exact:
                before = None if change.before is None else change.before["NAME"]
                self.told.append((change.at, change.op, key, before, name))

    def _newer(self, key: Key, name: str | None) -> None:
        """No row is ever told older than it was told before."""
        history = self.model.told.get(key, [None])
        last = self.heard.get(key, 0)
        assert name in history[last:], f"{key} was {history[last]!r}, and is told to be {name!r} of {history}"
        self.heard[key] = history.index(name, last)


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("adapters.changetracking.SETTLE_SECONDS", 0.0)


@pytest.fixture
def follow(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """Makes followers of a model."""
    made: list[Follower] = []

    def following(model: Model) -> Follower:
        monkeypatch.setitem(sys.modules, "pyodbc", driver(model))
        made.append(Follower(model))
        return made[-1]

    yield following
    for each in made:
        each.source.close()


def others(model: Model, todo: list[Any]) -> Iterator[None]:
    """Other sessions: one thing after the other. Names are never the same twice."""
    number = 0
    for what, changes in todo:
        if what == "write":
            written = []
            for key, gone in changes:
                number += 1
                written.append((key, None if gone else f"{key[0]}{key[1]}.{len(model.log)}.{number}"))
            model.write(*written)
        elif what == "truncate":
            if model.tracked:  # where changes are captured, SQL Server refuses it
                model.truncate()
        elif what == "clean":
            model.capture()
            model.clean()
        elif what != "nothing":
            getattr(model, what)()
        yield


def exactly(model: Model, after: str) -> list[Any]:
    """What the log tells, each change once."""
    kinds = {(True, False): ("insert", "2"), (False, True): ("delete", "1"), (False, False): ("update", "4")}
    told = []
    for each in model.log:
        if place(each.commit) > after and each.commit <= model.captured:
            what, operation = kinds[each.before is None, each.after is None]
            at = f"{place(each.commit)}:{place(each.number)}:{operation}"
            told.append((at, what, each.key, each.before, each.after))
    return told


writes = st.tuples(st.just("write"), st.lists(st.tuples(st.sampled_from(KEYS), st.booleans()), min_size=1, max_size=3))
rest: st.SearchStrategy[Any] = st.tuples(
    st.sampled_from(["capture", "capture", "clean", "truncate", "nothing", "nothing"]), st.just([])
)
works = st.one_of(writes, writes, writes, rest)


@settings(
    max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
@given(
    kind=st.sampled_from(KINDS),
    settled=st.booleans(),
    first=st.lists(writes, max_size=4),
    during=st.lists(works, min_size=5, max_size=60),
    polls=st.lists(st.tuples(st.integers(1, 4), st.integers(-1, 4)), min_size=2, max_size=10),
)
def test_the_table_is_what_was_told_however_others_write_and_kill(
    follow: Any, kind: str, settled: bool, first: list[Any], during: list[Any], polls: list[tuple[int, int]]
) -> None:
    model = database(kind)
    for _ in others(model, first):
        pass
    follower = follow(model)
    if settled:
        follower.poll()
        model.capture()
        model.capture()
        follower.poll()
    busy = others(model, during)
    model.between = lambda _what: next(busy, None)
    for batch, kill in polls:
        follower.poll(batch, kill)
    for _ in busy:
        follower.poll()
    # At last it is quiet, and all is captured.
    model.between = lambda _what: None
    for _ in range(3):
        model.capture()
        follower.poll(3)
    event(f"{kind}, {min(follower.gaps, 2)} gaps, {min(len(follower.told), 3)} told exactly")
    assert follower.rows == model.rows
    if kind == "captured":
        assert follower.told == exactly(model, follower.exact_from)
    for sql in model.sent:
        guarded(sql)


def heard(batches: list[Batch]) -> list[tuple[str, str, str | None]]:
    """What happened, to which row, and its name now."""
    return [
        (each.op, "".join(filter(None, each.key)), None if each.row is None else each.row["NAME"])
        for batch in batches
        for each in batch.changes
    ]


def polled(follower: Follower, batch: int = 2, **options: str) -> list[Batch]:
    """One poll, all of it stored."""
    batches = []
    for each in follower.batches(batch, options):
        follower.keep(each)
        batches.append(each)
    return batches


def settled(follow: Any, model: Model) -> Follower:
    """One who has read three rows, and hears of changes from now on."""
    model.write((("a", 1), "one"), (("a", 2), "two"), (("b", 1), "three"))
    follower: Follower = follow(model)
    polled(follower)
    model.capture()
    model.capture()
    polled(follower)
    return follower


def stopped(follower: Follower, kind: type[Stop] = Gap, **options: str) -> Stop:
    """What a poll ends in."""
    with pytest.raises(kind) as caught:
        polled(follower, 2, **options)
    assert type(caught.value) is kind
    assert caught.value.remedy
    return caught.value


def test_tracking_tells_rows_as_they_stand_and_deletes(follow: Any) -> None:
    model = database("tracked")
    follower = settled(follow, model)
    model.write((("a", 1), "uno"))
    model.write((("a", 1), "eins"), (("b", 1), None), (("c", 7), "new"))
    model.write((("a", 2), None))
    batches = polled(follower)
    # What happened to a row between two looks is one change, in the order of the last ones.
    assert heard(batches) == [
        ("put", "a1", "eins"),
        ("delete", "b1", None),
        ("put", "c7", "new"),
        ("delete", "a2", None),
    ]
    assert [(each.snapshot, each.exact) for each in batches] == [(False, False)] * 2
    assert batches[0].changes[1].before == {"LINE": "b", "NO": 1}
    assert batches[0].changes[0].row == {"LINE": "a", "NO": 1, "NAME": "eins"}
    assert polled(follower) == []
    # Only other tables changed: the position moves, so that it is not cleaned up behind.
    model.version += 1
    assert [each.changes for each in polled(follower)] == [[]]
    model.clean()
    assert polled(follower) == []


def test_capture_tells_each_change_with_the_row_before_it(follow: Any) -> None:
    model = database("captured")
    follower = settled(follow, model)
    model.write((("a", 1), "uno"))
    model.write((("a", 1), "eins"), (("b", 1), None), (("c", 7), "new"))
    assert polled(follower) == []  # the job has not been there
    model.capture()
    for batch in (1, 2, 3, 10):
        again = list(follower.batches(batch))
        assert heard(again) == [
            ("update", "a1", "uno"),
            ("update", "a1", "eins"),
            ("delete", "b1", None),
            ("insert", "c7", "new"),
        ]
        told = [change for each in again for change in each.changes]
        assert all(each.exact and not each.snapshot for each in again)
        assert [each.before and each.before["NAME"] for each in told] == ["one", "uno", "three", None]
        assert len({each.at for each in told}) == 4
        assert max(len(each.changes) for each in again) <= batch
    polled(follower)
    assert polled(follower) == []


@pytest.mark.parametrize("kind", KINDS)
def test_one_goes_on_from_every_position(follow: Any, kind: str) -> None:
    model = database(kind)
    model.write(*((("a", number), f"{number}") for number in range(7)))
    follower: Follower = follow(model)
    batches = polled(follower)
    assert [len(each.rows) for each in batches if each.snapshot] == [2, 2, 2, 1]
    model.write((("a", 1), "uno"), (("a", 3), None))
    model.capture()
    model.capture()
    batches += polled(follower, 1)
    model.write((("a", 5), "cinque"), (("a", 5), "fünf"), (("a", 6), None))
    model.capture()
    batches += polled(follower, 1)
    assert follower.rows == model.rows
    for at, one in enumerate(batches):
        again: Follower = follow(model)
        again.rows = {}
        for each in batches[: at + 1]:
            again.keep(each)
        assert again.position == one.position
        for _ in range(3):
            again.poll(2)
            model.capture()
        assert (again.rows, again.gaps) == (model.rows, 0)


def test_a_row_that_goes_while_it_is_read_is_told_with_the_next_look(follow: Any) -> None:
    model = database("tracked")
    follower = settled(follow, model)
    model.write((("a", 1), "uno"), (("a", 2), "due"))

    def goes(what: str) -> None:
        if what == "join":
            model.between = lambda _what: None
            model.write((("a", 1), None))

    model.between = goes
    assert heard(polled(follower)) == [("put", "a2", "due")]
    assert heard(polled(follower)) == [("delete", "a1", None)]


def test_what_changes_after_the_look_began_is_told_once(follow: Any) -> None:
    model = database("tracked")
    follower = settled(follow, model)
    model.write((("a", 1), "uno"))
    steps = iter(range(100))
    # The second statement of a poll is the first that reads changes.
    model.between = lambda _what: model.write((("b", 1), "tre")) if next(steps) == 2 else None
    assert heard(polled(follower)) == [("put", "a1", "uno")]
    model.between = lambda _what: None
    assert heard(polled(follower)) == [("put", "b1", "tre")]


def test_what_was_committed_before_the_snapshot_ended_is_told_when_it_is_captured(follow: Any) -> None:
    model = database("captured")
    model.write((("a", 1), "one"))
    model.capture()
    model.write((("a", 1), "two"))
    model.write((("a", 1), "three"))  # not captured yet, and read by the snapshot
    follower: Follower = follow(model)
    assert heard(polled(follower)) == [("put", "a1", "three")]
    model.capture()  # up to before the snapshot: whether more is to come is not known yet
    assert polled(follower) == []
    model.write((("a", 1), "four"))
    model.capture()
    (batch,) = polled(follower)
    assert heard([batch]) == [("put", "a1", "four")]  # and not "two" once more
    assert not batch.exact


GAPS: dict[str, tuple[str, Any, str]] = {
    "changes were cleaned up": ("tracked", lambda model: model.clean(), "cleaned up"),
    "the table was emptied": ("tracked", lambda model: model.truncate(), "TRUNCATE"),
    "a backup was restored": ("tracked", lambda model: setattr(model, "version", 0), "restored"),
    "a fresher backup was restored": ("tracked", lambda model: setattr(model, "fork", "another"), "restored"),
    "the table was made anew": ("tracked", lambda model: setattr(model, "number", 1002), "made anew"),
    "the table is gone": ("tracked", lambda model: setattr(model, "number", 0), "gone"),
    "captured changes were cleaned up": ("captured", lambda model: (model.capture(), model.clean()), "cleaned up"),
    "a captured backup was restored": ("captured", lambda model: setattr(model, "captured", 16), "restored"),
    "a captured fresher backup": ("captured", lambda model: setattr(model, "fork", "another"), "restored"),
    "the captured table was made anew": ("captured", lambda model: setattr(model, "number", 1002), "made anew"),
    "the capture instance is gone": ("captured", lambda model: model.instances.clear(), "gone"),
}


@pytest.mark.parametrize("what", GAPS)
def test_a_gap_is_never_skipped(follow: Any, what: str) -> None:
    kind, happens, said = GAPS[what]
    model = database(kind)
    follower = settled(follow, model)
    if "emptied" not in what:  # TRUNCATE alone moves no version
        model.write((("a", 1), "lost"))
    happens(model)
    assert said in stopped(follower).message
    assert said in stopped(follower).message  # and stays so


@pytest.mark.parametrize("kind", KINDS)
def test_what_is_cleaned_up_while_it_is_read_is_a_gap(follow: Any, kind: str) -> None:
    model = database(kind)
    follower = settled(follow, model)
    model.write((("a", 1), "uno"), (("a", 2), "due"))
    model.capture()
    model.write((("b", 1), "tre"))
    model.capture()
    position = follower.position
    steps: list[str] = []
    model.between = steps.append
    polled(follower)
    for at in range(len(steps)):
        again = settled(follow, Model(tracked=model.tracked, instances=list(model.instances)))
        assert again.position == position
        again.model.write((("a", 1), "uno"), (("a", 2), "due"))
        again.model.capture()
        again.model.write((("b", 1), "tre"))
        again.model.capture()
        number = iter(range(100))

        def cleans(_what: str, model: Model = again.model, number: Iterator[int] = number, at: int = at) -> None:
            if next(number) == at:
                model.clean()

        again.model.between = cleans
        told: list[Batch] = []
        try:
            told += polled(again)
        except Gap:
            pass
        else:
            names = [row[1:] for row in heard(told)]
            assert names == [("a1", "uno"), ("a2", "due"), ("b1", "tre")]  # it was too late to matter


def test_rights_that_are_missing_are_named(follow: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    untouched: Follower = follow(database("neither"))
    remedy = stopped(untouched, Stop).remedy
    assert 'ALTER TABLE "ERP"."ORDERS" ENABLE CHANGE_TRACKING' in remedy
    assert "VIEW CHANGE TRACKING" in remedy
    tracked = settled(follow, database("tracked"))
    tracked.model.tracked = False
    assert "VIEW CHANGE TRACKING" in stopped(tracked, Stop).remedy
    barred: Follower = follow(database("captured"))
    barred.model.cleaned = 0
    assert "GRANT SELECT ON SCHEMA::cdc" in stopped(barred, Stop).remedy
    closed: Follower = follow(database("captured"))
    monkeypatch.setattr(Model, "_capturing", lambda *_: (_ for _ in ()).throw(Error("42000", "denied (229) (SQLExec)")))
    assert "GRANT SELECT ON SCHEMA::cdc" in stopped(closed, Stop).remedy


def test_a_table_that_has_both_is_tracked_unless_an_instance_is_named(follow: Any) -> None:
    model = Model(tracked=True, instances=[INSTANCE])
    model.capture()
    follower: Follower = follow(model)
    assert '"kind":"change_tracking"' in list(follower.batches(5))[-1].position
    for option in ("instance", "publication"):
        assert '"kind":"cdc"' in list(follower.batches(5, {option: INSTANCE}))[-1].position
    tracked = settled(follow, Model(tracked=True, instances=[INSTANCE]))
    assert "change tracking" in stopped(tracked, Stop, instance=INSTANCE).message


def test_of_two_capture_instances_one_is_named_and_stays(follow: Any) -> None:
    model = Model(tracked=False, instances=[INSTANCE, "ERP_ORDERS_2"])
    model.capture()
    follower: Follower = follow(model)
    assert "ERP_ORDERS, ERP_ORDERS_2" in stopped(follower, Stop).remedy
    assert "ERP_ORDERS_2" in stopped(follower, Stop, instance="ERP_ORDERS_3").remedy
    polled(follower, instance=INSTANCE)
    model.capture()
    assert polled(follower) != []  # the position knows which
    assert "belongs to the capture instance" in stopped(follower, Stop, instance="ERP_ORDERS_2").message
    assert "has no option" in stopped(follower, Stop, slot="x").message


@pytest.mark.parametrize("kind", KINDS)
def test_a_position_of_something_else_is_refused(follow: Any, kind: str) -> None:
    follower = settled(follow, database(kind))
    good = json.loads(follower.position or "")
    wrong: list[Any] = ["", "7", "null", "[]", '{"strategy":"log"}', '{"strategy":"log","kind":"binlog"}']
    wrong += [json.dumps({**good, "phase": "done"}), json.dumps({**good, "more": 1}), json.dumps({**good, "kind": "x"})]
    wrong += [
        json.dumps({**good, name: "0) c; DROP TABLE x --"}) for name in ("version", "end", "seen") if name in good
    ]
    wrong += [json.dumps({**good, name: value}) for name, value in (("table", "ERP.BILLS"), ("keyed_by", ["NO"]))]
    wrong += [json.dumps({name: value for name, value in good.items() if name != "number"})]
    for text in wrong:
        follower.position = text
        assert "position" in stopped(follower, Stop).message


def test_tracking_has_no_other_key_than_the_primary_one(follow: Any) -> None:
    follower: Follower = follow(database("tracked"))
    with pytest.raises(Stop, match="primary key"):
        list(follower.source.changes("ORDERS", Following("log", ("NO",)), position=None))


@pytest.mark.parametrize(("kind", "logs"), [("tracked", ("log",)), ("captured", ("log",)), ("neither", ())])
def test_a_probe_says_whether_there_is_a_log(follow: Any, kind: str, logs: tuple[str, ...]) -> None:
    follower: Follower = follow(database(kind))
    found = follower.source.probe()
    assert found.dialect == "sqlserver"
    assert found.changes == ("snapshot", "watermark", "diff", *logs)
    assert found.deletes == ("diff", *logs)


@pytest.mark.parametrize(
    ("model", "strategy", "why"),
    [
        (Model(instances=[INSTANCE]), "log", "change tracking is on, and CDC"),
        (Model(), "log", "change tracking is on: what happened"),
        (Model(tracked=False, instances=[INSTANCE]), "log", "CDC is on"),
        (Model(tracked=False), "diff", "ENABLE CHANGE_TRACKING"),
    ],
)
def test_a_survey_says_of_each_table_what_is_kept_of_it(follow: Any, model: Model, strategy: str, why: str) -> None:
    follower: Follower = follow(model)
    found = surveyed(follower.source, examine=False)
    (advice,) = found.tables
    assert (advice.strategy, advice.key) == (strategy, ("LINE", "NO"))
    assert why in advice.why
    assert {each.value for each in found.facts} == {"on"}


def test_where_others_are_kept_a_table_that_is_not_is_compared() -> None:
    found = Capabilities("sqlserver", "", "", "", "", "", server_timeout=False, changes=("snapshot", "diff", "log"))
    assert as_kept(found, None).changes == ("snapshot", "diff")
    assert as_kept(found, Kept(tracked=True, captured=False)) == found
