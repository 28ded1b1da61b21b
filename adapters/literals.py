"""What a driver is asked to find out whether it tells the truth: one literal table per question, read top to bottom.

Each case has met a driver that gets it wrong, or is so common that one that did would be useless.
"""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, timezone
from decimal import Decimal
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True, slots=True)
class Literally:
    """One value to read: `sql` writes it, of the type `native`; `text` is what the server itself shows.

    `honest` is what a typed read may give; where Python has no such value, the text itself. `lent` is the type of a
    column that has to lend its declaration, where the driver goes by that.
    """

    code: str
    about: str
    sql: str
    native: str
    text: str | None
    honest: Any
    lent: str = ""


@dataclass(frozen=True, slots=True)
class Bound:
    """One parameter to bind: `sql` lets the server say what arrived, which should be `expected`.

    `value` is what a program would bind, `text` what we bind instead; None where we refuse to bind it at all.
    """

    code: str
    about: str
    value: Any
    sql: str
    expected: str
    text: str | None
    remedy: str = ""


LONG = "x" * 100_000
UNICODE = "ä€\u0416\U0001f600"
DIGITS = "12345678901234567890123456789012345678"
MOMENT = datetime(2026, 11, 21, 6, 55, 0, 123456)  # noqa: DTZ001 - a column without a zone
ABROAD = datetime(2026, 11, 21, 6, 55, tzinfo=timezone(timedelta(hours=2)))
UUID = uuid.UUID("6f2d1a6e-6f0c-4f9b-9d4e-0c4f6a9b7c11")
BIGGEST = 2**63 - 1
REFUSED = "A text with a NUL is refused before it gets to the driver"
ENDED = "A time with a zone is turned into UTC before it is bound"

POSTGRESQL = (
    Literally("endless_date", "the date infinity", "CAST('infinity' AS date)", "date", "infinity", "infinity"),
    Literally(
        "far_date", "a date beyond year 9999", "CAST('12024-01-01' AS date)", "date", "12024-01-01", "12024-01-01"
    ),
    Literally(
        "date_before_christ",
        "a date before the year 1",
        "CAST('0044-03-15 BC' AS date)",
        "date",
        "0044-03-15 BC",
        "0044-03-15 BC",
    ),
    Literally(
        "endless_time",
        "the time infinity",
        "CAST('infinity' AS timestamp)",
        "timestamp without time zone",
        "infinity",
        "infinity",
    ),
    Literally(
        "zone",
        "a time with its zone",
        "CAST('2026-11-21 06:55:00+02' AS timestamptz)",
        "timestamp with time zone",
        "2026-11-21 04:55:00+00",
        datetime(2026, 11, 21, 4, 55, tzinfo=UTC),
    ),
    Literally(
        "end_of_day", "the time 24:00", "CAST('24:00' AS time)", "time without time zone", "24:00:00", "24:00:00"
    ),
    Literally(
        "microseconds",
        "microseconds of a time",
        "CAST('2026-11-21 06:55:00.123456' AS timestamp)",
        "timestamp without time zone",
        "2026-11-21 06:55:00.123456",
        MOMENT,
    ),
    Literally(
        "time_microseconds",
        "microseconds of a time of day",
        "CAST('06:55:00.123456' AS time)",
        "time without time zone",
        "06:55:00.123456",
        time(6, 55, 0, 123456),
    ),
    Literally("boolean", "true", "CAST('t' AS boolean)", "boolean", "true", True),
    Literally("money", "an amount of money", "CAST('12.34' AS money)", "money", "12.34", Decimal("12.34")),
    Literally("float", "a short floating-point number", "CAST(1.1 AS real)", "real", "1.1", 1.1),
    Literally(
        "decimal", "38 digits", f"CAST('{DIGITS}.5' AS numeric)", "numeric", f"{DIGITS}.5", Decimal(f"{DIGITS}.5")
    ),
    Literally("biggest", "the biggest whole number", f"CAST('{BIGGEST}' AS bigint)", "bigint", str(BIGGEST), BIGGEST),
    Literally("unicode", "letters beyond ASCII", r"U&'\00e4\20ac\0416\+01F600'", "text", UNICODE, UNICODE),
    Literally("empty", "an empty text", "CAST('' AS text)", "text", "", ""),
    Literally("long", "a text of 100,000 letters", "repeat('x', 100000)", "text", LONG, LONG),
    Literally("bytes", "bytes", r"decode('00ff10', 'hex')", "bytea", "00ff10", b"\x00\xff\x10"),
)

