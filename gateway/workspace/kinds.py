"""The kinds of values in the workspace's files: what each is called, who reads it, and its JSON Schema."""

from __future__ import annotations

from typing import Any

from gateway.workspace import access, accounts, letters, remotes, signatures, values
from gateway.workspace.values import Kind

# An editor's YAML takes 997 for a number and NO for a boolean; here they are texts all the same.
_ANY_TEXT: dict[str, Any] = {"type": ["string", "number", "boolean"]}


def _text(pattern: str) -> dict[str, Any]:
    return {"type": "string", "pattern": f"^(?:{pattern})$"}


def several(schema: dict[str, Any]) -> dict[str, Any]:
    """One of these, or a list of them."""
    return {"anyOf": [schema, {"type": "array", "items": schema, "minItems": 1}]}


TEXT = Kind("text", values.read_text, _ANY_TEXT)
NAME = Kind("name", values.read_name, _text(values.NAME.pattern))
WHOLE = Kind("whole number", values.read_whole, {"type": "integer", "minimum": 1})
DURATION = Kind("duration", values.read_duration, _text(r"[0-9]+(\.[0-9]+)?(ms|s|m|h|d)"))
AGE = Kind("time to keep", values.read_age, _text("[1-9][0-9]*[dy]"))
DATE = Kind("date", values.read_date, _text("[0-9]{4}-[0-9]{2}-[0-9]{2}"))
SIZE = Kind("size", values.read_size, _text(r"[0-9]+\s*([KMG]i?B|B)"))
ADDRESS = Kind("host:port", values.read_address, _text(r"\S+:[0-9]{1,5}"))
STORE = Kind("store", values.read_store, _text("(sqlite:|postgresql://|secret:).+"))
VAULT = Kind("folder or bucket", values.read_vault, _ANY_TEXT)
ENDPOINT = Kind("URL", values.read_endpoint, _text(r"https?://[^\s/?#@]+/?"))
SECRET = Kind("reference to a secret", values.read_secret, _text(r"secret:[\w./-]+"))
PASSWORD_HASH = Kind("argon2id hash", values.read_password_hash, _text(r"(secret:|\$argon2id\$).+"))
CONTRACT = Kind("contract and version", values.read_contract_name, _text(r"[a-z][a-z0-9-]* v[1-9][0-9]*"))
SOURCE = Kind("source", remotes.read_source, _text("(drop://|folder:|sftp://|table://|http:|hook:).*"))
FINGERPRINTS = Kind(
    "fingerprint, or two",
    lambda node: values.read_list(node, remotes.read_fingerprint),
    several(_text(remotes.FINGERPRINT.pattern)),
)
ANSWERS = Kind("folder at a server", remotes.read_answers, _text("sftp://.+/.*"))
AFTER = Kind("what is done with a file", remotes.read_after, _text("leave|delete|move .+"))
SETTLE = Kind("duration, or none", remotes.read_settle, _text(r"[0-9]+(\.[0-9]+)?(ms|s|m|h|d)|none"))
MARKER = Kind("ending of a name", remotes.read_marker, _ANY_TEXT)
CHOICE = Kind("modern or compatible", remotes.read_algorithms, {"enum": list(remotes.ALGORITHMS)})
FORMAT = Kind("format", values.scalar, {"type": "string"})
COLUMNS = Kind("columns", values.read_columns, _ANY_TEXT)
ACCEPT = Kind("acceptance", values.read_accept, _text("file|(rows|documents)(, hold the file above .+% bad)?"))
CHANGES = Kind("changes", values.read_changes, {"type": "string"})
TRUTH = Kind("true or false", values.read_truth, {"type": "boolean"})
DIALECT = Kind("dialect", values.read_dialect, {"enum": list(values.DIALECTS)})
REPLICATION = Kind("address or reference", values.read_replication, _text("(postgresql://|secret:).+"))
QUERIES = Kind(
    "queries",
    values.read_mapping,
    {
        "type": "object",
        "minProperties": 1,
        "propertyNames": {"pattern": f"^(?:{values.NAME.pattern})$"},
        "additionalProperties": {"$ref": "#/$defs/query"},
    },
)
TABLE_KEYS = Kind(
    "columns by table",
    values.read_mapping,
    {"type": "object", "minProperties": 1, "additionalProperties": _ANY_TEXT},
)
WINDOWS = Kind("times of the week", values.read_windows, {"type": "string"})
EXPECT = Kind("expectation", values.read_expect, {"type": "string"})
ANSWER = Kind("acknowledgments", values.read_answer, _ANY_TEXT)
KEY_FIELDS = Kind("key fields", values.scalar, {"type": "string"})
KEYS = Kind(
    "public keys",
    lambda node: values.read_list(node, values.read_public_key),
    {"type": ["string", "array"], "items": {"type": "string"}},
)
ISA = Kind(
    "X12 identities",
    lambda node: values.read_list(node, values.read_isa),
    {"type": ["string", "array"], "items": {"type": "string"}},
)
UNB = Kind(
    "EDIFACT identities",
    lambda node: values.read_list(node, values.read_unb),
    {"type": ["string", "array"], "items": {"type": "string"}},
)
SECTION = Kind("section", values.read_mapping, {"type": "object"})
MAP = Kind(
    "mapping",
    values.read_mapping,
    {"type": "object", "minProperties": 1, "additionalProperties": {"$ref": "#/$defs/mapped"}},
)
FIELDS = Kind(
    "fields",
    values.read_mapping,
    {"type": "object", "minProperties": 1, "additionalProperties": {"$ref": "#/$defs/field"}},
)
EXTENDS = Kind("the word standard", values.read_extends, {"const": "standard"})
CHECKS = Kind("checks", values.read_node, {"type": "array", "items": {"type": "string"}})
TEXTS = Kind("text, or several", lambda node: values.read_list(node, values.read_text), several(_ANY_TEXT))
NAMES = Kind("name, or several", lambda node: values.read_list(node, values.read_name), several(NAME.schema))
URL = Kind("https URL", access.read_url, _text(r"https?://[^\s?#@]+"))
ALGORITHMS = Kind(
    "signature algorithms",
    lambda node: values.read_list(node, access.read_algorithm),
    several({"enum": list(access.ALGORITHMS)}),
)
SCOPES = Kind("scopes", lambda node: values.read_list(node, access.read_scope), several(_text(access.SCOPE.pattern)))
GRANTS = Kind(
    "scopes by name", access.read_grants, {"type": "object", "minProperties": 1, "additionalProperties": SCOPES.schema}
)
LOGIN = Kind("way to log in", accounts.read_login, {"enum": list(accounts.LOGINS)})
SFTP_ALGORITHMS = Kind("list of algorithms", accounts.read_algorithms, {"enum": list(accounts.ALGORITHMS)})
NETWORKS = Kind("addresses", lambda node: values.read_list(node, access.read_network), several({"type": "string"}))
HEADER = Kind("name of a header", access.read_header, _text(access.HEADER.pattern))
SCHEME = Kind("way to sign", signatures.read_scheme, {"enum": list(signatures.SCHEMES)})
SECRETS = Kind("reference to a secret, or two", signatures.read_secrets, several(SECRET.schema))
HASH = Kind("hash", signatures.read_algorithm, {"enum": list(signatures.ALGORITHMS)})
ENCODING = Kind("hex or base64", signatures.read_encoding, {"enum": list(signatures.ENCODINGS)})
ANY_HEADER = Kind("name of a header", signatures.read_header, _text(signatures.HEADER.pattern))
PART = Kind("part of a header", signatures.read_part, _text(signatures.PART.pattern))
PREFIX = Kind("text", signatures.read_prefix, _ANY_TEXT)
SIGNED = Kind("text with places", signatures.read_signed, _text(r".*\{body\}.*"))
LETTERS = Kind("places", letters.read_letters, _text(r"none|(outbox|mail)([ ,]+(outbox|mail))*"))
MAILBOX = Kind("address of e-mail", letters.read_mailbox, _text(letters.MAILBOX.pattern))
MAILBOXES = Kind(
    "addresses of e-mail",
    lambda node: values.read_list(node, letters.read_mailbox),
    several(_text(letters.MAILBOX.pattern)),
)
SECURITY = Kind("starttls, tls or none", letters.read_security, {"enum": list(letters.SECURITY)})
RULES = Kind(
    "rules",
    values.read_node,
    {"type": "array", "items": {"type": "object", "minProperties": 1, "maxProperties": 1}},
)
