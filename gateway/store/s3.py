"""The vault of many machines: a bucket that speaks S3, for one gateway or a prefix of it for each.

The bytes of one content are one object, ``prefix/ab/cd/<sha256>``: the layout of a local vault, so that a copy of its
folder is a vault, too.
"""

from __future__ import annotations

import base64
import hashlib
import io
import tempfile
import time
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Any, BinaryIO, Literal

from gateway.errors import Retry, Stop
from gateway.store.bucket import TRIES, Access, Bucket, code_of, status_of
from gateway.store.database import Unwritable
from gateway.store.vault import Found, Stored

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from mypy_boto3_s3.type_defs import CompletedPartTypeDef

_CHUNK = 1024 * 1024
_PART = 8 * 1024 * 1024
"""So much goes in one request, either way; S3 takes parts of 5 MiB to 5 GiB, and 10,000 of them."""
_PARTS_MAX = 10_000
_WINDOW = 256 * 1024
_CONFLICTS_MAX = 5
_LEFT = timedelta(days=1)
_IN_THE_WAY = ("PreconditionFailed", "ConditionalRequestConflict", "OperationAborted")

_State = Literal["missing", "whole", "damaged"]


class S3Vault:
    """A vault in the bucket of `url`, ``s3://bucket`` or ``s3://bucket/prefix``.

    An object is written whole, under a checksum that the server verifies, and only where none of its name is
    (``If-None-Match: *``): when `put` returns, the server has said that it keeps these very bytes.

    What passes by itself (no answer, a server that is overloaded or restarts) is a Retry after a few tries with
    growing pauses; what a person must mend (keys, permissions, the bucket's name) is an Unwritable.

    Raises:
        Stop: boto3 is not installed, no credentials are found, or an address is none.
    """

    def __init__(self, url: str, access: Access | None = None, *, sleep: Callable[[float], None] = time.sleep) -> None:
        self.bucket = Bucket(url, access or Access())
        self.url = self.bucket.url
        self._sleep = sleep

    def put(self, stream: BinaryIO) -> Stored:
        """Keep the whole stream. Its name is known at its end: until then it stands in a temporary file.

        Raises:
            Retry: the server does not answer now.
            Stop: it cannot be kept. Nothing half is left behind under the content's name.
        """
        digest = hashlib.sha256()
        size = 0
        with tempfile.SpooledTemporaryFile(_CHUNK) as spool:
            try:
                while chunk := stream.read(_CHUNK):
                    digest.update(chunk)
                    size += len(chunk)
                    spool.write(chunk)
            except OSError as error:
                raise Unwritable(
                    f"a file on its way to the vault {self.url} cannot be kept here meanwhile: {error.strerror}",
                    f"Make room in {tempfile.gettempdir()}, or name another folder in $TMPDIR; "
                    "the file stays where it came from.",
                ) from error
            stored = Stored(digest.hexdigest(), size)
            if size > _PART * _PARTS_MAX:
                raise Stop(
                    f"a file of {size} bytes is more than a bucket takes from here, {_PART * _PARTS_MAX} bytes",
                    "Ask the sender to send it in pieces.",
                )
            self._keep(stored, spool)  # type: ignore[arg-type] # it is a binary file
        return stored

    def _keep(self, stored: Stored, spool: BinaryIO) -> None:
        """Until the very bytes are there, written by us or by another who was a moment earlier."""
        # What is large is asked for before it is sent; what is small is sent with the question.
        state = self._state(stored, spool) if stored.size > _PART else "missing"
        for _ in range(_CONFLICTS_MAX):
            if state == "whole":
                return
            send = self._send_parts if stored.size > _PART else self._send
            if send(stored, spool, {"IfNoneMatch": "*"} if state == "missing" else {}):
                return
            state = self._state(stored, spool)
        raise Retry(f"others write {stored.sha256} into the vault {self.url} at this moment", delay_seconds=1.0)

    def _send(self, stored: Stored, spool: BinaryIO, only: dict[str, Any]) -> bool:
        """Write the object in one request; False where another one is in the way."""
        spool.seek(0)
        body = spool.read()
        try:
            self.bucket.client.put_object(
                Bucket=self.bucket.name,
                Key=self.key(stored.sha256),
                Body=body,
                ChecksumAlgorithm="SHA256",
                ChecksumSHA256=_base64(stored.sha256),
                **only,
            )
        except self.bucket.errors as error:
            if code_of(error) in _IN_THE_WAY:
                return False
            raise self.bucket.translated(error, "cannot keep a file") from error
        return True

    def _send_parts(self, stored: Stored, spool: BinaryIO, only: dict[str, Any]) -> bool:
        """Write the object in parts, which appear together; False where another one is in the way."""
        client, key = self.bucket.client, self.key(stored.sha256)
        try:
            upload = client.create_multipart_upload(Bucket=self.bucket.name, Key=key, ChecksumAlgorithm="SHA256")[
                "UploadId"
            ]
        except self.bucket.errors as error:
            raise self.bucket.translated(error, "cannot keep a file") from error
        done = False
        try:
            parts = self._parts(stored, spool, upload)
            client.complete_multipart_upload(
                Bucket=self.bucket.name, Key=key, UploadId=upload, MultipartUpload={"Parts": parts}, **only
            )
            done = True
        except self.bucket.errors as error:
            # NoSuchUpload: the answer to a first try of ours was lost, and this was the second.
            if code_of(error) in (*_IN_THE_WAY, "NoSuchUpload"):
                return False
            raise self.bucket.translated(error, "cannot keep a file") from error
        finally:
            if not done:  # parts that were sent cost room until somebody says so
                with suppress(*self.bucket.errors):
                    client.abort_multipart_upload(Bucket=self.bucket.name, Key=key, UploadId=upload)
        return True

    def _parts(self, stored: Stored, spool: BinaryIO, upload: str) -> list[CompletedPartTypeDef]:
        parts: list[CompletedPartTypeDef] = []
        whole = hashlib.sha256()
        spool.seek(0)
        while body := spool.read(_PART):
            whole.update(body)
            number, checksum = len(parts) + 1, _base64(hashlib.sha256(body).hexdigest())
            made = self.bucket.client.upload_part(
                Bucket=self.bucket.name,
                Key=self.key(stored.sha256),
                UploadId=upload,
                PartNumber=number,
                Body=body,
                ChecksumAlgorithm="SHA256",
                ChecksumSHA256=checksum,
            )
            parts.append({"PartNumber": number, "ETag": made["ETag"], "ChecksumSHA256": checksum})
        if whole.hexdigest() != stored.sha256:  # no checksum of S3 covers all parts under the name that we give them
            raise Unwritable(
                f"a file on its way to the vault {self.url} was changed in {tempfile.gettempdir()}",
                "Check the machine's disk; the file stays where it came from.",
            )
        return parts

    def _state(self, stored: Stored, spool: BinaryIO) -> _State:
        """What is there under the name: nothing, the very bytes, or others."""
        try:
            head = self.bucket.client.head_object(
                Bucket=self.bucket.name, Key=self.key(stored.sha256), ChecksumMode="ENABLED"
            )
        except self.bucket.errors as error:
            if status_of(error) == 404:
                return "missing"
            raise self.bucket.translated(error, "cannot be read") from error
        if head["ContentLength"] != stored.size:
            return "damaged"
        told = head.get("ChecksumSHA256", "").partition("-")[0]  # behind it the number of parts, where there are some
        if told in (_base64(stored.sha256), _of_parts(spool)):
            return "whole"
        try:  # it came without a checksum, as by a copy of a local vault, or in parts of another size
            self.verify(stored.sha256)
        except (Retry, Unwritable):
            raise
        except Stop:
            return "damaged"
        return "whole"

    def key(self, sha256: str) -> str:
        """The key of the object with the content of that name."""
        return f"{self.bucket.prefix}{sha256[:2]}/{sha256[2:4]}/{sha256}"

    def exists(self, sha256: str) -> bool:
        """Whether the vault holds content of that name; its hash is not checked."""
        try:
            self._range(sha256, 0, 1)
        except _Missing:
            return False
        return True

    def chunks(self, sha256: str, size: int = _WINDOW) -> Iterator[bytes]:
        """The content, chunk by chunk; it is hashed on the way. No connection is held between two of them.

        Raises:
            Retry: the server does not answer now.
            Stop: it is missing or unreadable, or (after its last chunk) its bytes are not those of its name.
        """
        digest = hashlib.sha256()
        at, total = 0, 1
        while at < total:
            block, total = self._range(sha256, at, at + max(size, _PART))
            for start in range(0, len(block), size):
                chunk = block[start : start + size]
                digest.update(chunk)
                yield chunk
            at += len(block)
        if digest.hexdigest() != sha256:
            raise Stop(
                f"the object {sha256} of the vault {self.url} was changed in the bucket",
                "Restore it from a backup; the delivery cannot be judged from damaged bytes.",
            )

    def verify(self, sha256: str) -> None:
        """Read the whole content and compare its hash with its name."""
        for _ in self.chunks(sha256, _CHUNK):
            pass

    def open(self, sha256: str) -> BinaryIO:
        """The content as a temporary file, after its hash was checked."""
        spool = tempfile.SpooledTemporaryFile(_CHUNK)  # noqa: SIM115 - it is handed out
        try:
            for chunk in self.chunks(sha256, _CHUNK):
                spool.write(chunk)
        except OSError as error:
            spool.close()
            raise Unwritable(
                f"{sha256} of the vault {self.url} cannot be kept here meanwhile: {error.strerror}",
                f"Make room in {tempfile.gettempdir()}, or name another folder in $TMPDIR.",
            ) from error
        except BaseException:
            spool.close()
            raise
        spool.seek(0)
        return spool  # type: ignore[return-value] # it is a binary file

    def read(self, sha256: str, start: int, end: int) -> bytes:
        """The bytes from `start` to before `end`, for a view of a span; the hash is not checked."""
        return self._range(sha256, start, end)[0] if end > start else b""

    def spans(self, sha256: str) -> BinaryIO:
        """The content for many views of spans: seek and read; the hash is not checked. To be closed."""
        return io.BufferedReader(_Spans(self, sha256), _WINDOW)

    def delete(self, sha256: str) -> None:
        """Take the content away for good; what is not there is gone already.

        Raises:
            Retry: the server does not answer now.
            Stop: it cannot be removed; it stays as it is.
        """
        try:
            self.bucket.client.delete_object(Bucket=self.bucket.name, Key=self.key(sha256))
        except self.bucket.errors as error:
            raise self.bucket.translated(error, "cannot remove a file") from error

    def listed(self, after: str = "", limit: int = 1000) -> list[Found]:
        """What is there, in the order of the names, from behind `after` on: one request. Other objects are passed over.

        Raises:
            Retry: the server does not answer now.
            Stop: it cannot be listed.
        """
        start = self.key(after) if after else self.bucket.prefix
        while True:
            try:
                answer = self.bucket.client.list_objects_v2(
                    Bucket=self.bucket.name, Prefix=self.bucket.prefix, StartAfter=start, MaxKeys=limit
                )
            except self.bucket.errors as error:
                raise self.bucket.translated(error, "cannot be listed") from error
            now, objects = _date_of(answer), answer.get("Contents", [])
            found = [
                Found(name, each["Size"], (now - each["LastModified"]).total_seconds())
                for each in objects
                if _is_name(name := each["Key"].rpartition("/")[2]) and each["Key"] == self.key(name)
            ]
            if found or not answer.get("IsTruncated") or not objects:
                return found
            start = objects[-1]["Key"]

    def sweep(self) -> int:
        """Break off uploads in parts that were begun a day ago or earlier: their parts cost room, and show nowhere.

        Raises:
            Retry: the server does not answer now.
            Stop: these credentials may not (s3:ListBucketMultipartUploads, AbortMultipartUpload).
        """
        client, swept = self.bucket.client, 0
        try:
            answer = client.list_multipart_uploads(Bucket=self.bucket.name, Prefix=self.bucket.prefix)
            now = _date_of(answer)
            for each in answer.get("Uploads", []):  # a thousand at most; the others with the next sweep
                if _is_name(each["Key"].rpartition("/")[2]) and now - each["Initiated"] > _LEFT:
                    client.abort_multipart_upload(Bucket=self.bucket.name, Key=each["Key"], UploadId=each["UploadId"])
                    swept += 1
        except self.bucket.errors as error:
            raise self.bucket.translated(error, "cannot be tidied") from error
        return swept

    def writable(self) -> bool:
        """Whether content could be kept right now: one part of the question of /health/ready."""
        try:
            self.bucket.probe.put_object(Bucket=self.bucket.name, Key=f"{self.bucket.prefix}.probe", Body=b"\0" * 16)
        except self.bucket.errors:
            return False
        return True

    def _range(self, sha256: str, start: int, end: int) -> tuple[bytes, int]:
        """The bytes from `start` to before `end`, and how many there are in all."""
        pause = 0.1
        for tried in range(1, TRIES + 1):
            try:
                answer = self.bucket.client.get_object(
                    Bucket=self.bucket.name, Key=self.key(sha256), Range=f"bytes={start}-{end - 1}"
                )
                body = answer["Body"].read()
                return body, int(answer["ContentRange"].rpartition("/")[2])
            except self.bucket.errors as error:
                if code_of(error) == "InvalidRange":  # nothing stands there, as everywhere in an empty object
                    return b"", 0
                if code_of(error) == "NoSuchKey":
                    raise _Missing(
                        f"the vault {self.url} has no file {sha256}", "Restore it from a backup, or ask the sender."
                    ) from error
                # The client tries the request again by itself, and not the reading of what follows its answer.
                if tried == TRIES or status_of(error):
                    raise self.bucket.translated(error, "cannot be read") from error
            self._sleep(pause)
            pause *= 4
        raise AssertionError


