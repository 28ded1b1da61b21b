"""Fuzz one target, guided by coverage: ``python -m tests.fuzz x12 -max_total_time=60``."""

from __future__ import annotations

import importlib
import sys
from pathlib import Path


def main() -> int:
    """Run the named target; all further arguments are libFuzzer's."""
    try:
        atheris = importlib.import_module("atheris")
    except ImportError:
        print("atheris is not installed: pip install atheris", file=sys.stderr)  # noqa: T201 - a person is told
        return 2
    with atheris.instrument_imports(include=["edi"]):
        targets = importlib.import_module("tests.fuzz.targets")
    name, *arguments = sys.argv[1:] or [""]
    if name not in targets.TARGETS:
        print(f"no target {name!r}; there is {', '.join(targets.TARGETS)}", file=sys.stderr)  # noqa: T201 - a person is told
        return 2
    kept = Path(".cache/fuzz") / name
    first = kept / "samples"
    first.mkdir(parents=True, exist_ok=True)
    for number, seed in enumerate(targets.seeds(name)):
        (first / f"{number:04}").write_bytes(seed)
    files = [argument for argument in arguments if not argument.startswith("-")]
    folders = [] if files else [str(kept), str(first)]
    atheris.Setup([sys.argv[0], *arguments, *folders], targets.TARGETS[name])
    atheris.Fuzz()
    return 0


if __name__ == "__main__":
    sys.exit(main())
