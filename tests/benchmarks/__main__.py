"""Run the benchmarks of one group or of all, print the table, write bench-results.json and docs/benchmarks.md."""

from __future__ import annotations

import importlib
import os
import platform
import sys
from datetime import UTC, datetime
from pathlib import Path

from tests.benchmarks.harness import Result, table, write

GROUPS = {
    "ingest": ("bench_ingest",),
    "durable": ("bench_durable", "bench_store"),
    "normalize": ("bench_normalize",),
    "validate": ("bench_validate",),
    "edi": ("bench_edi", "bench_text"),
    "rest": ("bench_rest", "bench_feed"),
}
"""Group → its modules, each with ``measure() -> list[dict]``: the members of a Result but its group."""


def main() -> int:
    wanted = sys.argv[1:] or list(GROUPS)
    unknown = [name for name in wanted if name not in GROUPS]
    if unknown:
        print(f"no group {unknown[0]}; there is {', '.join(GROUPS)}", file=sys.stderr)
        return 2
    results: list[Result] = []
    for group in wanted:
        for name in GROUPS[group]:
            for figure in importlib.import_module(f"tests.benchmarks.{name}").measure():
                result = Result(group, **figure)
                results.append(result)
                print(table([result]).splitlines()[-1], flush=True)
    print()
    print(table(results))
    write(results, Path("bench-results.json"))
    if wanted == list(GROUPS):
        Path("docs/benchmarks.md").write_text(page(results), encoding="utf-8")
    return 0


def page(results: list[Result]) -> str:
    """docs/benchmarks.md: the table of a whole run and what it was run on."""
    machine = f"Python {platform.python_version()}, {os.cpu_count()} cores, {platform.system()} {platform.machine()}"
    return f"""# Benchmarks

Written by `make bench` on {datetime.now(UTC):%Y-%m-%d} ({machine}). The values are medians of paired runs on a shared,
noisy machine: compare the ratios first. An aim that is not met says so.

{table(results)}
"""


if __name__ == "__main__":
    sys.exit(main())
