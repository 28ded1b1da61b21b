"""Systems that call hooks: they sign as RFC 2104 says, with nothing but a hash."""

from __future__ import annotations

import base64
import hashlib
from typing import TYPE_CHECKING

from tests.gateway.serve.worlds import FILES, ORDERS

if TYPE_CHECKING:
    from collections.abc import Mapping

KEY = bytes(range(32))
WHSEC = f"whsec_{base64.b64encode(KEY).decode()}"
OTHER = f"whsec_{base64.b64encode(KEY[::-1]).decode()}"
STANDARD = "scheme: standard-webhooks\nsecret: [secret:acme/hook, secret:acme/old]\n"


def mac(key: bytes, content: bytes, algorithm: str = "sha256") -> bytes:
    """HMAC, the two hashes of RFC 2104, 2."""
    size: int = hashlib.new(algorithm).block_size
    key = hashlib.new(algorithm, key).digest() if len(key) > size else key
    key = key.ljust(size, b"\0")
    inner = hashlib.new(algorithm, bytes(each ^ 0x36 for each in key) + content).digest()
    return hashlib.new(algorithm, bytes(each ^ 0x5C for each in key) + inner).digest()


def standard(body: bytes, message: str, seconds: int, *keys: bytes) -> dict[str, str]:
    """The headers of a message that is sent as Standard Webhooks say."""
    content = f"{message}.{seconds}.".encode() + body
    signed = [f"v1,{base64.b64encode(mac(key, content)).decode()}" for key in keys or (KEY,)]
    return {"webhook-id": message, "webhook-timestamp": str(seconds), "webhook-signature": " ".join(signed)}


def hooked(signature: str = STANDARD, *, format: str = "json", orders: str = ORDERS) -> dict[str, str]:  # noqa: A002
    """The small workspace, whose orders come by a hook as JSON."""
    lines = "".join(f"  {line}\n" for line in signature.splitlines())
    flow = orders.replace('source: "http:"\n', f'source: "hook:"\nsignature:\n{lines}')
    flow = flow.replace("format: csv , utf-8 header", f"format: {format}")
    return FILES | {"integrations/acme-orders.yaml": flow}


def order(number: str, total: str = "10.00") -> bytes:
    """An order as a JSON object."""
    return f'{{"number":"{number}","status":"open","day":"2026-11-01","total":{total},"city":"Hamburg"}}'.encode()


def kept(secrets: Mapping[str, str]) -> dict[str, str]:
    """Secrets by the references to them."""
    return {f"secret:{name}": secret for name, secret in secrets.items()}
