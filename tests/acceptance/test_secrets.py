"""S1: secrets are planted wherever there are some, all that can be said is made to be said, and none of them is in it.

Everything that is written down or answered is looked through: log, errors, problem bodies, evidence, OpenAPI, pages,
what commands print, each table of the store, each file that the gateway wrote.
"""

from __future__ import annotations

import base64
import json
import os
import re
import socket
import subprocess
import sys
import urllib.error
import urllib.parse
import urllib.request
from contextlib import closing
from typing import TYPE_CHECKING

import paramiko
import pytest
from sqlalchemy import inspect, text

from gateway.errors import Stop
from gateway.operate import wiring
from gateway.operate.cli import main
from gateway.operate.credentials import make_key
from gateway.operate.demo import workspace_maker
from sftp.auth import hash_password
from tests.acceptance.children import in_child
from tests.acceptance.test_processes import processes_of, wait_until
from tests.acceptance.workspaces import sample
from tests.faults.ledger import reading
from tests.servers import free_port

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

PLANTED = {
    "the store's password": "St0re-Canary-7f31",
    "the password of a database that answers": "Erp-Canary;}{-51ab",
    "the password of a database that does not": "Down-Canary-%-90cd",
    "a partner's password": "Partner-Canary-2e77",
    "a password that a partner typed wrongly": "Typed-Canary-a1b2",
    "a token that is not known": "gw_Unknown-Canary-c3d4",
    "a password written into a file where it does not belong": "Inline-Canary-e5f6",
    "a password in a connection string that was written into a file": "String-Canary-0a9b",
    "the secret of a bucket": "Bucket-Canary-77aa",
}
LIVING = ("the token of a key", "the hash of a partner's password", "a host key", "the key of cursors")
"""What the gateway, or the test, makes as it runs."""


def forms_of(secret: str) -> Iterator[bytes]:
    """A secret as it stands, in JSON, in a URL, and in base64 at each of three places."""
    yield secret.encode()
    yield secret.encode("latin-1", "replace")
    yield repr(secret.encode("latin-1", "replace"))[2:-1].encode()
    yield json.dumps(secret)[1:-1].encode()
    yield urllib.parse.quote(secret, safe="").encode()
    for shift in range(3):
        yield base64.b64encode(b"\0" * shift + secret.encode())[4:-4]


class Listener:
    """Keeps all that was said, by where."""

    def __init__(self) -> None:
        self.said: dict[str, bytes] = {}

    def hear(self, where: str, what: bytes | str) -> None:
        """Keep it."""
        self.said[where] = self.said.get(where, b"") + (what if isinstance(what, bytes) else what.encode())

    def told(self, secrets: dict[str, str]) -> list[str]:
        """Which secrets were said, and where."""
        return [
            f"{name}, in {where}: {said[max(0, said.find(form) - 80) : said.find(form)]!r}"
            for name, secret in secrets.items()
            for where, said in self.said.items()
            for form in dict.fromkeys(forms_of(secret))
            if len(form) > 8 and form in said
        ]


