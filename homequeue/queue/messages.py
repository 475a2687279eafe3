"""What a message looks like: JSON with an HMAC, so that no stranger's bytes are ever believed."""

import hashlib
import hmac
import json
from typing import Any

from homequeue.queue.light import Serializer


class SignedJson(Serializer):  # type: ignore[misc]
    """A serializer for Huey: `{"job": 7, …}` + `.` + HMAC-SHA256 in hexadecimal (RFC 2104)."""

    def __init__(self, secret: bytes) -> None:
        super().__init__()
        self._secret = secret

    def serialize(self, data: Any) -> bytes:
        """Return the value as signed JSON."""
        body = json.dumps(data, separators=(",", ":")).encode()
        return body + b"." + self._signature(body)

    def deserialize(self, data: bytes) -> Any:
        """Return the value of a message; ValueError unless it was signed with our secret."""
        body, _, signature = bytes(data).rpartition(b".")
        if not hmac.compare_digest(signature, self._signature(body)):
            raise ValueError("the signature of a message is wrong")
        return json.loads(body)

    def _signature(self, body: bytes) -> bytes:
        return hmac.new(self._secret, body, hashlib.sha256).hexdigest().encode()
