"""gateway key: two live keys for each client, changed one for the other, limited to partners."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from gateway.errors import Stop
from gateway.operate.credentials import make_key, rotate_key
from gateway.serve.auth.scopes import READ, scopes_of
from gateway.store import audit, keys
from tests.acceptance.test_command_line import X12, gateway
from tests.acceptance.workspaces import opened

if TYPE_CHECKING:
    from pathlib import Path

    from tests.acceptance.workspaces import Place


def status(place: Place, token: str, path: str = "/api/v1/orders/acme~4711") -> int:
    return place.client.get(path, headers={"Authorization": f"Bearer {token}"}).status_code


def test_a_key_is_changed_for_another_without_a_moment_in_which_neither_counts(tmp_path: Path) -> None:
    with opened(tmp_path) as place:
        place.give(X12)
        made = gateway("key", "add", "erp", "--scope", "orders:read", "--partner", "acme", "-w", tmp_path)
        old, new = made.out.strip(), gateway("key", "rotate", "erp", "--grace", "3", "-w", tmp_path).out.strip()
        assert status(place, old) == status(place, new) == 200
        with place.gateway.database.read() as connection:
            first, second = keys.of_client(connection, "erp")
            lines = audit.last(connection, limit=2)
        assert (second.scopes, second.partners) == (first.scopes, first.partners) == (("orders:read",), ("acme",))
        assert first.expires_at is not None
        assert first.expires_at - second.created_at < timedelta(days=3, seconds=1)
        assert second.expires_at is None
        assert [each.action for each in lines] == ["key_ending", "key_made"]

        third = gateway("key", "add", "erp", "-w", tmp_path)
        assert (third.status, third.out) == (1, "")
        assert "has 2 live keys already" in third.err
        assert "2 live keys" in gateway("key", "rotate", "erp", "-w", tmp_path).err
        gateway("key", "revoke", first.id, "-w", tmp_path)
        assert (status(place, old), status(place, new)) == (401, 200)
        assert gateway("key", "rotate", "erp", "--grace", "0", "-w", tmp_path).status == 0
        assert status(place, new) == 401


def test_who_has_no_live_key_has_none_to_change(tmp_path: Path) -> None:
    with opened(tmp_path) as place:
        now = place.gateway.database.clock()
        with pytest.raises(Stop, match="erp has no live keys"):
            rotate_key(place.gateway, "erp", old_ends_at=now)
        make_key(place.gateway, "erp", ("*:read",), expires_at=now - timedelta(days=1))
        with pytest.raises(Stop, match="erp has no live keys"):
            rotate_key(place.gateway, "erp", old_ends_at=now)
        make_key(place.gateway, "erp", ("*:read",), expires_at=now + timedelta(hours=1))
        rotate_key(place.gateway, "erp", old_ends_at=now + timedelta(days=7))
        with place.gateway.database.read() as connection:
            ends = [each.expires_at for each in keys.of_client(connection, "erp")]
        assert ends[1] == now + timedelta(hours=1), "a key never lives longer for being changed"


def test_a_key_is_limited_to_partners_that_there_are(tmp_path: Path) -> None:
    with opened(tmp_path) as place:
        place.give(X12)
        wrong = gateway("key", "add", "x", "--partner", "acne", "-w", tmp_path)
        assert (wrong.status, wrong.out) == (1, "")
        assert "there is no partner 'acne'" in wrong.err
        token = gateway("key", "add", "x", "--partner", "globex", "-w", tmp_path).out.strip()
        assert status(place, token) == 404
        (line,) = [each for each in gateway("key", "list", "-w", tmp_path).lines if "\tx\t" in each]
        assert line.split("\t")[2:] == ["*:read", "globex", ""]


@pytest.mark.parametrize("scope", ["orders", "orders:", ":read", "Orders:read", "orders:read prices:read", "adm"])
def test_what_is_no_scope_is_refused(tmp_path: Path, scope: str) -> None:
    with opened(tmp_path):
        made = gateway("key", "add", "x", "--scope", scope, "-w", tmp_path)
        assert made.status == 2
        assert "no scope" in made.err


def test_every_change_of_a_key_is_told_by_the_number_of_changes(tmp_path: Path) -> None:
    with opened(tmp_path) as place:
        seen = []

        def look() -> None:
            with place.gateway.database.read() as connection:
                seen.append(keys.version(connection))

        look()
        make_key(place.gateway, "erp", ("*:read",))
        look()
        rotate_key(place.gateway, "erp", old_ends_at=place.gateway.database.clock() + timedelta(days=1))
        look()
        with place.gateway.database.write() as transaction:
            keys.revoke(transaction, keys.of_client(transaction.connection, "erp")[0].id)
        look()
        assert sorted(set(seen)) == seen


def test_a_scope_that_allows_nothing_is_refused_with_what_was_meant(tmp_path: Path) -> None:
    with opened(tmp_path) as place:
        wrong = gateway("key", "add", "x", "--scope", "order:read", "-w", tmp_path)
        assert (wrong.status, wrong.out) == (1, "")
        assert "the scope order:read allows nothing here" in wrong.err
        assert "Did you mean orders:read?" in wrong.err
        assert "prices:personal" in wrong.err
        for each in ("orders:write", "tables.erp:read", "*:reed", "deliveries:personal"):
            assert gateway("key", "add", "x", "--scope", each, "-w", tmp_path).status == 1, each
        given = ("orders:read", "orders:*", "*:personal", "*:*", "admin", "types:read", "tables:read")
        assert gateway("key", "add", "x", *(word for each in given for word in ("--scope", each)), "-w", tmp_path).out
        (tmp_path / "connections.yaml").write_text("erp:\n  kind: odbc\n  url: Driver=SQLite3;Database=erp.db\n")
        made = gateway("key", "add", "x", "--scope", "tables.erp:read", "-w", tmp_path)
        assert made.status == 0, "what the working copy names is not in force yet, but will be"
        assert place.folder == tmp_path


def test_the_help_names_every_resource_that_is_read() -> None:
    said = gateway("key", "add", "--help").out
    words = set(said.replace(":", " ").split())
    assert words >= {*READ, "admin", "*", "personal"}


def test_every_scope_that_an_operation_asks_for_can_be_given(tmp_path: Path) -> None:
    with opened(tmp_path) as place:
        asked = {
            each["x-scope"]
            for path in place.get("/api/v1/openapi.json")["paths"].values()
            for each in path.values()
            if isinstance(each, dict) and "x-scope" in each
        }
        known = scopes_of(place.gateway.in_force.configuration())
    assert {each for each in asked if "{" not in each} <= known, "a resource was added"
    assert "deliveries:write" in asked


def _live(place: Place) -> list[keys.Key]:
    with place.gateway.database.read() as connection:
        return [each for each in keys.all_keys(connection) if each.revoked_at is None]


def test_a_key_is_revoked_by_its_name_or_the_beginning_of_its_id_where_that_is_one(tmp_path: Path) -> None:
    with opened(tmp_path) as place:
        token = gateway("key", "add", "erp", "--scope", "types:read", "-w", tmp_path).out.strip()
        assert status(place, token, "/api/v1/types") == 200
        done = gateway("key", "revoke", "erp", "-w", tmp_path)
        assert done.status == 0, done.err
        assert done.out.endswith(" of erp is revoked\n")
        assert status(place, token, "/api/v1/types") == 401
        assert gateway("key", "revoke", "erp", "-w", tmp_path).status == 1, "it has no live key any more"

        for _ in range(2):
            gateway("key", "add", "erp", "-w", tmp_path)
        twice = gateway("key", "revoke", "erp", "-w", tmp_path)
        assert twice.status == 1
        assert "name it by its id" in twice.err
        with place.gateway.database.read() as connection:
            ids = [each.id for each in keys.of_client(connection, "erp") if each.revoked_at is None]
        for each in ids:
            assert each in twice.err
        assert "can be any of" in gateway("key", "revoke", "key_", "-w", tmp_path).err
        assert gateway("key", "revoke", ids[1], "-w", tmp_path).out == f"{ids[1]} of erp is revoked\n"
        other = next(each.id for each in _live(place) if each.id != ids[0])
        gateway("key", "revoke", other, "-w", tmp_path)
        assert gateway("key", "revoke", ids[0][:-2], "-w", tmp_path).out == f"{ids[0]} of erp is revoked\n"
        assert "there is no key nobody" in gateway("key", "revoke", "nobody", "-w", tmp_path).err


def test_a_key_is_made_before_anything_is_in_force(tmp_path: Path) -> None:
    """Scopes of the gateway's own need no configuration; those of collections are looked up in the working copy."""
    folder = tmp_path / "zz"
    assert gateway("init", folder).status == 0
    made = gateway("key", "add", "me", "--scope", "*:read", "--scope", "orders:read", "-w", folder)
    assert (made.status, made.out[:3], made.err) == (0, "gw_", "")
    with (folder / "integrations" / "acme-orders.yaml").open("a") as file:
        file.write("bogus: 1\n")
    made = gateway("key", "add", "me", "--scope", "*:read", "-w", folder)
    assert (made.status, made.out[:3], made.err) == (0, "gw_", "")


