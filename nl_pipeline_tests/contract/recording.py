"""What travels between a client and a twin, kept as it was on the wire.

Belongs here: the recorder that stands around the sandbox's application, and the server it stands
around. Not here: any judgement. It sees every client in the same way, ours and strangers alike, and
needs nothing from them.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl

import msgspec
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from nl_pipeline.sandbox.app import World
from nl_pipeline.sandbox.serve import running
from nl_pipeline_tests.sandbox_control import SandboxControl


@dataclass(frozen=True)
class Exchange:
    """One call and its answer; `path` is decoded and relative to the root of the API.

    What a service serves beside its API (results of batches, files) keeps the path it has there.
    """

    method: str
    path: str
    query: tuple[tuple[str, str], ...]
    request_body: bytes
    status: int
    content_type: str
    answer_body: bytes

    @property
    def request(self) -> Any:
        """The decoded body of the request."""
        return msgspec.json.decode(self.request_body)

    @property
    def answer(self) -> Any:
        """The decoded body of the answer."""
        return msgspec.json.decode(self.answer_body)


class Recorder:
    """Keeps every exchange of one twin, whose API lies at `/service` + `version`; everything else
    passes unseen."""

    def __init__(self, *, service: str, version: str) -> None:
        self.exchanges: list[Exchange] = []
        self._root = f"/{service}"
        self._version = version

    def around(self, app: ASGIApp) -> ASGIApp:
        """The application with this recorder around it."""

        async def recorded(scope: Scope, receive: Receive, send: Send) -> None:
            if scope["type"] != "http" or not scope["path"].startswith(self._root):
                await app(scope, receive, send)
                return
            sent: list[bytes] = []
            answered: list[bytes] = []
            start: dict[str, Any] = {}

            async def listening() -> Message:
                message = await receive()
                sent.append(message.get("body", b""))
                return message

            async def answering(message: Message) -> None:
                if message["type"] == "http.response.start":
                    start.update(message)
                answered.append(message.get("body", b""))
                await send(message)

            # The path as it came: the application changes the scope while it routes.
            path = scope["path"].removeprefix(self._root).removeprefix(self._version)
            await app(scope, listening, answering)
            headers = dict(start["headers"])
            self.exchanges.append(
                Exchange(
                    method=scope["method"],
                    path=path or "/",
                    query=tuple(parse_qsl(scope["query_string"].decode(), keep_blank_values=True)),
                    request_body=b"".join(sent),
                    status=start["status"],
                    content_type=headers.get(b"content-type", b"").decode().partition(";")[0],
                    answer_body=b"".join(answered),
                )
            )

        return recorded


@dataclass(frozen=True)
class Recorded:
    """A running sandbox and what one of its twins was asked."""

    control: SandboxControl
    recorder: Recorder

    def taken(self) -> tuple[Exchange, ...]:
        """What was recorded since the last time."""
        exchanges = tuple(self.recorder.exchanges)
        self.recorder.exchanges.clear()
        return exchanges


@contextlib.contextmanager
def recorded_sandbox(*, service: str, version: str) -> Iterator[Recorded]:
    """A sandbox without people whose twin `service` is recorded."""
    recorder = Recorder(service=service, version=version)
    with running(World(contacts=0), around=recorder.around) as base_url:
        control = SandboxControl(base_url)
        yield Recorded(control, recorder)
        control.close()
