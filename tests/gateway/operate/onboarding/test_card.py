"""The card says what a partner needs, for its own client, and nothing that is secret."""

from __future__ import annotations

import subprocess
from typing import TYPE_CHECKING, Any

import pytest
from lxml import html

from gateway.errors import Stop
from gateway.operate.exchange.hostkeys import fingerprints
from gateway.operate.onboarding.card import Card, card
from gateway.operate.onboarding.logins import fingerprint
from gateway.workspace.loader import parse
from sftp.auth import hash_password
from sftp.hostkeys import load_or_create
from tests.gateway.workspace.test_amending import ONE

if TYPE_CHECKING:
    from pathlib import Path

HASH = hash_password("correct horse")
FLOW = "about: Orders\nowner: orders-team\nsource: drop://acme/*.edi\ncontract: order v1\n"
FILES = {
    "gateway.yaml": (
        "sftp_public: edi.example.com:22\ncontact: Orders desk, edi@us.example\nupload_max: 100 MiB\n"
        "mail:\n  host: mail.us.example\n  from: edi@us.example\n"
        "identifiers:\n  isa: ZZ:US\n  unb: ['14:4012345000009', ':US']\n"
    ),
    "partners/acme.yaml": (
        "partner: acme\nabout: Acme <Retail>\ncontacts: edi@acme.example\nletters: outbox mail\n"
        f"sftp:\n  user: acme-in\n  keys: {ONE}\n  password_hash: {HASH}\n  quota: {{files: 50, bytes: 10 GB}}\n"
    ),
    "integrations/acme-orders.yaml": f"integration: acme-orders\nformat: x12 004010 850\nanswer: 997\n{FLOW}",
}
OURS = ("ssh-ed25519 SHA256:abc",)


def made(files: dict[str, str] | None = None, name: str = "acme") -> Card:
    configuration = parse(FILES | (files or {}))
    return card(configuration, configuration.partners[name], OURS)


def test_the_card_says_where_as_whom_and_what() -> None:
    text = " ".join(made().text().split())
    for said in (
        "How Acme <Retail> sends files to us",
        "Host edi.example.com Port 22 User acme-in",
        f"Your key ssh-ed25519 {fingerprint(ONE)} (key-1)",
        "Password the one that you were told",
        "Our key ssh-ed25519 SHA256:abc",
        "/inbox Put files",
        "/outbox What we answer",
        "/test/inbox Put files here to try them",
        "/test/outbox What came",
        "A file at most 100 MiB",
        "All that waits at most 10 GB",
        "Files that wait at most 50",
        "X12 ISA07 ZZ, ISA08 US",
        "Orders X12 850 purchase order, release 004010; names like *.edi",
        "997 what of each file was accepted, and what was not, within seconds; in /outbox",
        "E-mail the same letter, to edi@acme.example",
        "sftp -i KEYFILE -P 22 acme-in@edi.example.com",
        "host edi.example.com, port 22, logon type 'Key file', user acme-in",
        "lftp -u acme-in, -e 'set sftp:connect-program \"ssh -a -x -i KEYFILE\"' sftp://edi.example.com:22",
        "curl with libssh2 1.11 or later",
        "put orders.edi /inbox/",
        "Contact Orders desk, edi@us.example",
    ):
        assert said in text, said
    assert made().warnings == ()


def test_it_says_as_whom_the_partner_writes_itself_into_its_envelopes() -> None:
    assert "How we know you" not in made().text()
    described = FILES["partners/acme.yaml"]
    of_x12 = made({"partners/acme.yaml": f"{described}identifiers:\n  isa: 01:ACME DUNS\n"})
    (section,) = (each for each in of_x12.sections if each.title == "How we know you")
    assert section.rows == (("X12", "ISA05 01, ISA06 ACME DUNS"),)
    assert section.note == (
        "Write this as the sender into the envelope of each file. A file with another sender waits until a person has "
        "looked at it. The sender of the group, GS02, is yours to choose."
    )
    both = "identifiers:\n  isa: [ZZ:ACME, 12:5551234]\n  unb: ['14:5412345000013', ':ACME:1']\n"
    (section,) = (
        each for each in made({"partners/acme.yaml": described + both}).sections if each.title == "How we know you"
    )
    assert section.rows == (
        ("X12", "ISA05 ZZ, ISA06 ACME"),
        ("X12", "ISA05 12, ISA06 5551234"),
        ("EDIFACT", "UNB, sender 5412345000013, qualifier 14"),
        ("EDIFACT", "UNB, sender ACME:1, without a qualifier"),
    )
    assert section.note.startswith("Write one of these as the sender into the envelope of each file.")
    only_unb = made({"partners/acme.yaml": f"{described}identifiers:\n  unb: '14:5412345000013'\n"})
    assert "GS02" not in only_unb.text()


def test_it_says_who_we_are_in_the_standards_that_the_partner_writes() -> None:
    (section,) = (each for each in made().sections if each.title == "Who we are")
    assert section.rows == (("X12", "ISA07 ZZ, ISA08 US"),)  # it sends no EDIFACT
    assert section.note == "Write this as the receiver into the envelope of each file."
    flows = {
        f"integrations/acme-{name}.yaml": (
            f"integration: acme-{name}\nformat: {form}\nprecedence: {place}\n{FLOW}".replace("*.edi", f"*.{name}")
        )
        for place, (name, form) in enumerate((("orders", "x12 850"), ("messages", "edifact D96A ORDERS")), 1)
    }
    both = made(flows)
    (section,) = (each for each in both.sections if each.title == "Who we are")
    assert section.rows[1:] == (
        ("EDIFACT", "UNB, receiver 4012345000009, qualifier 14"),
        ("EDIFACT", "UNB, receiver US, without a qualifier"),
    )


