"""A receiver of LinkedIn's notifications on loopback: passes challenges and keeps what arrives.

Belongs here: the server side of a webhook, with an HMAC of its own. Not here: assertions.
"""

from __future__ import annotations

import hmac
import json
import threading
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, HTTPServer
from queue import Empty, Queue
from types import TracebackType
from typing import Any
from urllib.parse import parse_qs, urlsplit

from nl_pipeline.sandbox.credentials import LINKEDIN_CLIENT_SECRET
from nl_pipeline_tests.sandbox_control import SandboxControl

_PATIENCE_SECONDS = 10.0


@dataclass(frozen=True)
class Delivery:
    """One POST that arrived."""

    body: bytes
    signature: str

    @property
    def told(self) -> dict[str, Any]:
        """The JSON."""
        content: dict[str, Any] = json.loads(self.body)
        return content

    @property
    def lead_id(self) -> str:
        """The id of the response it tells of."""
        urn: str = self.told["leadGenFormResponse"]
        return urn.removeprefix("urn:li:leadGenFormResponse:")

    @property
    def is_signed(self) -> bool:
        """Whether the signature is bare and right."""
        return hmac.compare_digest(self.signature, digest(b"hmacsha256=" + self.body))


class Hook:
    """A server in a thread; ``status`` answers deliveries, ``challenge_*`` challenges."""

    def __init__(self) -> None:
        self.start_over()
        hook = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                code = parse_qs(urlsplit(self.path).query)["challengeCode"][0]
                hook.challenges.append(code)
                response = {"challengeCode": code, "challengeResponse": digest(code.encode())}
                response |= hook.challenge_content
                content = json.dumps(response).encode()
                self._answer(hook.challenge_status, content, kind=hook.challenge_kind)

            def do_POST(self) -> None:
                # Before the delivery is handed over: the test may change the status right then.
                status = hook.status
                body = self.rfile.read(int(self.headers["Content-Length"]))
                hook._deliveries.put(Delivery(body, self.headers["X-LI-Signature"]))
                self._answer(status, b"", kind="text/plain")

            def log_message(self, format: str, *arguments: object) -> None:
                """Keep quiet."""

            def _answer(self, status: int, content: bytes, *, kind: str) -> None:
                self.send_response(status)
                self.send_header("Content-Type", kind)
                self.send_header("Content-Length", str(len(content)))
                self.end_headers()
                self.wfile.write(content)

        self._server = HTTPServer(("127.0.0.1", 0), Handler)
        self._thread = threading.Thread(
            target=self._server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True
        )

    def start_over(self) -> None:
        """As new."""
        self.status = 200
        self.challenge_status = 200
        self.challenge_kind = "application/json"
        self.challenge_content: dict[str, str] = {}
        self.challenges: list[str] = []
        self._deliveries: Queue[Delivery] = Queue()

    @property
    def url(self) -> str:
        """Where to send notifications to."""
        return f"http://127.0.0.1:{self._server.server_port}/hooks/geheim"

    def next(self) -> Delivery:
        """The next delivery; ``queue.Empty`` when none comes."""
        return self._deliveries.get(timeout=_PATIENCE_SECONDS)

    def after(self, sandbox: SandboxControl) -> list[Delivery]:
        """All that arrived, once nothing is under way any more."""
        settle(sandbox)
        found = []
        while True:
            try:
                found.append(self._deliveries.get_nowait())
            except Empty:
                return found

    def __enter__(self) -> Hook:
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


def settle(sandbox: SandboxControl) -> None:
    """Return as soon as no challenge and no delivery is due or being done."""
    for _ in range(2000):
        if not sandbox.notifications()["under_way"]:
            return
    raise AssertionError("notifications do not come to rest")


def digest(signed: bytes) -> str:
    """Hexadecimal HMAC-SHA256 with the app's secret."""
    return hmac.new(LINKEDIN_CLIENT_SECRET.encode(), signed, "sha256").hexdigest()
