"""From the files of a workspace to one frozen configuration, or to the complete list of what is wrong with them.

`load` reads a folder, `parse` the same files from memory, as an applied revision is stored. Both go one way: codes
first, then who and what is known by name, then contracts, then integrations, which name all of them, then what files
must agree on among themselves. Nothing stops at the first problem.
"""

from __future__ import annotations

import hashlib
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

from gateway.configuration import CodeTable, Configuration, Settings
from gateway.workspace import agreement
from gateway.workspace.agreement import Draft
from gateway.workspace.codes import built_in, read_codes
from gateway.workspace.contracts import read_contract
from gateway.workspace.guides import read_guide
from gateway.workspace.integrations import Known, read_integration
from gateway.workspace.layouts import read_layout
from gateway.workspace.letters import check_letters
from gateway.workspace.nodes import Mapping, compose
from gateway.workspace.problems import SECRETS, ConfigurationProblems, File, Problem, did_you_mean
from gateway.workspace.registry import read_connections, read_partner, read_settings, read_teams
from gateway.workspace.remotes import check_answers
from gateway.workspace.sections import read_section
from gateway.workspace.shelf import FOLDER, Shelf
from gateway.workspace.tables import LAYOUTS, Layout

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from collections.abc import Mapping as Files

    from gateway.configuration import Connection
    from gateway.workspace.sections import Section

__all__ = ["ConfigurationProblems", "Problem", "load", "parse", "revision"]

_LAYOUT = {layout.name: layout for layout in LAYOUTS}
_SINGLE = {layout.pattern: layout for layout in LAYOUTS if "*" not in layout.pattern}
_FOLDERS = {layout.pattern.partition("/")[0]: layout for layout in LAYOUTS if "/" in layout.pattern}
_YAML = (".yaml", ".yml")
_MEANT = (*_YAML, ".csv", ".cpy", ".cbl", ".cob")
"""Endings of files that were meant to be read, wherever in a folder of the workspace they stand."""


def load(folder: Path) -> Configuration:
    """The configuration that stands in `folder`.

    Raises:
        ConfigurationProblems: one or more files cannot be read or say something wrong; all problems are in it.
    """
    files: dict[str, str] = {}
    problems: list[Problem] = []
    if not folder.is_dir():
        raise ConfigurationProblems([Problem(str(folder), 1, 1, 0, "there is no such folder", "name a workspace")])
    for path in _candidates(folder):
        name = path.relative_to(folder).as_posix()
        try:
            files[name] = path.read_bytes().decode("utf-8")
        except UnicodeDecodeError as error:
            problems.append(_not_utf8(name, error))
        except OSError as error:
            problems.append(Problem(name, 1, 1, 0, f"the file cannot be read: {error.strerror}"))
    return _Reading(files, problems).configuration()


def parse(files: Files[str, str], *, applied: bool = False) -> Configuration:
    """The configuration that `files`, relative path → text, describe; files of other kinds are passed over.

    `applied` says that they are a revision from the store: what earlier versions did not look at is no problem of it.

    Raises:
        ConfigurationProblems: something in them is wrong; all problems are in it.
    """
    return _Reading(files, [], applied=applied).configuration()


def load_settings(folder: Path) -> Settings:
    """What gateway.yaml alone says: enough to open the store, whatever state the other files are in.

    Raises:
        ConfigurationProblems: gateway.yaml is missing, or something in it is wrong.
    """
    path = folder / "gateway.yaml"
    return parse({path.name: path.read_text(encoding="utf-8")} if path.exists() else {}).settings


def revision(files: Files[str, str]) -> str:
    """The name of a revision: the first 12 hex digits of the SHA-256 over sorted paths and contents."""
    digest = hashlib.sha256()
    for path, text in sorted(files.items()):
        for part in (path.encode("utf-8", "surrogatepass"), text.encode("utf-8", "surrogatepass")):
            digest.update(b"%d:" % len(part))
            digest.update(part)
    return digest.hexdigest()[:12]


