"""What each kind of file may say: one table per file, read by the loader, by "did you mean" and by the JSON Schemas."""

from __future__ import annotations

from dataclasses import dataclass

from gateway.workspace.kinds import (
    ACCEPT,
    ADDRESS,
    AFTER,
    AGE,
    ALGORITHMS,
    ANSWER,
    ANSWERS,
    ANY_HEADER,
    CHANGES,
    CHECKS,
    CHOICE,
    COLUMNS,
    CONTRACT,
    DATE,
    DIALECT,
    DURATION,
    ENCODING,
    ENDPOINT,
    EXPECT,
    EXTENDS,
    FIELDS,
    FINGERPRINTS,
    FORMAT,
    GRANTS,
    HASH,
    HEADER,
    ISA,
    KEY_FIELDS,
    KEYS,
    LETTERS,
    LOGIN,
    MAILBOX,
    MAILBOXES,
    MAP,
    MARKER,
    NAME,
    NAMES,
    NETWORKS,
    PART,
    PASSWORD_HASH,
    PREFIX,
    QUERIES,
    REPLICATION,
    RULES,
    SCHEME,
    SCOPES,
    SECRET,
    SECRETS,
    SECTION,
    SECURITY,
    SETTLE,
    SFTP_ALGORITHMS,
    SIGNED,
    SIZE,
    SOURCE,
    STORE,
    TABLE_KEYS,
    TEXT,
    TEXTS,
    TRUTH,
    UNB,
    URL,
    VAULT,
    WHOLE,
    WINDOWS,
)
from gateway.workspace.sections import Key

ISSUER = (
    Key("issuer", URL, "who issues the tokens, as their claim iss says", "https://login.example", required=True),
    Key("audience", TEXTS, "for whom they are, as their claim aud says", "gateway", required=True),
    Key("jwks", URL, "where its public keys are; without it, its discovery document says", "https://…/certs"),
    Key("algorithms", ALGORITHMS, "how the tokens may be signed; without it, by RS256 or ES256", "RS256"),
    Key("scopes", TEXT, "the claim that holds the scopes; without it, scope", "realm_access.roles"),
    Key("partners", TEXT, "the claim that names the partners whose data is seen; without it, all is seen", "partner"),
    Key("grants", GRANTS, "the scopes that a value of the claim stands for, by the value", "reader: [orders:read]"),
)

CERTIFICATE = (
    Key("certificate", TEXT, "what the header says of the certificate, word for word", "CN=erp,O=Us", required=True),
    Key("scopes", SCOPES, "what the client may do", "orders:read", required=True),
    Key("partners", NAMES, "the partners whose data it sees; without it, everybody's", "acme"),
)

ACCESS = (
    Key("token", DURATION, "how long a token is good that is got for a key", "10m"),
    Key("issuers", SECTION, "OIDC issuers whose tokens are taken, by name", "", keys=ISSUER, named=True),
    Key(
        "proxy",
        SECTION,
        "the proxy that checks clients' certificates",
        "",
        keys=(
            Key("addresses", NETWORKS, "its addresses or networks", "10.0.0.5", required=True),
            Key("header", HEADER, "where it says whose certificate it was", "X-Client-Subject", required=True),
            Key("clients", SECTION, "the clients, by name", "", required=True, keys=CERTIFICATE, named=True),
        ),
    ),
)

IDENTIFIERS = (
    Key("isa", ISA, "as in X12's ISA segment: qualifier:identifier", "ZZ:ACME"),
    Key("unb", UNB, "as in EDIFACT's UNB segment: qualifier:identifier", "14:4012345000009"),
)

MAIL = (
    Key("host", TEXT, "the mail server", "mail.company.example", required=True),
    Key("port", WHOLE, "its port, where it is not the usual one", "587"),
    Key("tls", SECURITY, "how the connection is secured", "starttls"),
    Key("from", MAILBOX, "the address that letters come from", "edi@company.example", required=True),
    Key("user", TEXT, "the name to log in with, where the server wants one", "gateway"),
    Key("password", SECRET, "its password, by reference", "secret:mail/password"),
)

