"""The tables of the store, in SQLAlchemy Core; migrations/ brings a database to this shape.

The tables of records are not here: each contract version has one of its own, made when a configuration that names it
is applied (``staging.ensure``).

Times are RFC 3339 text in UTC with six digits of a second, which sorts like time on every database. A lease's clock
(`due`) is seconds since 1970.
"""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Column,
    Double,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    Table,
    Text,
    UniqueConstraint,
    text,
)

metadata = MetaData()

# SQLite gives a rowid, and so an ascending number, to INTEGER PRIMARY KEY alone.
Number = BigInteger().with_variant(Integer, "sqlite")

delivery = Table(
    "delivery",
    metadata,
    Column("number", Number, primary_key=True, autoincrement=True),
    Column("id", Text, nullable=False, unique=True),
    Column("arrival", Text, unique=True),
    Column("state", Text, nullable=False),
    Column("source", Text, nullable=False),
    Column("name", Text, nullable=False),
    Column("partner", Text),
    Column("integration", Text),
    Column("lane", Text, nullable=False),  # deliveries of one lane are judged in the order of their numbers
    Column("sha256", Text, nullable=False),
    Column("size", BigInteger, nullable=False),
    Column("whole", Integer),  # 0: the arrival's envelope was never closed
    Column("received_at", Text, nullable=False),
    Column("finished_at", Text),
    Column("revision", Text),
    Column("twin", Text),
    Column("documents", Text, nullable=False, server_default="{}"),  # JSON: state → count
    Column("due", Double),  # when the next work on it may start; NULL: nothing is left to do
    Column("owner", Text),
    Column("token", BigInteger, nullable=False, server_default="0"),
    Column("tries", Integer, nullable=False, server_default="0"),
    Column("replay", Text),  # then, now: how it is to be, or was, judged again from its bytes
    Column("archive", Text),  # zip, gzip: its members were unpacked
    Column("purged_at", Text),  # when its bytes, and what was held of it, were purged
    Column("purged_by", Text),  # keep: 90d of acme-orders
    Column("ended", Text),  # the state that it had before
    Index("delivery_due", "due"),
    Index("delivery_sha256", "sha256"),
    Index(
        "delivery_kept",
        "integration",
        "received_at",
        sqlite_where=text("purged_at IS NULL"),
        postgresql_where=text("purged_at IS NULL"),
    ),
    Index(
        "delivery_open",
        "lane",
        "number",
        sqlite_where=text("due IS NOT NULL"),
        postgresql_where=text("due IS NOT NULL"),
    ),
    Index(
        "delivery_owner",
        "owner",
        sqlite_where=text("owner IS NOT NULL"),
        postgresql_where=text("owner IS NOT NULL"),
    ),
    Index("delivery_integration", "integration", "partner", "number"),
    Index("delivery_partner", "partner", "number"),
    Index("delivery_state", "state", "number"),
)

document = Table(
    "document",
    metadata,
    Column("delivery", BigInteger, primary_key=True),
    Column("number", BigInteger, primary_key=True),
    Column("id", Text, nullable=False, unique=True),
    Column("state", Text, nullable=False),
    Column("integration", Text),
    Column("contract", Text),
    Column("start", BigInteger, nullable=False),
    Column("end", BigInteger, nullable=False),
    Column("held_at", Text, nullable=False),
    Column("retry", Integer, nullable=False, server_default="0"),
    Column("reason", Text),
    Column("who", Text),
    Index("document_state", "state", "id"),
)

member = Table(
    # What an archive holds. Its members' offsets, and the numbers of their documents, go on behind the archive's own:
    # `start` is where a member's first byte is then. A file of the vault that is named here is one in use.
    "member",
    metadata,
    Column("delivery", BigInteger, primary_key=True, autoincrement=False),
    Column("number", Integer, primary_key=True, autoincrement=False),  # its place in the archive, from 1
    Column("name", Text, nullable=False),
    Column("sha256", Text),  # its bytes, in the vault; NULL: it was not unpacked
    Column("size", BigInteger, nullable=False),
    Column("start", BigInteger, nullable=False),
    Column("code", Text),  # the code of the finding that says why it was not unpacked
    Index("member_start", "delivery", "start"),
    Index("member_sha256", "sha256"),
)

