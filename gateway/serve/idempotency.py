"""Idempotency-Key: the same key and request, the same answer; the same key and another request, refused (R2).

A key is claimed in the store before the work and holds the answer after it. A claim without an answer is a request that
runs now, here or in another process, or one whose process died. Here we know which; from elsewhere the work is simply
done: everything that can be asked with a key is idempotent by itself (an upload's arrival id is made from the key and
the file).
"""

from __future__ import annotations

import re
import threading
from typing import TYPE_CHECKING

from flask import Response, request

from gateway.serve.cursors import fingerprint as hashed
from gateway.serve.problems import Flaw, Problem
from gateway.store import idempotency as store

if TYPE_CHECKING:
    from collections.abc import Callable

    from gateway.serve.auth import Caller
    from gateway.serve.operations import Call

_KEPT_HEADERS = ("Content-Type", "Location", "Preference-Applied")
_TRIALS = "/api/v1/trials/"
_KEY = re.compile(r"[\x21-\x7e]{1,200}").fullmatch


class Running:
    """The keys whose requests run in this process."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._keys: set[tuple[str, str]] = set()

    def begin(self, client: str, key: str) -> bool:
        """Note that a request runs; False when one does already."""
        with self._lock:
            if (client, key) in self._keys:
                return False
            self._keys.add((client, key))
            return True

    def end(self, client: str, key: str) -> None:
        """Note that it ended."""
        with self._lock:
            self._keys.discard((client, key))


def key_of_request() -> str | None:
    """The request's Idempotency-Key, None without one.

    Raises:
        Problem: ``bad_header``: it is not 1 to 200 printable characters.
    """
    raw = request.headers.get("Idempotency-Key")
    if raw is None:
        return None
    key = raw.strip()
    if len(key) > 2 and key[0] == key[-1] == '"':  # the draft makes it a structured field, a quoted string
        key = key[1:-1]
    if not _KEY(key):
        detail = "Idempotency-Key is 1 to 200 printable ASCII characters without spaces"
        raise Problem("bad_header", detail, errors=(Flaw("bad_header", detail, header="Idempotency-Key"),))
    return key


def client_of(caller: Caller) -> str:
    """Whose a key of a request is: the client's, whichever of its keys it sends, as long as they have the same rights.

    One that is changed for another has them. One that may do or see something else hears nothing of what was answered.
    """
    return f"{caller.bucket} {hashed(sorted(caller.scopes), caller.sees)}"


def once(
    call: Call, *, fingerprint: str, work: Callable[[], Response], trial: Callable[[Call, str], Response] | None = None
) -> Response:
    """The answer of `work`, done once for each key. `fingerprint` is a hash of the body.

    An answer that tells of a trial quotes what partners sent, which goes with the trial: it is not kept, and `trial`
    tells the trial of this id anew, to whoever may see it now.

    Raises:
        Problem: ``still_running``, ``key_reused``, ``bad_header``.
    """
    key = key_of_request()
    if key is None:
        return work()
    client = client_of(call.caller)
    whole = hashed(request.method, request.path, request.query_string.decode("latin-1"), fingerprint)
    if not call.shared.running.begin(client, key):
        raise Problem("still_running", headers={"Retry-After": "1"})
    try:
        return _answered_before(call, client, key, whole, trial) or _done(call, client, key, work)
    finally:
        call.shared.running.end(client, key)


def _answered_before(
    call: Call, client: str, key: str, fingerprint: str, trial: Callable[[Call, str], Response] | None
) -> Response | None:
    with call.services.database.write() as transaction:
        known = store.begin(transaction, client=client, key=key, fingerprint=fingerprint)
    if known is None:
        return None
    if known.fingerprint != fingerprint:
        raise Problem("key_reused")
    if known.status is None:
        return None
    location = known.headers.get("Location", "")
    if trial is not None and location.startswith(_TRIALS):
        answer = trial(call, location.removeprefix(_TRIALS))
    else:
        answer = Response(known.body, known.status, known.headers)
    answer.headers["Idempotency-Replayed"] = "true"
    return answer


def _done(call: Call, client: str, key: str, work: Callable[[], Response]) -> Response:
    try:
        answer = work()
    except BaseException:
        with call.services.database.write() as transaction:
            store.forget(transaction, client=client, key=key)
        raise
    kept = {name: answer.headers[name] for name in _KEPT_HEADERS if name in answer.headers}
    body = b"" if kept.get("Location", "").startswith(_TRIALS) else answer.get_data()
    with call.services.database.write() as transaction:
        store.finish(transaction, client=client, key=key, status=answer.status_code, body=body, headers=kept)
    return answer
