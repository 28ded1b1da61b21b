"""``python -m tests.docs``: write the generated parts of all pages anew, and the pages that are generated whole."""

import sys

from tests.docs.pages import ROOT, filled, pages, whole

for name, text in whole().items():
    page = ROOT / name
    page.parent.mkdir(exist_ok=True)
    if not page.exists():
        page.write_text(text, encoding="utf-8")
for page in pages():
    before = page.read_text(encoding="utf-8")
    after = filled(before)
    if after != before:
        page.write_text(after, encoding="utf-8")
        sys.stdout.write(f"wrote {page.relative_to(ROOT)}\n")
