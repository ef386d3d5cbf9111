"""The middleware that acts out faults of the line, the status and the body.

Belongs here: holding, breaking and spoiling one HTTP exchange. Does not belong here: which call is
hit (``faults.py``) and anything that needs a service's records.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any

import msgspec
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from nl_pipeline.sandbox.connections import break_connection
from nl_pipeline.sandbox.faults import LINE_KINDS, SERVICE_KINDS, Fault, FaultList

LONGEST_HOLD_SECONDS = 120.0
_HTML = (
    b"<html><head><title>Bad Gateway</title></head>"
    b"<body><h1>The request could not be satisfied.</h1></body></html>"
)


class FaultMiddleware:
    """Stands between the call log and the services."""

    def __init__(self, app: ASGIApp, *, faults: FaultList, services: Sequence[str]) -> None:
        self._app = app
        self._faults = faults
        self._services = frozenset(services)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the call on, unless a fault hits it."""
        service = scope["path"].split("/", 2)[1] if scope["type"] == "http" else ""
        if service not in self._services or not self._faults:
            await self._app(scope, receive, send)
            return
        body = await _read_body(receive)
        actions = _action_names(body) if service == "onoffice" else []
        scope["sandbox.actions"] = {name: actions.count(name) for name in actions}
        fault = self._faults.next_for(
            service=service,
            texts=[_request_line(scope), *actions],
            kinds=LINE_KINDS | SERVICE_KINDS,
        )
        again = _replay(body, receive)
        if fault is None:
            await self._app(scope, again, send)
        elif fault.kind in SERVICE_KINDS or fault.errorcode is not None:
            scope["sandbox.fault"] = msgspec.to_builtins(fault)
            await self._app(scope, again, send)
        elif fault.kind == "delay":
            await asyncio.sleep(1.0 if fault.seconds is None else fault.seconds)
            await self._app(scope, again, send)
        else:
            await self._spoil(fault, scope, again, receive, send)

    async def _spoil(
        self, fault: Fault, scope: Scope, again: Receive, receive: Receive, send: Send
    ) -> None:
        answer: list[Message] = []
        if fault.after_apply or fault.kind in ("timeout_after_apply", "truncate"):

            async def keep(message: Message) -> None:
                answer.append(message)

            await self._app(scope, again, keep)
        if fault.kind == "status":
            await _send_whole(send, *_status_answer(fault, service=scope["path"].split("/", 2)[1]))
        elif fault.kind == "html_error":
            await _send_whole(send, fault.status or 502, [(b"content-type", b"text/html")], _HTML)
        elif fault.kind == "truncate":
            await _send_half(scope, answer, send)
            await _wait_until_gone(receive, seconds=LONGEST_HOLD_SECONDS)
        else:
            if fault.kind != "reset":
                hold = LONGEST_HOLD_SECONDS if fault.seconds is None else fault.seconds
                await _wait_until_gone(receive, seconds=hold)
            break_connection(scope["client"], flush=False)
            await _wait_until_gone(receive, seconds=LONGEST_HOLD_SECONDS)


def _request_line(scope: Scope) -> str:
    query = scope["query_string"].decode("latin-1")
    return f"{scope['method']} {scope['path']}" + (f"?{query}" if query else "")


def _action_names(body: bytes) -> list[str]:
    """The names ``read:address`` of an onOffice request, empty when it cannot be read."""
    try:
        request = msgspec.json.decode(body)
        return [
            f"{action['actionid'].rpartition(':')[2]}:{action['resourcetype']}"
            for action in request["request"]["actions"]
        ]
    except (msgspec.DecodeError, KeyError, TypeError, AttributeError, UnicodeDecodeError):
        return []


async def _read_body(receive: Receive) -> bytes:
    chunks: list[bytes] = []
    while True:
        message = await receive()
        chunks.append(message.get("body", b""))
        if message["type"] != "http.request" or not message.get("more_body", False):
            return b"".join(chunks)


def _replay(body: bytes, receive: Receive) -> Receive:
    """A ``receive`` that first gives the whole body again and then goes on as before."""
    pending: list[Message] = [{"type": "http.request", "body": body, "more_body": False}]

    async def again() -> Message:
        return pending.pop() if pending else await receive()

    return again


async def _wait_until_gone(receive: Receive, *, seconds: float) -> None:
    async def gone() -> None:
        while (await receive())["type"] != "http.disconnect":
            pass

    try:
        await asyncio.wait_for(gone(), timeout=seconds)
    except TimeoutError:
        return


async def _send_whole(
    send: Send, status: int, headers: list[tuple[bytes, bytes]], body: bytes
) -> None:
    length = (b"content-length", str(len(body)).encode())
    await send({"type": "http.response.start", "status": status, "headers": [*headers, length]})
    await send({"type": "http.response.body", "body": body})


async def _send_half(scope: Scope, answer: list[Message], send: Send) -> None:
    """Headers that promise the whole body, half of it, and the end of the stream."""
    start = next(message for message in answer if message["type"] == "http.response.start")
    body = b"".join(message.get("body", b"") for message in answer)
    await send(start)
    await send({"type": "http.response.body", "body": body[: len(body) // 2], "more_body": True})
    break_connection(scope["client"], flush=True)


def _status_answer(fault: Fault, *, service: str) -> tuple[int, list[tuple[bytes, bytes]], bytes]:
    status = fault.status or 500
    headers = [(key.encode(), value.encode()) for key, value in fault.headers.items()]
    body: Any = fault.body
    if body is msgspec.UNSET and service == "mailchimp":
        body = {
            "type": "https://mailchimp.com/developer/marketing/docs/errors/",
            "title": "Injected Fault",
            "status": status,
            "detail": "The sandbox was asked to answer this call with an error.",
            "instance": "sandbox-fault",
        }
        headers.append((b"content-type", b"application/problem+json; charset=utf-8"))
    elif body is msgspec.UNSET and service == "brevo":
        body = {
            "code": "sandbox_fault",
            "message": "The sandbox was asked to answer with an error.",
        }
        headers.append((b"content-type", b"application/json"))
    elif body is msgspec.UNSET and service == "linkedin":
        body = {"status": status, "message": "The sandbox was asked to answer with an error."}
        headers.append((b"content-type", b"application/json"))
    elif body is not msgspec.UNSET and body is not None:
        headers.append((b"content-type", b"application/json; charset=utf-8"))
    encoded = b"" if body is msgspec.UNSET or body is None else msgspec.json.encode(body)
    return status, headers, encoded
