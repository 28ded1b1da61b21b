"""The page of each guide, of each version's segments, and the list of all of them."""

from __future__ import annotations

import re
from functools import cache
from itertools import takewhile
from pathlib import Path
from typing import TYPE_CHECKING

import edi
from edi.segmented import guides
from edi.segmented.guides import drawing
from tests.docs.markdown import fenced, table, wrapped

if TYPE_CHECKING:
    from collections.abc import Iterator

    from edi.segmented.guides.definitions import Definition, Dictionary, Element, Guide, Slot

STANDARDS = {"x12": "X12", "edifact": "EDIFACT"}
_FOLDER = Path(edi.__file__).parent
_HOW_TO_READ = re.compile(r"A line (?:of the structure )?is |elements?: +number = ")
"""How paragraphs of a header begin that say how to read the file itself."""
_LACKING = re.compile(r"Not covered(?: here)?: (.+?\.)(?= [A-Z\[]|$)")
"""The sentence that says what a file does not cover."""


@cache
def shipped() -> tuple[tuple[str, str, str], ...]:
    """Every guide that is here: standard, version, message."""
    return tuple(
        (standard, version, message)
        for standard in STANDARDS
        for version, message in sorted(
            (version, message) for message, versions in guides.available(standard).items() for version in versions
        )
    )


def versions() -> list[tuple[str, str]]:
    """Every version that has a table of segments of its own: standard, version."""
    told = dict.fromkeys((standard, version) for standard, version, _ in shipped())
    return [each for each in told if _file(*each, "segments").is_file()]


def _file(standard: str, version: str, name: str) -> Path:
    return _FOLDER / standard / "guides" / version / f"{name}.toml"


# ── headers ──────────────────────────────────────────────────────────────────────────────────────────────────────────


def header(text: str) -> tuple[str, str, str]:
    """What the comment at the head of a guide says: what it is, its sources, and what it does not cover.

    The latter is empty where nothing is said. What says how the file itself is to be read is left out.

    Raises:
        ValueError: it names no source.
    """
    lines = [
        line.removeprefix("#").strip().replace("*", "\\*")
        for line in takewhile(lambda line: line.startswith("#"), text.splitlines())
    ]
    joined = "\n".join(f"\n{line}" if _HOW_TO_READ.match(line) else line for line in lines)
    title, *rest = (" ".join(part.split()) for part in re.split(r"\n\s*\n", joined.strip()))
    told = "\n\n".join(part for part in rest if not _HOW_TO_READ.match(part))
    lacks = " ".join(part[:1].upper() + part[1:] for part in _LACKING.findall(told))
    sources = re.sub(r" {2,}", " ", _LACKING.sub("", told)).strip()
    if not re.search(r"\b[Rr]ead in ", sources):
        raise ValueError(f"the head of {title!r} names no source")
    return title, "\n\n".join(wrapped(part.strip()) for part in sources.split("\n\n") if part.strip()), lacks


def _header(standard: str, version: str, name: str) -> tuple[str, str, str]:
    return header(_file(standard, version, name).read_text(encoding="utf-8"))


# ── a guide ──────────────────────────────────────────────────────────────────────────────────────────────────────────


def guide_page(name: str) -> str:
    """The page of a guide, ``x12-004010-850``."""
    standard, version, message = name.split("-")
    guide = guides.load(standard, message, version)
    _, sources, lacks = _header(standard, version, message)
    release = version if (standard, version) in versions() else version[:6]
    about = [f"{STANDARDS[standard]} {version}", f"group {guide.group}" if guide.group else ""]
    command = f"gateway guide {version} {message}"
    parts = [
        f"# {message} {version}: {guide.label}",
        f"{', '.join(filter(None, about))}. On the command line: `{command}`. [All guides](index.md).",
        f"## Sources\n\n{sources}\n\nSegments and lists of codes: [{release}]({standard}-{release}.md#sources).",
        f"## Not covered\n\n{_lacks(guide, lacks, standard)}",
        "## Structure\n\nA segment and how often it may stand there; indented below it the loop that it opens.",
        fenced("\n".join(list(drawing.drawn(guide))[1 : -len(guide.totals) or None]), "text"),
        _totals(guide),
        f"## Segments\n\n{wrapped(_legend(release, standard))}",
        table(("segment", "what it is", "elements", "notes"), _segments(guide, standard, release)),
    ]
    return "\n\n".join(filter(None, parts))


def _lacks(guide: Guide, told: str, standard: str) -> str:
    """What a guide does not cover: what its file says, and what follows from what it is."""
    always = ["The meaning of codes, and rules that the standard tells in words."]
    if not guide.totals:
        always.append("Totals: none of this message are judged.")
    release = f"What the tables of the release leave out is told [there]({standard}-{guide.version[:6]}.md#sources)."
    return wrapped(" ".join(filter(None, [told, *always, release])))


def _totals(guide: Guide) -> str:
    if not guide.totals:
        return ""
    return "## Totals\n\nWhat the document tells of itself, and what that has to be:\n\n" + fenced(
        "\n".join(guide.totals), "text"
    )