GATEWAY = (
    Key("about", TEXT, "what this gateway is for", "Orders and prices of the Leeds plant"),
    Key("store", STORE, "where records are kept", "sqlite:data/gateway.db"),
    Key("vault", VAULT, "where raw files are kept: a folder, or a bucket that speaks S3", "s3://orders-raw/leeds"),
    Key(
        "s3",
        SECTION,
        "how the vault's bucket is reached; what is left out, boto3 finds as it always does",
        "",
        keys=(
            Key("endpoint", ENDPOINT, "the server, where it is not Amazon's", "https://s3.company.example"),
            Key("region", TEXT, "the bucket's region", "eu-central-1"),
            Key("access_key", TEXT, "the name of the access key, or a reference to it", "secret:s3/access-key"),
            Key("secret_key", SECRET, "the secret of the access key, by reference", "secret:s3/secret-key"),
        ),
    ),
    Key("http", ADDRESS, "where the REST API listens", "127.0.0.1:8080"),
    Key("sftp", ADDRESS, "where the SFTP server listens", "127.0.0.1:2222"),
    Key("http_public", ENDPOINT, "where partners find the pages that links lead to", "https://edi.company.example"),
    Key("sftp_public", ADDRESS, "where partners find the SFTP server, as their card says", "edi.example.com:22"),
    Key("sftp_algorithms", SFTP_ALGORITHMS, "modern ones only, or those of old clients as well", "compatible"),
    Key("sftp_connections", WHOLE, "how many connections the SFTP server has at most", "500"),
    Key("sftp_partner_connections", WHOLE, "how many of them one partner has", "100"),
    Key("sftp_handshakes", WHOLE, "how many of them have not logged in yet", "100"),
    Key("sftp_sessions", WHOLE, "how many sessions one connection has", "4"),
    Key("sftp_handles", WHOLE, "how many files and folders one session has open", "64"),
    Key("sftp_grace", DURATION, "how long logging in may take, with a person who compares our key", "2m"),
    Key("sftp_idle", DURATION, "how long a session may ask for nothing", "15m"),
    Key("sftp_total", DURATION, "how long a connection may last", "24h"),
    Key("sftp_free", SIZE, "how much disk is left free: when there is less, nothing more is taken", "256 MiB"),
    Key("drops", TEXT, "the folder of the partners' drop folders", "data/sftp"),
    Key("settle", DURATION, "how long a file in a watched folder must not have changed", "2s"),
    Key("partial_after", DURATION, "how long a file with an open envelope may be resumed", "15m"),
    Key("tries", WHOLE, "how often a delivery is tried before it is given up", "5"),
    Key("lease", DURATION, "how long a worker holds a delivery without a sign of life", "60s"),
    Key("judging_max", DURATION, "how much processor time judging may use without getting on", "60s"),
    Key("memory_max", SIZE, "how much memory judging may take, beside what a worker has anyway", "2 GiB"),
    Key("field_max", SIZE, "the longest single value that is read", "16 MiB"),
    Key("upload_max", SIZE, "the largest file that is taken in", "1 GiB"),
    Key("keep", AGE, "how long raw files and held documents are kept where no integration says it", "1y"),
    Key("hook_max", SIZE, "the largest body that a hook takes", "25 MiB"),
    Key("archive_max", SIZE, "how much is unpacked of one archive at most", "4 GiB"),
    Key("archive_ratio", WHOLE, "how many times its own size is unpacked of one archive at most", "200"),
    Key("archive_members", WHOLE, "how many members are taken of one archive at most", "10000"),
    Key("requests_per_minute", WHOLE, "how many requests of one client are answered in a minute", "60000"),
    Key("exports", WHOLE, "how many exports run at the same time; one client has a third of them, rounded up", "4"),
    Key("hot_lane", TRUTH, "whether single records and pages take the short way through the server", "true"),
    Key("access", SECTION, "who may use the API besides those who have keys", "", keys=ACCESS),
    Key(
        "identifiers",
        SECTION,
        "who we are in the standards' envelopes; without it, interchanges for anybody are taken",
        "",
        keys=IDENTIFIERS,
    ),
    Key("contact", TEXTS, "whom partners write to or call, as letters tell them", "Orders desk, edi@company.example"),
    Key("mail", SECTION, "the server that takes letters to partners, where they go by e-mail", "", keys=MAIL),
    Key("late_after", DURATION, "after how long it is told that an answer to a partner is not sent yet", "15m"),
)

