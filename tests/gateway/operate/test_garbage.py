"""What the cyclic collector of a role passes over."""

from __future__ import annotations

import gc

from gateway.operate.garbage import collect_seldom, pass_over_what_is_loaded


def test_what_is_loaded_is_looked_through_no_more() -> None:
    kept: list[object] = [[]]
    try:
        pass_over_what_is_loaded()
        assert not any(each is kept for each in gc.get_objects())
        made: list[object] = [[]]
        assert any(each is made for each in gc.get_objects())
    finally:
        gc.unfreeze()


def test_a_worker_looks_seldom() -> None:
    before = gc.get_threshold()
    gc.set_threshold(700, 10, 10)  # as Python begins: another test of this process may have run a worker
    try:
        collect_seldom()
        assert gc.get_freeze_count() > 0
        assert gc.get_threshold()[0] > 700
    finally:
        gc.unfreeze()
        gc.set_threshold(*before)
