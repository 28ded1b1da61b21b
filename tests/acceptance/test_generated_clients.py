"""Clients that others' tools generate from the OpenAPI document of a running gateway work against it.

openapi-python-client makes a package; openapi-typescript makes types, which the compiler of TypeScript holds a small
program against that is then run.
"""

from __future__ import annotations

import importlib
import io
import json
import subprocess
import sys
from datetime import UTC, date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from gateway.client import Client
from tests.benchmarks.peers import Missing, install
from tests.gateway.client.gateways import running
from tests.gateway.serve.parcels import PARCELS, SENT
from tests.gateway.serve.worlds import HEADER, order

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.gateway.client.gateways import Running

pytestmark = pytest.mark.server
UNITS = 'code\nkg\nKG\n1A\n+\na b\na-b\n"x,y"\nclass\n'
ODD = """\
contract: odd-thing v2
about: A thing whose fields, codes and name are awkward for a language
owner: orders-team
collection: odd-things
key: class, when
fields:
  class: code units, filter, sort
  when: datetime, filter, sort
  from: text ?, filter
  self: text ?, filter
  client: text ?, filter
  body: text ?, filter
  mail: text ?, pii, filter
  lines[1..]:
    unit: code units
"""


@pytest.fixture(scope="module")
def here(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    folder = tmp_path_factory.mktemp("gateway")
    for name, text in {"codes/units.csv": UNITS, "contracts/odd-thing.v2.yaml": ODD, **PARCELS}.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text, encoding="utf-8")
    with running(folder) as made, Client(made.url, made.key) as client:
        lines = (
            order("1", total="99.90"),
            order("2", total="250.00", day="2026-11-02", changed="2026-11-20T10:00:00+01:00"),
            order('"3,3"', total="300.00", day="2026-11-03"),
            order("4", status="lost"),
        )
        for name, content in {"acme-orders": (HEADER + "".join(lines)).encode(), **SENT}.items():
            assert client.upload(name, content, wait=25)["finished_at"]
        yield made


