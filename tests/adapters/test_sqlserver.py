"""SQL Server's changes: every statement word for word, and conversations whose answers were written by hand.

No server was at hand. ``recorded/sqlserver/`` holds what is sent, in order, and rows as Microsoft's documentation says
that they come. ``python -m tests.adapters.test_sqlserver`` writes ``golden/sqlserver_log.sql`` and the statements of
the conversations anew; look at what differs before it is kept.
"""

from __future__ import annotations

import sys
from contextlib import closing, suppress
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import sqlglot

from adapters import changecapture, changetracking, sqlserverparts
from adapters.changecapture import PLACE, RANK, captured
from adapters.changetracking import VERSION, tracked
from adapters.dialects import SQLSERVER
from adapters.errors import Gap
from adapters.model import Following
from adapters.odbc import OdbcSource
from adapters.readonly import guarded
from adapters.statements import Condition, Ordered, read
from tests.adapters.sqlservers import CONNECTION, Recorded, driver
from tests.adapters.test_dialects import recorded

if TYPE_CHECKING:
    from adapters.model import Batch

HERE = Path(__file__).parent
GOLDEN = HERE / "golden" / "sqlserver_log.sql"
NAMES = ("KEPT", "KEPT_ANYWHERE", "TRACKED", "CAPTURED", "CAPTURED_COLUMNS", "FORK")
BY_LOG = Following("log")
WAYS = {"change_tracking": BY_LOG, "cdc": BY_LOG, "rowversion": Following("watermark", column="Ver")}


def sent() -> dict[str, str]:
    """Every statement of ours, by what it is for."""
    table = recorded(SQLSERVER)
    of = {column.name: column for column in table.columns}
    key = [Ordered(of[name]) for name in table.key]
    statements = {name: getattr(sqlserverparts, name) for name in NAMES}
    changes = tracked(SQLSERVER, table, table.key, 41)
    bound = [Condition(VERSION, "lte", ("50",), exact=True)]
    order = [Ordered(VERSION), *key]
    log = captured(SQLSERVER, table, table.columns, "ERP_ORDERS", f"{42:020X}", f"{50:020X}")
    last = captured(SQLSERVER, table, table.columns, "ERP_ORDERS", f"{42:020X}", f"{50:020X}", table.key)
    places = [*map(Ordered, PLACE), *key]
    first = [Condition(RANK, "eq", ("1",), exact=True)]
    within = ("0" * 20, "1" * 20, "3", "a", "7")
    for name, plan in {
        "changes since a version": read(
            SQLSERVER, changes, changes.columns, order=order, where=bound, after=None, limit=101
        ),
        "changes since a version, beyond a row": read(
            SQLSERVER, changes, changes.columns, order=order, where=bound, after=("42", "a", "7"), limit=101
        ),
        "each change between two places": read(
            SQLSERVER, log, log.columns, order=places, where=[], after=None, limit=101
        ),
        "each change between two places, beyond one": read(
            SQLSERVER, log, log.columns, order=places, where=[], after=within, limit=101
        ),
        "of each row the last change between two places": read(
            SQLSERVER, last, last.columns, order=places, where=first, after=None, limit=101
        ),
    }.items():
        assert plan.sql.count("?") == len(plan.parameters)
        statements[name] = plan.sql
    return statements


def written() -> str:
    """The golden file."""
    return "\n".join(f"-- {name}\n{text}\n" for name, text in sent().items())


def test_the_server_is_sent_these_words() -> None:
    assert written() == GOLDEN.read_text(encoding="utf-8")


def test_the_guard_lets_each_of_them_pass() -> None:
    for sql in sent().values():
        assert guarded(sql) == sql


def test_a_grammar_of_that_database_understands_them() -> None:
    for name, sql in sent().items():
        # sqlglot does not know CHANGETABLE; what is around it, it does.
        text = sql.replace('CHANGETABLE(CHANGES "ERP"."ORDERS", 41)', '"CHANGETABLE"')
        parsed: list[Any] = sqlglot.parse(text, dialect="tsql")
        assert [type(each).__name__ for each in parsed] == ["Select"], (name, text)
        assert sum(1 for _ in parsed[0].find_all(sqlglot.exp.Placeholder)) == text.count("?"), (name, text)


def test_names_are_never_sql() -> None:
    table = recorded(SQLSERVER)
    attack = 'x"(0x00) c; DROP TABLE "ORDERS"; --'
    plan = captured(SQLSERVER, table, table.columns, attack, "0" * 20, "F" * 20)
    assert f'cdc."fn_cdc_get_all_changes_{attack.replace(chr(34), chr(34) * 2)}"(0x0' in guarded(plan.query)
    with pytest.raises(AssertionError):
        captured(SQLSERVER, table, table.columns, "x", "0" * 19 + ")", "F" * 20)


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(changetracking, "SETTLE_SECONDS", 0.0)


class Listener:
    """One who polls in a conversation that was written down."""

    def __init__(
        self, name: str, monkeypatch: pytest.MonkeyPatch, following: Following = BY_LOG, *, anew: bool = False
    ) -> None:
        self.recorded = Recorded(HERE / "recorded" / "sqlserver" / f"{name}.json", anew=anew)
        monkeypatch.setitem(sys.modules, "pyodbc", driver(self.recorded))
        self.source = OdbcSource(CONNECTION)
        self.following = following
        self.position: str | None = None

    def poll(self) -> list[Batch]:
        batches = []
        for each in self.source.changes("erp.Article", self.following, position=self.position, batch=2):
            batches.append(each)
            self.position = each.position
        return batches

    def close(self) -> None:
        self.source.close()


