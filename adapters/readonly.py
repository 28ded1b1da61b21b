"""Nothing is written: the session refuses it, and so does the door that every statement of ours passes.

The two cover each other. A session that was made read-only is asked whether it is, before its first read. The guard
looks at our own statements, which are built from the catalogue's names: one SELECT, no comment, no second statement, no
word that locks or writes. It is not a parser for other people's SQL; there is no way in for that.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import TYPE_CHECKING

from adapters.errors import Stop

if TYPE_CHECKING:
    from adapters.dialects import Dialect

# Quoted names and literals are dropped before words are looked at; a quote inside is doubled in all our dialects.
QUOTED = re.compile(r"""'(?:[^']|'')*'|"(?:[^"]|"")*"|`(?:[^`]|``)*`""")
WORD = re.compile(r"[A-Za-z_]+")
# FOR UPDATE, FOR SHARE, NEXT VALUE FOR; not SUBSTRING(… FROM 1 FOR 3).
FOR = re.compile(r"(?i)\bFOR\s+[^\d\s?(]")
# fmt: off
FORBIDDEN = frozenset((
    "ALTER", "ANALYZE", "ATTACH", "BEGIN", "CALL", "COMMIT", "COPY", "CREATE", "DELETE", "DETACH", "DO", "DROP",
    "EXEC", "EXECUTE", "GRANT", "HANDLER", "INSERT", "INTO", "KILL", "LOAD", "LOCK", "MERGE", "NEXTVAL",
    "PRAGMA", "REINDEX", "RENAME", "REVOKE", "ROLLBACK", "SET", "SETVAL", "TRUNCATE", "UPDATE", "VACUUM",
))
# fmt: on


@lru_cache(maxsize=512)  # most are sent again and again
def guarded(sql: str) -> str:
    """The statement itself, when it can only read.

    Raises:
        AssertionError: It could do something else: a defect of ours, never of the input.
    """
    bare = QUOTED.sub(" x ", sql)
    words = {word.upper() for word in WORD.findall(bare)}
    clean = not any(mark in bare for mark in (";", "--", "/*", "#", "'", '"', "`", "\0", "{", "}"))
    if not (clean and not FOR.search(bare) and bare.startswith("SELECT ") and not words & FORBIDDEN):
        raise AssertionError(f"not a plain SELECT: {sql!r}")
    return sql


def proven(dialect: Dialect, answer: str | None) -> str:
    """How the session says that it is read-only.

    Raises:
        Stop: It does not say so.
    """
    question, expected = dialect.proof
    if answer != expected:
        raise Stop(
            f"the session is not read-only: {question!r} gives {answer!r} instead of {expected!r}",
            "Nothing was read. Use a login, or a pooler in front of the database, that keeps session settings",
        )
    return f"{question} = {expected}"
