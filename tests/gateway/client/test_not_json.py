"""What is asked for as JSON and is none."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from gateway.client import Client

pytestmark = pytest.mark.server


def test_an_answer_that_is_no_json_is_said_to_be_none(client: Client) -> None:
    with pytest.raises(ValueError, match=r"^the answer is text/html.*not JSON: it begins with b'.*another HTTP client"):
        client.get("/docs")