def _candidates(folder: Path) -> Iterator[Path]:
    """The files that belong to a workspace, and those that look as if they were meant to."""
    for path in sorted(folder.iterdir()):
        if path.name.startswith("."):
            continue
        if path.is_dir() and _near_folder(path.name):
            layout = _FOLDERS.get(path.name)
            inside = (*_MEANT, Path(layout.pattern).suffix) if layout else _YAML
            yield from (
                file
                for file in sorted(path.rglob("*"))
                if file.suffix in inside and not file.name.startswith(".") and _is_readable(file)
            )
        elif path.suffix in _YAML and _is_readable(path):
            yield path


def _is_readable(path: Path) -> bool:
    """A file, or a link that leads nowhere and must be told; not a folder, pipe or device."""
    return path.is_file() or (path.is_symlink() and not path.exists())


def _near_folder(name: str) -> bool:
    """Whether a folder is one of a workspace, or its name a slip of the pen away from one."""
    return name in _FOLDERS or did_you_mean(name, _FOLDERS, "none").startswith("did you mean")


def _not_utf8(name: str, error: UnicodeDecodeError) -> Problem:
    text = error.object[: error.start].decode("utf-8") + "\ufffd"
    place = File(name, text).place(len(text) - 1)
    byte = error.object[error.start]
    return Problem(name, place.line, place.column, 1, f"the byte {byte:#04x} is not UTF-8", "save the file as UTF-8")


