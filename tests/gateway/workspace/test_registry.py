"""Settings, connections, teams and partners."""

from __future__ import annotations

from dataclasses import fields

import pytest

import adapters.options
from adapters.options import settings
from gateway.configuration import Connection, Settings
from gateway.partners import Account, Partner
from gateway.workspace.loader import parse
from gateway.workspace.registry import OPTIONS
from gateway.workspace.tables import CONNECTION
from tests.gateway.workspace.test_values import ED25519
from tests.gateway.workspace.workspaces import only, problems

HASH = "$argon2id$v=19$m=65536,t=3,p=4$c2FsdA$aGFzaA"


def with_file(path: str, text: str) -> dict[str, str]:
    return {"gateway.yaml": "", path: text}


def test_what_gateway_yaml_leaves_out_has_its_default() -> None:
    assert parse({"gateway.yaml": ""}).settings == Settings()
    assert parse({"gateway.yaml": "# all of it is left out\n"}).settings == Settings()


def test_settings_are_read_in_their_units() -> None:
    text = """\
about: the gateway of the plant
store: postgresql://db/gateway
vault: /srv/vault
http: 0.0.0.0:80
sftp: 0.0.0.0:22
drops: /srv/sftp
settle: 500ms
partial_after: 1h
tries: 3
lease: 2m
field_max: 1 MiB
upload_max: 2 GB
"""
    assert parse({"gateway.yaml": text}).settings == Settings(
        store="postgresql://db/gateway",
        vault="/srv/vault",
        http="0.0.0.0:80",
        sftp="0.0.0.0:22",
        drops="/srv/sftp",
        settle_seconds=0.5,
        partial_after_seconds=3600.0,
        tries=3,
        lease_seconds=120.0,
        field_bytes_max=1024 * 1024,
        upload_bytes_max=2_000_000_000,
    )


def test_connections_keep_their_references_and_options() -> None:
    text = """\
erp:
  about: the ERP
  kind: odbc
  url: Driver=SQLite3;Database={workspace}/erp.db
  user: 007
  password: secret:erp/password
  timeout: 1m
  connections: 2
"""
    assert parse(with_file("connections.yaml", text)).connections == {
        "erp": Connection(
            "erp",
            "odbc",
            "Driver=SQLite3;Database={workspace}/erp.db",
            (("user", "007"), ("password", "secret:erp/password"), ("timeout_seconds", "60.0"), ("connections", "2")),
        )
    }


def test_what_protects_a_source_is_handed_on_as_its_adapter_wants_it() -> None:
    text = """\
erp:
  kind: odbc
  url: DSN=ERP
  accept_writable_login: "the owner grants no other"
  waiting: 5
  wait: 500ms
  rows_max: 200
  bytes_max: 1 MiB
  statements_per_minute: 60
  rows_per_minute: 9000
  failures_max: 2
  rest: 2m
  windows: Mon-Fri 20:00-06:00 Europe/Berlin
  cache: 5s
  attempt_writes: true
  replication: postgresql://erp-db:5432/erp
  slot_max: 2 GiB
  slot_drop: false
"""
    connection = parse(with_file("connections.yaml", text)).connections["erp"]
    assert settings(dict(connection.options)) == settings(
        {
            "accept_writable_login": "the owner grants no other",
            "waiting": "5",
            "wait_seconds": "0.5",
            "rows_max": "200",
            "bytes_max": "1048576",
            "statements_per_minute": "60",
            "rows_per_minute": "9000",
            "failures_max": "2",
            "rest_seconds": "120",
            "windows": "Mon-Fri 20:00-06:00 Europe/Berlin",
            "cache_seconds": "5",
            "attempt_writes": "true",
            "replication": "postgresql://erp-db:5432/erp",
            "slot_bytes_max": "2147483648",
            "slot_drop": "false",
        }
    )


def test_every_option_of_an_adapter_can_be_written() -> None:
    known = {field.name for field in fields(adapters.options.Settings)}
    assert set(OPTIONS.values()) - {"user", "password"} == known
    assert set(OPTIONS) <= {key.name for key in CONNECTION}


@pytest.mark.parametrize(
    ("line", "message", "hint"),
    [
        ("attempt_write: true", "unknown key 'attempt_write'", "did you mean 'attempt_writes'?"),
        ("attempt_writes: yes", "'yes' is neither true nor false", "write true or false"),
        ("dialect: postgres", "there is no dialect 'postgres'", "did you mean 'postgresql'?"),
        (
            "replication: postgresql://reader@erp-db/erp",
            "this is not an address of PostgreSQL without a login",
            (
                "write postgresql://host:5432/database, for which user: and password: count, or a reference to all of"
                " it, secret:erp/replication"
            ),
        ),
    ],
)
def test_a_slip_in_an_option_is_told_with_what_was_meant(line: str, message: str, hint: str) -> None:
    found = only(with_file("connections.yaml", f"erp:\n  kind: odbc\n  url: DSN=ERP\n  {line}\n"))
    assert (found.message, found.hint, found.line) == (message, hint, 4)


def test_a_password_in_the_address_of_a_log_is_not_repeated() -> None:
    address = "postgresql://reader:geheim@erp-db/erp"
    found = problems(with_file("connections.yaml", f"erp:\n  kind: odbc\n  url: DSN=ERP\n  replication: {address}\n"))
    assert found
    assert not any("geheim" in str(each) for each in found)


def test_teams_are_texts_by_name() -> None:
    text = "orders-team:\n  phone: 0113 4960000\n"
    assert parse(with_file("teams.yaml", text)).teams == {"orders-team": {"phone": "0113 4960000"}}


