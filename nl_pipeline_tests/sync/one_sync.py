"""One ordinary sync in a process of its own, so that it can be killed.

Belongs here: opening a connection as the commands do. Not here: anything about its outcome.
"""

from __future__ import annotations

import sys
from pathlib import Path

from nl_pipeline import settings
from nl_pipeline.sandbox import credentials
from nl_pipeline.settings import SANDBOX_CONNECTION, Settings
from nl_pipeline.sync.link import open_link
from nl_pipeline.sync.run import sync

_NO_BRAKES = """
    brakes:
      at_least: 1000000
      overwritten_percent: 100
"""
SECRETS = {
    "NL_SANDBOX_ONOFFICE_TOKEN": credentials.ONOFFICE_TOKEN,
    "NL_SANDBOX_ONOFFICE_SECRET": credentials.ONOFFICE_SECRET,
    "NL_SANDBOX_MAILCHIMP_API_KEY": credentials.MAILCHIMP_API_KEY,
    "NL_SANDBOX_BREVO_API_KEY": credentials.BREVO_API_KEY,
}


def settings_for(port: int, *, folder: Path) -> Settings:
    """The settings of a connection to the sandbox on this port, without brakes."""
    text = settings.sandbox_text(port=port) + _NO_BRAKES.lstrip("\n")
    return settings.parse(text, file="connections.yaml", folder=folder)


def main(folder: str, port: str) -> None:
    """Sync once; progress goes to standard output, where the parent waits for it."""
    chosen = settings_for(int(port), folder=Path(folder))

    with open_link(chosen, connection=SANDBOX_CONNECTION, environ=SECRETS) as link:
        result = sync(link, mode="incremental")
    sys.exit(0 if result.complete else 3)


if __name__ == "__main__":
    main(*sys.argv[1:])
