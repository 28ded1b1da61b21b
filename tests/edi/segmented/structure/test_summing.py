"""Levels and totals in whole files: one thing is made wrong, and it is found at its place and nothing else is."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from edi import edifact, x12
from edi.model import Document
from tests.edi.makers import files

if TYPE_CHECKING:
    from edi.findings import Finding


def findings(name: str, data: bytes) -> list[Finding]:
    """All findings of a file, but for notes on how it was read."""
    reader = edifact if name.startswith("edifact") else x12
    found: list[Finding] = []
    for item in reader.read([data], {}):
        found.extend(item.findings if isinstance(item, Document) else [item])
    return [finding for finding in found if not finding.code.startswith("structure.")]


@pytest.mark.parametrize("name", [name for name in files.MAKERS if not name.startswith("ubl")])
def test_files_that_are_right_have_no_finding(name: str) -> None:
    assert findings(name, files.made(name, 6)) == []


@pytest.mark.parametrize(
    ("name", "wrong", "instead", "code", "address"),
    [
        ("x12-850", r"CTT\*(\d+)", "99", "total.count", "CTT 1"),
        ("x12-850", r"CTT\*\d+\*(\d+)", "1", "total.sum", "CTT 2"),
        ("x12-810", r"CTT\*(\d+)", "99", "total.count", "CTT 1"),
        ("x12-856", r"CTT\*(\d+)", "99", "total.count", "CTT 1"),
        ("x12-856", r"HL\*3\*(2)", "9", "level.parent", "HL 2"),
        ("x12-837p", r"CLM\*[^*]+\*([\d.]+)", "1.5", "total.sum", "CLM 2"),
        ("x12-837i", r"CLM\*[^*]+\*([\d.]+)", "1.5", "total.sum", "CLM 2"),
        ("x12-837p", r"HL\*(2)\*1\*22", "3", "level.number", "HL 1"),
        ("x12-837p", r"HL\*2\*(1)\*22", "5", "level.parent", "HL 2"),
        ("x12-837p", r"HL\*2\*1\*22\*(0)", "1", "level.child", "HL 4"),
        ("x12-837p", r"LX\*(1)", "2", "level.number", "LX 1"),
        ("edifact-orders", r"CNT\+2:(\d+)", "99", "total.count", "CNT 1.2"),
        ("edifact-orders", r"CNT\+1:(\d+)", "99", "total.sum", "CNT 1.2"),
        ("edifact-invoic", r"CNT\+2:(\d+)", "99", "total.count", "CNT 1.2"),
        ("edifact-desadv", r"CNT\+2:(\d+)", "99", "total.count", "CNT 1.2"),
    ],
)
def test_what_is_made_wrong_is_found_at_its_place(name: str, wrong: str, instead: str, code: str, address: str) -> None:
    text = files.made(name, 4).decode()
    match = re.search(wrong, text)
    assert match
    start, end = match.span(1)
    (finding,) = findings(name, (text[:start] + instead + text[end:]).encode())
    position = finding.position
    component = f".{position.component}" if position.component else ""
    assert (finding.code, f"{position.tag} {position.element}{component}") == (code, address)
    assert (position.start, position.end, finding.value) == (start, start + len(instead), instead)
