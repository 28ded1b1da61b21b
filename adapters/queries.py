"""Hand-written queries: what a configuration may ask of a source besides its tables.

A caller of the API never sends SQL; the one who operates the gateway may, as a named query. It is read by a parser
(sqlglot) and never sent: what is sent is written anew from the tree, with every name quoted and without a comment, so
that what the parser did not see is not there (``/*! … */`` of MySQL, a second statement without a separator in T-SQL).

Three checks, and each is a list of what is allowed, because a list of what is forbidden has holes:

1. the tree is one SELECT of the constructs in `NODES`, from tables by their names;
2. written anew, it reads the same to the parser;
3. what was written, looked at without the parser: outside of quotes only the words of `PLAIN`, before parentheses only
   those of `CALLED` and `OPENING`, so no function, hint or option that nobody has looked at; no quoted name before a
   parenthesis, and no mark that could begin something else.

The session that runs it is read-only besides (:mod:`adapters.readonly`).
"""

from __future__ import annotations

import importlib
import logging
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from adapters.errors import Reject
from adapters.readonly import guarded

if TYPE_CHECKING:
    from collections.abc import Iterator

GRAMMARS = {
    "postgresql": "postgres",
    "mariadb": "mysql",
    "mysql": "mysql",
    "sqlserver": "tsql",
    "oracle": "oracle",
    "sqlite": "sqlite",
}
"""The parser's names for the databases that it knows. It has no grammar for Db2, Informix, Sybase, Access, Firebird."""

SIZE_MAX = 20_000
PAD_MAX = 4_000

# sqlglot's names. Of functions every class may stand in the tree, because each is written as a word, and the words
# decide.
_NODES = """
    Add Alias All And Any AtTimeZone Between Boolean CTE Case Cast Column DPipe DataType DataTypeParam Distinct Div EQ
    Escape Except Exists Filter From GT GTE Glob Group Having ILike Identifier If In IntDiv Intersect Interval Is
    JSONExtract JSONExtractScalar JSONPath JSONPathKey JSONPathRoot JSONPathSubscript Join LT LTE Like Limit Literal Mod
    Mul NEQ Neg Not Null NullSafeEQ Or Order Ordered Paren Select Star Sub Subquery Table TableAlias Tuple Union Var
    Where Window WindowSpec With WithTableHint WithinGroup Xor
"""
NODES = frozenset(_NODES.split())
ROOTS = ("Select", "Union", "Except", "Intersect", "Subquery")
KEYWORDS = """
    ALL AND ANY AS ASC AT BETWEEN BOTH BY CASE CROSS CURRENT DESC DISTINCT DIV ELSE END ESCAPE EXCEPT EXISTS FALSE
    FILTER FIRST FOLLOWING FOR FROM FULL GLOB GROUP HAVING ILIKE IN INNER INTERSECT INTERVAL IS JOIN LAST LEADING LEFT
    LIKE LIMIT NOLOCK NOT NULL NULLS ON ONLY OR ORDER OUTER OVER PARTITION PERCENT PRECEDING RANGE READUNCOMMITTED
    RECURSIVE RIGHT ROW ROWS SELECT SEPARATOR THEN TIES TOP TRAILING TRUE UNBOUNDED UNION USING WHEN WHERE WITH WITHIN
    XOR ZONE
"""
TYPES = """
    BIGINT BINARY BIT BOOLEAN CHAR DATE DATETIME DATETIME2 DATETIMEOFFSET DECIMAL DOUBLE FLOAT INT INTEGER JSON JSONB
    MONEY NCHAR NUMBER NUMERIC NVARCHAR PRECISION REAL SIGNED SMALLINT TEXT TIME TIMESTAMP TIMESTAMPTZ TINYINT UNSIGNED
    UUID VARBINARY VARCHAR VARCHAR2
"""
# What DATEADD, EXTRACT and their like take without quotes.
UNITS = """
    CENTURY DAY DAYS DECADE DOW DOY EPOCH HOUR HOURS ISODOW ISOYEAR MICROSECOND MILLISECOND MINUTE MINUTES MONTH MONTHS
    QUARTER SECOND SECONDS WEEK WEEKDAY YEAR YEARS
"""
PLAIN = frozenset(f"{KEYWORDS} {TYPES} {UNITS}".split())

