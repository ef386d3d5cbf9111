"""The control API under ``/_sandbox``: what tests, demos and outside checks steer the twins with.

Belongs here: HTTP routes over the world. Does not belong here: what they do. Everything refused is
answered with HTTP 400 ``{"error": reason}``.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Mount, Route

from nl_pipeline.sandbox.service import ActRefused, Service

if TYPE_CHECKING:
    from nl_pipeline.sandbox.app import World

Endpoint = Callable[[Request], Awaitable[Response]]


def control_routes(world: World) -> list[BaseRoute]:
    """All routes below ``/_sandbox``."""
    control = _Control(world)
    routes: list[BaseRoute] = [
        Route("/health", _refusing(control.health), methods=["GET"]),
        Route("/reset", _refusing(control.reset), methods=["POST"]),
        Route("/faults", _refusing(control.list_faults), methods=["GET"]),
        Route("/faults", _refusing(control.arm_fault), methods=["POST"]),
        Route("/faults", _refusing(control.clear_faults), methods=["DELETE"]),
        Route("/calls", _refusing(control.list_calls), methods=["GET"]),
        Route("/calls", _refusing(control.clear_calls), methods=["DELETE"]),
        Route("/clock", _refusing(control.read_clock), methods=["GET"]),
        Route("/clock", _refusing(control.advance_clock), methods=["POST"]),
        Route("/{service}/dump", _refusing(control.dump), methods=["GET"]),
        Route("/{service}/act", _refusing(control.act), methods=["POST"]),
        Route("/{service}/switches", _refusing(control.list_switches), methods=["GET"]),
        Route("/{service}/switches", _refusing(control.set_switch), methods=["POST"]),
    ]
    for name, service in world.services.items():
        extra = service.extra_control_routes()
        if extra:
            routes.append(Mount(f"/{name}", routes=extra))
    return routes


class _Control:
    """The endpoints, bound to one world."""

    def __init__(self, world: World) -> None:
        self._world = world

    async def health(self, request: Request) -> Response:
        return _json(
            {
                "status": "ok",
                "services": list(self._world.services),
                "contacts": self._world.contacts,
                "seed": self._world.seed,
                "time": self._world.clock.now().isoformat(timespec="seconds"),
            }
        )

    async def reset(self, request: Request) -> Response:
        payload = await _object(request)
        contacts = payload.pop("contacts", self._world.contacts)
        seed = payload.pop("seed", self._world.seed)
        if not _is_count(contacts) or not _is_count(seed):
            raise ActRefused("contacts and seed must be whole numbers from 0 on")
        self._world.reset(contacts=contacts, seed=seed, options=payload)
        return _json({"status": "ok", "contacts": contacts, "seed": seed})

    async def list_faults(self, request: Request) -> Response:
        return _json({"faults": self._world.faults.listing()})

    async def arm_fault(self, request: Request) -> Response:
        return _json({"id": self._world.faults.arm(await _object(request))})

    async def clear_faults(self, request: Request) -> Response:
        self._world.faults.clear()
        return _json({"faults": []})

    async def list_calls(self, request: Request) -> Response:
        return _json({"calls": self._world.calls.listing()})

    async def clear_calls(self, request: Request) -> Response:
        self._world.calls.clear()
        return _json({"calls": []})

    async def read_clock(self, request: Request) -> Response:
        return _json({"time": self._world.clock.now().isoformat(timespec="seconds")})

    async def advance_clock(self, request: Request) -> Response:
        seconds = (await _object(request)).get("advance")
        if isinstance(seconds, bool) or not isinstance(seconds, (int, float)) or seconds < 0:
            raise ActRefused("advance must be a number of seconds from 0 on")
        self._world.advance_clock(seconds)
        return await self.read_clock(request)

    async def dump(self, request: Request) -> Response:
        return _json(self._service(request).dump())

    async def act(self, request: Request) -> Response:
        return _json(self._service(request).act(await _object(request)))

    async def list_switches(self, request: Request) -> Response:
        return _json({"switches": self._service(request).switches()})

    async def set_switch(self, request: Request) -> Response:
        payload = await _object(request)
        if "name" not in payload or "value" not in payload:
            raise ActRefused("a switch is set with name and value")
        service = self._service(request)
        service.set_switch(str(payload["name"]), payload["value"])
        return _json({"switches": service.switches()})

    def _service(self, request: Request) -> Service:
        name = request.path_params["service"]
        service = self._world.services.get(name)
        if service is None:
            known = ", ".join(self._world.services)
            raise ActRefused(f"no service {name!r}; there are: {known}")
        return service


def _refusing(endpoint: Endpoint) -> Endpoint:
    """The endpoint with :class:`ActRefused` answered as HTTP 400."""

    async def answer(request: Request) -> Response:
        try:
            return await endpoint(request)
        except ActRefused as refused:
            return _json({"error": str(refused)}, status=400)

    return answer


async def _object(request: Request) -> dict[str, Any]:
    """The JSON object of a request, empty for an empty body."""
    body = await request.body()
    try:
        payload = msgspec.json.decode(body or b"{}")
    except msgspec.DecodeError as refused:
        raise ActRefused(f"the body is not JSON: {refused}") from refused
    if not isinstance(payload, dict):
        raise ActRefused("the body must be a JSON object")
    return payload


def _is_count(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 0


def _json(value: Any, *, status: int = 200) -> Response:
    return Response(msgspec.json.encode(value), status_code=status, media_type="application/json")
