"""A vault in a bucket when things go wrong: keys, permissions, overload, broken lines. No byte is lost (L1)."""

from __future__ import annotations

import base64
import hashlib
import http.client
import io
import sys
import threading
from collections import Counter
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import SimpleNamespace
from typing import TYPE_CHECKING
from urllib.parse import parse_qs, urlsplit

import pytest

from gateway.errors import Retry, Stop
from gateway.store import bucket as bucket_module
from gateway.store.bucket import Access
from gateway.store.database import Unwritable
from gateway.store.s3 import S3Vault
from tests.servers import free_port

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.servers import S3Server

SMALL = b"ISA*00*"
LARGE = bytes(range(256)) * (4096 * 17) + b"."  # 17 MiB and a byte: three parts


@dataclass(slots=True)
class Between:
    """A server between the vault and the bucket: `answer` may take a request's place, after or before it is passed on.

    It is asked with what the request is (put, part, begin, complete, get, head, delete) and how often that came, from
    1, and answers None (pass it on), a status with an error's code, or words: "lost" (passed on, the answer is not
    returned), "cut" (half of the answer is returned), "silent" (no answer for a long time).
    """

    target: str
    endpoint: str = ""
    answer: Callable[[str, int], tuple[int, str] | str | None] = lambda _what, _number: None
    seen: Counter[str] = field(default_factory=Counter)
    unverified: list[str] = field(default_factory=list)
    unconditional: list[str] = field(default_factory=list)
    over: threading.Event = field(default_factory=threading.Event)


def what_is(method: str, query: dict[str, list[str]]) -> str:
    """put, part, begin, complete, get, head or delete."""
    if method == "PUT":
        return "part" if "partNumber" in query else "put"
    if method == "POST":
        return "begin" if "uploads" in query else "complete"
    return method.lower()


