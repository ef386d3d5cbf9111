"""A receiver served from a thread of the tests, and the ways to call it.

Belongs here: starting, stopping, calling. Must not be here: what is expected of it.
"""

from __future__ import annotations

import contextlib
import hmac
import socket
import threading
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import httpx
import uvicorn

from nl_pipeline import settings
from nl_pipeline.receiver.app import Receiver, create_receiver
from nl_pipeline.receiver.routes import hooks_of
from nl_pipeline.receiver.serve import server_config
from nl_pipeline.webhook_log.files import Files
from nl_pipeline.webhook_log.keys import SigningKey, SigningKeys, webhook_path
from nl_pipeline.webhook_log.lines import LogLine
from nl_pipeline.webhook_log.writing import LogWriter
from nl_pipeline_tests.settings.documents import MINIMAL
from nl_pipeline_tests.webhook_log.logs import CONNECTION, lines_of

SECRET = "secret-of-the-tests"
PATIENCE = 10.0

# The vector of Mailchimp's documentation, composed: key, time, body and what it signs to.
SIGNING_SECRET = "emulator-signing-secret"
SIGNED_AT = 1774561257
BODY = (
    b"type=unsubscribe&fired_at=2026-03-26+21%3A40%3A57&data%5Baction%5D=unsub"
    b"&data%5Breason%5D=manual&data%5Bid%5D=8a25ff1d98"
    b"&data%5Bemail%5D=erika.muster%40kunde.example&data%5Bemail_type%5D=html"
    b"&data%5Bweb_id%5D=400751728&data%5Bcampaign_id%5D=cb398d21d2"
    b"&data%5Blist_id%5D=a6b5da1054&data%5Bmerges%5D%5BEMAIL%5D=erika.muster%40kunde.example"
    b"&data%5Bmerges%5D%5BFNAME%5D=Erika"
)
SIGNATURE = "63ccb0f86eb769e417197172ba4d04d47985aea4170afddb577dc71882df610a"


def path_of(origin: str = "person", *, connection: str = CONNECTION) -> str:
    """The path of a webhook of the tests."""
    return webhook_path(SECRET, connection=connection, provider="mailchimp", origin=origin)


def signed(body: bytes, *, at: int, secret: str = SIGNING_SECRET) -> str:
    """The hexadecimal signature of a body."""
    return hmac.new(secret.encode(), f"{at}.".encode() + body, "sha256").hexdigest()


def loaded(folder: Path, *, limits: str = "", more: str = "") -> settings.Settings:
    """The smallest settings, with lines of YAML for the limits of the receiver and for more
    connections."""
    text = MINIMAL + more
    if limits:
        text += "webhooks:\n  limits:\n" + "".join(f"    {x}\n" for x in limits.splitlines())
    return settings.parse(text, file="connections.yaml", folder=folder)


@dataclass
class Running:
    """A receiver that answers. `now` is its clock for signatures."""

    url: str
    log: Path
    now: float = SIGNED_AT
    receiver: Receiver = field(init=False, repr=False)
    server: uvicorn.Server = field(init=False, repr=False)

    @property
    def address(self) -> tuple[str, int]:
        parts = httpx.URL(self.url)
        return parts.host, int(parts.port or 0)

    def post(
        self, body: bytes = BODY, *, path: str | None = None, **headers: str
    ) -> httpx.Response:
        """Send an event; headers are named with underscores."""
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return httpx.post(
            f"{self.url}{path or path_of()}", content=body, headers=named, trust_env=False
        )

    def get(self, path: str) -> httpx.Response:
        return httpx.get(f"{self.url}{path}", trust_env=False)

    def lines(self) -> list[LogLine]:
        """What is in the log of the connection."""
        return lines_of(self.log / CONNECTION)

    def sign_with(self, *secrets: str, origin: str = "person") -> None:
        """Give the webhook of an origin signing secrets."""
        keys = SigningKeys(self.log / CONNECTION)
        for number, secret in enumerate(secrets):
            keys.remember(SigningKey(f"{origin} {number}", origin, secret))

    def connect(self) -> socket.socket:
        """A bare connection."""
        return socket.create_connection(self.address, timeout=PATIENCE)

    def metric(self, name: str) -> float:
        """A value of the metrics page, by its name with labels."""
        for line in self.get("/metrics").text.splitlines():
            if line.startswith(f"nl_receiver_{name} "):
                return float(line.rpartition(" ")[2])
        raise KeyError(name)


@contextlib.contextmanager
def serving(
    folder: Path,
    *,
    limits: str = "",
    more: str = "",
    former: Sequence[str] = (),
    files: Files | None = None,
) -> Iterator[Running]:
    """A receiver over the log in ``folder`` for the length of a ``with`` block.

    ``more`` connections; ``former`` secrets.
    """
    chosen = loaded(folder, limits=limits, more=more)
    listener = socket.create_server(("127.0.0.1", 0))
    running = Running(f"http://127.0.0.1:{listener.getsockname()[1]}", chosen.webhook_root)
    bounds = chosen.webhooks.limits
    writer = LogWriter(chosen.webhook_root, min_free_bytes=1000, files=files)
    writer.prepare()
    hooks = hooks_of(chosen, secret=SECRET, former=former)
    running.receiver = create_receiver(
        hooks, writer=writer, limits=bounds, clock=lambda: running.now
    )
    running.server = uvicorn.Server(server_config(running.receiver))
    thread = threading.Thread(
        target=running.server.run, kwargs={"sockets": [listener]}, daemon=True
    )
    thread.start()
    try:
        yield running
    finally:
        running.server.should_exit = True
        thread.join(PATIENCE)


def read_to_the_end(connection: socket.socket) -> bytes:
    """Everything until the other side ends the connection, however it does that."""
    received = b""
    with contextlib.suppress(ConnectionResetError):
        while chunk := connection.recv(65536):
            received += chunk
    return received


def wait_for(what: str, *, running: Running, value: float) -> None:
    """Until a metric has a value. TimeoutError if it does not come."""
    deadline = time.monotonic() + PATIENCE
    while running.metric(what) != value:
        if time.monotonic() > deadline:
            raise TimeoutError(what)
