"""The command ``gateway``: what it writes, where, and with which exit status."""

from __future__ import annotations

import io
import json
import re
import signal
import subprocess
import sys
import threading
from contextlib import redirect_stderr, redirect_stdout
from datetime import timedelta
from typing import TYPE_CHECKING, NamedTuple

import pytest

from gateway.errors import Stop
from gateway.model import Activity
from gateway.operate import cli
from gateway.operate.demo.workspace_maker import sqlite_driver
from tests.acceptance.workspaces import Place, make, opened, sample

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

X12, CSV = sample("acme-orders.edi"), sample("globex-prices.csv")


class Ended(NamedTuple):
    """What a command did."""

    status: int
    out: str
    err: str

    @property
    def lines(self) -> list[str]:
        """What it wrote, by line."""
        return self.out.splitlines()


def gateway(*arguments: str | Path) -> Ended:
    """Run the command in this process, through its own door, and put back what it does to signals."""
    kept = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    argv, sys.argv = sys.argv, ["gateway", *map(str, arguments)]
    status = 0
    with redirect_stdout(io.StringIO()) as out, redirect_stderr(io.StringIO()) as err:
        try:
            cli.main()
        except SystemExit as ended:
            status = int(ended.code or 0)
        finally:
            sys.argv = argv
            for number, handler in kept.items():
                signal.signal(number, handler)
    return Ended(status, out.getvalue(), err.getvalue())


# ── help and usage ───────────────────────────────────────────────────────────────────────────────────────────────────


def test_help_names_every_command_and_the_exit_statuses() -> None:
    ended = gateway("--help")
    assert ended.status == 0
    for name in ("init", "check", "apply", "schema", "up", "serve", "sftp", "work", "tail", "key", "demo"):
        assert re.search(rf"^  {name}\s", ended.out, re.MULTILINE)
        assert gateway(name, "--help").status == 0
    assert "Exit status" in ended.out


@pytest.mark.parametrize("arguments", [("tial",), ("tail", "--nonsense"), ("key", "add"), ("tail", "--since", "soon")])
def test_wrong_usage_is_status_2_and_no_traceback(arguments: tuple[str, ...], tmp_path: Path) -> None:
    ended = gateway(*arguments, *(("-w", make(tmp_path)) if arguments[-1] == "soon" else ()))
    assert ended.status == 2
    assert "Error:" in ended.err
    assert "Traceback" not in ended.err


# ── init, check, apply, schema ───────────────────────────────────────────────────────────────────────────────────────


def test_init_writes_a_workspace_that_checks_and_applies_and_overwrites_nothing(tmp_path: Path) -> None:
    folder = tmp_path / "new"
    written = gateway("init", folder)
    assert written.status == 0
    assert f"wrote {folder / 'gateway.yaml'}" in written.out

    checked = gateway("check", folder)
    assert checked.status == 0
    assert "1 integration, 1 contract, 1 partner, 0 connections" in checked.out

    applied = gateway("apply", "-w", folder)
    assert (applied.status, applied.out.split()[-3:]) == (0, ["is", "in", "force"])
    assert "was in force already" in gateway("apply", "-w", folder).out

    (folder / "teams.yaml").write_text("# mine\n")
    again = gateway("init", folder)
    assert again.status == 1
    assert "gateway.yaml" in again.err
    assert (folder / "teams.yaml").read_text() == "# mine\n"


def test_a_typo_is_shown_with_its_place_a_caret_and_what_was_meant(tmp_path: Path) -> None:
    folder = make(tmp_path)
    path = folder / "integrations" / "globex-prices.yaml"
    path.write_text(path.read_text().replace("contract: price v2", "contrakt: price v2"))

    ended = gateway("check", folder)

    assert ended.status == 1
    place = r"integrations/globex-prices\.yaml:8:1: .*contrakt"
    assert re.search(place + r".*\n\s+contrakt: price v2\n\s+\^{8}\n\s+did you mean .?contract", ended.err), ended.err


def test_a_configuration_with_a_problem_is_not_applied_in_part(tmp_path: Path) -> None:
    with opened(tmp_path) as place:
        before = place.gateway.in_force.configuration().revision
        for name, old, new in (
            ("codes/units.csv", "EA,piece,Each", "EA,item,Each"),
            ("integrations/acme-orders.yaml", "decimal", "decimla"),
        ):
            path = tmp_path / name
            path.write_text(path.read_text().replace(old, new))
        ended = gateway("apply", "-w", tmp_path)
        assert ended.status == 1
        assert "acme-orders.yaml:" in ended.err
        assert "did you mean" in ended.err
        assert place.gateway.in_force.configuration().revision == before
        assert place.give(X12)["documents"] == {"accepted": 1, "quarantined": 1}