def handler_of(between: Between) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def log_message(self, *_: object) -> None:
            pass

        def _pass(self) -> None:
            self.close_connection = True
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            what = what_is(self.command, parse_qs(urlsplit(self.path).query, keep_blank_values=True))
            between.seen[what] += 1
            checksum = base64.b64encode(hashlib.sha256(body).digest()).decode()
            if what in ("put", "part") and self.headers.get("x-amz-checksum-sha256") != checksum and body != b"\0" * 16:
                between.unverified.append(self.path)
            probe = body == b"\0" * 16
            if what in ("put", "complete") and self.headers.get("If-None-Match") != "*" and not probe:
                between.unconditional.append(self.path)
            told = between.answer(what, between.seen[what])
            if told == "silent":
                between.over.wait(30)
                return
            if isinstance(told, tuple):
                text = f"<Error><Code>{told[1]}</Code><Message>as it was told to</Message></Error>".encode()
                self._answer(told[0], {}, b"" if self.command == "HEAD" else text)
                return
            host = urlsplit(between.target).netloc
            connection = http.client.HTTPConnection(host, timeout=30)
            headers = {name: value for name, value in self.headers.items() if name.lower() != "expect"}
            connection.request(self.command, self.path, body, headers)
            answer = connection.getresponse()
            content = answer.read()
            connection.close()
            if told != "lost":
                self._answer(answer.status, dict(answer.getheaders()), content, half=told == "cut")

        def _answer(self, status: int, headers: dict[str, str], content: bytes, *, half: bool = False) -> None:
            self.send_response(status)
            length = headers.get("Content-Length") or headers.get("content-length") or str(len(content))
            for name, value in headers.items():
                if name.lower() not in ("content-length", "connection", "transfer-encoding", "date", "server"):
                    self.send_header(name, value)
            self.send_header("Content-Length", length)
            self.send_header("Connection", "close")
            self.end_headers()
            self.wfile.write(content[: len(content) // 2] if half else content)

        do_GET = do_PUT = do_POST = do_HEAD = do_DELETE = _pass  # noqa: N815 - the module's names

    return Handler


@contextmanager
def between(server: S3Server) -> Iterator[Between]:
    made = Between(server.endpoint)
    with ThreadingHTTPServer(("127.0.0.1", 0), handler_of(made)) as http_server:
        made.endpoint = f"http://127.0.0.1:{http_server.server_port}"
        thread = threading.Thread(target=http_server.serve_forever, args=(0.01,))
        thread.start()
        try:
            yield made
        finally:
            made.over.set()
            http_server.shutdown()
            thread.join(30)


@dataclass(frozen=True, slots=True)
class Line:
    """A vault whose requests all go through `between`."""

    vault: S3Vault
    between: Between
    server: S3Server

    @property
    def names(self) -> list[str]:
        """What is in the bucket."""
        found = self.server.client().list_objects_v2(Bucket=self.vault.bucket.name).get("Contents", [])
        return [each["Key"].rpartition("/")[2] for each in found]

    @property
    def left_over(self) -> int:
        """How many uploads in parts were neither completed nor aborted."""
        return len(self.server.client().list_multipart_uploads(Bucket=self.vault.bucket.name).get("Uploads", []))


@pytest.fixture(scope="module")
def shared(s3_server: S3Server) -> Iterator[Line]:
    """One vault for all tests, since boto3 takes half a second for each."""
    with between(s3_server) as made:
        access = Access(made.endpoint, "eu-central-1", "test", "hunter2")
        yield Line(S3Vault("s3://none", access, sleep=lambda _seconds: None), made, s3_server)


@pytest.fixture
def line(shared: Line, monkeypatch: pytest.MonkeyPatch) -> Iterator[Line]:
    monkeypatch.setattr("botocore.endpoint.time", SimpleNamespace(sleep=lambda _seconds: None))
    shared.vault.bucket.name = shared.server.bucket()
    shared.between.seen.clear()
    yield shared
    shared.between.answer = lambda _what, _number: None
    assert shared.between.unverified == []  # whatever was sent, the server could check it
    assert shared.between.unconditional == []  # and nothing that was there was written over


def put(line: Line, content: bytes) -> str:
    return line.vault.put(io.BytesIO(content)).sha256


# ── what passes by itself ────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("trouble", [(503, "SlowDown"), (500, "InternalError"), "lost"], ids=str)
@pytest.mark.parametrize("what", ["put", "begin", "part", "complete"])
def test_L1_one_failure_of_any_request_of_a_put_is_no_failure_of_the_put(  # noqa: N802 - the promise's name
    line: Line, what: str, trouble: tuple[int, str] | str
) -> None:
    content = SMALL if what == "put" else LARGE
    line.between.answer = lambda each, number: trouble if (each, number) == (what, 1) else None
    sha256 = put(line, content)
    assert line.between.seen[what] >= 2
    assert line.names == [sha256]
    assert b"".join(line.vault.chunks(sha256)) == content


@pytest.mark.parametrize("what", ["put", "begin", "part", "complete"])
@pytest.mark.parametrize("trouble", [(503, "SlowDown"), (400, "BadDigest")], ids=str)
def test_L1_a_put_that_fails_again_and_again_is_to_be_tried_later_and_leaves_nothing(  # noqa: N802
    line: Line, what: str, trouble: tuple[int, str]
) -> None:
    line.between.answer = lambda each, _number: trouble if each == what else None
    with pytest.raises(Retry, match=f"does not answer now: {trouble[1]}") as later:
        put(line, SMALL if what == "put" else LARGE)
    assert "Nothing was lost" in later.value.remedy
    assert (line.names, line.left_over) == ([], 0)


@pytest.mark.parametrize("trouble", [(503, "SlowDown"), "lost", "cut"], ids=str)
def test_a_read_goes_on_when_the_line_breaks_in_the_middle(line: Line, trouble: tuple[int, str] | str) -> None:
    sha256 = put(line, LARGE)
    line.between.answer = lambda each, number: trouble if each == "get" and number % 2 else None
    assert b"".join(line.vault.chunks(sha256)) == LARGE
    assert line.vault.read(sha256, 5, 9) == LARGE[5:9]


@pytest.mark.parametrize(
    ("trouble", "said"),
    [((503, "SlowDown"), "does not answer now"), ("lost", "in the middle"), ("cut", "in the middle")],
    ids=["overloaded", "lost", "cut"],
)
def test_a_read_that_fails_again_and_again_is_to_be_tried_later(
    line: Line, trouble: tuple[int, str] | str, said: str
) -> None:
    sha256 = put(line, SMALL)
    line.between.answer = lambda each, _number: trouble if each == "get" else None
    for read in (lambda: list(line.vault.chunks(sha256)), lambda: line.vault.exists(sha256)):
        with pytest.raises(Retry, match=said):
            read()


def test_a_server_that_says_nothing_is_not_waited_for_for_ever(line: Line, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bucket_module, "_READ_SECONDS", 0.1)
    monkeypatch.setattr(bucket_module, "_PROBE_SECONDS", 0.1)
    vault = S3Vault(f"s3://{line.vault.bucket.name}", Access(line.between.endpoint, "eu-central-1", "test", "test"))
    line.between.answer = lambda _each, _number: "silent"
    with pytest.raises(Retry, match="takes too long to answer"):
        vault.put(io.BytesIO(SMALL))
    assert not vault.writable()
    assert line.names == []


def test_L1_a_server_that_is_down_is_to_be_tried_later(line: Line) -> None:  # noqa: N802
    access = Access(f"http://127.0.0.1:{free_port()}", "eu-central-1", "test", "test")
    vault = S3Vault("s3://raw-files", access, sleep=lambda _seconds: None)
    sha256 = hashlib.sha256(SMALL).hexdigest()
    for use in (
        lambda: vault.put(io.BytesIO(SMALL)),
        lambda: list(vault.chunks(sha256)),
        lambda: vault.exists(sha256),
        lambda: vault.delete(sha256),
    ):
        with pytest.raises(Retry, match="the vault s3://raw-files cannot be reached") as later:
            use()
        assert "Nothing was lost" in later.value.remedy
    assert not vault.writable()
    assert line.between.seen == {}


# ── what a person must mend ──────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("status", "code", "remedy"),
    [
        (403, "AccessDenied", "s3:GetObject"),
        (403, "InvalidAccessKeyId", "access_key:"),
        (403, "SignatureDoesNotMatch", "secret_key:"),
        (403, "RequestTimeTooSkewed", "clock"),
        (501, "NotImplemented", "If-None-Match"),
        (507, "XMinioStorageFull", "Make room"),
    ],
)
def test_L1_what_a_person_must_mend_is_told_with_what_to_do_and_is_no_files_fault(  # noqa: N802
    line: Line, status: int, code: str, remedy: str
) -> None:
    sha256 = put(line, b"here before")
    line.between.answer = lambda _each, _number: (status, code)
    uses: tuple[Callable[[], object], ...] = (
        lambda: put(line, SMALL),
        lambda: list(line.vault.chunks(sha256)),
        lambda: line.vault.exists(sha256),
        lambda: line.vault.delete(sha256),
    )
    for use in uses:
        with pytest.raises(Unwritable, match=code) as stopped:
            use()
        assert remedy in stopped.value.remedy
        assert "hunter2" not in str(stopped.value)
    assert not line.vault.writable()
    line.between.answer = lambda _each, _number: None
    assert line.names == [sha256]
    line.vault.verify(sha256)


def test_L1_a_bucket_that_is_not_there_is_told_and_is_no_missing_file(s3_server: S3Server) -> None:  # noqa: N802
    vault = S3Vault("s3://not-made-yet/x", Access(s3_server.endpoint, "eu-central-1", "test", "test"))
    uses: tuple[Callable[[], object], ...] = (
        lambda: vault.put(io.BytesIO(SMALL)),
        lambda: vault.put(io.BytesIO(LARGE)),
        lambda: vault.verify("0" * 64),
        lambda: vault.exists("0" * 64),
    )
    for use in uses:
        with pytest.raises(Unwritable, match="NoSuchBucket") as stopped:
            use()
        assert "Make the bucket" in stopped.value.remedy
    assert not vault.writable()


def test_boto3_that_is_missing_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "boto3", None)
    with pytest.raises(Stop, match=r"needs boto3.*pip install 'legacy-gateway\[s3\]'"):
        S3Vault("s3://raw-files")


