"""The smallest valid connections file, and ways to vary it, for the tests of the settings."""

from __future__ import annotations

from pathlib import Path

from nl_pipeline import settings

MINIMAL = """\
connections:
  agency:
    crm:
      onoffice:
        token: "${TOKEN}"
        secret: "${SECRET}"
    provider:
      mailchimp:
        api_key: "${KEY}"
"""


def parse(text: str) -> settings.Settings:
    """The settings in `text`, as if it stood in /srv/connections.yaml."""
    return settings.parse(text, file="connections.yaml", folder=Path("/srv"))


def connection(options: str = "") -> settings.Connection:
    """The minimal connection with `options`, lines of YAML, below its name."""
    return parse(with_options(options)).connections["agency"]


def with_options(options: str) -> str:
    """The minimal file with `options` added to its connection."""
    return MINIMAL + "".join(f"    {line}\n" for line in options.splitlines())
