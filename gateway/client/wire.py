"""One request and its answer: connections that are kept, requests that are sent again, refusals as exceptions."""

from __future__ import annotations

import http.client
import itertools
import json
import random
import ssl
import time
from collections import deque
from contextlib import suppress
from dataclasses import dataclass, field
from decimal import Decimal
from typing import TYPE_CHECKING, Any, BinaryIO
from urllib.parse import quote, urlencode, urlsplit

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

LOST = (OSError, http.client.HTTPException)
"""What a connection ends with that should not have ended."""

Body = tuple[BinaryIO, int, int]
"""A file, where in it the body begins, and how long it is."""

BLOCK = 64 * 1024
_BACKOFF_SECONDS_MAX = 5.0
_AGAIN = (429, 502, 503)
_noise = random.SystemRandom()


@dataclass(eq=False)
class Problem(Exception):
    """What the gateway refused, as it said it (RFC 9457); codes are explained at /problems of the gateway.

    `errors` has an entry for each thing that is wrong: its code, detail, remedy, and parameter, pointer or header.
    `members` is all that was said, such as ``first`` of ``changes_purged``.
    """

    status: int
    code: str
    detail: str
    remedy: str = ""
    request_id: str = ""
    errors: list[dict[str, Any]] = field(default_factory=list)
    members: dict[str, Any] = field(default_factory=dict)
    retry_after: float | None = None

    def __str__(self) -> str:
        """One line: status, code, detail, remedy, and the id under which the gateway's log has it."""
        said = ". ".join(part.rstrip(".") for part in (self.detail, self.remedy) if part)
        end = "" if said.endswith(("?", "!")) or not self.remedy else "."
        asked = f" (request {self.request_id})" if self.request_id else ""
        return f"{self.status} {self.code}: {said}{end}{asked}"


class Answer:
    """A whole answer, or one whose body is still to be read from its connection."""

    def __init__(self, connection: http.client.HTTPConnection, *, stream: bool) -> None:
        self._connection, self._response = connection, connection.getresponse()
        self.status, self.headers = self._response.status, self._response.headers
        self.open = stream and self.status < 300
        try:
            self.body = b"" if self.open else self._response.read()
        except BaseException:
            self.close()
            raise
        if self._response.version > 10 and self._response.length is None and not self._response.chunked:
            self.close()  # headers that were cut off look like all of them, with a body that has no length
            raise http.client.IncompleteRead(self.body)

    @property
    def leaves_free(self) -> bool:
        """Whether its connection can be used again."""
        return not self.open and not self._response.will_close

    def close(self) -> None:
        """Let go of the connection, also in the middle of the body."""
        self._response.close()
        self._connection.close()

    def lines(self) -> Iterator[bytes]:
        """The lines of a stream as they come; the last one is whole or the stream broke off.

        Raises:
            OSError, HTTPException: the connection was lost.
        """
        kept = b""
        while block := self._response.read1(BLOCK):
            *lines, kept = (kept + block).split(b"\n")
            yield from lines
        if kept:
            raise http.client.IncompleteRead(kept)

    def problem(self) -> Problem:
        """What was refused; who stands between and answers with a page of its own is quoted."""
        try:
            said = json.loads(self.body)
        except ValueError:
            said = None
        if not isinstance(said, dict) or "code" not in said:
            text = " ".join(self.body.decode(errors="replace").split())[:200]
            said = {"code": f"http_{self.status}", "detail": text or "answered without a reason"}
        after = self.headers.get("Retry-After", "")
        return Problem(
            self.status,
            str(said["code"]),
            str(said.get("detail", "")),
            str(said.get("remedy", "")),
            str(said.get("request_id") or self.headers.get("X-Request-ID", "")),
            list(said.get("errors") or ()),
            said,
            float(after) if after.isdigit() else None,
        )


