"""Rows with a name for each element, for programs and people that would rather not count.

>>> named({"BEG": [["BEG", "00", "SA", "4711"]], "PO1*": [{"PO1": [["PO1", "1", "3"]]}]})
{'BEG': [{'BEG01': '00', 'BEG02': 'SA', 'BEG03': '4711'}], 'PO1*': [{'PO1': [{'PO101': '1', 'PO102': '3'}]}]}
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

    from edi.model import Loop

    Namer = Callable[[list[Any]], dict[str, Any]]


_MOST = 4_000
"""So many tags are remembered: files may hold any."""


def named(loop: Loop) -> Loop:
    """The same loop, changed in place: each row is a dict from name to element; composites and repeats are as before.

    After this the loop is no longer what mappings and writers read.
    """
    if len(_NAMERS) > _MOST:
        _NAMERS.clear()
    todo = [loop]
    for inner in todo:
        for key, values in inner.items():
            namers = _NAMERS[key]
            if namers is None:
                todo += values
            elif len(values) == 1:
                values[0] = namers[len(values[0])](values[0])
            else:
                values[:] = [namers[len(row)](row) for row in values]
    return loop


class _OfTag(dict[int, "Namer"]):
    """By the length of a row, the function that names its elements: written out, it takes half as long as a zip."""

    def __init__(self, tag: str) -> None:
        self.tag = tag

    def __missing__(self, length: int) -> Namer:
        self[length] = namer = _namer(self.tag, length)
        return namer


class _Namers(dict[str, _OfTag | None]):
    """By the key of a loop: what names its rows; None for the key of child loops."""

    def __missing__(self, key: str) -> _OfTag | None:
        self[key] = found = None if key[-1] == "*" else _OfTag(key)
        return found


def _namer(tag: str, length: int) -> Namer:
    if not re.fullmatch("[A-Z0-9]{1,9}", tag):  # no tag of a standard; it must not become code
        return lambda row: {f"{tag}{number:02}": value for number, value in enumerate(row) if number}
    values = "".join(f", v{number}" for number in range(1, length))
    names = ", ".join(f"'{tag}{number:02}': v{number}" for number in range(1, length))
    namespace: dict[str, Namer] = {}
    exec(f"def namer(row):\n    _{values or ','} = row\n    return {{{names}}}", namespace)  # noqa: S102 # our own text
    return namespace["namer"]


_NAMERS = _Namers()
