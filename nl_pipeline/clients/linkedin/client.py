"""The LinkedIn client: what an import of leads asks of LinkedIn, as typed calls.

Belongs here: one method per thing asked. Does not belong here: tokens, encoding, paging (their own
modules), the decision what to ask.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import datetime

from nl_pipeline.clients.linkedin.models import AdAccount, FormPage, Notification, PageRole
from nl_pipeline.domain.leads import Lead, LeadForm, LeadType, Owner


class LinkedInClient:
    """One member's access to LinkedIn's marketing API.

    `calls` counts HTTP requests by "METHOD template", repeats included.
    """

    calls: Counter[str]

    def ad_accounts(self) -> list[AdAccount]:
        """Return the ad accounts the member sees."""
        raise NotImplementedError

    def page_roles(self) -> list[PageRole]:
        """Return the member's approved roles on pages."""
        raise NotImplementedError

    def forms(self, owner: Owner) -> FormPage:
        """Return the forms of an owner, each in its latest version."""
        raise NotImplementedError

    def form(self, form_id: int) -> LeadForm | None:
        """Return one form in its latest version; None when there is none."""
        raise NotImplementedError

    def form_of(self, lead: Lead) -> LeadForm | None:
        """Return the version a lead was submitted through; None when LinkedIn does not give it."""
        raise NotImplementedError

    def lead(self, response_id: str) -> Lead | None:
        """Return one lead; None when LinkedIn does not have it (deleted, too old, not yet)."""
        raise NotImplementedError

    def leads_by_id(self, response_ids: Sequence[str]) -> dict[str, Lead]:
        """Return those of these leads that LinkedIn has."""
        raise NotImplementedError

    def leads(
        self,
        owner: Owner,
        *,
        start: datetime,
        end: datetime,
        lead_type: LeadType = LeadType.SPONSORED,
        form: tuple[int, int] | None = None,
    ) -> LeadPages:  # type: ignore[name-defined]  # noqa: F821
        """Return the pages of leads submitted from `start` to `end`, in no order."""
        raise NotImplementedError

    def notifications(self, owner: Owner, *, lead_type: LeadType) -> list[Notification]:
        """Return the subscriptions of an owner."""
        raise NotImplementedError

    def create_notification(self, owner: Owner, *, lead_type: LeadType, webhook: str) -> str:
        """Create a subscription and return its id; LinkedIn asks the webhook meanwhile."""
        raise NotImplementedError

    def delete_notification(self, notification_id: str) -> None:
        """Delete a subscription; one that is gone already is no error."""
        raise NotImplementedError

    def close(self) -> None:
        """Close the connections."""
        raise NotImplementedError
