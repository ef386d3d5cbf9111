"""The world of the sandbox and its ASGI application.

Belongs here: putting clock, faults, call log and twins together. Does not belong here: the server
(``serve.py``) and the control routes (``control.py``).
"""

from __future__ import annotations

from collections.abc import Mapping
from email.utils import formatdate
from typing import Any

from starlette.applications import Starlette
from starlette.datastructures import MutableHeaders
from starlette.middleware import Middleware
from starlette.routing import Mount
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from nl_pipeline.sandbox.brevo import BrevoTwin
from nl_pipeline.sandbox.calls import CallLog, CallLogMiddleware
from nl_pipeline.sandbox.clock import Clock
from nl_pipeline.sandbox.collector import collector_paused
from nl_pipeline.sandbox.control import control_routes
from nl_pipeline.sandbox.fault_middleware import FaultMiddleware
from nl_pipeline.sandbox.faults import FaultList
from nl_pipeline.sandbox.linkedin import LinkedInTwin
from nl_pipeline.sandbox.mailchimp import MailchimpTwin
from nl_pipeline.sandbox.onoffice import OnOfficeTwin
from nl_pipeline.sandbox.service import ActRefused, Service

DEFAULT_CONTACTS = 5000
DEFAULT_SEED = 1


class World:
    """One sandbox: a clock, the twins with their population, armed faults and the call log."""

    def __init__(self, *, contacts: int = DEFAULT_CONTACTS, seed: int = DEFAULT_SEED) -> None:
        self.clock = Clock()
        self.faults = FaultList()
        self.calls = CallLog()
        self.onoffice = OnOfficeTwin(clock=self.clock)
        self.mailchimp = MailchimpTwin(clock=self.clock)
        self.brevo = BrevoTwin(clock=self.clock)
        self.linkedin = LinkedInTwin(clock=self.clock)
        self.services: dict[str, Service] = {
            self.onoffice.name: self.onoffice,
            self.mailchimp.name: self.mailchimp,
            self.brevo.name: self.brevo,
            self.linkedin.name: self.linkedin,
        }
        for service in self.services.values():
            service.use_faults(self.faults)
        self.contacts = contacts
        self.seed = seed
        self.reset(contacts=contacts, seed=seed, options={})

    def reset(self, *, contacts: int, seed: int, options: dict[str, Any]) -> None:
        """Start over: real time, no faults, no calls, all twins filled again.

        ``options`` holds switches, either under a service's name or flat; a flat one goes to the
        service that knows it. Raises :class:`ActRefused` for one that nobody knows, before
        anything is lost.
        """
        by_service = self._options_by_service(options)
        self.clock.reset()
        self.faults.clear()
        self.calls.clear()
        self.contacts, self.seed = contacts, seed
        with collector_paused():
            for name, service in self.services.items():
                service.reset(contacts=contacts, seed=seed, options=by_service[name])

    def advance_clock(self, seconds: float) -> None:
        """Move the clock and let the services do what has fallen due."""
        self.clock.advance(seconds)
        for service in self.services.values():
            service.on_clock_advanced()

    def _options_by_service(self, options: dict[str, Any]) -> dict[str, dict[str, Any]]:
        found: dict[str, dict[str, Any]] = {name: {} for name in self.services}
        for key, value in options.items():
            if key in self.services and isinstance(value, dict):
                found[key] |= value
                continue
            owners = [name for name, s in self.services.items() if key in s.switches()]
            if not owners:
                raise ActRefused(
                    f"no service has an option {key!r}; "
                    "GET /_sandbox/{service}/switches lists them"
                )
            for name in owners:
                found[name][key] = value
        return found


class DateHeader:
    """Gives every answer the date of the service that makes it, because clients tell the server's
    time from it. The control API's answers carry the sandbox's."""

    def __init__(self, app: ASGIApp, *, clock: Clock, services: Mapping[str, Service]) -> None:
        self._app = app
        self._clock = clock
        self._services = services

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Add the header to the start of the response."""
        name = scope.get("path", "").removeprefix("/").partition("/")[0]
        service = self._services.get(name)
        clock = self._clock if service is None else service.clock

        async def dated(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                headers.setdefault("date", formatdate(clock.epoch(), usegmt=True))
            await send(message)

        await self._app(scope, receive, dated)


def create_app(world: World) -> Starlette:
    """The application: one path for each twin, and ``/_sandbox``."""
    services = world.services
    return Starlette(
        routes=[
            Mount("/_sandbox", routes=control_routes(world)),
            *(Mount(f"/{name}", routes=service.routes()) for name, service in services.items()),
        ],
        middleware=[
            Middleware(DateHeader, clock=world.clock, services=services),
            Middleware(CallLogMiddleware, calls=world.calls, services=services),
            Middleware(FaultMiddleware, faults=world.faults, services=tuple(services)),
        ],
    )