class _Reading:
    """One pass over all files."""

    def __init__(self, files: Files[str, str], problems: list[Problem], *, applied: bool = False) -> None:
        self.problems = problems
        self.unread = {problem.file for problem in problems}
        self.files: list[File] = []
        self.kinds: dict[str, list[File]] = {layout.name: [] for layout in LAYOUTS}
        self.access: Section | None = None
        pinned = {path: text for path, text in files.items() if path.startswith(FOLDER)}
        self.known = Known(shelf=Shelf(pinned), applied=applied)
        for path, text in sorted(files.items()):
            layout = self._layout(path)
            if layout:
                file = File(path, text)
                self.files.append(file)
                self.kinds[layout.name].append(file)

    def configuration(self) -> Configuration:
        """The configuration, or all problems."""
        codes = self._codes()
        settings = self._settings()
        connections, teams = self._connections(), self._teams()
        partners = self._drafts("partner", read_partner)
        self.known.partners = dict.fromkeys(self._broken("partners"))
        self.known.partners |= {name: draft.value for draft in partners if (name := draft.section.get("partner"))}
        if self.access is not None:
            agreement.check_access(self.access, self.known.partners)
        contracts = self._drafts("contract", lambda section: read_contract(section, self.known.codes))
        self.known.contracts = {stem.replace(".v", " v"): None for stem in self._broken("contracts")}
        for draft in contracts:
            name = " v".join(map(str, draft.section.get("contract", ())))
            self.known.contracts |= {name: draft.value} if name else {}
            if draft.section.mapping.file.problems:
                self.known.unsound.add(name)
        self.known.layouts = {PurePosixPath(file.path).stem: read_layout(file) for file in self.kinds["layout"]}
        self.known.layouts |= dict.fromkeys(self._broken("layouts"))
        self.known.guides = {PurePosixPath(file.path).stem: read_guide(file) for file in self.kinds["guide"]}
        self.known.guides |= dict.fromkeys(self._broken("guides"))
        integrations = self._drafts("integration", lambda section: read_integration(section, self.known))
        agreement.check_partners(partners)
        check_answers(partners, self.known.connections)
        check_letters(partners, settings.mail)
        shipped = self.known.shelf.drafts()
        agreement.check_contracts([*shipped.values(), *contracts])
        known = self.known.contracts | {name: draft.value for name, draft in shipped.items()}
        agreement.check_integrations(integrations, known)
        agreement.check_owners([draft.section for draft in (*partners, *contracts, *integrations)], teams)
        self._refuse_secrets()
        self._raise_problems()
        texts = {file.path: file.text for file in self.files}
        codes |= self.known.shelf.use_codes(texts.values())
        texts |= self.known.shelf.used
        return Configuration(
            revision=revision(texts),
            settings=settings,
            connections=connections,
            teams=teams,
            partners={draft.value.name: draft.value for draft in partners},
            contracts={draft.value.id: draft.value for draft in (*contracts, *shipped.values())},
            codes=codes,
            integrations={draft.value.name: draft.value for draft in integrations},
            files=texts,
        )

    def _layout(self, path: str) -> Layout | None:
        """What kind of file `path` is; a path that looks like a slip of the pen is a problem, any other is none."""
        pure = PurePosixPath(path)
        if path in _SINGLE:
            return _SINGLE[path]
        folder, suffix = pure.parts[0] if len(pure.parts) > 1 else "", pure.suffix
        layout = _FOLDERS.get(folder)
        if layout and len(pure.parts) == 2 and layout.pattern.endswith(suffix or "/"):
            return layout
        hint = ""
        if layout and suffix in _MEANT:
            hint = f"files of this folder are called {layout.pattern}"
        elif not folder and suffix in _YAML:
            hint = did_you_mean(pure.name, _SINGLE)
        elif folder and suffix in _YAML and _near_folder(folder):
            hint = did_you_mean(folder, _FOLDERS)
        if hint:
            self.problems.append(Problem(path, 1, 1, 0, "no file of a workspace is called like this", hint))
        return None

    def _root(self, file: File) -> Mapping | None:
        """The mapping that a file is; None when it is empty or something else (then it is noted)."""
        before = len(file.problems)
        root = compose(file)
        if root is None:
            if len(file.problems) == before and file.path not in _SINGLE:  # those may be all comments
                file.refuse(0, 1, "the file says nothing", "write it, or take it away")
            return None
        if not isinstance(root, Mapping):
            root.refuse("a file is made of lines 'key: value'", "a space follows the colon")
            return None
        return root

    def _section(self, file: File, name: str) -> Section | None:
        root = self._root(file)
        return read_section(root, _LAYOUT[name].keys, f"the {name}") if root else None

    def _drafts(self, name: str, read: Callable[[Section], object]) -> list[Draft]:
        sections = [self._section(file, name) for file in self.kinds[name]]
        return [Draft(section, read(section)) for section in sections if section]

    def _broken(self, folder: str) -> set[str]:
        """The names of a folder's files that have problems: what they describe is not missed as well."""
        broken = {*self.unread, *(file.path for file in self.files if file.problems)}
        return {PurePosixPath(path).stem for path in broken if path.startswith(f"{folder}/")}

    def _codes(self) -> dict[str, CodeTable]:
        tables = dict(built_in())
        for file in self.kinds["codes"]:
            name = PurePosixPath(file.path).stem
            table = read_codes(file, name)
            if table:
                tables[name] = table
        self.known.codes = {name: CodeTable(name, {}, frozenset()) for name in self._broken("codes")} | tables
        self.known.codes |= self.known.shelf.codes
        return tables

    def _settings(self) -> Settings:
        for file in self.kinds["gateway"]:
            section = self.access = self._section(file, "gateway")
            return read_settings(section) if section else Settings()
        if "gateway.yaml" not in self.unread:
            hint = "'gateway init' writes a first workspace; an empty gateway.yaml is enough"
            self.problems.append(Problem("gateway.yaml", 1, 1, 0, "the workspace has no file gateway.yaml", hint))
        return Settings()

    def _connections(self) -> dict[str, Connection]:
        for file in self.kinds["connections"]:
            root = self._root(file)
            self.known.connections = read_connections(root) if root else {}
        return {name: connection for name, connection in self.known.connections.items() if connection}

    def _teams(self) -> dict[str, dict[str, str]]:
        roots = [self._root(file) for file in self.kinds["teams"]]
        return read_teams(roots[0]) if roots and roots[0] else {}

    def _refuse_secrets(self) -> None:
        """Literal secrets anywhere in the files, comments included."""
        for file in self.files:
            for what, pattern in SECRETS:
                for match in pattern.finditer(file.text):
                    hint = "put it where secrets are kept and write its name here: secret:erp/password"
                    file.refuse(match.start(1), match.end(1), f"{what} stands here as it is", hint)

    def _raise_problems(self) -> None:
        problems = [*self.problems, *(problem for file in self.files for problem in file.problems)]
        if problems:
            raise ConfigurationProblems(sorted(problems, key=lambda found: (found.file, found.line, found.column)))
