"""What fills a contract of the workspace's own, in a flow that is added: the lines of one that fills it already.

The standard mappings are for the contracts that are shipped. Where a workspace has a contract of that name itself, none
of them applies; but its integrations say how its fields are filled from a message, and so would the next one.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from gateway.errors import Stop
from gateway.workspace.shelf import FOLDER as SHIPPED

if TYPE_CHECKING:
    from gateway.configuration import Configuration
    from gateway.integrations import Format, Integration
    from gateway.operate.onboarding.making import Prepared
    from gateway.workspace.newcomers import Wish

_TAKEN_OVER = ("version", "map", "check")
"""Keys that say how a document becomes a record."""
_BLOCK = re.compile(r"^(\w+):.*(?:\n(?:[ \t#-].*)?$)*", re.MULTILINE)
"""A key of the file with what stands under it, up to the next key."""
_TRAILING = re.compile(r"(?:\s|\n#.*)*\Z")
"""Remarks before the next key are about that one."""


def taken_over(configuration: Configuration, wish: Wish, made: Prepared) -> str:
    """The lines that are to stand in an integration for `wish`; empty where the standard mapping is used.

    Raises:
        Stop: the contract is the workspace's own, and no integration shows what fills it from such a message.
    """
    contract = configuration.contracts.get(wish.contract.replace(" ", "."))
    if contract is None or f"{SHIPPED}contracts/{contract.id}.yaml" in configuration.files:
        return ""
    like = [each for each in configuration.integrations.values() if _fills(each, wish)]
    for integration in sorted(like, key=lambda each: each.format.version != wish.form.version):
        lines = _lines(configuration.files[integration.place.file])
        if lines:
            made.notes.append(
                f"{wish.contract} is a contract of this workspace, so the standard mapping does not fill it: what "
                f"fills it from {wish.declared} is copied from {integration.name}. Look it over."
            )
            return lines
    raise Stop(
        f"{wish.contract} is a contract of this workspace, contracts/{contract.id}.yaml, and hides the standard one of "
        f"that name with its mapping; no integration shows what fills it from {wish.declared}",
        "Nothing was written. The same command without --format and --from makes the partner alone; then write its "
        "integration by hand, with lines under map: docs/configuration.md",
    )


def _fills(integration: Integration, wish: Wish) -> bool:
    """Whether an integration fills the contract from the same message, of a release that is the same or not said."""
    releases = {integration.format.version, wish.form.version} - {None, ""}
    return (
        f"{integration.contract} v{integration.contract_version}" == wish.contract
        and (integration.format.name, _message(integration.format)) == (wish.form.name, _message(wish.form))
        and len(releases) < 2
    )


def _message(form: Format) -> str:
    """Without the release that XML has in it: ``ubl:Invoice``."""
    return re.sub(r"-[\d.]+$", "", form.message or "")


def _lines(text: str) -> str:
    """Those of an integration's lines that say what fills the fields; empty where its `map:` is not a block."""
    text = "\n".join(text.splitlines()) + "\n"  # whatever an editor ends lines with
    blocks = {match[1]: _TRAILING.sub("", match[0]) + "\n" for match in _BLOCK.finditer(text)}
    if "map" not in blocks:
        return ""
    return "".join(("" if name == "version" else "\n") + blocks[name] for name in _TAKEN_OVER if name in blocks)
