"""Files of bytes beside what a reader must make of them: tests/corpus/<format>/name.<ext> and name.json.

The expectation holds the declaration of the format and, in order, what was read. UPDATE_CORPUS=1 rewrites what was
read; a person reads the difference.
"""

from __future__ import annotations

import json
import os
from dataclasses import asdict
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lxml import etree

from edi.findings import CODES, Finding
from edi.formats import FORMATS, parse_format

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from edi.model import Document

    Reading = Callable[[Iterable[bytes]], Iterable[Document | Finding]]

CORPUS = Path(__file__).parent.parent / "corpus"


LAYOUTS = {path.stem: path.read_text("utf-8") for path in (CORPUS / "layouts").iterdir()}
"""What ``layout=`` names in a declaration of positional records."""


def cases(name: str) -> list[Path]:
    return sorted(path for path in (CORPUS / name).iterdir() if path.suffix != ".json")


def declared(path: Path) -> str:
    """The declaration that stands in the expectation of a case."""
    said: str = json.loads(path.with_suffix(".json").read_text("utf-8"))["format"]
    return said


def options_of(declaration: str) -> dict[str, str]:
    _, _, message, options = parse_format(declaration, LAYOUTS)
    return dict(options) | ({"message": message} if message else {})


def holds(path: Path, read_blocks: Reading) -> None:
    """Compares a case with its expectation: read whole, byte by byte, and in every two halves."""
    expectation = path.with_suffix(".json")
    expected = json.loads(expectation.read_text("utf-8"))
    data = path.read_bytes()
    name, *_ = parse_format(expected["format"], LAYOUTS)
    read = [told(item, data) for item in FORMATS[name].read([data], options_of(expected["format"]))]
    if os.environ.get("UPDATE_CORPUS"):
        written = {"format": expected["format"], "read": read}
        expectation.write_text(json.dumps(written, indent=2, ensure_ascii=False) + "\n", "utf-8")
    else:
        assert read == expected["read"]
    same_however_cut(data, read_blocks)


def same_however_cut(data: bytes, read_blocks: Reading) -> None:
    whole = [told(item, data) for item in read_blocks([data])]
    assert [told(item, data) for item in read_blocks(single(data))] == whole
    step = max(1, len(data) // 400)
    for cut in range(1, len(data), step):
        assert [told(item, data) for item in read_blocks((data[:cut], data[cut:]))] == whole, f"cut at byte {cut}"


def single(data: bytes) -> Iterator[bytes]:
    return (data[at : at + 1] for at in range(len(data)))


def told(item: Document | Finding, data: bytes) -> dict[str, Any]:
    """A document or finding as JSON, after what must hold for each: its span exists, and its value stands there."""
    if isinstance(item, Finding):
        return {"finding": _finding(item, data)}
    assert 0 <= item.start <= item.end <= len(data)
    return {
        "document": item.number,
        "bytes": [item.start, item.end],
        "message": item.envelope.message,
        "content": _plain(item.content),
        "findings": [_finding(finding, data) for finding in item.findings],
    }


def _finding(finding: Finding, data: bytes) -> dict[str, Any]:
    position = finding.position
    assert 0 <= position.start <= position.end <= len(data)
    assert finding.code in CODES
    assert finding.message
    assert finding.remedy
    place = {name: value for name, value in asdict(position).items() if value is not None}
    return {
        "code": finding.code,
        "severity": finding.severity.value,
        "message": finding.message,
        "value": finding.value,
        **place,
    }


def _plain(content: Any) -> Any:
    if isinstance(content, etree._Element):
        return etree.tostring(content, encoding="unicode", with_tail=False)
    if isinstance(content, dict):
        return {name: _plain(value) for name, value in content.items()}
    if isinstance(content, list):
        return [_plain(value) for value in content]
    return f"decimal {content}" if isinstance(content, Decimal) else content
