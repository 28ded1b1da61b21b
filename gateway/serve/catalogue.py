"""Which collections there are: the contracts of the configuration in force, by the names that the API gives them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gateway.serve.problems import Flaw, Problem, nearest

if TYPE_CHECKING:
    from gateway.configuration import Configuration
    from gateway.contracts import Contract
    from gateway.serve.auth import Caller


def collections(configuration: Configuration) -> dict[str, dict[int, Contract]]:
    """Collection → version → contract, in the order of names and numbers."""
    found: dict[str, dict[int, Contract]] = {}
    for contract in sorted(configuration.contracts.values(), key=lambda each: (each.collection, each.version)):
        found.setdefault(contract.collection, {})[contract.version] = contract
    return found


def readable(configuration: Configuration, caller: Caller) -> dict[str, dict[int, Contract]]:
    """The collections that the caller may read."""
    return {name: versions for name, versions in collections(configuration).items() if caller.may(f"{name}:read")}


def contract_of(configuration: Configuration, caller: Caller, collection: str, version: str | None = None) -> Contract:
    """The contract of a collection: the newest version unless another is asked for.

    Raises:
        Problem: ``scope_missing`` before anything tells whether the collection exists; ``unknown_collection``;
            ``bad_parameter`` for a version that is none.
    """
    caller.needs(f"{collection}:read")
    known = readable(configuration, caller)
    versions = known.get(collection)
    if versions is None:
        raise Problem("unknown_collection", f"there is no collection {collection!r}", nearest(collection, known))
    if version is None:
        return versions[max(versions)]
    numbers = {str(number): contract for number, contract in versions.items()}
    if version not in numbers:
        detail, remedy = f"{collection} has no version {version[:40]!r}", f"There are: {', '.join(numbers)}."
        flaws = (Flaw("bad_parameter", detail, remedy, parameter="version"),)
        raise Problem("bad_parameter", detail, remedy, errors=flaws)
    return numbers[version]
