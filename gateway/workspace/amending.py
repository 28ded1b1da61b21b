"""A partner's file with one public key more or less; every other character of it stays as it was written.

    >>> print(with_key("partners/acme.yaml", "partner: acme  # Leeds", "acme", "ssh-ed25519 AAAA new"), end="")
    partner: acme  # Leeds
    <BLANKLINE>
    sftp:
      user: acme
      keys:
        - ssh-ed25519 AAAA new

What comes out is held against the whole workspace by who asks, before it is written.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from gateway.errors import Stop
from gateway.workspace.newcomers import quoted
from gateway.workspace.nodes import Mapping, Scalar, Sequence, compose
from gateway.workspace.problems import File

if TYPE_CHECKING:
    from gateway.workspace.nodes import Node


def with_key(path: str, text: str, user: str, line: str) -> str:
    """The text with the key `line` behind the others; `user` is the account's name where there is none yet.

    Raises:
        Stop: the file is not as a partner's file is.
    """
    sftp, keys = _account(path, text)
    if sftp is None:
        end = "" if text.endswith("\n") else "\n"
        return f"{text}{end}\nsftp:\n  user: {quoted(user)}\n  keys:\n    - {quoted(line)}\n"
    if keys is None:
        head = sftp.head.start
        indent = " " * (head - _line_start(text, head))
        return _replaced(text, head, head, f"keys:\n{indent}  - {quoted(line)}\n{indent}")
    if isinstance(keys, Scalar):
        indent = " " * (sftp.head.start - _line_start(text, sftp.head.start) + 2)
        both = f"\n{indent}- {text[keys.start : keys.end]}\n{indent}- {quoted(line)}"
        return _replaced(text, len(text[: keys.start].rstrip(" ")), keys.end, both)
    last = keys.items[-1]
    if _is_flow(text, keys):
        return _replaced(text, last.end, last.end, f", {quoted(line, listed=True)}")
    dash = text.rindex("-", 0, last.start)
    at = _line_end(text, last.end)
    indent = " " * (dash - _line_start(text, dash))
    return _replaced(text, at, at, ("" if text[at - 1 : at] == "\n" else "\n") + f"{indent}- {quoted(line)}\n")


def without_key(path: str, text: str, number: int) -> str:
    """The text without the key at `number`, from 0; the last one goes with the word ``keys``.

    Raises:
        Stop: the file is not as a partner's file is.
    """
    sftp, keys = _account(path, text)
    assert sftp is not None
    assert keys is not None
    if isinstance(keys, Scalar) or len(keys.items) == 1:
        key = sftp.key("keys")
        return _replaced(text, _line_start(text, key.start), _line_end(text, _last(keys).end), "")
    gone = keys.items[number]
    if _is_flow(text, keys):
        if number:
            return _replaced(text, keys.items[number - 1].end, gone.end, "")
        return _replaced(text, gone.start, keys.items[1].start, "")
    return _replaced(text, _line_start(text, gone.start), _line_end(text, gone.end), "")


def _account(path: str, text: str) -> tuple[Mapping | None, Scalar | Sequence | None]:
    """The section of the account and what stands under its ``keys``, as far as they are there."""
    root = compose(File(path, text))
    sftp = root.get("sftp") if isinstance(root, Mapping) else None
    keys = sftp.get("keys") if isinstance(sftp, Mapping) else None
    odd = sftp is not None and (not isinstance(sftp, Mapping) or text[sftp.start : sftp.start + 1] == "{")
    if odd or not isinstance(keys, Scalar | Sequence | None) or (isinstance(keys, Sequence) and not keys.items):
        raise Stop(f"{path} writes its account in a way that is not changed here", "Change the keys by hand, and apply")
    return (sftp if isinstance(sftp, Mapping) else None), keys


def _last(keys: Scalar | Sequence) -> Node:
    return keys if isinstance(keys, Scalar) else keys.items[-1]


def _is_flow(text: str, keys: Sequence) -> bool:
    return text[keys.start : keys.start + 1] == "["


def _line_start(text: str, index: int) -> int:
    return text.rfind("\n", 0, index) + 1


def _line_end(text: str, index: int) -> int:
    """Behind the line's end."""
    end = text.find("\n", index)
    return len(text) if end < 0 else end + 1


def _replaced(text: str, start: int, end: int, by: str) -> str:
    return text[:start] + by + text[end:]
