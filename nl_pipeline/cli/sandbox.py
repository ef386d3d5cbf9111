"""Commands about the sandbox: run it, and point the current folder at a running one."""

from __future__ import annotations

import json
import re
import time
import urllib.error
import urllib.request
from pathlib import Path
from typing import Annotated
from urllib.parse import urlsplit

import dotenv
import typer

from nl_pipeline import settings
from nl_pipeline.cli.invocation import CommandError, ExitCode
from nl_pipeline.sandbox import credentials

commands = typer.Typer(
    help="Run stand-ins of onOffice, Mailchimp, Brevo and LinkedIn on this machine.",
    no_args_is_help=True,
)

ENVIRONMENT_FILE = ".env"

SANDBOX_SECRETS = {
    "NL_SANDBOX_ONOFFICE_TOKEN": credentials.ONOFFICE_TOKEN,
    "NL_SANDBOX_ONOFFICE_SECRET": credentials.ONOFFICE_SECRET,
    "NL_SANDBOX_MAILCHIMP_API_KEY": credentials.MAILCHIMP_API_KEY,
    "NL_SANDBOX_BREVO_API_KEY": credentials.BREVO_API_KEY,
    "NL_SANDBOX_LINKEDIN_CLIENT_ID": credentials.LINKEDIN_CLIENT_ID,
    "NL_SANDBOX_LINKEDIN_CLIENT_SECRET": credentials.LINKEDIN_CLIENT_SECRET,
    "NL_SANDBOX_LINKEDIN_ACCESS_TOKEN": credentials.LINKEDIN_ACCESS_TOKEN,
    "NL_SANDBOX_LINKEDIN_REFRESH_TOKEN": credentials.LINKEDIN_REFRESH_TOKEN,
}
_HEALTH_TIMEOUT_SECONDS = 5.0

Port = Annotated[int, typer.Option(min=1, max=65535, help="Port on this machine.")]


@commands.command()
def serve(
    port: Port = settings.SANDBOX_PORT,
    host: Annotated[str, typer.Option(help="Loopback address to listen on.")] = "127.0.0.1",
    contacts: Annotated[int, typer.Option(min=0, help="Contacts in the CRM.")] = 5000,
    seed: Annotated[int, typer.Option(help="Another seed, other people.")] = 1,
) -> None:
    """Run the sandbox until it is stopped with Ctrl+C."""
    # The web server is only needed here; the other commands start faster without it.
    from nl_pipeline.sandbox import serve as server

    try:
        server.serve(host=host, port=port, contacts=contacts, seed=seed, on_ready=_announce)
    except server.ServeRefused as refused:
        raise CommandError(
            f"The sandbox was not started: {refused}.",
            next_step="repeat the command with another --port or --host",
            exit_code=ExitCode.USAGE,
        ) from None
    except KeyboardInterrupt:
        typer.echo("Stopped.")


def _announce(base_url: str) -> None:
    port = urlsplit(base_url).port
    option = "" if port == settings.SANDBOX_PORT else f" --port {port}"
    typer.echo(f"The sandbox listens on {base_url}; stop it with Ctrl+C.")
    typer.echo(f"Next, in another terminal: nl-pipeline sandbox connect{option}")


@commands.command()
def connect(
    port: Port = settings.SANDBOX_PORT,
    wait: Annotated[
        float, typer.Option(min=0, help="Seconds to wait for a sandbox that is starting.")
    ] = 0,
    receiver: Annotated[
        int | None,
        typer.Option(
            min=1,
            max=65535,
            metavar="PORT",
            help="Port of a receiver on this machine, for webhooks. Default: no webhooks.",
        ),
    ] = None,
    force: Annotated[
        bool, typer.Option("--force", help="Replace a connections.yaml that is there.")
    ] = False,
) -> None:
    """Point the current folder at a running sandbox.

    Writes connections.yaml and .env.
    """
    _require_sandbox(port, wait_seconds=wait)
    connections = Path(settings.DEFAULT_FILE)
    if not force and connections.exists() and not _is_written_by_connect(connections):
        raise CommandError(
            f"{connections} is already there, was not written by this command, and was not "
            "changed.",
            next_step="work in another folder, or replace it with --force",
            exit_code=ExitCode.USAGE,
        )
    connections.write_text(
        settings.sandbox_text(port=port, receiver_port=receiver), encoding="utf-8"
    )
    write_secrets(Path(ENVIRONMENT_FILE))
    typer.echo(
        f"Wrote {connections} and {ENVIRONMENT_FILE}: connections "
        f"{settings.SANDBOX_CONNECTION} and {settings.SANDBOX_BREVO_CONNECTION} to the sandbox on "
        f"port {port}."
    )
    if receiver is not None:
        typer.echo(f"Next, in another terminal: nl-pipeline receive --port {receiver}")
    typer.echo(
        f"Next: nl-pipeline setup {settings.SANDBOX_CONNECTION}, or the same with "
        f"{settings.SANDBOX_BREVO_CONNECTION}"
    )


def _require_sandbox(port: int, *, wait_seconds: float) -> None:
    deadline = time.monotonic() + wait_seconds
    while True:
        try:
            _check_health(port)
        except (urllib.error.URLError, TimeoutError, ConnectionError):
            if time.monotonic() >= deadline:
                start = "nl-pipeline sandbox serve"
                if port != settings.SANDBOX_PORT:
                    start += f" --port {port}"
                raise CommandError(
                    f"No sandbox answers on port {port} of this machine.",
                    next_step=f"start one in another terminal: {start}",
                ) from None
            time.sleep(0.2)
        else:
            return


def _check_health(port: int) -> None:
    """Return if a sandbox answers; the errors of urllib if nothing does; CommandError if something
    else does."""
    # Without a proxy: one that is set for the outside world can't reach this machine.
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    url = f"http://127.0.0.1:{port}/_sandbox/health"
    try:
        with opener.open(url, timeout=_HEALTH_TIMEOUT_SECONDS) as answer:
            health = json.load(answer)
            is_sandbox = isinstance(health, dict) and "services" in health
    except (urllib.error.HTTPError, ValueError):
        is_sandbox = False
    if not is_sandbox:
        raise CommandError(
            f"Something answers on port {port} of this machine, but it is no sandbox.",
            next_step="start the sandbox on another port and name it here, both with --port",
        )


def _is_written_by_connect(connections: Path) -> bool:
    """True for exactly what this command writes, for any port; one edit makes it the user's."""
    try:
        text = connections.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        return False
    port = re.search(r"http://127\.0\.0\.1:(\d+)/", text)
    receiver = re.search(r"public_url: http://127\.0\.0\.1:(\d+)\n", text)
    return port is not None and text == settings.sandbox_text(
        port=int(port.group(1)),
        receiver_port=None if receiver is None else int(receiver.group(1)),
    )


def write_secrets(path: Path) -> None:
    """Set the sandbox's keys in the environment file; other lines stay, others may not read it."""
    path.touch(mode=0o600)
    path.chmod(0o600)
    for name, value in SANDBOX_SECRETS.items():
        dotenv.set_key(path, name, value, quote_mode="never")