decision = Table(
    # What a person decided about one document: the latest counts, and counts again at every replay.
    "decision",
    metadata,
    Column("id", Number, primary_key=True, autoincrement=True),
    Column("delivery", BigInteger, nullable=False),
    Column("document", BigInteger, nullable=False),
    Column("kind", Text, nullable=False),  # corrected, discarded
    Column("start", BigInteger),  # the span of the raw file that the correction stands for
    Column("end", BigInteger),
    Column("sha256", Text),  # the corrected bytes, in the vault
    Column("size", BigInteger),
    Column("at", Text, nullable=False),
    Column("who", Text, nullable=False),
    Column("reason", Text, nullable=False),
    Index("decision_document", "delivery", "document", "id"),
    Index("decision_sha256", "sha256"),
)

finding = Table(
    "finding",
    metadata,
    Column("id", Number, primary_key=True, autoincrement=True),
    Column("delivery", BigInteger, nullable=False),
    Column("document", BigInteger),
    Column("code", Text, nullable=False),
    Column("severity", Text, nullable=False),
    Column("message", Text, nullable=False),
    Column("remedy", Text, nullable=False),
    Column("start", BigInteger),
    Column("end", BigInteger),
    Column("line", BigInteger),
    Column("segment", BigInteger),
    Column("tag", Text),
    Column("element", Integer),
    Column("component", Integer),
    Column("column_name", Text),
    Column("target", Text),
    Column("value", Text),
    Index("finding_delivery", "delivery", "document"),
    Index("finding_code", "code"),
)

answering = Table(
    # Which deliveries are to be answered, once for ever; `due`, `owner` and `token` are a lease, as deliveries have.
    "answering",
    metadata,
    Column("delivery", BigInteger, primary_key=True, autoincrement=False),
    Column("revision", Text, nullable=False),  # that judged it; by which it is answered
    Column("twin", BigInteger),  # of a duplicate: the delivery whose acknowledgments are sent again
    Column("state", Text, nullable=False),  # due, built, nothing, failed
    Column("due", Double),
    Column("owner", Text),
    Column("token", BigInteger, nullable=False, server_default="0"),
    Column("tries", Integer, nullable=False, server_default="0"),
    Column("problem", Text),
    Column("late", Integer, nullable=False, server_default="0"),  # 1: it was told that it is
    Index("answering_due", "due"),
    Index("answering_twin", "twin", sqlite_where=text("due IS NOT NULL"), postgresql_where=text("due IS NOT NULL")),
)

acknowledgment = Table(
    # What a delivery is answered: the very bytes, never changed, and how far they are on their way.
    "acknowledgment",
    metadata,
    Column("id", Number, primary_key=True, autoincrement=True),
    Column("delivery", BigInteger, nullable=False),
    Column("place", Integer, nullable=False),  # within the delivery, from 1
    Column("interchange", Integer, nullable=False),  # which one of the delivery is answered, from 1
    Column("functional_group", Integer, nullable=False),  # which one of that, from 1; 0: the interchange itself
    Column("kind", Text, nullable=False),
    Column("standard", Text, nullable=False),
    Column("sender", Text, nullable=False),  # we, as the envelope names us
    Column("receiver", Text, nullable=False),
    Column("number", BigInteger, nullable=False),  # our control number
    Column("answers_interchange", Text, nullable=False),  # their control numbers
    Column("answers_group", Text),
    Column("disposition", Text, nullable=False),
    Column("included", BigInteger),
    Column("received", BigInteger, nullable=False),
    Column("accepted", BigInteger, nullable=False),
    Column("partner", Text),
    Column("name", Text, nullable=False),  # of the file in the partner's outbox
    Column("content", LargeBinary, nullable=False),
    Column("again", Integer, nullable=False),  # 1: sent before, and once more because the delivery was a duplicate
    Column("state", Text, nullable=False),  # built, staged, sent, kept
    Column("built_at", Text, nullable=False),
    Column("sent_at", Text),
    Column("collected_at", Text),  # when its partner fetched it from our outbox
    Column("due", Double),
    Column("owner", Text),
    Column("token", BigInteger, nullable=False, server_default="0"),
    Column("tries", Integer, nullable=False, server_default="0"),
    Column("staged", BigInteger),  # the token under which its file was written, out of the partner's sight
    Column("problem", Text),
    Column("late", Integer, nullable=False, server_default="0"),  # 1: it was told that it is
    Index("acknowledgment_file", "partner", "name"),
    Index("acknowledgment_sent", "partner", "sent_at", "collected_at"),
    Index("acknowledgment_delivery", "delivery", "place", unique=True),
    Index(
        "acknowledgment_number",
        "standard",
        "sender",
        "receiver",
        "number",
        unique=True,
        sqlite_where=text("again = 0"),
        postgresql_where=text("again = 0"),
    ),
    Index("acknowledgment_answers", "standard", "receiver", "sender", "answers_interchange"),
    Index("acknowledgment_due", "due"),
)

