"""What a rule of a whole document has to say: about which row, which element of it, and what to do."""

from __future__ import annotations

from typing import NamedTuple


class Problem(NamedTuple):
    """Something wrong at a row, counted from 0; `element` and `component` count from 1, None is the whole of it."""

    code: str
    row: int
    tag: str
    message: str
    remedy: str
    element: int | None = None
    component: int | None = None
