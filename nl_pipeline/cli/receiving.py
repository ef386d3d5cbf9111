"""The command that receives webhooks.

Loads nothing that needs pandas, DuckDB or Dagster: the receiver runs all the time, beside them.
"""

from __future__ import annotations

import logging
import time
import urllib.error
import urllib.request
from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer

from nl_pipeline.cli.invocation import CommandError, ExitCode, invocation_of
from nl_pipeline.receiver import serve as server
from nl_pipeline.receiver.routes import HookTable

SHOWN_OF_TOKEN = 6
_HEALTH_SECONDS = 5.0
_LOOK_AGAIN_SECONDS = 0.2


def receive(
    context: typer.Context,
    host: Annotated[str, typer.Option(help="Address to listen on.")] = server.DEFAULT_HOST,
    port: Annotated[
        int, typer.Option(min=0, max=65535, help="Port to listen on; 0 takes a free one.")
    ] = server.DEFAULT_PORT,
    log_dir: Annotated[
        Path | None,
        typer.Option(metavar="PATH", help="Folder of the webhook log, instead of the set one."),
    ] = None,
    check: Annotated[
        bool, typer.Option("--check", help="Only ask a running receiver whether it is well.")
    ] = False,
    wait: Annotated[
        float, typer.Option(min=0, help="With --check: seconds to wait for one that is starting.")
    ] = 0,
    show_urls: Annotated[
        bool, typer.Option("--show-urls", help="Print the addresses in full; they are secrets.")
    ] = False,
) -> None:
    """Receive webhooks until it is stopped with Ctrl+C, and store them in the webhook log."""
    if check:
        typer.echo(check_health(host, port=port, wait_seconds=wait))
        return
    settings = invocation_of(context).load_settings()
    if log_dir is not None:
        settings = replace(settings, webhook_root=log_dir.absolute())

    def announce(url: str, hooks: HookTable) -> None:
        typer.echo(f"The receiver listens on {url}; stop it with Ctrl+C.")
        base = settings.webhooks.public_url
        if base is None:
            typer.echo("No provider knows it yet: webhooks.public_url is not set.")
            base = url
        for hook in hooks:
            token = hook.token if show_urls else f"{hook.token[:SHOWN_OF_TOKEN]}..."
            typer.echo(f"  {base}{hook.path(token=token)}")

    logging.basicConfig(format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    try:
        server.serve(settings, host=host, port=port, on_ready=announce)
    except server.ServeRefused as refused:
        raise CommandError(
            f"The receiver was not started: {refused}.",
            next_step="mend that and repeat the command",
            exit_code=ExitCode.USAGE,
        ) from None
    except KeyboardInterrupt:
        typer.echo("Stopped.")


def check_health(host: str, *, port: int, wait_seconds: float) -> str:
    """The health of a receiver; CommandError if it is not well or nobody answers in time."""
    # Without a proxy: one that is set for the outside world can't reach this machine.
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    deadline = time.monotonic() + wait_seconds
    while True:
        try:
            with opener.open(f"http://{host}:{port}/health", timeout=_HEALTH_SECONDS) as answer:
                return str(answer.read().decode())
        except urllib.error.HTTPError as error:
            raise CommandError(
                f"The receiver is not well: {error.read().decode(errors='replace')}",
                next_step="mend what it names; until then providers are told to try again",
            ) from None
        except (urllib.error.URLError, TimeoutError, ConnectionError):
            if time.monotonic() >= deadline:
                raise CommandError(
                    f"No receiver answers at {host}:{port}.",
                    next_step=f"start one: nl-pipeline receive --port {port}",
                ) from None
        time.sleep(_LOOK_AGAIN_SECONDS)
