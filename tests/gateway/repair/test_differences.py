"""Versions tell what changed, and the past can be read as it stood: by a time or by the number of a change."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.repair.differences import changed, differences, leaves
from tests.acceptance.children import prices
from tests.acceptance.workspaces import opened

if TYPE_CHECKING:
    from pathlib import Path

    from tests.acceptance.workspaces import Place

GLOBEX = "drop://globex"
JSON = st.recursive(
    st.none() | st.booleans() | st.integers(0, 3) | st.sampled_from(["", "a", "b/~"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["a", "b/~", "c"]), inner, max_size=3),
    max_leaves=12,
)


@given(JSON, JSON)
def test_what_is_equal_has_no_differences_and_only_that(before: Any, after: Any) -> None:
    assert changed(before, before) == []
    assert (changed(before, after) == []) == (json.dumps(before, sort_keys=True) == json.dumps(after, sort_keys=True))


def test_differences_are_told_leaf_by_leaf() -> None:
    before = {"_seq": 1, "a": {"b": "1"}, "lines": [{"p": "1"}, {"p": "2"}], "gone": "x"}
    after = {"_seq": 2, "a": {"b": "2"}, "lines": [{"p": "1"}, {"p": "3"}, {"p": "4"}]}
    assert list(differences(before, after)) == [
        ("/a/b", "1", "2"),
        ("/lines/1/p", "2", "3"),
        ("/lines/2", None, {"p": "4"}),
        ("/gone", "x", None),
    ]
    assert dict(leaves(before)) == {"/a/b": "1", "/lines/0/p": "1", "/lines/1/p": "2", "/gone": "x"}


def three_lists(place: Place) -> list[Any]:
    """Three price lists of the same five articles, an hour apart; what the API says after each."""
    seen = []
    for number, price in enumerate(["1,50", "2,50", "3,50"]):
        place.clock.forward(3600)
        place.give(prices(5 + number, price=price), f"{number}.csv", GLOBEX)
        seen.append(place.get("/api/v1/prices?limit=1000&sort=-_key"))
    return seen


def test_the_past_is_read_as_it_stood(tmp_path: Path, store_url: str) -> None:
    with opened(tmp_path, store=store_url) as place:
        seen = three_lists(place)
        for then in seen:
            for point in (then["as_of"]["change"], then["as_of"]["time"]):
                again = place.get(f"/api/v1/prices?limit=1000&sort=-_key&as_of={point}")
                assert again == then
                filtered = place.get(f"/api/v1/prices?sku=A-2&count=exact&as_of={point}")
                assert filtered["items"] == [each for each in then["items"] if each["sku"] == "A-2"]
                one = then["items"][0]
                assert place.get(f"/api/v1/prices/{one['_key']}?as_of={point}") == one
        last, key = seen[-1]["as_of"]["change"], seen[-1]["items"][0]["_key"]
        answer = place.ask(f"/api/v1/prices/{key}?as_of={last}")
        assert answer.headers["Gateway-As-Of"].startswith(f"{last} 20")
        assert place.get(f"/api/v1/prices?as_of={last - 1}") == place.get("/api/v1/prices")


def test_pages_of_the_past_go_on_while_new_lists_come(tmp_path: Path, store_url: str) -> None:
    with opened(tmp_path, store=store_url) as place:
        second = three_lists(place)[1]
        path, found = f"/api/v1/prices?limit=2&as_of={second['as_of']['change']}", []
        page = place.get(path)
        found += page["items"]
        while page["next"]:
            place.clock.forward(60)
            place.give(prices(3, price=f"{len(found)},99"), "more.csv", GLOBEX)
            page = place.get(f"{path}&cursor={page['next']}")
            found += page["items"]
        assert sorted(each["_key"] for each in found) == sorted(each["_key"] for each in second["items"])
        assert {each["price"] for each in found} == {"2.50"}


def test_before_the_first_delivery_there_was_nothing(tmp_path: Path, store_url: str) -> None:
    with opened(tmp_path, store=store_url) as place:
        three_lists(place)
        past = place.get("/api/v1/prices?as_of=2000-01-01T00:00:00Z&count=exact")
        assert (past["items"], past["count"], past["as_of"]) == ([], 0, {"time": None, "change": 0})
        gone = place.ask("/api/v1/prices/A-1~2026-12-01?as_of=0")
        assert (gone.status_code, gone.json["detail"].endswith("at that time")) == (404, True)  # type: ignore[index]


@pytest.mark.parametrize("wrong", ["yesterday", "2026-12-01", "2026-12-01T00:00:00", "-1", ""])
def test_a_time_that_is_none_is_refused_with_an_example(tmp_path: Path, wrong: str) -> None:
    with opened(tmp_path) as place:
        answer = place.ask(f"/api/v1/prices?as_of={wrong}")
        assert (answer.status_code, answer.json["code"]) == (400, "bad_parameter")  # type: ignore[index]
        assert "2026-12-31T23:59:59Z" in answer.json["remedy"]  # type: ignore[index]


def test_versions_tell_what_changed(tmp_path: Path, store_url: str) -> None:
    with opened(tmp_path, store=store_url) as place:
        three_lists(place)
        history = place.get("/api/v1/prices/A-1~2026-12-01/history")
        assert [each["_version"] for each in history["items"]] == [3, 2, 1]
        assert [each["changed"] for each in history["items"]] == [["/price"], ["/price"], None]
        assert [each["record"]["price"] for each in history["items"]] == ["3.50", "2.50", "1.50"]
        assert [each["at"] for each in history["items"]] == sorted(
            (each["at"] for each in history["items"]), reverse=True
        )
