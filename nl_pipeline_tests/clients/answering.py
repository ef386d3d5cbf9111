"""A server made of a function, and a sleep that only notes.

Belongs here: what tests with hand-made answers share. Not here: answers themselves.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import httpx

Answer = httpx.Response | Exception


class Naps:
    """A `sleep` that returns at once and remembers how long it was asked to wait."""

    def __init__(self) -> None:
        self.seconds: list[float] = []

    def __call__(self, seconds: float) -> None:
        self.seconds.append(seconds)


class Server:
    """Answers requests one after the other; the last answer repeats. Keeps what it was sent."""

    def __init__(self, answers: Sequence[Answer | Callable[[httpx.Request], Answer]]) -> None:
        self._answers = list(answers)
        self.requests: list[httpx.Request] = []

    def client(self) -> httpx.Client:
        return httpx.Client(transport=httpx.MockTransport(self._answer))

    def _answer(self, request: httpx.Request) -> httpx.Response:
        request.read()
        self.requests.append(request)
        answer = self._answers.pop(0) if len(self._answers) > 1 else self._answers[0]
        if callable(answer):
            answer = answer(request)
        if isinstance(answer, Exception):
            raise answer
        # A fresh response each time: a response can be read by one client only.
        return httpx.Response(answer.status_code, headers=answer.headers, content=answer.content)


def problem(status: int, title: str, *, detail: str = "", **more: Any) -> httpx.Response:
    """A Mailchimp problem document."""
    return httpx.Response(
        status,
        json={"title": title, "status": status, "detail": detail, "instance": "0", **more},
        headers={"content-type": "application/problem+json; charset=utf-8"},
    )
