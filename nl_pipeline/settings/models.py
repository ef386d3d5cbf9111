"""The connections file as a whole, and the settings it becomes.

The file names products by key (`crm: {onoffice: ...}`), the rest of the program sees one CRM and
one provider per connection. Error messages, the JSON Schema and the configuration page are
generated from these models, so a setting is described in one place. Not here: reading files
(`loading`), checked text (`values`).
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from pydantic import Field, model_validator

from nl_pipeline.settings.closed import ClosedModel
from nl_pipeline.settings.differences import check_options, options_at
from nl_pipeline.settings.options import ConnectionOptions
from nl_pipeline.settings.problems import Problem, SettingsError, did_you_mean
from nl_pipeline.settings.systems import Brevo, Crm, CrmEntry, Mailchimp, ProviderEntry
from nl_pipeline.settings.values import Allowed, ConnectionName, Memory
from nl_pipeline.settings.webhooks import Webhooks


class ConnectionEntry(ConnectionOptions):
    """A connection as it stands in the file."""

    crm: CrmEntry = Field(description="The CRM.")
    provider: ProviderEntry = Field(description="The newsletter provider, exactly one.")

    @model_validator(mode="after")
    def _is_possible_at_the_provider(self) -> ConnectionEntry:
        check_options(self, kind=self.provider.only.kind)
        return self

    def named(self, name: str) -> Connection:
        """The connection as the rest of the program uses it."""
        provider = self.provider.only
        return Connection(
            name=name,
            crm=self.crm.onoffice,
            provider=provider,
            **options_at(self, kind=provider.kind),
        )


class SettingsFile(ClosedModel):
    """The connections file."""

    connections: dict[ConnectionName, ConnectionEntry] = Field(
        min_length=1,
        description="One entry per pair of CRM and provider. The name stands in file names, "
        "partitions and reports.",
    )
    data_dir: Annotated[Path, Allowed("a folder; relative to the settings file")] = Field(
        Path("data"),
        strict=False,
        description="Folder for the warehouse files, one per connection.",
    )
    memory_limit: Memory = Field(
        "1GB",
        description="What DuckDB may use of memory at a time, for each connection at work. Beyond "
        "it works on in a folder beside the warehouse file, more slowly.",
    )
    webhooks: Webhooks = Field(Webhooks(), description="Receiving of webhooks.")


class Connection(ConnectionOptions):
    """One CRM account and one audience of one provider that are kept in step."""

    name: ConnectionName
    crm: Crm
    provider: Mailchimp | Brevo


@dataclass(frozen=True)
class Settings:
    """Everything that was set. `source` is None for the embedded default (the sandbox).

    `data_dir` and `webhook_root` are absolute. Holds references to secrets, never a secret.
    """

    connections: dict[str, Connection]
    data_dir: Path
    memory_limit: str
    webhooks: Webhooks
    webhook_root: Path
    source: Path | None

    def connection(self, name: str) -> Connection:
        """The connection of that name. SettingsError that lists the names if there is none."""
        if name in self.connections:
            return self.connections[name]
        close = did_you_mean(name, self.connections)
        raise SettingsError(
            [
                Problem(
                    file="embedded default" if self.source is None else str(self.source),
                    line=None,
                    key="connections",
                    what="there is no connection of this name",
                    allowed=", ".join(self.connections),
                    next_step=f"did you mean `{close}`?" if close else "name one of these",
                )
            ]
        )

    def warehouse_path(self, name: str) -> Path:
        """The DuckDB file of a connection."""
        return self.data_dir / f"{name}.duckdb"

    def webhook_log_dir(self, name: str) -> Path:
        """The folder with the webhook log of a connection."""
        return self.webhook_root / name
