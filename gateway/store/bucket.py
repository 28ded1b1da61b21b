"""The bucket of an S3 vault: how it is reached, and what its troubles mean.

boto3 is an extra, and imported when the first such vault is opened.
"""

from __future__ import annotations

import os
import threading
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from gateway.errors import Retry, Stop
from gateway.store.database import Unwritable

if TYPE_CHECKING:
    from boto3 import Session
    from mypy_boto3_s3 import S3Client

TRIES = 3
_CONNECT_SECONDS = 3.0
_READ_SECONDS = 20.0
_PROBE_SECONDS = 3.0
_AT_ONCE = 32
_PASSING = (429, 500, 502, 503, 504)
_PASSING_CODES = (
    *("SlowDown", "RequestTimeout", "Throttling", "ThrottlingException", "ServiceUnavailable"),
    *("BadDigest", "XAmzContentChecksumMismatch", "XAmzContentSHA256Mismatch"),  # harmed on the way
)
_NOT_REACHED = {
    "EndpointConnectionError": "cannot be reached",
    "ConnectionClosedError": "ended a connection in the middle",
    "ConnectTimeoutError": "cannot be reached: nothing answers at its address",
    "ReadTimeoutError": "takes too long to answer",
    "ProxyConnectionError": "cannot be reached through the proxy",
    "HTTPClientError": "ended a connection in the middle",
    "ResponseStreamingError": "ended a connection in the middle",
    "IncompleteReadError": "ended a connection in the middle",
}
_REMEDIES = {
    "NoSuchBucket": "Make the bucket, or correct vault: in gateway.yaml; nothing was lost.",
    "AccessDenied": "Let these credentials read, write and delete there (s3:GetObject, PutObject, DeleteObject, "
    "AbortMultipartUpload, ListBucket); nothing was lost.",
    "403": "Let these credentials read there (s3:GetObject, ListBucket); nothing was lost.",
    "InvalidAccessKeyId": "Correct access_key: in gateway.yaml, or the environment; nothing was lost.",
    "SignatureDoesNotMatch": "Correct the secret that secret_key: refers to, or the environment; nothing was lost.",
    "ExpiredToken": "Renew the credentials; nothing was lost.",
    "RequestTimeTooSkewed": "Set this machine's clock; nothing was lost.",
    "PermanentRedirect": "Write the bucket's region: below s3: in gateway.yaml; nothing was lost.",
    "AuthorizationHeaderMalformed": "Write the bucket's region: below s3: in gateway.yaml; nothing was lost.",
    "XMinioStorageFull": "Make room on the server's disks; nothing was lost.",
    "NotImplemented": "The server must know If-None-Match and checksums of SHA-256; nothing was lost.",
}


@dataclass(frozen=True, slots=True)
class Access:
    """How a bucket is reached, where boto3's own sources (environment, profile, role of the machine) do not say it."""

    endpoint: str | None = None
    region: str | None = None
    access_key: str | None = None
    secret_key: str | None = field(default=None, repr=False)


