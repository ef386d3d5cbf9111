"""Delivery of webhooks: queue, retries by the sandbox's clock, signature, loss.

Belongs here: everything between a notice and the receiver's answer. Does not belong here: what a
notice says (``notices``) and the webhook resource (``webhooks``). Facts: form-encoded POST, ten
seconds for a 2xx, retries at increasing intervals within about 75 minutes, then lost; a receiver
that keeps failing loses its webhook. The intervals themselves are [inferred].
"""

from __future__ import annotations

import asyncio
import hmac
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode

import httpx

from nl_pipeline.sandbox.clock import Clock
from nl_pipeline.sandbox.loopback import is_loopback
from nl_pipeline.sandbox.mailchimp import times
from nl_pipeline.sandbox.mailchimp.account import Notice
from nl_pipeline.sandbox.mailchimp.state import Audience, Webhook
from nl_pipeline.sandbox.mailchimp.switches import Switches
from nl_pipeline.sandbox.mailchimp.webhook_urls import TIMEOUT_SECONDS
from nl_pipeline.sandbox.service import FaultSource

AGENT = "MailChimp.com"
"""User-Agent of deliveries, from a request capture."""

RETRY_SECONDS = (60, 120, 240, 480, 900, 1200, 1500)
"""Waits between tries; together 75 minutes."""

LOST_BEFORE_FAILING = 3
"""Deliveries lost in a row after which a webhook counts as failing [inferred]."""

WEBHOOK_FAULTS = ("drop_webhook", "duplicate_webhook", "reorder_webhooks")

_SOURCE_OF = {"person": "user", "staff": "admin", "import": "admin", "api": "api"}


@dataclass(slots=True)
class _Posting:
    """One delivery on its way."""

    url: str
    body: bytes
    due: float
    audience: Audience | None = None
    webhook: Webhook | None = None
    tries: int = 0