# What may stand before a parenthesis without being called: no function can have such a name.
_OPENING = """
    ALL AND ANY AS BETWEEN BY CHAR DECIMAL DISTINCT ELSE ESCAPE EXCEPT EXISTS FLOAT FROM GROUP HAVING ILIKE IN INTERSECT
    INTERVAL IS JOIN LEFT LIKE LIMIT NCHAR NOT NUMERIC ON OR OVER RIGHT SELECT THEN TIME TIMESTAMP TOP UNION USING
    VARCHAR WHEN WHERE WITH
"""
OPENING = frozenset(_OPENING.split())
FILTERED = re.compile(r"FILTER\s*\((?!WHERE )")

_EVERYWHERE = """
    ABS AVG CAST COALESCE COUNT CURRENT_DATE CURRENT_TIMESTAMP DENSE_RANK EXP FIRST_VALUE FLOOR LAG LAST_VALUE LEAD
    LOWER LTRIM MAX MIN NTILE NULLIF POWER RANK REPLACE ROUND ROW_NUMBER RTRIM SIGN SQRT SUM TRIM UPPER
"""
# Built into the database each, so that none of these names leads to somebody's own function.
FUNCTIONS = {
    "postgres": """
        AGE ASCII BOOL_AND BOOL_OR BTRIM CEIL CEILING CHARACTER_LENGTH CHAR_LENGTH CHR CONCAT CONCAT_WS CURRENT_TIME
        DATE DATE_PART DATE_TRUNC EXTRACT GREATEST INITCAP LEAST LENGTH LN LOCALTIME LOCALTIMESTAMP LOG LPAD MAKE_DATE
        MAKE_TIMESTAMP MD5 MOD NOW NTH_VALUE OCTET_LENGTH POSITION REGEXP_REPLACE REVERSE RPAD SPLIT_PART STDDEV
        STRING_AGG STRPOS SUBSTR SUBSTRING TO_CHAR TO_DATE TO_NUMBER TO_TIMESTAMP TRANSLATE TRUNC VARIANCE
    """,
    "mysql": """
        ASCII CEIL CEILING CHARACTER_LENGTH CHAR_LENGTH CONCAT CONCAT_WS CURDATE CURRENT_TIME CURTIME DATE DATEDIFF
        DATE_ADD DATE_FORMAT DATE_SUB DAY DAYNAME DAYOFMONTH DAYOFWEEK DAYOFYEAR EXTRACT FROM_DAYS FROM_UNIXTIME
        GREATEST GROUP_CONCAT HEX HOUR IF IFNULL INSTR JSON_EXTRACT JSON_UNQUOTE JSON_VALUE LAST_DAY LEAST LENGTH LN
        LOCALTIME LOCALTIMESTAMP LOCATE LOG LPAD MD5 MINUTE MOD MONTH MONTHNAME NOW NTH_VALUE OCTET_LENGTH POSITION
        QUARTER REVERSE RPAD SECOND STDDEV STR_TO_DATE SUBSTR SUBSTRING TIMESTAMPADD TIMESTAMPDIFF TO_DAYS
        UNIX_TIMESTAMP UTC_DATE UTC_TIMESTAMP VARIANCE WEEK WEEKDAY WEEKOFYEAR YEAR
    """,
    "tsql": """
        ASCII CEILING CHARINDEX CONCAT CONCAT_WS CONVERT COUNT_BIG DATALENGTH DATEADD DATEDIFF DATENAME DATEPART DAY
        EOMONTH GETDATE GETUTCDATE IIF ISNULL ISNUMERIC LEN LOG MONTH PATINDEX QUARTER REVERSE STRING_AGG STUFF
        SUBSTRING SYSDATETIME SYSUTCDATETIME TRANSLATE TRY_CAST TRY_CONVERT UNICODE WEEK YEAR
    """,
    "oracle": """
        ADD_MONTHS ASCII CEIL CHR CONCAT DECODE EXTRACT GREATEST INITCAP INSTR LAST_DAY LEAST LENGTH LISTAGG LN
        LOCALTIMESTAMP LOG LPAD MOD MONTHS_BETWEEN NTH_VALUE NVL NVL2 RPAD STDDEV SUBSTR SYSDATE SYSTIMESTAMP TO_CHAR
        TO_DATE TO_NUMBER TO_TIMESTAMP TRANSLATE TRUNC VARIANCE
    """,
    "sqlite": """
        CEIL CONCAT CONCAT_WS CURRENT_TIME DATE DATETIME GROUP_CONCAT HEX IFNULL IIF INSTR JSON_EXTRACT JULIANDAY LENGTH
        LN LOG MOD NTH_VALUE PRINTF STRFTIME SUBSTR SUBSTRING TIME TRUNC TYPEOF UNICODE UNIXEPOCH
    """,
}
TYPES_WITH_LENGTH = {"tsql": "BINARY DATETIME2 NVARCHAR VARBINARY", "oracle": "NUMBER VARCHAR2", "mysql": "BINARY"}
CALLED = {
    grammar: frozenset(f"{_EVERYWHERE} {names} {TYPES_WITH_LENGTH.get(grammar, '')}".split())
    for grammar, names in FUNCTIONS.items()
}
MARKS = frozenset("(),.*+-/%<>=!|&~ ")
PAIRS = ("--", "/*", "*/")