def test_what_is_wrong_with_the_working_copy_is_told_where_nothing_else_says_which_scopes_there_are(
    tmp_path: Path,
) -> None:
    folder = tmp_path / "zz"
    assert gateway("init", folder).status == 0
    with (folder / "integrations" / "acme-orders.yaml").open("a") as file:
        file.write("bogus: 1\n")
    checked, made = gateway("check", folder), gateway("key", "add", "me", "--scope", "orders:read", "-w", folder)
    assert (made.status, made.out, made.err) == (1, "", checked.err)
    assert "bogus" in made.err
    with opened(tmp_path / "there") as place:
        (place.folder / "integrations" / "more.yaml").write_text("bogus: 1\n")
        wrong = gateway("key", "add", "x", "--scope", "order:read", "-w", place.folder)
        assert "the scope order:read allows nothing here. Did you mean orders:read?" in wrong.err, "one is in force"


@pytest.mark.parametrize(
    "name", ["", "  ", "a\nb", "a\x00b", "a\u2028b", "hook:acme-notices", "company:ann", ":", "x" * 101]
)
def test_a_name_that_could_be_another_clients_or_breaks_a_line_is_refused(tmp_path: Path, name: str) -> None:
    with opened(tmp_path) as place:
        before = len(_live(place))
        wrong = gateway("key", "add", name, "-w", tmp_path)
        assert (wrong.status, wrong.out) == (1, "")
        assert "is no name of a key" in wrong.err
        assert "1 to 100 characters" in wrong.err
        assert len(_live(place)) == before


@pytest.mark.parametrize("name", ["x", "acme-portal", "Jo Müller, Büro 2", "ann@example.com", "x" * 100])
def test_a_name_is_what_one_calls_a_client(tmp_path: Path, name: str) -> None:
    with opened(tmp_path) as place:
        assert gateway("key", "add", name, "-w", tmp_path).status == 0
        assert name in [each.name for each in _live(place)]
