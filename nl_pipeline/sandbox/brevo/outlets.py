"""The records of deliveries: who is told, what is on its way, what became of it.

Belongs here: their shape. Does not belong here: the registry (``webhooks``), the wording of an
event (``payloads``) and the sending (``sender``). Times here are seconds by the twin's clock, for
they only say when the sender acts.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import Any

from nl_pipeline.sandbox.brevo.state import Webhook


@dataclass(frozen=True, slots=True)
class Told:
    """One event in the words of a delivery, without the ``id`` of a webhook."""

    event: str
    """The name webhooks ask for, such as ``hardBounce``."""
    content: dict[str, Any]


@dataclass(slots=True)
class Window:
    """Five minutes in which the events of a batched webhook collect."""

    closes_at: float
    told: list[Told] = field(default_factory=list)


@dataclass(slots=True, eq=False)
class Outlet:
    """A webhook as the sender sees it, or the one call that tells of a finished process."""

    webhook: Webhook
    is_call_back: bool = False
    paused_until: float = 0.0
    """A receiver that did not answer is left alone until then."""
    window: Window | None = None
    counts: Counter[str] = field(default_factory=Counter)
    """Events by what became of them: ``delivered``, ``retried`` (once for each further try),
    ``discarded``, ``lost``, ``dropped``."""


@dataclass(slots=True, eq=False)
class Posting:
    """One request on its way: one event, or up to 500 of a batched webhook."""

    outlet: Outlet
    told: list[Told]
    due: float
    tries: int = 0

    @property
    def starts_at(self) -> float:
        """When it may be tried: neither before it is due nor while its receiver is left alone."""
        return max(self.due, self.outlet.paused_until)
