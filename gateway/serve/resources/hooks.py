"""Hooks: systems that call us when something happens. Their signature is the proof; no key is needed.

Who cannot sign is told nothing: not whether there is such a hook, nor what its signature is made of. The log tells the
operator what was wrong.
"""

from __future__ import annotations

import hashlib
import json
import logging
import re
import tempfile
from datetime import timedelta
from typing import TYPE_CHECKING, BinaryIO

from flask import g, request

from gateway.errors import Retry, Stop
from gateway.model import Arrived
from gateway.observations import HOOK_UNUSABLE
from gateway.serve import signatures
from gateway.serve.answers import answered
from gateway.serve.auth import Caller
from gateway.serve.bodies import IN_MEMORY, announced_length, place_of, received
from gateway.serve.operations import Operation
from gateway.serve.problems import Flaw, Problem
from gateway.serve.resources.deliveries import delivery_said
from gateway.store import deliveries
from gateway.workspace.signatures import STANDARD_WEBHOOKS

if TYPE_CHECKING:
    from datetime import datetime

    from flask import Response
    from sqlalchemy import Connection

    from gateway.integrations import Integration, Signature
    from gateway.model import Delivery
    from gateway.serve.operations import Call

_log = logging.getLogger(__name__)
_ID = re.compile(r"[\x21-\x7e]{1,255}").fullmatch
SAME_FOR = timedelta(minutes=5)
"""The same content within this time is the same message, where neither an id nor a time is sent with it."""

_NOBODY = b"what comes for no hook is held against this, so that it is refused as late as anything else"


def operations() -> tuple[Operation, ...]:
    """The one operation."""
    return (
        Operation(
            "receive_hook",
            "POST",
            "/api/v1/hooks/{integration}",
            "deliveries",
            "Take in what a system sends when something happens; signed as the integration says",
            receive,
            access="open",
            answers={200: "Delivery", 202: "Delivery"},
        ),
    )


def receive(call: Call, integration: str) -> Response:
    """``POST /api/v1/hooks/acme-orders`` with the message as the body."""
    configuration = call.services.configuration()
    flow = configuration.integrations.get(integration)
    signature = flow.signature if flow is not None else None
    keys = _keys(call, flow, signature) if flow is not None and signature is not None else [_NOBODY]
    proof = signatures.Proof(signature or STANDARD_WEBHOOKS, request.headers, keys, call.services.now())
    sha256 = hashlib.sha256()
    most = configuration.settings.hook_bytes_max
    spool_folder = None if call.services.spool is None else str(call.services.spool)
    with tempfile.SpooledTemporaryFile(IN_MEMORY, dir=spool_folder) as spool:
        with place_of(call.shared):
            feeds = (sha256.update, proof.feed)
            received(call.shared, spool, announced_length(), *feeds, most=most, too_large=lambda: _too_large(most))
        signed = proof.holds()
        if flow is None or signature is None or not signed:
            raise _refused(integration, proof.why if signature is not None else "there is no such hook")
        g.caller = Caller(f"hook:{flow.name}", f"hook:{flow.name}", ())  # whose requests are counted and told
        _limited(call, g.caller.id)
        spool.seek(0)
        return _once(call, flow, _Message(flow, signature, proof, sha256.hexdigest(), call.services.now()), spool)  # type: ignore[arg-type] # it is a binary file


class _Message:
    """What is known of a message that was signed: its own id, if it has one, and what it becomes."""

    def __init__(
        self, flow: Integration, signature: Signature, proof: signatures.Proof, sha256: str, now: datetime
    ) -> None:
        self.sha256 = sha256
        self.header = signature.id
        if signature.id is not None and not (proof.id and _ID(proof.id)):
            detail = f"{signature.id} is the id of the message: 1 to 255 printable ASCII characters without spaces"
            raise Problem("bad_header", detail, errors=(Flaw("bad_header", detail, header=signature.id),))
        if proof.id is not None:
            parts: tuple[str, ...] | None = ("id", proof.id)
        else:
            # Whoever heard a request and sends it again within the tolerance makes nothing new.
            parts = ("signed", proof.timestamp, sha256) if proof.timestamp is not None else None
        self.arrivals = tuple(
            f"hook:{_digest(flow.name, *each)}" for each in ([parts] if parts else _spells(sha256, now))
        )
        """What it arrives as; behind that, what the same content arrived as a while ago."""
        named = re.sub(r"[/\\]", "_", proof.id) if proof.id is not None else "hook"
        self.name = f"{named[:200]}.{flow.format.name}"


