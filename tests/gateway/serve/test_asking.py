"""Systems are asked at once by a few threads, and one that hangs keeps one of them."""

from __future__ import annotations

import threading

from gateway.serve.asking import Asking


def test_who_hangs_is_asked_once_however_often_it_is_asked_for_and_hides_nobody() -> None:
    asking, free = Asking(threads=2), threading.Event()
    asked: list[str] = []

    def hanging() -> str:
        asked.append("slow")
        free.wait(60)
        return "at last"

    def quick() -> str:
        asked.append("quick")
        return "here"

    for _ in range(5):
        found = asking.all({"slow": hanging, "quick": quick}, seconds=0.05)
        assert (found["slow"].done(), found["quick"].result(60)) == (False, "here")
    assert (asked.count("slow"), asked.count("quick")) == (1, 5)
    free.set()
    assert found["slow"].result(60) == "at last"
    assert asking.all({"slow": hanging}, seconds=60)["slow"].result() == "at last"
    assert asked.count("slow") == 2


def test_what_went_wrong_is_asked_anew() -> None:
    asking = Asking(threads=1)
    answers: list[ValueError | str] = [ValueError("not now"), "here"]

    def unsteady() -> str:
        answer = answers.pop(0)
        if isinstance(answer, ValueError):
            raise answer
        return answer

    assert isinstance(asking.all({"one": unsteady}, seconds=60)["one"].exception(), ValueError)
    assert asking.all({"one": unsteady}, seconds=60)["one"].result() == "here"
