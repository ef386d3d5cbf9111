"""Delivery of webhooks: batches, tries by the sandbox's clock, authentication, loss.

Belongs here: everything between an event and the receiver's answer. Does not belong here: what an
event says (``payloads``), who wants it (``teller``) and the registry (``webhooks``). Facts (Brevo
docs, retry mechanism and batched webhooks): a JSON POST per event; four more tries 10 minutes, 1, 2
and 8 hours after the one before; a receiver that does not answer is left alone for 10 minutes; 4xx
except 429 ends the tries and the event is gone. Nothing is signed.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import httpx

from nl_pipeline.sandbox.brevo.outlets import Outlet, Posting, Told, Window
from nl_pipeline.sandbox.brevo.requests import body_of, headers_of, without_credentials
from nl_pipeline.sandbox.brevo.state import Webhook
from nl_pipeline.sandbox.brevo.switches import Switches
from nl_pipeline.sandbox.clock import Clock
from nl_pipeline.sandbox.loopback import is_loopback
from nl_pipeline.sandbox.service import FaultSource

RETRY_SECONDS = (600, 3600, 7200, 28_800)
"""Waits between tries."""

PAUSE_SECONDS = 600.0
BATCH_SECONDS = 300.0
BATCH_EVENTS = 500
LEDGER_ROWS = 1000
"""How many tries are remembered with what became of them."""

WEBHOOK_FAULTS = ("drop_webhook", "duplicate_webhook", "reorder_webhooks")

NO_ANSWER = 0
"""In place of a status when the receiver did not answer."""


@dataclass(slots=True)
class Sender:
    """The queue of deliveries; sends while an event loop runs."""

    clock: Clock
    switches: Switches = field(default_factory=Switches)
    webhooks: Mapping[int, Webhook] = field(default_factory=dict)
    """The registry: deliveries of a webhook that is no longer in it are dropped."""
    faults: FaultSource | None = None
    outlets: dict[int, Outlet] = field(default_factory=dict)
    ledger: deque[dict[str, Any]] = field(default_factory=lambda: deque(maxlen=LEDGER_ROWS))
    """The last tries, oldest first; without what was told, which names people."""
    _queue: list[Posting] = field(default_factory=list)
    _held: list[tuple[Outlet, Told]] = field(default_factory=list)
    _sending: int = 0
    _task: asyncio.Task[None] | None = None
    _wake: asyncio.Event = field(default_factory=asyncio.Event)

    def announce(self, webhook: Webhook, told: Told) -> None:
        """Queue an event for one webhook, at once or with its next batch."""
        outlet = self.outlets.setdefault(webhook.id, Outlet(webhook))
        fault = None
        if self.faults is not None:
            fault = self.faults.take(
                service="brevo", kinds=WEBHOOK_FAULTS, text=f"WEBHOOK {told.event}"
            )
        kind = None if fault is None else fault["kind"]
        if kind == "drop_webhook":
            outlet.counts["dropped"] += 1
            return
        if kind == "reorder_webhooks":
            # Waits until another delivery has overtaken it.
            self._held.append((outlet, told))
            return
        for _ in range(2 if kind == "duplicate_webhook" else 1):
            self._enqueue(outlet, told)
        self.release()

    def call_back(self, url: str, *, told: Told) -> None:
        """Queue the one call that tells of a finished process; tried like a webhook [inferred]."""
        receiver = Webhook(0, url, type="", channel="", events=[], created_at=0, modified_at=0)
        self._enqueue(Outlet(receiver, is_call_back=True), told)
        self.wake()

    def wake(self) -> None:
        """Send what is due; needs a running event loop, otherwise the next call does it."""
        if self._next_at() is None:
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
        """Requests due or being sent; not those that wait for a retry, a batch or a receiver."""
        now = self.clock.epoch()
        windows = [outlet.window for outlet in list(self.outlets.values())]
        return (
            self._sending
            + sum(window is not None and window.closes_at <= now for window in windows)
            + sum(posting.starts_at <= now for posting in list(self._queue))
        )

    @property
    def waiting(self) -> int:
        """Requests whose time has not come, and events that are to be overtaken."""
        now = self.clock.epoch()
        windows = [outlet.window for outlet in list(self.outlets.values())]
        return (
            len(self._held)
            + sum(window is not None and window.closes_at > now for window in windows)
            + sum(posting.starts_at > now for posting in list(self._queue))
        )

    def report(self) -> dict[str, Any]:
        """What is on its way and what became of the rest, for tests and demos."""
        return {
            "under_way": self.under_way,
            "waiting": self.waiting,
            "webhooks": {
                str(number): {**outlet.counts, "paused_until": outlet.paused_until}
                for number, outlet in self.outlets.items()
            },
            "tries": list(self.ledger),
        }

    def release(self) -> None:
        """Let go of deliveries that were to be overtaken, once time has passed without one."""
        held, self._held = self._held, []
        for outlet, told in held:
            self._enqueue(outlet, told)
        self.wake()

    def forget(self) -> None:
        """Drop everything on its way, at a reset."""
        # First of all, for a reset may come from another thread than the one that sends.
        if self._task is not None and not self._task.done():
            self._task.cancel()
        self._task = None
        self._queue.clear()
        self._held.clear()
        self.outlets = {}
        self.ledger.clear()
        self._sending = 0

    def _enqueue(self, outlet: Outlet, told: Told) -> None:
        now = self.clock.epoch()
        if not outlet.webhook.batched:
            self._queue.append(Posting(outlet, [told], now))
            return
        if outlet.window is None:
            outlet.window = Window(now + BATCH_SECONDS)
        outlet.window.told.append(told)

    def _next_at(self) -> float | None:
        times = [posting.starts_at for posting in self._queue]
        times += [item.window.closes_at for item in self.outlets.values() if item.window]
        return min(times, default=None)

    async def _send_all(self) -> None:
        """Send due deliveries, receiver by receiver in order, and wait for the next."""
        # Without certificates, which loopback has none of: loading them takes longer than a call.
        async with httpx.AsyncClient(trust_env=False, verify=False) as client:
            while (next_at := self._next_at()) is not None:
                self._wake.clear()
                wait = next_at - self.clock.epoch()
                if wait > 0:
                    with contextlib.suppress(TimeoutError):
                        await asyncio.wait_for(self._wake.wait(), timeout=wait)
                    continue
                by_outlet = self._take_due()
                await asyncio.gather(
                    *(self._send_in_order(client, postings) for postings in by_outlet)
                )
                self._sending = 0

    def _take_due(self) -> list[list[Posting]]:
        now = self.clock.epoch()
        for outlet in self.outlets.values():
            window = outlet.window
            if window is not None and window.closes_at <= now:
                outlet.window = None
                for start in range(0, len(window.told), BATCH_EVENTS):
                    told = window.told[start : start + BATCH_EVENTS]
                    self._queue.append(Posting(outlet, told, window.closes_at))
        due: dict[int, list[Posting]] = {}
        later = []
        for posting in self._queue:
            if posting.starts_at <= now:
                due.setdefault(id(posting.outlet), []).append(posting)
            else:
                later.append(posting)
        self._queue = later
        self._sending = sum(map(len, due.values()))
        return list(due.values())

    async def _send_in_order(self, client: httpx.AsyncClient, postings: list[Posting]) -> None:
        for posting in postings:
            # Retries count from the start of a try: the clock may be moved while it is under way.
            tried_at = self.clock.epoch()
            outlet = posting.outlet
            if posting.starts_at > tried_at:
                self._queue.append(posting)
            elif not outlet.is_call_back and outlet.webhook.id not in self.webhooks:
                self._note(posting, outcome="dropped", status=NO_ANSWER, at=tried_at)
            else:
                status = await self._attempt(client, posting)
                if status == NO_ANSWER:
                    outlet.paused_until = tried_at + PAUSE_SECONDS
                self._judge(posting, status=status, at=tried_at)

    def _judge(self, posting: Posting, *, status: int, at: float) -> None:
        if 200 <= status < 300:
            outcome = "delivered"
        elif self._ends_the_tries(status):
            outcome = "discarded"
        elif posting.tries < len(RETRY_SECONDS):
            posting.due = at + RETRY_SECONDS[posting.tries]
            posting.tries += 1
            self._queue.append(posting)
            outcome = "retried"
        else:
            outcome = "lost"
        self._note(posting, outcome=outcome, status=status, at=at)

    def _ends_the_tries(self, status: int) -> bool:
        if status >= 500:
            return self.switches.webhook_5xx == "discarded"
        return 400 <= status != 429

    def _note(self, posting: Posting, *, outcome: str, status: int, at: float) -> None:
        posting.outlet.counts[outcome] += len(posting.told)
        self.ledger.append(
            {
                "webhook_id": posting.outlet.webhook.id,
                "events": [told.event for told in posting.told],
                "at": at,
                "status": status,
                "outcome": outcome,
                "retries_so_far": posting.tries,
            }
        )

    async def _attempt(self, client: httpx.AsyncClient, posting: Posting) -> int:
        """HTTP status of one try, :data:`NO_ANSWER` for none in time."""
        webhook = posting.outlet.webhook
        if not is_loopback(webhook.url):
            return NO_ANSWER
        limit = self.switches.webhook_timeout_seconds
        try:
            async with asyncio.timeout(limit):
                answer = await client.post(
                    without_credentials(webhook.url),
                    content=body_of(posting, switches=self.switches),
                    headers=headers_of(webhook),
                    timeout=limit,
                )
        except (httpx.HTTPError, TimeoutError):
            return NO_ANSWER
        return answer.status_code