def _legend(release: str, standard: str) -> str:
    return (
        "Of each element its place, an exclamation mark where it is required, what it is, its type and length, and in "
        "brackets how many codes are listed for it. Numbers of elements and what is in composites: "
        f"[{release}]({standard}-{release}.md#segments)."
    )


def _segments(guide: Guide, standard: str, release: str) -> Iterator[tuple[str, ...]]:
    known = guide.dictionary
    base = guides.dictionary(standard, release)
    for tag in dict.fromkeys(slot.tag for slot in _slots(guide.root)):
        narrowed = known.qualified.get(tag, {})
        plain = known.plain(tag)
        label = known.labels.get(tag, "")
        if plain and (not narrowed or plain != base.plain(tag)):
            yield f"[{tag}]({standard}-{release}.md#{tag.lower()})", label, *_brief(plain)
        by_definition: dict[Definition, list[str]] = {}
        for qualifier, definition in narrowed.items():
            by_definition.setdefault(definition, []).append(qualifier)
        for definition, qualifiers in by_definition.items():
            yield f"`{tag}[{','.join(sorted(qualifiers))}]`", label, *_brief(definition)


def _slots(slot: Slot) -> Iterator[Slot]:
    yield slot
    for child in slot.children:
        yield from _slots(child)


def _brief(definition: Definition) -> tuple[str, str]:
    elements = "; ".join(
        " ".join(
            filter(
                None,
                [
                    f"{place:02}{'!' * element.required}",
                    element.label or element.number * (not element.components),
                    _kind(element),
                    _times(element),
                    _codes(element),
                ],
            )
        )
        for place, element in enumerate(definition.elements, 1)
    )
    return elements, _notes(definition)


def _notes(definition: Definition) -> str:
    return " ".join(f"{note.kind}{''.join(f'{place:02}' for place in note.places)}" for note in definition.notes)


def _kind(element: Element) -> str:
    if element.components:
        return element.number
    shortest, longest = element.shortest, element.longest
    return f"{element.kind} {longest if shortest == longest else f'{shortest}-{longest}'}"


def _times(element: Element) -> str:
    return f"×{element.repeat}" if element.repeat > 1 else ""


def _codes(element: Element) -> str:
    if element.codes is None:
        return ""
    return f"[{len(element.codes.listed)}{'+' * element.codes.is_external}]"


# ── a version ────────────────────────────────────────────────────────────────────────────────────────────────────────


def segments_page(name: str) -> str:
    """The page of a version's segments, ``x12-004010``."""
    standard, version = name.split("-")
    known = guides.dictionary(standard, version)
    _, sources, lacks = _header(standard, version, "segments")
    parts = [
        f"# {STANDARDS[standard]} {version}: segments",
        "[All guides](index.md).",
        f"## Sources\n\n{sources}",
        wrapped(lacks),
    ]
    codes = _file(standard, version, "codes")
    if codes.is_file():
        _, sources, lacks = _header(standard, version, "codes")
        parts += [
            f"## Lists of codes\n\n{sources}",
            wrapped(f"Not covered: {lacks[:1].lower()}{lacks[1:]}") if lacks else "",
        ]
    legend = (
        "Of each element its place, its number, its type and length, whether it is required and how often it may be "
        "repeated, what it is, and how many codes are listed (with `+` where a value that is not is only warned of)."
    )
    parts += [f"## Segments\n\n{wrapped(legend)}", *(_segment(tag, known) for tag in known.segments)]
    return "\n\n".join(filter(None, parts))


def _segment(tag: str, known: Dictionary) -> str:
    definition = known.plain(tag)
    assert definition is not None
    lines = [
        line for place, element in enumerate(definition.elements, 1) for line in _lines(f"{place:02}", element, "")
    ]
    notes = _notes(definition)
    label = known.labels.get(tag, "")
    return f"### {tag}\n\n{label[:1].upper()}{label[1:]}.\n\n" + fenced(
        "\n".join([*lines, *([f"notes {notes}"] if notes else [])]), "text"
    )


def _lines(address: str, element: Element, indent: str) -> Iterator[str]:
    kind = "" if element.components else _kind(element)
    must = ("!" if element.required else "") + _times(element)
    yield f"{indent}{address:<6}{element.number:<6}{kind:<12}{must:<4} {element.label} {_codes(element)}".rstrip()
    for place, component in enumerate(element.components, 1):
        yield from _lines(f".{place:02}", component, indent + "  ")


# ── the list ─────────────────────────────────────────────────────────────────────────────────────────────────────────


def guide_list(standard: str) -> str:
    """Every guide of a standard: message, label, and the versions with links to their pages."""
    rows = []
    for message, found in sorted(guides.available(standard).items()):
        label = guides.load(standard, message, min(found)).label
        links = ", ".join(f"[{version}]({standard}-{version}-{message}.md)" for version in sorted(found))
        rows.append((message, label, links))
    segments = ", ".join(f"[{version}]({standard}-{version}.md)" for name, version in versions() if name == standard)
    return f"{table(('message', 'what it is', 'guides'), rows)}\n\nSegments and lists of codes: {segments}."