def test_credentials_that_are_not_found_are_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    for name in ("AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE"):
        monkeypatch.setenv(name, "/nonexistent")
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    with pytest.raises(Stop, match="no credentials for the vault s3://raw-files") as stopped:
        S3Vault("s3://raw-files")
    assert "secret_key:" in stopped.value.remedy


def test_a_secret_is_in_no_representation() -> None:
    assert "hunter2" not in repr(Access("https://s3.company.example", "eu", "AKIA", "hunter2"))


# ── others at the same time ──────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("what", ["put", "complete"])
def test_another_who_wrote_the_same_a_moment_earlier_is_believed_after_a_look(line: Line, what: str) -> None:
    content = SMALL if what == "put" else LARGE
    sha256 = hashlib.sha256(content).hexdigest()

    def overtaken(each: str, number: int) -> None:
        if (each, number) == (what, 1):
            line.server.client().put_object(
                Bucket=line.vault.bucket.name, Key=line.vault.key(sha256), Body=content, ChecksumAlgorithm="SHA256"
            )

    line.between.answer = overtaken
    assert put(line, content) == sha256
    assert (line.names, line.left_over) == ([sha256], 0)
    line.vault.verify(sha256)


@pytest.mark.parametrize("what", ["put", "complete"])
def test_what_conflicts_again_and_again_is_to_be_tried_later(line: Line, what: str) -> None:
    line.between.answer = lambda each, _number: (409, "ConditionalRequestConflict") if each == what else None
    with pytest.raises(Retry, match="others write"):
        put(line, SMALL if what == "put" else LARGE)
    assert (line.names, line.left_over) == ([], 0)


