"""The package's example works."""

from __future__ import annotations

import doctest

import gateway.serve


def test_the_example_works() -> None:
    result = doctest.testmod(gateway.serve)
    assert (result.attempted > 10, result.failed) == (True, 0)
