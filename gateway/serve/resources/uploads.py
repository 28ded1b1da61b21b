"""A file over HTTP: the raw bytes are the body; when the answer says so, they are durable (L1)."""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
import tempfile
from datetime import timedelta
from typing import TYPE_CHECKING, BinaryIO, TypeVar

from flask import Response, request
from marshmallow import fields, validate
from werkzeug.http import parse_options_header

from gateway.model import Arrived, DeliveryState
from gateway.serve import cursors, following, idempotency
from gateway.serve.answers import answered
from gateway.serve.bodies import IN_MEMORY, announced_length, received
from gateway.serve.operations import Operation, Parameters
from gateway.serve.problems import Flaw, Problem
from gateway.serve.resources.deliveries import delivery_said
from gateway.serve.resources.registry import integration_of
from gateway.store import deliveries

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from sqlalchemy import Connection

    from gateway.integrations import Integration
    from gateway.model import Delivery
    from gateway.serve.operations import Call, Shared
    from gateway.serve.services import Services

Found = TypeVar("Found")

WAIT_SECONDS_MAX = 25
_WAIT = re.compile(r'(?:^|,)\s*wait\s*=\s*"?([0-9]{1,6})"?\s*(?:[,;]|$)', re.IGNORECASE)

_ALGORITHMS = {"sha-256": hashlib.sha256, "sha-512": hashlib.sha512}
"""The digests that are compared: those that RFC 9530, 5, does not call insecure."""
_MEMBER = re.compile(
    r"""(?P<name>[a-z*][a-z0-9_.*-]*)=:(?P<value>[A-Za-z0-9+/=]*):"""
    r"""(?:;\x20*[a-z*][a-z0-9_.*-]*(?:=(?:"[^"]*"|[^\s",;]+))?)*(?:[ \t]*,[ \t]*(?=[^ \t])|$)"""
)
"""A member of a dictionary of byte sequences, and the comma behind it, if another follows (RFC 8941, 4.2.2)."""


class UploadQuery(Parameters):
    """``?filename=``."""

    filename = fields.String(
        validate=validate.Length(1, 255, error="not 1 to 255 characters"),
        metadata={"description": "the file's name, where Content-Disposition does not say it"},
    )


def operations() -> tuple[Operation, ...]:
    """The one operation."""
    return (
        Operation(
            "upload_delivery",
            "POST",
            "/api/v1/integrations/{name}/deliveries",
            "deliveries",
            "Hand a file in: the body is the file. Prefer: wait=10 answers with how it ended",
            upload,
            scope="deliveries:write",
            query=UploadQuery,
            answers={200: "Delivery", 202: "Delivery"},
        ),
    )


def upload(call: Call, name: str) -> Response:
    """``POST /api/v1/integrations/acme-orders/deliveries?filename=po.edi`` with the file as the body."""
    integration = integration_of(call, name)
    if integration.source.scheme == "table":
        raise Problem("no_files", f"{integration.name} reads {integration.source}")
    if integration.source.scheme == "hook" and not call.caller.may("admin"):
        raise Problem("signature_wanted", f"what {integration.name} takes is signed by who sends it")
    file_name = file_name_of(call)
    announced = announced_digests()
    spool_folder = None if call.services.spool is None else str(call.services.spool)
    with tempfile.SpooledTemporaryFile(IN_MEMORY, dir=spool_folder) as spool:
        digest = receive(call.shared, spool, call.services.configuration().settings.upload_bytes_max, announced)
        spool.seek(0)
        return idempotency.once(
            call,
            fingerprint=cursors.fingerprint(digest, file_name),
            work=lambda: _landed(call, integration, file_name, digest, spool),  # type: ignore[arg-type] # it is a binary file
        )


def _landed(call: Call, integration: Integration, file_name: str, digest: str, file: BinaryIO) -> Response:
    # The arrival outlives the answer that is kept for the key, which by then may have another file.
    key = idempotency.key_of_request()
    sent = (idempotency.client_of(call.caller), key, integration.name, file_name, digest)
    delivery = call.services.receiver.land(
        Arrived(
            source="http:",
            name=file_name,
            partner=integration.partner,
            integration=integration.name,
            arrival=None if key is None else f"http:{cursors.fingerprint(*sent)}",
        ),
        file,
    )
    return ended(call, delivery)


def ended(call: Call, delivery: Delivery) -> Response:
    """The delivery once a worker has judged it (200), where that is to be waited for, or as it is by then (202)."""

    def look(connection: Connection) -> Delivery | None:
        known = deliveries.get(connection, delivery.id) or delivery
        return known if known.state != DeliveryState.RECEIVED else None

    judged, applied = waited_for(call, look)
    told = judged or delivery
    status = 200 if applied and told.state != DeliveryState.RECEIVED else 202
    return answered(delivery_said(told), status, {"Location": f"/api/v1/deliveries/{delivery.id}"} | applied)


