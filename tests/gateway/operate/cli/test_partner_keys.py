"""One key is changed for another without a moment in which neither counts."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from gateway.observations import LOGGED_IN
from gateway.operate import wiring
from gateway.operate.onboarding.logins import fingerprint
from gateway.workspace import starter
from gateway.workspace.loader import ConfigurationProblems, load
from tests.gateway.operate.cli.test_partner import partner, refused, texts
from tests.gateway.workspace.test_amending import NEW, ONE, TWO

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    starter.write(tmp_path / "shop")
    return tmp_path / "shop"


def keys(shop: Path, name: str = "acme") -> tuple[str, ...]:
    account = load(shop).partners[name].account
    return account.keys if account is not None else ()


def test_a_key_is_changed_for_another(shop: Path) -> None:
    before = texts(shop)["partners/acme.yaml"]
    assert f"acme has the key {fingerprint(ONE)}\n" in partner(shop, "key", "add", "acme", ONE)
    assert f"acme has the key {fingerprint(TWO)}, too" in partner(shop, "key", "add", "acme", TWO)
    assert keys(shop) == (ONE, TWO)
    assert f"the key {fingerprint(ONE)} no more" in partner(shop, "key", "remove", "acme", fingerprint(ONE))
    assert keys(shop) == (TWO,)
    after = texts(shop)["partners/acme.yaml"]
    assert after.startswith(before)


def test_there_are_two_at_a_time(shop: Path) -> None:
    for line in (ONE, TWO):
        partner(shop, "key", "add", "acme", line)
    said = refused(shop, "key", "add", "acme", NEW)
    assert f"acme has 2 keys already: {fingerprint(ONE)}, {fingerprint(TWO)}" in said
    assert "gateway partner key remove acme SHA256:" in said


def test_a_key_is_one_partner_s_alone(shop: Path) -> None:
    partner(shop, "add", "globex", "--key", ONE)
    assert f"{fingerprint(ONE)} is a key of globex already" in refused(shop, "key", "add", "acme", ONE)
    assert f"{fingerprint(ONE)} is a key of globex already" in refused(shop, "key", "add", "globex", f"{ONE} anew")
    assert f"{fingerprint(ONE)} is a key of globex already" in refused(shop, "add", "initech", "--key", ONE)
    assert not (shop / "partners" / "initech.yaml").exists()


def test_a_key_is_named_by_its_comment_or_the_beginning_of_its_fingerprint(shop: Path) -> None:
    for line in (ONE, TWO):
        partner(shop, "key", "add", "acme", line)
    assert "acme has no key 'nothing'. There is SHA256:" in refused(shop, "key", "remove", "acme", "nothing")
    assert "acme has no key 'SHA256:'" in refused(shop, "key", "remove", "acme", "SHA256:")
    partner(shop, "key", "remove", "acme", ONE.split()[2])
    assert keys(shop) == (TWO,)


def test_the_last_way_in_is_not_taken_away_by_a_slip(shop: Path) -> None:
    partner(shop, "key", "add", "acme", ONE)
    before = texts(shop)
    with pytest.raises(ConfigurationProblems, match="nobody can log in to this account"):
        partner(shop, "key", "remove", "acme", fingerprint(ONE))
    assert texts(shop) == before


def test_keys_are_listed_with_when_they_were_used(shop: Path) -> None:
    assert partner(shop, "key", "list", "acme") == "acme has no key.\n"
    partner(shop, "add", "globex", "--key", ONE, "--password")
    assert partner(shop, "key", "list", "globex") == (
        f"ssh-ed25519\t{fingerprint(ONE)}\t{ONE.split()[2]}\tno use is known\nThere is a password, too.\n"
    )


def test_a_key_was_last_used_when_the_log_says_so(shop: Path) -> None:
    for line in (ONE, TWO):
        partner(shop, "key", "add", "acme", line)
    gateway = wiring.open_gateway(shop)
    try:
        with gateway.database.write() as transaction:
            transaction.tell(LOGGED_IN(partner="acme", message=f"acme from 192.0.2.1 by key {fingerprint(TWO)}"))
            now = transaction.now
    finally:
        gateway.close()
    one, two = partner(shop, "key", "list", "acme").splitlines()
    note = "no login with"
    before = (shop / "partners" / "acme.yaml").read_text("utf-8")
    assert f"{note} {fingerprint(ONE)} is known" in partner(shop, "key", "remove", "acme", fingerprint(TWO))
    (shop / "partners" / "acme.yaml").write_text(before, encoding="utf-8")
    said = partner(shop, "key", "remove", "acme", fingerprint(ONE))
    assert note not in said
    assert f"Next: gateway apply -w {shop}; it ends" in said
    assert one.endswith("no use is known")
    assert two.endswith(f"last used {now:%Y-%m-%d %H:%M} UTC")


def test_a_partner_that_is_not_there_is_told_with_those_that_are(shop: Path) -> None:
    said = refused(shop, "key", "add", "acmee", ONE)
    assert "there is no partner 'acmee'; there is acme. gateway partner add acmee makes one" in said
