"""The API is killed at any call of taking in a message of a hook; its sender sends it again with the same id."""

from __future__ import annotations

import http.client
import json
import time
from typing import TYPE_CHECKING

import pytest

from tests.acceptance.hooked import PATH, add_hook, notices, signed
from tests.faults.injection import attached, boundaries, calls_of, missing
from tests.faults.scenes import ALL, scene
from tests.faults.test_answer import SECONDS_MAX, serving

if TYPE_CHECKING:
    from pathlib import Path

    from tests.faults.test_answer import Api

pytestmark = pytest.mark.skipif(missing() is not None, reason=str(missing()))


def sent(api: Api, content: bytes, message: str) -> tuple[int, str] | None:
    """The status and the delivery's id; None when the connection ended without an answer."""
    connection = http.client.HTTPConnection("127.0.0.1", api.port, timeout=SECONDS_MAX)
    try:
        connection.request("POST", PATH, body=content, headers=signed(content, message))
        answer = connection.getresponse()
        said = json.loads(answer.read())
    except (OSError, http.client.HTTPException):
        return None
    finally:
        connection.close()
    assert answer.status in (200, 202), said
    return answer.status, said["id"]


def sent_until_answered(api: Api, content: bytes, message: str) -> tuple[int, str]:
    """As senders do."""
    until = time.monotonic() + SECONDS_MAX
    while (heard := sent(api, content, message)) is None:
        assert time.monotonic() < until
        if api.process.poll() is not None:  # it gives up when its worker dies twice within seconds
            api.start()
        time.sleep(0.05)
    return heard


def test_L1_a_message_whose_server_is_killed_is_neither_lost_nor_doubled(  # noqa: N802 - the promise's name
    tmp_path: Path, store_url: str
) -> None:
    here = scene(tmp_path / "here", store_url, add_hook)
    with serving(here) as api:
        sent_until_answered(api, notices("first"), "first")
        with attached(api.worker(), tmp_path / "trace"):
            assert sent(api, notices("traced"), "traced") is not None
        calls = calls_of(tmp_path / "trace")
        chosen = calls if ALL else boundaries(calls)[-3:]  # bytes without a row, a row, and no answer yet
        killed = 0
        for number, call in enumerate(chosen):
            content, message = notices(*(f"{number}-{each}" for each in range(number + 1))), f"msg_{number}"
            with attached(api.worker(), tmp_path / "trace", inject=f"{call.name}:signal=KILL:when={call.nth}"):
                heard = sent(api, content, message)
            killed += heard is None
            again = sent_until_answered(api, content, message)
            assert heard is None or again == (200, heard[1]), call
    sizes = [each[6] for each in here.ledger()["deliveries"]]
    assert len(sizes) == len(set(sizes)) == len(chosen) + 2
    assert killed >= min(3, len(chosen) // 2 + 1)
