"""An OIDC issuer on loopback, with real keys: it publishes them, and signs what a test wants signed."""

from __future__ import annotations

import json
import threading
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from jwt.algorithms import ECAlgorithm, OKPAlgorithm, RSAAlgorithm

from gateway.serve.auth import jwks

if TYPE_CHECKING:
    from collections.abc import Iterator

_PUBLISHED: dict[str, Any] = {"RS": RSAAlgorithm, "PS": RSAAlgorithm, "ES": ECAlgorithm, "Ed": OKPAlgorithm}


def made(algorithm: str, bits: int = 2048) -> Any:
    """A private key for an algorithm."""
    if algorithm[:2] in ("RS", "PS"):
        return rsa.generate_private_key(65537, bits)
    if algorithm == "EdDSA":
        return ed25519.Ed25519PrivateKey.generate()
    return ec.generate_private_key({"ES256": ec.SECP256R1, "ES384": ec.SECP384R1}[algorithm]())


@dataclass(slots=True)
class IssuerServer:
    """The issuer. `down` lets it answer 503; `asked` are the paths that were asked for."""

    url: str = ""
    keys: dict[str, tuple[str, Any]] = field(default_factory=dict)
    """Name of a key → its algorithm and private key; what is in here is published."""
    down: bool = False
    body: bytes | None = None
    """What it publishes instead of its keys."""
    asked: list[str] = field(default_factory=list)

    def add(self, name: str, algorithm: str = "RS256", bits: int = 2048) -> None:
        """Publish a new key."""
        self.keys[name] = (algorithm, made(algorithm, bits))

    def token(self, now: float, name: str = "k1", *, header: dict[str, Any] | None = None, **claims: Any) -> str:
        """A token signed by a key of this name; a claim that is None is left out."""
        algorithm, key = self.keys[name]
        whole = {"iss": self.url, "aud": "gateway", "sub": "alice", "exp": int(now) + 300, "iat": int(now)} | claims
        kept = {claim: value for claim, value in whole.items() if value is not None}
        return jwt.encode(kept, key, algorithm, headers={"kid": name} | (header or {}))

    def published(self) -> bytes:
        """The key set as it is served."""
        keys = []
        for name, (algorithm, key) in self.keys.items():
            public = _PUBLISHED[algorithm[:2]].to_jwk(key.public_key(), as_dict=True)
            keys.append(public | {"kid": name, "use": "sig", "alg": algorithm})
        return json.dumps({"keys": keys}).encode()


@contextmanager
def issuer() -> Iterator[IssuerServer]:
    """An issuer with one key, k1, that says by discovery where its keys are, and may take its time."""
    here = IssuerServer()

    class Handler(BaseHTTPRequestHandler):
        """Serves discovery and keys."""

        def do_GET(self) -> None:
            """Answer what an issuer is asked."""
            here.asked.append(self.path)
            body, status = b"", 404
            if here.down:
                status = 503
            elif self.path == "/.well-known/openid-configuration":
                body, status = json.dumps({"issuer": here.url, "jwks_uri": f"{here.url}/certs"}).encode(), 200
            elif self.path == "/certs":
                body, status = here.body if here.body is not None else here.published(), 200
            elif self.path == "/moved":
                status = 302
            self.send_response(status)
            self.send_header("Location", "/certs")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: Any) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    here.url = f"http://127.0.0.1:{server.server_port}"
    here.add("k1")
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    try:
        with pytest.MonkeyPatch.context() as patched:
            patched.setattr(jwks, "_TIMEOUT_SECONDS", 60.0)
            yield here
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
