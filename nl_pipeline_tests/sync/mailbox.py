"""Where a provider's webhooks of a scenario go: a small receiver that stores them in a webhook log.

Belongs here: taking deliveries and storing them as the receiver does, being down, and waiting until
what was sent has come. Not here: assertions.
"""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections.abc import Callable, Iterator
from datetime import datetime
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from types import TracebackType
from urllib.parse import urlencode

from nl_pipeline.webhook_log.writing import LogWriter, utc_now
from nl_pipeline_tests.providers import Provider
from nl_pipeline_tests.scenario import Scenario

_PATIENCE_SECONDS = 20.0


class Mailbox:
    """A receiver in a thread. ``is_down``: it answers 503 and stores nothing."""

    def __init__(
        self,
        root: Path,
        *,
        connection: str,
        provider: Provider = "mailchimp",
        now: Callable[[], datetime] = utc_now,
    ) -> None:
        self.folder = root / connection
        self.is_down = False
        self.stored = 0
        self.refused = 0
        self._connection = connection
        self._provider = provider
        self._changed = threading.Condition()
        self._loop = asyncio.new_event_loop()
        self._writer = LogWriter(root, now=now)
        self._writer.prepare()
        mailbox = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                self._answer(200)

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                origin = self.path.rpartition("/")[2]
                self._answer(200 if mailbox._take(body, origin=origin) else 503)

            def log_message(self, format: str, *arguments: object) -> None:
                """Keep quiet."""

            def _answer(self, status: int) -> None:
                self.send_response(status)
                self.send_header("Content-Length", "0")
                self.end_headers()

        self._server = HTTPServer(("127.0.0.1", 0), Handler)
        self._threads = [
            threading.Thread(
                target=self._server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True
            ),
            threading.Thread(target=self._loop.run_forever, daemon=True),
        ]

    def url(self, origin: str) -> str:
        """Where the webhook of an origin points."""
        return f"http://127.0.0.1:{self._server.server_port}/hooks/secret/{origin}"

    def put(self, body: bytes, *, origin: str = "person", signature: str = "valid") -> None:
        """Store a line as if it had been delivered."""
        self._take(body, origin=origin, signature=signature)

    def put_form(self, *, origin: str = "person", signature: str = "valid", **form: str) -> None:
        """Store a delivery with these fields; ``data_email`` stands for ``data[email]``."""
        fields = {
            (f"data[{name.removeprefix('data_')}]" if name.startswith("data_") else name): value
            for name, value in form.items()
        }
        self.put(urlencode(fields).encode(), origin=origin, signature=signature)

    def wait(self, *, stored: int) -> None:
        """Wait until so many deliveries have been stored since the start."""
        with self._changed:
            if not self._changed.wait_for(lambda: self.stored >= stored, _PATIENCE_SECONDS):
                raise TimeoutError(f"{self.stored} of {stored} deliveries came")

    def wait_refused(self, *, refused: int) -> None:
        """Wait until so many deliveries have been refused since the start."""
        with self._changed:
            if not self._changed.wait_for(lambda: self.refused >= refused, _PATIENCE_SECONDS):
                raise TimeoutError(f"{self.refused} of {refused} deliveries came")

    def _take(self, body: bytes, *, origin: str, signature: str = "unsigned") -> bool:
        is_stored = not self.is_down
        if is_stored:
            writing = self._writer.append(
                self._connection,
                provider=self._provider,
                origin=origin,
                signature=signature,
                headers={"content-type": "application/x-www-form-urlencoded"},
                body=body,
            )
            asyncio.run_coroutine_threadsafe(writing, self._loop).result()
        with self._changed:
            self.stored += is_stored
            self.refused += not is_stored
            self._changed.notify_all()
        return is_stored

    def __enter__(self) -> Mailbox:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._server.shutdown()
        self._server.server_close()
        asyncio.run_coroutine_threadsafe(self._writer.close(), self._loop).result()
        self._loop.call_soon_threadsafe(self._loop.stop)
        for thread in self._threads:
            thread.join(timeout=5)
        self._loop.close()


@contextlib.contextmanager
def listening(scenario: Scenario, *, root: Path) -> Iterator[Mailbox]:
    """A mailbox to which the webhooks of the scenario's audience point."""
    with Mailbox(
        root,
        connection=scenario.link.name,
        provider=scenario.stage.provider,
        now=scenario.link.now,
    ) as mailbox:
        scenario.stage.hook_up(mailbox.url)
        yield mailbox
