"""Each kind of value: what is read, and what is said when it is something else."""

from __future__ import annotations

from datetime import time
from typing import TYPE_CHECKING, Any

import pytest

from gateway.integrations import Accept, Changes, Source
from gateway.workspace import values
from gateway.workspace.nodes import Mapping, Node, compose
from gateway.workspace.problems import File, Problem

if TYPE_CHECKING:
    from collections.abc import Callable


ED25519 = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJ6Wd3xS4Yz0V8Y3m6x3S1VQ0qj0Q1q8m7j3mJc8e2hT buyer@acme"


def read(reader: Callable[[Node], Any], text: str) -> tuple[Any, list[Problem]]:
    file = File("x.yaml", f"key: {text}\n")
    root = compose(file)
    assert isinstance(root, Mapping), file.problems
    return reader(root.entries[0][1]), file.problems


HASH = "$argon2id$v=19$m=65536,t=3,p=4$c2FsdA$aGFzaA"

GOOD = [
    (values.read_text, "NO", "NO"),
    (values.read_name, "acme-orders", "acme-orders"),
    (values.read_whole, "5", 5),
    (values.read_duration, "10s", 10.0),
    (values.read_duration, "1.5m", 90.0),
    (values.read_duration, "2h", 7200.0),
    (values.read_duration, "1d", 86400.0),
    (values.read_duration, "250ms", 0.25),
    (values.read_age, "7y", "7y"),
    (values.read_size, "16 MiB", 16 * 1024 * 1024),
    (values.read_size, "500MB", 500_000_000),
    (values.read_windows, "Mon-Fri 20:00-06:00 Europe/Berlin", "Mon-Fri 20:00-06:00 Europe/Berlin"),
    (values.read_address, "127.0.0.1:8080", "127.0.0.1:8080"),
    (values.read_address, "'[::1]:0'", "[::1]:0"),
    (values.read_store, "sqlite:data/gateway.db", "sqlite:data/gateway.db"),
    (values.read_store, "postgresql://db/gateway", "postgresql://db/gateway"),
    (values.read_store, "secret:store", "secret:store"),
    (values.read_vault, "data/vault", "data/vault"),
    (values.read_secret, "secret:erp/password", "secret:erp/password"),
    (values.read_password_hash, HASH, HASH),
    (values.read_password_hash, "secret:acme/hash", "secret:acme/hash"),
    (values.read_public_key, ED25519, ED25519),
    (values.read_isa, "ZZ:ACME", "ZZ:ACME"),
    (values.read_isa, "01:123456789", "01:123456789"),
    (values.read_unb, "14:4012345000009", "14:4012345000009"),
    (values.read_unb, "':ACME'", ":ACME"),
    (values.read_contract_name, "order v1", ("order", 1)),
    (values.read_source, "drop://acme/out/*.edi", Source("drop", "acme", "out/*.edi")),
    (values.read_source, "folder:inbox/*.csv", Source("folder", "", "inbox/*.csv")),
    (values.read_source, "folder:*.csv", Source("folder", "", "*.csv")),
    (values.read_vault, "/srv/vault", "/srv/vault"),
    (values.read_vault, "s3://orders-raw/leeds", "s3://orders-raw/leeds"),
    (values.read_endpoint, "http://127.0.0.1:9000", "http://127.0.0.1:9000"),
    (values.read_source, "folder:/srv/in/*.csv", Source("folder", "", "/srv/in/*.csv")),
    (values.read_source, "table://erp/customers", Source("table", "erp", "customers")),
    (values.read_source, "'http:'", Source("http", "", "")),
    (values.read_columns, "KDNR", ("KDNR",)),
    (values.read_columns, "KDNR, FIRMA", ("KDNR", "FIRMA")),
    (values.read_accept, "file", Accept("file")),
    (values.read_accept, "rows", Accept("documents")),
    (values.read_accept, "rows, hold the file above 1% bad", Accept("documents", 0.01)),
    (values.read_accept, "documents, hold the file above 12.5 % bad", Accept("documents", 0.125)),
    (values.read_changes, "AENDTS every 30s", Changes("AENDTS", 30.0)),
    (values.read_changes, "snapshot every 5m", Changes(None, 300.0, "snapshot")),
    (values.read_changes, "column log every 1s", Changes("log", 1.0)),
    (values.read_changes, "log every 500ms", Changes(None, 0.5, "log")),
    (values.read_changes, "log erp_pub every 1s", Changes(None, 1.0, "log", (("publication", "erp_pub"),))),
    (values.read_changes, "ID overlap 2m every 1s", Changes("ID", 1.0, options=(("overlap", "2m"),))),
    (values.read_changes, "diff every 10m", Changes(None, 600.0, "diff")),
    (values.read_changes, "A every 30s, deletes nightly 02:05", Changes("A", 30.0, deletes=time(2, 5))),
    (
        values.read_changes,
        "A every 30s, deletes nightly 23:00 Europe/Berlin",
        Changes("A", 30.0, deletes=time(23), zone="Europe/Berlin"),
    ),
    (values.read_expect, "every 1h", "every 1h"),
    (values.read_expect, "daily by 06:00, Mon-Fri", "daily by 06:00, Mon-Fri"),
    (values.read_answer, "997", "997"),
    (values.read_answer, "TA1, 999", "TA1, 999"),
    (values.read_answer, "none", "none"),
]  # fmt: skip


@pytest.mark.parametrize(("reader", "text", "expected"), GOOD, ids=[case[1] for case in GOOD])
def test_a_value_is_read(reader: Callable[[Node], Any], text: str, expected: Any) -> None:
    assert read(reader, text) == (expected, [])


