"""The example in the package's docstring works."""

from __future__ import annotations

import doctest

import gateway.normalize


def test_the_example_of_the_package_works() -> None:
    result = doctest.testmod(gateway.normalize)
    assert result.attempted > 5
    assert result.failed == 0