CONNECTION = (
    Key("about", TEXT, "what the system is", "The ERP on the AS/400"),
    Key("kind", NAME, "how it is reached", "odbc", required=True),
    Key("url", TEXT, "its address, without any secret", "Driver=SQLite3;Database=erp.db", required=True),
    Key("owner", NAME, "the team that answers for it", "erp-team"),
    Key("dialect", DIALECT, "the SQL it speaks, where its driver does not tell", "db2"),
    Key("user", TEXT, "the login of an account that may only read", "gateway_reader"),
    Key("password", SECRET, "its password, by reference", "secret:erp/password"),
    Key("fingerprints", FINGERPRINTS, "the host key of an SFTP server; two while it is changed", "SHA256:…"),
    Key("key", SECRET, "the private key to log in there, by reference", "secret:acme-server/key"),
    Key("passphrase", SECRET, "what opens that key, by reference", "secret:acme-server/passphrase"),
    Key("algorithms", CHOICE, "how the line to an SFTP server is protected; without it, modern", "compatible"),
    Key("accept_writable_login", TEXT, "why a login that could write is used all the same", "there is no other"),
    Key("attempt_writes", TRUTH, "whether a harmless write is tried before the first read, and must fail", "true"),
    Key(
        "replication",
        REPLICATION,
        "where PostgreSQL's log is streamed, or a reference to it; without it, the log is read over ODBC",
        "postgresql://erp-db:5432/erp",
    ),
    Key("slot_max", SIZE, "how much of its log PostgreSQL may keep for a slot of ours before it is told", "10 GiB"),
    Key("slot_drop", TRUTH, "whether a slot for which more is kept is dropped", "true"),
    Key("timeout", DURATION, "how long a statement may take", "30s"),
    Key("connect_timeout", DURATION, "how long connecting may take", "10s"),
    Key("connections", WHOLE, "how many connections are held at most, of which callers and changes have one each", "4"),
    Key("waiting", WHOLE, "how many may wait for a connection; the next is refused", "16"),
    Key("wait", DURATION, "how long one waits for a connection", "5s"),
    Key("rows_max", WHOLE, "how many rows are read at once", "10000"),
    Key("bytes_max", SIZE, "how much is read at once", "16 MiB"),
    Key("statements_per_minute", WHOLE, "how many statements are sent in a minute; without it, no matter", "600"),
    Key("rows_per_minute", WHOLE, "how many rows are read in a minute; without it, no matter", "100000"),
    Key("failures_max", WHOLE, "after how many failures in a row it is left alone", "3"),
    Key("rest", DURATION, "for how long it is left alone then, before it is tried again", "30s"),
    Key("windows", WINDOWS, "when it may be read; without it, always", "Mon-Fri 20:00-06:00 Europe/Berlin"),
    Key("cache", DURATION, "how old an answer may be that callers share; without it, none is kept", "5s"),
    Key(
        "keys",
        TABLE_KEYS,
        "the columns that are unique together, of tables without a primary key",
        "",
    ),
    Key("queries", QUERIES, "hand-written SELECTs that stand beside the tables, by name", ""),
)

QUERY = (
    Key("select", TEXT, "the query, a single SELECT", "SELECT KDNR, SUM(WERT) AS WERT FROM AUFTRAG", required=True),
    Key("key", COLUMNS, "its columns that are unique together and never NULL", "KDNR"),
)
"""What stands under the name of a query that has more than its SELECT."""

TEAM = (
    Key("about", TEXT, "what the team does", "Everything between order and delivery"),
    Key("email", TEXT, "where it is written to", "orders@company.example"),
    Key("phone", TEXT, "where it is called", "+44 113 496 0000"),
    Key("chat", TEXT, "where it talks", "#orders"),
    Key("runbook", TEXT, "what it does when something breaks", "https://wiki.company.example/orders"),
)