class _Missing(Stop):
    """The bucket has no such object."""


class _Spans(io.RawIOBase):
    """Seek and read over an object."""

    def __init__(self, vault: S3Vault, sha256: str) -> None:
        super().__init__()
        self._vault = vault
        self._sha256 = sha256
        self._at = 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        if whence == io.SEEK_END:
            raise io.UnsupportedOperation("spans are views from the beginning")
        self._at = offset if whence == io.SEEK_SET else self._at + offset
        return self._at

    def tell(self) -> int:
        return self._at

    def readinto(self, buffer: bytearray | memoryview) -> int:  # type: ignore[override] # typeshed: any buffer
        part = self._vault.read(self._sha256, self._at, self._at + len(buffer))
        buffer[: len(part)] = part
        self._at += len(part)
        return len(part)


def _date_of(answer: Mapping[str, Any]) -> datetime:
    """The server's time; the beginning of all times where it does not tell, when nothing is old."""
    told = answer["ResponseMetadata"].get("HTTPHeaders", {}).get("date")
    return parsedate_to_datetime(told) if told else datetime.min.replace(tzinfo=UTC)


def _is_name(name: str) -> bool:
    return len(name) == 64 and not set(name) - set("0123456789abcdef")


def _base64(hexadecimal: str) -> str:
    return base64.b64encode(bytes.fromhex(hexadecimal)).decode()


def _of_parts(spool: BinaryIO) -> str:
    """The checksum that S3 gives an object of our parts: that of their checksums."""
    checksums = []
    spool.seek(0)
    while body := spool.read(_PART):
        checksums.append(hashlib.sha256(body).digest())
    return _base64(hashlib.sha256(b"".join(checksums)).hexdigest())
