"""The process that has imported everything and becomes, each time it is asked, a copy that runs a command.

Each line of standard input is a request; each is answered with numbers: the id of a new child, or how one ended and the
most memory that it ever had, in KiB.
"""

from __future__ import annotations

import ctypes
import gc
import json
import os
import signal
import sys
import tempfile
import traceback
from contextlib import suppress
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[2]))

import gateway.operate.cli.serve
import gateway.operate.cli.sftp
import gateway.operate.cli.work  # noqa: F401 - the commands load their modules late, which a copy need not
from gateway import judging
from gateway.operate import wiring
from gateway.operate.cli import main
from gateway.operate.workers import worker
from gateway.store import staging
from tests.acceptance.workspaces import opened
from tests.faults.nursery import DOOR
from tests.faults.scenes import some_deliveries

_PR_SET_PTRACER, _ANY = 0x59616D61, ctypes.c_ulong(-1)  # prctl(2): whoever may signal us may also trace us


def serve() -> None:
    """Answer until standard input ends; the children that still run are killed then."""
    _warm()
    signal.pthread_sigmask(signal.SIG_BLOCK, {DOOR})
    children: set[int] = set()
    for line in sys.stdin:
        request = json.loads(line)
        if "wait" in request:
            _, status, used = os.wait4(request["wait"], 0)
            answer = f"{os.waitstatus_to_exitcode(status)} {used.ru_maxrss}"
            children.discard(request["wait"])
        else:
            child = os.fork()
            if child == 0:
                _be(request)
            children.add(child)
            answer = str(child)
        print(answer, flush=True)  # noqa: T201 - the answer
    for child in children:
        os.kill(child, signal.SIGKILL)


def _warm() -> None:
    """Read what the commands read once (guides, expressions), so that each child has it."""
    with tempfile.TemporaryDirectory() as folder, opened(Path(folder)) as place:
        some_deliveries(place)
        place.work()
    gc.collect()
    gc.freeze()


def _be(request: dict[str, Any]) -> None:
    """Become the command, once the door opens."""
    ctypes.CDLL(None).prctl(_PR_SET_PTRACER, _ANY, 0, 0, 0)
    log = os.open(request["log"], os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    for descriptor, target in ((log, 1), (log, 2)):
        os.dup2(descriptor, target)
    os.closerange(3, 64)
    nothing, _ = os.pipe()  # it never ends: whoever started this is not gone
    os.dup2(nothing, 0)
    signal.sigwait({DOOR})
    status = 1
    try:
        status = _run(request)
    except BaseException:  # noqa: BLE001 - what Python does at the end of a program
        with suppress(OSError):
            traceback.print_exc()
    finally:
        with suppress(OSError):
            sys.stdout.flush()
            sys.stderr.flush()
        os._exit(status)


def _run(request: dict[str, Any]) -> int:
    if request["small"]:
        judging.ROWS_A_BATCH, staging.SETTLED_AT_ONCE = 20, 10
        vars(staging)["settle"] = partial(staging.settle, limit=30)
        vars(worker)["_SLEEP_SECONDS"] = 0.05
    if request["hours"]:
        true_now, ahead = wiring.utc_now, timedelta(hours=request["hours"])
        wiring.utc_now = lambda: true_now() + ahead
    sys.argv = ["gateway", *request["argv"]]
    try:
        main()
    except SystemExit as end:
        return end.code if isinstance(end.code, int) else int(end.code is not None)
    return 0


if __name__ == "__main__":
    serve()
