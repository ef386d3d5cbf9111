"""One connection at work: its settings, its warehouse and its two sides.

Belongs here: opening and closing them together. Must not be here: any use case.
"""

from __future__ import annotations

import contextlib
import functools
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path

from nl_pipeline.clients.brevo import BrevoClient, Limits
from nl_pipeline.clients.linkedin import LinkedInClient, TokenFile, configured_tokens
from nl_pipeline.clients.mailchimp import MailchimpClient
from nl_pipeline.clients.onoffice import OnOfficeClient
from nl_pipeline.domain.brakes import Brakes, Limit
from nl_pipeline.domain.events import SAME_WITHIN
from nl_pipeline.domain.fields import Direction, ProfileField
from nl_pipeline.domain.least_calls import CrmWork, ProviderWork, least_at_provider, least_in_crm
from nl_pipeline.settings import Brevo, Connection, Settings
from nl_pipeline.sync.booked import booked_kinds
from nl_pipeline.sync.calls import (
    CRM_SETTINGS_CALLS,
    CallBook,
    CallReport,
    Counters,
    Purpose,
)
from nl_pipeline.sync.crm import CrmSide
from nl_pipeline.sync.providers.brevo import BrevoAudience
from nl_pipeline.sync.providers.mailchimp import MailchimpAudience
from nl_pipeline.sync.providers.port import AudienceSide
from nl_pipeline.warehouse.connection import Warehouse

#: Told now and then on long work: what, how many are done, how many there are (0: not known).
Progress = Callable[[str, int, int], None]
_MEGABYTE = 1_000_000


def silent(_what: str, _done: int, _total: int) -> None:
    """The progress of somebody who does not watch."""


def utc_now() -> datetime:
    return datetime.now(UTC)


@dataclass(frozen=True)
class Link:
    """Everything a use case needs. ``now`` and ``progress`` are parameters for tests and
    callers; ``book`` is where calls are counted; ``webhook_log`` is the folder of the connection's
    webhook log, None where there is none. ``open_leads`` opens the way to leads, once."""

    settings: Connection
    warehouse: Warehouse
    crm: CrmSide
    audience: AudienceSide
    now: Callable[[], datetime] = utc_now
    progress: Progress = silent
    book: CallBook = field(default_factory=CallBook)
    webhook_log: Path | None = None
    open_leads: Callable[[], LinkedInClient] | None = None

    @property
    def leads(self) -> LinkedInClient | None:
        """Where leads come from; None where the settings name nothing. SettingsError if a secret of
        LinkedIn's cannot be resolved."""
        return None if self.open_leads is None else self.open_leads()

    @property
    def name(self) -> str:
        return self.settings.name

    @property
    def counters(self) -> Counters:
        """What both clients have called since they were opened."""
        return Counters(
            {"crm": self.crm.client.calls, "provider": self.audience.calls},
            CRM_SETTINGS_CALLS | self.audience.settings_calls,
        )

    @contextlib.contextmanager
    def counting(self, purpose: Purpose) -> Iterator[Purpose]:
        """Count what is called in the block as made for this purpose, or the one around it."""
        with self.book.counting(purpose, counters=self.counters) as meant:
            yield meant

    def need(self, purpose: Purpose, *works: CrmWork | ProviderWork) -> None:
        """Enter the least calls this work takes."""
        for work in works:
            if isinstance(work, CrmWork):
                least = least_in_crm(work, limits=self.crm.client.limits)
                self.book.need("crm", purpose, calls=least)
            else:
                least = least_at_provider(work, limits=self.audience.limits)
                self.book.need("provider", purpose, calls=least)

    def counted_anew(self) -> Link:
        """The same link with a book that begins now; the book of this one takes its entries too."""
        return replace(self, book=CallBook(begun=self.counters.copied(), whole=self.book))

    def report_calls(self) -> CallReport:
        """Calls made over the least possible since the book was begun."""
        return self.book.report(self.counters)

    def report_calls_of_the_whole(self) -> CallReport:
        """The same of everything this link's book is a part of, such as a run of several steps."""
        return (self.book.whole or self.book).report(self.counters)

    @property
    def brakes(self) -> Brakes:
        """The brakes of the settings in the words of the domain."""
        values = self.settings.brakes
        limits = {
            name: Limit(count=limit.count, percent=limit.percent)
            for name, limit in (
                ("removals", values.removals),
                ("crm_blanked", values.crm_blanked),
                ("new_contacts", values.new_contacts),
            )
        }
        return Brakes(
            **limits,
            overwritten_percent=values.overwritten_percent,
            crm_shrink_percent=values.crm_shrink_percent,
            confirmations=values.confirmations,
            inbound_alarm_percent=values.inbound_alarm_percent,
            at_least=values.at_least,
        )


