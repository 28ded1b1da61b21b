"""From a value of a record back to its source: the arguments with which a format's reader finds its bytes again.

Nothing is recorded while mapping; the mapping itself knows. ``locate(raw, envelope, path, loops)`` of a reader takes
the path and the loops that stand here: of each loop its path and the occurrence that is meant, counted from 0.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from edi.paths import parse_path

if TYPE_CHECKING:
    from edi.paths import Path
    from gateway.normalize.compiler import Mapper

Loops = tuple[tuple["Path", int], ...]


def source_of(mapper: Mapper, target: str, path: str | None = None) -> tuple[Path, Loops] | None:
    """Where the value at `target` (``/lines/2/price``) comes from: its first path, or `path`, and the loops around it.

    `path` is that of a fault, where an expression has several. None: the mapping does not fill the target from the
    document: a constant, an object, or a field that only the contract knows.
    """
    lineage = mapper.lineage_of(target)
    if path is None:
        if lineage is None or not lineage.paths:
            return None
        path = lineage.paths[0]
    loops = lineage.loops if lineage is not None else ()
    occurrences = [int(part) for part in target.split("/") if part.isdigit()]
    around = tuple(
        (parse_path(mapper.format_name, loop), occurrence) for loop, occurrence in zip(loops, occurrences, strict=False)
    )
    return parse_path(mapper.format_name, path), around


def sources_of(mapper: Mapper, target: str) -> tuple[tuple[Path, Loops], ...]:
    """Every source of the value at `target`, in the order in which its expression names them."""
    lineage = mapper.lineage_of(target)
    found = [source_of(mapper, target, path) for path in lineage.paths] if lineage is not None else []
    return tuple(source for source in found if source is not None)