lettering = Table(
    # Which deliveries their partners are written a letter about, and how they had ended then; a lease, as `answering`.
    "lettering",
    metadata,
    Column("delivery", BigInteger, primary_key=True, autoincrement=False),
    Column("number", Integer, primary_key=True, autoincrement=False),  # of the letters about the delivery, from 1
    Column("partner", Text, nullable=False),
    Column("revision", Text, nullable=False),  # that judged it
    Column("ended", Text, nullable=False),  # the state of the delivery that the letter is about
    Column("documents", Text, nullable=False),  # and its counters
    Column("owed_at", Text, nullable=False),
    Column("state", Text, nullable=False),  # due, built, failed
    Column("due", Double),
    Column("owner", Text),
    Column("token", BigInteger, nullable=False, server_default="0"),
    Column("tries", Integer, nullable=False, server_default="0"),
    Column("problem", Text),
    Column("late", Integer, nullable=False, server_default="0"),  # 1: it was told that it is
    Index("lettering_due", "due"),
)

letter = Table(
    # A letter in one of its forms: the very bytes, never changed, and how far they are on their way.
    "letter",
    metadata,
    Column("id", Number, primary_key=True, autoincrement=True),
    Column("delivery", BigInteger, nullable=False),
    Column("number", Integer, nullable=False),  # of the letters about the delivery, from 1
    Column("kind", Text, nullable=False),  # text, html, csv, mail
    Column("partner", Text, nullable=False),
    Column("name", Text, nullable=False),  # of the file in the partner's outbox; of a mail its Message-ID
    Column("content", LargeBinary, nullable=False),
    Column("state", Text, nullable=False),  # built, staged, sent, kept
    Column("built_at", Text, nullable=False),
    Column("sent_at", Text),
    Column("collected_at", Text),  # when its partner fetched it from our outbox
    Column("due", Double),
    Column("owner", Text),
    Column("token", BigInteger, nullable=False, server_default="0"),
    Column("tries", Integer, nullable=False, server_default="0"),
    Column("staged", BigInteger),
    Column("problem", Text),
    Column("late", Integer, nullable=False, server_default="0"),  # 1: it was told that it is
    Index("letter_file", "partner", "name"),
    Index("letter_sent", "partner", "sent_at"),
    Index("letter_delivery", "delivery", "number", "kind", unique=True),
    Index("letter_due", "due"),
)

control_number = Table(
    # The last control number of interchanges that we gave out, for each pair of sender and receiver.
    "control_number",
    metadata,
    Column("standard", Text, primary_key=True),
    Column("sender", Text, primary_key=True),
    Column("receiver", Text, primary_key=True),
    Column("last", BigInteger, nullable=False),
)

