"""Serving a sandbox on loopback, for a user until interrupted or for a test in a thread.

Belongs here: the server. Does not belong here: what it serves. Nothing but loopback is allowed:
the credentials are public and the control API asks for none.
"""

from __future__ import annotations

import ipaddress
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import uvicorn
from starlette.types import ASGIApp

from nl_pipeline.sandbox.app import DEFAULT_CONTACTS, DEFAULT_SEED, World, create_app
from nl_pipeline.sandbox.connections import SandboxProtocol

DEFAULT_HOST = "127.0.0.1"
DEFAULT_PORT = 8900


class ServeRefused(Exception):
    """The sandbox cannot be served; the message says why and what to do."""


def serve(
    *,
    host: str = DEFAULT_HOST,
    port: int = DEFAULT_PORT,
    contacts: int = DEFAULT_CONTACTS,
    seed: int = DEFAULT_SEED,
    on_ready: Callable[[str], None] | None = None,
) -> None:
    """Serve a new world until interrupted.

    ``on_ready`` is called with the base URL once the port is open. Raises :class:`ServeRefused`
    for a host that is not loopback and for a port in use.
    """
    listener = _bound(host, port)
    # The port is taken before the world is filled, which can take seconds, but opened after it:
    # whoever asks too early is refused at once instead of waiting.
    world = World(contacts=contacts, seed=seed)
    _open(listener)
    if on_ready is not None:
        on_ready(_url(listener))
    _server(create_app(world)).run(sockets=[listener])


@contextmanager
def running(
    world: World,
    *,
    host: str = DEFAULT_HOST,
    port: int = 0,
    around: Callable[[ASGIApp], ASGIApp] | None = None,
) -> Iterator[str]:
    """A server in a thread for the length of a ``with`` block; yields its base URL.

    Port 0 takes a free one. ``around`` puts something outermost that sees the traffic. Calls
    answered after the block has begun never fail for want of a start: the port is open before the
    thread runs.
    """
    listener = _bound(host, port)
    _open(listener)
    app: ASGIApp = create_app(world)
    server = _server(app if around is None else around(app))
    thread = threading.Thread(
        target=server.run, kwargs={"sockets": [listener]}, name="sandbox", daemon=True
    )
    thread.start()
    try:
        yield _url(listener)
    finally:
        server.should_exit = True
        thread.join(timeout=10)


def refuse_other_hosts(host: str) -> None:
    """Raise :class:`ServeRefused` unless the host is loopback."""
    try:
        is_loopback = host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        is_loopback = False
    if not is_loopback:
        raise ServeRefused(
            f"host {host!r} is not loopback: the sandbox has public credentials and a control API "
            "without any, so nobody else may reach it; use 127.0.0.1, ::1 or localhost"
        )


def _bound(host: str, port: int) -> socket.socket:
    """A socket on the port, not yet open; raises :class:`ServeRefused`."""
    refuse_other_hosts(host)
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host, port))
    except OSError as refused:
        listener.close()
        raise _port_refused(host, port, refused) from refused
    return listener


def _open(listener: socket.socket) -> None:
    host, port = listener.getsockname()[:2]
    try:
        listener.listen(128)
    except OSError as refused:
        listener.close()
        raise _port_refused(host, port, refused) from refused


def _port_refused(host: str, port: int, refused: OSError) -> ServeRefused:
    return ServeRefused(
        f"port {port} on {host} cannot be opened ({refused.strerror}): "
        "end the program that uses it or choose another port"
    )


def _url(listener: socket.socket) -> str:
    host, port = listener.getsockname()[:2]
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def _server(app: ASGIApp) -> uvicorn.Server:
    return uvicorn.Server(
        uvicorn.Config(
            app,
            http=SandboxProtocol,
            ws="none",
            lifespan="off",
            log_level="warning",
            access_log=False,
            date_header=False,
            server_header=False,
            timeout_graceful_shutdown=1,
            timeout_keep_alive=60,
        )
    )
