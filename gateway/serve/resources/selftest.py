"""The page on which a partner tries files: it needs nothing but its link, and nothing real is touched.

A form without any script: a file goes in, and the page that comes back says what would become of it. Whoever has the
link is taken for the partner here, and nowhere else. A link that does not count is one that was never made.
"""

from __future__ import annotations

import hashlib
import re
import tempfile
import threading
from contextlib import ExitStack
from dataclasses import dataclass, fields, replace
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Any, BinaryIO

from flask import Response, g, render_template, request
from werkzeug.exceptions import RequestEntityTooLarge
from werkzeug.formparser import MultiPartParser
from werkzeug.http import dump_options_header, parse_options_header

from gateway.errors import Reject
from gateway.model import Finding
from gateway.publish.letters.facts import Unit
from gateway.publish.letters.headers import agreed, mapper_of
from gateway.publish.letters.names import of_name, patterns
from gateway.publish.letters.wording import codes_of, worded
from gateway.receive.trials import Asking
from gateway.serve.auth import Caller
from gateway.serve.bodies import IN_MEMORY, announced_length, place_of, received
from gateway.serve.limits import Limits, Policy
from gateway.serve.operations import Operation
from gateway.serve.problems import Problem
from gateway.store import links, trials
from gateway.workspace.offers import offers

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from werkzeug.datastructures import FileStorage

    from gateway.configuration import Configuration
    from gateway.integrations import Integration
    from gateway.normalize.compiler import Mapper
    from gateway.serve.operations import Call
    from gateway.store.links import Link
    from gateway.store.trials import Shown

PAGE_BYTES_MAX = 10 * 1024 * 1024
"""A larger file is tried through /test/inbox: what is wrong with it shows in a part of it, too."""

FILES, LOOKS = Policy(20, 600), Policy(300, 60)
"""So many files, and so many looks, in so many seconds with one link."""

SECURITY_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; form-action 'self'; "
    "base-uri 'none'; frame-ancestors 'none'"
)
_FORM_BYTES, _PARTS = 64 * 1024, 8
"""What a form has beside its file, and in how many parts."""
_NUMBERS_MAX = 5
"""Of so many documents the numbers are told that have the same wrong; the others are counted."""
_PARTS_OF_FINDINGS = {each.name for each in fields(Finding)}


_MEDIA = {".html": "text/html"}


@dataclass(frozen=True, slots=True)
class Told:
    """A finding as a partner reads it, in the words of letters."""

    severity: str
    place: str
    quote: Mapping[str, str]
    what: str
    expected: str
    send: str
    ours: bool


@dataclass(frozen=True, slots=True)
class _Speaking:
    """What the words of findings are taken from."""

    configuration: Configuration
    integration: Integration | None
    mapper: Mapper | None