PARTNER = (
    Key("partner", NAME, "the partner's name", "acme", required=True),
    Key("about", TEXT, "who that is", "Acme Retail, Leeds"),
    Key("owner", NAME, "the team that answers for it", "orders-team"),
    Key(
        "identifiers",
        SECTION,
        "who the partner is in the standards' envelopes",
        "",
        keys=IDENTIFIERS,
    ),
    Key(
        "sftp",
        SECTION,
        "the partner's account on our SFTP server",
        "",
        keys=(
            Key("user", TEXT, "the name to log in with", "acme", required=True),
            Key("keys", KEYS, "public keys in OpenSSH's one-line form", "ssh-ed25519 AAAA… acme"),
            Key("password_hash", PASSWORD_HASH, "an argon2id hash, where keys cannot be had", "$argon2id$v=19$…"),
            Key("login", LOGIN, "whether one of both is enough, as it is without this line", "key and password"),
            Key("from", NETWORKS, "the addresses or networks it may log in from; without it, all", "203.0.113.0/24"),
            Key(
                "quota",
                SECTION,
                "how much the partner may send",
                "",
                keys=(
                    Key("bytes", SIZE, "how much may wait in his inbox", "10 GB"),
                    Key("files", WHOLE, "how many files may wait there; without it, 100000", "5000"),
                    Key("file", SIZE, "the largest file; without it, upload_max", "1 GB"),
                    Key("per_minute", WHOLE, "how many files may be begun in a minute", "600"),
                ),
            ),
        ),
    ),
    Key("contacts", MAILBOXES, "who is written to there", "edi@acme.example"),
    Key("letters", LETTERS, "where letters about refused files go: outbox, mail, both, or none", "outbox mail"),
    Key(
        "answers",
        ANSWERS,
        "the folder at his own server where his files are put, not in his outbox",
        "sftp://acme-server/in",
    ),
    Key("acknowledgments", SECTION, "how acknowledgments reach the partner", "", later=True),
)

CONTRACT_FILE = (
    Key("contract", CONTRACT, "the type of the records and its version", "order v1", required=True),
    Key("about", TEXT, "what such a record is", "A purchase order as the ERP understands it", required=True),
    Key("owner", NAME, "the team that answers for it", "orders-team", required=True),
    Key("key", KEY_FIELDS, "the fields that tell records apart", "number per partner", required=True),
    Key("collection", NAME, "its name in URLs, where the plural is not it", "stock"),
    Key("keep", AGE, "how long records are kept after their last change", "7y"),
    Key("keep_personal", AGE, "how long the values of fields marked pii are kept, when that is less", "90d"),
    Key("deprecated", DATE, "since when callers ought to use a newer version, which they are told", "2026-11-01"),
    Key(
        "sunset",
        DATE,
        "until when callers may count on this version, as they are told; it ends when its file is taken out",
        "2027-06-30",
    ),
    Key("fields", FIELDS, "the fields, in the notation of contracts", "", required=True),
    Key("rules", RULES, "what holds for a whole record: expression : what is wrong otherwise", ""),
)

SIGNATURE = (
    Key("scheme", SCHEME, "how requests are signed", "standard-webhooks", required=True),
    Key(
        "secret",
        SECRETS,
        "the secret that the sender has too, by reference; two while one is changed for the other",
        "secret:acme/hook",
        required=True,
    ),
    Key("header", ANY_HEADER, "where the signature stands", "X-Hub-Signature-256"),
    Key("part", PART, "which part of the header it is, where it has several, as in t=…,v1=…", "v1"),
    Key("prefix", PREFIX, "what stands before the signature", "sha256="),
    Key("algorithm", HASH, "the hash of the HMAC; without it, sha256", "sha256"),
    Key("encoding", ENCODING, "how its bytes are written; without it, hex", "base64"),
    Key("signed", SIGNED, "what is signed; without it, the body alone", '"{timestamp}.{body}"'),
    Key("timestamp", ANY_HEADER, "where the time of sending stands", "X-Slack-Request-Timestamp"),
    Key("timestamp_part", PART, "which part of the header it is, where it stands beside the signature", "t"),
    Key("tolerance", DURATION, "how far that time may be from ours; without it, 5m", "5m"),
    Key("id", ANY_HEADER, "where the message's own id stands, by which it counts once", "X-GitHub-Delivery"),
)

