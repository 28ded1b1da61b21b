"""What can be asked of a gateway, as methods."""

from __future__ import annotations

import base64
import hashlib
import io
import json
import os
import re
import threading
import time
import uuid
from collections import OrderedDict
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, BinaryIO, Self
from urllib.parse import quote, urlsplit

from .wire import BLOCK, LOST, Answer, Wire

if TYPE_CHECKING:
    import ssl
    from collections.abc import Iterable, Iterator, Mapping

JSON, NDJSON, EVENTS = "application/json", "application/x-ndjson", "text/event-stream"
_LINK = re.compile(r"""<([^>]*)>((?:\s*;\s*[^\s=;,"]+\s*(?:=\s*(?:"(?:[^"\\]|\\.)*"|[^\s;,"]*))?)*)""").finditer
_PARAMETER = re.compile(r""";\s*([^\s=;,"]+)\s*(?:=\s*(?:"((?:[^"\\]|\\.)*)"|([^\s;,"]*)))?""").findall
_UNDER = ("%2fhistory", "%2fevidence")
"""Ends of keys that, in a path, are taken for what is under another record."""
_BEAT_SECONDS = 15
"""An event stream says at least so often that it is still there."""


class Client:
    """The API of one gateway, with one key.

    Args:
        url: where the gateway is, such as ``https://gateway.example.com``; ``/api/v1`` may stand behind it.
        key: an API key, or a token.
        timeout: how many seconds a connection may be silent while it is waited for.
        patience: for how many seconds a request is tried again, when the connection is lost or the gateway asks to come
            back later (429, 503). Only what can be repeated is: reading, and whatever has an Idempotency-Key.
        cache: how many bytes of answers are kept with their ETags; what did not change is not sent again.
        context: for TLS with certificates of your own.
    """

    def __init__(
        self,
        url: str,
        key: str,
        *,
        timeout: float = 30.0,
        patience: float = 60.0,
        cache: int = 16 * 1024 * 1024,
        context: ssl.SSLContext | None = None,
    ) -> None:
        self._wire = Wire(url, key, timeout, patience, context)
        self._cache = _Cache(cache)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"Client({self._wire.url!r})"

    def close(self) -> None:
        """Close the connections that are idle; a later request opens another."""
        self._wire.close()

    def get(self, path: str, /, **query: Any) -> Any:
        """The JSON at a path: ``orders/acme~4711``, ``types``, ``/health/ready``; without a slash, behind /api/v1/.

        A value of the query may be a text, number, date, bool, or a list of them (``status__in=["open", "closed"]``).
        For a record whose key is not known to be harmless in a path, there is `record`.

        Raises:
            Problem: it was refused.
            ConnectionError: the gateway could not be reached.
            ValueError: a value is None; what is there is not JSON, as at ``/metrics``.
        """
        return self._got(path, _asked(query))

    def record(self, collection: str, key: str, /, **query: Any) -> dict[str, Any]:
        """The record of a collection, or the row of a table (``tables/erp/customers``), by its ``_key``.

        Raises:
            Problem: it was refused; ``unknown_record`` or ``unknown_row`` where there is none of that key.
            ConnectionError: the gateway could not be reached.
            ValueError: a value of the query is None.
        """
        part = key.replace("/", "%2F")  # as it stands in a _key; a path with one means another thing
        if part.lower().endswith(_UNDER):
            part = quote(part, safe="~")  # escaped once more: else it would be the path of what is under another record
        found: dict[str, Any] = self.get(f"{collection}/{part}", **query)
        return found

    def post(self, path: str, body: Mapping[str, Any] | None = None, *, idempotency_key: str | None = None) -> Any:
        """Do something: ``client.post("quarantine/doc_…/retry")``; the JSON of the answer.

        It is done once, however often it must be sent: without `idempotency_key` one is made.

        Raises:
            Problem: it was refused.
            ConnectionError: the gateway could not be reached; whether it was done is not known, and asking again with
                the same key is safe.
        """
        raw = json.dumps(body or {}).encode()
        headers = {"Content-Type": JSON, "Idempotency-Key": idempotency_key or uuid.uuid4().hex}
        target, sent = self._wire.target(path, {}), (io.BytesIO(raw), 0, len(raw))
        return _json(self._wire.ask("POST", target, headers, sent), "post")

    def iterate(self, collection: str, /, **filters: Any) -> Iterator[dict[str, Any]]:
        """Every item of a list, page by page: of records, of rows (``tables/erp/customers``), of ``deliveries``.

        With `filters` as the API has them: ``status="open"``, ``total__gte=Decimal(100)``, ``sort``, ``fields``;
        ``limit`` is the size of a page. Records that change meanwhile shift nothing. Logs (``audit``, ``activity``,
        ``changes``) are read up to where they end now; with ``last=20``, their last so many lines.

        Raises:
            Problem: it was refused.
            ConnectionError: the gateway could not be reached.
            ValueError: a filter is None; ``note__isnull=True`` is for what has no value.
        """
        target, place = self._wire.target(collection, _asked(filters)), None
        while True:
            page, following = self._page(target, 0)
            if page["next"] is not None and page["next"] == place:  # the end of a log: its place stays as it was
                return
            yield from page["items"]
            place = page["next"]
            if following is None or "last" in filters:
                return
            # The path stays ours: who stands between may have put another one before the gateway's.
            target = f"{target.partition('?')[0]}?{urlsplit(following).query}"

    def changes(
        self,
        since: int = 0,
        *,
        types: str | Iterable[str] = (),
        wait: int = 30,
        follow: bool = True,
        events: bool = False,
        bodies: bool = True,
    ) -> Iterator[dict[str, Any]]:
        """The changes behind number `since`, in their order; keep the ``seq`` of the last one to go on behind it later.

        Each is told once, and none is left out, also where the connection is lost meanwhile. With `follow` this goes on
        for ever: it asks, and waits up to `wait` seconds for an answer (at most 30), or with `events` hears server-sent
        events. Without `follow` it ends with the newest. `types`, one or several, leaves out others, `bodies=False` the
        records.

        Raises:
            Problem: it was refused; ``changes_purged`` where `since` is older than what is kept: export anew.
            ConnectionError: the gateway could not be reached for as long as the client's patience.
        """
        wanted = [types] if isinstance(types, str) else list(types)
        query = {"type": wanted or None, "body": None if bodies else "none"}
        if events and follow:
            yield from self._heard(since, query)
            return
        while True:
            held = max(wait, 1) if follow else 0
            page = self._got("changes", {**query, "since": since, "limit": 1000, "wait": held or None}, wait=held)
            yield from page["items"]
            since = page["next"]
            if not follow and since >= page["as_of"]["change"]:
                return

    def export(self, collection: str, /, **filters: Any) -> Export:
        """All records of a collection as they stand now, or those that `filters` leave, as one stream.

        Raises:
            Problem: it was refused.
            ConnectionError: the gateway could not be reached.
            ValueError: a filter is None, as in `iterate`.
        """
        target = self._wire.target(collection, _asked(filters))
        return Export(self._wire.ask("GET", target, {"Accept": NDJSON}, stream=True))

    def evidence(self, collection: str, key: str, /, field: str | None = None, **query: Any) -> dict[str, Any]:
        """Why a record has its values, or why it has the one at `field`. `key` is its ``_key``.

        Raises:
            Problem: it was refused.
            ConnectionError: the gateway could not be reached.
            ValueError: a value of the query is None.
        """
        found: dict[str, Any] = self._got(f"{collection}/{key}/evidence", {"field": field, **_asked(query)})
        return found

    def delivery(self, delivery_id: str) -> dict[str, Any]:
        """A delivery: its ``state``, and how many ``documents`` of it were accepted, or are held.

        Raises:
            Problem: it was refused.
            ConnectionError: the gateway could not be reached.
        """
        found: dict[str, Any] = self.get(f"deliveries/{delivery_id}")
        return found

    def upload(
        self,
        integration: str,
        file: bytes | str | os.PathLike[str] | BinaryIO,
        *,
        filename: str | None = None,
        wait: int | None = None,
        idempotency_key: str | None = None,
        content_digest: bool = True,
    ) -> dict[str, Any]:
        """Hand a file in: its bytes, its path, or an open binary file from where it stands; the delivery that it is.

        When this returns, the bytes are durable. With `wait`, its judging is waited for up to so many seconds (at
        most 25). `filename` is by default that of the file. The file becomes one delivery, however often it must
        be sent: without `idempotency_key` one is made. `content_digest`: have its bytes compared with their SHA-256.

        Raises:
            Problem: it was refused.
            ConnectionError: the gateway could not be reached; sending it again with the same key is safe.
        """
        with _opened(file) as stream:
            start = stream.tell()
            digest, size = _digest(stream)
            headers = {
                "Content-Type": "application/octet-stream",
                "Idempotency-Key": idempotency_key or uuid.uuid4().hex,
            }
            if content_digest:
                headers["Content-Digest"] = f"sha-256=:{base64.b64encode(digest).decode()}:"
            if wait is not None:
                headers["Prefer"] = f"wait={wait}"
            named = filename or _name(stream)
            target = self._wire.target(f"integrations/{integration}/deliveries", {"filename": named})
            answer = self._wire.ask("POST", target, headers, (stream, start, size), wait=wait or 0)
        delivery: dict[str, Any] = json.loads(answer.body)
        return delivery

    def _heard(self, since: int, query: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
        """The changes as server-sent events; a stream that ends is asked for anew, behind the last whole event."""
        while True:
            heard, target = False, self._wire.target("changes", {**query, "since": since})
            answer = self._wire.ask("GET", target, {"Accept": EVENTS}, wait=_BEAT_SECONDS, stream=True)
            try:
                for number, data in _events(answer.lines()):
                    if number > since:
                        heard, since = True, number
                        if data:
                            yield json.loads(data)
            except LOST:
                pass
            finally:
                answer.close()
            if not heard:
                time.sleep(1)

    def _got(self, path: str, query: Mapping[str, Any], *, wait: float = 0) -> Any:
        """The JSON at a path."""
        return self._page(self._wire.target(path, query), wait)[0]

    def _page(self, target: str, wait: float) -> tuple[Any, str | None]:
        """The JSON of a target, or the copy of it that is still right; and the target of the next page."""
        tag, kept, following = self._cache.get(target)
        answer = self._wire.ask("GET", target, {"If-None-Match": tag} if tag else {}, wait=wait)
        if answer.status == 304:
            return json.loads(kept), following
        following = _next(answer.headers.get_all("Link", ()))
        found = _json(answer, "get")
        if "ETag" in answer.headers:
            self._cache.put(target, answer.headers["ETag"], answer.body, following)
        return found, following


class Export:
    """The records of an export, once, in the order of their keys: `count` of them.

    `since` is where the changes behind it begin.

    It holds a connection until its end; who stops earlier closes it, or uses it in ``with``.
    """

    def __init__(self, answer: Answer) -> None:
        self._answer = answer
        self.since = int(answer.headers.get("Gateway-Changes-Since", -1))
        self.count = int(answer.headers.get("Gateway-Records", -1))
        if self.since < 0:
            answer.close()
            raise ConnectionError("the export broke off before it began; begin it again")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __iter__(self) -> Iterator[dict[str, Any]]:
        """The records as they come.

        Raises:
            ConnectionError: it broke off. It was one snapshot, which nobody can go on with: begin again.
        """
        count = 0
        try:
            for line in self._answer.lines():
                yield json.loads(line)
                count += 1
            if count != self.count >= 0:  # a server that breaks off ends its stream like one that is whole
                raise ConnectionError(f"the export broke off behind {count} of {self.count} records; begin it again")
        except LOST as lost:
            raise ConnectionError(f"the export broke off behind {count} records; begin it again") from lost
        finally:
            self.close()

    def close(self) -> None:
        """Let go of the connection."""
        self._answer.close()


def _asked(query: dict[str, Any]) -> dict[str, Any]:
    """A query as it was given, if all of it is sent.

    Raises:
        ValueError: a value is None, which a URL cannot say; without the filter, the answer would be more than is meant.
    """
    for name, value in query.items():
        if value is None or (isinstance(value, list | tuple | set | frozenset) and None in value):
            field = name.rpartition("__")[0] or name
            raise ValueError(
                f"{name}={value} asks for nothing: leave it out, or write {field}__isnull=True for what has no value"
            )
    return query


def _json(answer: Answer, asked: str) -> Any:
    """The JSON of an answer.

    Raises:
        ValueError: it is none.
    """
    try:
        return json.loads(answer.body)
    except ValueError as error:
        kind = answer.headers.get("Content-Type") or "of no kind that is named"
        raise ValueError(
            f"the answer is {kind}, not JSON: it begins with {answer.body[:40]!r}. {asked}() reads JSON alone; ask for "
            "other things, such as /metrics and the content of deliveries, with another HTTP client"
        ) from error


class _Cache:
    """Answers with their ETags, up to so many bytes; what was not asked for the longest goes first."""

    def __init__(self, most: int) -> None:
        self._most = self._left = most
        self._kept: OrderedDict[str, tuple[str, bytes, str | None]] = OrderedDict()
        self._lock = threading.Lock()

    def get(self, target: str) -> tuple[str, bytes, str | None]:
        """The ETag, the body, both empty where there is none, and where the next page is."""
        with self._lock:
            if target not in self._kept:
                return "", b"", None
            self._kept.move_to_end(target)
            return self._kept[target]

    def put(self, target: str, tag: str, body: bytes, following: str | None) -> None:
        """Keep an answer, unless most others would have to go for it."""
        if len(body) > self._most // 4:
            return
        with self._lock:
            if target in self._kept:
                self._left += len(self._kept.pop(target)[1])
            self._kept[target] = tag, body, following
            self._left -= len(body)
            while self._left < 0:
                self._left += len(self._kept.popitem(last=False)[1][1])


def _next(links: Iterable[str]) -> str | None:
    """The target of the link with ``rel="next"`` (RFC 8288, 3), of those that an answer has."""
    for found in _LINK(", ".join(links)):
        for name, quoted, plain in _PARAMETER(found[2]):
            if name.lower() == "rel" and "next" in (quoted or plain).lower().split():
                return found[1]
    return None


def _digest(file: BinaryIO) -> tuple[bytes, int]:
    """The SHA-256 of what is left of a file, and its length."""
    sha256, size = hashlib.sha256(), 0
    while block := file.read(BLOCK):
        sha256.update(block)
        size += len(block)
    return sha256.digest(), size


@contextmanager
def _opened(file: bytes | str | os.PathLike[str] | BinaryIO) -> Iterator[BinaryIO]:
    """What is handed in as a file that can be read again; what cannot be rewound is taken into memory."""
    if isinstance(file, bytes):
        yield io.BytesIO(file)
    elif isinstance(file, str | os.PathLike):
        with open(file, "rb") as opened:  # noqa: PTH123 - it may be any kind of path
            yield opened
    else:
        yield file if file.seekable() else io.BytesIO(file.read())


def _name(file: BinaryIO) -> str | None:
    """The name of a file without its folder; a file that is none on a disk has none, or a number."""
    name = getattr(file, "name", None)
    return os.path.basename(name) if isinstance(name, str) else None  # noqa: PTH119 - a name, of any system


def _events(lines: Iterable[bytes]) -> Iterator[tuple[int, bytes]]:
    """The number and the data of each server-sent event that is whole; no data in what only tells the number."""
    said: dict[bytes, bytes] = {}
    for line in lines:
        if line:
            name, _, value = line.partition(b": ")
            said[name] = value
            continue
        if b"id" in said:
            yield int(said[b"id"]), said.get(b"data", b"")
        said = {}
