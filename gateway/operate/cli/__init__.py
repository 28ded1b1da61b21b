"""The command ``gateway``: help that a person can read, plain lines when piped, documented exit codes."""

from __future__ import annotations

import importlib
import sys

import click

from adapters.errors import AdapterError
from gateway.errors import GatewayError
from gateway.workspace.problems import ConfigurationProblems
from sftp.errors import SftpError

EXIT_CODES = """\b
Exit status
  0  it is done, and nothing is wrong
  1  something is wrong: problems were found, or it could not be done; the message says what to do
  2  wrong usage
  3  gateway tail --until-idle saw problems
  4  gateway plan saw records that would differ
  5  gateway diff saw a change that breaks who reads, or gateway apply was asked to make one without --breaking
"""


_MACHINE = "Check the disk, its permissions and the limit of open files (ulimit -n); nothing was lost."


COMMANDS = {
    "init": "workspace",
    "new": "new",
    "check": "workspace",
    "apply": "apply",
    "plan": "plan",
    "diff": "diff",
    "schema": "workspace",
    "up": "up",
    "serve": "serve",
    "sftp": "sftp",
    "work": "work",
    "tail": "log",
    "verify": "verify",
    "purge": "purge",
    "explain": "explain",
    "quarantine": "quarantine",
    "letter": "letter",
    "replay": "repair",
    "undo": "repair",
    "audit": "audit",
    "backup": "backup",
    "restore": "backup",
    "key": "keys",
    "partner": "partner",
    "source": "sources",
    "probe": "probe",
    "profile": "probe",
    "parse": "formats",
    "write": "formats",
    "guide": "formats",
    "demo": "demo",
}
"""Command → the module of this package that has it under its own name."""


class Commands(click.Group):
    """Loads a command when it is asked for: each role is a process, and none needs the libraries of the others."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's interface
        """Every command, in the order of the table."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002 - as above
        """The command of that name."""
        if cmd_name not in COMMANDS:
            return None
        module = importlib.import_module(f"gateway.operate.cli.{COMMANDS[cmd_name]}")
        command: click.Command = vars(module)[cmd_name]
        return command


@click.group(
    cls=Commands,
    epilog=EXIT_CODES,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)
@click.version_option(package_name="legacy-gateway", prog_name="gateway")
def gateway() -> None:
    """Give systems that have no API the one they never had.

    Start with `gateway demo`, or make a workspace with `gateway init` and run it with `gateway up`.
    """


def main() -> None:
    """Run the command; what a person must mend is said on standard error, without a traceback."""
    try:
        # Where click is not alone, it returns the status of its Exit.
        sys.exit(gateway(standalone_mode=False, prog_name="gateway"))
    except click.Abort:
        click.echo("stopped", err=True)
        sys.exit(130)
    except click.ClickException as wrong:
        wrong.show()
        sys.exit(wrong.exit_code)
    except ConfigurationProblems as found:
        click.echo(str(found), err=True)
        sys.exit(1)
    except (GatewayError, AdapterError, SftpError) as trouble:
        click.echo(f"gateway: {trouble}", err=True)
        sys.exit(1)
    except BrokenPipeError:  # the reader of our lines has gone: head, less
        sys.stderr.close()
        sys.exit(0)
    except OSError as trouble:  # the machine's: a broken or full disk, too many open files
        where = f"{trouble.filename}: " if trouble.filename else ""
        click.echo(f"gateway: {where}{trouble.strerror}. {_MACHINE}", err=True)
        sys.exit(1)
