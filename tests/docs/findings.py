"""The page of each code of a finding, and the tables that lead to them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from edi.acknowledgments.codes import NOT_TOLD, TABLE
from edi.findings import CODES
from tests.docs.explanations import ALIKE, EXPLAINED
from tests.docs.markdown import fenced, sentence, table, wrapped
from tests.docs.segmented_examples import ENVELOPES, SEGMENTS
from tests.docs.text_examples import TEXTS

if TYPE_CHECKING:
    from tests.docs.example import Example

EXAMPLES: dict[str, Example] = TEXTS | ENVELOPES | SEGMENTS
"""Code → the smallest file that provokes it."""

_AT_MOST = 4
"""So many findings of an example are shown; of more, the first and the last."""

_PLACES = {
    "ta1": "TA1, note of the interchange (TA105)",
    "group": "997 and 999, the group (AK905)",
    "set": "997 and 999, the transaction set (AK502, IK502)",
    "segment": "997 and 999, the segment (AK304, IK304)",
    "element": "997 and 999, the element (AK403, IK403)",
    "uci": "CONTRL, the interchange (UCI)",
    "ucf": "CONTRL, the group (UCF)",
    "ucm": "CONTRL, the message (UCM)",
    "ucs": "CONTRL, the segment (UCS)",
    "ucd": "CONTRL, the element (UCD)",
}
"""Column of the table of acknowledgments → what it is called."""


def finding_table(prefix: str) -> str:
    """The codes that begin so, each with its title and a link to its page."""
    rows = [
        (f"[{name}](findings/{name}.md)", str(code.severity), sentence(code.title))
        for name, code in CODES.items()
        if name.partition(".")[0] == prefix
    ]
    return table(("code", "severity", "what it says"), rows)


def finding_page(name: str) -> str:
    """The page of one code."""
    code = CODES[name]
    parts = [f"# {name}", wrapped(f"{sentence(code.title)} *{code.severity}*"), wrapped(EXPLAINED[name])]
    parts += ["## An example", *_example(EXAMPLES[name])]
    parts += ["## What to do", wrapped(code.remedy), "## What the partner is told", _acknowledged(name)]
    alike = [f"[{each}]({each}.md)" for each in related(name)]
    parts += ["## See also", wrapped(", ".join([*alike, "[all findings and what they do](../findings.md)"]))]
    return "\n\n".join(parts)


def related(name: str) -> list[str]:
    """Codes that are easily taken for `name`, or have the same cause."""
    return list(dict.fromkeys(each for group in ALIKE if name in group for each in group if each != name))


def _example(example: Example) -> list[str]:
    shown = example.shown()
    file = fenced(shown, "text") if shown else "The file has no bytes."
    layout = [f"with the layout `{example.layout_name}`:", fenced(example.layout, "text")] if example.layout else []
    said = example.told().strip("\n").split("\n\n")
    if len(said) > _AT_MOST:
        said = [said[0], f"… {len(said) - 2} more …", said[-1]]
    return [file, *layout, f"`{example.command}` says:", fenced("\n\n".join(said), "text")]


def _acknowledged(name: str) -> str:
    if name in TABLE:
        told = TABLE[name]._asdict()
        rows = [(_PLACES[place], value) for place, value in told.items() if value]
        if any("/" in value or value == "ISA" for _, value in rows):
            note = "\n\nWhich of several codes is told: [acknowledgments](../acknowledgments.md)."
        else:
            note = ""
        rows = [(place, "the note of the element of ISA" if value == "ISA" else value) for place, value in rows]
        return table(("acknowledgment", "code"), rows) + note
    if name in NOT_TOLD:
        return f"Nothing: {NOT_TOLD[name]}."
    return "Nothing by the format itself: files of this kind have no acknowledgments."
