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

BREVO = MINIMAL.replace("mailchimp:", "brevo:")
LINKEDIN = """\
leads:
  linkedin:
    client_id: "${LINKEDIN_CLIENT_ID}"
    client_secret: "${LINKEDIN_CLIENT_SECRET}"
    access_token: "${LINKEDIN_ACCESS_TOKEN}"
    owners: [{ad_account: 507000111}]
"""


def parse(text: str) -> settings.Settings:
    """The settings in `text`, as if it stood in /srv/connections.yaml."""
    return settings.parse(text, file="connections.yaml", folder=Path("/srv"))


def connection(options: str = "", *, text: str = MINIMAL) -> settings.Connection:
    """The minimal connection with `options`, lines of YAML, below its name."""
    return parse(with_options(options, text=text)).connections["agency"]


def with_options(options: str, *, text: str = MINIMAL) -> str:
    """The minimal file, or `text`, with `options` added to its connection."""
    return text + "".join(f"    {line}\n" for line in options.splitlines())


def with_linkedin(text: str = MINIMAL, *, more: str = "") -> str:
    """The minimal file, or `text`, with leads of LinkedIn; `more` lines stand below `linkedin`."""
    return with_options(
        LINKEDIN + "".join(f"    {line}\n" for line in more.splitlines()), text=text
    )


def linkedin_of(
    more: str = "", *, owners: str = "{ad_account: 507000111}", text: str = MINIMAL
) -> settings.LinkedIn:
    """The leads of the minimal connection; `more` lines stand below `linkedin`."""
    written = with_linkedin(text, more=more).replace("{ad_account: 507000111}", owners)
    linkedin = parse(written).connections["agency"].leads.linkedin
    assert linkedin is not None
    return linkedin


def mailchimp_of(connection: settings.Connection) -> settings.Mailchimp:
    """The provider of a connection that is known to be Mailchimp."""
    assert isinstance(connection.provider, settings.Mailchimp)
    return connection.provider


def brevo_of(connection: settings.Connection) -> settings.Brevo:
    """The provider of a connection that is known to be Brevo."""
    assert isinstance(connection.provider, settings.Brevo)
    return connection.provider