contract = Table(
    "contract",
    metadata,
    Column("id", Text, primary_key=True),  # order.v1
    Column("records", Text, nullable=False),  # the name of its table of records
    Column("columns", Text, nullable=False),  # JSON: column → type
    Column("next_id", BigInteger, nullable=False, server_default="1"),
    Column("last_seq", BigInteger, nullable=False, server_default="0"),
    Column("staging", BigInteger),  # the delivery whose records are being staged or settled
    Column("staged_from", BigInteger),  # the first id of those
    Column("offset", BigInteger),  # change number - id of those, once they are published
    Column("purged_to", BigInteger, nullable=False, server_default="0"),  # rows up to there have met their keep:
    Column("erased_to", BigInteger, nullable=False, server_default="0"),  # and their keep_personal:
    Column("erased", Text),  # JSON: which fields were erased by that
    Column("whole_from", BigInteger, nullable=False, server_default="0"),  # before this change, versions are missing
)

purged_content = Table(
    # Bytes of the vault that nothing names any more: told here first, then deleted, and done when `deleted_at` says so.
    "purged_content",
    metadata,
    Column("sha256", Text, primary_key=True),
    Column("at", Text, nullable=False),
    Column("deleted_at", Text),
    Index(
        "purged_content_left",
        "at",
        "sha256",
        sqlite_where=text("deleted_at IS NULL"),
        postgresql_where=text("deleted_at IS NULL"),
    ),
)

chore = Table(
    # What one process at a time does now and then, and when it is due again.
    "chore",
    metadata,
    Column("name", Text, primary_key=True),
    Column("due", Double, nullable=False),
)

change_block = Table(
    # The change log: a run of consecutive change numbers is a run of consecutive ids in one table of records.
    "change_block",
    metadata,
    Column("first_seq", BigInteger, primary_key=True),
    Column("last_seq", BigInteger, nullable=False),
    Column("contract", Text, nullable=False),
    Column("delivery", BigInteger, nullable=False),
    Column("first_id", BigInteger, nullable=False),
    Column("at", Text, nullable=False),
    Column("revision", Text),  # the configuration that judged what the delivery brought
    Index("change_block_contract", "contract", "first_id"),
    Index("change_block_delivery", "delivery", "contract"),
    Index("change_block_latest", "contract", "delivery"),
    Index("change_block_at", "contract", "at"),
)

kept = Table(
    # Rows of records that a replay, while it runs, found to be what the bytes still say.
    "kept",
    metadata,
    Column("delivery", BigInteger, primary_key=True, autoincrement=False),
    Column("contract", Text, primary_key=True),
    Column("record", BigInteger, primary_key=True, autoincrement=False),
)

counter = Table(
    "counter",
    metadata,
    Column("name", Text, primary_key=True),
    Column("value", BigInteger, nullable=False),
)

activity = Table(
    "activity",
    metadata,
    Column("id", Number, primary_key=True, autoincrement=True),
    Column("at", Text, nullable=False),
    Column("level", Text, nullable=False),
    Column("event", Text, nullable=False),
    Column("integration", Text),
    Column("partner", Text),
    Column("delivery", Text),
    Column("message", Text, nullable=False),
    Column("data", Text, nullable=False),
    Index("activity_delivery", "delivery", "id"),
    Index("activity_integration", "integration", "id"),
)

audit = Table(
    # Who did what: each row's hash covers the row before it (chain.py). Rows are only ever added.
    "audit",
    metadata,
    Column("number", Number, primary_key=True, autoincrement=False),
    Column("at", Text, nullable=False),
    Column("who", Text, nullable=False),
    Column("action", Text, nullable=False),
    Column("subject", Text, nullable=False),
    Column("details", Text, nullable=False),  # JSON
    Column("hash", Text, nullable=False),
    Index("audit_subject", "subject", "number"),
    Index("audit_action", "action", "number"),
    Index("audit_who", "who", "number"),
)

audit_head = Table(
    # One row: what the newest row of the audit log is.
    "audit_head",
    metadata,
    Column("number", BigInteger, primary_key=True, autoincrement=False),
    Column("hash", Text, nullable=False),
)

