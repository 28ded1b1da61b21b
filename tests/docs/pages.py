"""Pages of documentation with generated parts: what stands between two marks is made from the product's own tables.

    <!-- generated: keys gateway -->
    …
    <!-- end -->

``python -m tests.docs`` fills every part again; ``tests/test_docs.py`` fails where one is out of date. The pages of
findings and of guides are generated whole: each is one such part.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

from edi.findings import CODES
from tests.docs.blocks import BLOCKS
from tests.docs.guides import shipped, versions

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).parents[2]
_PART = re.compile(r"<!-- generated: (?P<name>\w+)(?: (?P<argument>[\w.-]+))? -->\n.*?<!-- end -->", re.DOTALL)
_RUN = re.compile(r"<!-- run(?P<stays> in the background)? -->\n```sh\n(?P<script>.*?)```", re.DOTALL)


def pages() -> list[Path]:
    """Every page of documentation, those beside the code first."""
    return [*sorted(ROOT.glob("*.md")), *sorted((ROOT / "docs").rglob("*.md"))]


def whole() -> dict[str, str]:
    """The pages that are generated whole, by their names, each with its part still empty."""
    parts = {f"docs/findings/{code}.md": f"finding_page {code}" for code in CODES}
    parts |= {f"docs/guides/{name}.md": f"guide_page {name}" for name in map("-".join, shipped())}
    parts |= {f"docs/guides/{name}.md": f"segments_page {name}" for name in map("-".join, versions())}
    return {page: f"<!-- generated: {part} -->\n<!-- end -->\n" for page, part in parts.items()}


def filled(text: str) -> str:
    """`text` with every generated part as it should be.

    Raises:
        KeyError: a part names a block that there is none of.
    """

    def part(match: re.Match[str]) -> str:
        argument = f" {match['argument']}" if match["argument"] else ""
        made = BLOCKS[match["name"]](match["argument"] or "")
        return f"<!-- generated: {match['name']}{argument} -->\n{made.strip(chr(10))}\n<!-- end -->"

    return _PART.sub(part, text)


def runnable(text: str) -> Iterator[tuple[bool, str]]:
    """Each block that is marked to be run: whether it goes on in the background, and its commands."""
    for match in _RUN.finditer(text):
        yield match["stays"] is not None, match["script"]
