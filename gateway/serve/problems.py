"""Everything that can be answered instead of success: one table, one body (RFC 9457).

    {"type": "/problems/unknown_field", "title": "The collection has no such field", "status": 400,
     "code": "unknown_field", "detail": "orders has no field 'totl'", "remedy": "Did you mean 'total'?",
     "errors": [{"code": "unknown_field", "parameter": "totl__gte", "detail": …, "remedy": …}],
     "request_id": "req_01…"}

`type` is a page of this gateway that explains the code. Codes are append-only.
"""

from __future__ import annotations

import difflib
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import orjson

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

MEDIA_TYPE = "application/problem+json"
FLAWS_MAX = 50
"""So many things that are wrong are told: an answer must not be many times as long as the question."""
_LETTERS_MAX = 1000
"""So many characters of each."""


@dataclass(frozen=True, slots=True)
class Kind:
    """One row of the table: the status, what happened in general, and what usually helps."""

    status: int
    title: str
    remedy: str


PROBLEMS: dict[str, Kind] = {
    # the request as such
    "bad_request": Kind(400, "The request cannot be understood", "Compare it with the examples in /docs."),
    "host_missing": Kind(400, "The request names no host, or several", "Send exactly one Host header (RFC 9112, 3.2)."),
    "ambiguous_length": Kind(
        400,
        "The request gives its length twice",
        "Send Content-Length or Transfer-Encoding, not both; two readings of one request are a way to smuggle another.",
    ),
    "not_found": Kind(404, "There is nothing here", "Check the path; /docs lists every one."),
    "method_not_allowed": Kind(
        405, "This resource does not take this method", "The Allow header names those it takes."
    ),
    "not_acceptable": Kind(
        406, "The answer cannot be had in that form", "Leave the Accept header out, or name a form that /docs lists."
    ),
    "unsupported_media_type": Kind(
        415, "The body is of another kind than is read here", "Send the Content-Type that /docs names."
    ),
    # who asks
    "key_missing": Kind(
        401, "This resource wants an API key", "Send it as Authorization: Bearer <key>, or as X-Api-Key: <key>."
    ),
    "key_refused": Kind(
        401, "The API key is not valid", "Check that the whole key was sent, or ask the operator for a new one."
    ),
    "signature_refused": Kind(
        401,
        "There is no such hook, or the request is not signed as it should be",
        "Compare the address, the secret, the sender's clock and what is signed; the operator's log says more.",
    ),
    "issuer_down": Kind(
        503,
        "The keys of the token's issuer cannot be had",
        "Try again after the time in Retry-After, or use an API key.",
    ),
    # RFC 6749, 5.2
    "invalid_request": Kind(
        400,
        "The request for a token cannot be understood",
        "Send grant_type=client_credentials as a form, and the client's id and key once.",
    ),
    "invalid_client": Kind(
        401,
        "There is no such client, or that is not its key",
        "Send the name or the id of the key, and the key itself.",
    ),
    "unsupported_grant_type": Kind(400, "Tokens are not given for that", "Send grant_type=client_credentials."),
    "invalid_scope": Kind(
        400, "The key does not have these scopes", "Ask for some of the key's own, or leave scope out."
    ),
    "scope_missing": Kind(
        403, "The API key may not do this", "Ask the operator for a key with the scope that is named."
    ),
    # query parameters
    "unknown_parameter": Kind(
        400, "The resource has no such query parameter", "Correct its name; parameters are never ignored."
    ),
    "repeated_parameter": Kind(400, "A query parameter is given twice", "Give it once."),
    "bad_parameter": Kind(400, "A query parameter has a value that cannot be used", "Send what the detail asks for."),
    "unknown_field": Kind(
        400, "The collection has no such field", "Correct its name; /api/v1/types lists the fields of each collection."
    ),
    "not_filterable": Kind(
        400,
        "The field cannot be filtered by",
        "Filter by one of the named fields, or have the flag `filter` added to the field in its contract.",
    ),
    "not_sortable": Kind(
        400,
        "The field cannot be sorted by",
        "Sort by one of the named fields, or have the flag `sort` added to the field in its contract.",
    ),
    "personal_field": Kind(
        403,
        "The field is personal data, which the API key may not see",
        "Leave it out, or ask the operator for a key with the scope `personal` of the collection.",
    ),
    "unknown_operator": Kind(400, "The field has no such operator", "Use one of the named operators."),
    "bad_value": Kind(400, "The value is not of the field's type", "Send what the detail asks for."),
    "bad_cursor": Kind(
        400,
        "The cursor cannot be used",
        "Start again without it, or follow `next` with the very parameters of the page that gave it.",
    ),
    # things that are not there
    "unknown_collection": Kind(404, "There is no such collection", "/api/v1/types lists the collections."),
    "unknown_record": Kind(404, "There is no record of that key", "Check the key; it is the record's member _key."),
    "unknown_type": Kind(404, "There is no such type", "/api/v1/types lists them."),
    "unknown_delivery": Kind(404, "There is no such delivery", "/api/v1/deliveries lists them."),
    "unknown_document": Kind(
        404,
        "There is no such held document",
        "/api/v1/quarantine lists those that wait. A replay gives what it holds new ids: ?delivery= finds them.",
    ),
    "unknown_integration": Kind(404, "There is no such integration", "/api/v1/integrations lists them."),
    "unknown_partner": Kind(404, "There is no such partner", "/api/v1/partners lists them."),
    "unknown_letter": Kind(
        404,
        "There is no letter about this delivery",
        "One is written where a partner's file is refused.",
    ),
    "unknown_trial": Kind(404, "There is no such trial", "Trials are kept for some days; ask for a new one."),
    "not_tried": Kind(422, "The file cannot be tried", "The detail says what is missing."),
    "unknown_table": Kind(404, "There is no such table or connection", "/api/v1/tables lists them."),
    "unknown_row": Kind(404, "The table has no row of that key", "Check the key; its parts are joined with ~."),
    "unknown_problem": Kind(404, "There is no such kind of problem", "/problems lists them."),
    "content_gone": Kind(
        410, "The bytes of this delivery are no longer kept", "Ask the sender for the file if it is needed again."
    ),
    "record_purged": Kind(
        410, "The record was kept as long as its contract says, and is gone", "Its history tells when that was."
    ),
    "as_of_purged": Kind(
        410,
        "Versions that stood then are no longer kept",
        "Ask for a later moment; keep: of the contract says for how long.",
    ),
    "changes_purged": Kind(
        410,
        "Changes behind this number are no longer kept",
        "Export the collections anew, and follow from the change that the export names.",
    ),
    "changes_ahead": Kind(
        400,
        "No change has this number yet",
        "Ask from the number that the detail names. If the gateway was restored from a backup, export anew first.",
    ),
    "lines_ahead": Kind(
        400,
        "No line of the log has this number yet",
        "Ask behind the number that the detail names. If the gateway was restored from a backup, numbers above that "
        "belong to other lines from now on.",
    ),
    "as_of_ahead": Kind(
        400,
        "This moment has not come yet",
        "Leave as_of out to read what stands now, or ask for a moment that is past.",
    ),
    # bodies
    "bad_json": Kind(400, "The body is not a JSON object", 'Send one JSON object in UTF-8, as in {"reason": "…"}.'),
    "invalid_body": Kind(422, "The body has members that cannot be used", "Correct the members that `errors` names."),
    "bad_header": Kind(400, "A header has a value that cannot be used", "Send what the detail asks for."),
    "length_required": Kind(
        411,
        "The length of the upload is not known in advance",
        "Send Content-Length, or Content-Digest: a chunked body that breaks off looks like a complete one otherwise.",
    ),
    "incomplete_body": Kind(
        400, "The upload ended before its announced length", "Send it again; nothing of it was kept."
    ),
    "digest_differs": Kind(
        400, "The bytes that came are not those that were announced", "Send the file again; nothing of it was kept."
    ),
    "body_too_large": Kind(
        413, "The body is larger than is taken here", "Split the file, or have upload_max raised in gateway.yaml."
    ),
    "precondition_failed": Kind(
        412, "The copy at hand is not what is here", "Leave If-Match and If-Unmodified-Since out, or ask anew."
    ),
    "range_not_satisfiable": Kind(416, "The file has no such range of bytes", "Ask for bytes below its length."),
    # what the state of things forbids
    "ambiguous_id": Kind(409, "Several ids begin so", "Write more of the id."),
    "ambiguous_key": Kind(
        409,
        "The path can mean several keys",
        "A part of the key holds a slash or a tilde; filter the collection by the key fields instead.",
    ),
    "no_key": Kind(
        409,
        "The rows of this table have no key",
        "Have its key named in connections.yaml: the columns that are unique together.",
    ),
    "not_correctable": Kind(
        409, "The document cannot be corrected like that", "The detail says why, and what would do."
    ),
    "not_held": Kind(409, "The document is not held", "Only documents that wait in the quarantine can be acted on."),
    "not_finished": Kind(
        409, "The delivery is being judged, or waits for it", "Ask again when it has ended; its activity tells."
    ),
    "not_replayable": Kind(
        409, "The delivery cannot be judged again like that", "The detail says why, and what would do."
    ),
    "nothing_to_undo": Kind(409, "The delivery made no records that stand", "Look at its state and at its findings."),
    "changed_since": Kind(
        409,
        "Records of the delivery were changed since",
        "Undo the later deliveries first, the newest first; or ask with leave_changed: those records stay as they are.",
    ),
    "before_purged": Kind(
        409,
        "What the records were before is no longer kept",
        "Send a file with the values that shall stand; keep: of the contract says how long versions are kept.",
    ),
    "no_files": Kind(
        409, "The integration reads a table and takes no files", "Upload to an integration with another source."
    ),
    "signature_wanted": Kind(
        409,
        "The integration takes signed messages alone",
        "Send it signed to /api/v1/hooks and the integration's name; without a signature only admin may hand it in.",
    ),
    "still_running": Kind(
        409, "The first request with this Idempotency-Key has not ended", "Ask again after the time in Retry-After."
    ),
    "key_reused": Kind(
        422,
        "This Idempotency-Key belongs to another request",
        "Make a new key for each new request; repeat a request with the same bytes.",
    ),
    "rate_limited": Kind(
        429,
        "The client asked for more than it may",
        "Try again after the time in Retry-After; the header RateLimit tells what is left.",
    ),
    # what cannot be had now
    "not_ready": Kind(503, "The gateway is not ready", "The members of `checks` say what is missing; see the log."),
    "unavailable": Kind(503, "The gateway cannot do this now", "Try again after the time in Retry-After."),
    "stopped": Kind(
        503,
        "The gateway cannot do this until someone has acted",
        "Tell the operator; the request_id leads to the reason in the log.",
    ),
    "too_many_followers": Kind(
        503, "Too many follow, or wait, already", "Try again after the time in Retry-After, or ask without wait."
    ),
    "too_many_at_once": Kind(
        429,
        "The client follows, or exports, as often at a time as one client may",
        "End one of them, or try again after the time in Retry-After; one stream can serve many readers of yours.",
    ),
    "too_many_strangers": Kind(
        503, "Too many requests without a key are on their way", "Try again after the time in Retry-After."
    ),
    "too_many_exports": Kind(503, "Too many exports run already", "Try again after the time in Retry-After."),
    "source_down": Kind(503, "The legacy system does not answer", "Try again after the time in Retry-After."),
    "source_busy": Kind(
        503, "Too many ask the legacy system at this moment", "Try again after the time in Retry-After."
    ),
    "source_limited": Kind(
        429,
        "So much was asked of the legacy system that it is spared for a while",
        "Try again after the time in Retry-After; ask for less, or for what the gateway has stored of it.",
    ),
    "source_closed": Kind(
        503, "The legacy system may not be read at this time", "Try again after the time in Retry-After."
    ),
    "source_slow": Kind(
        504, "The legacy system took too long", "Ask for less: filter by an indexed column, or lower the limit."
    ),
    "internal_error": Kind(
        500, "The gateway made a mistake", "Report it with the request_id, which leads to the trace in the log."
    ),
}

