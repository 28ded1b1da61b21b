"""A name that no file of a partner has, as it was agreed: said with the names that were.

>>> of_name("ORDERS.EDI", ["*.edi"]).expected
'a name like *.edi, in which capital and small letters count'
"""

from __future__ import annotations

from fnmatch import fnmatchcase
from typing import TYPE_CHECKING

from gateway.publish.letters.wording import LEAVE_OUT, Words
from gateway.receive.trials import is_for

if TYPE_CHECKING:
    from collections.abc import Collection

    from gateway.configuration import Configuration

AGAIN = "The file, under a name that was agreed."
"""What is to be sent again where nothing but the name is wrong."""
_PATTERNS_MAX = 8
_NAME_MAX = 80


def patterns(configuration: Configuration, partner: str, source: str) -> list[str]:
    """How the names of a partner's files look that are taken from `source`, such as ``drop://acme``."""
    theirs = [
        each for each in configuration.integrations.values() if is_for(each, partner) and each.source.is_of(source)
    ]
    return sorted({each.source.path.rpartition("/")[2] or "*" for each in theirs})


def of_name(name: str, agreed: Collection[str], *, packed: bool = False) -> Words | None:
    """What is wrong with a name; None where nothing is, or where no names were agreed.

    `packed` says that it is that of a file in an archive.
    """
    name = name.rpartition("/")[2]
    if not agreed or any(fnmatchcase(name, each) for each in agreed):
        return None
    some = list(agreed)[:_PATTERNS_MAX]
    expected = f"a name like {' or '.join(some)}" + (", and others" if len(agreed) > len(some) else "")
    if any(fnmatchcase(name.casefold(), each.casefold()) for each in agreed):
        expected += ", in which capital and small letters count"
    shown = "".join(each if each.isprintable() else "·" for each in name)
    shown = shown if len(shown) <= _NAME_MAX else f"{shown[:_NAME_MAX]}…"
    send = "Please rename the file, and send it again. If it is another kind of file, please tell us what it is."
    if packed:
        send = f"{LEAVE_OUT} If it is, please rename it, and send the archive again, or tell us what it is."
    return Words(f"The name {shown} is not one that was agreed.", expected, send)