def profile_fields(connection: Connection) -> tuple[ProfileField, ...]:
    """The mapped fields of a connection; ``provider`` is "" where the name is looked up there."""
    return tuple(
        ProfileField(
            name=mapping.name,
            crm=mapping.crm,
            provider=mapping.provider or "",
            direction=Direction(mapping.direction),
            propagates_blank=mapping.blank == "propagate",
        )
        for mapping in connection.fields
    )


def open_warehouse(settings: Settings, *, connection: str) -> Warehouse:
    """The warehouse of a connection, for reading what is already there."""
    chosen = settings.connection(connection)
    return Warehouse(
        settings.warehouse_path(connection),
        fields=profile_fields(chosen),
        same_within=SAME_WITHIN[chosen.provider.kind],
        memory_limit=settings.memory_limit,
    )


@contextlib.contextmanager
def open_link(
    settings: Settings,
    *,
    connection: str,
    environ: Mapping[str, str] | None = None,
    now: Callable[[], datetime] = utc_now,
    progress: Progress = silent,
) -> Iterator[Link]:
    """Open both sides of a connection; secrets are resolved here and nowhere else.

    Raises SettingsError for an unknown connection or a secret that cannot be resolved.
    """
    chosen = settings.connection(connection)
    fields = profile_fields(chosen)
    onoffice = OnOfficeClient(
        base_url=chosen.crm.base_url,
        token=chosen.crm.token.resolve(environ),
        secret=chosen.crm.secret.resolve(environ),
        actions_per_request=chosen.crm.actions_per_request,
        time_zone=chosen.crm.time_zone,
    )
    with (
        contextlib.closing(onoffice),
        _audience_of(chosen, fields=fields, environ=environ, progress=progress) as audience,
        _leads_of(chosen, settings=settings, environ=environ) as open_leads,
    ):
        yield Link(
            settings=chosen,
            warehouse=open_warehouse(settings, connection=connection),
            crm=CrmSide(
                onoffice,
                fields=fields,
                tag_field=chosen.tags.field if chosen.tags.enabled else None,
                time_zone=chosen.crm.time_zone,
            ),
            audience=audience,
            now=now,
            progress=progress,
            webhook_log=settings.webhook_log_dir(connection),
            open_leads=open_leads,
        )


@contextlib.contextmanager
def _leads_of(
    chosen: Connection, *, settings: Settings, environ: Mapping[str, str] | None
) -> Iterator[Callable[[], LinkedInClient] | None]:
    """How the leads of a connection are reached. Refreshed tokens lie beside the warehouse.

    Nothing is resolved before it is called: no opt-out waits for a secret of LinkedIn's.
    """
    linkedin = chosen.leads.linkedin
    if linkedin is None:
        yield None
        return
    with contextlib.ExitStack() as opened:

        @functools.cache
        def open_client() -> LinkedInClient:
            refresh = linkedin.refresh_token
            client = LinkedInClient(
                client_id=linkedin.client_id.resolve(environ),
                client_secret=linkedin.client_secret.resolve(environ),
                tokens=configured_tokens(
                    access_token=linkedin.access_token.resolve(environ),
                    refresh_token="" if refresh is None else refresh.resolve(environ),
                ),
                version=linkedin.version,
                base_url=linkedin.base_url,
                oauth_url=linkedin.oauth_url,
                store=TokenFile(settings.data_dir / f"{chosen.name}.linkedin-tokens"),
            )
            return opened.enter_context(contextlib.closing(client))

        yield open_client


@contextlib.contextmanager
def _audience_of(
    chosen: Connection,
    *,
    fields: tuple[ProfileField, ...],
    environ: Mapping[str, str] | None,
    progress: Progress,
) -> Iterator[AudienceSide]:
    """The adapter of the connection's provider, at work on its account."""
    provider = chosen.provider
    if isinstance(provider, Brevo):
        brevo = BrevoClient(
            base_url=provider.base_url,
            api_key=provider.api_key.resolve(environ),
            max_connections=provider.max_connections,
            limits=Limits(
                contacts_per_second=provider.limits.contacts_per_second,
                contacts_per_hour=provider.limits.contacts_per_hour,
                other_per_hour=provider.limits.other_per_hour,
            ),
            import_bytes=provider.import_megabytes * _MEGABYTE,
        )
        with contextlib.closing(brevo):
            yield BrevoAudience(
                brevo,
                fields=fields,
                settings=provider,
                progress=progress,
                booked=booked_kinds(chosen.activities),
            )
        return
    mailchimp = MailchimpClient(
        base_url=provider.base_url,
        api_key=provider.api_key.resolve(environ),
        max_connections=provider.max_connections,
    )
    with contextlib.closing(mailchimp):
        yield MailchimpAudience(mailchimp, fields=fields)
