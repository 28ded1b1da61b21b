"""Awkward but legal files: how a case is written down, read, and compared with what its sender meant."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from edi.findings import Finding, Severity
from edi.formats import FORMATS
from edi.model import Document

if TYPE_CHECKING:
    from _pytest.mark import ParameterSet

BOM = b"\xef\xbb\xbf"


def rows(text: str, marks: str = "*>~") -> list[list[Any]]:
    """The rows of a text without released or repeated values, told without the reader."""
    element, component, segment = tuple(marks)
    return [
        [value.split(component) if component in value else value for value in line.split(element)]
        for line in text.split(segment)
        if line
    ]


def flattened(content: dict[str, Any]) -> list[list[Any]]:
    """All rows of a loop and its children; children come behind the rows of the loop."""
    found: list[list[Any]] = []
    for key, values in content.items():
        for value in values:
            found += flattened(value) if key.endswith("*") else [value]
    return found


def lines(text: str, width: int, end: str) -> str:
    return end.join(text[at : at + width] for at in range(0, len(text), width))


def case(
    name: str, data: str | bytes, *documents: list[list[Any]], warns: str = "", left: str = "", **options: str
) -> ParameterSet:
    """A file, the rows of its documents, and the codes of the warnings that it may have."""
    raw = data.encode("latin-1") if isinstance(data, str) else data
    marks = [pytest.mark.xfail(strict=True, reason=left)] if left else []
    return pytest.param(raw, list(documents), warns.split(), options, id=name, marks=marks)


def read(standard: str, raw: bytes, options: dict[str, str]) -> tuple[list[Document], list[Finding]]:
    items = list(FORMATS[standard].read([raw], options))
    documents = [item for item in items if isinstance(item, Document)]
    found = [item for item in items if isinstance(item, Finding)]
    found += [finding for document in documents for finding in document.findings]
    return documents, found


def told(found: list[Finding]) -> list[str]:
    return [finding.code for finding in found if finding.severity is not Severity.NOTE]


def holds(
    standard: str, raw: bytes, documents: list[list[list[Any]]], warns: list[str], options: dict[str, str]
) -> None:
    """The file has these documents, in values, and no finding but notes and the warnings that are named."""
    read_documents, found = read(standard, raw, options)
    assert told(found) == warns
    assert all(finding.severity is not Severity.ERROR for finding in found)
    assert [flattened(document.content) for document in read_documents] == documents
