"""Delivery of notifications and the challenges of their webhooks, by the twin's clock.

Belongs here: queue, signature, tries, loss, and when a challenge is due. Does not belong here: what
a notification says (``teller``) and what a challenge is (``challenges``). Facts (LinkedIn docs,
webhook validation): a JSON POST, delivered with any 2xx, ``X-LI-Signature`` over ``hmacsha256=``
and the raw body; a blocked webhook gets nothing. Tries and time limit are not documented for leads.
"""

from __future__ import annotations

import asyncio
import contextlib
import hmac
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

import httpx

from nl_pipeline.sandbox.credentials import LINKEDIN_CLIENT_SECRET
from nl_pipeline.sandbox.linkedin import challenges, teller
from nl_pipeline.sandbox.linkedin.account import Account
from nl_pipeline.sandbox.linkedin.state import Endpoint, Lead, LeadAction
from nl_pipeline.sandbox.linkedin.switches import Switches
from nl_pipeline.sandbox.loopback import is_loopback
from nl_pipeline.sandbox.service import FaultSource

SIGNED_PREFIX = b"hmacsha256="
ANSWER_SECONDS = 10.0
RETRY_MILLISECONDS = 300_000
TRIES_FOR = 8 * 3_600_000
"""As page social events are tried: every 5 minutes for 8 hours."""

_DEFAULT_DELAY_SECONDS = 60.0
_LEDGER_ROWS = 1000
_NO_ANSWER = 0
FAULTS = (
    "drop_webhook",
    "duplicate_webhook",
    "reorder_webhooks",
    "delay_webhook",
    "missign_webhook",
)


@dataclass(frozen=True, slots=True)
class _Posting:
    """One delivery on its way; times in milliseconds."""

    subscription_id: int
    url: str
    action: LeadAction
    body: bytes
    first_at: int
    due_at: int
    missigned: bool = False


