"""The twin of onOffice's enterprise API as a service of the sandbox.

Belongs here: the route, the table of calls and the service protocol. Does not belong here: what a
call does.
"""

from __future__ import annotations

import time
from functools import partial
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from nl_pipeline.sandbox.clock import Clock, ServiceClock
from nl_pipeline.sandbox.credentials import ONOFFICE_SECRET, ONOFFICE_TOKEN
from nl_pipeline.sandbox.onoffice import activities, configuration, newsletter, search, write
from nl_pipeline.sandbox.onoffice.action import Outcome
from nl_pipeline.sandbox.onoffice.acts import perform
from nl_pipeline.sandbox.onoffice.dump import dump_of
from nl_pipeline.sandbox.onoffice.envelope import (
    ACTION_PREFIX,
    Handler,
    checked_action,
    checked_actions,
    decoded_request,
    refusal_of,
    response_of,
    result_of,
)
from nl_pipeline.sandbox.onoffice.errors import ActionError, RequestError
from nl_pipeline.sandbox.onoffice.read import AddressReader
from nl_pipeline.sandbox.onoffice.settlement import settle
from nl_pipeline.sandbox.onoffice.state import State
from nl_pipeline.sandbox.onoffice.switches import changed
from nl_pipeline.sandbox.service import ActRefused, FaultSource

_PATHS = ("/api/stable/api.php", "/api/latest/api.php")


class OnOfficeTwin:
    """One account of onOffice with one API user."""

    name = "onoffice"

    def __init__(self, *, clock: Clock) -> None:
        self.clock: Clock = ServiceClock(clock, skew=lambda: self.state.switches.clock_skew_seconds)
        self.state = State(self.clock)
        reader = AddressReader(self.state)
        state = self.state
        self._handlers: dict[str, Handler] = {
            "read:address": reader.read,
            "create:address": partial(write.create_address, state),
            "modify:address": partial(write.modify_address, state),
            "create:agentslog": partial(activities.create_activities, state),
            "read:agentslog": partial(activities.read_activities, state),
            "modify:agentslog": partial(activities.modify_activity, state),
            "get:fields": partial(configuration.get_fields, state),
            "get:multiselectconfiguration": partial(
                configuration.get_multiselect_configuration, state
            ),
            "get:actionkindtypes": partial(configuration.get_action_kinds, state),
            "get:filters": partial(configuration.get_filters, state),
            "get:users": partial(configuration.get_users, state),
            "read:user": partial(configuration.read_users, state),
            "get:search": partial(search.search_addresses, state),
            "do:registerNewsletter": partial(newsletter.register_newsletter, state),
        }

    def routes(self) -> list[BaseRoute]:
        """Stable and latest, POST only."""
        return [Route(path, self._answer, methods=["POST"]) for path in _PATHS]

    def path_template(self, path: str) -> str:
        """The path itself: onOffice has no ids in paths."""
        return path if path in _PATHS else "/{unknown}"

    def dump(self) -> dict[str, Any]:
        """``addresses``, ``activities`` and ``mails`` (double opt-in mails sent)."""
        return dump_of(self.state)

    def act(self, payload: dict[str, Any]) -> dict[str, Any]:
        """See :func:`nl_pipeline.sandbox.onoffice.acts.perform`."""
        return perform(self.state, payload)

    def reset(self, *, contacts: int, seed: int, options: dict[str, Any]) -> None:
        """A fresh account with the population, then the switches in ``options``."""
        self.state.clear(seed=seed)
        settle(self.state, contacts=contacts, seed=seed)
        for name, value in options.items():
            self.set_switch(name, value)

    def use_faults(self, faults: FaultSource) -> None:
        """Nothing to do: onOffice sends no webhooks."""

    def extra_control_routes(self) -> list[BaseRoute]:
        """None beyond those every service has."""
        return []

    def switches(self) -> dict[str, Any]:
        """Current value of each switch."""
        values: dict[str, Any] = msgspec.to_builtins(self.state.switches)
        return values

    def set_switch(self, name: str, value: Any) -> None:
        """Set one switch, see :class:`nl_pipeline.sandbox.onoffice.switches.Switches`."""
        switches = changed(self.state.switches, name, value)
        try:
            ZoneInfo(switches.time_zone)
        except (ZoneInfoNotFoundError, ValueError):
            raise ActRefused(f"time_zone {switches.time_zone!r} is no IANA zone") from None
        self.state.use_switches(switches)

    def on_clock_advanced(self) -> None:
        """Nothing falls due at onOffice by itself."""

    async def _answer(self, request: Request) -> Response:
        """HTTP 200 whatever happened inside ([inferred]: no other status is documented)."""
        try:
            answer = self._carried_out(decoded_request(await request.body()), request)
        except RequestError as refused:
            answer = refusal_of(refused)
        return Response(msgspec.json.encode(answer), media_type="application/json")

    def _carried_out(self, document: Any, request: Request) -> dict[str, Any]:
        switches = self.state.switches
        raws = checked_actions(document, token=ONOFFICE_TOKEN, switches=switches)
        counts: dict[str, int] = {}
        fault = request.scope.get("sandbox.fault")
        results = []
        for place, raw in enumerate(raws):
            name = _name_of(raw)
            counts[name] = counts.get(name, 0) + 1
            struck = fault if fault is not None and _strikes(fault, name, place) else None
            results.append(result_of(raw, self._outcome_of(raw, fault=struck)))
        request.scope["sandbox.actions"] = counts
        return response_of(results, error_shape=switches.error_shape)

    def _outcome_of(self, raw: Any, *, fault: dict[str, Any] | None) -> Outcome | ActionError:
        try:
            action = checked_action(
                raw,
                token=ONOFFICE_TOKEN,
                secret=ONOFFICE_SECRET,
                clocks=self._signing_clocks(),
                fault=fault,
            )
            handler = self._handlers.get(action.name)
            if handler is None:
                return ActionError(25, action.resource_type)
            return handler(action)
        except ActionError as refused:
            return refused

    def _signing_clocks(self) -> list[float]:
        """The times a signature may carry: the server's, and in ``real`` mode real time too."""
        switches = self.state.switches
        accepted = [self.clock.epoch()]
        if switches.hmac_clock == "real":
            accepted.append(time.time() + switches.clock_skew_seconds)
        return accepted


def _name_of(raw: Any) -> str:
    """``read:address`` of an unchecked action."""
    if not isinstance(raw, dict):
        return "unknown"
    verb = str(raw.get("actionid", "")).removeprefix(ACTION_PREFIX)
    return f"{verb}:{raw.get('resourcetype', '')}"


def _strikes(fault: dict[str, Any], name: str, place: int) -> bool:
    """Whether a fault on the request is meant for the action at this place.

    A page fault spoils address reads; an error code strikes the actions whose name holds the
    fault's ``match`` (all of them when it names no action), at ``positions`` if given.
    """
    if fault["kind"] != "status":
        return name == "read:address"
    match = fault.get("match", "")
    if ":" in match and match not in name:
        return False
    positions = fault.get("positions")
    return positions is None or place in positions
