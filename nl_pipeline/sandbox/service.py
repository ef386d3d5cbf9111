"""The protocol every twin of the sandbox fulfils, and the refusal of an act.

Belongs here: what the sandbox's core asks of a service. Does not belong here: any knowledge of
a single vendor; a twin lives in its own package and imports this module, never the reverse.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Any, Protocol

from starlette.routing import BaseRoute

from nl_pipeline.sandbox.clock import Clock


class ActRefused(Exception):
    """An act, switch or option that cannot be carried out.

    The message names what was wrong and what is allowed; the control API answers it with
    HTTP 400 ``{"error": message}``.
    """


class FaultSource(Protocol):
    """Where a twin asks for a fault on something it sends itself, such as a webhook."""

    def take(self, *, service: str, kinds: Collection[str], text: str) -> dict[str, Any] | None:
        """Use up and return the first armed fault that fits, or None.

        ``text`` is what the fault's ``match`` is looked for in, for a webhook
        ``"WEBHOOK unsubscribe"``. The fault's own keys (``kind``, ``seconds``, ...) come back.
        """
        ...


class Service(Protocol):
    """One twin: its vendor API, its control surface and its state.

    All methods are called from the event loop's thread, one at a time, so a twin needs no locks.
    A twin may set ``request.scope["sandbox.actions"] = {"read:address": 2}`` for the call log and
    finds a fault that only it can act out in ``request.scope["sandbox.fault"]``
    (``{"kind": "short_page" | "page_drift", ...}``).
    """

    name: str
    """Path segment and key of the service, such as ``onoffice``."""
    clock: Clock
    """What time it is at the service; its answers carry it as their Date header."""

    def routes(self) -> list[BaseRoute]:
        """The vendor's API, mounted under ``/{name}``."""
        ...

    def path_template(self, path: str) -> str:
        """The template of a path below ``/{name}``: ids replaced by their names in braces."""
        ...

    def dump(self) -> dict[str, Any]:
        """All state as JSON-ready values, records in the service's own field names."""
        ...

    def act(self, payload: dict[str, Any]) -> dict[str, Any]:
        """Do what a person, staff, an API client or an import does at the vendor.

        ``payload`` holds ``actor``, ``action`` and the action's own keys; raises
        :class:`ActRefused`.
        """
        ...

    def reset(self, *, contacts: int, seed: int, options: dict[str, Any]) -> None:
        """Start over with ``contacts`` persons of the population ``seed``.

        ``options`` are switches to set after the reset; all others return to their defaults.
        """
        ...

    def use_faults(self, faults: FaultSource) -> None:
        """Called once, before the first reset; a twin that sends nothing may ignore it."""
        ...

    def extra_control_routes(self) -> list[BaseRoute]:
        """Routes of this service alone, mounted under ``/_sandbox/{name}``."""
        ...

    def switches(self) -> dict[str, Any]:
        """Current value of each switch: open facts and conflicting shapes of the vendor's API."""
        ...

    def set_switch(self, name: str, value: Any) -> None:
        """Set one switch; raises :class:`ActRefused` for an unknown name or value."""
        ...

    def on_clock_advanced(self) -> None:
        """Called after the clock was moved: retries fall due, batches finish."""
        ...
