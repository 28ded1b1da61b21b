"""What the login may do, and the refusal of one that could write.

A read-only session is a promise of the server for this session; the login's rights are what is left if it is broken.
So both are looked at when a source is opened. A login that can write is refused with the statements that would make one
that cannot, unless the configuration gives a reason (option ``accept_writable_login``); the reason is in the report.

A right that only everybody's defaults give and that changes no table (temporary tables, PostgreSQL's large objects), or
that reads more than others may (REPLICATION), is told and not refused. What the catalogue does not tell is unknown, and
unknown is refused too.
"""

from __future__ import annotations

import os
import re
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from adapters.errors import AdapterError, Retry, Stop
from adapters.grants import CANARIES, CANARY_TABLES, LOGINS, QUESTIONS, READER, READING, Question

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    Ask = Callable[[str], Sequence[Sequence[str | None]]]
    """Runs one statement and gives its rows; raises what :func:`adapters.errors.translated` makes of an error."""

# SHOW GRANTS: GRANT SELECT (`a`), UPDATE ON `erp`.`t` TO `reader`@`%` WITH GRANT OPTION; a role: GRANT `r` TO …
GRANT = re.compile(r"GRANT (?P<rights>.+?) ON (?P<on>.+?) TO (?P<through>\S+)(?P<rest>.*)", re.DOTALL)
ROLE = re.compile(r"GRANT (?P<role>`(?:[^`]|``)+`(?:@`[^`]*`)?) TO (?P<through>\S+)", re.DOTALL)
PRIVILEGE = re.compile(r"[^,(]+(?:\((?:`(?:[^`]|``)*`|[^)`])*\))?")
SHOWN = 6


@dataclass(frozen=True, slots=True)
class Right:
    """One right of the login. `through` is the role, the grantee or the ownership that gives it.

    `writes` is whether it is a reason to refuse the login; `remedy` the statement that takes it away, empty where only
    another login helps.
    """

    what: str
    on: str
    through: str
    writes: bool
    remedy: str = ""


@dataclass(frozen=True, slots=True)
class Attempt:
    """One harmless attempt to write in a session of ours, and what the server answered."""

    sql: str
    answer: str
    refused: bool


@dataclass(frozen=True, slots=True)
class Report:
    """Why nothing can be written, as of a moment: `at` is an ISO date and time in UTC.

    `session` is how the session says that it is read-only. `unknown` is why the rights could not be seen, empty when
    they could. `accepted` is the configuration's reason for a login that could write.
    """

    at: str
    dialect: str
    login: str
    session: str
    rights: tuple[Right, ...] = ()
    unknown: str = ""
    attempts: tuple[Attempt, ...] = ()
    accepted: str = ""

    @property
    def writable(self) -> bool:
        """Whether the login could write, were it not for the session; also when nobody can tell."""
        return bool(self.unknown) or any(right.writes for right in self.rights)

    def to_dict(self) -> dict[str, Any]:
        """For JSON."""
        return {**asdict(self), "writable": self.writable}


def looked_up(dialect: str, ask: Ask, *, at: str, session: str, accepted: str = "", file: str | None = None) -> Report:
    """What the catalogue says of the login that `ask` speaks as. `file` is the database's file, where it is one."""
    login, unknown = "", ""
    rights: tuple[Right, ...] = ()
    try:
        login = _text(ask(LOGINS[dialect])) if dialect in LOGINS else ""
        if dialect in ("mariadb", "mysql"):
            rights = shown_grants([str(row[0]) for row in ask("SHOW GRANTS")])
        elif file is not None:
            rights = file_rights(file)
        elif dialect in QUESTIONS:
            rights = catalogued(QUESTIONS[dialect], ask, login)
        else:
            unknown = f"nobody has written down how {dialect} is asked for them"
    except Retry:
        raise
    except AdapterError as error:
        unknown = error.message
    return Report(at, dialect, login, session, rights, unknown, (), accepted)


def catalogued(questions: Sequence[Question], ask: Ask, login: str) -> tuple[Right, ...]:
    """The answers to these questions."""
    rights: list[Right] = []
    for question in questions:
        rows = [tuple(text or "" for text in row) for row in ask(question.sql)]
        for what, on, through in rows:
            column, _, table = on.partition(" OF ")
            told = question.remedy.format(
                right=what, on=on, through=through, login=login, column=column, table=f"TABLE {table}"
            )
            rights.append(Right(what, on, through, question.writes, told))
        if rows and question.last:
            break
    return tuple(rights)


