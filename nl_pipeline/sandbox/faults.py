"""Faults on demand: the list that the control API fills and the middleware that acts them out.

Belongs here: which call is hit and how the line, the status or the body fails. Does not belong
here: faults only a twin can act out (a short page, page drift, an error of a single action, a lost
webhook). Those are handed to the service, see ``service.py``.
"""

from __future__ import annotations

import random
import re
from collections.abc import Collection, Sequence
from typing import Any

import msgspec

from nl_pipeline.sandbox.service import ActRefused

WEBHOOK_KINDS = frozenset({"drop_webhook", "duplicate_webhook", "reorder_webhooks"})
LINKEDIN_KINDS = frozenset({"delay_webhook", "missign_webhook"})
"""Of notifications of LinkedIn: late by ``seconds`` (default 60), or with a wrong signature."""
SERVICE_KINDS = frozenset({"short_page", "page_drift"})
LINE_KINDS = frozenset(
    {"status", "timeout_before", "timeout_after_apply", "reset", "truncate", "delay", "html_error"}
)
KINDS = LINE_KINDS | SERVICE_KINDS | WEBHOOK_KINDS | LINKEDIN_KINDS
SERVICES = ("onoffice", "mailchimp", "brevo", "linkedin")


class Fault(msgspec.Struct, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """One armed fault, as posted to ``/_sandbox/faults``."""

    kind: str
    service: str | None = None
    """One of :data:`SERVICES`; None: all."""
    match: str = ""
    """Substring or regular expression over ``METHOD /service/path?query`` and, for onOffice, over
    each action (``read:address``)."""
    times: int | None = None
    """How many matching calls are hit; 1 when neither ``times`` nor ``rate`` is given."""
    rate: float | None = None
    """Share of the matching calls that are hit, 0 to 1, drawn with a fixed seed."""
    skip: int = 0
    """How many matching calls pass untouched first."""
    status: int | None = None
    """HTTP status of ``status`` (default 500) and ``html_error`` (default 502)."""
    headers: dict[str, str] = {}
    """Extra headers of ``status``, for instance ``Retry-After``."""
    body: Any = msgspec.UNSET
    """Body of ``status``: JSON, or null for none; default: what the
    service's own errors look like (not onOffice)."""
    errorcode: int | None = None
    """With ``status`` on onOffice: matching *actions* of the request fail with this code."""
    positions: list[int] | None = None
    """With ``errorcode``: only the matching actions at these places (0 is the first)."""
    after_apply: bool = False
    """``status``, ``html_error``, ``reset``: the call takes effect before it fails."""
    seconds: float | None = None
    """Length of ``delay`` (default 1) and of the timeouts (default: until the client gives up,
    at most 120)."""
    rows: int | None = None
    """``short_page``: how many rows come (default: half of those asked for)."""
    vanish: bool = False
    """``page_drift``: the row is gone and the total one less; default: it moved to another page."""


class ArmedFault:
    """A fault with its counters."""

    def __init__(self, fault: Fault, *, number: int) -> None:
        self.fault = fault
        self.number = number
        self.seen = 0
        self.applied = 0
        self._random = random.Random(number)
        try:
            self._pattern: re.Pattern[str] | None = re.compile(fault.match)
        except re.error:
            # Not a regular expression, such as "lists/[" : still a fine substring.
            self._pattern = None

    @property
    def is_spent(self) -> bool:
        """True when it will never hit again."""
        return self.fault.times is not None and self.applied >= self.fault.times

    def fits(self, texts: Sequence[str]) -> bool:
        """Whether ``match`` is found in one of the texts."""
        wanted = self.fault.match
        return any(
            wanted in text or (self._pattern is not None and self._pattern.search(text) is not None)
            for text in texts
        )

    def hits(self, texts: Sequence[str]) -> bool:
        """Count a call and say whether this fault strikes it."""
        if self.is_spent or not self.fits(texts):
            return False
        self.seen += 1
        if self.seen <= self.fault.skip:
            return False
        if self.fault.rate is not None and self._random.random() >= self.fault.rate:
            return False
        self.applied += 1
        return True


class FaultList:
    """All armed faults in the order they were posted; the first that hits is used."""

    def __init__(self) -> None:
        self._armed: list[ArmedFault] = []
        self._numbers = 0

    def __bool__(self) -> bool:
        return any(not armed.is_spent for armed in self._armed)

    def arm(self, payload: Any) -> int:
        """Arm a posted fault and return its number; raises :class:`ActRefused`."""
        try:
            fault = msgspec.convert(payload, Fault)
        except msgspec.ValidationError as refused:
            raise ActRefused(f"fault refused: {refused}") from refused
        if fault.kind not in KINDS:
            raise ActRefused(f"fault kind {fault.kind!r} unknown; allowed: {sorted(KINDS)}")
        if fault.service is not None and fault.service not in SERVICES:
            raise ActRefused(f"service {fault.service!r} unknown; allowed: {list(SERVICES)}")
        if fault.kind in LINKEDIN_KINDS and fault.service not in (None, "linkedin"):
            raise ActRefused(f"fault kind {fault.kind!r} belongs to the service 'linkedin'")
        if fault.errorcode is not None and fault.kind != "status":
            raise ActRefused("errorcode belongs to the kind 'status'")
        if fault.rate is not None and not 0 <= fault.rate <= 1:
            raise ActRefused(f"rate is {fault.rate}; allowed: 0 to 1")
        if fault.times is None and fault.rate is None:
            fault.times = 1
        self._numbers += 1
        self._armed.append(ArmedFault(fault, number=self._numbers))
        return self._numbers

    def clear(self) -> None:
        """Disarm everything."""
        self._armed.clear()

    def listing(self) -> list[dict[str, Any]]:
        """Each fault with how often it matched and struck."""
        return [
            {
                "id": armed.number,
                **msgspec.to_builtins(armed.fault),
                "seen": armed.seen,
                "applied": armed.applied,
            }
            for armed in self._armed
        ]

    def next_for(
        self, *, service: str, texts: Sequence[str], kinds: Collection[str]
    ) -> Fault | None:
        """Use up and return the first fault of ``kinds`` that hits a call or notice."""
        for armed in self._armed:
            fault = armed.fault
            if fault.kind not in kinds or fault.service not in (None, service):
                continue
            if armed.hits(texts):
                return fault
        return None

    def take(self, *, service: str, kinds: Collection[str], text: str) -> dict[str, Any] | None:
        """See :class:`nl_pipeline.sandbox.service.FaultSource`."""
        fault = self.next_for(service=service, texts=[text], kinds=kinds)
        if fault is None:
            return None
        found: dict[str, Any] = msgspec.to_builtins(fault)
        return found
