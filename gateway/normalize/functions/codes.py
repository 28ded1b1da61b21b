"""Code tables: from a partner's code to ours. A code that no table has is a failure, with the nearest one named."""

from __future__ import annotations

from difflib import get_close_matches
from typing import TYPE_CHECKING

from gateway.normalize.faults import Failure, quoted

if TYPE_CHECKING:
    from collections.abc import Iterable

    from gateway.configuration import CodeTable


class Codes(dict[str, str]):
    """A code table as the generated function asks it: ``codes[text]``, a dict's look-up where the code is known.

    With `other`, a code that is not in the table becomes that one instead of a failure.
    """

    __slots__ = ("name", "other")

    def __init__(self, table: CodeTable, other: str | None = None) -> None:
        super().__init__(table.mapping)
        self.name = table.name
        self.other = other

    def __missing__(self, code: str) -> str:
        if self.other is not None:
            return self.other
        near = nearest(code, self)
        remedy = f"Did they mean {quoted(near)}? " if near else ""
        raise Failure(
            "mapping.code",
            f"{quoted(code)} is not a code of the table {self.name}",
            f"{remedy}Correct the value, or add the code to codes/{self.name}.csv.",
        )


def nearest(word: str, known: Iterable[str]) -> str | None:
    """The one of `known` that is most like `word`, if any is: for "did you mean"."""
    if len(word) > 80:
        return None
    names = list(known)
    folded = {name.casefold(): name for name in reversed(names)}
    if word.casefold() in folded:
        return folded[word.casefold()]
    # The comparison is quadratic in the lengths and linear in the names: bounded, since a bad file asks it per row.
    close = get_close_matches(word, names[:500], 1, 0.6)
    return close[0] if close else None