def make(folder: Path, store_url: str) -> dict[str, str]:
    """The demo's workspace with secrets in it; returns those that are made here."""
    workspace_maker.make(folder)
    settings = folder / "gateway.yaml"
    for role in ("http", "sftp"):  # the demo's own ports are free for a moment only
        given = f"{role}: 127.0.0.1:{free_port()}"
        settings.write_text(re.sub(rf"(?m)^{role}:.*$", given, settings.read_text(encoding="utf-8")), encoding="utf-8")
    hashed = hash_password(PLANTED["a partner's password"])
    secrets = {
        "erp/password": PLANTED["the password of a database that answers"],
        "down/password": PLANTED["the password of a database that does not"],
        "globex/password": hashed,
    }
    if not store_url.startswith("sqlite:"):
        login = "postgres:" + PLANTED["the store's password"]
        secrets["store"] = store_url.replace("postgres@", f"{login}@")
        _edit(folder / "gateway.yaml", "sqlite:data/gateway.db", "secret:store")
    for name, secret in secrets.items():
        path = folder / "secrets" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch(mode=0o600)
        path.write_text(secret + "\n", encoding="utf-8")
    with (folder / "connections.yaml").open("a", encoding="utf-8") as file:
        file.write("  user: reader\n  password: secret:erp/password\n")
        file.write("down:\n  about: A database that does not answer\n  kind: odbc\n  user: reader\n")
        file.write(f"  url: Driver=PostgreSQL Unicode;Server=127.0.0.1;Port={free_port()};Database=erp\n")
        file.write("  password: secret:down/password\n  connect_timeout: 1s\n")
    flow = (folder / "integrations" / "erp-customers.yaml").read_text(encoding="utf-8")
    flow = flow.replace("erp-customers", "down-customers").replace("erp/KUNDEN", "down/KUNDEN")
    (folder / "integrations" / "down-customers.yaml").write_text(flow + "\nprecedence: 2\n", encoding="utf-8")
    with (folder / "integrations" / "erp-customers.yaml").open("a", encoding="utf-8") as file:
        file.write("\nprecedence: 1\n")
    partner = folder / "partners" / "globex.yaml"
    lines = [
        line for line in partner.read_text(encoding="utf-8").splitlines() if "keys:" not in line and "ssh-" not in line
    ]
    at = next(place for place, line in enumerate(lines) if line.lstrip().startswith("user:"))
    indent = lines[at][: len(lines[at]) - len(lines[at].lstrip())]
    lines.insert(at + 1, f"{indent}password_hash: secret:globex/password")
    partner.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return {"the hash of a partner's password": hashed}


def _edit(path: Path, old: str, new: str) -> None:
    content = path.read_text(encoding="utf-8")
    assert old in content
    path.write_text(content.replace(old, new), encoding="utf-8")


