"""P1, P5 and P7 over every sample there is: judged, judged elsewhere, and judged again, on both stores."""

from __future__ import annotations

import os
import subprocess
import sys
from collections import Counter
from typing import TYPE_CHECKING, Any, NamedTuple

import pytest

from edi.formats import FORMATS
from edi.model import Document
from gateway.judging import peeked
from gateway.repair.verify import verify
from tests.acceptance import samples
from tests.acceptance.workspaces import Place, opened
from tests.faults.ledger import Ledger, ledger, same
from tests.faults.scenes import ALL

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

WHY = {"reason": "a test"}
OTHER = {"PYTHONHASHSEED": "4711", "TZ": "Pacific/Kiritimati", "LC_ALL": "C", "LANG": "C", "PYTHONUTF8": "0"}
"""The surroundings of a process that must not matter."""


class Given(NamedTuple):
    """A sample and its delivery."""

    name: str
    content: bytes
    shown: dict[str, Any]


@pytest.fixture(scope="module")
def given(tmp_path_factory: pytest.TempPathFactory, module_store: str) -> Iterator[tuple[Place, list[Given]]]:
    """Every sample, judged."""
    with opened(tmp_path_factory.mktemp("workspace"), store=module_store) as place:
        landed = samples.landed(place)
        place.work()
        yield place, [Given(each.name, each.content, place.delivery(delivery)) for each, delivery in landed]


def work_elsewhere(folder: Path) -> None:
    """A worker in a process of its own, with other surroundings."""
    command = [sys.executable, "-m", "gateway.operate", "work", "--until-idle", "--workspace", str(folder)]
    subprocess.run(command, env=os.environ | OTHER, check=True, stderr=subprocess.DEVNULL, timeout=300)


def told(url: str) -> Ledger:
    """Records, findings, counters, changes and log, without what names the workspace: the revision has its address."""
    said = {kind: lines for kind, lines in ledger(url).items() if kind not in ("acknowledgments", "audit")}
    for row in said["deliveries"]:
        row[8] = None
    said["activity"] = [line for line in said["activity"] if line[0]]
    return said


@pytest.fixture(scope="module")
def elsewhere(tmp_path_factory: pytest.TempPathFactory) -> Ledger:
    """What a store says in which a process with other surroundings judged every sample."""
    folder = tmp_path_factory.mktemp("elsewhere")
    with opened(folder) as place:
        samples.landed(place)
    work_elsewhere(folder)
    return told(f"sqlite:{folder}/data/gateway.db")


def test_P1_the_documents_of_every_sample_are_where_the_counters_say(  # noqa: N802 - the promise's name
    given: tuple[Place, list[Given]], module_store: str
) -> None:
    place, judged = given
    routes = place.gateway.in_force.routes()
    said = ledger(module_store)
    records = Counter(row[1] for row in said["records"])
    held = Counter(row[0] for row in said["documents"] if row[1] > 0 and row[2] in ("quarantined", "unrouted"))
    at = {row[5]: at for at, row in enumerate(said["deliveries"])}
    assert len(judged) > 130
    for name, content, shown in judged:
        if shown["state"] == "duplicate":
            assert sum(shown["documents"].values()) == sum(place.delivery(shown["twin"])["documents"].values())
            continue
        chunks, first = peeked(iter([content]))
        reader, options = routes.reader_of(routes.candidates(place.row(shown["id"])), first)
        read = sum(isinstance(item, Document) for item in FORMATS[reader].read(chunks, options))
        counted = shown["documents"]
        assert shown["state"] in ("accepted", "partly_accepted", "quarantined"), name
        assert sum(counted.values()) == read, name
        assert counted.get("accepted", 0) == records[at[shown["sha256"]]], name
        assert counted.get("quarantined", 0) + counted.get("unrouted", 0) == held[at[shown["sha256"]]], name
        place.gateway.vault.verify(shown["sha256"])
    gateway = place.gateway
    assert verify(gateway.database, gateway.vault, gateway.in_force.of, deep=True).disagreements == []


def test_P7_every_finding_of_every_sample_points_at_its_value(given: tuple[Place, list[Given]]) -> None:  # noqa: N802
    place, judged = given
    quoted = 0
    for name, content, shown in judged:
        for finding in place.findings(shown["id"]):
            where = (name, finding)
            assert finding["start"] is not None, where
            assert 0 <= finding["start"] <= finding["end"] <= len(content), where
            if finding["value"]:
                quoted += 1
                cut = content[finding["start"] : finding["end"]]
                assert any(finding["value"] in reading for reading in readings(cut)), where
    assert quoted > 50


def readings(cut: bytes) -> Iterable[str]:
    """The bytes as they can be read: in each encoding, and without what quotes and escapes."""
    yield f"0x{cut.hex(' ').upper()}"
    for encoding in ("utf-8", "cp1252", "latin-1", "utf-16-le", "utf-16-be", "cp037"):
        plain = cut.decode(encoding, "replace").replace("\0", "\N{SYMBOL FOR NULL}")
        yield plain
        yield plain.replace('""', '"')
        yield plain.replace("\r", "").replace("\n", "")
        yield plain.replace("?", "")
        yield plain.replace("!", "")  # one sample says in its second UNA that this is its release character


def test_P5_another_process_in_other_surroundings_and_the_other_store_make_the_same(  # noqa: N802
    given: tuple[Place, list[Given]], elsewhere: Ledger, module_store: str
) -> None:
    _, judged = given
    assert len(judged) > 130
    said = told(module_store)
    assert len(said["records"]) > 30
    same(said, elsewhere, "judged here and elsewhere")


def test_P5_a_replay_as_then_gives_the_same_whatever_is_in_force(  # noqa: N802
    given: tuple[Place, list[Given]], module_store: str
) -> None:
    place, judged = given
    before = told(module_store)
    place.change("codes/product-groups.csv", "10,fasteners,", "10,tools,")  # which is in many records
    place.change("codes/units.csv", ",piece", ",carton")
    place.change("integrations/globex-prices.yaml", "Bezeichnung | squash", "Bezeichnung | squash | upper")
    for each in judged:
        answer = place.ask(f"/api/v1/deliveries/{each.shown['id']}/replay", "POST", json={"as": "then", **WHY})
        assert answer.status_code == 202, answer.get_data(as_text=True)
    if ALL:
        work_elsewhere(place.folder)
    else:
        place.work()
    after = told(module_store)
    after["activity"] = before["activity"]  # which tells of the replays as well
    same(after, before, "judged again as then")
