"""Options that several commands share, and how a role hears that it shall end."""

from __future__ import annotations

import logging
import os
import signal
import sys
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from gateway.operate.credentials import user_of_machine
from gateway.operate.workers.limits import Slate

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import FrameType

Command = TypeVar("Command", bound="Callable[..., Any]")


def workspace_option(command: Command) -> Command:
    """``--workspace``: the folder of the configuration."""
    return click.option(
        "--workspace",
        "-w",
        type=click.Path(exists=True, file_okay=False, path_type=Path),
        default=".",
        envvar="GATEWAY_WORKSPACE",
        help="The folder of the configuration (default: the current one, or $GATEWAY_WORKSPACE).",
    )(command)


def decision_options(command: Command) -> Command:
    """``--reason`` and ``--who``: what is decided about deliveries and documents is kept with who, and why."""
    return who_option(click.option("--reason", "-r", required=True, help="Why, in a sentence; it is kept.")(command))


def who_option(command: Command) -> Command:
    """``--who``: the audit log says who did what."""
    help_text = "Who does it, for the audit log (default: the user of this machine)."
    return click.option("--who", default=user_of_machine, help=help_text)(command)


def child_options(command: Command) -> Command:
    """``--child``: end when standard input closes, because who started us is gone; ``--slate``: what it reads of us."""
    command = click.option("--slate", type=int, hidden=True, callback=_slate)(command)
    return click.option("--child", is_flag=True, hidden=True)(command)


def _slate(_context: click.Context, _option: click.Parameter, descriptor: int | None) -> Slate:
    return Slate(descriptor)


def log_to_standard_error() -> None:
    """Plain lines with time and level on standard error."""
    logging.basicConfig(
        level=logging.INFO,
        stream=sys.stderr,
        format="%(asctime)s %(levelname)-7s %(name)s: %(message)s",
        datefmt="%H:%M:%S",
    )
    for chatty in ("paramiko", "alembic", "watchdog"):
        logging.getLogger(chatty).setLevel(logging.WARNING)


def stop_event(*, child: bool = False) -> threading.Event:
    """An event that is set by SIGTERM and SIGINT, and for a child by the end of its standard input."""
    stop = threading.Event()

    def end(_number: int, _frame: FrameType | None) -> None:
        stop.set()

    signal.signal(signal.SIGTERM, end)
    signal.signal(signal.SIGINT, end)
    if child:
        threading.Thread(target=_until_standard_input_ends, args=(stop.set,), daemon=True).start()
    return stop


def end_with_parent() -> None:
    """End this process by SIGTERM when its standard input closes, for a role that handles signals by itself."""
    threading.Thread(
        target=_until_standard_input_ends, args=(lambda: os.kill(os.getpid(), signal.SIGTERM),), daemon=True
    ).start()


def _until_standard_input_ends(then: Callable[[], None]) -> None:
    while os.read(0, 4096):
        pass
    then()
