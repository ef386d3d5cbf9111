"""Serving a receiver until it is stopped.

Belongs here: the port, the process limits, the server. Must not be here: what is served.
"""

from __future__ import annotations

import gc
import logging
import resource
import socket
import sys
from collections.abc import Callable

import uvicorn

from nl_pipeline.receiver.app import Receiver, create_receiver
from nl_pipeline.receiver.connections import protocol_for
from nl_pipeline.receiver.routes import HookTable, hooks_of
from nl_pipeline.settings import Settings
from nl_pipeline.settings.values import in_bytes
from nl_pipeline.webhook_log.keys import former_secrets, receiver_secret
from nl_pipeline.webhook_log.writing import LogWriter

DEFAULT_HOST = "127.0.0.1"
DEFAULT_PORT = 8700

GRACEFUL_SECONDS = 10
KEEP_ALIVE_SECONDS = 130
"""Longer than a reverse proxy keeps an idle connection (nginx 60 s, Caddy 120 s), so that it never
sends an event into a connection that is being closed."""

SWITCH_SECONDS = 0.001
"""After a sync its thread waits for the interpreter; Python's own 5 ms are as long as the sync."""

SPARE_FILES = 64


class ServeRefused(Exception):
    """The receiver can't be served; the message says why and what to do."""


class _Server(uvicorn.Server):
    def __init__(self, config: uvicorn.Config, *, on_ready: Callable[[], None]) -> None:
        super().__init__(config)
        self._on_ready = on_ready

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets=sockets)
        self._on_ready()


def serve(
    settings: Settings,
    *,
    host: str = DEFAULT_HOST,
    port: int = DEFAULT_PORT,
    on_ready: Callable[[str, HookTable], None],
) -> None:
    """Receive for all connections until SIGTERM or Ctrl+C; what has begun is finished first.

    ``on_ready`` gets the address that is listened on and the webhooks. ServeRefused if the port
    can't be opened or the log can't be written; SettingsError if the secret is not there.
    """
    listener = _listening(host, port=port)
    try:
        secret = receiver_secret(settings)
        former = former_secrets(settings)
        limits = settings.webhooks.limits
        writer = LogWriter(settings.webhook_root, min_free_bytes=in_bytes(limits.free_space))
        writer.prepare()
    except OSError as error:
        listener.close()
        raise ServeRefused(
            f"the folder of the webhook log can't be used ({type(error).__name__}): check that "
            "this user may write to it and that its disk has space"
        ) from error
    hooks = hooks_of(settings, secret=secret, former=former)
    receiver = create_receiver(hooks, writer=writer, limits=limits)
    _raise_file_limit(limits.open_connections + SPARE_FILES)
    sys.setswitchinterval(SWITCH_SECONDS)
    config = server_config(receiver)
    # What is loaded by now stays; looking through it again and again takes a tenth of the time.
    gc.collect()
    gc.freeze()
    url = _url(listener)
    _Server(config, on_ready=lambda: on_ready(url, hooks)).run(sockets=[listener])


def server_config(receiver: Receiver) -> uvicorn.Config:
    """How uvicorn serves a receiver."""
    # Below that it tells of every request that is not HTTP, which the metrics count.
    for name in ("uvicorn", "uvicorn.error"):
        logging.getLogger(name).setLevel(logging.ERROR)
    return uvicorn.Config(
        receiver.app,
        http=protocol_for(receiver.watch),
        ws="none",
        loop="uvloop",
        lifespan="on",
        log_config=None,
        # The path of a request is a secret.
        access_log=False,
        proxy_headers=False,
        server_header=False,
        date_header=False,
        timeout_keep_alive=KEEP_ALIVE_SECONDS,
        timeout_graceful_shutdown=GRACEFUL_SECONDS,
    )


def _listening(host: str, *, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host, port))
    except OSError as refused:
        listener.close()
        raise ServeRefused(
            f"port {port} on {host} can't be opened ({refused.strerror}): end the program that "
            "uses it or choose another --port or --host"
        ) from refused
    return listener


def _url(listener: socket.socket) -> str:
    host, port = listener.getsockname()[:2]
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def _raise_file_limit(needed: int) -> None:
    """Every connection is a file; the usual 1,024 are fewer than the connections allowed."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = needed if hard == resource.RLIM_INFINITY else min(needed, hard)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
