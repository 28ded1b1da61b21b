"""What is said of a database, as data: the columns of the table of dialects.

A form is a template in which ``{c}`` is a quoted column, ``{p}`` a parameter and ``{bind_as}`` its native type. It is
looked up by the column's native type (lower case, without length), then by our type, then by ``*``.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from adapters.model import Column, Type

LENGTH = re.compile(r"\(.*?\)")
PRECISION = re.compile(r"\([0-9*]+,")


@dataclass(frozen=True, slots=True, eq=False)  # each is there once
class Dialect:
    """One database, as data.

    `products` begin the name that the driver reports (SQL_DBMS_NAME); `drivers` are found in a driver's name or file;
    `package` is the Debian package that brings the driver. `nulls_low` is whether NULL sorts before all values,
    `row_values` whether ``(a, b) > (?, ?)`` uses an index. `text` writes a value; `exact` writes it without any loss,
    to find its place again, where that is another text. `order` is what is sorted and compared with such a place,
    `compare` what is compared with a caller's value. `inexact` types cannot be found again at all.

    `session` makes a fresh connection read-only and its texts unambiguous; `proof` reads back that it is, and the
    answer expected; it is empty where no session can be made so and the login's rights alone count. `connect` is added
    to the connection string, and `file` is its key that names a database file.
    `tables` gives schema, name and '1' in the default schema; `columns`, asked with name and schema, gives name, native
    type, type to bind as, '1' if nullable and the place in the primary key.

    `page` is the shape of a statement for some rows; `isolation` ends each that reads a table. `wishes` are settings of
    the session that not every version has, so that a refusal is no reason to stop. Without `schemas` a table's name
    stands alone. `constants` follows a SELECT of constants. `aliases` names the columns of a result, where the shape
    wants them to be told apart. `whole_parameters` is whether the driver damages a parameter that it is given in
    pieces, as long ones are in ODBC. What can only be scanned has `scan`, and no SQL to speak of. `tested` is whether a
    real server is among our tests.

    `row_text` writes a whole row as one text, never the same for two rows: ``{parts}`` are its columns through
    `row_parts`, with `row_joint` between them. `row_hash` is a number of 64 bits of such a ``{text}``; `row_digest` is
    one of the columns themselves, ``{parts}`` through `digest_parts`, and is tried first. `row_sum` is how many rows
    ``b``, how many of their hashes ``b.h`` and the sum of them, as texts. Each may be missing.

    `packed` writes a row as one text that can be taken apart again (:mod:`adapters.packed`), its ``{parts}`` through
    `packed_parts`, in which ``{c}`` is a column's text, with `packed_joint` between them.

    `bundle` gives the rows of a statement as one text and their number (:mod:`adapters.bundles`): ``{rows}`` are they,
    of columns with ``{names}``, the first of them ``t``; ``{order}`` is theirs, ``{bytes}`` how long it may be.

    `horizon` tells which transactions are open, as :mod:`adapters.horizon` wants to be told, and `horizon_seconds` how
    much older its answer may be than the question. Below `ceilings`, by native type, all values are committed.
    `one_writer` is whether a transaction that writes waits until the one before has ended.
    """

    name: str
    products: tuple[str, ...]
    drivers: tuple[str, ...]
    package: str
    quotes: str
    nulls_low: bool
    row_values: bool
    server_timeout: bool
    text: Mapping[str, str]
    bind: Mapping[str, str]
    contains: str
    startswith: str
    session: tuple[str, ...]
    proof: tuple[str, str]
    types: Mapping[str, Type]
    tables: str
    columns: str
    exact: Mapping[str, str] = field(default_factory=dict)
    order: Mapping[str, str] = field(default_factory=dict)
    compare: Mapping[str, str] = field(default_factory=dict)
    fragments: tuple[tuple[str, Type], ...] = ()
    connect: Mapping[str, str] = field(default_factory=dict)
    file: str = ""
    inexact: frozenset[str] = frozenset()
    page: str = "SELECT {what} FROM {rest} LIMIT {limit}"
    isolation: str = ""
    wishes: tuple[str, ...] = ()
    schemas: bool = True
    constants: str = ""
    aliases: bool = False
    whole_parameters: bool = False
    scan: bool = False
    tested: bool = False
    row_parts: Mapping[str, str] = field(default_factory=dict)
    row_joint: str = ", "
    row_text: str = ""
    row_hash: str = ""
    digest_parts: Mapping[str, str] = field(default_factory=dict)
    row_digest: str = ""
    row_sum: str = ""
    packed: str = ""
    packed_parts: Mapping[str, str] = field(default_factory=dict)
    packed_joint: str = ", "
    bundle: str = ""
    horizon: str = ""
    horizon_seconds: float = 0.0
    ceilings: Mapping[str, str] = field(default_factory=dict)
    one_writer: bool = False

    def quoted(self, name: str) -> str:
        """A name from the catalogue as an identifier; its own quotes are doubled."""
        return f"{self.quotes}{name.replace(self.quotes, self.quotes * 2)}{self.quotes}"

    def finds_again(self, column: Column) -> bool:
        """Whether a value of this column, as text, can be compared with the column exactly."""
        # "text" is the native type there, which cannot be sorted: our own of that name is any string's.
        ours = {column.type} - {"text"}
        return not self.inexact & {native_word(column.native), *ours}

    def classify(self, native: str) -> Type:
        """The native type in our words; what is unknown is text."""
        word = native_word(native)
        for known in (native.lower(), PRECISION.sub("(*,", native.lower()), word):
            if known in self.types:
                return self.types[known]
        return next((kind for fragment, kind in self.fragments if fragment in word), "text")


def native_word(native: str) -> str:
    """``Decimal(10,2)`` → ``decimal``; ``timestamp(3) with time zone`` → ``timestamp with time zone``."""
    return LENGTH.sub("", native).strip().lower()


def form(forms: Mapping[str, str], column: Column, default: str = "{c}") -> str:
    """The template for a column."""
    word = native_word(column.native)
    return forms.get(word) or forms.get(column.type) or forms.get("*", default)