revision = Table(
    "revision",
    metadata,
    Column("number", Number, primary_key=True, autoincrement=True),
    Column("revision", Text, nullable=False),
    Column("applied_at", Text, nullable=False),
    Column("files", Text, nullable=False),
    Index("revision_name", "revision"),
)

source = Table(
    # Where the reading of a table stands; `due`, `owner` and `token` are the lease of its poller.
    "source",
    metadata,
    Column("name", Text, primary_key=True),
    Column("position", Text),
    Column("due", Double, nullable=False),
    Column("owner", Text),
    Column("token", BigInteger, nullable=False, server_default="0"),
    Column("problem", Text),
    Column("read_at", Text),
)

note = Table(
    # What the reading of a table remembers besides its position; the strategy alone knows what it means.
    "note",
    metadata,
    Column("source", Text, primary_key=True),
    Column("name", Text, primary_key=True),
    Column("body", LargeBinary, nullable=False),
)

api_key = Table(
    "api_key",
    metadata,
    Column("id", Text, primary_key=True),
    Column("name", Text, nullable=False),
    Column("sha256", Text, nullable=False, unique=True),
    Column("scopes", Text, nullable=False),
    Column("created_at", Text, nullable=False),
    Column("expires_at", Text),
    Column("revoked_at", Text),
    Column("partners", Text),  # the only ones whose data it sees; NULL: it sees everything
    Index("api_key_name", "name"),
)

idempotency = Table(
    "idempotency",
    metadata,
    Column("client", Text, nullable=False),
    Column("key", Text, nullable=False),
    Column("fingerprint", Text, nullable=False),
    Column("status", Integer),
    Column("body", Text),
    Column("headers", Text),
    Column("at", Text, nullable=False),
    UniqueConstraint("client", "key"),
)

trial = Table(
    # Files and deliveries that are judged without touching any record, and what came out; kept for a while.
    "trial",
    metadata,
    Column("id", Text, primary_key=True),
    Column("lane", Text, nullable=False),  # drop: a partner's folder for tests, page: a link, replay: of a delivery
    Column("partner", Text),
    Column("source", Text, nullable=False),  # as if it had come from there
    Column("integration", Text),
    Column("name", Text, nullable=False),
    Column("sha256", Text),  # its bytes, in the vault; NULL: those of the delivery, or they were not kept
    Column("size", BigInteger, nullable=False),
    Column("whole", Integer),  # 0: the arrival's envelope was never closed
    Column("delivery", Text),  # the one that is to be judged again
    Column("how", Text),  # then, now: by which revision
    Column("asked_at", Text, nullable=False),
    Column("state", Text, nullable=False),  # waiting, done, failed
    Column("result", Text),  # JSON
    Column("finished_at", Text),
    Column("told_at", Text),  # when its answers were put into the partner's folder for tests
    Column("due", Double),
    Column("owner", Text),
    Column("token", BigInteger, nullable=False, server_default="0"),
    Column("tries", Integer, nullable=False, server_default="0"),
    Column("problem", Text),
    Index("trial_due", "due"),
    Index("trial_sha256", "sha256"),
    Index("trial_asked", "asked_at"),
    Index("trial_partner", "partner", "id"),
    Index(
        "trial_told",
        "state",
        sqlite_where=text("lane = 'drop' AND told_at IS NULL"),
        postgresql_where=text("lane = 'drop' AND told_at IS NULL"),
    ),
)

page_link = Table(
    # Links that lead a partner to a page on which files are tried: whoever has one is taken for the partner there.
    "page_link",
    metadata,
    Column("id", Text, primary_key=True),
    Column("partner", Text, nullable=False),
    Column("sha256", Text, nullable=False, unique=True),  # of the token
    Column("created_at", Text, nullable=False),
    Column("expires_at", Text, nullable=False),
    Column("revoked_at", Text),
    Index("page_link_partner", "partner"),
)

shared_secret = Table(
    # What all machines of one gateway must know and nobody else: it is served nowhere.
    "shared_secret",
    metadata,
    Column("name", Text, primary_key=True),
    Column("value", LargeBinary, nullable=False),
    Column("made_at", Text, nullable=False),
)
