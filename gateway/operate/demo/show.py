"""The show: start the gateway, drop the samples, print the log as it comes, then what to try; judge every step."""

from __future__ import annotations

import json
import shlex
import threading
import time
import urllib.error
import urllib.request
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import click
import paramiko

from gateway.errors import Stop
from gateway.operate import wiring
from gateway.operate.credentials import make_key
from gateway.operate.demo.workspace_maker import DROPS, DemoWorkspace
from gateway.operate.tail import Wanted, as_text, by_time, from_store
from gateway.operate.up import Supervisor, all_roles
from gateway.store import acknowledgments, deliveries

if TYPE_CHECKING:
    from collections.abc import Iterator

    from gateway.operate.wiring import Gateway

STARTING_SECONDS = 30.0
INGESTING_SECONDS = 30.0
_SHOWN_CHARACTERS = 700
EXPECTED = {
    "acme-orders": ("partly_accepted", {"accepted": 1, "quarantined": 1}),
    "northwind-orders": ("accepted", {"accepted": 1}),
    "globex-prices": ("partly_accepted", {"accepted": 8, "quarantined": 2}),
    "initech-invoices": ("accepted", {"accepted": 1}),
    "erp-customers": ("accepted", {"accepted": 4}),
}
"""How the delivery of each integration must end."""

ANSWERED = "northwind-orders"
"""The integration whose partner is answered."""

TRIES = (
    ("an order, whichever standard it came in", "/api/v1/orders/acme~4711"),
    ("what is held, and why", "/api/v1/quarantine?integration=globex-prices"),
    ("records, filtered and sorted", "/api/v1/prices?group=tools&sort=-price"),
    ("the legacy table, read live", "/api/v1/tables/erp/KUNDEN?KZSTAT=A&limit=2"),
    ("every file that came", "/api/v1/deliveries?limit=2"),
)


@dataclass(frozen=True, slots=True)
class Shown:
    """What the caller needs to go on: where the API is and the token for it."""

    workspace: DemoWorkspace
    token: str


def run(workspace: DemoWorkspace, *, once: bool, kept: bool) -> None:
    """Run the demo; without `once`, stay up until Ctrl-C. `kept` says that the workspace is there afterwards.

    Raises:
        Stop: a step did not hold; the message says which.
    """
    click.echo(f"The workspace is {workspace.folder}")
    gateway = wiring.open_gateway(workspace.folder)
    stop = threading.Event()
    trouble: list[Stop] = []
    try:
        wiring.apply_first(gateway)
        token = make_key(gateway, "demo", ("*:read", "*:personal", "deliveries:write", "quarantine:write"))
        supervisor = threading.Thread(target=_supervise, args=(workspace, stop, trouble), name="supervisor")
        click.echo(f"What its processes say is in {workspace.log}")
        supervisor.start()
        try:
            wait_until_ready(workspace, trouble)
            _drop(workspace)
            _show_log(gateway)
            _judge(gateway)
            _show_tries(workspace, token)
            if once:
                _show_how_to_go_on(workspace, kept=kept)
            else:
                _show_addresses(workspace, token)
            while not once and not trouble:
                stop.wait(0.5)
        finally:
            stop.set()
            supervisor.join()
    finally:
        gateway.close()
    if trouble:
        raise trouble[0]


def _supervise(workspace: DemoWorkspace, stop: threading.Event, trouble: list[Stop]) -> None:
    with workspace.log.open("ab") as log:
        try:
            Supervisor(workspace.folder, all_roles(), log=log).run(stop)
        except Stop as reason:
            said = workspace.log.read_text(encoding="utf-8", errors="replace").splitlines()[-10:]
            trouble.append(Stop("\n".join([*said, reason.message])))


def wait_until_ready(workspace: DemoWorkspace, trouble: list[Stop]) -> None:
    """Wait until the API answers and the SFTP server shakes hands.

    Raises:
        Stop: it did not come to that in time, or a role could not start (`trouble`).
    """
    until = time.monotonic() + STARTING_SECONDS
    while time.monotonic() < until:
        if trouble:
            raise trouble[0]
        try:
            with urllib.request.urlopen(f"{workspace.http}/health/ready", timeout=2):  # noqa: S310 - our own address
                pass
            with paramiko.Transport(("127.0.0.1", workspace.sftp_port)):
                return
        except (OSError, paramiko.SSHException):
            time.sleep(0.05)
    raise Stop(f"the gateway was not ready within {STARTING_SECONDS:.0f} s", "Its messages stand above")


