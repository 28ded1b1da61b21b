"""Lists of codes: an expression that accepts exactly the listed ones, and what to say of any other value."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import TYPE_CHECKING

from edi.segmented.elements.faults import Fault, joined

if TYPE_CHECKING:
    from edi.segmented.guides.definitions import Codes, Element

    Node = dict[str, "Node"]

LISTED_MAX = 12
"""Lists of so many codes are quoted whole."""

_END = ""


@lru_cache(maxsize=4096)
def expression(codes: frozenset[str]) -> str:
    """The expression of any one of `codes`: those that begin alike share that, and so do those that end alike.

    It is greedy, and what follows it (a service character, never part of a code) makes it find the code that stands
    there whole: where one code is the beginning of another, the engine goes back to the shorter one.
    """
    root: Node = {}
    for code in sorted(codes):
        node = root
        for character in code:
            node = node.setdefault(character, {})
        node[_END] = {}
    return _branches(root) if root else "(?!)"


def _branches(node: Node) -> str:
    ends: dict[str, list[str]] = {}
    for character, below in node.items():
        if character != _END:
            ends.setdefault(_branches(below), []).append(character)
    ways = [_one_of(characters) + end for end, characters in ends.items()]
    if not ways:
        return ""
    whole = f"(?:{'|'.join(ways)})" if len(ways) > 1 else ways[0]
    return f"(?:{whole}|)" if _END in node else whole  # an empty way is quicker than a question mark


def _one_of(characters: list[str]) -> str:
    if len(characters) == 1:
        return re.escape(characters[0])
    runs: list[list[str]] = []
    for character in sorted(characters):
        if runs and ord(character) == ord(runs[-1][-1]) + 1:
            runs[-1].append(character)
        else:
            runs.append([character])
    parts = []
    for run in runs:
        first, last = re.escape(run[0]), re.escape(run[-1])
        parts.append(f"{first}-{last}" if len(run) > 2 else "".join(map(re.escape, run)))
    return f"[{''.join(parts)}]"


def fault(value: str, element: Element) -> Fault | None:
    """What is wrong with `value` as a code of `element`, which has a list; None if it is listed."""
    codes = element.codes
    return None if codes is None or value in codes.listed else _fault(value, codes, element.number)


@lru_cache(maxsize=1024)
def _fault(value: str, codes: Codes, number: str) -> Fault:
    name = "element.code_unlisted" if codes.is_external else "element.code"
    if codes.is_narrowed:
        trouble = "which is not one of the codes that the guide allows here"
    else:
        trouble = f"which is not in the code list of element {number}"
    near = likely(value, codes.listed)
    if len(codes.listed) <= LISTED_MAX:
        listed = sorted(codes.listed)
        trouble += f"; {joined(listed, 'and')} are listed" if len(listed) > 1 else f"; only {listed[0]} is"
    elif not near:
        alike = sorted(code for code in codes.listed if _is_alike(value, code))
        if alike:
            trouble += f"; {joined(alike[:8], 'and')} {'are' if len(alike) > 1 else 'is'} like it"
    if near:
        return Fault(name, trouble, f"If {near} is meant, ask the sender to send {near}{_difference(value, near)}.")
    if codes.is_external:
        return Fault(name, trouble, "Compare it with the list that the sender uses: it may be newer than ours.")
    return Fault(name, trouble, "Ask the sender for a listed code; if the two of you agreed on it, add it to a guide.")


def likely(value: str, listed: frozenset[str]) -> str:
    """The listed code that `value` is but for its case, blanks or zeros in front; "" if there is none."""
    bare = value.strip()
    for guess in (bare, bare.upper(), bare.lower(), bare.lstrip("0"), *(bare.zfill(width) for width in (2, 3, 4))):
        if guess and guess in listed:
            return guess
    return ""


def _difference(value: str, meant: str) -> str:
    if value.strip() == meant:
        return " without the blanks"
    if value.strip().upper() == meant.upper():
        return " in capitals" if meant.isupper() else " in small letters"
    return " with its zeros" if len(meant) > len(value.strip()) else " without the zeros in front"


def _is_alike(value: str, code: str) -> bool:
    """Whether a letter was mistaken, left out, added, or two were exchanged.

    Of two letters, a mistaken one leaves too little to go by: whole columns of codes would be alike.
    """
    if len(value) == len(code) > 1:
        wrong = [place for place, (a, b) in enumerate(zip(value, code, strict=True)) if a != b]
        return len(wrong) == 1 < len(code) - 1 or (
            len(wrong) == 2 and value[wrong[0]] == code[wrong[1]] and value[wrong[1]] == code[wrong[0]]
        )
    longer, shorter = (value, code) if len(value) > len(code) else (code, value)
    return len(longer) == len(shorter) + 1 > 2 and any(
        longer[:place] + longer[place + 1 :] == shorter for place in range(len(longer))
    )
