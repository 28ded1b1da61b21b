"""``sftp:`` of a partner's file and of gateway.yaml: who logs in, by what, from where, and how much is borne."""

from __future__ import annotations

import pytest

from gateway.partners import Account, Quota
from gateway.workspace.loader import parse
from gateway.workspace.problems import ConfigurationProblems

KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIOMqqnkVzrm0SdG6UOoqKLsabgH5C9okWi0dh2l9GKJl buyer@acme"
HASH = "$argon2id$v=19$m=65536,t=3,p=4$c2FsdA$aGFzaA"
ACCOUNT = f"""\
partner: acme
sftp:
  user: acme
  keys: {KEY}
  password_hash: {HASH}
  login: key and password
  from: [203.0.113.0/24, 2001:db8::/32]
  quota: {{bytes: 10 GB, files: 5000, file: 1 GB, per_minute: 600}}
"""


def test_an_account_is_read_whole() -> None:
    assert parse({"gateway.yaml": "settle: 5s", "partners/acme.yaml": ACCOUNT}).partners["acme"].account == Account(
        "acme",
        (KEY,),
        HASH,
        both=True,
        networks=("203.0.113.0/24", "2001:db8::/32"),
        quota=Quota(10_000_000_000, 5000, 1_000_000_000, 600),
    )


def test_one_of_both_is_enough_from_everywhere_where_nothing_is_said() -> None:
    text = ACCOUNT.partition("  login")[0]
    assert parse({"gateway.yaml": "settle: 5s", "partners/acme.yaml": text}).partners["acme"].account == Account(
        "acme", (KEY,), HASH
    )


@pytest.mark.parametrize(
    ("old", "new", "line", "column", "message"),
    [
        (f"  keys: {KEY}\n", "", 5, 10, "key and password are wanted, and there is no keys:"),
        (f"  password_hash: {HASH}\n", "", 5, 10, "key and password are wanted, and there is no password_hash:"),
        ("key and password", "both", 6, 10, "'both' is no way to log in"),
        ("203.0.113.0/24", "203.0.113.1/24", 7, 10, "'203.0.113.1/24' is neither an address nor a network"),
        ("bytes: 10 GB", "bytes: much", 8, 18, "'much' is not a size"),
        ("per_minute: 600", "per_minute: 0", 8, 62, "'0' is not a whole number from 1"),
        ("files:", "file_count:", 8, 25, "unknown key 'file_count'"),
    ],
)
def test_what_is_wrong_is_refused_where_it_stands(old: str, new: str, line: int, column: int, message: str) -> None:
    with pytest.raises(ConfigurationProblems) as refused:
        parse({"gateway.yaml": "settle: 5s", "partners/acme.yaml": ACCOUNT.replace(old, new)})
    found = [each for each in refused.value.problems if each.message.startswith(message)]
    assert [(each.line, each.column) for each in found] == [(line, column)], refused.value.problems


def test_what_the_server_bears_is_a_setting() -> None:
    text = """\
sftp_algorithms: compatible
sftp_connections: 50
sftp_partner_connections: 10
sftp_handshakes: 20
sftp_sessions: 2
sftp_handles: 32
sftp_grace: 20s
sftp_idle: 5m
sftp_total: 12h
sftp_free: 1 GiB
"""
    settings = parse({"gateway.yaml": text}).settings
    assert settings.sftp_algorithms == "compatible"
    numbers = [
        settings.sftp_connections_max,
        settings.sftp_partner_connections_max,
        settings.sftp_handshakes_max,
        settings.sftp_sessions_max,
        settings.sftp_handles_max,
    ]
    assert numbers == [50, 10, 20, 2, 32]
    assert (settings.sftp_grace_seconds, settings.sftp_idle_seconds, settings.sftp_total_seconds) == (20, 300, 43200)
    assert settings.sftp_free_bytes_min == 1 << 30


def test_a_list_of_algorithms_that_is_unknown_is_refused() -> None:
    with pytest.raises(ConfigurationProblems, match="'old' is no list of algorithms"):
        parse({"gateway.yaml": "sftp_algorithms: old\n"})
