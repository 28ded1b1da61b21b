"""Characters outside the level that UNB declares."""

from __future__ import annotations

import pytest

from edi import edifact
from edi.findings import Finding, Severity
from edi.model import Document

ORDER = (
    "UNA:+.? 'UNB+{}:3+A:14+B:14+260112:0830+1'UNH+1+ORDERS:D:96A:UN'BGM+220+1+9'DTM+137:20260112:102'"
    "NAD+BY+++{}'LIN+1'QTY+21:1'UNS+S'UNT+8+1'UNZ+1+1'"
)


def told(text: str, encoding: str = "utf-8") -> list[Finding]:
    (document,) = (item for item in edifact.read([text.encode(encoding)], {}) if isinstance(item, Document))
    return [each for each in document.findings if each.code == "element.repertoire"]


@pytest.mark.parametrize(
    ("level", "name", "encoding", "severity", "words"),
    [
        ("UNOA", "Acme", "ascii", Severity.WARNING, "NAD04 has small letters that UNOA does not know: c e m."),
        ("UNOA", "A@B", "ascii", Severity.ERROR, "NAD04 has characters that UNOA does not know: @."),
        ("UNOA", "Acme@", "ascii", Severity.ERROR, "NAD04 has characters that UNOA does not know: @ c e m."),
        ("UNOA", "BÜTTNER", "utf-8", Severity.ERROR, "NAD04 has characters that UNOA does not know: Ü."),
        ("UNOA", "BÜTTNER", "latin-1", Severity.ERROR, "NAD04 has characters that UNOA does not know: Ü."),
        ("UNOB", "Büttner", "utf-8", Severity.ERROR, "NAD04 has characters that UNOB does not know: ü."),
        ("UNOA", "天津", "utf-8", Severity.ERROR, "NAD04 has characters that UNOA does not know: 天 津."),
    ],
)
def test_characters_outside_the_level_are_told_as_they_are_read(
    level: str, name: str, encoding: str, severity: Severity, words: str
) -> None:
    assert [(each.severity, each.message, each.value) for each in told(ORDER.format(level, name), encoding)] == [
        (severity, words, name)
    ]


@pytest.mark.parametrize(("level", "name"), [("UNOA", "ACME"), ("UNOB", "Acme"), ("UNOC", "Büttner@")])
def test_characters_of_the_level_are_not(level: str, name: str) -> None:
    assert told(ORDER.format(level, name), "latin-1") == []
