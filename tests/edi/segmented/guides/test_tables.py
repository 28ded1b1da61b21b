"""The tables of guides: every one can be read, and no list, key or code stands there to no purpose."""

from __future__ import annotations

import re
import tomllib
from functools import lru_cache
from pathlib import Path
from typing import Any

import pytest

import edi
from edi.segmented import guides

EDI = Path(edi.__path__[0])
TABLES = sorted(path for standard in ("x12", "edifact") for path in (EDI / standard / "guides").glob("*/*.toml"))
CODES = [path for path in TABLES if path.name == "codes.toml"]
GUIDES = [path for path in TABLES if path.name not in ("codes.toml", "segments.toml")]
NARROWING = [path for path in GUIDES if "extends" in tomllib.loads(path.read_text("utf-8"))]

LISTS = {
    "x12/004010": 312,
    "x12/005010": 320,
    "edifact/D96A": 139,
    "edifact/D97A": 140,
    "edifact/D99B": 142,
    "edifact/D01B": 152,
    "edifact/D3": 4,
    "edifact/41": 5,
}
"""How many lists of codes a version has, those of others among them."""

ADDRESS = re.compile(r"([A-Z0-9]+?)(?:\[([A-Z0-9,]+)\]\.)?(\d\d)(?:\.(\d\d))?")


@lru_cache(maxsize=128)
def table(path: Path) -> dict[str, Any]:
    return tomllib.loads(path.read_text("utf-8"))


def name(path: Path) -> str:
    return f"{path.parts[-4]}/{path.parts[-2]}/{path.stem}"


def in_structure(path: Path) -> dict[str, set[str]]:
    """The tags of a structure with the qualifiers that its lines name."""
    found: dict[str, set[str]] = {}
    for line in table(path)["structure"].split("\n"):
        match = re.match(r"\s*([A-Z0-9]+)(?:\[([^]]*)\])? ", line)
        if match:
            found.setdefault(match[1], set()).update((match[2] or "").split(","))
    return found


def test_there_are_guides_to_be_tried() -> None:
    assert len(GUIDES) > 70
    assert {name(path) for path in NARROWING} == {
        "x12/005010X218/820",
        "x12/005010X220A1/834",
        "x12/005010X221A1/835",
        "x12/005010X222A1/837",
        "x12/005010X223A2/837",
        "x12/005010X231A1/999",
        "x12/005010X279A1/270",
        "x12/005010X279A1/271",
    }
    assert {f"{path.parts[-4]}/{path.parts[-2]}" for path in CODES} == set(LISTS)


@pytest.mark.parametrize("path", GUIDES, ids=name)
def test_every_guide_is_read(path: Path) -> None:
    standard, version, message = name(path).split("/")
    guide = guides.load(standard, message, version)
    assert (guide.message, guide.version) == (message, version)
    assert guide.label
    assert guide.root.children[-1].tag in ("SE", "UNT")
    assert in_structure(path).keys() <= guide.dictionary.segments.keys()


@pytest.mark.parametrize("path", TABLES, ids=name)
def test_every_table_tells_where_its_facts_are_from(path: Path) -> None:
    head = path.read_text("utf-8").split("\n\n")[0]
    assert all(line.startswith("#") for line in head.split("\n"))
    told = " ".join(line.removeprefix("#").strip() for line in head.split("\n"))
    assert re.search(r"Facts only: .*\b[Rr]ead in ", told)


@pytest.mark.parametrize("path", CODES, ids=name)
def test_a_list_is_that_of_an_element_and_its_codes_fit_there(path: Path) -> None:
    found, elements = table(path), table(path.with_name("segments.toml"))["elements"]
    codes: dict[str, str] = found["codes"]
    external: dict[str, str] = found.get("external", {})
    assert set(found) <= {"codes", "external"}
    assert not codes.keys() & external.keys()
    assert len(codes) + len(external) == LISTS["/".join(name(path).split("/")[:2])]
    for number, text in (codes | external).items():
        match = re.match(r"(?:ID (\d+)(?:\.\.(\d+))?|an?(\.\.)?(\d+))", elements[number])
        assert match, number
        shortest, longest = (
            (int(match[1]), int(match[2] or match[1]))
            if match[1]
            else (1 if match[3] else int(match[4]), int(match[4]))
        )
        listed = text.split()
        assert listed, number
        assert len(listed) == len(set(listed)), number
        assert all(shortest <= len(code) <= longest for code in listed), number


def test_codes_that_are_known_stand_in_their_lists() -> None:
    x12, d96a = (table(EDI / path / "codes.toml") for path in ("x12/guides/004010", "edifact/guides/D96A"))
    assert {"00", "01", "05"} <= set(x12["codes"]["353"].split())
    assert {"BY", "SE", "ST", "VN"} <= set(x12["codes"]["98"].split())
    assert {"EA", "CA", "LB"} <= set(x12["codes"]["355"].split())
    assert {"NY", "ON", "PR", "AE"} <= set(x12["external"]["156"].split())
    assert {"US", "USA", "DE"} <= set(x12["external"]["26"].split())
    assert {"BY", "SU", "DP", "IV"} <= set(d96a["codes"]["3035"].split())
    assert {"220", "380", "351"} <= set(d96a["codes"]["1001"].split())
    assert {"102", "203"} <= set(d96a["codes"]["2379"].split())
    assert {"EUR", "DEM", "USD"} <= set(d96a["external"]["6345"].split())
    assert {"PCE", "KGM", "EA"} <= set(d96a["external"]["6411"].split())


@pytest.mark.parametrize("path", NARROWING, ids=name)
def test_what_a_guide_narrows_stands_in_its_structure(path: Path) -> None:
    known, found = in_structure(path), table(path)
    segments = table(path.parents[1] / found["extends"] / "segments.toml")["segments"]
    for key, text in found["segments"].items():
        tag, _, qualifiers = key.rstrip("]").partition("[")
        assert set(qualifiers.split(",")) <= known[tag] or not qualifiers, key
        assert text.replace("!", "").split() == segments[tag].replace("!", "").split()[: len(text.split())], key
        assert qualifiers or text != segments[tag], f"{key} says what the standard says"


@pytest.mark.parametrize("path", NARROWING, ids=name)
def test_the_codes_that_a_guide_takes_are_those_of_an_element(path: Path) -> None:
    known, found = in_structure(path), table(path)
    before = path.parents[1] / found["extends"]
    tables, lists = table(before / "segments.toml"), table(before / "codes.toml")
    for key, text in found["codes"].items():
        match = ADDRESS.fullmatch(key)
        assert match, key
        assert not match[2] or set(match[2].split(",")) <= known[match[1]], key
        number = tables["segments"][match[1]].split()[int(match[3]) - 1]
        number = re.sub(r"[!*].*", "", number)
        if match[4]:
            number = tables["composites"][number].split()[int(match[4]) - 1].rstrip("!")
        listed = text.removeprefix("+ ").split()
        assert len(listed) == len(set(listed)), key
        standard = lists["codes"].get(number) or lists["external"].get(number)
        assert text.startswith("+") or not standard or set(listed) <= set(standard.split()), key
        assert not standard or set(listed) != set(standard.split()), f"{key} says what the standard says"