class SelfTest:
    """The page, and how often each link was used in this process."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._buckets: tuple[Limits, Limits] | None = None

    def operations(self) -> tuple[Operation, ...]:
        """The form, the file that is sent with it, what came of it, and a file of that."""
        one = "/try/{token}/{trial}"
        return (
            _page("get_try", "GET", "/try/{token}", self.form),
            _page("send_try", "POST", "/try/{token}", self.send),
            _page("get_tried", "GET", one, self.outcome),
            _page("get_tried_file", "GET", f"{one}/{{number}}", self.answer, ()),
        )

    def form(self, call: Call, token: str) -> Response:
        """``GET /try/…``."""
        return self._shown(call, token, lambda link: _html(call, link))

    def send(self, call: Call, token: str) -> Response:
        """``POST /try/…`` with the file as the part ``file`` of a form: 303 to what comes of it."""

        def answer(link: Link) -> Response:
            self._take(call, link, of_files=True)
            with ExitStack() as open_files:
                file, integration = _part(call, open_files)
                trial = _asked(call, link, file, integration)
            return Response(status=303, headers={"Location": f"/try/{token}/{trial}"})

        return self._shown(call, token, answer)

    def outcome(self, call: Call, token: str, trial: str) -> Response:
        """``GET /try/…/t_01j…``: while nothing came of it yet, the page asks again by itself."""
        return self._shown(call, token, lambda link: _html(call, link, shown=_trial(call, link, trial)))

    def answer(self, call: Call, token: str, trial: str, number: str) -> Response:
        """``GET /try/…/t_01j…/1``: the first file that would be sent; ``letter.html``, the letter as a page."""

        def answer(link: Link) -> Response:
            name, content = _file(_trial(call, link, trial), number)
            saved = dump_options_header("attachment", {"filename": name})
            media = _MEDIA.get(PurePosixPath(name).suffix, "text/plain")
            return Response(content, content_type=media, headers={"Content-Disposition": saved})

        return self._shown(call, token, answer)

    def _shown(self, call: Call, token: str, answer: Callable[[Link], Response]) -> Response:
        """The page for who has the link; what is wrong is said on it, too, for people read it."""
        link = _link(call, token)
        if link is None:
            return _closed(Response(render_template("selftest_closed.html"), 404, mimetype="text/html"))
        try:
            g.caller = _caller(link)
            self._take(call, link, of_files=False)
            return answer(link)
        except Problem as problem:
            return _html(call, link, problem=problem)

    def _take(self, call: Call, link: Link, *, of_files: bool) -> None:
        with self._lock:
            if self._buckets is None:
                self._buckets = Limits(LOOKS, call.services.ticks), Limits(FILES, call.services.ticks)
        retry_after = self._buckets[of_files].take(link.id).retry_after
        if retry_after is not None:
            raise Problem(
                "rate_limited",
                f"this link was used very often; it can be used again in {retry_after} seconds",
                "Wait so long, then try again.",
                headers={"Retry-After": str(retry_after)},
            )


def without_token(path: str) -> str:
    """A path as it may be told: whoever has the token of a link has the link."""
    return re.sub(r"^/try/[^/]+", "/try/…", path)


def _page(
    name: str, method: str, path: str, answer: Callable[..., Response], media: tuple[str, ...] = ("text/html",)
) -> Operation:
    return Operation(name, method, path, "pages", "", answer, access="open", documented=False, media=media)


def _link(call: Call, token: str) -> Link | None:
    """The link that counts, and that a partner of the configuration in force has."""
    with call.services.database.read() as connection:
        link = links.find(connection, hashlib.sha256(token.encode("utf-8", "surrogatepass")).hexdigest())
    if link is None or not link.live(call.services.now()):
        return None
    return link if link.partner in call.services.configuration().partners else None


def _caller(link: Link) -> Caller:
    return Caller(f"link:{link.id}", f"link:{link.partner}", (), (link.partner,))


# ── a file comes ─────────────────────────────────────────────────────────────────────────────────────────────────────


def _part(call: Call, open_files: ExitStack) -> tuple[FileStorage, str | None]:
    """The file of the form, and the integration that was chosen; what is opened for them is put on `open_files`.

    Raises:
        Problem: there is none, it is too large, or it did not come whole.
    """
    kind, options = parse_options_header(request.headers.get("Content-Type", ""))
    boundary = options.get("boundary", "")
    if kind != "multipart/form-data" or not re.fullmatch(r"[\x20-\x7e]{1,70}", boundary):
        raise Problem("unsupported_media_type", "a form with a file is read here", "Use the form on this page.")
    length = announced_length()
    if length is None:
        raise Problem("length_required")

    def spooled(*_about: object, **_more: object) -> BinaryIO:
        folder = None if call.services.spool is None else str(call.services.spool)
        made = tempfile.SpooledTemporaryFile(IN_MEMORY, dir=folder)  # noqa: SIM115 - the stack closes it
        return open_files.enter_context(made)  # type: ignore[return-value] # it is a binary file

    spool = spooled()
    with place_of(call.shared):
        received(call.shared, spool, length, most=PAGE_BYTES_MAX + _FORM_BYTES, too_large=_too_large)
    spool.seek(0)
    try:
        parser = MultiPartParser(spooled, max_form_memory_size=_FORM_BYTES, max_form_parts=_PARTS)
        form, files = parser.parse(spool, boundary.encode(), length)
    except (ValueError, RequestEntityTooLarge) as broken:
        raise Problem("bad_request", "the form cannot be read", "Use the form on this page.") from broken
    file = files.get("file")
    if file is None or not file.filename:
        raise Problem("bad_request", "no file was chosen", "Choose a file, and send the form again.")
    return file, form.get("integration") or None


def _asked(call: Call, link: Link, file: FileStorage, integration: str | None) -> str:
    """Have the file judged; the trial's id."""
    stream: Any = file.stream
    size = stream.seek(0, 2)
    stream.seek(0)
    if not size:
        raise Problem("bad_request", "the file is empty", "Choose a file that has something in it.")
    if size > PAGE_BYTES_MAX:
        raise _too_large()
    asking = Asking(call.services.receiver)
    try:
        return asking.ask(
            link.partner, _name(file.filename or ""), stream, lane=trials.PAGE, size=size, integration=integration
        )
    except Reject as refused:
        raise Problem("not_tried", refused.message, refused.remedy) from refused


def _name(given: str) -> str:
    """What the file is called, as far as that can be kept: no folders, nothing unprintable, 200 bytes."""
    name = PurePosixPath(given.replace("\\", "/")).name
    shown = "".join(each if each.isprintable() else "_" for each in name).encode()[-200:].decode("utf-8", "ignore")
    return shown if shown not in ("", ".", "..") else "file"


def _too_large() -> Problem:
    most = PAGE_BYTES_MAX // 1024 // 1024
    return Problem("body_too_large", f"a file on this page has at most {most} MiB", "Try a part of it.")


# ── what came of it ──────────────────────────────────────────────────────────────────────────────────────────────────


def _trial(call: Call, link: Link, id: str) -> Shown:  # noqa: A002 - what it is
    with call.services.database.read() as connection:
        shown = trials.get(connection, id)
    if shown is None or shown.trial.lane != trials.PAGE or shown.trial.partner != link.partner:
        raise Problem("unknown_trial", "what was tried here is not kept any more", "Send the file again.")
    return shown


