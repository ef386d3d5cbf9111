"""The LinkedIn client: what an import of leads asks of LinkedIn, as typed calls.

Belongs here: one method per thing asked. Does not belong here: tokens, encoding, paging (their own
modules), the decision what to ask.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Sequence
from datetime import datetime

import httpx

from nl_pipeline.clients.http import Transport, connections
from nl_pipeline.clients.linkedin import accounts, forms, notifications, responses
from nl_pipeline.clients.linkedin.access import Access, system_time
from nl_pipeline.clients.linkedin.models import AdAccount, FormPage, Notification, PageRole
from nl_pipeline.clients.linkedin.oauth import DEFAULT_URL as DEFAULT_OAUTH_URL
from nl_pipeline.clients.linkedin.oauth import OAuth
from nl_pipeline.clients.linkedin.paging import LARGEST_PAGE
from nl_pipeline.clients.linkedin.problems import SYSTEM
from nl_pipeline.clients.linkedin.responses import LeadPages
from nl_pipeline.clients.linkedin.session import Session
from nl_pipeline.clients.linkedin.tokens import TokenLife, Tokens, TokenStore
from nl_pipeline.clients.server_time import ServerTime
from nl_pipeline.domain.leads import Lead, LeadForm, LeadType, Owner

DEFAULT_URL = "https://api.linkedin.com/rest"


class LinkedInClient:
    """One member's access to LinkedIn's marketing API.

    `tokens` are those of the settings; refreshed ones are kept in `store`, and without one only as
    long as this client. `version` is LinkedIn's month (`202607`), a setting because each is served
    for a year only. `calls` counts HTTP requests by "METHOD template", repeats included.
    """

    def __init__(
        self,
        *,
        client_id: str,
        client_secret: str,
        tokens: Tokens,
        version: str,
        base_url: str = DEFAULT_URL,
        oauth_url: str = DEFAULT_OAUTH_URL,
        store: TokenStore | None = None,
        page_size: int = LARGEST_PAGE,
        timeout_seconds: float = 60.0,
        settle_seconds: float = 3.0,
        http: httpx.Client | None = None,
        sleep: Callable[[float], None] = time.sleep,
        now: Callable[[], datetime] | None = None,
    ) -> None:
        http = http or connections(base_url, timeout_seconds=timeout_seconds)
        transport = Transport(system=SYSTEM, http=http, sleep=sleep)
        server_time = ServerTime()
        self._page_size = page_size
        self.oauth = OAuth(
            url=oauth_url,
            client_id=client_id,
            client_secret=client_secret,
            http=http,
            transport=transport,
        )
        self._access = Access(
            tokens,
            oauth=self.oauth,
            store=store,
            now=now or (lambda: server_time.now() or system_time()),
            sleep=sleep,
            settle_seconds=settle_seconds,
        )
        self._session = Session(
            root=base_url,
            version=version,
            access=self._access,
            http=http,
            transport=transport,
            server_time=server_time,
        )
        self._forms: dict[tuple[int, int], LeadForm] = {}
        self.calls: Counter[str] = transport.calls

    def now(self) -> datetime | None:
        """Return the time at LinkedIn by its last answer (aware UTC), None before one."""
        return self._session.server_time.now()

    def token_life(self) -> TokenLife:
        """Return how long the tokens last, asking LinkedIn where it was not told yet."""
        return self._access.life()

    def ad_accounts(self) -> list[AdAccount]:
        """Return the active ad accounts the member sees: the test of a connection."""
        return accounts.ad_accounts(self._session)

    def page_roles(self) -> list[PageRole]:
        """Return the member's approved roles on pages."""
        return accounts.page_roles(self._session)

    def forms(self, owner: Owner) -> FormPage:
        """Return the forms of an owner, each in its latest version."""
        return forms.forms_of(self._session, owner=owner)

    def form(self, form_id: int) -> LeadForm | None:
        """Return one form in its latest version; None when there is none."""
        return forms.form(self._session, form_id=form_id)

    def form_of(self, lead: Lead) -> LeadForm | None:
        """Return the version a lead was submitted through; None when LinkedIn does not give it.

        LinkedIn gives old versions only with a lead. Where that failed, the latest one is asked
        for, and used if it is the very version.
        """
        place = (lead.form_id, lead.form_version)
        if lead.form is not None:
            self._forms[place] = lead.form
        elif place not in self._forms:
            latest = self.form(lead.form_id)
            if latest is not None:
                self._forms[(latest.id, latest.version)] = latest
        return self._forms.get(place)

    def lead(self, response_id: str) -> Lead | None:
        """Return one lead; None when LinkedIn does not have it (deleted, too old, not yet)."""
        return responses.lead(self._session, response_id=response_id)

    def leads_by_id(self, response_ids: Sequence[str]) -> dict[str, Lead]:
        """Return those of these leads that LinkedIn has, by id."""
        return responses.leads_by_id(self._session, response_ids=response_ids)

    def leads(
        self,
        owner: Owner,
        *,
        start: datetime,
        end: datetime,
        lead_type: LeadType = LeadType.SPONSORED,
        form: tuple[int, int] | None = None,
    ) -> LeadPages:
        """Return the pages of leads submitted from `start` to `end` (aware), in no order.

        Nothing is read before iterating. `form` (id, version) narrows it to one version; without
        it a call covers every form of the owner. LinkedIn keeps leads for a time only: a `start`
        before that may be refused, and what is older is gone.
        """
        return LeadPages(
            self._session,
            owner=owner,
            lead_type=lead_type,
            start=start,
            end=end,
            form=form,
            page_size=self._page_size,
        )

    def notifications(self, owner: Owner, *, lead_type: LeadType) -> list[Notification]:
        """Return the subscriptions of an owner."""
        return notifications.notifications_of(self._session, owner=owner, lead_type=lead_type)

    def create_notification(self, owner: Owner, *, lead_type: LeadType, webhook: str) -> str:
        """Create a subscription and return its id; LinkedIn asks the webhook meanwhile."""
        return notifications.create_notification(
            self._session, owner=owner, lead_type=lead_type, webhook=webhook
        )

    def delete_notification(self, notification_id: str) -> None:
        """Delete a subscription; one that is gone already is no error."""
        notifications.delete_notification(self._session, notification_id=notification_id)

    def close(self) -> None:
        """Close the connections."""
        self._session.close()
