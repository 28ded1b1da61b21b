"""What a partner finds in his folder for tests: what would have come of his file, and what he would have been answered.

The files of a trial are put there once; a crash in the middle puts those again that the partner has not taken away.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from gateway.model import Finding
from gateway.publish.letters.reading import file_name
from gateway.publish.letters.wording import worded
from gateway.store.letters import HTML, TEXT
from gateway.store.trials import as_bytes

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

    from gateway.publish.outbox import Place
    from gateway.store.trials import Shown

_NAME_BYTES_MAX = 150
"""So much of the file's name stands in the names of its answers, which have 255 bytes on any disk."""

_NOTICED_MAX = 10
"""So many warnings are told."""
_OF_FINDINGS = frozenset(Finding.__slots__)

_SAID = {
    "accepted": "All of it would be accepted.",
    "partly_accepted": "Some of it would be accepted, and some would not.",
    "quarantined": "None of it would be accepted.",
    "failed": "It could not be read to its end.",
}


def files_of(shown: Shown) -> Iterator[tuple[str, bytes]]:
    """The name and the bytes of each file that answers a trial."""
    mark = shown.trial.id[-8:]
    called = shown.trial.name.encode()[:_NAME_BYTES_MAX].decode(errors="ignore")
    yield f"tested_{called}_{mark}.txt", "\n".join(_lines(shown)).encode()
    for each in (shown.result or {}).get("answers", ()):
        yield f"{mark}_{each['name']}", as_bytes(each["text"])
    named: Any = shown.trial  # the delivery that was judged had its name and its id
    page = (shown.result or {}).get("letter", {}).get(HTML)  # its text is in the first file
    if page is not None:
        yield file_name(named, 1, HTML), page.encode()


def put(place: Place, shown: Shown) -> None:
    """Put the answers of a trial where its partner finds them; durable when it returns.

    Raises:
        OSError: they cannot be put there now.
    """
    put_now = []
    for name, content in files_of(shown):
        if not place.has(name, content):
            place.write(name, content)
            put_now.append(name)
    if put_now:
        place.sync_hidden()
        for name in reversed(put_now):  # the text last: whoever waits for it finds all that came with it
            place.show(name, name)
        place.sync_shown()


def _lines(shown: Shown) -> Iterator[str]:
    trial, result = shown.trial, shown.result
    yield f"Your file {trial.name} was only tested: nothing of it was taken."
    yield f"Reference: {trial.id}, {shown.asked_at:%Y-%m-%d %H:%M} UTC"
    yield ""
    if result is None:
        yield f"It could not be tested: {shown.problem}"
        yield ""
        return
    if result["state"] == "accepted" and not sum(result["documents"].values()):
        yield "Nothing is wrong, and nothing would be taken: there is no row or document in it."
    else:
        yield _SAID.get(result["state"], f"It would end as {result['state']}.")
    yield from _records(result, f"{trial.partner}~")
    yield from _noticed(result)
    yield ""
    if result["state"] == "accepted":
        yield "When you send it to /inbox, it counts."
    else:
        yield "Mend it and test it again, as often as you like;"
        yield "when it is right, send the whole file to /inbox: of a test nothing is taken."
    yield ""
    if letter := result["letter"].get(TEXT):
        yield "In full:"
        yield ""
        yield letter


def _records(result: dict[str, Any], partner: str) -> Iterator[str]:
    """What was read, by the keys that the partner gave them: of ours, `partner` stands in front."""
    if result["records"]:
        yield ""
        yield "What was read:"
        for each in result["records"]:
            yield f"  {each['contract'].rpartition('.v')[0]} {each['record']['_key'].removeprefix(partner)}"
        if result["more"]["records"]:
            yield "  and more"


def _noticed(result: dict[str, Any]) -> Iterator[str]:
    """What is wrong with nothing that was read, and should be known all the same: letters read as other ones."""
    found = [each for each in result["findings"] if each["severity"] == "warning"]
    if not found:
        return
    yield ""
    yield "What else was noticed:"
    for each in found[:_NOTICED_MAX]:
        finding = Finding(**{name: value for name, value in each.items() if name in _OF_FINDINGS})
        words = worded(finding, name=finding.column or finding.tag or "")
        places = (finding.member or "", f"line {finding.line}" if finding.line else "")
        place = ", ".join(each for each in places if each)
        yield f"  {f'{place}: ' if place else ''}{words.what} {words.send}"
    if len(found) > _NOTICED_MAX:
        yield f"  and {len(found) - _NOTICED_MAX} more"