def test_what_is_kept_and_not_acted_on_is_noted(tmp_path: Path) -> None:
    with opened(tmp_path):
        checked = gateway("check", tmp_path)
        assert checked.status == 0
        for name in ("acme", "northwind"):
            assert re.search(
                rf"{name}-orders\.yaml.*: note: precedence: is kept, but this version does not", checked.err
            )
        assert "globex-prices.yaml" not in checked.err


def test_a_pattern_that_a_text_can_keep_busy_is_warned_of_with_its_place(tmp_path: Path) -> None:
    folder = make(tmp_path)
    assert "warning" not in gateway("check", folder).err
    path = folder / "contracts" / "order.v1.yaml"
    path.write_text(path.read_text().replace("text /[A-Z0-9-]+/", "text /([A-Z0-9]+-?)+/"))
    checked = gateway("check", folder)
    assert checked.status == 0
    assert re.search(
        r"contracts/order\.v1\.yaml:25:\d+: warning: the pattern of lines\.sku in order\.v1, /\(\[A-Z0-9\]\+-\?\)\+/, "
        r"can take a time that doubles .*\n    write it so that each text can be read in one way only",
        checked.err,
    ), checked.err


def test_a_folder_that_is_no_workspace_is_told(tmp_path: Path) -> None:
    ended = gateway("check", tmp_path)
    assert ended.status == 1
    assert "the workspace has no file gateway.yaml" in ended.err
    assert "gateway init" in ended.err


def test_schema_prints_and_writes_json_schemas(tmp_path: Path) -> None:
    printed = json.loads(gateway("schema").out)
    assert {"integration", "contract", "partner", "gateway"} <= printed.keys()
    assert gateway("schema", "--into", tmp_path / "schemas").status == 0
    assert json.loads((tmp_path / "schemas" / "integration.schema.json").read_text()) == printed["integration"]


# ── key ──────────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_key_is_made_listed_and_revoked(tmp_path: Path) -> None:
    with opened(tmp_path) as place:
        made = gateway("key", "add", "billing", "--scope", "orders:read", "--days", "30", "-w", tmp_path)
        token = made.out.strip()
        headers = {"Authorization": f"Bearer {token}"}
        assert (made.status, token[:3]) == (0, "gw_")
        place.give(X12)
        assert place.client.get("/api/v1/orders/acme~4711", headers=headers).status_code == 200
        assert place.client.get("/api/v1/deliveries", headers=headers).status_code == 403

        (line,) = [each for each in gateway("key", "list", "-w", tmp_path).lines if "billing" in each]
        key_id, name, scopes, partners, state = line.split("\t")
        assert (name, scopes, partners, state[:6]) == ("billing", "orders:read", "all", "until ")
        assert token not in line

        assert gateway("key", "revoke", key_id, "-w", tmp_path).status == 0
        assert place.client.get("/api/v1/orders/acme~4711", headers=headers).status_code == 401
        assert gateway("key", "list", "-w", tmp_path).out.count("revoked") == 1
        again = gateway("key", "revoke", key_id, "-w", tmp_path)
        assert again.status == 1
        assert "gateway key list" in again.err
        assert token.encode() not in (tmp_path / "data" / "gateway.db").read_bytes()


# ── tail ─────────────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Place, dict[str, str]]]:
    """A place with a history, and the deliveries of it."""
    with opened(tmp_path_factory.mktemp("workspace")) as place:
        ids = {"acme": place.give(X12)["id"]}
        place.clock.forward(3600)
        ids["globex"] = place.give(CSV, "prices.csv", "drop://globex")["id"]
        yield place, ids


def tail(place: Place, *arguments: str) -> Ended:
    return gateway("tail", "-w", place.folder, *arguments)


def test_tail_writes_a_line_for_each_fact_with_time_integration_delivery_and_event(
    told: tuple[Place, dict[str, str]],
) -> None:
    place, ids = told
    ended = tail(place)
    assert ended.status == 0
    assert "\x1b" not in ended.out
    line = next(each for each in ended.lines if "Preis" in each)
    shown = rf"\d\d:\d\d:\d\d\.\d{{3}}  globex-prices +{ids['globex'][:12]}  ✗ finding +line 4 Preis  '12,5O' is not"
    assert re.match(shown, line), line
    assert [each.split()[3] for each in tail(place, "-n", "2").lines] == ["✗", "✗"]