def _drop(workspace: DemoWorkspace) -> None:
    """Each partner drops his file over SFTP, with his key, as any client would."""
    click.echo("\nFour partners drop a file over SFTP:")
    key = paramiko.Ed25519Key.from_private_key_file(str(workspace.key_file))
    for user, name in DROPS:
        transport = paramiko.Transport(("127.0.0.1", workspace.sftp_port))
        try:
            transport.connect(username=user, pkey=key)
            client = paramiko.SFTPClient.from_transport(transport)
            assert client is not None
            client.put(str(workspace.samples / name), f"/inbox/{name}")
            click.echo(f"  {user:<10} put {name} /inbox/")
        finally:
            transport.close()


def _show_log(gateway: Gateway) -> None:
    """Print the log until every expected delivery has ended."""
    click.echo("\nThe log, as gateway tail -f shows it:")
    ended = threading.Event()
    watcher = threading.Thread(target=_watch, args=(gateway, ended), daemon=True)
    watcher.start()
    for line, late in by_time(from_store(gateway, Wanted(), last=1000, follow=True, stop=ended)):
        click.echo("  " + as_text(line, colour=False, late=late))
    watcher.join()


def _watch(gateway: Gateway, ended: threading.Event) -> None:
    until = time.monotonic() + INGESTING_SECONDS
    while time.monotonic() < until and not (len(_finished(gateway)) == len(EXPECTED) and _answered(gateway)):
        time.sleep(0.05)
    ended.set()


def _finished(gateway: Gateway) -> dict[str, Any]:
    with gateway.database.read() as connection:
        return deliveries.latest_per_integration(connection)


def _answered(gateway: Gateway) -> bool:
    """Whether the partner who is answered has the answer in his outbox."""
    delivery = _finished(gateway)[ANSWERED]
    with gateway.database.read() as connection:
        answers = acknowledgments.of_delivery(connection, delivery.number)
    return [each.state for each in answers] == [acknowledgments.SENT]


def _judge(gateway: Gateway) -> None:
    """Every delivery must have ended as the samples were made to end."""
    finished = _finished(gateway)
    for name, (state, documents) in EXPECTED.items():
        delivery = finished.get(name)
        if delivery is None:
            raise Stop(f"no delivery of {name} ended within {INGESTING_SECONDS:.0f} s", "See the log above")
        if (delivery.state, delivery.documents) != (state, documents):
            raise Stop(
                f"the delivery of {name} ended as {delivery.state} with {delivery.documents}, "
                f"not as {state} with {documents}"
            )
    if not _answered(gateway):
        raise Stop(f"{ANSWERED} was not answered within {INGESTING_SECONDS:.0f} s", "See the log above")


def _show_tries(workspace: DemoWorkspace, token: str) -> None:
    click.echo("\nFive things to try, each with the answer it just got:")
    click.echo(f"  TOKEN={token}")
    for about, path in TRIES:
        command = f'curl -s -H "Authorization: Bearer $TOKEN" {shlex.quote(workspace.http + path)}'
        click.echo(f"\n  # {about}\n  {command}")
        answer = _get(workspace.http + path, token)
        text = json.dumps(answer, ensure_ascii=False, indent=2)
        for line in _shortened(text):
            click.echo(f"    {line}")


def _get(url: str, token: str) -> Any:
    request = urllib.request.Request(url, headers={"Authorization": f"Bearer {token}"})  # noqa: S310 - our own address
    try:
        with urllib.request.urlopen(request, timeout=10) as answer:  # noqa: S310 - as above
            return json.load(answer)
    except urllib.error.HTTPError as refused:
        detail = refused.read().decode("utf-8", "replace")
        raise Stop(f"GET {url} was answered with {refused.code}: {detail}") from refused


def _shortened(text: str) -> Iterator[str]:
    length = 0
    for line in text.splitlines():
        length += len(line)
        if length > _SHOWN_CHARACTERS:
            yield "…"
            return
        yield line


def _show_addresses(workspace: DemoWorkspace, token: str) -> None:
    click.echo(f"""
The API page      {workspace.http}/docs      (Authorize with the token {token})
An SFTP account   sftp -P {workspace.sftp_port} -i {workspace.key_file} acme@127.0.0.1
The log           gateway tail -f --workspace {workspace.folder}""")


def _show_how_to_go_on(workspace: DemoWorkspace, *, kept: bool) -> None:
    """What to type where the servers end with the show: their addresses would lead nowhere."""
    if kept:
        click.echo(f"""
The servers stop now; the workspace stays, and so does the token.
Start them again  gateway up -w {workspace.folder}
The log           gateway tail -w {workspace.folder}""")
    else:
        click.echo("\nThe servers stop now, and the workspace goes with them; gateway demo --keep DIR leaves it.")
