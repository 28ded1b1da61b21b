"""Which scopes allow anything: what a key is given that is none of them would be of no use to anybody.

>>> known = frozenset({"orders:read", "orders:personal", "deliveries:write"})
>>> allows("orders:*", known), allows("*:write", known), allows("order:read", known)
(True, True, False)
>>> nearest_scope("order:read", known)
'orders:read'
"""

from __future__ import annotations

from difflib import get_close_matches
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from gateway.configuration import Configuration

READ = (
    *("activity", "audit", "deliveries", "integrations", "metrics", "outlets", "partners"),
    *("quarantine", "sources", "tables", "types", "usage"),
)
WRITE = ("deliveries", "quarantine")
OWN = frozenset([f"{each}:read" for each in READ] + [f"{each}:write" for each in WRITE])
"""The scopes of the gateway's own resources."""


def scopes_of(configuration: Configuration) -> frozenset[str]:
    """Every scope without a star that allows something under a configuration."""
    collections = {each.collection for each in configuration.contracts.values()}
    return OWN.union(
        (f"{each}:{verb}" for each in collections for verb in ("read", "personal")),
        (f"tables.{each}:read" for each in configuration.connections),
    )


def allows(scope: str, known: frozenset[str]) -> bool:
    """Whether a scope covers any of the `known`."""
    resource, _, verb = scope.partition(":")
    return scope == "admin" or any(
        resource in ("*", each.partition(":")[0]) and verb in ("*", each.partition(":")[2]) for each in known
    )


def nearest_scope(scope: str, known: frozenset[str]) -> str:
    """The one of the `known` that was probably meant; empty where none is near."""
    return next(iter(get_close_matches(scope, sorted(known), n=1, cutoff=0.6)), "")
