"""Pages for people: nothing of them comes from another address."""

from __future__ import annotations

import hashlib
import re
from pathlib import Path
from typing import TYPE_CHECKING

import gateway.serve
from gateway.serve.problems import PROBLEMS
from gateway.serve.resources.pages import ASSETS

if TYPE_CHECKING:
    from tests.gateway.serve.worlds import World

STATIC = Path(gateway.serve.__file__).parent / "static"


def test_the_pages_load_from_here_alone(still: World) -> None:
    client = still.app().test_client()
    for path in ("/docs", "/problems", "/problems/bad_value"):
        answer = client.get(path)
        page = answer.get_data(as_text=True)
        loaded = re.findall(r'(?:src|href)="([^"]+)"', page)
        assert loaded
        assert all(target.startswith("/") and not target.startswith("//") for target in loaded)
        assert "<script>" not in page
        assert "style=" not in page
        assert "onclick" not in page
        for target in set(loaded):
            assert client.get(target).status_code == 200, target
        policy = answer.headers["Content-Security-Policy"]
        assert "script-src 'self';" in policy
        assert "unsafe" not in policy
        assert "http" not in policy


def test_assets_have_their_kind_and_a_tag(still: World) -> None:
    client = still.app().test_client()
    for name, (_, media) in ASSETS.items():
        answer = client.get(f"/docs/{name}")
        assert answer.mimetype == media
        again = client.get(f"/docs/{name}", headers={"If-None-Match": answer.headers["ETag"]})
        assert (again.status_code, again.get_data()) == (304, b"")


def test_swagger_ui_is_the_version_that_it_says(still: World) -> None:  # noqa: ARG001 - the files are the same
    said = (STATIC / "swagger-ui" / "VERSION.txt").read_text()
    for line in said.splitlines()[1:]:
        sha256, name = line.split()
        assert hashlib.sha256((STATIC / "swagger-ui" / name).read_bytes()).hexdigest() == sha256
    assert "Apache License" in (STATIC / "swagger-ui" / "LICENSE.txt").read_text()
    assert "SmartBear" in (STATIC / "swagger-ui" / "NOTICE.txt").read_text()


def test_every_problem_has_its_page(still: World) -> None:
    client = still.app().test_client()
    everything = client.get("/problems").get_data(as_text=True)
    for code in PROBLEMS:
        assert f'id="{code}"' in everything
        assert client.get(f"/problems/{code}").status_code == 200


def test_the_start_leads_to_the_documentation(still: World) -> None:
    answer = still.app().test_client().get("/")
    assert (answer.status_code, answer.headers["Location"]) == (302, "/docs")
