"""One line of the webhook log: a request of a provider, exactly as it came.

Belongs here: the line, and its form as bytes. Must not be here: what the body says.
"""

from __future__ import annotations

import base64
import binascii
from datetime import datetime
from typing import Annotated

import msgspec

AwareTime = Annotated[datetime, msgspec.Meta(tz=True)]


class LogLine(msgspec.Struct, frozen=True):
    """A request as received. ``received_at`` is aware UTC with microseconds.

    ``id`` is unique over all receivers. ``body`` is empty where the bytes were no UTF-8; they then
    stand in ``body_base64``.
    """

    id: str
    received_at: AwareTime
    provider: str
    origin: str
    signature: str
    headers: dict[str, str]
    body: str
    body_base64: str = ""

    def raw_body(self) -> bytes:
        """The bytes of the body. ValueError if ``body_base64`` is not base64."""
        if not self.body_base64:
            return self.body.encode()
        try:
            return base64.b64decode(self.body_base64, validate=True)
        except binascii.Error:
            raise ValueError("body_base64 is not base64") from None

    def __repr__(self) -> str:
        """Without headers and body, which hold personal data and a signature."""
        return f"LogLine({self.id}, {self.received_at.isoformat()}, {self.provider})"


class UnreadableLine(ValueError):
    """These bytes are no line of the log; the text is a cause and never quotes them."""


_encoder = msgspec.json.Encoder()
_decoder = msgspec.json.Decoder(LogLine)


def body_fields(body: bytes) -> dict[str, str]:
    """``body`` as the fields ``body`` and ``body_base64`` of a line."""
    try:
        return {"body": body.decode(), "body_base64": ""}
    except UnicodeDecodeError:
        return {"body": "", "body_base64": base64.b64encode(body).decode()}


def encode(line: LogLine) -> bytes:
    """The line as it stands in a segment, with the newline at its end and none before it."""
    return _encoder.encode(line) + b"\n"


def decode(line: bytes) -> LogLine:
    """The line written in ``line``, with or without its newline. UnreadableLine if it is none."""
    try:
        decoded = _decoder.decode(line)
        decoded.raw_body()
    except msgspec.ValidationError:
        raise UnreadableLine("JSON, but not a line of the log") from None
    except (msgspec.DecodeError, UnicodeDecodeError):
        raise UnreadableLine("not JSON") from None
    except ValueError:
        raise UnreadableLine("the body is not base64") from None
    return decoded