class Bucket:
    """The bucket of `url`, ``s3://bucket`` or ``s3://bucket/prefix``, as `access` reaches it.

    Raises:
        Stop: boto3 is not installed, no credentials are found, or an address is none.
    """

    def __init__(self, url: str, access: Access) -> None:
        self.url = url.rstrip("/")
        self.name, _, prefix = self.url.removeprefix("s3://").partition("/")
        self.prefix = f"{prefix}/" if prefix else ""
        self.errors: tuple[type[Exception], ...] = ()
        """What the clients raise."""
        self._access = access
        self._lock = threading.Lock()
        self._of_process = 0
        self._session: Session | None = None
        self._clients: tuple[S3Client, S3Client]
        self._connect()

    @property
    def client(self) -> S3Client:
        """For everything; it tries again by itself, with growing pauses."""
        self._connect()
        return self._clients[0]

    @property
    def probe(self) -> S3Client:
        """For a question whose answer is wanted now: one try, a few seconds."""
        self._connect()
        return self._clients[1]

    def _connect(self) -> None:
        """Make the clients of this process: the connections of one that forked it are not ours."""
        with self._lock:
            if self._of_process == os.getpid():
                return
            if self._session is None:
                self._session = self._opened()
            self._clients = self._made(self._session)
            self._of_process = os.getpid()

    def _opened(self) -> Session:
        """boto3 with our credentials, or those that it finds."""
        try:
            import boto3  # noqa: PLC0415 - an extra, and slow to import
            from botocore import exceptions  # noqa: PLC0415 - likewise
        except ImportError as error:
            raise Stop(
                f"the vault {self.url} needs boto3, which is not installed ({error.name})",
                "pip install 'legacy-gateway[s3]'",
            ) from error
        self.errors = (exceptions.BotoCoreError, exceptions.ClientError)
        access = self._access
        try:
            session = boto3.Session(
                aws_access_key_id=access.access_key,
                aws_secret_access_key=access.secret_key,
                region_name=access.region,
            )
            credentials = session.get_credentials()
        except self.errors as error:
            raise Stop(f"the vault {self.url} cannot be used: {error}", "Check s3: in gateway.yaml.") from error
        if credentials is None:
            raise Stop(
                f"no credentials for the vault {self.url} are found",
                "Write access_key: and secret_key: below s3: in gateway.yaml, or use what boto3 looks for: "
                "AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, a profile, the role of the machine.",
            )
        return session

    def _made(self, session: Session) -> tuple[S3Client, S3Client]:
        from botocore.config import Config  # noqa: PLC0415 - an extra

        endpoint = self._access.endpoint
        patient = Config(
            connect_timeout=_CONNECT_SECONDS,
            read_timeout=_READ_SECONDS,
            retries={"mode": "standard", "total_max_attempts": TRIES},
            max_pool_connections=_AT_ONCE,
            request_checksum_calculation="when_required",  # we hash by ourselves, what we send and what we read
            response_checksum_validation="when_required",
            s3={"addressing_style": "path"} if endpoint else None,  # a server of one's own has one name
        )
        quick = patient.merge(
            Config(connect_timeout=_PROBE_SECONDS, read_timeout=_PROBE_SECONDS, retries={"total_max_attempts": 1})
        )
        wrong: tuple[type[Exception], ...] = (*self.errors, ValueError)
        try:
            return (
                session.client("s3", endpoint_url=endpoint, config=patient),
                session.client("s3", endpoint_url=endpoint, config=quick),
            )
        except wrong as error:
            raise Stop(f"the vault {self.url} cannot be used: {error}", "Check s3: in gateway.yaml.") from error

    def translated(self, error: Exception, what: str) -> Retry | Stop:
        """A server's troubles by what the caller does."""
        code, status = code_of(error), status_of(error)
        nothing_lost = "Nothing was lost, and it is tried again."
        if not code:
            name = type(error).__name__
            if name in _NOT_REACHED:
                return Retry(f"the vault {self.url} {_NOT_REACHED[name]}", nothing_lost, delay_seconds=2.0)
            return Unwritable(f"the vault {self.url} {what}: {error}", "Check s3: in gateway.yaml and the credentials.")
        said = str(_answer_of(error).get("Error", {}).get("Message", ""))[:200]
        if status in _PASSING or code in _PASSING_CODES:
            return Retry(f"the vault {self.url} does not answer now: {code} {said}", nothing_lost, delay_seconds=2.0)
        remedy = _REMEDIES.get(code, "Check the bucket, its permissions and the credentials; nothing was lost.")
        return Unwritable(f"the vault {self.url} {what}: {code} {said}".rstrip(), remedy)


def code_of(error: Exception) -> str:
    """The error's code in the server's answer; empty where there was no answer."""
    response = _answer_of(error)
    return str(response.get("Error", {}).get("Code", "")) or ("unknown" if response else "")


def status_of(error: Exception) -> int:
    """The HTTP status of the server's answer; 0 where there was none."""
    return int(_answer_of(error).get("ResponseMetadata", {}).get("HTTPStatusCode", 0))


def _answer_of(error: Exception) -> dict[str, Any]:
    return getattr(error, "response", None) or {}  # an error without an answer has the attribute, too
