"""The Brevo twin as the sandbox's core knows it.

Belongs here: the service protocol, timers, and putting the parts together. Does not belong here:
behaviour of the API, which lives in the modules beside this one.
"""

from __future__ import annotations

from typing import Any

import msgspec
from starlette.routing import BaseRoute, Route

from nl_pipeline.sandbox.brevo import acts, seeding
from nl_pipeline.sandbox.brevo.account import Account
from nl_pipeline.sandbox.brevo.dumping import dumped
from nl_pipeline.sandbox.brevo.gateway import API, Gateway
from nl_pipeline.sandbox.brevo.notices import Nobody
from nl_pipeline.sandbox.brevo.routes import build_router
from nl_pipeline.sandbox.brevo.state import Identifiers
from nl_pipeline.sandbox.brevo.switches import Switches
from nl_pipeline.sandbox.clock import Clock, ServiceClock
from nl_pipeline.sandbox.population import persons
from nl_pipeline.sandbox.service import FaultSource

_METHODS = ["GET", "POST", "PUT", "PATCH", "DELETE"]


class BrevoTwin:
    """One Brevo account below ``/brevo``; empty until the first reset."""

    name = "brevo"

    def __init__(self, *, clock: Clock) -> None:
        self.clock: Clock = ServiceClock(
            clock, skew=lambda: self._account.switches.clock_skew_seconds
        )
        self._router = build_router()
        self._notices = Nobody()
        self._account = Account(self.clock, Identifiers(0), self._notices)
        self._gateway = Gateway(lambda: self._account, self._router, self._settle)

    @property
    def account(self) -> Account:
        """The account as it is now; a reset puts another in its place."""
        return self._account

    def routes(self) -> list[BaseRoute]:
        """The API below ``/v3`` and the files of processes."""
        serve, file = self._gateway.serve, self._gateway.serve_file
        return [
            Route(f"{API}/{{path:path}}", serve, methods=_METHODS),
            Route("/files/{token}/{name}", file, methods=["GET"]),
        ]

    def path_template(self, path: str) -> str:
        """The documented template; an unknown path tells nothing of itself."""
        if path.startswith("/files/"):
            return "/files/{token}/{name}"
        if not path.startswith(f"{API}/"):
            return "/{unknown}"
        template = self._router.template(path.removeprefix(API))
        return f"{API}/{{unknown}}" if template is None else f"{API}{template}"

    def dump(self) -> dict[str, Any]:
        """All state, see ``dumping``."""
        self._settle()
        return dumped(self._account)

    def act(self, payload: dict[str, Any]) -> dict[str, Any]:
        """One act of a person, staff, another API client or an import, see ``acts``."""
        self._settle()
        result = acts.carry_out(self._account, payload)
        self._settle()
        return result

    def reset(self, *, contacts: int, seed: int, options: dict[str, Any]) -> None:
        """A fresh account with the list ``Kunden 2019``.

        The options are switches; ``existing_list: true`` adds a list ``onoffice`` that has been in
        use.
        """
        switches = Switches()
        for name, value in options.items():
            switches.change(name, value=value)
        self._account = Account(self.clock, Identifiers(seed), Nobody(), switches)
        seeding.fill(
            self._account,
            people=persons(contacts, seed=seed),
            seed=seed,
            now=self.clock.epoch(),
        )
        self._account.notices = self._notices

    def use_faults(self, faults: FaultSource) -> None:
        """Nothing the twin sends by itself can fail yet."""

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
        """Finish what has fallen due."""
        self._settle()

    def _settle(self) -> None:
        """Do what has fallen due."""