def waited_for(call: Call, look: Callable[[Connection], Found | None]) -> tuple[Found | None, dict[str, str]]:
    """What `look` finds in the store within the seconds that the request would wait, and the header that says so.

    Who waits has a follower's place. Without one it is answered as if nobody had asked to wait: what was asked for is
    done, and a refusal would have it sent again.
    """
    seconds = _wait_of_request()
    if seconds is None:
        return None, {}
    try:
        leave = following.place(call)
    except Problem:
        return None, {}
    try:
        return _found(call.services, seconds, look), {"Preference-Applied": f"wait={seconds}"}
    finally:
        leave()


def _found(services: Services, seconds: int, look: Callable[[Connection], Found | None]) -> Found | None:
    until = services.now() + timedelta(seconds=seconds)
    while not services.ending() and (left := (until - services.now()).total_seconds()) > 0:
        services.wait(min(left, 1.0))
        with services.database.read() as connection:
            if (found := look(connection)) is not None:
                return found
    return None


def _wait_of_request() -> int | None:
    """The seconds of ``Prefer: wait=10`` (RFC 7240, 4.3), at most :data:`WAIT_SECONDS_MAX`."""
    found = _WAIT.search(request.headers.get("Prefer", ""))
    return min(int(found[1]), WAIT_SECONDS_MAX) if found else None


def file_name_of(call: Call) -> str:
    """What the file is called; a path is none.

    Raises:
        Problem: ``bad_parameter`` or ``bad_header``.
    """
    name = call.parameters.get("filename")
    where = {"parameter": "filename"} if name is not None else {"header": "Content-Disposition"}
    if name is None:
        _, options = parse_options_header(request.headers.get("Content-Disposition", ""))
        name = options.get("filename", "upload")
    if not name.isprintable() or re.search(r"[/\\]", name) or name in ("", ".", "..") or len(name.encode()) > 255:
        code = "bad_parameter" if "parameter" in where else "bad_header"
        detail = f"{name[:60]!r} is not a file's name: 1 to 255 bytes without slashes and control characters"
        raise Problem(code, detail, errors=(Flaw(code, detail, **where),))
    return name


def announced_digests() -> dict[str, bytes]:
    """The digests of ``Content-Digest`` (RFC 9530) that are compared, by algorithm: a dictionary of byte sequences.

    Other algorithms are passed over, as the RFC allows (RFC 9530, 2); of two members of one name the last counts
    (RFC 8941, 4.2.2).

    Raises:
        Problem: ``bad_header``: it is no such dictionary, or a digest has another length than its algorithm's.
    """
    text, at, found = request.headers.get("Content-Digest", "").strip(" \t"), 0, {}
    while at < len(text):
        member = _MEMBER.match(text, at)
        digest = _bytes_of(member["value"]) if member is not None else None
        if member is None or digest is None:
            raise _bad_digest("Content-Digest is of the form sha-256=:base64 of the 32 bytes:")
        found[member["name"]] = digest
        at = member.end()
    for name, make in _ALGORITHMS.items():
        if name in found and len(found[name]) != make().digest_size:
            raise _bad_digest(f"Content-Digest: a {name} has {make().digest_size} bytes, not {len(found[name])}")
    return {name: digest for name, digest in found.items() if name in _ALGORITHMS}


def _bytes_of(text: str) -> bytes | None:
    """The bytes of a byte sequence; its padding may be missing (RFC 8941, 4.2.7)."""
    try:
        return base64.b64decode(text + "=" * (-len(text) % 4), validate=True)
    except ValueError:
        return None


def _bad_digest(detail: str) -> Problem:
    return Problem("bad_header", detail, errors=(Flaw("bad_header", detail, header="Content-Digest"),))


def receive(
    shared: Shared, spool: tempfile.SpooledTemporaryFile[bytes], most: int, announced: Mapping[str, bytes]
) -> str:
    """Take the body in, whole or not at all; its SHA-256. `announced`: see ``announced_digests``.

    The server gives a chunked body that broke off as if it had ended (its stream just ends), so without a digest its
    length must be known in advance: half a file must not become a delivery.
    """
    if request.mimetype == "multipart/form-data":
        raise Problem(
            "unsupported_media_type",
            "the body is a form with parts, and the file itself is read here",
            "Send the file as it is: curl --data-binary @po.edi …",
        )
    length = announced_length()
    if length is None and not announced:
        raise Problem("length_required")
    made = {name: _ALGORITHMS[name]() for name in {"sha-256", *announced}}
    feeds = [each.update for each in made.values()]
    size = received(shared, spool, length, *feeds, most=most, too_large=lambda: _too_large(most))
    for name, digest in announced.items():
        if not hmac.compare_digest(digest, made[name].digest()):
            raise Problem(
                "digest_differs",
                f"Content-Digest announces {name} {digest.hex()}, the {size} bytes that came are "
                f"{made[name].hexdigest()}",
            )
    return made["sha-256"].hexdigest()


def _too_large(most: int) -> Problem:
    return Problem("body_too_large", f"a file over HTTP has at most {most} bytes")