BY_STATUS = {
    400: "bad_request",
    404: "not_found",
    405: "method_not_allowed",
    406: "not_acceptable",
    412: "precondition_failed",
    413: "body_too_large",
    415: "unsupported_media_type",
    416: "range_not_satisfiable",
}
"""The codes of what the web framework itself refuses."""


@dataclass(frozen=True, slots=True)
class Flaw:
    """One thing wrong with a request: in a query `parameter`, a `header`, or at the JSON `pointer` into its body."""

    code: str
    detail: str
    remedy: str = ""
    parameter: str | None = None
    pointer: str | None = None
    header: str | None = None

    def shown(self) -> dict[str, str]:
        """The element of `errors`."""
        shown = {"code": self.code, "detail": cut(self.detail), "remedy": self.remedy or PROBLEMS[self.code].remedy}
        for place in ("parameter", "pointer", "header"):
            value = getattr(self, place)
            if value is not None:
                shown[place] = cut(value)
        return shown


def cut(text: str) -> str:
    """As much of a text as is told."""
    return text if len(text) <= _LETTERS_MAX else f"{text[:_LETTERS_MAX]}…"


@dataclass(eq=False)
class Problem(Exception):
    """An answer that is not success; `code` is a key of :data:`PROBLEMS`."""

    code: str
    detail: str = ""
    remedy: str = ""
    errors: tuple[Flaw, ...] = ()
    headers: Mapping[str, str] = field(default_factory=dict)
    more: Mapping[str, Any] = field(default_factory=dict)
    """Further members of the body."""

    @property
    def kind(self) -> Kind:
        """The row of the table."""
        return PROBLEMS[self.code]

    def body(self, request_id: str) -> bytes:
        """The problem as it is sent."""
        members: dict[str, Any] = {
            "type": f"/problems/{self.code}",
            "title": self.kind.title,
            "status": self.kind.status,
            "code": self.code,
            "detail": cut(self.detail) or self.kind.title,
            "remedy": self.remedy or self.kind.remedy,
            "errors": [flaw.shown() for flaw in self.errors[:FLAWS_MAX]],
            "request_id": request_id,
        }
        return orjson.dumps(members | dict(self.more))


def refuse(flaws: Iterable[Flaw]) -> None:
    """Raise the problem of these flaws; the first one names it. Nothing happens when there are none."""
    found = tuple(flaws)
    if found:
        first = found[0]
        raise Problem(first.code, first.detail, first.remedy, errors=found)


def nearest(word: str, known: Iterable[str], *, say_all: bool = True) -> str:
    """The remedy for a name that is none: the known one most like it, else the known ones, else nothing."""
    names = sorted(known)
    close = difflib.get_close_matches(word.casefold(), [name.casefold() for name in names], n=1, cutoff=0.6)
    if close:
        return f"Did you mean {next(name for name in names if name.casefold() == close[0])!r}?"
    if not names or not say_all:
        return ""
    more = f" and {len(names) - 12} more" if len(names) > 12 else ""
    return f"There are: {', '.join(names[:12])}{more}."
