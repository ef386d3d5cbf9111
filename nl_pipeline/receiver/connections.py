"""Connections that do not hold the receiver up: deadline, size of headers, how many are open.

Belongs here: what uvicorn's HTTP protocol lacks. Must not be here: requests that arrived.

uvicorn waits without end for the rest of a request, reads headers of any size, and refuses whoever
comes when too many are connected, which is the honest caller as a rule. Here a request has to be
complete in time, and one connection too many costs the one that has kept us waiting longest.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from typing import Any, ClassVar

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from nl_pipeline.receiver.counts import Counts
from nl_pipeline.settings import ReceiverLimits

_TOO_LARGE = (
    b"HTTP/1.1 431 Request Header Fields Too Large\r\n"
    b"content-length: 0\r\nconnection: close\r\n\r\n"
)


class ConnectionWatch:
    """Which connections wait for the rest of a request, the longest wait first."""

    def __init__(self, *, limits: ReceiverLimits, counts: Counts) -> None:
        self.limits = limits
        self.counts = counts
        self._waiting: dict[ReceiverProtocol, float] = {}
        self._idle: dict[ReceiverProtocol, None] = {}

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Cut slow senders for the length of a ``with`` block."""
        task = asyncio.create_task(self._cut_slow_ones())
        try:
            yield
        finally:
            task.cancel()

    def opened(self, connection: ReceiverProtocol) -> None:
        """A new connection; it waits for its first request.

        One too many costs the one that is waited for longest, else the one that has been idle
        longest, else the new one itself: all others are being served.
        """
        self.counts.open_connections += 1
        self.began(connection)
        if self.counts.open_connections > self.limits.open_connections:
            longest = next(iter(self._waiting))
            if longest is connection:
                longest = next(iter(self._idle), connection)
            self._waiting.pop(longest, None)
            self._idle.pop(longest, None)
            longest.cut("too_many_connections")

    def began(self, connection: ReceiverProtocol) -> None:
        """Something of a request has arrived."""
        if connection not in self._waiting:
            self._idle.pop(connection, None)
            self._waiting[connection] = connection.loop.time()

    def arrived(self, connection: ReceiverProtocol) -> None:
        """A request is complete."""
        self._waiting.pop(connection, None)

    def rests(self, connection: ReceiverProtocol) -> None:
        """A request was answered, and nothing of another one has arrived."""
        if connection not in self._waiting:
            self._idle[connection] = None

    def closed(self, connection: ReceiverProtocol) -> None:
        """The connection is gone."""
        self.counts.open_connections -= 1
        self._waiting.pop(connection, None)
        self._idle.pop(connection, None)

    async def _cut_slow_ones(self) -> None:
        deadline = self.limits.request_seconds
        loop = asyncio.get_running_loop()
        while True:
            await asyncio.sleep(min(0.5, deadline / 4))
            too_old = loop.time() - deadline
            while self._waiting:
                connection, since = next(iter(self._waiting.items()))
                if since > too_old:
                    break
                del self._waiting[connection]
                connection.cut("too_slow")


class ReceiverProtocol(HttpToolsProtocol):
    """uvicorn's HTTP protocol under watch; made into a class of its own by `protocol_for`."""

    watch: ClassVar[ConnectionWatch]

    def __init__(self, *arguments: Any, **named: Any) -> None:
        super().__init__(*arguments, **named)
        self._in_headers = True
        self._header_bytes = 0
        self._is_too_large = False

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Open: the deadline of the first request begins."""
        super().connection_made(transport)
        self.watch.opened(self)

    def connection_lost(self, exc: Exception | None) -> None:
        """Gone."""
        self.watch.closed(self)
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Feed the parser; headers that do not end are cut."""
        self.watch.began(self)
        super().data_received(data)
        if self._in_headers:
            # Unfinished headers are kept by the parser, which has no limit of its own.
            self._header_bytes += len(data)
            if self._header_bytes > self.watch.limits.header_bytes:
                self._refuse_headers()

    def on_message_begin(self) -> None:
        """A further request on the connection has a deadline of its own."""
        self.watch.began(self)
        self._in_headers = True
        self._header_bytes = 0
        super().on_message_begin()

    def on_headers_complete(self) -> None:
        """Refuse what is too large although it came in one piece."""
        self._in_headers = False
        size = len(self.url) + sum(len(name) + len(value) + 4 for name, value in self.headers)
        if size > self.watch.limits.header_bytes:
            self._is_too_large = True
            # uvicorn turns it into `send_400_response`.
            raise ValueError("headers too large")
        super().on_headers_complete()

    def on_message_complete(self) -> None:
        """The request is whole, its deadline is over."""
        self.watch.arrived(self)
        super().on_message_complete()

    def on_response_complete(self) -> None:
        """Answered; the connection may serve another request."""
        if not self.pipeline:
            self.watch.rests(self)
        super().on_response_complete()

    def send_400_response(self, msg: str) -> None:
        """Not HTTP, or not within the limits."""
        if self._is_too_large:
            self._refuse_headers()
            return
        self.watch.counts.refused["not_http"] += 1
        super().send_400_response(msg)

    def cut(self, cause: str) -> None:
        """End the connection without an answer."""
        self.watch.counts.refused[cause] += 1
        self.transport.abort()

    def _refuse_headers(self) -> None:
        if not self.transport.is_closing():
            self.watch.counts.refused["headers_too_large"] += 1
            self.transport.write(_TOO_LARGE)
            self.transport.close()


def protocol_for(watch: ConnectionWatch) -> type[ReceiverProtocol]:
    """The protocol whose connections ``watch`` watches, as uvicorn takes it: a class."""
    return type("WatchedProtocol", (ReceiverProtocol,), {"watch": watch})
