"""Connections of the kind sftp, and integrations that pull from them."""

from __future__ import annotations

import pytest

from gateway.integrations import Pulling, Source
from gateway.workspace.loader import parse
from gateway.workspace.remotes import user_host_port
from tests.gateway.workspace.workspaces import FILES, only, problems

PIN = "SHA256:" + "A" * 43
OTHER = "SHA256:" + "b" * 43
SERVER = f"""
acme-server:
  kind: sftp
  url: sftp://gateway@sftp.acme.example:2022
  fingerprints: {PIN}
  key: secret:acme-server/key
"""
LINES = "partner: acme\nafter: move done\nevery: 5m\nsettle: 30s\nbetween: Mon-Fri 06:00-22:00 Europe/Amsterdam"
CONNECTIONS, ACME = "connections.yaml", "integrations/acme-orders.yaml"


def with_server(
    server: str = SERVER, lines: str = LINES, source: str = "sftp://acme-server/out/*.edi"
) -> dict[str, str]:
    files = dict(FILES)
    files[CONNECTIONS] += server
    text = files[ACME]
    assert "source:   drop://acme/out/*.edi" in text
    files[ACME] = text.replace("source:   drop://acme/out/*.edi", f"source: {source}\n{lines}")
    return files


def test_a_partners_server_is_read_whole() -> None:
    configuration = parse(with_server())
    connection = configuration.connections["acme-server"]
    assert user_host_port(connection) == ("gateway", "sftp.acme.example", 2022)
    assert dict(connection.options) == {"fingerprints": PIN, "key": "secret:acme-server/key"}
    flow = configuration.integrations["acme-orders"]
    assert flow.source == Source("sftp", "acme-server", "out/*.edi")
    assert flow.partner == "acme"
    assert flow.pulling == Pulling("move", "done", 300.0, 30.0, "", "Mon-Fri 06:00-22:00 Europe/Amsterdam")


def test_what_is_left_out_has_defaults() -> None:
    flow = parse(with_server(lines="partner: acme")).integrations["acme-orders"]
    assert flow.pulling == Pulling("leave", "", 60.0, 10.0, "", "")


def test_two_fingerprints_are_pinned_during_a_rotation() -> None:
    server = SERVER.replace(PIN, f"[{PIN}, {OTHER}=]")
    assert dict(parse(with_server(server)).connections["acme-server"].options)["fingerprints"] == f"{PIN} {OTHER}"


@pytest.mark.parametrize(
    ("source", "delivered", "name", "wanted"),
    [
        ("sftp://acme-server/out/*.edi", "sftp://acme-server/out", "a.edi", True),
        ("sftp://acme-server/out/*.edi", "sftp://acme-server/out", "a.csv", False),
        ("sftp://acme-server/out/*.edi", "sftp://acme-server/other", "a.edi", False),
        ("sftp://acme-server/*.edi", "sftp://acme-server/", "a.edi", True),
        ("sftp://acme-server/~/out/*.edi", "sftp://acme-server/~/out", "a.edi", True),
    ],
)
def test_deliveries_name_the_folder(source: str, delivered: str, name: str, *, wanted: bool) -> None:
    flow = parse(with_server(source=source)).integrations["acme-orders"]
    assert flow.source.remote_folder.startswith("sftp://acme-server/")
    assert flow.source.wants(delivered, name) is wanted


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("url: sftp://gateway@sftp.acme.example:2022", "url: sftp.acme.example", "'sftp.acme.example' is not the addr"),
        (PIN, "SHA256:short", "'SHA256:short' is not a fingerprint"),
        (PIN, f"[{PIN}, {OTHER}, {PIN[:-1]}C]", "3 keys are pinned"),
        (f"  fingerprints: {PIN}\n", "", "a connection of the kind sftp needs the key 'fingerprints'"),
        ("  key: secret:acme-server/key\n", "", "nobody can log in with this connection"),
        ("  key: secret", "  dialect: db2\n  key: secret", "'dialect' does not belong to the kind sftp"),
        ("  key: secret", "  algorithms: old\n  key: secret", "'old' is not a choice of algorithms"),
    ],
)
def test_a_server_that_is_described_wrongly_is_refused(old: str, new: str, message: str) -> None:
    assert old in SERVER
    assert only(with_server(SERVER.replace(old, new))).message.startswith(message)


