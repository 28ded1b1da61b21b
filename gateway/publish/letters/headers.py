r"""A header that is not the one that was agreed, said once for all rows below it.

What stands there and what was expected there, with the delimiter of the file. A delimiter or an encoding other than the
agreed one is named, for then every name is wrong, and none of them is what has to be corrected.

>>> from edi.model import Envelope
>>> found = Envelope("csv", columns=("Price", "ab"), delimiters=';"\0')
>>> of_header(("Preis", "ab"), found, "line 1").what
"The header has 'Price' where we expect 'Preis'."
"""

from __future__ import annotations

import csv
import io
from typing import TYPE_CHECKING

from edi.encodings import misread
from gateway.normalize.compiler import MappingProblems, compile_mapping
from gateway.normalize.functions.codes import nearest
from gateway.publish.letters.facts import Problem, Quote
from gateway.routing import columns_read

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from edi.model import Envelope
    from gateway.configuration import Configuration
    from gateway.integrations import Integration
    from gateway.normalize.compiler import Mapper

DELIMITERS = {",": "commas", ";": "semicolons", "\t": "tabs", "|": "bars"}
_NAMES_MAX = 5
"""So many names that are wrong are told; the others are counted."""
_NAME_MAX = 40
_HEADER_MAX = 800
_BEFORE, _BEHIND = 26, 14
_TAB = {"tab": "\t"}


def mapper_of(configuration: Configuration, integration: Integration) -> Mapper | None:
    """The mapping of an integration whatever the header of a file is; None where it cannot be used."""
    contract = configuration.contract_of(integration)
    try:
        return compile_mapping(integration, contract, columns=None, codes=configuration.codes)
    except MappingProblems:
        return None


def wanted(configuration: Configuration, integration: Integration) -> tuple[str, ...]:
    """The names of the columns that an integration reads, in the order of its mapping; none where that is unusable."""
    mapper = mapper_of(configuration, integration)
    return columns_read(mapper) if mapper is not None else ()


def agreed(configuration: Configuration, integration: Integration) -> str:
    """The header of the files that an integration takes, as what is expected; empty where that is not known."""
    names = wanted(configuration, integration) if integration.format.name == "csv" else ()
    delimiter = dict(integration.format.options).get("delimiter", ",")
    return f"the header {header_line(names, _TAB.get(delimiter, delimiter))}" if names else ""


def header_line(names: Sequence[str], delimiter: str) -> str:
    """A header as it stands in a file, on one line; tabs, which nobody sees, are told behind it."""
    shown = [_shown(each) for each in names]
    if delimiter == "\t":
        line = ", ".join(shown)
        return f"{_cut(line)}, with tabs between them"
    written = io.StringIO()
    csv.writer(written, delimiter=delimiter, lineterminator="").writerow(shown)
    return _cut(written.getvalue())


def of_header(names: Sequence[str], envelope: Envelope, place: str) -> Problem:
    """What is wrong with the header of an envelope where columns with these `names` are read."""
    found, delimiter, encoding = envelope.columns, envelope.delimiters[:1] or ",", envelope.encoding
    other = _other_delimiter(names, found, delimiter)
    wrong = misread(names, found, encoding)
    quote = None
    send = "Please send the whole file with these names in its header."
    if other:
        ours = _named(delimiter)
        what = f"The header has {_named(other)} between the names of its columns, where we expect {ours}."
        send = f"Please send the whole file with {ours} between the cells."
    elif wrong is not None:
        what = f"The file seems to be saved as {wrong.written}, where we expect {wrong.declared}: {wrong}."
        send = f"Please save the file as {wrong.declared}, and send it again."
    else:
        what, renamed = _lacking(names, found)
        if renamed is not None:
            quote = _quote(found, renamed, delimiter)
    return Problem(place, quote, what, f"the header {header_line(names, delimiter)}", send)


def _lacking(names: Sequence[str], found: Sequence[str]) -> tuple[str, str | None]:
    """Which names are not there, and the first name that stands in place of one of them."""
    known = set(found)
    missing = [each for each in names if each not in known]
    twice = [each for each in names if found.count(each) > 1]
    if not missing:
        several = ", ".join(repr(_shown(each)) for each in twice[:_NAMES_MAX])
        said = f"has {several} more than once" if several else "has not the columns that were agreed"
        return f"The header {said}.", None
    unknown = [each for each in found if each and each not in names]
    instead, absent, first = [], [], None
    for each in missing[:_NAMES_MAX]:
        near = nearest(each, unknown)
        if near is None:
            absent.append(repr(_shown(each)))
            continue
        unknown.remove(near)
        first = near if first is None else first
        instead.append(f"{_shown(near)!r} where we expect {_shown(each)!r}")
    parts = [f"has {', '.join(instead)}"] if instead else []
    parts += [f"lacks {', '.join(absent)}"] if absent else []
    more = len(missing) - _NAMES_MAX
    parts += [f"differs in {more:,} more {'name' if more == 1 else 'names'}"] if more > 0 else []
    *before, last = parts
    return f"The header {', '.join(before)}{', and ' if before else ''}{last}.", first


def _other_delimiter(names: Collection[str], found: Sequence[str], delimiter: str) -> str:
    """The delimiter with which more of the names are there than with the agreed one."""
    there = len(set(names) & set(found))
    if len(found) > 1 or not found:
        return ""
    for other in DELIMITERS:
        cells = {each.strip().strip('"') for each in found[0].split(other)}
        if other != delimiter and len(cells) > 1 and len(cells & set(names)) > there:
            return other
    return ""


def _quote(found: Sequence[str], name: str, delimiter: str) -> Quote:
    """The header with one of its names marked."""
    at = list(found).index(name)
    shown = [_shown(each) for each in found]
    gap = " " if delimiter == "\t" else delimiter
    before = "".join(f"{each}{gap}" for each in shown[:at])
    behind = "".join(f"{gap}{each}" for each in shown[at + 1 :])
    if len(before) > _BEFORE:
        before = f"…{before[-_BEFORE:]}"
    if len(behind) > _BEHIND:
        behind = f"{behind[:_BEHIND]}…"
    return Quote(before, shown[at], behind)


def _named(delimiter: str) -> str:
    return DELIMITERS.get(delimiter, f"the character {delimiter!r}")


def _shown(name: str) -> str:
    """A name as far as a line has room, and nothing in it that is not seen."""
    name = "".join(each if each.isprintable() else "·" for each in name)
    return name if len(name) <= _NAME_MAX else f"{name[:_NAME_MAX]}…"


def _cut(line: str) -> str:
    return line if len(line) <= _HEADER_MAX else f"{line[:_HEADER_MAX]}…"