@dataclass(slots=True)
class Sender:
    """The queue of deliveries; sends while an event loop runs."""

    clock: Clock
    switches: Switches = field(default_factory=Switches)
    faults: FaultSource | None = None
    _queue: list[_Posting] = field(default_factory=list)
    _held: list[_Posting] = field(default_factory=list)
    _sending: int = 0
    _task: asyncio.Task[None] | None = None
    _wake: asyncio.Event = field(default_factory=asyncio.Event)

    def announce(self, audience: Audience, notice: Notice) -> None:
        """Queue a notice for every webhook of the audience whose flags want it."""
        for webhook in audience.webhooks.values():
            if not webhook.silent and _wanted(notice, webhook=webhook):
                body = _form(notice, at=int(self.clock.epoch()))
                posting = _Posting(webhook.url, body, self.clock.epoch(), audience, webhook)
                self._enqueue(posting, event=notice.type)

    def announce_batch(self, url: str, *, fields: list[tuple[str, str]]) -> None:
        """Queue the notice of a finished batch."""
        posting = _Posting(url, urlencode(fields).encode(), self.clock.epoch())
        self._enqueue(posting, event="batch_operation_completed")

    def wake(self) -> None:
        """Send what is due; needs a running event loop, otherwise the next call does it."""
        if not self._queue:
            return
        try:
            loop = asyncio.get_running_loop()
        except RuntimeError:
            return
        if self._task is None or self._task.done():
            # An event belongs to the loop that first waits for it.
            self._wake = asyncio.Event()
            self._task = loop.create_task(self._send_all())
        self._wake.set()

    @property
    def under_way(self) -> int:
        """Deliveries that are due or being sent; those that wait for a retry are not."""
        now = self.clock.epoch()
        return self._sending + sum(posting.due <= now for posting in list(self._queue))

    def release(self) -> None:
        """Let go of deliveries that were to be overtaken, once time has passed without one."""
        self._queue += self._held
        self._held.clear()

    def forget(self) -> None:
        """Drop everything on its way, at a reset."""
        self._queue.clear()
        self._held.clear()
        self._sending = 0
        if self._task is not None and not self._task.done():
            self._task.cancel()
        self._task = None

    def _enqueue(self, posting: _Posting, *, event: str) -> None:
        fault = None
        if self.faults is not None:
            fault = self.faults.take(
                service="mailchimp", kinds=WEBHOOK_FAULTS, text=f"WEBHOOK {event}"
            )
        kind = None if fault is None else fault["kind"]
        if kind == "drop_webhook":
            return
        if kind == "reorder_webhooks":
            # Waits until another delivery has overtaken it.
            self._held.append(posting)
            return
        copies = 2 if kind == "duplicate_webhook" else 1
        for _ in range(copies):
            self._queue.append(_copy(posting))
        self.release()
        self.wake()

    async def _send_all(self) -> None:
        """Send due deliveries, webhook by webhook in order, and wait for the next retry."""
        async with httpx.AsyncClient(timeout=TIMEOUT_SECONDS, trust_env=False) as client:
            while self._queue:
                self._wake.clear()
                now = self.clock.epoch()
                due = [posting for posting in self._queue if posting.due <= now]
                self._sending = len(due)
                self._queue = [posting for posting in self._queue if posting.due > now]
                by_url: dict[str, list[_Posting]] = {}
                for posting in due:
                    by_url.setdefault(posting.url, []).append(posting)
                await asyncio.gather(
                    *(self._send_in_order(client, postings) for postings in by_url.values())
                )
                self._sending = 0
                await self._rest()

    async def _rest(self) -> None:
        if not self._queue:
            return
        wait = min(posting.due for posting in self._queue) - self.clock.epoch()
        if wait > 0:
            try:
                await asyncio.wait_for(self._wake.wait(), timeout=wait)
            except TimeoutError:
                return

    async def _send_in_order(self, client: httpx.AsyncClient, postings: list[_Posting]) -> None:
        for posting in postings:
            # Retries count from the start of a try: the clock may be moved while it is under way.
            tried_at = self.clock.epoch()
            if await self._delivered(client, posting):
                if posting.webhook is not None:
                    posting.webhook.lost_in_a_row = 0
            elif posting.tries < len(RETRY_SECONDS):
                posting.due = tried_at + RETRY_SECONDS[posting.tries]
                posting.tries += 1
                self._queue.append(posting)
            else:
                self._lose(posting)

    async def _delivered(self, client: httpx.AsyncClient, posting: _Posting) -> bool:
        if not is_loopback(posting.url):
            return False
        headers = {
            "User-Agent": AGENT,
            "Content-Type": "application/x-www-form-urlencoded",
        }
        if posting.webhook is not None and posting.webhook.signing_secret:
            headers["X-Mailchimp-Signature"] = signature(
                posting.body, secret=posting.webhook.signing_secret, at=int(self.clock.epoch())
            )
        try:
            async with asyncio.timeout(TIMEOUT_SECONDS):
                answer = await client.post(posting.url, content=posting.body, headers=headers)
        except (httpx.HTTPError, TimeoutError):
            return False
        return answer.is_success

    def _lose(self, posting: _Posting) -> None:
        webhook, audience = posting.webhook, posting.audience
        if webhook is None or audience is None:
            return
        webhook.lost_in_a_row += 1
        if webhook.lost_in_a_row < LOST_BEFORE_FAILING:
            return
        if self.switches.failing_webhook == "removed":
            audience.webhooks.pop(webhook.id, None)
        elif self.switches.failing_webhook == "silent":
            webhook.silent = True


def signature(body: bytes, *, secret: str, at: int) -> str:
    """``X-Mailchimp-Signature``: HMAC-SHA256 over ``<t>.<raw body>`` (Mailchimp docs, webhooks)."""
    digest = hmac.new(secret.encode(), f"{at}.".encode() + body, "sha256").hexdigest()
    return f"t={at},v1={digest}"


def _copy(posting: _Posting) -> _Posting:
    return _Posting(posting.url, posting.body, posting.due, posting.audience, posting.webhook)


def _wanted(notice: Notice, *, webhook: Webhook) -> bool:
    """Event and source flags; campaigns and Mailchimp's own acts have no source flag [open]."""
    if not webhook.events.get(notice.type, False):
        return False
    if notice.type == "campaign" or notice.actor == "system":
        return True
    return webhook.sources[_SOURCE_OF[notice.actor]]


def _form(notice: Notice, *, at: int) -> bytes:
    fields = [("type", notice.type), ("fired_at", times.plain(at))]
    fields += _flat("data", notice.data)
    return urlencode(fields).encode()


def _flat(prefix: str, data: dict[str, Any]) -> Iterator[tuple[str, str]]:
    for name, value in data.items():
        if isinstance(value, dict):
            yield from _flat(f"{prefix}[{name}]", value)
        else:
            yield f"{prefix}[{name}]", str(value)
