"""The receiver of webhooks on loopback, going by the sandbox's clock, and a scenario that has one.

Belongs here: starting and stopping it, and waiting until everything that was told has arrived. Not
here: assertions.
"""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import uvicorn

from nl_pipeline import settings
from nl_pipeline.receiver.app import create_receiver
from nl_pipeline.receiver.routes import hooks_of
from nl_pipeline.sandbox.app import World
from nl_pipeline.settings import SANDBOX_CONNECTION, Settings
from nl_pipeline.sync.webhook_watch import HookPlace
from nl_pipeline.webhook_log.lines import LogLine
from nl_pipeline.webhook_log.reading import read, segments
from nl_pipeline.webhook_log.writing import LogWriter

SECRET = "test-secret-of-the-receiver"
_TURN_SECONDS = 0.004
_PATIENCE = 5_000


@dataclass
class Listening:
    """A receiver and where it stores; ``is_deaf`` makes it refuse everything it is sent, with
    ``deaf_answer``."""

    url: str
    settings: Settings
    world: World
    connection: str = SANDBOX_CONNECTION
    is_deaf: bool = False
    deaf_answer: int = 502
    _never: threading.Event = field(default_factory=threading.Event, repr=False)

    @property
    def folder(self) -> Path:
        """The webhook log of the connection."""
        return self.settings.webhook_log_dir(self.connection)

    @property
    def place(self) -> HookPlace:
        """Where the webhooks of the connection should go."""
        return HookPlace(self.url, self.connection, SECRET, self.folder)

    def hear(self) -> None:
        """Wait until nothing is under way any more that could arrive now."""
        for _ in range(_PATIENCE):
            senders = (self.world.mailchimp._sender, self.world.brevo._sender)
            if not any(sender.under_way for sender in senders):
                return
            # The other threads get their turn.
            self._never.wait(_TURN_SECONDS)
        raise AssertionError("deliveries did not come to rest")

    def lines(self) -> list[LogLine]:
        """Everything that was stored."""
        return [
            line
            for segment in segments(self.folder)
            for _, line in read(self.folder, segment=segment.name)
            if isinstance(line, LogLine)
        ]


@contextlib.contextmanager
def listening(
    world: World, *, sandbox_port: int, folder: Path, connection: str = SANDBOX_CONNECTION
) -> Iterator[Listening]:
    """A receiver in a thread for the length of a ``with`` block; its log lies below ``folder``.

    It serves both connections of a sandbox; ``connection`` is the one that is looked at.
    """
    text = settings.sandbox_text(port=sandbox_port)
    chosen = settings.parse(text, file="connections.yaml", folder=folder)
    listener = socket.create_server(("127.0.0.1", 0))
    url = f"http://127.0.0.1:{listener.getsockname()[1]}"
    heard = Listening(url, chosen, world, connection)
    started = threading.Event()

    def now() -> datetime:
        return datetime.fromtimestamp(world.clock.epoch(), tz=UTC)

    class Server(uvicorn.Server):
        async def startup(self, sockets: list[socket.socket] | None = None) -> None:
            await super().startup(sockets=sockets)
            started.set()

    def serve() -> None:
        receiver = create_receiver(
            hooks_of(chosen, secret=SECRET),
            writer=LogWriter(chosen.webhook_root, now=now),
            limits=chosen.webhooks.limits,
            clock=world.clock.epoch,
        )
        config = uvicorn.Config(_deaf(receiver.app, heard), log_config=None, access_log=False)
        server.append(Server(config))
        server[0].run(sockets=[listener])

    server: list[Server] = []
    thread = threading.Thread(target=serve, name="receiver", daemon=True)
    thread.start()
    assert started.wait(10)
    try:
        yield heard
    finally:
        server[0].should_exit = True
        thread.join(timeout=10)


def _deaf(app: Callable[..., object], heard: Listening) -> Callable[..., object]:
    """The app behind a proxy that answers for it while the receiver is down."""

    async def around(
        scope: dict[str, object], receive: object, send: Callable[..., object]
    ) -> None:
        if scope["type"] == "http" and heard.is_deaf:
            start = {"type": "http.response.start", "status": heard.deaf_answer, "headers": []}
            await send(start)  # type: ignore[misc]
            await send({"type": "http.response.body", "body": b""})  # type: ignore[misc]
            return
        await app(scope, receive, send)  # type: ignore[misc]

    return around
