"""One wrong thing at one place of a right file, and what a reader must say of it.

A mutation names a text that stands once in the second of three documents (or elsewhere) and what stands there instead;
a bar parts several such texts. ``«`` and ``»`` enclose the bytes that the finding must point at, and ``‖`` says that
the file ends here. The segment's number, the quoted value and the byte span follow from that; code and address are
said in words: ``element.missing BEG03``, ``element.code CLM05.02``, ``segment.unknown ZZZ``.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from edi.findings import CODES, Finding
from edi.formats import FORMATS
from edi.model import Document

if TYPE_CHECKING:
    from collections.abc import Iterable


@dataclass(frozen=True, slots=True)
class Base:
    """A right file: what stands before its documents, three of these (``@``: number, ``#``: count), and the rest."""

    format: str
    before: str
    document: str
    after: str
    terminator: str
    release: str = ""

    def segments(self, text: str) -> list[str]:
        """What stands between the terminators of `text` that are not released; the last piece is not terminated."""
        bare = re.sub(re.escape(self.release) + ".", "__", text, flags=re.DOTALL) if self.release else text
        return bare.split(self.terminator)


class Mutation(NamedTuple):
    """One wrong thing. `title` says in words what is wrong, `finds` what must be found.

    Several findings at one place are joined by plus signs, several places are parted by semicolons.
    """

    title: str
    old: str
    new: str
    finds: str
    warns: bool = False
    """Whether the findings must be warnings, though the table of codes says that they are errors."""


class Expected(NamedTuple):
    """A finding, as far as a mutation tells it. `document` is None where it belongs to the file."""

    code: str
    severity: str
    document: int | None
    segment: int | None
    tag: str | None
    element: int | None
    component: int | None
    start: int
    end: int
    value: str | None


def clean(base: Base) -> bytes:
    """The file without a mutation."""
    return "".join(_parts(base)).encode("latin-1")


def _parts(base: Base) -> list[str]:
    documents = [_numbered(base.document.replace("@", str(number)), base) for number in (1, 2, 3)]
    return [base.before, *documents, base.after]


def _numbered(document: str, base: Base) -> str:
    """The count set into a document's trailer, unless the mutation has taken the mark away."""
    filled = [segment for segment in base.segments(re.sub("[«»]", "", document)) if segment.strip()]
    return document.replace("#", str(len(filled)))


def mutated(base: Base, mutation: Mutation) -> tuple[bytes, list[Expected]]:
    """The file with the mutation, and what must be found in it."""
    parts = [base.before, *(base.document.replace("@", str(number)) for number in (1, 2, 3)), base.after]
    for old, new in zip(mutation.old.split("|"), mutation.new.split("|"), strict=True):
        where = next(place for place in (2, 1, 3, 0, 4) if old in parts[place])
        assert parts[where].count(old) == 1, f"{old!r} stands once in what is mutated"
        parts[where] = parts[where].replace(old, new)
    marked = "".join(_numbered(part, base) if 0 < n < 4 else part for n, part in enumerate(parts))
    marked = marked.partition("‖")[0]
    spans = _spans(marked)
    text = re.sub("[«»]", "", marked)
    finds = [find.strip() for find in mutation.finds.split(";") if find.strip()]
    assert len(finds) == len(spans), "every finding has its span"
    told = [
        _expected(find.strip(), span, text, base, mutation)
        for here, span in zip(finds, spans, strict=True)
        for find in here.split("+")
    ]
    return text.encode("latin-1"), sorted(told, key=_place)


def _spans(marked: str) -> list[tuple[int, int]]:
    """What the marks enclose, in the order in which they open; one may lie in another."""
    found: list[tuple[int, int]] = []
    opened: list[int] = []
    plain = 0
    for character in marked:
        if character == "«":
            opened.append(len(found))
            found.append((plain, plain))
        elif character == "»":
            place = opened.pop()
            found[place] = (found[place][0], plain)
        else:
            plain += 1
    return found


def _expected(find: str, span: tuple[int, int], text: str, base: Base, mutation: Mutation) -> Expected:
    code, _, address = find.partition(" ")
    match = re.fullmatch(r"([A-Za-z0-9]{1,3}?)(?:(\d\d)(?:\.(\d\d))?)?", address)
    tag, element, component = match.groups() if match else (address or None, None, None)
    is_own = not code.startswith("envelope.") or code.startswith("envelope.set_")
    is_own = (is_own or (code, tag) == ("envelope.version", "ST")) and not code.startswith(("x12.", "edifact."))
    stop = base.terminator
    opener = re.compile(rf"(?:^|{re.escape(stop)})\s*(?={base.document[:3].rstrip('*+')})")
    ended = code == "envelope.set_not_closed"  # points behind the last segment, where the next document may begin
    begins = [found.end() for found in opener.finditer(text) if found.end() <= span[0] - ended]
    *before, here = base.segments(text[begins[-1] : span[0]]) if begins else [""]
    number = len([segment for segment in before if segment.strip()]) + 1
    if ended and here:
        number += 1
    return Expected(
        code,
        "warning" if mutation.warns else CODES[code].severity.value,
        len(begins) if is_own else None,
        number if is_own else None,
        tag,
        int(element) if element else None,
        int(component) if component else None,
        *span,
        text[slice(*span)][:200] or None,
    )


def read(base: Base, chunks: Iterable[bytes]) -> tuple[list[Document], list[Expected]]:
    """The documents of a file, and its findings but for notes, in the order of their places."""
    documents: list[Document] = []
    found: list[Expected] = []
    for item in FORMATS[base.format].read(chunks, {}):
        if isinstance(item, Document):
            documents.append(item)
            found += [_told(finding, item.number) for finding in item.findings]
        else:
            found.append(_told(item, None))
    found = [each for each in found if each.severity != "note" or each.code.startswith("segment.")]
    return documents, sorted(found, key=_place)


def _place(each: Expected) -> tuple[int, int, str]:
    return each.start, -each.end, each.code


def _told(finding: Finding, document: int | None) -> Expected:
    place = finding.position
    return Expected(
        finding.code,
        finding.severity.value,
        document,
        place.segment,
        place.tag,
        place.element,
        place.component,
        place.start,
        place.end,
        finding.value,
    )