INTEGRATION = (
    Key("integration", NAME, "the name of the flow", "acme-orders", required=True),
    Key("about", TEXT, "what comes in", "Purchase orders from Acme's buying system", required=True),
    Key("owner", NAME, "the team that answers for it", "orders-team", required=True),
    Key("source", SOURCE, "where deliveries come from", "drop://acme/out/*.edi", required=True),
    Key("partner", NAME, "the partner of every delivery, where the source does not say", "acme"),
    Key("signature", SECTION, "how the requests of a hook are signed", "", keys=SIGNATURE),
    Key("format", FORMAT, "what the files are made of", "x12 004010 850"),
    Key("contract", CONTRACT, "what the records become", "order v1", required=True),
    Key(
        "precedence",
        WHOLE,
        "which integration is to win where several fill a contract; not acted on yet",
        "1",
    ),
    Key("after", AFTER, "what is done with a taken file at a partner's server; without it, leave", "move done"),
    Key("every", DURATION, "how often a partner's server is looked at; without it, every minute", "5m"),
    Key(
        "settle",
        SETTLE,
        "how long a file must look the same; without it, 10s, or in a watched folder what gateway.yaml says",
        "30s",
    ),
    Key("marker", MARKER, "what ends the name of the file that says that another one is complete", ".done"),
    Key("openssh_log", TEXT, "the log socket of the OpenSSH server in whose chroot the folder is", "/srv/acme/dev/log"),
    Key("after_close", SETTLE, "how soon a file is taken that this log says was closed, if the session goes on", "1s"),
    Key("between", WINDOWS, "when a partner's server may be looked at; without it, always", "06:00-22:00"),
    Key("key", COLUMNS, "the key columns of a table", "KDNR"),
    Key("changes", CHANGES, "how a table's changes are read", "AENDTS every 30s"),
    Key("expect", EXPECT, "when something is expected to arrive", "every 1h, Mon-Fri 08:00-18:00 Europe/London"),
    Key("answer", ANSWER, "which acknowledgments are sent", "997"),
    Key("accept", ACCEPT, "what is taken of a delivery that is partly bad", "rows, hold the file above 1% bad"),
    Key("keep", AGE, "how long raw files and held documents are kept after they came", "90d"),
    Key("extends", EXTENDS, "what the lines under `map` are laid over: the standard mapping", "standard"),
    Key("map", MAP, "what fills each field of the contract; without it, the standard mapping does", ""),
    Key("check", CHECKS, "what must hold for each document", ""),
    Key("version", TEXT, "the field of the contract that says which of two documents is newer", "changed_at"),
    Key("parallel", SECTION, "a second mapping beside this one", "", later=True),
)

STANDARD_MAPPING = (
    Key("mapping", CONTRACT, "the contract that it fills", "order v1", required=True),
    Key("about", TEXT, "what it is read from", "Purchase order, X12 850", required=True),
    Key("map", MAP, "what fills each field of the contract", "", required=True),
)
"""What the mappings that the product ships say."""

STANDARD_CONTRACT = tuple(key for key in CONTRACT_FILE if key.name != "owner")
"""What the contracts that the product ships say: they belong to whoever fills them."""

CODE_COLUMNS = (
    Key("code", TEXT, "the partner's code", "CT", required=True),
    Key("value", TEXT, "our code for it; without this column it is the partner's own", "carton"),
    Key("label", TEXT, "what it means, for people", "Carton"),
    Key("valid_from", TEXT, "the first day of the code", "2026-01-01", later=True),
    Key("valid_to", TEXT, "the last day of the code", "2026-12-31", later=True),
)


@dataclass(frozen=True, slots=True)
class Layout:
    """One kind of file. `named` says that its keys are names, and that `keys` describe what stands under each."""

    name: str
    pattern: str
    about: str
    keys: tuple[Key, ...]
    named: bool = False


LAYOUTS = (
    Layout("gateway", "gateway.yaml", "where things are kept and who listens where", GATEWAY),
    Layout("connections", "connections.yaml", "the systems of this environment, by name", CONNECTION, named=True),
    Layout("teams", "teams.yaml", "who owns what and is called when it breaks, by name", TEAM, named=True),
    Layout("partner", "partners/*.yaml", "a trading partner", PARTNER),
    Layout("contract", "contracts/*.yaml", "the type of a record", CONTRACT_FILE),
    Layout("codes", "codes/*.csv", "a table from a partner's codes to ours", CODE_COLUMNS),
    Layout("layout", "layouts/*.txt", "the columns of positional records, or a COBOL copybook", ()),
    Layout("guide", "guides/*.toml", "where a partner's X12 or EDIFACT message differs from the standard's guide", ()),
    Layout("integration", "integrations/*.yaml", "one flow from a source to a contract", INTEGRATION),
)
