"""The request of the API that a transaction belongs to: the rows of the logs that it writes name it.

>>> begin(request="req_01", trace="")
>>> told()
{'request': 'req_01'}
>>> end(), told()
(None, {})
"""

from __future__ import annotations

from contextvars import ContextVar
from types import MappingProxyType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

_NONE: Mapping[str, str] = MappingProxyType({})
_OF: ContextVar[Mapping[str, str]] = ContextVar("origin", default=_NONE)


def begin(**ids: str) -> None:
    """Say which request this thread works for, by its ids; those that are empty are left out."""
    _OF.set({name: value for name, value in ids.items() if value})


def end() -> None:
    """Say that it works for none any more."""
    _OF.set(_NONE)


def told() -> dict[str, str]:
    """What rows say of the request; nothing outside of one."""
    return dict(_OF.get())
