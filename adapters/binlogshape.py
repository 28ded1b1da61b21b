"""What a table looks like at a place of MariaDB's or MySQL's log, and which statements of the log change that.

The log tells its rows' types and not, unless the server is told to, their names. The names are the catalogue's, as it
stood when the last statement that changes the table had been logged; see :class:`adapters.binlogparts.Teller`.
"""

from __future__ import annotations

import json
import re
from dataclasses import astuple, dataclass
from typing import TYPE_CHECKING, Literal

from adapters.binlogrows import CODECS, Logged, Misfit, Writer
from adapters.binlogvalues import charmap
from adapters.binlogwire import fingerprint
from adapters.counts import so_many
from adapters.errors import Stop

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from adapters.binlog import TableMap
    from adapters.binlogrows import Row
    from adapters.binlogwire import Wire
    from adapters.dialects import Dialect

COLUMNS = (
    "SELECT column_name, column_type, COALESCE(character_set_name, ''), COALESCE(character_octet_length, 0), extra"
    " FROM information_schema.columns WHERE table_schema = %s AND table_name = %s ORDER BY ordinal_position"
)
ATTRIBUTES = re.compile(r"^(\w+(?:\([^)']*\))?).*$", re.DOTALL)
SET_STATEMENT = re.compile(r"(?is)^SET\s+STATEMENT\s.*?\sFOR\s+")
COMMENT = re.compile(r"(?s)^\s*(/\*(?!M?!).*?\*/|--[^\n]*\n|#[^\n]*\n)\s*")
NAME = r"(?:`(?:[^`]|``)+`|[\w$\u0080-\uffff]+)"
ALTER = re.compile(
    rf"(?is)^ALTER\s+(?:ONLINE\s+|OFFLINE\s+|IGNORE\s+)*TABLE\s+(?:IF\s+EXISTS\s+)?({NAME}(?:\s*\.\s*{NAME})?)(.*)$"
)
RENAMES = re.compile(r"(?i)\bRENAME\s+(?!COLUMN\b|INDEX\b|KEY\b)")
PARTITIONS = re.compile(r"(?i)\b(DROP|TRUNCATE|EXCHANGE|CONVERT)\s+PARTITION\b")
WRITES = frozenset({"INSERT", "UPDATE", "DELETE", "REPLACE", "LOAD", "MERGE"})

Effect = Literal["", "shape", "gone", "statement"]
"""What a statement does to a table: nothing to speak of, another shape, all its rows, some without telling which."""


@dataclass(frozen=True, slots=True)
class Shape:
    """A table's columns in the log's order."""

    columns: tuple[Logged, ...]

    def to_json(self) -> str:
        """The columns, the same text for the same ones."""
        return json.dumps([astuple(column) for column in self.columns], ensure_ascii=False)

    @classmethod
    def from_json(cls, text: str | bytes) -> Shape:
        """What :meth:`to_json` wrote."""
        return cls(tuple(Logged(*parts) for parts in json.loads(text)))

    @property
    def fingerprint(self) -> str:
        """64 bits of it."""
        return fingerprint(self.to_json())

    def differs(self, before: Shape) -> tuple[str, ...]:
        """What a person should know of the way here from an earlier shape."""
        old = {column.name: column.native for column in before.columns}
        new = {column.name: column.native for column in self.columns}
        said = [f"column {name!r} ({kind}) is new" for name, kind in new.items() if name not in old]
        said += [f"column {name!r} ({kind}) is gone" for name, kind in old.items() if name not in new]
        said += [
            f"column {name!r} is {kind} now, and was {old[name]}"
            for name, kind in new.items()
            if old.get(name, kind) != kind
        ]
        if not said and list(old) != list(new):
            said.append(f"the columns stand in another order: {', '.join(new)}")
        return tuple(said)


