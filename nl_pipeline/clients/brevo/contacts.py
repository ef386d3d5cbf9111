"""Looking single contacts up.

Belongs here: one contact by id or address, and its statistics. Does not belong here: pages of
contacts (`paging`), writes (`writing`).

The kind of an identifier is always named: digits alone could be an id, a telephone number, or an
external id.
"""

from __future__ import annotations

from datetime import UTC, date, datetime

from nl_pipeline.clients.brevo.models import Contact, ContactDetails
from nl_pipeline.clients.brevo.problems import ContactAbsent, ContactRefused
from nl_pipeline.clients.brevo.session import Path, Session
from nl_pipeline.clients.brevo.statistics import ContactStatistics, Shown, merged, windows

ONE = "/contacts/{identifier}"
BY_ID = {"identifierType": "contact_id"}
BY_EMAIL = {"identifierType": "email_id"}


class _Details(Contact, frozen=True, rename="camel"):
    statistics: Shown | None = None

    def details(self) -> ContactDetails:
        names = Contact.__struct_fields__
        contact = Contact(**{name: getattr(self, name) for name in names})
        return ContactDetails(contact, (self.statistics or Shown()).statistics())


class Contacts:
    """The contacts of one account, one at a time."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def by_id(self, contact_id: int) -> ContactDetails | None:
        """Return one contact; None when there is none."""
        try:
            return self._session.get(
                Path(ONE, [contact_id]), answer=_Details, params=BY_ID
            ).details()
        except ContactAbsent:
            return None

    def by_email(self, email: str) -> ContactDetails | None:
        """Return one contact; None when there is none, or the address is refused as none."""
        try:
            return self._session.get(Path(ONE, [email]), answer=_Details, params=BY_EMAIL).details()
        except (ContactAbsent, ContactRefused):
            return None

    def statistics(
        self, contact_id: int, *, since: datetime | None, until: datetime | None = None
    ) -> ContactStatistics | None:
        """Return the events of the last 90 days, and of those before back to `since`; or those
        from `since` to `until` alone."""
        path = Path(f"{ONE}/campaignStats", [contact_id])
        now = self._session.server_time.now() or datetime.now(UTC)
        try:
            if since is not None and until is not None:
                # Days that are to come are refused.
                start, end = since.astimezone(UTC).date(), min(until, now).astimezone(UTC).date()
                asked: list[tuple[date, date] | None] = [(min(start, end), end)]
            else:
                asked = [None]
                if since is not None:
                    day = since.astimezone(UTC).date()
                    asked += windows(since=day, today=now.date())
            parts = [
                self._session.get(
                    path,
                    answer=Shown,
                    params=None
                    if window is None
                    else {"startDate": window[0].isoformat(), "endDate": window[1].isoformat()},
                ).statistics()
                for window in asked
            ]
        except ContactAbsent:
            return None
        return merged(parts)