def test_what_was_copied_from_a_folder_without_checksums_is_read_before_it_is_believed(line: Line) -> None:
    sha256 = hashlib.sha256(SMALL).hexdigest()
    line.server.client().put_object(Bucket=line.vault.bucket.name, Key=line.vault.key(sha256), Body=SMALL)
    assert put(line, SMALL) == sha256
    assert (line.between.seen["put"], line.between.seen["get"]) == (1, 1)


def test_an_object_that_was_healed_is_believed_when_the_answer_was_lost(line: Line) -> None:
    sha256 = hashlib.sha256(LARGE).hexdigest()
    key = line.vault.key(sha256)
    line.server.client().put_object(Bucket=line.vault.bucket.name, Key=key, Body=LARGE[:-1])
    told: dict[tuple[str, int], str | tuple[int, str]] = {
        ("complete", 1): "lost",
        ("complete", 2): (404, "NoSuchUpload"),
    }
    line.between.answer = lambda each, number: told.get((each, number))
    assert put(line, LARGE) == sha256
    assert line.between.seen["complete"] == 2
    line.vault.verify(sha256)
    assert len(line.between.unconditional) == 2  # what is damaged is written over, and nothing else is
    line.between.unconditional.clear()


def test_parts_that_a_killed_writer_sent_are_taken_away_when_they_are_old(
    line: Line, monkeypatch: pytest.MonkeyPatch
) -> None:
    client, bucket = line.server.client(), line.vault.bucket.name
    client.create_multipart_upload(Bucket=bucket, Key=line.vault.key("a" * 64))
    client.create_multipart_upload(Bucket=bucket, Key="somebody/elses")
    with monkeypatch.context() as patched:
        patched.setattr("gateway.store.s3._LEFT", timedelta(days=36_500))  # the server says that all began in 2010
        assert (line.vault.sweep(), line.left_over) == (0, 2)
    assert (line.vault.sweep(), line.left_over) == (1, 1)
