"""Poison: files on which a process breaks, each in its own way, whatever process reads them.

``planted`` is the environment of a program whose CSV reader does what a file says; nothing else in it is changed.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from tests.acceptance.children import prices

if TYPE_CHECKING:
    from collections.abc import Mapping

_SITE = """
import ctypes, os, re, signal
from dataclasses import replace
from edi.formats import FORMATS

def segfault():
    ctypes.string_at(0)

def loop():
    while True:
        pass

def hold():
    re.match("(a+)+$", "a" * 60 + "b")  # in C, with the interpreter's lock, for longer than the sun will shine

def hog():
    held = []
    while True:
        held.append(bytearray(1 << 20))

def killed():
    os.kill(os.getpid(), signal.SIGKILL)

def read(chunks, options):
    whole = b"".join(chunks)
    for what in (segfault, loop, hold, hog, killed):
        if b"POISON " + what.__name__.encode() in whole:
            what()
    return csv.read([whole], options)

csv = FORMATS["csv"]
FORMATS["csv"] = replace(csv, read=read)
"""


def planted(folder: Path) -> Mapping[str, str]:
    """The environment of a program that meets poison; Python runs sitecustomize in `folder` before anything else."""
    folder.mkdir()
    (folder / "sitecustomize.py").write_text(_SITE, encoding="utf-8")
    return os.environ | {"PYTHONPATH": f"{folder}{os.pathsep}{Path(__file__).parents[2]}"}


def poison(kind: str) -> bytes:
    """A price list on which a planted reader does that."""
    return prices(3).replace(b"Artikel 2", f"POISON {kind}".encode())
