"""The application: routes and what they share.

Belongs here: putting webhooks, health and metrics together. Must not be here: the server
(``serve``).
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Mount, Route

from nl_pipeline.receiver.connections import ConnectionWatch
from nl_pipeline.receiver.counts import Counts, metrics_page
from nl_pipeline.receiver.hooks import HookIntake
from nl_pipeline.receiver.routes import HookTable
from nl_pipeline.settings import ReceiverLimits
from nl_pipeline.webhook_log.writing import LogWriter

METRICS_TYPE = "text/plain; version=0.0.4; charset=utf-8"


@dataclass(frozen=True)
class Receiver:
    """The app and what watches its connections; both belong to one event loop."""

    app: Starlette
    watch: ConnectionWatch
    counts: Counts


def create_receiver(
    hooks: HookTable,
    *,
    writer: LogWriter,
    limits: ReceiverLimits,
    clock: Callable[[], float] = time.time,
) -> Receiver:
    """A receiver that stores through ``writer``, which it closes at its end."""
    counts = Counts()
    watch = ConnectionWatch(limits=limits, counts=counts)
    intake = HookIntake(hooks, writer=writer, limits=limits, counts=counts, clock=clock)

    async def health(_request: Request) -> Response:
        await writer.probe()
        stored_at = writer.last_stored_at
        content = {
            "status": "failing" if writer.problem else "ok",
            "problem": writer.problem,
            "free_bytes": writer.free_bytes,
            "last_stored_at": None if stored_at is None else stored_at.isoformat(),
        }
        return JSONResponse(content, status_code=503 if writer.problem else 200)

    async def metrics(_request: Request) -> Response:
        writer.check_space()
        return PlainTextResponse(metrics_page(counts, writer=writer), media_type=METRICS_TYPE)

    @contextlib.asynccontextmanager
    async def lifespan(_app: Starlette) -> AsyncIterator[None]:
        async with watch.running():
            yield
        await writer.close()

    app = Starlette(
        routes=[
            Mount("/hooks", app=intake),
            Route("/health", health),
            Route("/metrics", metrics),
        ],
        lifespan=lifespan,
    )
    # A webhook that is redirected loses its body, and the new address would show the path.
    app.router.redirect_slashes = False
    return Receiver(app, watch, counts)