class Wire:
    """The way to one gateway with one key, for many threads: each request has a connection to itself."""

    def __init__(self, url: str, key: str, timeout: float, patience: float, context: ssl.SSLContext | None) -> None:
        parts = urlsplit(url if "//" in url else f"http://{url}")
        if parts.scheme not in ("http", "https") or not parts.hostname or parts.username is not None:
            raise ValueError("the url is of the form https://gateway.example.com, without a login")
        key = key.strip()
        if not key or not key.isascii() or not key.isprintable() or " " in key:  # http.client would quote it
            raise ValueError("the key is empty, or has characters that no key has; was more than the key copied?")
        prefix = parts.path.rstrip("/").removesuffix("/api/v1").rstrip("/")
        self.url = f"{parts.scheme}://{parts.netloc}{prefix}"
        self._timeout, self._patience = timeout, patience
        self._host, self._port, self._prefix = parts.hostname, parts.port, prefix
        self._context = (context or ssl.create_default_context()) if parts.scheme == "https" else None
        self._headers = {"Authorization": f"Bearer {key}", "User-Agent": "legacy-gateway-client"}
        self._idle: deque[http.client.HTTPConnection] = deque()

    def close(self) -> None:
        """Close the connections that are idle; a later request opens another."""
        with suppress(IndexError):
            while True:
                self._idle.pop().close()

    def target(self, path: str, query: Mapping[str, Any]) -> str:
        """A path with its query as it is asked for. What is escaped in the path, as in a ``_key``, stays so."""
        whole = path if path.startswith("/") else f"/api/v1/{path}"
        pairs = [(name, _text(value)) for name, value in query.items() if value is not None]
        asked = f"?{urlencode(pairs)}" if pairs else ""
        return self._prefix + quote(whole, safe="/~:@!$&'()*+,;=%") + asked

    def ask(
        self,
        method: str,
        target: str,
        headers: Mapping[str, str],
        body: Body | None = None,
        *,
        wait: float = 0,
        stream: bool = False,
    ) -> Answer:
        """The answer to a request that can be repeated, and is, as long as patience lasts."""
        until = time.monotonic() + self._patience
        for tries in itertools.count():
            failure: Exception
            pause = min(_BACKOFF_SECONDS_MAX, 0.1 * 2 ** min(tries, 10)) * _noise.uniform(0.5, 1)
            try:
                answer = self._once(method, target, {**self._headers, **headers}, body, self._timeout + wait, stream)
            except ssl.SSLCertVerificationError:
                raise
            except LOST as lost:
                failure = ConnectionError(f"{self.url} cannot be reached: {lost or type(lost).__name__}")
                failure.__cause__ = lost
            else:
                if answer.status < 300 or answer.status == 304:
                    return answer
                problem = answer.problem()
                if problem.status not in _AGAIN and problem.code != "still_running":
                    raise problem
                failure, pause = problem, problem.retry_after or pause
            if time.monotonic() + pause > until:
                raise failure
            time.sleep(pause)
        raise AssertionError

    def _once(
        self, method: str, target: str, headers: Mapping[str, str], body: Body | None, timeout: float, stream: bool
    ) -> Answer:
        """One request; for an idle connection that turns out to be closed, another is taken."""
        while True:
            connection, fresh = self._connection(timeout)
            try:
                answer = _sent(connection, method, target, headers, body, stream=stream)
            except BaseException as error:
                connection.close()
                if fresh or not isinstance(error, ConnectionError):
                    raise
                continue
            if answer.leaves_free:
                self._idle.append(connection)
            return answer

    def _connection(self, timeout: float) -> tuple[http.client.HTTPConnection, bool]:
        """A connection that is idle, or a fresh one."""
        with suppress(IndexError):
            connection = self._idle.pop()
            if connection.sock is not None:
                connection.sock.settimeout(timeout)
                return connection, False
        if self._context is None:
            return http.client.HTTPConnection(self._host, self._port, timeout=timeout), True
        return http.client.HTTPSConnection(self._host, self._port, timeout=timeout, context=self._context), True


def _sent(
    connection: http.client.HTTPConnection,
    method: str,
    target: str,
    headers: Mapping[str, str],
    body: Body | None,
    *,
    stream: bool,
) -> Answer:
    """Send a request, and read what is answered."""
    if body is None:
        connection.request(method, target, headers=dict(headers))
        return Answer(connection, stream=stream)
    try:
        connection.request(method, target, _blocks(body), {**headers, "Content-Length": str(body[2])})
    except (BrokenPipeError, ConnectionResetError):
        if connection.sock is None:
            raise
        # Who refuses a body before it has all come may have said why before hanging up.
        answer = Answer(connection, stream=False)
        connection.close()
        return answer
    return Answer(connection, stream=False)


def _blocks(body: Body) -> Iterator[bytes]:
    """The bytes of a body, neither more nor fewer than were announced."""
    file, start, left = body
    try:
        file.seek(start)
        while left:
            block = file.read(min(BLOCK, left))
            if not block:
                raise ValueError("the file became shorter while it was sent")
            left -= len(block)
            yield block
    except OSError as error:
        raise ValueError(f"the file cannot be read: {error}") from error


def _text(value: Any) -> str:
    """A value as it stands in a query; in a list, one that holds a comma is quoted."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, list | tuple | set | frozenset):
        return ",".join(_quoted(_text(each)) for each in value)
    if hasattr(value, "isoformat"):
        return str(value.isoformat())
    return format(value, "f") if isinstance(value, Decimal) else str(value)


def _quoted(text: str) -> str:
    """A value of a list."""
    plain = text and not set(text) & set(',"\r\n')
    return text if plain else '"' + text.replace('"', '""') + '"'