def test_the_remedy_for_a_missing_pin_says_how_to_get_it() -> None:
    hint = only(with_server(SERVER.replace(f"  fingerprints: {PIN}\n", ""))).hint
    assert "gateway probe sftp://sftp.acme.example:2022" in hint


def test_a_password_in_the_address_is_refused_and_not_shown() -> None:
    found = problems(with_server(SERVER.replace("gateway@", "gateway:hunter2@")))
    assert found
    assert "hunter2" not in "\n".join(map(str, found))


@pytest.mark.parametrize("line", ["passphrase: hunter2", "password: hunter2", "passwort: hunter2"])
def test_a_literal_secret_is_refused_and_not_shown(line: str) -> None:
    found = problems(with_server(f"{SERVER}  {line}\n"))
    assert found
    assert "hunter2" not in "\n".join(map(str, found))


def test_a_literal_private_key_is_refused_and_not_shown() -> None:
    server = SERVER.replace("key: secret:acme-server/key", "key: |\n    -----BEGIN KEY-----\n    hunter2hunter2")
    found = problems(with_server(server))
    assert found
    assert "hunter2" not in "\n".join(map(str, found))


ANSWERS = [
    ("sftp://acme-server/in", None),
    ("sftp://acme-servr/in", "there is no connection 'acme-servr'"),
    ("sftp://erp/in", "the connection 'erp' is of the kind odbc, not sftp"),
    ("acme-server/in", "'acme-server/in' names no folder at a partner's server"),
    ("sftp://acme-server/../in", "'sftp://acme-server/../in' names no folder"),
]


@pytest.mark.parametrize(("answers", "message"), ANSWERS)
def test_answers_go_to_a_folder_of_a_declared_server(answers: str, message: str | None) -> None:
    files = with_server()
    files["partners/acme.yaml"] += f"answers: {answers}\n"
    if message is None:
        assert parse(files).partners["acme"].answers == ("acme-server", "in")
    else:
        assert only(files).message.startswith(message)


def test_a_database_has_no_fingerprints() -> None:
    files = dict(FILES)
    files[CONNECTIONS] = f"erp:\n  kind: odbc\n  url: DSN=ERP\n  fingerprints: {PIN}\n"
    assert only(files).message == "'fingerprints' does not belong to the kind odbc"


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("move done", "burn", "'burn' is nothing that can be done"),
        ("move done", "move ../x", "'move ../x' is nothing that can be done"),
        ("move done", "move", "'move' is nothing that can be done"),
        ("settle: 30s", "settle: soon", "'soon' is not a duration"),
        ("settle: 30s", "settle: 30s\nmarker: .done", "a file that is marked need not settle"),
        ("settle: 30s", "marker: a/b", "'a/b' is not the ending of a name"),
        ("Europe/Amsterdam", "Europe/Amsterdan", "there is no time zone"),
    ],
)
def test_lines_that_say_nothing_are_refused(old: str, new: str, message: str) -> None:
    assert old in LINES
    assert only(with_server(lines=LINES.replace(old, new))).message.startswith(message)


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("sftp://acme-server", "'sftp://acme-server' is not complete"),
        ("sftp://acme-servr/out/*.edi", "there is no connection 'acme-servr'"),
        ("sftp://erp/out/*.edi", "the connection 'erp' is of the kind odbc, not sftp"),
        ("sftp://acme-server/o*t/a.edi", "'sftp://acme-server/o*t/a.edi' is not a folder with a pattern"),
        ("sftp://acme-server/../a.edi", "'sftp://acme-server/../a.edi' is not a folder with a pattern"),
        ("sftp://acme-server/out/", "'sftp://acme-server/out/' is not a folder with a pattern"),
    ],
)
def test_sources_that_name_nothing_are_refused(source: str, message: str) -> None:
    assert only(with_server(source=source)).message.startswith(message)


def test_other_sources_have_no_such_lines() -> None:
    files = dict(FILES)
    files[ACME] += "after: delete\n"
    assert only(files).message == "'after' belongs to sources of sftp:// alone"


def test_two_that_read_one_folder_read_it_in_one_way() -> None:
    files = with_server()
    files["integrations/other.yaml"] = (
        files[ACME].replace("acme-orders", "other").replace("every: 5m", "every: 6m").replace("850", "860")
        + "precedence: 2\n"
    )
    files[ACME] += "precedence: 1\n"
    messages = [each.message for each in problems(files)]
    assert any("pulls from sftp://acme-server/out in another way" in each for each in messages), messages