@pytest.mark.parametrize("way", WAYS)
def test_a_recorded_conversation_says_where_it_is_from(way: str) -> None:
    assert "No SQL Server was at hand" in (HERE / "recorded" / "sqlserver" / f"{way}.json").read_text(encoding="utf-8")


def test_change_tracking_as_it_was_written_down(monkeypatch: pytest.MonkeyPatch) -> None:
    with closing(Listener("change_tracking", monkeypatch)) as listener:
        first, second, third = listener.poll()
        assert [len(each.rows) for each in (first, second, third)] == [2, 1, 1]
        assert [each.snapshot for each in (first, second, third)] == [True, True, False]
        assert first.rows[0] == {
            "ArticleNo": 680,
            "Name": "Frame, black",
            "Price": Decimal("1431.5"),
            "Changed": "2008-03-11T10:01:36.827",
            "Photo": "R0lGOA==",
        }
        # It changed between the two chunks.
        assert third.changes[0].op == "put"
        assert third.rows[0]["Price"] == Decimal(1450)
        batches = listener.poll()
        told = [(each.op, each.key, each.row and each.row["Name"]) for batch in batches for each in batch.changes]
        assert told == [
            ("delete", ("707",), None),
            ("put", ("999",), "Pedal Ø 9/16″"),
            ("put", ("680",), "Frame, black"),
        ]
        assert batches[0].changes[0].before == {"ArticleNo": 707}
        with pytest.raises(Gap, match="from version 612 on, and the position's is 21"):
            listener.poll()
        assert listener.recorded.over()


def test_change_data_capture_as_it_was_written_down(monkeypatch: pytest.MonkeyPatch) -> None:
    with closing(Listener("cdc", monkeypatch)) as listener:
        (snapshot,) = listener.poll()
        # The computed column is not captured, so it is in no row.
        assert snapshot.rows[0] == {
            "ArticleNo": 680,
            "Name": "Frame, black",
            "Price": Decimal("1431.5"),
            "Photo": "R0lGOA==",
        }
        (late,) = listener.poll()
        assert [(each.op, each.key) for each in late.changes] == [("put", ("706",))]
        assert not late.exact
        update, others = listener.poll()
        assert update.exact
        (change,) = update.changes
        assert (change.op, change.key, change.at) == (
            "update",
            ("680",),
            "0000002D000001600003:0000002D0000015E0003:4",
        )
        assert change.row
        assert (change.row["Price"], change.row["Photo"]) == (Decimal(1500), "R0lGOA==")
        # The long value did not change: what it was before is not told, which is not the same as none.
        assert change.before == {"ArticleNo": 680, "Name": "Frame, black", "Price": Decimal("1431.5")}
        delete, insert = others.changes
        assert (delete.op, delete.key, delete.row) == ("delete", ("706",), None)
        assert delete.before
        assert delete.before["Photo"] == "/9g="
        assert (insert.op, insert.key) == ("insert", ("999",))
        (drift,) = listener.poll()
        assert drift.drift == ("column Colour is in the table, and 'erp_Article' does not capture it",)
        with pytest.raises(Gap, match="cleaned up"):
            listener.poll()
        assert listener.recorded.over()


def test_a_rowversion_as_it_was_written_down(monkeypatch: pytest.MonkeyPatch) -> None:
    with closing(Listener("rowversion", monkeypatch, WAYS["rowversion"])) as listener:
        assert [len(each.rows) for each in listener.poll()] == [2]
        # 0x7D2 was drawn before 0x7D3 and committed after it; nobody read past it, and nothing is told twice but what
        # was beyond the bound that the first poll had.
        told = [change.key for batch in listener.poll() for change in batch.changes]
        assert told == [("707",), ("706",)]
        assert listener.recorded.over()


def test_a_change_of_the_key_is_a_delete_and_an_insert() -> None:
    # Where the key is not the primary one, an update may change it.
    table = recorded(SQLSERVER)
    of = {column.name: column for column in table.columns}
    columns = (of["NO"], of["NAME"])

    class Reader:
        dialect = SQLSERVER

        def __init__(self) -> None:
            self.table = table

        def fetch(self, *_: object) -> list[Any]:
            return []

    reader: Any = Reader()
    capture = changecapture.ChangeCapture(reader, [of["NAME"]], "ERP_ORDERS", 10)
    capture._columns = columns
    log = captured(SQLSERVER, table, columns, "ERP_ORDERS", "0" * 20, "F" * 20)
    plan = read(SQLSERVER, log, columns, order=[*map(Ordered, PLACE), Ordered(of["NAME"])], limit=10)
    place = ("0" * 20, "1" * 20)
    raws: Any = [("1", "old", *place, "3", "old"), ("1", "new", *place, "4", "new")]
    changes = capture._each(plan, raws)
    assert [(each.op, each.key) for each in changes] == [("delete", ("old",)), ("insert", ("new",))]
    assert changes[0].at != changes[1].at


if __name__ == "__main__":
    GOLDEN.write_text(written(), encoding="utf-8")
    for name, how in WAYS.items():
        with pytest.MonkeyPatch.context() as patch, closing(Listener(name, patch, how, anew=True)) as speaker:
            while not speaker.recorded.over():
                with suppress(Gap):
                    speaker.poll()
            speaker.recorded.save()
