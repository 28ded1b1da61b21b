"""What the rows of the logs say of the request that wrote them."""

from __future__ import annotations

import doctest
from concurrent.futures import ThreadPoolExecutor

from gateway.store import origin


def test_the_example_works() -> None:
    assert doctest.testmod(origin) == (0, 3)


def test_each_thread_works_for_its_own_request() -> None:
    origin.begin(request="req_1")
    with ThreadPoolExecutor(1) as threads:
        assert threads.submit(origin.told).result(20) == {}
    assert origin.told() == {"request": "req_1"}
    origin.end()
    assert origin.told() == {}
