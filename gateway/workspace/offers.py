"""What a partner may send, in the words of those who send it: for the card, and for the page that tries files."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from edi.segmented import guides
from gateway.receive.trials import is_for

if TYPE_CHECKING:
    from gateway.configuration import Configuration
    from gateway.integrations import Format, Integration

_NAMES = {
    "csv": "CSV",
    "xml": "XML",
    "json": "JSON",
    "jsonl": "JSON, one object to a line",
    "fixed": "fixed width text",
}
_DELIMITERS = {",": "commas", ";": "semicolons", "\t": "tabs", "tab": "tabs", "|": "bars"}


@dataclass(frozen=True, slots=True)
class Offer:
    """One kind of file: what it is, how its names must look (empty: no matter), what is answered to it."""

    integration: str
    about: str
    what: str
    pattern: str
    answers: tuple[str, ...]
    source: str


def offers(configuration: Configuration, partner: str) -> list[Offer]:
    """What the integrations of a partner take, by their names."""
    theirs = [each for each in configuration.integrations.values() if is_for(each, partner)]
    return [_offer(each) for each in sorted(theirs, key=lambda each: each.name)]


def _offer(integration: Integration) -> Offer:
    source = integration.source
    pattern = source.path.rpartition("/")[2] if source.scheme in ("drop", "folder") else ""
    return Offer(
        integration.name,
        integration.about,
        what(integration.format),
        "" if pattern == "*" else pattern,
        tuple(sorted(integration.answers)),
        source.scheme,
    )


def what(form: Format) -> str:
    """A format in words, with the name of its guide: ``X12 850 purchase order, release 004010``."""
    if form.name in ("x12", "edifact"):
        return _enveloped(form)
    options = dict(form.options)
    said = [f"{_NAMES[form.name]} {form.message}" if form.message else _NAMES[form.name]]
    if form.name == "csv":
        delimiter = options.get("delimiter", ",")
        said.append(f"cells separated by {_DELIMITERS.get(delimiter, delimiter)}")
        said.append("with a header line" if options.get("header") == "true" or "header_at" in options else "")
    if form.name in ("csv", "fixed"):
        said.append(f"characters {options.get('encoding', 'utf-8')}")
    return ", ".join(each for each in said if each)


def _enveloped(form: Format) -> str:
    name = {"x12": "X12", "edifact": "EDIFACT"}[form.name]
    if form.message is None:
        return name
    there = guides.available(form.name).get(form.message, [])
    wanted = form.version if form.version in there else there[0] if there else None
    title = guides.load(form.name, form.message, wanted).label if wanted else ""
    release = f", release {form.version}" if form.version else ""
    return f"{name} {form.message}{f' {title}' if title else ''}{release}"