PSEUDO = frozenset({"nextval", "currval"})
"""Oracle's sequences are moved by what looks like a column."""

COLUMN_FUNCTIONS = {
    # PostgreSQL calls f(t) for t.f where t has no column f (manual, 38.5.5 "functional notation").
    "postgresql": "SELECT DISTINCT CAST(p.proname AS text) FROM pg_catalog.pg_proc p JOIN pg_catalog.pg_namespace n"
    " ON n.oid = p.pronamespace JOIN pg_catalog.pg_type t ON t.oid = p.proargtypes[0]"
    " WHERE p.pronargs - p.pronargdefaults <= 1 AND n.nspname NOT IN ('pg_catalog', 'information_schema')"
    " AND t.typtype IN ('c', 'p')",
}
"""What lists the functions that a name of a column could call."""

# One expression for both, read from left to right: a quote inside of the other kind opens nothing.
_STRING, _DOUBLE = "'(?:[^']|'')*'", r'"(?:[^"]|"")+"'
QUOTED = {
    "mysql": re.compile(rf"({_STRING})|`(?:[^`]|``)+`"),
    "": re.compile(rf"({_STRING})|{_DOUBLE}"),
}
BRACKETS = re.compile(rf"({_STRING}|{_DOUBLE})|\[((?:[^\]]|\]\])+)\]")
WORD = re.compile(r"[^\W\d]\w*")
NUMBER = re.compile(r"(?<!\w)(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?(?!\w)")


class BadQuery(Reject):
    """A query that is not asked: ``bad_query``, and what of it is to blame, as far as that can be told.

    `at` is the character of the query, from 0, at which it begins, and `length` how long it is.
    """

    def __init__(self, message: str, remedy: str, at: int | None = None, length: int = 1) -> None:
        super().__init__("bad_query", message, remedy)
        self.at = at
        self.length = length


@dataclass(frozen=True, slots=True)
class NamedQuery:
    """A query of the configuration; `key` names its columns that are unique together and never NULL."""

    sql: str
    key: tuple[str, ...] = ()


def rewritten(sql: str, dialect: str) -> str:
    """What is sent in place of a hand-written query: one SELECT, written anew.

    Raises:
        BadQuery: It is not a single SELECT, or has something in it that nobody has looked at.
    """
    grammar = GRAMMARS.get(dialect)
    if grammar is None:
        raise _refused(
            f"a query for {dialect} cannot be checked: there is no parser for its SQL",
            "Name a table or a view; have the database's owner make a view of the query",
        )
    tree = single(legible(sql), grammar)
    allowed(tree, dialect)
    written = write(tree, grammar)
    try:
        known(written, grammar)
    except BadQuery as refused:
        quoted = re.search(r"^'(\w+)'", refused.message)
        place = re.search(rf"\b{quoted[1]}\b", sql, re.IGNORECASE) if quoted else None
        if place:
            refused.at, refused.length = place.start(), len(place[0])
        raise
    try:
        guarded(f"SELECT 1 FROM ({written}) r")  # noqa: S608 - it is looked at, not sent
    except AssertionError:
        raise _refused("the query has a word that locks or writes", _ALLOWED) from None
    return written


