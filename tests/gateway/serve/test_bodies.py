"""Bodies of those who have shown nothing yet: only so many at a time."""

from __future__ import annotations

import threading
from types import SimpleNamespace
from typing import Any

import pytest

from gateway.serve.bodies import place_of
from gateway.serve.problems import Problem


def test_a_stranger_too_many_is_told_to_come_back_and_each_who_leaves_makes_room() -> None:
    shared: Any = SimpleNamespace(strangers=threading.BoundedSemaphore(1))
    with place_of(shared), pytest.raises(Problem) as refused, place_of(shared):
        raise AssertionError
    assert (refused.value.code, refused.value.headers["Retry-After"]) == ("too_many_strangers", "5")
    with pytest.raises(ZeroDivisionError), place_of(shared):
        raise ZeroDivisionError
    with place_of(shared):
        pass
