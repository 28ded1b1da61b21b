"""The ingestion log as an administrator reads it: lines from the store or from another machine's API, followed.

Lines have numbers in the order in which they were written, and some are written later than they happened: above all
what is done at the SFTP server. They are read by their numbers, so that none is lost and none comes twice, and shown in
the order of time as far as they are there at once (:func:`by_time`).
"""

from __future__ import annotations

import heapq
import http.client
import json
import re
import urllib.error
import urllib.parse
import urllib.request
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from itertools import chain
from typing import TYPE_CHECKING, Any

from gateway.errors import Retry, Stop
from gateway.store import activity, deliveries
from gateway.store.bell import Bell

if TYPE_CHECKING:
    import threading
    from collections.abc import Iterable, Iterator

    from gateway.operate.wiring import Gateway
    from gateway.store.activity import Line

    Pages = Iterator[list[Line]]

LONG_POLL_SECONDS = 2
"""How long the API may hold an empty answer back; so long Ctrl-C may wait."""
_SHORT_ID = 12  # d_ and ten characters: a delivery's time to the millisecond
_DURATION = re.compile(r"(\d+)([smhd])")
_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}
_MARKS = {"problem": "✗ ", "info": ""}
_LATE = "↑"
"""Its place is further up."""
_RED, _DIM, _PLAIN = "\x1b[31m", "\x1b[2m", "\x1b[0m"
_SETTLED = timedelta(minutes=1)
"""Of very many lines, those are shown while the rest is read that happened so long before the newest was written."""
_PAGE = 1000
_NAME_COLOURS = (32, 33, 34, 35, 36, 92, 94, 95, 96)


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which lines are wanted."""

    integration: str | None = None
    problems: bool = False
    partner: str | None = None
    delivery: str | None = None
    since: datetime | None = None
    grep: str | None = None


def since(text: str, now: datetime) -> datetime:
    """The time that ``2h``, ``15m``, ``3d`` or an RFC 3339 time means.

    Raises:
        ValueError: it is neither.
    """
    match = _DURATION.fullmatch(text)
    if match:
        return now - timedelta(**{_UNITS[match[2]]: int(match[1])})
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise ValueError(f"{text!r} is no time; write 30s, 15m, 2h, 3d or 2026-11-21T09:00:00Z") from None
    return moment.astimezone(now.tzinfo) if moment.tzinfo else moment.replace(tzinfo=now.tzinfo)


def from_store(gateway: Gateway, wanted: Wanted, *, last: int, follow: bool, stop: threading.Event) -> Pages:
    """Lines of the local store; without `since`, the last so many, then what comes.

    They are in the order of their numbers; an empty page says that there are no more for now.
    """
    chosen = asdict(wanted)
    with gateway.database.read() as connection:
        if wanted.delivery is not None:
            chosen["delivery"] = _full_id(connection, wanted.delivery)
        lines = activity.before(connection, None, **chosen, limit=last) if wanted.since is None else []
        cursor = lines[-1].id if lines else 0 if wanted.since is not None else activity.last(connection)
    yield lines
    bell = Bell(gateway.database)
    try:
        while True:
            with gateway.database.read() as connection:
                lines = activity.after(connection, cursor, **chosen)
            yield lines
            if lines:
                cursor = lines[-1].id
            elif not follow or stop.is_set():
                return
            else:
                bell.wait(1.0, stop)
    finally:
        bell.close()


def from_api(url: str, token: str, wanted: Wanted, *, last: int, follow: bool, stop: threading.Event) -> Pages:
    """The same lines from ``GET /api/v1/activity`` of another machine.

    Once it has answered, a connection that drops while following is taken up again.
    """
    api = _Api(url, token)
    asked = api.asked(wanted)
    if wanted.since is not None:
        lines, cursor = api.lines(asked, 0)
        while lines:
            yield lines
            lines, cursor = api.lines(asked, cursor)
    else:
        lines, cursor = api.last(asked, last)
        yield lines
    yield []
    while follow and not stop.is_set():
        try:
            lines, cursor = api.lines(asked | {"wait": str(LONG_POLL_SECONDS)}, cursor)
        except Retry as later:
            stop.wait(later.delay_seconds)
            continue
        yield lines
        if len(lines) < _PAGE:
            yield []  # to ask whether that is all would take as long as the answer may be held back


def by_time(pages: Iterable[list[Line]]) -> Iterator[tuple[Line, bool]]:
    """Each line once, with whether it is late: whether one that happened after it was shown already.

    What is there at once is in the order of time, lines of one moment in that of their numbers.
    """
    held: list[tuple[datetime, int, Line]] = []
    shown: datetime | None = None
    for page in chain(pages, [[]]):
        for line in page:
            heapq.heappush(held, (_happened(line), line.id, line))
        settled = page[-1].at - _SETTLED if page else None
        while held and (settled is None or held[0][0] < settled):
            at, _, line = heapq.heappop(held)
            yield line, shown is not None and at < shown
            shown = at if shown is None else max(at, shown)


class _Api:
    """The log of another machine, as its API hands it out."""

    def __init__(self, url: str, token: str) -> None:
        if not url.startswith(("http://", "https://")):
            raise Stop(f"{url} is not the address of a gateway", "Write --url https://gateway.example")
        self._url = url.rstrip("/")
        self._token = token

    def asked(self, wanted: Wanted) -> dict[str, str]:
        """The parameters for the lines that are wanted."""
        plain = {"integration": wanted.integration, "partner": wanted.partner, "grep": wanted.grep}
        asked = {name: value for name, value in plain.items() if value is not None}
        if wanted.problems:
            asked["problems"] = "true"
        if wanted.since is not None:
            asked["since"] = wanted.since.isoformat()
        if wanted.delivery is not None:
            asked["delivery"] = str(self._get(f"deliveries/{urllib.parse.quote(wanted.delivery, safe='')}")["id"])
        return asked

    def lines(self, asked: dict[str, str], after: int) -> tuple[list[Line], int]:
        """Some lines behind `after`, and what to go on behind."""
        answer = self._get("activity?" + urllib.parse.urlencode({"limit": str(_PAGE), "after": str(after)} | asked))
        return [_line(each) for each in answer["items"]], int(answer["next"])

    def last(self, asked: dict[str, str], number: int) -> tuple[list[Line], int]:
        """The last so many lines, and what to go on behind."""
        answer = self._get("activity?" + urllib.parse.urlencode({"last": str(min(number, 1000))} | asked))
        return [_line(each) for each in answer["items"]], int(answer["next"])

    def _get(self, path: str) -> Any:
        request = urllib.request.Request(  # noqa: S310 - the scheme was looked at above
            f"{self._url}/api/v1/{path}", headers={"Authorization": f"Bearer {self._token}"}
        )
        try:
            with urllib.request.urlopen(request, timeout=LONG_POLL_SECONDS + 15) as answer:  # noqa: S310 - as above
                return json.load(answer)
        except urllib.error.HTTPError as refused:
            detail, remedy = _told(refused.read().decode("utf-8", "replace"))
            said = f"{self._url} answers {refused.code}: {detail}"
            if refused.code in (429, 502, 503, 504):
                raise Retry(said) from refused
            raise Stop(said, remedy if refused.code == 400 else "Check --url and --token.") from refused
        except (OSError, http.client.HTTPException) as trouble:
            reason = getattr(trouble, "reason", trouble)
            raise Retry(
                f"{self._url} cannot be reached: {reason}", "Check --url and that the gateway runs."
            ) from trouble


def _told(said: str) -> tuple[str, str]:
    """What a refusal says is wrong, and what to do."""
    try:
        problem = json.loads(said)
        return str(problem.get("detail", said[:200])), str(problem.get("remedy", ""))
    except (ValueError, AttributeError):
        return said[:200], ""


def _line(each: dict[str, Any]) -> Line:
    return activity.Line(
        int(each["id"]),
        datetime.fromisoformat(each["at"]),
        each["level"],
        each["event"],
        each.get("integration"),
        each.get("partner"),
        each.get("delivery"),
        each["message"],
        each.get("data") or {},
    )


def _full_id(connection: Any, prefix: str) -> str:
    try:
        found = deliveries.get(connection, prefix)
    except LookupError as several:
        raise Stop(str(several), "Give more characters of the id.") from several
    if found is None:
        raise Stop(f"there is no delivery {prefix}", "gateway tail shows the ids of those that there are.")
    return found.id


def as_text(line: Line, *, colour: bool, late: bool = False) -> str:
    """One line for people: time, integration, delivery, event, message. One that is `late` has an arrow by its time."""
    name = line.integration or line.partner or "-"
    short = (line.delivery or "-")[:_SHORT_ID]
    told = f"{_MARKS.get(line.level, '')}{line.event}"
    at = _happened(line)
    time = f"{at:%H:%M:%S}.{at.microsecond // 1000:03}{_LATE if late else ' '}"
    message = line.message.replace("\n", " ⏎ ")
    if not colour:
        return f"{time} {name:<18} {short:<12}  {told:<17} {message}"
    shade = _NAME_COLOURS[sum(name.encode()) % len(_NAME_COLOURS)]
    body = f"{told:<17} {message}"
    body = f"{_RED}{body}{_PLAIN}" if line.level == "problem" else body
    return f"{_DIM}{time}{_PLAIN} \x1b[{shade}m{name:<18}{_PLAIN} {_DIM}{short:<12}{_PLAIN}  {body}"


def _happened(line: Line) -> datetime:
    """When it happened, where that is earlier than when it was written."""
    said = line.data.get("at")
    try:
        at = datetime.fromisoformat(said) if isinstance(said, str) else line.at
    except ValueError:
        return line.at
    return min(at, line.at) if at.tzinfo is not None else line.at


def as_json(line: Line) -> str:
    """One line for programs, with the members of the API."""
    return json.dumps(
        {
            "id": line.id,
            "at": line.at.isoformat().replace("+00:00", "Z"),
            "level": line.level,
            "event": line.event,
            "integration": line.integration,
            "partner": line.partner,
            "delivery": line.delivery,
            "message": line.message,
            "data": line.data,
        },
        ensure_ascii=False,
    )
