"""Run the benchmarks of one group or of all, print the table, write bench-results.json and docs/benchmarks.md.

The page is written by a run of all groups; with ``--page`` a run of some puts their lines in the place of the old ones.
"""

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
    "rest": ("bench_live", "bench_rest", "bench_feed"),
    "sftp": ("bench_sftp", "bench_sftp_client", "bench_folders"),
    "databases": ("bench_pglog", "bench_binlog", "bench_reading", "bench_diff", "bench_commit"),
}
"""Group → its modules, each with ``measure() -> list[dict]``: the members of a Result but its group."""


def main() -> int:
    wanted = [name for name in sys.argv[1:] if name != "--page"] or list(GROUPS)
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
    if wanted == list(GROUPS) or "--page" in sys.argv:
        there = Path("docs/benchmarks.md")
        there.write_text(page(results, kept(there.read_text(encoding="utf-8"), wanted)), encoding="utf-8")
    return 0


def kept(old: str, measured: list[str]) -> list[str]:
    """The lines of an old page that are of groups which were not measured now."""
    lines = [line for line in old.splitlines() if line.startswith("| ")][2:]
    return [line for line in lines if line.split("|")[1].strip() not in measured]


def page(results: list[Result], others: list[str]) -> str:
    """docs/benchmarks.md: the table of a run, with the lines of `others` before it, and what it was run on."""
    lines = table(results).splitlines()
    machine = f"Python {platform.python_version()}, {os.cpu_count()} cores, {platform.system()} {platform.machine()}"
    return f"""# Benchmarks

Written by `make bench` on {datetime.now(UTC):%Y-%m-%d} ({machine}). The values are medians of paired runs on a shared,
noisy machine: compare the ratios first. An aim that is not met says so.

Other programs are measured in the same run. pip and npm fetch them once into `.cache/peers`; `databases` wants besides
`apt-get install default-jre-headless postgresql mariadb-server odbc-postgresql odbc-mariadb libsqliteodbc`. One that
cannot be had is a line that says "missing".

{chr(10).join([*lines[:2], *others, *lines[2:]])}
"""


if __name__ == "__main__":
    sys.exit(main())
