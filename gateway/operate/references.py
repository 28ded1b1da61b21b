"""Secrets that a configuration refers to and that could not be used: for who checks a workspace before it runs."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from gateway.errors import Stop
from gateway.operate.credentials import resolved
from gateway.serve.signatures import key_of

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from gateway.configuration import Configuration
    from gateway.integrations import Signature

_REFERENCE = re.compile(r"secret:[\w./-]+")


def unusable(configuration: Configuration, folder: Path) -> Iterator[tuple[str, str]]:
    """The place of each reference that leads to nothing that counts, and what is wrong; no secret is in it.

    Where the workspace has no folder of secrets, as in a check of changes, nothing is said of those that are missing.
    """
    told: set[tuple[str, str]] = set()
    for place, reference, signature in _references(configuration):
        if (place, reference) in told or not ((folder / "secrets").is_dir()):
            continue
        told.add((place, reference))
        try:
            secret = resolved(reference, folder)
            if signature is not None:
                key_of(signature, secret)
        except Stop as stop:
            yield place, f"{stop.message}. {stop.remedy}"
        except UnicodeDecodeError:
            yield place, f"{reference} is not text"
        except ValueError as error:
            yield place, f"{reference} is no key: {error}"


def _references(configuration: Configuration) -> Iterator[tuple[str, str, Signature | None]]:
    for each in configuration.integrations.values():
        for reference in each.signature.secrets if each.signature is not None else ():
            yield str(each.place), reference, each.signature
    for file in ("gateway.yaml", "connections.yaml"):
        for number, line in enumerate(configuration.files.get(file, "").splitlines(), 1):
            for match in _REFERENCE.finditer(line.partition("#")[0]):
                yield f"{file}:{number}:{match.start() + 1}", match[0], None