def test_of_a_table_the_columns_are_named_and_how_their_cells_are_written_and_a_name_that_is_taken() -> None:
    table = {
        "contracts/prices.v1.yaml": (
            "contract: prices v1\nabout: Prices\nowner: orders-team\nkey: sku per partner\ncollection: prices\n"
            "fields:\n  sku: text\n  price: decimal\n"
            "  list: decimal?\n  since: date?\n  until: date?\n  ratio: decimal?\n"
        ),
        "integrations/acme-orders.yaml": (
            "integration: acme-prices\nabout: Prices\nowner: orders-team\nsource: drop://acme/list_*.csv\n"
            "format: csv ; header\ncontract: prices v1\nmap:\n  sku: Artikelnummer\n"
            '  price: "`Preis netto` | decimal"\n'
            "  list: Liste | decimal('1.234,56')\n  since: Von | strip | date('dd.mm.yyyy')\n  until: Bis | date\n"
            "  ratio: (Teil | decimal) / (Liste | decimal('1.234,56'))\n"
        ),
    }
    text = " ".join(made(table).text().split())
    assert (
        "columns Artikelnummer, Preis netto (written like 1234.56), Liste (written like 1.234,56), "
        "Von (written like dd.mm.yyyy), Bis (written like yyyy-mm-dd), Teil; names like list_*.csv"
    ) in text
    assert "put list_1.csv /inbox/" in text


def test_nothing_that_is_secret_is_on_it() -> None:
    for text in (made().text(), made().html()):
        assert "argon2" not in text
        assert ONE.split()[1] not in text


def test_as_a_page_it_loads_nothing_and_says_the_same() -> None:
    page: Any = html.fromstring(made().html())
    assert [each for _, _, each, _ in page.iterlinks()] == []
    assert page.xpath("//script") == []
    assert page.findtext(".//h1") == "How Acme <Retail> sends files to us"
    shown = [" ".join(str(each.text_content()).split()) for each in page.iter("tr")]
    assert shown == [" ".join(f"{name} {said}".split()) for each in made().sections for name, said in each.rows]


def test_lines_are_short_enough_for_a_mail() -> None:
    assert max(map(len, made().text().splitlines())) <= 100


def test_who_sends_the_card_is_told_what_is_missing_on_it() -> None:
    said = FILES["gateway.yaml"].partition("\n")[2].partition("identifiers:")[0]
    configuration = parse(FILES | {"gateway.yaml": said})
    warnings = card(configuration, configuration.partners["acme"], ()).warnings
    assert [each.partition(" ")[0] for each in warnings] == ["Whom", "127.0.0.1", "The"]
    assert warnings[0].endswith("write who you are into gateway.yaml, as identifiers: {isa: 'ZZ:US'}.")
    assert "sftp_public: edi.example.com:22" in warnings[1]


def test_a_partner_without_an_account_has_a_card_of_what_is_taken() -> None:
    flow = f"integration: acme-orders\nformat: x12 850\n{FLOW}".replace("drop://acme/*.edi", '"http:"\npartner: acme')
    found = made({"partners/acme.yaml": "partner: acme\n", "integrations/acme-orders.yaml": flow})
    assert [each.title for each in found.sections] == ["Who we are", "What we take", "What you get back", "Whom to ask"]
    assert "X12 850 purchase order; over HTTP" in found.text()
    assert found.warnings == ("There is no account: the card says what is taken, and not how it is sent.",)
    with pytest.raises(Stop, match="nobody has no account, and nothing takes its files"):
        made({"partners/nobody.yaml": "partner: nobody\n"}, "nobody")


def test_answers_that_are_put_at_the_partner_s_own_server_are_told_so() -> None:
    remote = (
        "acme-server:\n  kind: sftp\n  url: sftp://us@sftp.acme.example:22\n  key: secret:acme/key\n"
        "  fingerprints: SHA256:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\n"
    )
    text = FILES["partners/acme.yaml"].replace("about:", "answers: sftp://acme-server/incoming\nabout:")
    found = made({"connections.yaml": remote, "partners/acme.yaml": text}).text()
    assert "within seconds; put into incoming at your own server" in " ".join(found.split())


def test_fingerprints_are_those_that_clients_show(tmp_path: Path) -> None:
    assert fingerprints(tmp_path) == ()
    folder = tmp_path / "data" / "hostkeys"
    keys = load_or_create(folder)
    assert [each.split()[1] for each in fingerprints(tmp_path)] == [key.fingerprint for key in keys]
    shown = subprocess.run(
        ["ssh-keygen", "-lf", folder / "ssh_host_rsa_key"], capture_output=True, text=True, check=False
    )
    if shown.returncode == 0:
        assert fingerprints(tmp_path)[1].split()[1] in shown.stdout
    (folder / "ssh_host_rsa_key").write_bytes(b"broken")
    with pytest.raises(Stop, match="cannot be read"):
        fingerprints(tmp_path)