def test_tail_in_json_has_the_members_of_the_api(told: tuple[Place, dict[str, str]]) -> None:
    place, ids = told
    lines = [json.loads(each) for each in tail(place, "-o", "json").lines]
    assert lines == place.get("/api/v1/activity?limit=1000")["items"]
    assert {each["delivery"] for each in lines} == {None, *ids.values()}


@pytest.mark.parametrize(
    ("arguments", "events"),
    [
        (("--problems",), ["finding", "partly_accepted", "finding", "finding", "partly_accepted"]),
        (("acme-orders",), ["received", "finding", "partly_accepted"]),
        (("acme-orders", "--problems"), ["finding", "partly_accepted"]),
        (("--partner", "globex"), ["received", "finding", "finding", "partly_accepted"]),
        (("--grep", "NOT A NUMBER"), ["finding", "finding"]),
        (("--grep", "100%_"), []),
        (("--problems", "-n", "1"), ["partly_accepted"]),
    ],
    ids=str,
)
def test_tail_shows_what_is_asked_for(
    told: tuple[Place, dict[str, str]], arguments: tuple[str, ...], events: list[str]
) -> None:
    ended = tail(told[0], "-o", "json", *arguments)
    assert [json.loads(each)["event"] for each in ended.lines] == events
    assert ended.status == 0


@pytest.mark.parametrize(
    ("arguments", "said", "remedy"),
    [
        (("nobody",), "there is no integration 'nobody'", "There are: acme-orders, globex-prices"),
        (("acme-order",), "there is no integration 'acme-order'", "Did you mean 'acme-orders'?"),
        (("--partner", "globe"), "there is no partner 'globe'", "Did you mean 'globex'?"),
    ],
    ids=str,
)
def test_tail_refuses_a_name_that_never_was(
    told: tuple[Place, dict[str, str]], arguments: tuple[str, ...], said: str, remedy: str
) -> None:
    ended = tail(told[0], *arguments)
    assert (ended.status, ended.out) == (1, "")
    assert said in ended.err
    assert remedy in ended.err


def test_tail_shows_what_was_written_late_where_it_happened(tmp_path: Path) -> None:
    with opened(tmp_path) as place:
        now = place.clock()
        with place.gateway.database.write() as transaction:
            for name, seconds in (("first", 3), ("third", 1), ("second", 2)):
                at = (now - timedelta(seconds=seconds)).isoformat()
                transaction.tell(Activity("noted", "info", name, data={"at": at}))
        ended = tail(place, "-n", "3")
        assert [each.split()[-1] for each in ended.lines] == ["first", "second", "third"]
        assert "↑" not in ended.out
        numbers = [json.loads(each) for each in tail(place, "-n", "3", "-o", "json").lines]
        assert [each["message"] for each in numbers] == ["first", "third", "second"]


def test_tail_since_a_moment(told: tuple[Place, dict[str, str]]) -> None:
    place, ids = told
    received = next(
        each for each in place.get("/api/v1/activity?limit=1000")["items"] if each["delivery"] == ids["globex"]
    )
    lines = [json.loads(each) for each in tail(place, "-o", "json", "--since", received["at"]).lines]
    assert {each["delivery"] for each in lines} == {ids["globex"]}
    assert len(lines) == 4
    assert len(tail(place, "--since", "3d").lines) == 8


def test_tail_of_one_delivery_by_the_beginning_of_its_id(told: tuple[Place, dict[str, str]]) -> None:
    place, ids = told
    lines = [json.loads(each) for each in tail(place, "-o", "json", "--delivery", ids["acme"][:20]).lines]
    assert [each["event"] for each in lines] == ["received", "finding", "partly_accepted"]

    several, none = tail(place, "--delivery", "d_"), tail(place, "--delivery", "d_zzz")
    assert (several.status, none.status) == (1, 1)
    assert "several deliveries start with d_" in several.err
    assert "there is no delivery d_zzz" in none.err


def test_tail_until_idle_says_by_its_status_whether_there_were_problems(told: tuple[Place, dict[str, str]]) -> None:
    place, _ = told
    assert tail(place, "--until-idle").status == 3
    assert tail(place, "--until-idle", "--grep", "bytes from").status == 0
    assert tail(place, "--problems").status == 0


