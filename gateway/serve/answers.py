"""How things are said in JSON: objects, lists, moments; lists of ready bytes are joined, never parsed."""

from __future__ import annotations

import base64
import json
import re
from datetime import date, datetime, time
from decimal import Decimal
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, unquote, urlencode

import orjson
from flask import Response, request
from werkzeug.datastructures import MIMEAccept
from werkzeug.http import parse_accept_header

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

JSON = "application/json"

SYSTEM = ("_key", "_seq", "_version")
"""The system's members, with which every record begins."""

REQUEST_ID = re.compile(r"[A-Za-z0-9._:-]{1,128}").fullmatch
TRACEPARENT = re.compile(r"(?!ff)[0-9a-f]{2}-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}").fullmatch
"""W3C Trace Context, 3.2: version, trace id, parent id, flags; all zeros are no ids."""

HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
    "Cache-Control": "no-store",
}
"""What every answer has that says nothing else."""

VARY = ("Vary", "Accept")
"""What every answer of a resource has whose form Accept chooses."""


def said(value: Any) -> bytes:
    """A value as JSON: decimals are texts, moments RFC 3339 with Z, bytes base64."""
    try:
        return orjson.dumps(value, default=_plain, option=orjson.OPT_UTC_Z)
    except orjson.JSONEncodeError:  # a whole number of more than 64 bits, which only a legacy table can hold
        return json.dumps(value, default=_plain, ensure_ascii=False, separators=(",", ":")).encode()


def answered(value: Any, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    """One object."""
    return Response(said(value), status, headers, mimetype=JSON)


def listed(
    items: Iterable[bytes],
    *,
    cursor: str | int | None,
    as_of: Mapping[str, Any],
    count: int | None = None,
    more: Mapping[str, Any] | None = None,
    headers: Mapping[str, str] | None = None,
) -> Response:
    """One page of a list, joined from items that are ready: ``{"items": […], "next": …, "as_of": …}``.

    A number as the cursor is a place in a log, which has no end; its link is the caller's.
    """
    tail = {"next": cursor, "as_of": as_of} | ({} if count is None else {"count": count}) | dict(more or {})
    answer = Response(page_of(b",".join(items), said(tail)), 200, headers, mimetype=JSON)
    if isinstance(cursor, str):
        answer.headers.add("Link", next_link(request.path, request.args.items(multi=True), cursor))
    return answer


def page_of(items: bytes | memoryview, tail: bytes) -> bytes:
    """The body of a list: its items, joined by commas, and the object with the members behind them."""
    return b"".join((b'{"items":[', items, b"],", tail[1:]))


def as_of(change: int, at: datetime | None) -> dict[str, Any]:
    """How far the records of a list had come."""
    return {"time": at, "change": change}


def next_link(path: str, pairs: Iterable[tuple[str, str]], cursor: str) -> str:
    """Where the next page of this list is (RFC 8288)."""
    kept = [pair for pair in pairs if pair[0] != "cursor"]
    return f'<{path_of(path)}?{urlencode([*kept, ("cursor", cursor)])}>; rel="next"'


def accepted(header: str) -> MIMEAccept:
    """What an Accept header asks for, without what it says of variants.

    There is one variant of each form here, and clients say ``;charset=utf-8`` of habit: that is no reason for a 406.
    """
    wanted = parse_accept_header(header, MIMEAccept)
    return MIMEAccept([(media.partition(";")[0], quality) for media, quality in wanted if quality or ";" not in media])


def not_modified(etag: str) -> Response | None:
    """The 304 for a caller whose copy still has this entity tag; None when it has another."""
    if not request.if_none_match.contains_weak(etag):
        return None
    return tagged(Response(status=304), etag)


def tagged(answer: Response, etag: str) -> Response:
    """The answer with its strong entity tag; a cache must ask before each use."""
    answer.set_etag(etag)
    answer.headers["Cache-Control"] = "private, no-cache"
    return answer


def here(**changed: str) -> str:
    """The path and query of this request, with some parameters set anew."""
    pairs = [(name, value) for name, value in request.args.items(multi=True) if name not in changed]
    return f"{path_of(request.path)}?{urlencode([*pairs, *changed.items()])}"


def path_of(path: str) -> str:
    """A path as it stands in a header."""
    return quote(path, safe="/~:@!$&'()*+,;=")


def keys_of(path: str, parts: int) -> list[str]:
    """The keys that a decoded path may mean, when keys have so many parts; see ``validate.columns.record_key``.

    A server hands the path on decoded (PEP 3333), so a tilde inside a part cannot be told from the one that joins: all
    ways to cut are tried, the likeliest first.
    """
    pieces = path.split("~")
    if len(pieces) < parts:
        return []
    return ["~".join(_part(part) for part in way) for way in _ways(pieces, parts)][:32]


def spelled(path: str, parts: int) -> list[str]:
    """The key that a decoded path spells out, if it does: generated clients escape a record's ``_key`` once more."""
    pieces = path.split("~")
    escaped = "%" in path and len(pieces) == parts and all(_part(unquote(piece)) == piece for piece in pieces)
    return [path] if escaped else []


def parts_of(path: str, parts: int) -> list[tuple[str, ...]]:
    """The values of the key's parts that a decoded path may mean."""
    pieces = path.split("~")
    return [] if len(pieces) < parts else [tuple(way) for way in _ways(pieces, parts)][:32]


def _ways(pieces: Sequence[str], parts: int) -> list[list[str]]:
    """All ways to join neighbouring pieces so that `parts` are left."""
    if parts <= 1:
        return [["~".join(pieces)]]
    ways = []
    for size in range(1, len(pieces) - parts + 2):
        ways += [["~".join(pieces[:size]), *rest] for rest in _ways(pieces[size:], parts - 1)]
        if len(ways) > 32:
            break
    return ways


def _part(text: str) -> str:
    return quote(text, safe="").replace("~", "%7E")


def _plain(value: Any) -> Any:
    if isinstance(value, Decimal):
        return format(value, "f")
    if isinstance(value, bytes):
        return base64.b64encode(value).decode()
    if isinstance(value, date | datetime | time):
        return value.isoformat()
    raise TypeError(f"{type(value).__name__} has no form in JSON")