def column_names(sql: str, dialect: str) -> frozenset[str]:
    """The names that a rewritten query uses as columns."""
    tree = single(sql, GRAMMARS[dialect])
    return frozenset(node.name for node in tree.walk() if type(node).__name__ == "Column")


def legible(sql: str) -> str:
    """The text itself, when a person can see all of it."""
    if len(sql) > SIZE_MAX:
        raise _refused(f"the query has {len(sql)} characters", f"Write at most {SIZE_MAX}, or have a view made of it")
    for at, character in enumerate(sql):
        if not (character.isprintable() or character in "\t\n\r"):
            raise _refused(f"character {at + 1} of the query is {character!r}, which cannot be seen", "Take it out", at)
    hint = re.search(r"/\*M?!|/\*\+", sql)
    if hint:
        raise _refused(
            "the query has a comment that the database would execute, or a hint",
            "Write what is meant without the comment's marks, or take it out",
            hint.start(),
            len(hint[0]),
        )
    return sql


def single(sql: str, grammar: str) -> Any:
    """The tree of the only statement."""
    sqlglot, errors = importlib.import_module("sqlglot"), importlib.import_module("sqlglot.errors")
    logging.getLogger("sqlglot").setLevel(logging.ERROR)  # it warns of what is refused here anyway
    try:
        trees = [tree for tree in sqlglot.parse(sql, read=grammar, error_level=errors.ErrorLevel.RAISE) if tree]
    except Exception as error:  # noqa: BLE001 - a parser has more ways to fail than it names, and each is a refusal
        place: dict[str, Any] = next(iter(getattr(error, "errors", ())), {})
        where = f" at line {place['line']}, column {place['col']}" if place.get("line") else ""
        said = place.get("description") or "it is too deeply nested or not SQL"
        said = "something is missing" if said.startswith("Required keyword") else said
        raise _refused(f"the query cannot be read{where}: {said}", "Write one SELECT", *_placed(sql, place)) from None
    if len(trees) != 1:
        raise _refused(f"the query is {len(trees)} statements", "Write one SELECT")
    return trees[0]


def _placed(sql: str, error: dict[str, Any]) -> tuple[int | None, int]:
    """Where the parser stopped; it tells the end of what it did not expect."""
    if not error.get("line"):
        return None, 1
    length = max(1, len(error.get("highlight") or ""))
    lines = sql.splitlines(keepends=True)[: error["line"] - 1]
    return max(0, sum(map(len, lines)) + error["col"] - length), length


def allowed(tree: Any, dialect: str) -> None:
    """Every node of the tree is one that a query may have."""
    expressions = importlib.import_module("sqlglot.expressions")
    if type(tree).__name__ not in ROOTS:
        what = f"the query is no SELECT but {type(tree).__name__.upper()}"
        raise _refused(what, "Write one SELECT", 0, len(type(tree).__name__))
    for node in tree.walk():
        kind = type(node).__name__
        if kind not in NODES and not isinstance(node, expressions.Func):
            what = f"the query has {_shown(node)}: {kind} is not among what a query may have"
            raise _refused(what, _ALLOWED, *_standing(node))
        for wrong, what in _rules(node, kind, dialect):
            if wrong:
                raise _refused(f"the query has {_shown(node)}: {what}", _ALLOWED, *_standing(node))


def _standing(node: Any) -> tuple[int | None, int]:
    """Where the first word of a node stands, of those whose place the parser keeps."""
    places = (each.meta for each in node.walk() if "start" in each.meta)
    first = min(places, key=lambda place: int(place["start"]), default=None)
    return (None, 1) if first is None else (first["start"], first["end"] - first["start"] + 1)


_ALLOWED = (
    "Allowed are SELECT, joins, conditions, groups, windows, unions and the usual functions that only compute; for"
    " anything else have the database's owner make a view"
)