def test_tail_follows_what_comes_until_it_is_stopped(tmp_path: Path) -> None:
    with opened(tmp_path) as place:
        command = [sys.executable, "-u", "-m", "gateway.operate", "tail", "-f", "-n", "0", "-o", "json"]
        command += ["--workspace", str(tmp_path), "acme-orders"]
        following = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        assert following.stdout is not None
        events: list[str] = []
        seen = threading.Event()

        def read() -> None:
            assert following.stdout is not None
            for line in following.stdout:
                events.append(json.loads(line)["event"])
                seen.set()

        reader = threading.Thread(target=read)
        reader.start()
        try:
            for number in range(200):  # it follows from when it is ready, which it does not say
                place.give(X12.replace(b"4711", b"5%03d" % number))
                if seen.wait(0.1):
                    break
            following.send_signal(signal.SIGINT)
            assert following.wait(60) == 0
        finally:
            following.kill()
            reader.join()
            following.communicate()
        assert events[:1] in (["received"], ["finding"], ["partly_accepted"])


def test_tail_of_another_machine_wants_a_token_and_says_when_it_cannot_be_reached(tmp_path: Path) -> None:
    missing = gateway("tail", "--url", "http://127.0.0.1:1", "-w", tmp_path)
    assert missing.status == 2
    assert "gateway key add" in missing.err
    nobody = gateway("tail", "--url", "http://127.0.0.1:1", "--token", "gw_secret", "-w", tmp_path)
    assert nobody.status == 1
    assert "http://127.0.0.1:1 cannot be reached" in nobody.err
    assert "gw_secret" not in nobody.err
    assert gateway("tail", "--url", "file:///etc/passwd", "--token", "gw_secret", "-w", tmp_path).status == 1


# ── work, demo ───────────────────────────────────────────────────────────────────────────────────────────────────────


def test_work_until_idle_does_what_is_due_and_ends(tmp_path: Path) -> None:
    with opened(tmp_path) as place:
        landed = [place.land(X12), place.land(CSV, "prices.csv", "drop://globex")]
        ended = gateway("work", "--until-idle", "-w", tmp_path)
        assert ended.status == 0
        assert {place.delivery(each.id)["state"] for each in landed} == {"partly_accepted"}


def test_the_demo_holds_every_step(tmp_path: Path) -> None:
    try:
        sqlite_driver()
    except Stop as missing:
        pytest.skip(str(missing))
    ended = subprocess.run(
        [sys.executable, "-m", "gateway.operate", "demo", "--once", "--keep", str(tmp_path / "kept")],
        capture_output=True, text=True, timeout=300, check=False,
    )  # fmt: skip
    assert ended.returncode == 0, ended.stderr
    assert "put acme-orders.edi /inbox/" in ended.stdout
    assert ended.stdout.count("curl -s") == 5
    after = ended.stdout.rpartition("The servers stop now; the workspace stays, and so does the token.\n")[2]
    assert after.splitlines()[0] == f"Start them again  gateway up -w {tmp_path / 'kept'}"
    assert "/docs" not in ended.stdout
    assert "sftp -P" not in ended.stdout
    assert gateway("check", tmp_path / "kept").status == 0
    kept = gateway("demo", "--once", "--keep", tmp_path / "kept")
    assert kept.status == 1
    assert "is not empty" in kept.err


# ── diff ─────────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_diff_tells_what_a_change_means_to_readers_and_ends_with_five_when_it_breaks_them(tmp_path: Path) -> None:
    place = make(tmp_path / "this")
    assert gateway("apply", "--workspace", place).status == 0
    same = gateway("diff", "--workspace", place)
    assert (same.status, same.lines) == (0, ["nothing differs for readers"])
    contract = place / "contracts" / "order.v1.yaml"
    text = contract.read_text(encoding="utf-8")
    contract.write_text(text.replace("  buyer:       gln\n", "  buyer:       gln ?\n"), encoding="utf-8")
    broken = gateway("diff", "--workspace", place)
    assert (broken.status, broken.lines) == (5, ["breaking  order.v1 buyer: may be missing"])
    told = json.loads(gateway("diff", "--workspace", place, "-o", "json").out)
    assert told == [{"kind": "breaking", "contract": "order.v1", "field": "buyer", "what": "may be missing"}]
    other = make(tmp_path / "other")
    assert gateway("diff", "--workspace", place, "--against", other).lines == broken.lines
