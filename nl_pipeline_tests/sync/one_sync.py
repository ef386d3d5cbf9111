"""One ordinary sync in a process of its own, so that it can be killed.

Belongs here: opening a connection as the commands do. Not here: anything about its outcome.
"""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path

from nl_pipeline import settings
from nl_pipeline.sandbox import credentials
from nl_pipeline.settings import SANDBOX_CONNECTION, Brakes, Settings
from nl_pipeline.sync.link import open_link
from nl_pipeline.sync.run import sync

_NO_BRAKES = Brakes(at_least=1_000_000, overwritten_percent=100.0)
SECRETS = {
    "NL_SANDBOX_ONOFFICE_TOKEN": credentials.ONOFFICE_TOKEN,
    "NL_SANDBOX_ONOFFICE_SECRET": credentials.ONOFFICE_SECRET,
    "NL_SANDBOX_MAILCHIMP_API_KEY": credentials.MAILCHIMP_API_KEY,
    "NL_SANDBOX_BREVO_API_KEY": credentials.BREVO_API_KEY,
}


def settings_for(port: int, *, folder: Path) -> Settings:
    """The settings of both connections to the sandbox on this port, without brakes."""
    text = settings.sandbox_text(port=port)
    chosen = settings.parse(text, file="connections.yaml", folder=folder)
    unbraked = {
        name: connection.model_copy(update={"brakes": _NO_BRAKES})
        for name, connection in chosen.connections.items()
    }
    return replace(chosen, connections=unbraked)


def main(folder: str, port: str, connection: str = SANDBOX_CONNECTION) -> None:
    """Sync once; progress goes to standard output, where the parent waits for it."""
    chosen = settings_for(int(port), folder=Path(folder))

    with open_link(chosen, connection=connection, environ=SECRETS) as link:
        result = sync(link, mode="incremental")
    sys.exit(0 if result.complete else 3)


if __name__ == "__main__":
    main(*sys.argv[1:])
