"""The Brevo twin as the sandbox's core knows it.

Belongs here: the service protocol, timers, and putting the parts together. Does not belong here:
behaviour of the API, which lives in the modules beside this one.
"""

from __future__ import annotations

import asyncio
from typing import Any

import msgspec
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from nl_pipeline.sandbox.brevo import acts, mail_acts, seeding, webhook_acts
from nl_pipeline.sandbox.brevo.account import Account
from nl_pipeline.sandbox.brevo.dumping import dumped
from nl_pipeline.sandbox.brevo.gateway import API, Gateway
from nl_pipeline.sandbox.brevo.notices import Nobody
from nl_pipeline.sandbox.brevo.processes import run_due
from nl_pipeline.sandbox.brevo.routes import build_router
from nl_pipeline.sandbox.brevo.sender import Sender
from nl_pipeline.sandbox.brevo.state import Identifiers
from nl_pipeline.sandbox.brevo.switches import Switches
from nl_pipeline.sandbox.brevo.teller import Teller
from nl_pipeline.sandbox.clock import Clock, ServiceClock
from nl_pipeline.sandbox.population import persons
from nl_pipeline.sandbox.service import ActRefused, FaultSource

_METHODS = ["GET", "POST", "PUT", "PATCH", "DELETE"]


class BrevoTwin:
    """One Brevo account below ``/brevo``; empty until the first reset."""

    name = "brevo"

    def __init__(self, *, clock: Clock) -> None:
        self.clock: Clock = ServiceClock(
            clock, skew=lambda: self._account.switches.clock_skew_seconds
        )
        self._router = build_router()
        self._sender = Sender(self.clock)
        self._account = Account(self.clock, Identifiers(0))
        self._gateway = Gateway(lambda: self._account, self._router, self._settle)
        self._timer: asyncio.TimerHandle | None = None

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
        if payload.get("action") in webhook_acts.WEBHOOK_ACTIONS:
            result = webhook_acts.carry_out(self._account, payload, sender=self._sender)
        else:
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
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        self._account = Account(self.clock, Identifiers(seed), Nobody(), switches)
        seeding.fill(
            self._account,
            people=persons(contacts, seed=seed),
            seed=seed,
            now=self.clock.epoch(),
        )
        self._sender.forget()
        self._sender.switches = switches
        self._sender.webhooks = self._account.webhooks
        key = self._account.ids.hexadecimal("account key", digits=14)
        self._account.notices = Teller(self._account, self._sender, key)

    def use_faults(self, faults: FaultSource) -> None:
        """Ask there before each webhook."""
        self._sender.faults = faults

    def extra_control_routes(self) -> list[BaseRoute]:
        """Below ``/_sandbox/brevo``: ``POST /send_campaign``, and ``GET /deliveries`` that tells
        what became of webhooks."""
        return [
            Route("/send_campaign", self._send_campaign, methods=["POST"]),
            Route("/deliveries", self._deliveries, methods=["GET"]),
        ]

    def switches(self) -> dict[str, Any]:
        """Current value of each switch."""
        current: dict[str, Any] = msgspec.to_builtins(self._account.switches)
        return current

    def set_switch(self, name: str, value: Any) -> None:
        """Set one switch."""
        self._account.switches.change(name, value=value)

    def on_clock_advanced(self) -> None:
        """Finish what has fallen due, and retry webhooks."""
        self._sender.release()
        self._settle()

    def _settle(self) -> None:
        """Do what has fallen due, and have the rest done when nobody asks for it."""
        run_due(self._account)
        self._sender.wake()
        self._set_timer()

    def _set_timer(self) -> None:
        if not self._account.waiting or self._timer is not None:
            return
        try:
            loop = asyncio.get_running_loop()
        except RuntimeError:
            return
        due = min(process.due_at for process in self._account.waiting) / 1000
        self._timer = loop.call_later(max(due - self.clock.epoch(), 0.0), self._on_timer)

    def _on_timer(self) -> None:
        self._timer = None
        self._settle()

    async def _send_campaign(self, request: Request) -> Response:
        self._settle()
        try:
            order = msgspec.json.decode(await request.body(), type=dict[str, Any])
            campaign = mail_acts.send_campaign(self._account, order)
        except (msgspec.DecodeError, ActRefused) as refused:
            return JSONResponse({"error": f"send_campaign: {refused}"}, status_code=400)
        self._settle()
        return JSONResponse(mail_acts.outcome_of(campaign))

    async def _deliveries(self, request: Request) -> Response:
        self._settle()
        return JSONResponse(self._sender.report())
