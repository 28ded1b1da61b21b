"""The example of the package's docstring works as it is printed."""

from __future__ import annotations

import doctest

import sftp


def test_the_example_of_the_package_works() -> None:
    failed, attempted = doctest.testmod(sftp)
    assert attempted > 10
    assert failed == 0
