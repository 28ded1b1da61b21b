"""``python -m tests.docs``: write the generated parts of all pages anew."""

import sys

from tests.docs.pages import ROOT, filled, pages

for page in pages():
    before = page.read_text(encoding="utf-8")
    after = filled(before)
    if after != before:
        page.write_text(after, encoding="utf-8")
        sys.stdout.write(f"wrote {page.relative_to(ROOT)}\n")