def _once(call: Call, flow: Integration, message: _Message, body: BinaryIO) -> Response:
    """202 for what is new, 200 for what came before: the id of the message is its Idempotency-Key."""
    client, arrival = g.caller.id, message.arrivals[0]
    if not call.shared.running.begin(client, arrival):
        what = f"the first request with this {message.header}" if message.header else "the same request"
        raise Problem("still_running", f"{what} has not ended", headers={"Retry-After": "1"})
    try:
        with call.services.database.read() as connection:
            known = _known(connection, message, call.services.now())
        delivery = known or _landed(call, flow, message, body)
    finally:
        call.shared.running.end(client, arrival)
    if delivery.sha256 != message.sha256:
        raise Problem(
            "key_reused",
            f"a message with this {message.header} came before, and its body was another",
            "Give each message an id of its own, and send it again with the same bytes.",
        )
    return _answered(delivery, 200 if known is not None else 202)


def _known(connection: Connection, message: _Message, now: datetime) -> Delivery | None:
    """What a message became when it came before; of one that is known by its content alone, a short while before."""
    for place, arrival in enumerate(message.arrivals):
        known = deliveries.of_arrival(connection, arrival)
        if known is not None and (place == 0 or now - known.received_at < SAME_FOR):
            return known
    return None


def _spells(sha256: str, now: datetime) -> list[tuple[str, ...]]:
    """The content and the spell of time that it is, and was before: nothing in the message tells it from others."""
    spell = int(now.timestamp() // SAME_FOR.total_seconds())
    return [("content", sha256, str(each)) for each in (spell, spell - 1)]


def _landed(call: Call, flow: Integration, message: _Message, body: BinaryIO) -> Delivery:
    return call.services.receiver.land(
        Arrived("hook:", message.name, flow.partner, flow.name, arrival=message.arrivals[0]), body
    )


def _answered(delivery: Delivery, status: int) -> Response:
    return answered(delivery_said(delivery), status, {"Location": f"/api/v1/deliveries/{delivery.id}"})


def _keys(call: Call, flow: Integration, signature: Signature) -> list[bytes]:
    """The keys that count; of a secret that cannot be used the operator is told, and nobody else."""
    keys = []
    for reference in signature.secrets:
        try:
            keys.append(signatures.key_of(signature, call.services.secret(reference)))
            call.shared.untrusted.discard((flow.name, reference))
            continue
        except Stop as error:
            why = f"{error.message}. {error.remedy}"
        except UnicodeDecodeError:
            why = f"{reference} is not text."
        except ValueError as error:
            why = f"{reference} is no key: {error}."
        _log.error("%s request=%s", why, g.get("request_id", ""))
        _tell(call, flow, reference)
    return keys


def _tell(call: Call, flow: Integration, reference: str) -> None:
    """The activity says it once, until the secret could be used again: not where it lies, which partners could read."""
    if (flow.name, reference) in call.shared.untrusted:
        return
    call.shared.untrusted.add((flow.name, reference))
    try:
        with call.services.database.write() as transaction:
            transaction.tell(
                HOOK_UNUSABLE(integration=flow.name, partner=flow.partner, hook=flow.name, secret=reference)
            )
    except (Retry, Stop) as trouble:
        call.shared.untrusted.discard((flow.name, reference))
        _log.warning("it cannot be told that %s cannot be used: %s", reference, trouble)


def _limited(call: Call, client: str) -> None:
    """Each hook is a client of its own; what is not signed takes nothing from its bucket."""
    if call.shared.limits is None:
        return
    taken = call.shared.limits.take(client)
    g.left = taken.headers
    if taken.retry_after is not None:
        raise Problem("rate_limited", headers={"Retry-After": str(taken.retry_after)})


def _refused(name: str, why: str) -> Problem:
    """The one answer to all that is not signed as it should be (RFC 9110, 15.5.2)."""
    _log.warning("the hook %r refused a request: %s request=%s", name[:60], why, g.get("request_id", ""))
    return Problem("signature_refused", headers={"WWW-Authenticate": 'Webhook-Signature realm="gateway"'})


def _too_large(most: int) -> Problem:
    return Problem("body_too_large", f"a hook takes at most {most} bytes", "Have hook_max raised in gateway.yaml.")


def _digest(*parts: str) -> str:
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()[:40]