@pytest.fixture(scope="module")
def document(here: Running, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The document, as a file."""
    path = tmp_path_factory.mktemp("document") / "openapi.json"
    with Client(here.url, here.key) as client:
        path.write_text(json.dumps(client.get("openapi.json")), encoding="utf-8")
    return path


class Generated:
    """The package that openapi-python-client made, and a client of it."""

    def __init__(self, folder: Path, here: Running) -> None:
        self.folder = folder
        self.client = self.part("client").AuthenticatedClient(base_url=here.url, token=here.key)

    def part(self, name: str) -> Any:
        """A module."""
        return importlib.import_module(f"{self.folder.name}.{name}")

    def call(self, operation: str, **arguments: Any) -> Any:
        """What an operation answers: ``orders.list_orders``."""
        return self.part(f"api.{operation}").sync(client=self.client, **arguments)


@pytest.fixture(scope="module")
def generated(here: Running, document: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Generated]:
    folder = tmp_path_factory.mktemp("generated") / "gateway_api"
    settings = folder.with_suffix(".yaml")
    settings.write_text("post_hooks: []\n", encoding="utf-8")
    program = Path(sys.executable).with_name("openapi-python-client")
    options = ("--output-path", folder, "--config", settings, "--meta", "none", "--fail-on-warning")
    done = subprocess.run(
        [str(each) for each in (program, "generate", "--path", document, *options)],
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    sys.path.insert(0, str(folder.parent))
    try:
        made = Generated(folder, here)
        with made.client:
            yield made
    finally:
        sys.path.remove(str(folder.parent))


def test_everything_that_was_generated_is_python(generated: Generated, document: Path) -> None:
    modules = [path.relative_to(generated.folder) for path in generated.folder.rglob("*.py")]
    for path in modules:
        generated.part(".".join(path.with_suffix("").parts).removesuffix(".__init__").replace("__init__", "types"))
    operations = {
        each["operationId"] for path in json.loads(document.read_text())["paths"].values() for each in path.values()
    }
    assert operations <= {path.stem for path in modules}


def test_a_list_is_filtered_sorted_and_paged(generated: Generated) -> None:
    sort = generated.part("models").ListOrdersSortItem
    asked: dict[str, Any] = {
        "status": "open",
        "total_gte": "100",
        "sort": [sort("-ordered_on"), sort("number")],
        "limit": 1,
    }
    first = generated.call("orders.list_orders", **asked)
    second = generated.call("orders.list_orders", **asked, cursor=first.next_)
    assert [each.number for page in (first, second) for each in page.items] == ["3,3", "2"]
    (record,) = second.items
    assert (record.total, record.ordered_on) == ("250.00", date(2026, 11, 2))
    assert record.changed_at == datetime(2026, 11, 20, 9, tzinfo=UTC)
    assert second.next_ is None
    by_day = generated.call("orders.list_orders", ordered_on_lt=date(2026, 11, 2), urgent_isnull=True)
    assert [each.number for each in by_day.items] == ["1"]
    counted = generated.call("orders.list_orders", count=generated.part("models").ListOrdersCount("exact"))
    assert counted.count == 3


def test_one_record_its_history_and_its_evidence(generated: Generated) -> None:
    for record in generated.call("orders.list_orders").items:
        assert generated.call("orders.get_orders_record", key=record.field_key) == record
        history = generated.call("orders.get_orders_record_history", key=record.field_key)
        assert history.items[0].record == record
        evidence = generated.call("orders.get_orders_record_evidence", key=record.field_key, field="total")
        assert evidence.fields[0].value == record.total


def test_what_did_not_change_is_not_sent_again(generated: Generated) -> None:
    ask = generated.part("api.orders.get_orders_record").sync_detailed
    first = ask(client=generated.client, key="acme~1")
    again = ask(client=generated.client, key="acme~1", if_none_match=first.headers["ETag"])
    assert (first.status_code, again.status_code, again.parsed) == (200, 304, None)


def test_what_is_refused_is_a_problem(generated: Generated) -> None:
    refused = generated.call("orders.list_orders", total_gte="a lot")
    assert isinstance(refused, generated.part("models").Problem)
    assert (refused.code, refused.errors[0].parameter) == ("bad_value", "total__gte")


def test_a_file_is_handed_in_once_and_followed(generated: Generated) -> None:
    file, newest = generated.part("types").File, generated.call("changes.list_changes").next_
    content, began = (HEADER + order("5", status="closed")).encode(), datetime.now(UTC)
    first, again = (
        generated.call(
            "deliveries.upload_delivery",
            name="acme-orders",
            body=file(payload=io.BytesIO(content)),
            filename="five.csv",
            idempotency_key="five",
            prefer="wait=25",
        )
        for _ in range(2)
    )
    assert (first.state, first.name) == ("accepted", "five.csv")
    assert began.replace(microsecond=0) <= first.received_at <= datetime.now(UTC)
    assert (again, generated.call("deliveries.get_delivery", id=first.id).number) == (first, first.number)
    told = generated.call("changes.list_changes", since=newest, wait=5)
    assert [(each.op, each.key, each.delivery) for each in told.items] == [("put", "acme~5", first.id)]
    assert told.items[0].record["total"] == "10.00"
    assert (told.next_, told.as_of.change) == (newest + 1, newest + 1)


def test_findings_and_what_is_held_have_their_shapes(generated: Generated) -> None:
    (held,) = generated.call("quarantine.list_quarantine").items
    (finding,) = generated.call("deliveries.list_delivery_findings", id=held.delivery).items
    assert (finding.code, finding.value) == ("contract.code", "lost")
    body = generated.part("models").DiscardBody(reason="a test")
    discarded = generated.call("quarantine.discard_document", id=held.id, body=body, idempotency_key="discard")
    assert discarded.state == "discarded"


def test_awkward_names_and_codes_are_told_apart(generated: Generated) -> None:
    codes = generated.part("models").OddThingV2Class
    assert {each.value for each in codes} == {"kg", "KG", "1A", "+", "a b", "a-b", "x,y", "class"}
    asked = {"class_": "kg", "from_": "a", "self_": "b", "body": "c"}
    assert generated.call("odd_things.list_odd_things", **asked).items == []


def test_each_live_version_has_its_types_and_filters(generated: Generated) -> None:
    models = generated.part("models")
    old = {"version": models.ListParcelsVersion.VALUE_1}
    page = generated.call("parcels.list_parcels", **old, status="open", sort=[models.ListParcelsSortItem("-status")])
    assert isinstance(page, models.ParcelV1Page)
    assert [(each.number, each.status, each.sent, each.receiver) for each in page.items] == [
        ("A", "open", "yesterday", "Ada")
    ]
    assert isinstance(generated.call("parcels.list_parcels", **old).items[1], models.ParcelV1)
    newest = generated.call("parcels.list_parcels", state="open", sent=date(2026, 11, 1))
    assert isinstance(newest, models.ParcelV2Page)
    assert [(each.number, each.sent, each.box.weight) for each in newest.items] == [("C", date(2026, 11, 1), 5)]
    for key, version, items in (("A", 1, page.items), ("C", 2, newest.items)):
        asked = models.GetParcelsRecordVersion(version)
        assert generated.call("parcels.get_parcels_record", key=key, version=asked) == items[0]
        told = models.GetParcelsRecordHistoryVersion(version)
        history = generated.call("parcels.get_parcels_record_history", key=key, version=told)
        assert [each.record for each in history.items] == items
    refused = generated.call("parcels.list_parcels", status="open")
    assert (refused.code, refused.errors[0].parameter) == ("unknown_parameter", "status")


def test_with_fields_a_record_is_read_that_has_all_that_is_required(generated: Generated) -> None:
    """Its description says so: a part is no record, and types in which all may be absent would serve nobody."""
    required = "number,status,ordered_on,total,ship_to"
    whole = generated.call("orders.get_orders_record", key="acme~2")
    part = generated.call("orders.get_orders_record", key="acme~2", fields=required)
    assert (part.total, part.ship_to, part.changed_at) == (whole.total, whole.ship_to, generated.part("types").UNSET)
    assert generated.call("orders.list_orders", number="2", fields=required).items == [part]
    with pytest.raises(KeyError):
        generated.call("orders.get_orders_record", key="acme~2", fields="number")


USAGE = """\
import type { components, paths } from "./openapi";

type Order = components["schemas"]["order.v1"];
type List = paths["/api/v1/orders"]["get"];
type Page = List["responses"]["200"]["content"]["application/json"];
type Problem = List["responses"]["4XX"]["content"]["application/problem+json"];
type Changes = paths["/api/v1/changes"]["get"]["responses"]["200"]["content"]["application/json"];
type Upload = paths["/api/v1/integrations/{name}/deliveries"]["post"];
type Parcels = paths["/api/v1/parcels"]["get"];
type Parcel = components["schemas"]["parcel.v2"];
type OldParcels = components["schemas"]["parcel.v1.page"];
type Delivery = Upload["responses"]["200"]["content"]["application/json"];
declare const process: { argv: string[] };

const [url, key] = process.argv.slice(2) as [string, string];
const headers = { Authorization: `Bearer ${key}` };

async function ask<T>(path: string, more: RequestInit = {}): Promise<T> {
  const answer = await fetch(url + path, { ...more, headers: { ...headers, ...more.headers } });
  return (await answer.json()) as T;
}

async function main(): Promise<void> {
  const query: NonNullable<List["parameters"]["query"]> = { status: "open", total__gte: "100", sort: ["-ordered_on"] };
  const asked = new URLSearchParams(Object.entries(query).map(([name, value]) => [name, String(value)]));
  const page = await ask<Page>(`/api/v1/orders?${asked}`);
  const totals: string[] = page.items.map((order: Order) => order.total ?? "");
  const one = await ask<Order>(`/api/v1/orders/${encodeURIComponent(page.items[0]!._key)}`);
  const refused = await ask<Problem>("/api/v1/orders?totl=1");
  const digest: NonNullable<Upload["parameters"]["header"]> = { "Idempotency-Key": "six", Prefer: "wait=25" };
  const file = "number,status,day,total,urgent,pieces,changed,note,city\\n6,closed,2026-11-06,6.00,,,,,Kiel\\n";
  const path = "/api/v1/integrations/acme-orders/deliveries?filename=six.csv";
  const delivery = await ask<Delivery>(path, { method: "POST", body: file, headers: { ...digest } as HeadersInit });
  const changes = await ask<Changes>("/api/v1/changes?since=0&limit=1");
  const behind: number = changes.next;
  const older: NonNullable<Parcels["parameters"]["query"]> = { version: 1, status: "open" };
  const old = await ask<OldParcels>(`/api/v1/parcels?version=${older.version}&status=${older.status}`);
  const any = await ask<Parcels["responses"]["200"]["content"]["application/json"]>("/api/v1/parcels?sort=-sent");
  const states: string[] = [old.items[0]!.status];
  for (const parcel of any.items) states.push("state" in parcel ? parcel.state : parcel.status);
  const part = await ask<Pick<Parcel, "_key" | "state">>("/api/v1/parcels/C?fields=state");
  states.push(part.state);
  console.log(JSON.stringify([totals, one.number, refused.code, delivery.state, behind, changes.items[0]!.op, states]));
}

export function wrong(order: Order, query: NonNullable<List["parameters"]["query"]>): void {
  // @ts-expect-error: a decimal is a text
  const total: number = order.total;
  // @ts-expect-error: there is no such field
  console.log(total, order.totl);
  // @ts-expect-error: nobody sorts by that
  query.sort = ["city"];
}

void main();
"""


OPTIONS = {
    "strict": True,
    "noUncheckedIndexedAccess": True,
    "noEmitOnError": True,
    "target": "es2022",
    "module": "commonjs",
    "lib": ["es2022", "dom", "dom.iterable"],
    "types": [],
}
"""Of TypeScript's compiler."""


@pytest.fixture(scope="module")
def typescript() -> Path:
    """The folder of the programs."""
    try:
        package = install("openapi-typescript", "7.13.0", registry="npm")
    except Missing as reason:
        pytest.skip(f"openapi-typescript cannot be had: {reason}")
    return package.parent / ".bin"


def test_types_for_typescript_hold_a_program_that_runs(
    here: Running, document: Path, typescript: Path, tmp_path: Path
) -> None:
    def run(*command: str | Path) -> str:
        done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=tmp_path, timeout=240)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    run(typescript / "openapi-typescript", document, "-o", tmp_path / "openapi.ts")
    (tmp_path / "usage.ts").write_text(USAGE, encoding="utf-8")
    (tmp_path / "tsconfig.json").write_text(json.dumps({"compilerOptions": OPTIONS, "files": ["usage.ts"]}))
    run(typescript / "tsc")
    told = json.loads(run("node", "usage.js", here.url, here.key))
    assert told == [
        ["300.00", "250.00"],
        "3,3",
        "unknown_parameter",
        "accepted",
        1,
        "put",
        ["open", "done", "open", "open"],
    ]
