"""Ids sort by time and never repeat."""

from __future__ import annotations

import re
import threading
import time

from gateway.operate.ids import Ids


def test_ids_ascend_also_when_many_are_made_at_once() -> None:
    ids = Ids()
    made = [ids.new("d") for _ in range(20_000)]
    assert made == sorted(set(made))
    assert all(re.fullmatch(r"d_[0-9a-hjkmnp-tv-z]{26}", each) for each in made[:100])


def test_threads_never_get_the_same_id() -> None:
    ids, made = Ids(), list[str]()
    threads = [threading.Thread(target=lambda: made.extend(ids.new("d") for _ in range(2000))) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(set(made)) == 8000


def test_an_id_tells_its_time_and_its_version() -> None:
    before = time.time_ns() // 1_000_000
    made = Ids().new("doc")
    alphabet = "0123456789abcdefghjkmnpqrstvwxyz"
    number = 0
    for letter in made.removeprefix("doc_"):
        number = number * 32 + alphabet.index(letter)
    assert before <= number >> 80 <= before + 60_000
    assert (number >> 76) & 0xF == 7  # RFC 9562, version
    assert (number >> 62) & 0b11 == 0b10  # and variant