def _file(shown: Shown, number: str) -> tuple[str, bytes]:
    """An answer, by its number from 1, or a form of the letter: its name and its bytes."""
    result = shown.result or {}
    answers: list[dict[str, Any]] = result.get("answers", [])
    letter: dict[str, str] = result.get("letter") or {}
    if number.isascii() and number.isdigit() and 0 < int(number[:6]) <= len(answers):
        chosen = answers[int(number[:6]) - 1]
        return str(chosen["name"]), trials.as_bytes(chosen["text"])
    kind = {"letter.txt": "text", "letter.html": "html"}.get(number, "")
    if kind in letter:
        return number, letter[kind].encode()
    raise Problem("not_found", "there is no such file", "Go back, and choose another.")


def _all_told(configuration: Configuration, shown: Shown, result: Mapping[str, Any]) -> list[Told]:
    """The findings of a trial; what is the same of several documents stands there once, with their numbers."""
    integration = configuration.integrations.get(result.get("integration") or "")
    speaking = _Speaking(configuration, integration, mapper_of(configuration, integration) if integration else None)
    told: dict[str, tuple[Told, list[int]]] = {}
    for each in result.get("findings", ()):
        finding = Finding(**{name: value for name, value in each.items() if name in _PARTS_OF_FINDINGS})
        one = _told(finding, each.get("quote") or {}, speaking)
        one = _misnamed(one, finding, configuration, shown)
        _, numbers = told.setdefault(repr(one), (one, []))
        numbers += [finding.document] if finding.document else []
    unit = _unit(result)
    return [replace(one, place=_place(unit, numbers, one.place)) for one, numbers in told.values()]


def _unit(result: Mapping[str, Any]) -> Unit:
    """What the documents of a trial are called, as in its letter."""
    return Unit(**result.get("unit", {}))


def _place(unit: Unit, numbers: list[int], place: str) -> str:
    """Where something is: in which documents, and where in them."""
    if not numbers:
        return place or "the file"
    documents = unit.named(*numbers[:_NUMBERS_MAX], more=max(0, len(numbers) - _NUMBERS_MAX))
    return f"{documents}, {place}" if place else documents


def _misnamed(told: Told, finding: Finding, configuration: Configuration, shown: Shown) -> Told:
    """What is said of a file that nobody wants, where its name is the matter."""
    trial = shown.trial
    if finding.code != "route.unwanted_file" or trial.partner is None:
        return told
    agreed_names = patterns(configuration, trial.partner, trial.source)
    words = of_name(finding.member or trial.name, agreed_names, packed=finding.member is not None)
    return (
        told if words is None else replace(told, what=words.what, expected=words.expected, send=words.send, ours=False)
    )


def _told(finding: Finding, quote: Mapping[str, str], speaking: _Speaking) -> Told:
    """A finding of the result of a trial, whatever document it is of."""
    called = finding.column or ""
    if finding.tag:
        called = f"{finding.tag}{finding.element:02d}" if finding.element else finding.tag
    places = [
        finding.member or "",
        f"line {finding.line}" if finding.line else "",
        f"segment {finding.segment}" if finding.segment else "",
        called if finding.tag else f"column {called}" if called else "",
    ]
    configuration, integration, mapper = speaking.configuration, speaking.integration, speaking.mapper
    lineage = mapper.lineage_of(finding.target) if mapper is not None and finding.target else None
    expression = lineage.expression if lineage is not None else ""
    words = worded(finding, name=called, expression=expression, codes=codes_of(finding, configuration))
    if finding.code == "mapping.unusable" and integration is not None:
        words = words._replace(expected=agreed(configuration, integration))
    return Told(
        finding.severity,
        ", ".join(each for each in places if each),
        quote if any(quote.values()) else {},
        words.what,
        words.expected,
        words.send,
        words.ours,
    )


def _html(call: Call, link: Link, *, shown: Shown | None = None, problem: Problem | None = None) -> Response:
    configuration = call.services.configuration()
    partner = configuration.partners[link.partner]
    taken = offers(configuration, link.partner)
    sources = {each.source for each in taken}
    result = (shown.result if shown is not None else None) or {}
    page = render_template(
        "selftest.html",
        partner=partner,
        offers=taken,
        choose=len(taken) > 1 and "drop" not in sources,
        contact=configuration.settings.contact,
        until=link.expires_at,
        megabytes=PAGE_BYTES_MAX // 1024 // 1024,
        here=request.path.split("/")[2],
        shown=shown,
        result=result,
        unit=_unit(result),
        found=_all_told(configuration, shown, result) if shown is not None else (),
        waits=shown is not None and shown.state == trials.WAITING,
        problem=problem,
    )
    status = problem.kind.status if problem is not None else 200
    return _closed(Response(page, status, problem.headers if problem is not None else None, mimetype="text/html"))


def _closed(answer: Response) -> Response:
    """Nothing from anywhere else, and nothing for those who gather pages."""
    answer.headers["Content-Security-Policy"] = SECURITY_POLICY
    answer.headers["X-Robots-Tag"] = "noindex, nofollow"
    return answer
