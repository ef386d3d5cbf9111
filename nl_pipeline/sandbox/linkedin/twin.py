"""The LinkedIn twin as the sandbox's core knows it.

Belongs here: the service protocol and putting the parts together. Does not belong here: behaviour
of the API, which lives in the modules beside this one.
"""

from __future__ import annotations

from typing import Any

import msgspec
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from nl_pipeline.sandbox.clock import Clock, ServiceClock
from nl_pipeline.sandbox.linkedin import acts, seeding
from nl_pipeline.sandbox.linkedin.account import Account
from nl_pipeline.sandbox.linkedin.dumping import dumped
from nl_pipeline.sandbox.linkedin.gateway import API, Gateway
from nl_pipeline.sandbox.linkedin.oauth import PATH as OAUTH
from nl_pipeline.sandbox.linkedin.oauth import oauth_routes
from nl_pipeline.sandbox.linkedin.resources import RESOURCES
from nl_pipeline.sandbox.linkedin.sender import Sender
from nl_pipeline.sandbox.linkedin.switches import Switches
from nl_pipeline.sandbox.population import persons
from nl_pipeline.sandbox.service import FaultSource

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
        self._sender = Sender(lambda: self._account)
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
        """All state, see ``dumping``."""
        self._settle()
        return dumped(self._account)

    def act(self, payload: dict[str, Any]) -> dict[str, Any]:
        """One act, see ``acts``."""
        self._settle()
        result = acts.carry_out(self._account, payload)
        self._settle()
        return result

    def reset(self, *, contacts: int, seed: int, options: dict[str, Any]) -> None:
        """A page with its ad account, three forms and, if there are contacts, a few leads."""
        switches = Switches()
        for name, value in options.items():
            switches.change(name, value=value)
        self._sender.forget()
        # Before it is filled, for the clock reads its skew from the account's switches.
        self._account = Account(self.clock, seed=seed, switches=switches)
        seeding.fill(self._account, people=persons(contacts, seed=seed))
        self._account.tell = self._sender.tell

    def use_faults(self, faults: FaultSource) -> None:
        """Faults of notifications."""
        self._sender.faults = faults

    def extra_control_routes(self) -> list[BaseRoute]:
        """``GET /_sandbox/linkedin/deliveries``: what became of notifications."""
        return [Route("/deliveries", self._deliveries, methods=["GET"])]

    def switches(self) -> dict[str, Any]:
        """Current value of each switch."""
        current: dict[str, Any] = msgspec.to_builtins(self._account.switches)
        return current

    def set_switch(self, name: str, value: Any) -> None:
        """Set one switch."""
        self._account.switches.change(name, value=value)

    def on_clock_advanced(self) -> None:
        """Challenge and tell what has fallen due."""
        self._sender.release()
        self._settle()

    def _settle(self) -> None:
        self._sender.wake()

    async def _deliveries(self, request: Request) -> Response:
        self._settle()
        return JSONResponse(self._sender.report())
