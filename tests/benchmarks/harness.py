"""What a benchmark reports, and how the table and the file of results are made of it."""

from __future__ import annotations

import json
import statistics
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable


@dataclass(frozen=True, slots=True)
class Result:
    """One figure: the median of `runs`. `against` names the peer or limit of `ratio`; `met` says whether `aim` is."""

    group: str
    name: str
    value: float
    unit: str
    runs: int = 1
    against: str | None = None
    ratio: float | None = None
    aim: str | None = None
    met: bool | None = None


def figure(name: str, value: float, unit: str, runs: int = 1, **more: Any) -> dict[str, Any]:
    """The members of a Result but its group, which the module's place among the groups tells."""
    return {"name": name, "value": value, "unit": unit, "runs": runs, **more}


def paired(first: Callable[[], float], second: Callable[[], float], runs: int) -> tuple[float, float, float]:
    """Run both in turn and return the median of each and of the ratio first/second, pair by pair."""
    pairs = [(first(), second()) for _ in range(runs)]
    ratios = [one / other for one, other in pairs]
    return (
        statistics.median(one for one, _ in pairs),
        statistics.median(other for _, other in pairs),
        statistics.median(ratios),
    )


def table(results: Iterable[Result]) -> str:
    """The results as lines of a table in Markdown."""
    lines = ["| group | what | value | ratio | aim | met |", "| --- | --- | --- | --- | --- | --- |"]
    for each in results:
        ratio = f"{each.ratio:.2f} × {each.against}" if each.ratio is not None else ""
        met = {True: "yes", False: "**no**", None: ""}[each.met]
        lines.append(
            f"| {each.group} | {each.name} | {_shown(each.value)} {each.unit} | {ratio} | {each.aim or ''} | {met} |"
        )
    return "\n".join(lines)


def peak_megabytes() -> float:
    """The most memory that this process has had. The kernel's `ru_maxrss` begins with what the parent had."""
    lines = Path("/proc/self/status").read_text(encoding="ascii").splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmHWM:")) / 1024


def write(results: Iterable[Result], path: Path) -> None:
    """Write the results as a list of objects."""
    path.write_text(json.dumps([asdict(each) for each in results], indent=2) + "\n", encoding="utf-8")


def _shown(value: float) -> str:
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"
