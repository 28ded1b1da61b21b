"""The headers of requests and answers, as the OpenAPI document has them: what an operation heeds, and what it says."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gateway.serve.following import NUMBER_MAX
from gateway.serve.shapes import TEXT, WHOLE, Shape, words

if TYPE_CHECKING:
    from gateway.serve.operations import Operation

IDEMPOTENCY_KEY: Shape = {
    "name": "Idempotency-Key",
    "in": "header",
    "description": "Any text of 1 to 200 printable characters. The same key with the same request gives the same "
    "answer, with another request 422.",
    "schema": {"type": "string", "pattern": "^[!-~]{1,200}$"},
}
IF_NONE_MATCH: Shape = {
    "name": "If-None-Match",
    "in": "header",
    "description": "The ETag of the copy at hand; 304 says that it is still right.",
    "schema": TEXT,
}
_CAME_BACK: Shape = {
    "name": "Last-Event-ID",
    "in": "header",
    "description": "For text/event-stream: the id of the last event seen; it wins over after and since.",
    "schema": {**WHOLE, "minimum": 0, "maximum": NUMBER_MAX},
}
_PREFER: Shape = {
    "name": "Prefer",
    "in": "header",
    "description": "wait=10 waits up to so many seconds (at most 25) for the end of the judging (RFC 7240), where "
    "there is a place to wait: Preference-Applied says so.",
    "schema": TEXT,
}
_OF_FILES = (
    IDEMPOTENCY_KEY,
    {
        "name": "Content-Digest",
        "in": "header",
        "description": "sha-256=:base64: of the file, or sha-512 (RFC 9530). What comes is compared with it; other "
        "algorithms are passed over.",
        "schema": TEXT,
    },
    {
        "name": "Content-Disposition",
        "in": "header",
        "description": 'Names the file where ?filename= does not: attachment; filename="po.edi".',
        "schema": TEXT,
    },
    _PREFER,
)
_HEEDED: dict[str, tuple[Shape, ...]] = {
    "upload_delivery": _OF_FILES,
    "try_file": _OF_FILES,
    "replay_delivery": (_PREFER,),
    "receive_hook": tuple(
        {"name": name, "in": "header", "description": about, "schema": TEXT}
        for name, about in (
            ("webhook-id", "The message's own id, by which it counts once; the integration may name other headers."),
            ("webhook-timestamp", "When it was sent, in seconds since 1970."),
            ("webhook-signature", "v1, and the HMAC-SHA-256 of id, timestamp and body in base64."),
        )
    ),
    "get_delivery_content": (
        {"name": "Range", "in": "header", "description": "bytes=0-99 (RFC 9110, 14).", "schema": TEXT},
    ),
    "list_activity": (_CAME_BACK,),
    "list_delivery_activity": (_CAME_BACK,),
    "list_changes": (_CAME_BACK,),
}
"""Request headers that an operation heeds, beside those of its access, its body and its entity tag."""


def _header(about: str, shape: Shape = TEXT, **more: bool) -> Shape:
    return {"description": about, "schema": shape, **more}


ANSWERED: dict[str, Shape] = {
    "X-Request-ID": _header(
        "The request's id, taken from it or made. Refusals and writes are found by it in the log of the process; reads "
        "that are answered are counted, not logged.",
        required=True,
    ),
    "RateLimit-Policy": _header("How much the client may ask: q requests in w seconds (IETF draft)."),
    "RateLimit": _header("How much of it is left: r requests, and all again in t seconds."),
    "Retry-After": _header("In how many seconds to ask again.", WHOLE),
    "WWW-Authenticate": _header("What proof is wanted (RFC 9110, 11.6.1)."),
    "Allow": _header("The methods that the path takes."),
    "Link": _header(
        "The next page or place in a log (rel=next), the contract (describedby), a newer version (successor-version), "
        "the page about a problem (type): RFC 8288."
    ),
    "ETag": _header("The strong entity tag, for If-None-Match."),
    "Deprecation": _header("Since when this version of the contract is deprecated: @, seconds since 1970 (RFC 9745)."),
    "Sunset": _header("Until when this version of the contract is served (RFC 8594)."),
    "Gateway-As-Of": _header("The change, and its time, as of which the record is told; where as_of asked for one."),
    "Gateway-More": _header(
        "Of the change feed: true, there are more changes already behind next, perhaps none for this key; false, next "
        "is behind the newest.",
        words("true", "false"),
    ),
    "Gateway-Records": _header("Of an export: how many records come.", WHOLE),
    "Gateway-Changes-Since": _header("Of an export: the change behind which the change feed goes on.", WHOLE),
    "Location": _header(
        "The path of the delivery that was made, or of what tells how it ended: a document, or its delivery."
    ),
    "Preference-Applied": _header("The wait that was heeded (RFC 7240)."),
    "Idempotency-Replayed": _header("true: the answer is the one that was given before to this Idempotency-Key."),
    "Repr-Digest": _header("The SHA-256 of the whole file (RFC 9530)."),
    "Content-Range": _header("Which bytes these are, and of how many."),
    "Vary": _header("Accept: the form of the answer depends on it."),
    "Accept-Ranges": _header("bytes: Range is honoured."),
    "Content-Disposition": _header("The name of the file."),
    "Age": _header("How many seconds ago the source was asked.", WHOLE),
}
"""Headers of answers by their names; those of every server, such as Content-Type and Date, are not told."""

_OF_CONTRACTS = ("Link", "Deprecation", "Sunset")
_UPLOADED = ("Location", "Preference-Applied", "Idempotency-Replayed")

_OF_OPERATIONS: dict[str, tuple[str, ...]] = {
    "list_records": (*_OF_CONTRACTS, "ETag", "Gateway-Changes-Since", "Gateway-Records", "Content-Disposition"),
    "get_record": (*_OF_CONTRACTS, "ETag", "Gateway-As-Of"),
    "get_record_history": (*_OF_CONTRACTS, "ETag"),
    "get_record_evidence": _OF_CONTRACTS,
    "get_type": ("ETag",),
    "get_type_version": ("ETag",),
    "get_integration": ("ETag",),
    "get_partner": ("ETag",),
    "get_openapi": ("ETag",),
    "list_changes": ("Link", "Gateway-More"),
    "list_rows": ("Link", "Age"),
    "get_row": ("ETag", "Age"),
    "get_delivery_content": ("ETag", "Repr-Digest", "Content-Range", "Accept-Ranges", "Content-Disposition"),
    "get_delivery_acknowledgments": ("Content-Disposition",),
    "get_delivery_letter": ("Content-Disposition",),
    "upload_delivery": _UPLOADED,
    "try_file": _UPLOADED,
    "replay_delivery": ("Location", "Preference-Applied"),
    "receive_hook": ("Location",),
    "retry_document": ("Location",),
    "correct_document": ("Location",),
}
"""What an operation's success says beside what all say."""


