"""The examples of the room's own pages work as they stand there."""

from __future__ import annotations

import doctest

import pytest

import gateway.validate
import gateway.validate.compiled


@pytest.mark.parametrize("module", [gateway.validate, gateway.validate.compiled], ids=lambda module: module.__name__)
def test_the_examples_work(module: object) -> None:
    failed, tried = doctest.testmod(module)  # type: ignore[arg-type]  # modules have no common type here

    assert failed == 0
    assert tried > 0