def _rules(node: Any, kind: str, dialect: str) -> Iterator[tuple[bool, str]]:
    if kind == "Table":
        yield type(node.this).__name__ != "Identifier", "rows come from tables and views alone, not from functions"
        yield bool(node.args.get("catalog")), "a table has at most a schema before its name"
        yield "@" in node.name and dialect == "oracle", "another database is not asked through this one"
    if kind in ("Column", "Identifier"):
        yield node.name.lower() in PSEUDO, "it would move a sequence"
    if kind == "Literal":
        yield "\\" in node.name, "whether a backslash escapes depends on a setting of the server"
        yield not node.is_string and not NUMBER.fullmatch(node.name), "this is no number"
    if kind == "DataType":
        yield str(node.this).endswith("USERDEFINED"), "a cast to a type of one's own may run a function"
    if kind == "Anonymous":
        yield not isinstance(node.this, str), "a function's name is not quoted"
        yield node.name.upper() not in CALLED[GRAMMARS[dialect]], "that function is not known only to compute"
    if kind == "Pad":
        length = node.expression
        yield not (length.is_int and int(length.name) <= PAD_MAX), f"a text is padded to at most {PAD_MAX} characters"
    if kind == "Select":
        yield not node.expressions, "it selects nothing"


def write(tree: Any, grammar: str) -> str:
    """The tree as a statement: names quoted, no comments. What had no quotes is folded as the database would."""
    tree = tree.copy()
    fold = {"postgres": str.lower, "oracle": str.upper}.get(grammar, str)
    for node in tree.walk():
        if type(node).__name__ == "Identifier":
            node.set("this", node.name if node.quoted else fold(node.name))
            node.set("quoted", True)
    written = _emitted(tree, grammar)
    again = _emitted(single(written, grammar), grammar)
    if again != written:
        raise _refused("the query reads differently when it is written anew", "Write it more simply")
    return BRACKETS.sub(_double_quoted, written) if grammar == "tsql" else written


def _double_quoted(match: re.Match[str]) -> str:
    """Double quotes for T-SQL's brackets, as in all that is sent; a text in between is left as it is."""
    return match[1] or '"' + match[2].replace("]]", "]").replace('"', '""') + '"'


def _emitted(tree: Any, grammar: str) -> str:
    errors = importlib.import_module("sqlglot.errors")
    try:
        text: str = tree.sql(dialect=grammar, identify=True, comments=False, unsupported_level=errors.ErrorLevel.RAISE)
    except Exception as error:  # noqa: BLE001 - as for reading
        raise _refused(f"the query cannot be written anew ({error})", "Write it more simply") from None
    return text


def known(written: str, grammar: str) -> None:
    """What stands outside of quotes is known, every word of it."""
    bare = QUOTED.get(grammar, QUOTED[""]).sub(lambda match: "0" if match[1] else "\1", written)
    if re.search("\1\\s*\\(", bare):
        raise _refused("the query has a quoted name before a parenthesis", "Call functions without quotes")
    rest = NUMBER.sub(" ", WORD.sub(" ", bare.replace("\1", " ")))
    strange = sorted(set(rest) - MARKS) + [pair for pair in PAIRS if pair in bare]
    if strange:
        raise _refused(f"the query has {strange[0]!r} outside of quotes", "Take it out")
    if FILTERED.search(bare):
        raise _refused("the query calls a function 'FILTER'", _ALLOWED)
    for match in WORD.finditer(bare):
        word = match[0].upper()
        opens = bare[match.end() :].lstrip().startswith("(")
        if word not in CALLED[grammar] and word not in (OPENING | {"FILTER"} if opens else PLAIN):
            raise _refused(
                f"{match[0]!r} is not among the {'functions' if opens else 'words'} that a query may use", _ALLOWED
            )


def _shown(node: Any) -> str:
    text = str(node.sql()) or type(node).__name__
    return repr(text if len(text) <= 60 else text[:57] + "…")


def _refused(message: str, remedy: str, at: int | None = None, length: int = 1) -> BadQuery:
    return BadQuery(message, remedy, at, length)
