"""Open connections of the sandbox's server, so that a fault can break one of them.

Belongs here: the one thing ASGI does not offer, ending a connection without an answer.
Does not belong here: the decision when to do so, which is the faults'.
"""

from __future__ import annotations

import asyncio
import socket
import struct
from collections.abc import Sequence

from uvicorn.protocols.http.h11_impl import H11Protocol

_transports: dict[tuple[str, int], asyncio.Transport] = {}


class SandboxProtocol(H11Protocol):
    """Uvicorn's HTTP protocol that remembers its connection under the client's host and port."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Register the connection."""
        super().connection_made(transport)
        if self.client is not None:
            _transports[self.client] = transport

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget the connection."""
        super().connection_lost(exc)
        if self.client is not None:
            _transports.pop(self.client, None)


def break_connection(client: Sequence[str | int] | None, *, flush: bool) -> None:
    """End the connection of ``scope["client"]``.

    With ``flush`` what was already sent still arrives and the stream then ends; without, the
    client sees a reset. Nothing happens when the client is gone already.
    """
    if client is None:
        return
    transport = _transports.get((str(client[0]), int(client[1])))
    if transport is None:
        return
    if flush:
        transport.close()
        return
    raw = transport.get_extra_info("socket")
    if raw is not None:
        # Lingering zero seconds turns the close into a RST, which is what a dropped line looks
        # like to the client; a plain close would be an orderly end of stream.
        raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    transport.abort()
