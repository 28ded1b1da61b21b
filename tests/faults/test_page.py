"""The page about reliability names tests that exist."""

from __future__ import annotations

import re
from pathlib import Path

from tests.docs.promises import home_of

PAGE = Path(__file__).parents[2] / "docs" / "reliability.md"


def test_every_test_that_the_page_names_is_there() -> None:
    named = set(re.findall(r"`(test_\w+)`", PAGE.read_text(encoding="utf-8")))
    assert len(named) > 15
    for each in named:
        assert home_of(each)