MARIADB = (
    Literally("zero_date", "the date 0000-00-00", "CAST('0000-00-00' AS DATE)", "date", "0000-00-00", "0000-00-00"),
    Literally("half_date", "a date without a day", "CAST('2024-00-00' AS DATE)", "date", "2024-00-00", "2024-00-00"),
    Literally("span", "a negative time", "CAST('-838:59:59' AS TIME)", "time", "-838:59:59", "-838:59:59"),
    Literally(
        "time_microseconds",
        "microseconds of a time of day",
        "CAST('06:55:00.123456' AS TIME(6))",
        "time(6)",
        "06:55:00.123456",
        time(6, 55, 0, 123456),
    ),
    Literally(
        "microseconds",
        "microseconds of a time",
        "CAST('2026-11-21 06:55:00.123456' AS DATETIME(6))",
        "datetime(6)",
        "2026-11-21 06:55:00.123456",
        MOMENT,
    ),
    Literally("float", "a short floating-point number", "CAST(1.1 AS FLOAT)", "float", "1.1", 1.1),
    Literally(
        "decimal",
        "38 digits",
        f"CAST('{DIGITS}.5' AS DECIMAL(60,1))",
        "decimal(60,1)",
        f"{DIGITS}.5",
        Decimal(f"{DIGITS}.5"),
    ),
    Literally("biggest", "the biggest whole number", "18446744073709551615", "bigint", str(2**64 - 1), 2**64 - 1),
    Literally(
        "unicode",
        "letters beyond ASCII",
        "CONVERT(X'C3A4E282ACD096F09F9880' USING utf8mb4)",
        "varchar(9)",
        UNICODE,
        UNICODE,
    ),
    Literally("empty", "an empty text", "''", "varchar(9)", "", ""),
    Literally("null_letter", "a text with a NUL inside", "CAST(CHAR(65, 0, 66) AS CHAR)", "varchar(9)", "A\0B", "A\0B"),
    Literally("long", "a text of 100,000 letters", "REPEAT('x', 100000)", "longtext", LONG, LONG),
    Literally("bytes", "bytes", "UNHEX('00FF10')", "varbinary(9)", "00FF10", b"\x00\xff\x10"),
)

SQLITE = (
    Literally("bad_number", "a text in a column of numbers", "'12a'", "integer", "12a", "12a", "int"),
    Literally("bad_date", "a text in a column of dates", "'nonsense'", "date", "nonsense", "nonsense", "date"),
    Literally("bad_time", "a text in a column of times", "'nonsense'", "datetime", "nonsense", "nonsense", "datetime"),
    Literally("bad_boolean", "a text in a column of booleans", "'maybe'", "boolean", "maybe", "maybe", "bool"),
    Literally(
        "zone",
        "a time with its zone",
        "'2026-11-21T06:55:00+02:00'",
        "datetime",
        "2026-11-21T06:55:00+02:00",
        ABROAD,
        "datetime",
    ),
    Literally(
        "microseconds",
        "microseconds of a time",
        "'2026-11-21 06:55:00.123456'",
        "datetime",
        "2026-11-21 06:55:00.123456",
        MOMENT,
        "datetime",
    ),
    Literally("biggest", "the biggest whole number", str(BIGGEST), "integer", str(BIGGEST), BIGGEST, "int"),
    Literally("unicode", "letters beyond ASCII", "char(228, 8364, 1046, 128512)", "text", UNICODE, UNICODE),
    Literally("empty", "an empty text", "''", "text", "", ""),
    Literally("null_letter", "a text with a NUL inside", "CAST(X'410042' AS TEXT)", "text", "A\0B", "A\0B"),
    Literally("bad_letter", "a text that is not UTF-8", "CAST(X'41FF42' AS TEXT)", "text", "A�B", "A�B"),
    Literally("long", "a text of 100,000 letters", "replace(hex(zeroblob(50000)), '0', 'x')", "text", LONG, LONG),
    Literally("bytes", "bytes", "X'00FF10'", "blob", "00FF10", b"\x00\xff\x10"),
)

READING: Mapping[str, tuple[Literally, ...]] = {
    "postgresql": POSTGRESQL,
    "mariadb": MARIADB,
    "mysql": MARIADB,
    "sqlite": SQLITE,
}

# Three rows, of which the second has a value that Python cannot hold.
BATCHES: Mapping[str, str] = {
    "postgresql": "SELECT CAST('06:00' AS time) UNION ALL SELECT CAST('24:00' AS time) UNION ALL"
    " SELECT CAST('07:00' AS time)",
    "mariadb": "SELECT CAST('06:00' AS TIME) UNION ALL SELECT CAST('-838:59:59' AS TIME) UNION ALL"
    " SELECT CAST('07:00' AS TIME)",
}

