"""The LinkedIn twin as the sandbox's core knows it.

Belongs here: the service protocol and putting the parts together. Does not belong here: behaviour
of the API, which lives in the modules beside this one.
"""

from __future__ import annotations

from typing import Any

import msgspec
from starlette.routing import BaseRoute, Route

from nl_pipeline.sandbox.clock import Clock, ServiceClock
from nl_pipeline.sandbox.linkedin import seeding
from nl_pipeline.sandbox.linkedin.account import Account
from nl_pipeline.sandbox.linkedin.gateway import API, Gateway
from nl_pipeline.sandbox.linkedin.oauth import PATH as OAUTH
from nl_pipeline.sandbox.linkedin.oauth import oauth_routes
from nl_pipeline.sandbox.linkedin.resources import RESOURCES
from nl_pipeline.sandbox.linkedin.switches import Switches
from nl_pipeline.sandbox.population import persons
from nl_pipeline.sandbox.service import ActRefused, FaultSource

_METHODS = ["GET", "POST", "PUT", "PATCH", "DELETE"]
_OAUTH_PATHS = ("authorization", "accessToken", "introspectToken")


class LinkedInTwin:
    """LinkedIn below ``/linkedin``, for one member and one app; empty until the first reset."""

    name = "linkedin"

    def __init__(self, *, clock: Clock) -> None:
        self.clock: Clock = ServiceClock(
            clock, skew=lambda: self._account.switches.clock_skew_seconds
        )
        self._account = Account(self.clock)
        self._gateway = Gateway(lambda: self._account, self._settle)

    @property
    def account(self) -> Account:
        """The account as it is now; a reset puts another in its place."""
        return self._account

    def routes(self) -> list[BaseRoute]:
        """The API below ``/rest`` and OAuth below ``/oauth/v2``."""
        return [
            Route(f"{API}/{{path:path}}", self._gateway.serve, methods=_METHODS),
            *oauth_routes(lambda: self._account),
        ]

    def path_template(self, path: str) -> str:
        """The documented template; an unknown path tells nothing of itself."""
        parts = path.strip("/").split("/")
        if parts[:2] == OAUTH.strip("/").split("/") and parts[2:] in [[p] for p in _OAUTH_PATHS]:
            return path
        if f"/{parts[0]}" == API and 2 <= len(parts) <= 3 and parts[1] in RESOURCES:
            return f"{API}/{parts[1]}" + ("/{id}" if len(parts) == 3 else "")
        return "/{unknown}"

    def dump(self) -> dict[str, Any]:
        """All state."""
        self._settle()
        return {}

    def act(self, payload: dict[str, Any]) -> dict[str, Any]:
        """One act, see ``acts``."""
        raise ActRefused("linkedin: no acts yet")

    def reset(self, *, contacts: int, seed: int, options: dict[str, Any]) -> None:
        """A page with its ad account, three forms and, if there are contacts, a few leads."""
        switches = Switches()
        for name, value in options.items():
            switches.change(name, value=value)
        account = Account(self.clock, seed=seed, switches=switches)
        # In this order: the clock reads its skew from the switches of the account.
        self._account = account
        seeding.fill(account, people=persons(contacts, seed=seed))

    def use_faults(self, faults: FaultSource) -> None:
        """Nothing is sent yet."""

    def extra_control_routes(self) -> list[BaseRoute]:
        """None yet."""
        return []

    def switches(self) -> dict[str, Any]:
        """Current value of each switch."""
        current: dict[str, Any] = msgspec.to_builtins(self._account.switches)
        return current

    def set_switch(self, name: str, value: Any) -> None:
        """Set one switch."""
        self._account.switches.change(name, value=value)

    def on_clock_advanced(self) -> None:
        """Do what has fallen due."""
        self._settle()

    def _settle(self) -> None:
        """Do what has fallen due."""