def test_a_partner_is_read_whole() -> None:
    text = f"""\
partner: acme
about: Acme Retail
identifiers: {{isa: [ZZ:ACME, '01:123456789'], unb: 14:4012345000009}}
sftp:
  user: acme
  keys: {ED25519}
  password_hash: {HASH}
"""
    assert parse(with_file("partners/acme.yaml", text)).partners == {
        "acme": Partner(
            name="acme",
            about="Acme Retail",
            identifiers=(("isa", ("ZZ:ACME", "01:123456789")), ("unb", ("14:4012345000009",))),
            account=Account("acme", (ED25519,), HASH),
            file="partners/acme.yaml",
        )
    }


@pytest.mark.parametrize(
    ("path", "text", "line", "column", "message"),
    [
        ("gateway.yaml", "stor: x", 1, 1, "unknown key 'stor'"),
        ("gateway.yaml", "- a", 1, 1, "a file is made of lines 'key: value'"),
        ("gateway.yaml", "tries:5", 1, 1, "a file is made of lines 'key: value'"),
        ("connections.yaml", "erp:\n  kind: odcb\n  url: DSN=E", 2, 9, "'odcb' is not a kind of connection"),
        ("connections.yaml", "erp:\n  kind: kafka\n  url: host", 2, 9, "'kafka' is not yet available in this version"),
        ("connections.yaml", "erp:\n  kind: odbc", 2, 3, "a connection such as 'erp' lacks the key 'url'"),
        ("connections.yaml", "erp: odbc", 1, 6, "a connection is described by keys"),
        ("connections.yaml", "ERP:\n  kind: odbc\n  url: DSN=E", 1, 1, "'ERP' is not a name"),
        ("teams.yaml", "t:\n  mail: x", 2, 3, "unknown key 'mail'"),
        ("partners/a.yaml", "partner: a\nacknowledgments: {x: y}", 2, 1, "'acknowledgments' is not yet available"),
        ("partners/a.yaml", "about: a", 1, 1, "the partner lacks the key 'partner'"),
        ("partners/a.yaml", "partner: a\nsftp: {keys: []}", 2, 8, "'sftp' lacks the key 'user'"),
        ("partners/a.yaml", "partner: a\nsftp: {user: a}", 2, 1, "nobody can log in to this account"),
        ("partners/a.yaml", "partner: a\nsftp: acme", 2, 7, "a mapping is expected here"),
        ("partners/a.yaml", "", 1, 1, "the file says nothing"),
    ],
)
def test_what_is_wrong_is_refused_where_it_stands(path: str, text: str, line: int, column: int, message: str) -> None:
    found = [problem for problem in problems(with_file(path, text)) if problem.message.startswith(message)]
    assert [(problem.file, problem.line, problem.column) for problem in found] == [(path, line, column)]


LITERAL = [
    ("connections.yaml", "erp: {kind: odbc, url: 'DSN=E;PWD=hunter2'}"),
    ("connections.yaml", "erp: {kind: odbc, url: DSN=E, password: hunter2}"),
    ("connections.yaml", "erp: {kind: odbc, url: DSN=E, passwrd: hunter2}"),
    ("gateway.yaml", "store: postgresql://app:hunter2@db/gateway"),
    ("gateway.yaml", "# store: postgresql://app:hunter2@db/gateway"),
    ("partners/a.yaml", "partner: a\nsftp:\n  user: a\n  password: hunter2\n"),
    ("partners/a.yaml", "partner: a\nsftp:\n  user: a\n  password_hash: hunter2\n"),
]


@pytest.mark.parametrize(("path", "text"), LITERAL, ids=[case[1] for case in LITERAL])
def test_a_literal_secret_is_refused_and_never_shown(path: str, text: str) -> None:
    found = problems(with_file(path, text))
    assert found
    assert "hunter2" not in "\n".join(map(str, found))


def test_a_private_key_is_refused_where_a_public_one_stands() -> None:
    begin, line = (
        "-----BEGIN OPENSSH PRIVATE KEY-----",
        "b3BlbnNzaC1rZXktdjEAAAAABG5vbmUAAAAEbm9uZQAAAAAAAAABAAAAMwAAAAtz",
    )
    text = f"partner: a\nsftp:\n  user: a\n  keys: |\n    {begin}\n    {line}\n"
    found = problems(with_file("partners/a.yaml", text))
    assert {problem.message for problem in found} == {
        "this is not a public key of OpenSSH",
        "a private key stands here as it is",
    }
    assert line not in "\n".join(map(str, found))


def test_two_partners_share_no_name_account_or_identity() -> None:
    text = "partner: {}\nidentifiers: {{isa: ZZ:ACME, unb: 14:1}}\nsftp: {{user: acme, keys: " + ED25519 + "}}\n"
    files = {"gateway.yaml": "", "partners/a.yaml": text.format("a"), "partners/b.yaml": text.format("b")}
    assert [(problem.file, problem.line, problem.message) for problem in problems(files)] == [
        ("partners/b.yaml", 2, "the identity 'ZZ:ACME' belongs to two partners"),
        ("partners/b.yaml", 2, "the identity '14:1' belongs to two partners"),
        ("partners/b.yaml", 3, "the SFTP user 'acme' belongs to two partners"),
    ]
    files = {"gateway.yaml": "", "partners/a.yaml": "partner: a\n", "partners/b.yaml": "partner: a\n"}
    assert only(files).message == "the partner 'a' is described twice"


def test_owners_are_teams_where_teams_are_described() -> None:
    files = {"gateway.yaml": "", "partners/a.yaml": "partner: a\nowner: order-team\n"}
    parse(files)
    found = only({**files, "teams.yaml": "orders-team: {phone: 1}\n"})
    assert (found.message, found.hint) == ("there is no team 'order-team'", "did you mean 'orders-team'?")
