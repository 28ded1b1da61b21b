"""The schemas of editors agree with the loader on what is right, and see the coarse mistakes."""

from __future__ import annotations

from typing import Any

import pytest
import yaml

from gateway.workspace.nodes import Mapping, compose
from gateway.workspace.problems import File
from gateway.workspace.schema import schema
from gateway.workspace.tables import LAYOUTS
from tests.gateway.workspace.workspaces import FILES

jsonschema = pytest.importorskip("jsonschema", reason="comes with openapi-spec-validator")

KINDS = {
    "connections.yaml": "connections",
    "partners/acme.yaml": "partner",
    "contracts/order.v1.yaml": "contract",
    "contracts/price.v2.yaml": "contract",
    "integrations/acme-orders.yaml": "integration",
    "integrations/globex-prices.yaml": "integration",
    "integrations/initech-invoices.yaml": "integration",
    "integrations/erp-customers.yaml": "integration",
}


class Editor(yaml.SafeLoader):
    """Reads a file as editors do: by YAML 1.2, which knows no dates, so that one is a text."""

    yaml_implicit_resolvers = {  # noqa: RUF012 - it is the base class's
        first: [(tag, looks) for tag, looks in resolvers if tag != "tag:yaml.org,2002:timestamp"]
        for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
    }


def judge(kind: str, document: Any) -> list[str]:
    return [error.message for error in jsonschema.Draft202012Validator(schema()[kind]).iter_errors(document)]


def test_there_is_one_valid_schema_for_each_kind_of_yaml_file() -> None:
    assert set(schema()) == {"gateway", "connections", "teams", "partner", "contract", "integration"}
    for body in schema().values():
        jsonschema.Draft202012Validator.check_schema(body)
        assert body["$schema"] == "https://json-schema.org/draft/2020-12/schema"


@pytest.mark.parametrize(("path", "kind"), KINDS.items(), ids=KINDS)
def test_what_loads_is_right_in_an_editor(path: str, kind: str) -> None:
    assert judge(kind, yaml.load(FILES[path], Editor)) == []


def test_an_editor_sees_unknown_and_missing_keys() -> None:
    document = yaml.load(FILES["integrations/acme-orders.yaml"], Editor)
    document["ownr"] = document.pop("owner")
    assert len(judge("integration", document)) == 2
    assert judge("partner", {"partner": "acme", "sftp": {"user": "a", "password": "b"}})
    assert judge("connections", {"ERP": {"kind": "odbc", "url": "x"}})
    assert judge("gateway", {"tries": "often"})


def test_every_example_of_the_tables_is_read_by_its_own_kind() -> None:
    keys = [key for layout in LAYOUTS for outer in layout.keys for key in (outer, *outer.keys)]
    shown = [key for key in keys if key.example and not key.later and "…" not in key.example]
    assert len(shown) > 40
    for key in shown:
        quote = "'" if key.example.startswith(("#", ":")) else ""
        text = f"key: {quote}{key.example}{quote}"
        file = File("x.yaml", text)
        root = compose(file)
        assert isinstance(root, Mapping)
        assert key.kind.read(root.entries[0][1]) is not None, (key.name, file.problems)
        validator = jsonschema.Draft202012Validator(key.kind.schema)
        assert not list(validator.iter_errors(yaml.load(text, Editor)["key"])), key.name