def heeded(operation: Operation) -> tuple[Shape, ...]:
    """The request headers that an operation heeds, beside those of its access."""
    also = (IDEMPOTENCY_KEY,) if operation.body is not None else ()
    return (*_HEEDED.get(operation.id, ()), *((IF_NONE_MATCH,) if tagged(operation) else ()), *also)


def of_success(operation: Operation) -> dict[str, Shape]:
    """The headers of an operation's success."""
    names = ["X-Request-ID", *_limits(operation), *_varying(operation), *_OF_OPERATIONS.get(operation.id, ())]
    if operation.id.startswith("list_") and "Link" not in names:
        names.append("Link")
    if operation.body is not None:
        names.append("Idempotency-Replayed")
    return _named(names)


def of_refusal(operation: Operation) -> dict[str, Shape]:
    """The headers of an operation's refusals."""
    names = [
        "X-Request-ID",
        *_limits(operation),
        *_varying(operation),
        "Retry-After",
        "WWW-Authenticate",
        "Allow",
        "Link",
    ]
    return _named([*names, *(each for each in _OF_OPERATIONS.get(operation.id, ()) if each == "Content-Range")])


def tagged(operation: Operation) -> bool:
    """Whether an operation gives an entity tag, and so heeds If-None-Match."""
    return "ETag" in _OF_OPERATIONS.get(operation.id, ())


def _limits(operation: Operation) -> tuple[str, ...]:
    return () if operation.access == "open" and operation.id != "receive_hook" else ("RateLimit-Policy", "RateLimit")


def _varying(operation: Operation) -> tuple[str, ...]:
    return ("Vary",) if operation.varies else ()


def _named(names: list[str]) -> dict[str, Shape]:
    return {name: {"$ref": f"#/components/headers/{name}"} for name in names}
