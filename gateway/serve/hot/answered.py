"""What the lane says: 200 with an entity tag, or the 304 for who has it already."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from gateway.serve.answers import HEADERS, JSON

if TYPE_CHECKING:
    from collections.abc import Mapping

Headers = tuple[tuple[str, str], ...]
Answer = tuple[str, list[tuple[str, str]], bytes]
"""Status, headers, body."""

ALWAYS: Headers = tuple((name, value) for name, value in HEADERS.items() if name != "Cache-Control")
_TAGGED: Headers = (("Cache-Control", "private, no-cache"), *ALWAYS)
_ETAG = re.compile(r'(?:W/)?"([^",]*)"').fullmatch


def answered(
    environ: Mapping[str, Any], etag: str, headers: Headers, body: bytes | None, unchanged: Headers
) -> Answer | None:
    """The answer with its entity tag, or the 304 with the headers `unchanged`; None for a tag that is odd."""
    known = environ.get("HTTP_IF_NONE_MATCH")
    if known is not None:
        tag = _ETAG(known)
        if tag is None:
            return None
        if tag[1] == etag:
            return "304 NOT MODIFIED", [("ETag", f'"{etag}"'), *unchanged, *_TAGGED], b""
    if body is None:
        return None
    length = ("Content-Length", str(len(body)))
    return "200 OK", [("Content-Type", JSON), length, ("ETag", f'"{etag}"'), *headers, *_TAGGED], body