BAD = [
    (values.read_text, "[a]", 6, "a text is expected here, not a list"),
    (values.read_text, "''", 6, "a value is missing here"),
    (values.read_name, "Acme Orders", 6, "'Acme Orders' is not a name"),
    (values.read_whole, "05", 6, "'05' is not a whole number"),
    (values.read_whole, "٣", 6, "'٣' is not a whole number"),
    (values.read_whole, "0", 6, "'0' is not a whole number"),
    (values.read_duration, "10 seconds", 6, "'10 seconds' is not a duration"),
    (values.read_duration, "12:30", 6, "'12:30' is not a duration"),
    (values.read_duration, "0s", 6, "'0s' is not a duration"),
    (values.read_age, "forever", 6, "'forever' is not a time to keep"),
    (values.read_size, "lots", 6, "'lots' is not a size"),
    (values.read_size, "0 MB", 6, "a size of nothing"),
    (values.read_windows, "at night", 6, "'at night' names no times of the week"),
    (values.read_windows, "20:00-06:00 Europe/Atlantis", 6, "there is no time zone 'Europe/Atlantis'"),
    (values.read_address, "8080", 6, "'8080' is not an address"),
    (values.read_address, "localhost:99999", 6, "there is no port 99999"),
    (values.read_store, "mysql://db/x", 6, "'mysql://db/x' names no store"),
    (values.read_vault, "s3://", 6, "'s3://' names no vault"),
    (values.read_vault, "s3://Raw_Files", 6, "'s3://Raw_Files' names no vault"),
    (values.read_vault, "https://bucket", 6, "'https://bucket' names no vault"),
    (values.read_endpoint, "s3.company.example", 6, "'s3.company.example' is not the URL of a server"),
    (values.read_endpoint, "https://key:secret@host", 6, "a login stands in this URL"),
    (values.read_secret, "hunter2", 6, "a secret stands here as it is"),
    (values.read_password_hash, "hunter2", 6, "this is not an argon2id hash"),
    (values.read_public_key, "ssh-ed25519 AAAAC3Nz", 6, "the key is cut off"),
    (values.read_public_key, "hello", 6, "this is not a public key"),
    (values.read_isa, "ACME", 6, "'ACME' is not an X12 identity"),
    (values.read_isa, "ZZ:ACME-WITH-A-LONG-NAME", 6, "'ZZ:ACME-WITH-A-LONG-NAME' is not an X12 identity"),
    (values.read_unb, "ACME", 6, "'ACME' is not an EDIFACT identity"),
    (values.read_contract_name, "order", 6, "'order' names no contract"),
    (values.read_source, "hook:acme", 11, "nothing stands after hook:"),
    (values.read_source, "ftp://acme/x", 6, "'ftp' is not a kind of source"),
    (values.read_source, "drop:acme", 6, "'drop:acme' is not complete"),
    (values.read_source, "drop://Acme Inc/x", 13, "'Acme Inc' is not a name"),
    (values.read_source, "folder:in*/x.csv", 6, "'folder:in*/x.csv' is not a folder with a pattern"),
    (values.read_source, "folder:inbox", 6, "'folder:inbox' is not a folder with a pattern"),
    (values.read_source, "http://x", 11, "nothing stands after http:"),
    (values.read_columns, "A,,B", 6, "'A,,B' is not a list of different columns"),
    (values.read_columns, "A, A", 6, "'A, A' is not a list of different columns"),
    (values.read_accept, "most of it", 6, "'most of it' does not say what is accepted"),
    (values.read_accept, "rows, hold the file above 101% bad", 6, "101% is more than all of it"),
    (values.read_changes, "AENDTS", 6, "'AENDTS' does not say how changes are followed"),
    (values.read_changes, "AENDTS every day", 19, "'day' is not a duration"),
    (values.read_changes, "A every 30s, deletes nightly 24:00", 6, "'A every 30s, deletes nightly 24:00' does not say"),
    (values.read_changes, "A every 30s, deletes nightly 02:00 Mars/City", 41, "there is no time zone 'Mars/City'"),
    (values.read_changes, "A overlap long every 30s", 16, "'long' is not a duration"),
    (values.read_changes, "diff every 1h, deletes nightly 02:00", 37, "diff tells of deleted rows by itself"),
    (values.read_changes, "snapshot every 1h, deletes nightly 02:00", 41, "a snapshot knows no deleted rows"),
    (values.read_changes, "diff erp_pub every 1h", 11, "nothing stands between diff and every"),
    (values.read_expect, "sometimes", 6, "'sometimes' does not say when"),
    (values.read_expect, "every day", 6, "'day' is not a duration"),
    (values.read_answer, "997, 998", 11, "'998' is not an acknowledgment"),
]


@pytest.mark.parametrize(("reader", "text", "column", "message"), BAD, ids=[case[1] for case in BAD])
def test_a_wrong_value_is_refused_where_it_stands(
    reader: Callable[[Node], Any], text: str, column: int, message: str
) -> None:
    result, problems = read(reader, text)
    assert result is None
    assert [problem.column for problem in problems] == [column], problems
    assert problems[0].message.startswith(message)


@pytest.mark.parametrize("reader", [values.read_secret, values.read_password_hash, values.read_public_key])
def test_what_may_be_a_secret_is_not_repeated_in_the_message(reader: Callable[[Node], Any]) -> None:
    _, problems = read(reader, "hunter2")
    assert "hunter2" not in problems[0].message + problems[0].hint


def test_a_list_is_one_value_or_several() -> None:
    names = lambda node: values.read_list(node, values.read_name)  # noqa: E731 - a reader made for this test
    assert read(names, "a")[0] == ("a",)
    assert read(names, "[a, b]")[0] == ("a", "b")
    assert read(names, "[a, B, C]")[0] is None
    assert len(read(names, "[a, B, C]")[1]) == 2
    assert read(names, "[]")[1][0].message == "the list is empty"
