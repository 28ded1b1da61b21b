"""The contracts and mappings that the product ships, and which of them a workspace uses.

::

    standard/contracts/order.v1.yaml                 what an order is
    standard/mappings/order.v1/x12-850.yaml          how the message that carries one fills it
    standard/mappings/invoice.v1/edifact-INVOIC.D96A.yaml    … where a release differs from the others
    standard/codes/X12-66.csv                        the standards' codes that these texts translate

The texts that are used become files of the revision, under these very paths: a revision that was applied with an older
product gives the records that it gave then. A contract of the workspace's own wins over a shipped one of that name.
"""

from __future__ import annotations

import re
from dataclasses import replace
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING

from gateway.workspace.agreement import Draft
from gateway.workspace.codes import read_codes
from gateway.workspace.contracts import read_contract
from gateway.workspace.expressions import Language
from gateway.workspace.mappings import read_map
from gateway.workspace.nodes import Mapping, compose
from gateway.workspace.problems import File
from gateway.workspace.sections import read_section
from gateway.workspace.tables import STANDARD_CONTRACT, STANDARD_MAPPING

if TYPE_CHECKING:
    from collections.abc import Iterable
    from collections.abc import Mapping as Files
    from importlib.resources.abc import Traversable

    from gateway.configuration import CodeTable
    from gateway.contracts import Contract
    from gateway.integrations import Format, MapField, MapLoop
    from gateway.workspace.sections import Section

FOLDER = "standard/"
"""Where the texts stand in a revision."""

Lines = tuple["MapField | MapLoop", ...]


@cache
def shipped() -> dict[str, str]:
    """All texts that the product ships, by their paths in a revision."""
    texts: dict[str, str] = {}
    _gather(files("gateway.workspace") / "standard", FOLDER, texts)
    return dict(sorted(texts.items()))


def _gather(folder: Traversable, path: str, texts: dict[str, str]) -> None:
    for entry in folder.iterdir():
        if entry.is_dir():
            _gather(entry, f"{path}{entry.name}/", texts)
        elif path != FOLDER:  # the ISO tables beside the folders are part of the language
            texts[path + entry.name] = entry.read_text("utf-8")


class Shelf:
    """What is shipped, for one reading of a workspace; `pinned` are the texts that its revision brought along."""

    def __init__(self, pinned: Files[str, str]) -> None:
        self._texts = {**shipped(), **pinned}
        self._contracts: dict[str, Draft | None] = {}
        self._lines: dict[str, Lines] = {}
        self.codes: dict[str, CodeTable] = {}
        """The code tables by name: ``X12-66``."""
        self.used: dict[str, str] = {}
        """Path → text of all that was asked for and is there."""
        for path in self._of("codes/"):
            name = path.rpartition("/")[2].removesuffix(".csv")
            table = read_codes(File(path, self._texts[path]), name, standard=True)
            assert table is not None, path
            self.codes[name] = table

    def contracts(self) -> list[str]:
        """The contracts that are shipped, ``order v1``."""
        return [path.rpartition("/")[2].removesuffix(".yaml").replace(".v", " v") for path in self._of("contracts/")]

    def contract(self, name: str, codes: Iterable[str], owner: str) -> Contract | None:
        """The shipped contract `name`, ``order v1``; it belongs to the `owner` that asks first. None: there is none."""
        if name not in self._contracts:
            section = self._section(f"{FOLDER}contracts/{_file_name(name)}.yaml", "contract")
            self._contracts[name] = None
            if section:
                contract = read_contract(section, codes)
                assert contract is not None, name
                self._contracts[name] = Draft(section, replace(contract, owner=owner))
        draft = self._contracts[name]
        return draft.value if draft else None

    def drafts(self) -> dict[str, Draft]:
        """The shipped contracts that were asked for and are there, by name."""
        return {name: draft for name, draft in self._contracts.items() if draft}

    def lines(self, contract: Contract, form: Format) -> Lines | None:
        """The standard mapping from `form` to a shipped contract; None where there is none."""
        folder = f"{FOLDER}mappings/{contract.id}/"
        for stem in _stems(form):
            path = f"{folder}{stem}.yaml"
            if path not in self._lines:
                section = self._section(path, "mapping")
                if section is None:
                    continue
                key, name = section.mapping.key("map"), f"{contract.name} v{contract.version}"
                found = read_map(section.get("map"), key, contract.fields, name, Language(form.name))
                assert not section.mapping.file.problems, section.mapping.file.problems
                self._lines[path] = found
            return self._lines[path]
        return None

    def messages(self, contract: Contract) -> list[str]:
        """What the standard mappings to a contract are written for: ``x12 850``, ``edifact ORDERS``."""
        stems = [path.rpartition("/")[2].removesuffix(".yaml") for path in self._of(f"mappings/{contract.id}/")]
        return list(dict.fromkeys(stem.partition(".")[0].replace("-", " ", 1).replace("-", ":") for stem in stems))

    def use_codes(self, texts: Iterable[str]) -> dict[str, CodeTable]:
        """The shipped tables that `texts`, or the texts that are used, name; they are used from here on."""
        everything = "\n".join((*texts, *self.used.values()))
        named = {name: table for name, table in self.codes.items() if name in everything}
        self.used |= {path: self._texts[path] for name in named if (path := f"{FOLDER}codes/{name}.csv")}
        return named

    def _of(self, folder: str) -> list[str]:
        return [path for path in self._texts if path.startswith(FOLDER + folder)]

    def _section(self, path: str, subject: str) -> Section | None:
        """What a text says; it is right, since a test reads every one of them."""
        if path not in self._texts:
            return None
        self.used[path] = self._texts[path]
        file = File(path, self._texts[path])
        root = compose(file)
        assert isinstance(root, Mapping), file.problems
        keys = STANDARD_CONTRACT if subject == "contract" else STANDARD_MAPPING
        section = read_section(root, keys, f"the {subject}")
        assert section.whole, file.problems
        return section


def _file_name(name: str) -> str:
    return name.replace(" v", ".v")


def _stems(form: Format) -> list[str]:
    """The names of the files that a mapping from `form` may have, the one for its very release first."""
    if form.message is None:
        return []
    message = re.sub(r"-[\d.]+$", "", form.message).replace(":", "-")
    stem = f"{form.name}-{message}"
    return [*([f"{stem}.{form.version[:6]}"] if form.version else []), stem]