def shown_grants(lines: Sequence[str]) -> tuple[Right, ...]:
    """The rights in the answer of SHOW GRANTS that do more than read.

    A line that is not understood counts as one of them, and so does a role whose own grants are not shown: it is not
    in force, but the login could put it in force.
    """
    rights: list[Right] = []
    told = [line for line in lines if not line.startswith("SET DEFAULT ROLE ")]
    grants = [(line, GRANT.fullmatch(line)) for line in told]
    shown = {grant["through"] for _, grant in grants if grant}
    for line, grant in grants:
        role = ROLE.match(line)
        if grant:
            on, through = grant["on"], grant["through"]
            everything = "ALL PRIVILEGES" in grant["rights"]
            rights += [
                Right(word, on, through, True, "" if everything else f"REVOKE {word} ON {on} FROM {through}")
                for word in _words(grant)
            ]
        elif role is None:
            rights.append(Right(line.partition(" IDENTIFIED ")[0], "", "", writes=True))
        elif role["role"] not in shown:
            taken = f"REVOKE {role['role']} FROM {role['through']}"
            rights.append(Right("ROLE", role["role"], role["through"], writes=True, remedy=taken))
    return tuple(rights)


def _words(grant: re.Match[str]) -> list[str]:
    """The privileges of a line that are not known to read only, each with its columns."""
    words = [word.strip() for word in PRIVILEGE.findall(grant["rights"])]
    words += ["GRANT OPTION"] if "GRANT OPTION" in grant["rest"] else []
    return [word for word in words if word.partition("(")[0].strip().upper() not in READING]


def file_rights(file: str) -> tuple[Right, ...]:
    """A file is opened to be read, whatever the operating system would allow; that is told and not refused."""
    if file and os.access(file, os.W_OK):
        told = "Run the gateway as a user who may read the file and not write it"
        return (Right("WRITE", "the database's file", "the operating system", writes=False, remedy=told),)
    return ()


def permitted(report: Report) -> Report:
    """The report itself, when its login may be used.

    Raises:
        Stop: The login can write, or nobody can tell, and the configuration gives no reason to use it all the same.
    """
    accepted = [attempt for attempt in report.attempts if not attempt.refused]
    if accepted:
        raise Stop(
            f"the session took {accepted[0].sql!r}: it is not read-only",
            "Nothing was changed. Use a login, or a pooler in front of the database, that keeps session settings",
        )
    if report.accepted or not report.writable:
        return report
    option = (
        'or give the reason why it is used all the same: accept_writable_login: "…" in the connection\'s options'
        " (the session is read-only either way)"
    )
    if report.unknown:
        raise Stop(
            f"what the login {report.login!r} may do cannot be seen ({report.unknown})",
            f"Use a login that may only SELECT, {option}",
        )
    writing = [right for right in report.rights if right.writes]
    some = "; ".join(f"{right.what} on {right.on} (through {right.through})" for right in writing[:SHOWN])
    more = f"; and {len(writing) - SHOWN} more" if len(writing) > SHOWN else ""
    raise Stop(f"the login {report.login!r} can write: {some}{more}", f"{remedy(report)}; {option}")


def remedy(report: Report) -> str:
    """The statements that make a login that only reads: what to take away, or another login where that is no way."""
    writing = [right for right in report.rights if right.writes]
    if writing and all(right.remedy for right in writing):
        statements = list(dict.fromkeys(right.remedy for right in writing))
        return f"Take it away: {'; '.join(statements)}"
    return f"Make a login that only reads: {'; '.join(READER.get(report.dialect, ('GRANT SELECT alone',)))}"


def canaries(dialect: str, ask: Ask, *, full: bool) -> tuple[str, ...]:
    """The attempts that can be made here without harm. Not full: the first alone, which needs no table."""
    templates = CANARIES.get(dialect, ())
    if not full:
        return templates[:1]
    rows = ask(CANARY_TABLES[dialect]) if dialect in CANARY_TABLES else ()
    if not rows:
        return tuple(template for template in templates if "{" not in template)
    table, column = (str(text) for text in rows[0])
    return tuple(template.format(table=table, column=column) for template in templates)


def attempted(statements: Sequence[str], run: Callable[[str], object]) -> tuple[Attempt, ...]:
    """Try each; the session that did is not to be used for anything else."""
    attempts = []
    for sql in statements:
        try:
            run(sql)
        except Exception as error:  # noqa: BLE001 - any refusal will do; what it says is in the report
            attempts.append(Attempt(sql, str(error.args[-1] if error.args else error), refused=True))
        else:
            attempts.append(Attempt(sql, "done", refused=False))
    return tuple(attempts)


def _text(rows: Sequence[Sequence[str | None]]) -> str:
    return str(rows[0][0] or "") if rows else ""
