"""A receiver of webhooks on loopback: keeps what arrives and answers as told.

Belongs here: the server side of a delivery. Not here: assertions.
"""

from __future__ import annotations

import json
import threading
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, HTTPServer
from queue import Queue
from types import TracebackType
from typing import Any
from urllib.parse import parse_qsl

_PATIENCE_SECONDS = 10.0


@dataclass(frozen=True)
class Delivery:
    """One POST that arrived."""

    path: str
    headers: dict[str, str]
    body: bytes

    @property
    def fields(self) -> dict[str, str]:
        """The form fields."""
        return dict(parse_qsl(self.body.decode(), keep_blank_values=True))

    @property
    def json(self) -> Any:
        """The JSON of the body."""
        return json.loads(self.body)

    @property
    def type(self) -> str:
        """The event type."""
        return self.fields["type"]


class Receiver:
    """A server in a thread; ``status`` is what the next requests are answered with."""

    def __init__(self) -> None:
        self.status = 200
        self.checks: list[str] = []
        self._deliveries: Queue[Delivery] = Queue()
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                receiver.checks.append(self.headers["User-Agent"])
                self._answer(receiver.status)

            def do_POST(self) -> None:
                # Before the delivery is handed over: the test may change the status right then.
                status = receiver.status
                body = self.rfile.read(int(self.headers["Content-Length"]))
                receiver._deliveries.put(Delivery(self.path, dict(self.headers), body))
                self._answer(status)

            def log_message(self, format: str, *arguments: object) -> None:
                """Keep quiet."""

            def _answer(self, status: int) -> None:
                self.send_response(status)
                self.send_header("Content-Length", "0")
                self.end_headers()

        self._server = HTTPServer(("127.0.0.1", 0), Handler)
        self._thread = threading.Thread(
            target=self._server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True
        )

    @property
    def url(self) -> str:
        """Where to send webhooks to."""
        return f"http://127.0.0.1:{self._server.server_port}/hooks/geheim"

    def next(self) -> Delivery:
        """The next delivery; ``queue.Empty`` when none comes."""
        return self._deliveries.get(timeout=_PATIENCE_SECONDS)

    def waiting(self) -> int:
        """How many arrived that nobody took."""
        return self._deliveries.qsize()

    def __enter__(self) -> Receiver:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join(timeout=5)
