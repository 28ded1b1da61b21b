"""The watched folders of a workspace: when their files are complete, as its integrations say."""

from __future__ import annotations

import itertools
import socket
import time
from pathlib import Path

import pytest

from gateway.integrations import Source
from gateway.operate.exchange.folders import bells, watched_folders
from gateway.workspace.loader import parse
from gateway.workspace.problems import ConfigurationProblems
from sftp.arrival import Folder
from sftp.collect import Collector
from sftp.testing import Received, Told

CONTRACT = """
contract: note v1
about: A note
owner: us
key: id
fields:
  id: text
"""


def workspace(**sources: str) -> dict[str, str]:
    """A workspace with an integration for each source; its lines, the first being the source itself."""
    files = {"gateway.yaml": "settle: 3s\npartial_after: 4m\n", "contracts/note.yaml": CONTRACT}
    for number, (name, lines) in enumerate(sources.items()):
        files[f"integrations/{name}.yaml"] = (
            f"integration: {name}\nabout: notes\nowner: us\nsource: {lines}\nformat: csv header\n"
            f"contract: note v1\nprecedence: {number + 1}\nmap:\n  id: id\n"
        )
    return files


def problems(**sources: str) -> list[str]:
    """What is wrong with it."""
    with pytest.raises(ConfigurationProblems) as found:
        parse(workspace(**sources))
    return [str(each) for each in found.value.problems]


def test_each_folder_is_watched_once_as_its_integrations_say() -> None:
    configuration = parse(
        workspace(
            plain="folder:in/*.csv",
            more="folder:in/*.txt",
            marked="folder:/srv/marked/*\nmarker: '{stem}.ok'",
            both="folder:both/*.csv\nmarker: .done\nsettle: 7s",
            deep="folder:deep/**/*.csv\nsettle: none",
            openssh="folder:/srv/acme/inbox/*.csv\nopenssh_log: /srv/acme/dev/log\nafter_close: none",
        )
    )
    found = {each.source: each for each in watched_folders(configuration, Path("/w"))}
    assert set(found) == {
        "folder:in", "folder:/srv/marked", "folder:both", "folder:deep/**", "folder:/srv/acme/inbox"
    }  # fmt: skip
    plain, marked, both, deep, openssh = (found[each] for each in (
        "folder:in", "folder:/srv/marked", "folder:both", "folder:deep/**", "folder:/srv/acme/inbox"
    ))  # fmt: skip
    assert sorted(plain.patterns) == ["*.csv", "*.txt"]
    assert (plain.path, plain.holding) == (Path("/w/in"), Path("/w/in/.held"))
    assert (plain.settle_seconds, plain.partial_after_seconds, plain.below) == (3.0, 240.0, 0)
    assert (marked.marker, marked.settle_seconds, marked.path) == ("{stem}.ok", 0.0, Path("/srv/marked"))
    assert (both.marker, both.settle_seconds) == (".done", 7.0)
    assert (deep.path, deep.holding.name, deep.settle_seconds) == (Path("/w/deep"), ".held-below", 0.0)
    assert deep.below > 1
    assert (openssh.log, openssh.after_close_seconds) == (Path("/srv/acme/dev/log"), 0.0)


def test_two_that_read_one_folder_say_the_same_of_it() -> None:
    (problem,) = problems(one="folder:in/*.csv\nmarker: .done", two="folder:in/*.txt")
    assert "reads folder:in too, and says otherwise when a file is complete" in problem


@pytest.mark.parametrize(
    ("lines", "expected"),
    [
        ('"http:"\nopenssh_log: /dev/log', "'openssh_log' belongs to sources of folder: alone"),
        ("folder:in/*\nafter_close: 1s", "nothing tells that a file was closed"),
        ("folder:in/*\nafter: delete", "'after' belongs to sources of sftp:// alone"),
        ("folder:in/*\nmarker: a/b", "is not the ending of a name"),
        ("folder:in/*/*.csv", "is not a folder with a pattern of names"),
    ],
)
def test_what_would_never_matter_is_refused(lines: str, expected: str) -> None:
    assert expected in "\n".join(problems(one=lines))


def test_an_integration_wants_files_of_subfolders_by_their_own_names() -> None:
    source = Source("folder", "", "inbox/**/orders-*.csv")
    assert source.wants("folder:inbox/**", "2026/orders-1.csv")
    assert source.wants("folder:inbox/**", "orders-1.csv")
    assert not source.wants("folder:inbox/**", "orders-2026/prices.csv")
    assert not source.wants("folder:inbox", "orders-1.csv")


def test_while_folders_are_followed_the_log_of_their_chroot_is_heard(tmp_path: Path) -> None:
    log = tmp_path / "dev" / "log"
    folders = [
        Folder(tmp_path / name, f"folder:{name}", tmp_path / f"{name}.held", settle_seconds=3600.0, log=log)
        for name in ("one", "two")
    ]
    received, told, numbers = Received(), Told(), itertools.count()
    collector = Collector(folders, received, new_id=lambda: f"a{next(numbers)}", on_activity=told)
    with bells(folders, collector, told), socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as server:
        (tmp_path / "two" / "a.csv").write_bytes(b"1")
        for said in ('close "/two/a.csv" bytes read 0 written 1', "session closed for local user acme from [::1]"):
            server.sendto(f"<38>Nov 21 20:13:04 internal-sftp[7]: {said}".encode(), str(log))
        until = time.monotonic() + 60
        while not received.arrivals:
            assert time.monotonic() < until, told.activities
            collector.scan()
    assert [each.source for each in received.arrivals] == ["folder:two"]
    assert not log.exists()
