"""The Mailchimp twin as the sandbox's core knows it.

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

from nl_pipeline.sandbox.clock import Clock, ServiceClock
from nl_pipeline.sandbox.mailchimp import acts, seeding
from nl_pipeline.sandbox.mailchimp.account import Account
from nl_pipeline.sandbox.mailchimp.batch_runs import run_due
from nl_pipeline.sandbox.mailchimp.campaigns import CampaignOrder, send_campaign
from nl_pipeline.sandbox.mailchimp.dumping import dumped
from nl_pipeline.sandbox.mailchimp.gateway import Gateway
from nl_pipeline.sandbox.mailchimp.routes import build_router
from nl_pipeline.sandbox.mailchimp.sender import Sender
from nl_pipeline.sandbox.mailchimp.state import Identifiers
from nl_pipeline.sandbox.mailchimp.switches import Switches
from nl_pipeline.sandbox.population import persons
from nl_pipeline.sandbox.service import ActRefused, FaultSource

_METHODS = ["GET", "POST", "PUT", "PATCH", "DELETE"]
_API = "/3.0"


class MailchimpTwin:
    """One Mailchimp account below ``/mailchimp``; empty until the first reset."""

    name = "mailchimp"

    def __init__(self, *, clock: Clock) -> None:
        self.clock: Clock = ServiceClock(
            clock, skew=lambda: self._account.switches.clock_skew_seconds
        )
        self._router = build_router()
        self._sender = Sender(self.clock)
        self._account = Account(self.clock, self._sender, Identifiers(0), self._sender.switches)
        self._gateway = Gateway(lambda: self._account, self._router, self._settle)
        self._timer: asyncio.TimerHandle | None = None

    @property
    def account(self) -> Account:
        """The account as it is now; a reset puts another in its place."""
        return self._account

    def routes(self) -> list[BaseRoute]:
        """The API below ``/3.0`` and the result archives of batches."""
        serve, archive = self._gateway.serve, self._gateway.serve_archive
        return [
            Route(_API, serve, methods=_METHODS),
            Route(f"{_API}/{{path:path}}", serve, methods=_METHODS),
            Route("/archives/{token}", archive, methods=["GET"]),
        ]

    def path_template(self, path: str) -> str:
        """The documented template; an unknown path tells nothing of itself."""
        if path.startswith("/archives/"):
            return "/archives/{token}"
        if path != _API and not path.startswith(f"{_API}/"):
            return "/{unknown}"
        template = self._router.template(path.removeprefix(_API))
        return f"{_API}/{{unknown}}" if template is None else f"{_API}{template}"

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
        """A fresh account with the audience ``Kunden 2019``.

        The options are switches; ``existing_audience: true`` adds an ``onoffice`` that has been in
        use.
        """
        switches = Switches()
        for name, value in options.items():
            switches.change(name, value=value)
        self._sender.forget()
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        self._sender.switches = switches
        self._account = Account(self.clock, self._sender, Identifiers(seed), switches)
        seeding.fill(
            self._account,
            people=persons(contacts, seed=seed),
            seed=seed,
            now=self.clock.epoch(),
        )

    def use_faults(self, faults: FaultSource) -> None:
        """Ask there before each webhook."""
        self._sender.faults = faults

    def extra_control_routes(self) -> list[BaseRoute]:
        """``POST /_sandbox/mailchimp/send_campaign``."""
        return [Route("/send_campaign", self._send_campaign, methods=["POST"])]

    def switches(self) -> dict[str, Any]:
        """Current value of each switch."""
        current: dict[str, Any] = msgspec.to_builtins(self._account.switches)
        return current

    def set_switch(self, name: str, value: Any) -> None:
        """Set one switch."""
        self._account.switches.change(name, value=value)

    def on_clock_advanced(self) -> None:
        """Finish batches and retry webhooks that have fallen due."""
        self._sender.release()
        self._settle()

    def _settle(self) -> None:
        run_due(self._account, router=self._router)
        self._sender.wake()
        self._set_timer()

    def _set_timer(self) -> None:
        """Have unfinished batches run when nobody asks for them."""
        waiting = [
            batch.finishes_at for batch in self._account.batches.values() if batch.archive is None
        ]
        if not waiting or self._timer is not None:
            return
        try:
            loop = asyncio.get_running_loop()
        except RuntimeError:
            return
        delay = max(min(waiting) - self.clock.epoch(), 0.0)
        self._timer = loop.call_later(delay, self._on_timer)

    def _on_timer(self) -> None:
        self._timer = None
        self._settle()

    async def _send_campaign(self, request: Request) -> Response:
        try:
            order = msgspec.json.decode(await request.body(), type=CampaignOrder)
            audience = acts.named_audience(self._account, name=order.audience)
        except (msgspec.DecodeError, ActRefused) as refused:
            return JSONResponse({"error": f"send_campaign: {refused}"}, status_code=400)
        campaign = send_campaign(self._account, audience, order=order)
        self._settle()
        outcomes = [delivery.outcome for delivery in campaign.deliveries]
        return JSONResponse(
            {
                "campaign_id": campaign.id,
                "list_id": campaign.list_id,
                "emails_sent": len(outcomes),
                "hard_bounces": outcomes.count("hard"),
                "soft_bounces": outcomes.count("soft"),
                "unique_opens": sum(1 for item in campaign.deliveries if item.opens),
                "subscriber_clicks": sum(1 for item in campaign.deliveries if item.clicks),
                "unsubscribed": sum(1 for item in campaign.deliveries if item.unsubscribed),
            }
        )