class Shapes:
    """The shapes of one table, and the functions that read its rows."""

    def __init__(self, wire: Wire, dialect: Dialect, schema: str, table: str, key: Sequence[str]) -> None:
        self._wire = wire
        self._dialect = dialect
        self._table = (schema, table)
        self._key = tuple(key)
        self._charsets: dict[str, Callable[[bytes], str]] = {}
        self._written: dict[tuple[Shape, TableMap, int], Callable[[bytes, int, int], list[Row]]] = {}

    def now(self) -> Shape:
        """As the catalogue has it."""
        found = self._wire.ask(COLUMNS, *self._table)
        return Shape(
            tuple(
                Logged(
                    str(name),
                    str(native),
                    self._dialect.classify(ATTRIBUTES.sub(r"\1", str(native))),
                    str(charset),
                    int(octets),
                    "VIRTUAL" in str(extra).upper(),
                )
                for name, native, charset, octets, extra in found
            )
        )

    def reader(self, shape: Shape, table: TableMap, present: int) -> Callable[[bytes, int, int], list[Row]]:
        """What reads rows of this shape that hold the `present` columns.

        Raises:
            Misfit: The log's rows are not of this shape.
        """
        known = self._written.get((shape, table, present))
        if known is None:
            known = self._write(shape, table, present)
            self._written[(shape, table, present)] = known
        return known

    def _write(self, shape: Shape, table: TableMap, present: int) -> Callable[[bytes, int, int], list[Row]]:
        columns = shape.columns
        if len(columns) != len(table.types):
            raise Misfit(f"the catalogue has {so_many(len(columns), 'column')}, the log {len(table.types)}")
        names = tuple(column.name for column in columns)
        if table.names and table.names != names:
            raise Misfit(f"the catalogue's columns are {list(names)}, those of the log {list(table.names)}")
        lacking = [name for name in self._key if name not in names]
        if lacking:
            raise Misfit(f"there is no column {lacking[0]!r}, which is in the key")
        writer = Writer(self._charset)
        cells = [
            writer.cell(column, code, meta)
            for column, code, meta in zip(columns, table.types, table.metas, strict=True)
        ]
        shown = [at for at in range(len(columns)) if present >> at & 1]
        left_out = [column.name for at, column in enumerate(columns) if at not in set(shown) and not column.generated]
        if left_out:
            raise Misfit(f"a session wrote rows without the column {left_out[0]!r} (binlog_row_image is not FULL)")
        return writer.function([columns[at] for at in shown], [cells[at] for at in shown], self._key)

    def _charset(self, name: str) -> Callable[[bytes], str]:
        """How bytes of a character set become text. Those of one byte are asked of the server."""
        if name not in self._charsets:
            codec = CODECS.get(name)
            if codec is not None:
                self._charsets[name] = lambda content: content.decode(codec, "replace")
            else:
                self._charsets[name] = charmap(self._characters(name))
        return self._charsets[name]

    def _characters(self, name: str) -> str:
        if re.fullmatch(r"\w+", name):
            sql = (
                f"SELECT m.maxlen, HEX(CONVERT(CONVERT(UNHEX(%s) USING {name}) USING utf32))"  # noqa: S608 - letters
                " FROM information_schema.character_sets m WHERE m.character_set_name = %s"
            )
            found = self._wire.ask(sql, bytes(range(256)).hex(), name)
            if found and found[0][0] == 1:
                return bytes.fromhex(str(found[0][1])).decode("utf-32-be", "replace")
        raise Stop(
            f"the character set {name!r} of a column cannot be read from the log",
            "Follow the table by another strategy (diff, watermark)",
        )


def unquoted(name: str) -> str:
    """A name as it is."""
    return name[1:-1].replace("``", "`") if name.startswith("`") else name


def effect(sql: str, schema: str, ours: tuple[str, str], *, folded: bool = False) -> Effect:
    """What a statement of the log, run in `schema`, does to the table `ours` (schema and name).

    `folded` is whether the server takes names for the same whatever their case. Better too often than too seldom.
    """
    sql = SET_STATEMENT.sub("", sql)
    while COMMENT.match(sql):
        sql = COMMENT.sub("", sql)
    words = re.findall(r"[A-Za-z]+", sql[:80].upper())
    if not words:
        return ""
    if words[0] == "DROP" and words[1:2] in (["DATABASE"], ["SCHEMA"]):
        return "gone" if _mentioned(sql, ours[1:] and ours[0], None, None, folded=folded) else ""
    if not _mentioned(sql, ours[1], ours[0], schema, folded=folded):
        return ""
    if words[0] in WRITES:
        return "statement"
    if words[0] == "ALTER" and (found := ALTER.match(sql)):
        target = [unquoted(each) for each in re.findall(NAME, found[1])]
        name, of = target[-1], target[0] if len(target) > 1 else schema
        same = (of.casefold(), name.casefold()) == (ours[0].casefold(), ours[1].casefold())
        rest = re.sub(r"'(?:[^'\\]|\\.|'')*'", "''", found[2])
        if RENAMES.search(rest) or PARTITIONS.search(rest):
            return "gone"
        return "shape" if same else ""
    if words[0] == "TRUNCATE" or words[:2] in (["DROP", "TABLE"], ["RENAME", "TABLE"]):
        return "gone"
    if words[:2] == ["DROP", "TEMPORARY"] or words[:2] == ["CREATE", "TEMPORARY"]:
        return ""
    if words[0] == "CREATE" and "TABLE" in words[1:5]:
        created = re.search(rf"(?is)\bTABLE\s+(?:IF\s+NOT\s+EXISTS\s+)?({NAME}(?:\s*\.\s*{NAME})?)", sql)
        if created and unquoted(re.findall(NAME, created[1])[-1]).casefold() == ours[1].casefold():
            return "gone" if words[1] == "OR" else "shape"
    return ""


def _mentioned(sql: str, name: str, schema: str | None, default: str | None, *, folded: bool) -> bool:
    """Whether a statement names a table, in no other schema than this."""
    quoted = re.escape("`" + name.replace("`", "``") + "`")
    pattern = rf"(?:({NAME})\s*\.\s*)?(?:{quoted}|(?<![\w$`]){re.escape(name)}(?![\w$`]))"
    for found in re.finditer(pattern, sql, re.IGNORECASE if folded else 0):
        of = unquoted(found[1]) if found[1] else default
        if schema is None or of == schema or (folded and (of or "").casefold() == schema.casefold()):
            return True
    return False