# What lends a type where no table of the source need be there.
LENT: Mapping[tuple[str, str], str] = {("sqlite", "int"): "SELECT rootpage FROM main.sqlite_master WHERE 0 = 1"}


def _bound(moment: str, number: str, text: str, length: str, day: str) -> tuple[Bound, ...]:
    """The parameters, with the words of a database around them."""
    return (
        Bound(
            "bound_moment",
            "microseconds of a time",
            MOMENT,
            moment,
            "2026-11-21 06:55:00.123456",
            "2026-11-21 06:55:00.123456",
        ),
        Bound(
            "bound_zone",
            "a time with its zone",
            ABROAD,
            moment.replace("(6)", ""),
            "2026-11-21 04:55:00",
            "2026-11-21 04:55:00",
            ENDED,
        ),
        Bound("bound_day", "a date", date(2026, 11, 21), day, "2026-11-21", "2026-11-21"),
        Bound("bound_biggest", "the biggest whole number", BIGGEST, number, str(BIGGEST), str(BIGGEST)),
        Bound(
            "bound_bigger",
            "a bigger number than 64 bits hold",
            2**64 + 1,
            number.replace("bigint", "numeric"),
            str(2**64 + 1),
            str(2**64 + 1),
        ),
        Bound("bound_decimal", "38 digits", Decimal(DIGITS), number.replace("bigint", "numeric"), DIGITS, DIGITS),
        Bound("bound_uuid", "a UUID", UUID, text, str(UUID), str(UUID)),
        Bound("bound_unicode", "letters beyond ASCII", UNICODE, text, UNICODE, UNICODE),
        Bound("bound_empty", "an empty text", "", text, "", ""),
        Bound("bound_null_letter", "a text with a NUL inside", "A\0B", length, "3", None, REFUSED),
        Bound("bound_long", "a text of 100,000 letters", LONG, length, "100000", LONG),
    )


BINDING: Mapping[str, tuple[Bound, ...]] = {
    "postgresql": _bound(
        "SELECT CAST(CAST(? AS timestamp) AS text)",
        "SELECT CAST(CAST(? AS bigint) AS text)",
        "SELECT CAST(? AS text)",
        "SELECT CAST(length(CAST(? AS text)) AS text)",
        "SELECT CAST(CAST(? AS date) AS text)",
    ),
    "mariadb": _bound(
        "SELECT CAST(CAST(? AS DATETIME(6)) AS CHAR)",
        "SELECT CAST(CAST(? AS DECIMAL(65,0)) AS CHAR)",
        "SELECT CAST(? AS CHAR)",
        "SELECT CAST(CHAR_LENGTH(?) AS CHAR)",
        "SELECT CAST(CAST(? AS DATE) AS CHAR)",
    ),
    "sqlite": _bound(
        "SELECT CAST(? AS TEXT)",
        "SELECT CAST(? AS TEXT)",
        "SELECT CAST(? AS TEXT)",
        "SELECT CAST(length(CAST(? AS TEXT)) AS TEXT)",
        "SELECT CAST(? AS TEXT)",
    ),
}

SEVERAL = "SELECT 1{constants}; SELECT 2{constants}"

# The same answer twice means that both were asked in one transaction.
TRANSACTION: Mapping[str, str] = {"postgresql": "SELECT CAST(now() AS text)"}

# Code, about, the statement, whether the server knows it, what we do about it. Drivers put their own words for {…}
# (ODBC's escapes), and take an operator ? for a parameter.
BRACES = (
    "braces",
    "{fn ucase('a')}",
    "SELECT {fn ucase('a')}",
    False,
    "No statement of ours has a brace outside quotes",
)
ESCAPES: Mapping[str, tuple[tuple[str, str, str, bool, str], ...]] = {
    "postgresql": (
        BRACES,
        (
            "question_mark",
            "the operator ?",
            """SELECT CAST(CAST('{"a": 1}' AS jsonb) ? 'a' AS text)""",
            True,
            "No statement of ours has it",
        ),
    ),
    "mariadb": (BRACES,),
    "sqlite": (BRACES,),
}

SLOW: Mapping[str, str] = {
    "postgresql": "SELECT CAST(pg_sleep(6) AS text)",
    "mariadb": "SELECT SLEEP(6)",
    "mysql": "SELECT SLEEP(6)",
    "sqlite": "SELECT count(*) FROM (WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n"
    " WHERE i < 100000000) SELECT i FROM n)",
    "sqlserver": "WAITFOR DELAY '00:00:06'",
}
