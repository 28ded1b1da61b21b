"""When a role that ended is started again."""

from __future__ import annotations

from gateway.operate.up import after_end


def _pauses(*ends: tuple[bool, float]) -> list[float]:
    """The pauses after these ends of its processes: whether it had come up, and for how many seconds it lived."""
    failures, pauses = 0, []
    for begun, lived in ends:
        failures, pause = after_end(failures, begun=begun, lived=lived)
        pauses.append(pause)
    return pauses


def test_a_role_that_dies_as_soon_as_it_is_up_is_started_ever_later() -> None:
    assert _pauses(*[(True, 0.3)] * 9) == [0.0, 0.5, 1.0, 2.0, 4.0, 8.0, 16.0, 30.0, 30.0]


def test_a_role_that_never_comes_up_is_not_started_at_once() -> None:
    assert _pauses(*[(False, 0.1)] * 4) == [0.5, 1.0, 2.0, 4.0]


def test_a_role_that_lived_for_some_time_is_started_again_at_once() -> None:
    assert _pauses((True, 3600.0), (True, 20.0), (True, 0.3), (True, 0.3), (True, 60.0), (True, 0.3)) == [
        *(0.0, 0.0, 0.0, 0.5, 0.0, 0.0),
    ]


def test_a_worker_that_had_turned_to_a_file_is_started_again_at_once() -> None:
    for failures in range(20):
        assert after_end(failures, begun=True, lived=0.3, worked=True) == (0, 0.0)


def test_a_back_off_has_an_end_however_often_it_failed() -> None:
    assert after_end(10_000, begun=True, lived=0.1) == (10_001, 30.0)