@dataclass(slots=True)
class Sender:
    """The queue of deliveries; sends and challenges while an event loop runs."""

    account: Callable[[], Account]
    faults: FaultSource | None = None
    ledger: deque[dict[str, Any]] = field(default_factory=lambda: deque(maxlen=_LEDGER_ROWS))
    """The last tries, oldest first, without what was told."""
    _queue: list[_Posting] = field(default_factory=list)
    _held: list[_Posting] = field(default_factory=list)
    _busy: int = 0
    _task: asyncio.Task[None] | None = None
    _wake: asyncio.Event = field(default_factory=asyncio.Event)

    def tell(self, lead: Lead, action: LeadAction) -> None:
        """Queue an event for every subscription that wants it."""
        account = self.account()
        body, now = teller.payload(account, lead, action=action), account.now()
        for one in teller.wanting(account, lead):
            self._enqueue(_Posting(one.id, one.webhook, action, body, now, now))

    def wake(self) -> None:
        """Do what is due; needs a running event loop, otherwise the next call does it."""
        if self._next_at() is None:
            return
        try:
            loop = asyncio.get_running_loop()
        except RuntimeError:
            return
        if self._task is None or self._task.done():
            # An event belongs to the loop that first waits for it.
            self._wake = asyncio.Event()
            self._task = loop.create_task(self._work())
        self._wake.set()

    def release(self) -> None:
        """Let go of deliveries that were to be overtaken, once time has passed without one."""
        self._queue += self._held
        self._held.clear()
        self.wake()

    def report(self) -> dict[str, Any]:
        """What is on its way and what became of the rest; ``under_way``: due or being done."""
        now = self.account().now()
        due = sum(one.due_at <= now for one in self._queue)
        due += sum(one.due_at <= now for one in self._challenged())
        return {
            "under_way": self._busy + due,
            "waiting": len(self._held) + sum(one.due_at > now for one in self._queue),
            "tries": list(self.ledger),
        }

    def forget(self) -> None:
        """Drop everything on its way, at a reset."""
        # First of all, for a reset may come from another thread than the one that sends.
        if self._task is not None and not self._task.done():
            self._task.cancel()
        self._task = None
        self._queue.clear()
        self._held.clear()
        self.ledger.clear()
        self._busy = 0

    def _enqueue(self, posting: _Posting) -> None:
        fault = None
        if self.faults is not None:
            fault = self.faults.take(
                service="linkedin", kinds=FAULTS, text=f"WEBHOOK {posting.action}"
            )
        kind = None if fault is None else fault["kind"]
        if kind == "drop_webhook":
            self._note(posting, outcome="dropped", status=_NO_ANSWER)
            return
        if kind == "reorder_webhooks":
            # Waits until another delivery has overtaken it.
            self._held.append(posting)
            return
        if fault is not None and kind == "delay_webhook":
            delay = int(fault.get("seconds", _DEFAULT_DELAY_SECONDS) * 1000)
            posting = replace(posting, due_at=posting.due_at + delay)
        if kind == "missign_webhook":
            posting = replace(posting, missigned=True)
        self._queue += [posting] * (2 if kind == "duplicate_webhook" else 1)
        self.release()

    def _challenged(self) -> list[Endpoint]:
        """The webhooks that are challenged from time to time."""
        account = self.account()
        in_use = {one.webhook for one in account.subscriptions.values()}
        return [
            one
            for one in account.endpoints.values()
            if one.state != "blocked" and one.url in in_use
        ]

    def _next_at(self) -> int | None:
        times = [one.due_at for one in self._queue]
        times += [one.due_at for one in self._challenged()]
        return min(times, default=None)

    async def _work(self) -> None:
        """Challenge and send what is due, and wait for the next."""
        # Without certificates, which loopback has none of: loading them takes longer than a call.
        async with httpx.AsyncClient(trust_env=False, verify=False) as client:
            while (next_at := self._next_at()) is not None:
                self._wake.clear()
                wait = next_at / 1000 - self.account().clock.epoch()
                if wait > 0:
                    with contextlib.suppress(TimeoutError):
                        await asyncio.wait_for(self._wake.wait(), timeout=wait)
                    continue
                await self._challenge(client)
                await self._send(client)

    async def _challenge(self, client: httpx.AsyncClient) -> None:
        """Challenge each webhook as often as it fell due, but no more often than blocks it: how it
        would have answered in between cannot be known, only how it answers now."""
        account = self.account()
        for endpoint in self._challenged():
            while endpoint.state != "blocked" and endpoint.due_at <= account.now():
                self._busy += 1
                at, now = endpoint.due_at, account.now()
                if await challenges.passes(client, endpoint.url, code=account.uuid()):
                    last_due = at + (now - at) // challenges.INTERVAL * challenges.INTERVAL
                    challenges.passed(endpoint, at=last_due)
                else:
                    challenges.failed(endpoint, at=at)
                self._busy -= 1

    async def _send(self, client: httpx.AsyncClient) -> None:
        now = self.account().now()
        due: dict[str, list[_Posting]] = {}
        for posting in self._queue:
            if posting.due_at <= now:
                due.setdefault(posting.url, []).append(posting)
        self._queue = [posting for posting in self._queue if posting.due_at > now]
        self._busy += sum(map(len, due.values()))
        await asyncio.gather(*(self._send_in_order(client, one) for one in due.values()))

    async def _send_in_order(self, client: httpx.AsyncClient, postings: list[_Posting]) -> None:
        for posting in postings:
            # A try counts from its start: the clock may be moved while it is under way.
            at = self.account().now()
            outcome, status = await self._attempt(client, posting)
            if outcome == "lost" and self._is_tried_again(posting, at=at):
                self._queue.append(replace(posting, due_at=at + RETRY_MILLISECONDS))
                outcome = "retried"
            self._note(posting, outcome=outcome, status=status)
            self._busy -= 1

    def _is_tried_again(self, posting: _Posting, *, at: int) -> bool:
        if self.account().switches.push_retries == "none":
            return False
        return at + RETRY_MILLISECONDS <= posting.first_at + TRIES_FOR

    async def _attempt(self, client: httpx.AsyncClient, posting: _Posting) -> tuple[str, int]:
        account = self.account()
        endpoint = account.endpoints.get(posting.url)
        if posting.subscription_id not in account.subscriptions or endpoint is None:
            return "dropped", _NO_ANSWER
        if endpoint.state != "validated":
            return "blocked", _NO_ANSWER
        if not is_loopback(posting.url):
            return "lost", _NO_ANSWER
        headers = {
            "Content-Type": "application/json",
            "X-LI-Signature": _header(posting, switches=account.switches),
        }
        try:
            async with asyncio.timeout(ANSWER_SECONDS):
                answer = await client.post(posting.url, content=posting.body, headers=headers)
        except (httpx.HTTPError, TimeoutError):
            return "lost", _NO_ANSWER
        return "delivered" if answer.is_success else "lost", answer.status_code

    def _note(self, posting: _Posting, *, outcome: str, status: int) -> None:
        self.ledger.append(
            {
                "subscription_id": posting.subscription_id,
                "action": posting.action,
                "at": self.account().now(),
                "status": status,
                "outcome": outcome,
            }
        )


def signature(body: bytes, *, prefixed: bool = True, secret: str = LINKEDIN_CLIENT_SECRET) -> str:
    """Hexadecimal HMAC-SHA256 with the app's secret over ``hmacsha256=`` and the body, or over the
    body alone."""
    signed = SIGNED_PREFIX + body if prefixed else body
    return hmac.new(secret.encode(), signed, "sha256").hexdigest()


def _header(posting: _Posting, *, switches: Switches) -> str:
    digest = signature(posting.body, prefixed=switches.signed == "prefixed_body")
    if posting.missigned:
        digest = signature(posting.body + b"\n")
    return f"hmacsha256={digest}" if switches.signature_header == "prefixed" else digest