def run(folder: Path, heard: Listener, *command: str) -> int:
    """A command of the program; what it prints is heard."""
    printed = folder.parent / "printed"

    def be() -> None:
        os.chdir(folder)
        file = os.open(printed, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        os.dup2(file, 1)
        os.dup2(file, 2)
        sys.stdout, sys.stderr = os.fdopen(1, "w"), os.fdopen(2, "w")
        sys.argv = ["gateway", *command]
        try:
            main()
        except SystemExit as end:
            sys.stdout.flush()
            sys.stderr.flush()
            os._exit(int(end.code or 0))

    status = in_child(be)
    heard.hear(f"gateway {' '.join(command)}", printed.read_bytes())
    return status


def ask(heard: Listener, url: str, method: str = "GET", token: str = "", body: bytes | None = None) -> bytes:
    """A request; the answer is heard, whatever it is."""
    request = urllib.request.Request(url, data=body, method=method)
    request.add_header("Content-Type", "application/json")
    if token:
        request.add_header("Authorization", f"Bearer {token}")
    try:
        with urllib.request.urlopen(request, timeout=30) as answer:
            content: bytes = answer.read()
            headers = str(answer.headers)
    except urllib.error.HTTPError as error:
        content, headers = error.read(), str(error.headers)
    heard.hear(f"{method} {urllib.parse.urlsplit(url).path}", headers.encode() + content)
    return content


def ask_everything(heard: Listener, http: str, token: str) -> None:
    """Every operation of the API, with what stands in the store and with what does not, and without a key."""
    document = json.loads(ask(heard, f"{http}/api/v1/openapi.json", token=token))
    known = {
        "{id}": [each["id"] for each in json.loads(ask(heard, f"{http}/api/v1/deliveries", token=token))["items"][:6]],
        "{name}": ["acme-orders", "globex", "order", "globex-prices"],
        "{key}": ["acme~4711", "100001", "SCR-M8-40~2026-12-01"],
        "{connection}": ["erp", "down"],
        "{table}": ["KUNDEN"],
        "{version}": ["1"],
    }
    ask(heard, f"{http}/api/v1/deliveries?limit=1", token=token)
    held = [each["id"] for each in json.loads(ask(heard, f"{http}/api/v1/quarantine", token=token))["items"]]
    for path, methods in document["paths"].items():
        paths = [path.replace("{collection}", "orders")]
        for name, values in known.items():
            values = held if name == "{id}" and "quarantine" in path else values  # noqa: PLW2901 - the other ids
            paths = [each.replace(name, value) for each in paths for value in (values if name in each else [""])]
        for method in methods:
            body = b'{"reason": "a test", "as": "now"}' if method == "post" else None
            for each in paths[:4]:
                ask(heard, http + each, method.upper(), token, body)
            ask(heard, http + paths[0], method.upper(), PLANTED["a token that is not known"], body)
    for page in ("/", "/docs", "/problems", "/health/ready", "/health/live", "/health/integrations", "/nowhere"):
        ask(heard, http + page, token=token)


def call_over_sftp(port: int) -> None:
    """A partner logs in with a wrong password, and then with the right one, and drops a file."""
    for name in ("a password that a partner typed wrongly", "a partner's password"):
        with paramiko.Transport(("127.0.0.1", port)) as transport:
            if name == "a partner's password":
                transport.connect(username="globex", password=PLANTED[name])
                client = paramiko.SFTPClient.from_transport(transport)
                assert client is not None
                with closing(client), client.open("/inbox/prices.csv", "wb") as file:
                    file.write(sample("globex-prices.csv"))
            else:
                with pytest.raises(paramiko.AuthenticationException):
                    transport.connect(username="globex", password=PLANTED[name])


def spoil(folder: Path) -> None:
    """Secrets stand where they do not belong, beside other mistakes."""
    inline = PLANTED["a password written into a file where it does not belong"]
    string = PLANTED["a password in a connection string that was written into a file"]
    bucket = PLANTED["the secret of a bucket"]
    with (folder / "partners" / "acme.yaml").open("a", encoding="utf-8") as file:
        file.write(f"password: {inline}\n")
    with (folder / "connections.yaml").open("a", encoding="utf-8") as file:
        file.write(f"plain:\n  kind: odbc\n  url: Driver=SQLite3;Database=x.db;PWD={string};UID=a\n")
        file.write(f"other:\n  kind: odbc\n  url: Driver=SQLite3;Database=x.db\n  password: {inline}\n  tiemout: 3\n")
    with (folder / "gateway.yaml").open("a", encoding="utf-8") as file:
        file.write(f"s3:\n  secret_key: {bucket}\n")
    _edit(folder / "gateway.yaml", "store: ", f"stoer: postgresql://gateway:{inline}@db/x\nstore: ")


def test_S1_no_secret_is_in_anything_that_is_said_or_written(tmp_path: Path, store_url: str) -> None:  # noqa: N802 - the promise's name
    folder, heard = tmp_path / "workspace", Listener()
    try:
        living = make(folder, store_url)
    except Stop as missing:
        pytest.skip(str(missing))
    assert run(folder, heard, "check", ".") == 0
    gateway = wiring.open_gateway(folder)
    living["the token of a key"] = token = make_key(gateway, "everything", ("*:read", "*:write", "admin"))
    gateway.close()
    settings = dict(
        line.split(":", 1) for line in (folder / "gateway.yaml").read_text().splitlines() if line.count(":") > 1
    )
    http, sftp_port = "http://" + settings["http"].strip(), int(settings["sftp"].rpartition(":")[2])
    with (tmp_path / "log").open("wb") as log:
        command = [sys.executable, "-m", "gateway.operate", "up", "--workspace", str(folder), "--workers", "1"]
        process = subprocess.Popen(command, stdout=log, stderr=log)
    try:
        wait_until("the gateway is ready", lambda: _answers(f"{http}/health/ready"))
        wait_until("the SFTP server listens", lambda: _listens(sftp_port))
        call_over_sftp(sftp_port)
        ask(heard, f"{http}/api/v1/integrations/acme-orders/deliveries?filename=o.edi", "POST", token,
            sample("acme-orders.edi"))  # fmt: skip
        ask(heard, f"{http}/api/v1/deliveries?token={token}&key={token}")
        wait_until(
            "all is judged and the tables were read",
            lambda: (
                _events(store_of(folder, store_url))
                >= {"table_read", "table_failed", "login_refused", "partly_accepted"}
            ),
        )
        ask_everything(heard, http, token)
    finally:
        process.terminate()
        process.wait(60)
    wait_until("its children have ended", lambda: not processes_of(folder))
    heard.hear("the log of gateway up", (tmp_path / "log").read_bytes())

    at = ("--workspace", ".")
    for words in (("verify", "--deep"), ("plan", "--html", "plan.html"), ("explain", "customer", "100001"),
                  ("explain", "order", "acme~4711"), ("quarantine",), ("source", "list"), ("key", "list"),
                  ("tail", "--until-idle", "-o", "json"), ("schema", "gateway"), ("apply",)):  # fmt: skip
        run(folder, heard, *words, *at)
    store_secret = folder / "secrets" / "store"
    if store_secret.exists():
        good = store_secret.read_text(encoding="utf-8")
        store_secret.write_text(good.replace("127.0.0.1:", "127.0.0.2:1"), encoding="utf-8")
        assert run(folder, heard, "tail", "--until-idle", *at) == 1
        for broken in ("/", "#", "?", "@", ":", "[", "%", " "):  # signs that an address wants to have encoded
            login = good.replace(PLANTED["the store's password"], broken + PLANTED["the store's password"])
            store_secret.write_text(login, encoding="utf-8")
            run(folder, heard, "tail", "--until-idle", *at)
        store_secret.write_text(good, encoding="utf-8")
    spoil(folder)
    for words in (("check", "."), ("apply", *at), ("plan", *at)):
        assert run(folder, heard, *words) == 1

    with reading(store_of(folder, store_url)) as connection:
        shared = connection.execute(text("SELECT value FROM shared_secret")).scalar_one()
        living["the key of cursors"] = bytes(shared).decode("latin-1")
        for table in set(inspect(connection).get_table_names()) - {"shared_secret"}:
            rows = connection.execute(text(f'SELECT * FROM "{table}"')).all()
            heard.hear(f"the table {table}", "\n".join(map(str, rows)))
    spoilt = ("connections.yaml", "gateway.yaml", "acme.yaml")
    for path in folder.rglob("*"):
        private = path.name in spoilt or path.is_relative_to(folder / "secrets") or path.name == "demo_key"
        store = path.name.startswith("gateway.db")  # its tables were looked through one by one
        if path.is_file() and not private and not store and not path.is_relative_to(folder / "data" / "hostkeys"):
            heard.hear(f"the file {path.relative_to(folder)}", path.read_bytes())
    for path in (folder / "data" / "hostkeys").iterdir():
        body = [line for line in path.read_text().splitlines() if not line.startswith("-")]
        if not path.name.endswith(".pub"):
            living["a host key"] = "".join(body)[80:120]
    assert set(living) == set(LIVING)
    assert len(heard.said) > 60
    assert heard.told(PLANTED | living) == []


def _answers(url: str) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=5):
            return True
    except (urllib.error.URLError, OSError):
        return False


def _listens(port: int) -> bool:
    with socket.socket() as one:
        return one.connect_ex(("127.0.0.1", port)) == 0


def store_of(folder: Path, store_url: str) -> str:
    """The store that the workspace has."""
    return f"sqlite:{folder}/data/gateway.db" if store_url.startswith("sqlite:") else store_url


def _events(store: str) -> set[str]:
    """What the log tells so far."""
    with reading(store) as connection:
        return {row[0] for row in connection.execute(text("SELECT event FROM activity"))}


def test_S1_a_secret_that_is_planted_is_found() -> None:  # noqa: N802
    """The search itself: in each form, and with what stands around it."""
    secret = PLANTED["the password of a database that answers"]
    for said in (secret, json.dumps({"a": secret}), urllib.parse.quote(secret, safe=""), "\0" + secret):
        heard = Listener()
        heard.hear("a log", said)
        assert len(heard.told({"it": secret})) >= 1
    heard = Listener()
    heard.hear("a header", base64.b64encode(b"user:" + secret.encode()))
    assert len(heard.told({"it": secret})) == 1
