"""Our subscriptions to notices of leads: are they there, and only those that are wanted.

Belongs here: comparing and mending them. Must not be here: the calls (``clients.linkedin``),
answering LinkedIn's challenge (``receiver``), what a notice leads to (``push``).

- One for each owner and kind of lead: LinkedIn recommends it, and what a form is not imported for
  is our own filter.
- LinkedIn changes none: a new one is created before the old one is deleted, so that nothing is
  lost in between. Whether one survives a lost role or token is documented nowhere: it is looked at
  again with every sync.
- Ours are known by their path, which nobody can guess. Those of others are left alone.
- A webhook that failed three challenges is blocked, and no call tells: that nobody asks us any more
  is the only sign (LinkedIn docs, webhook validation: every two hours).
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol
from urllib.parse import urlsplit

from nl_pipeline.clients.errors import ApiError, OperatorNeeded, Permanent
from nl_pipeline.clients.linkedin import Notification
from nl_pipeline.domain.leads import LeadType, Owner, OwnerKind
from nl_pipeline.settings import LinkedIn
from nl_pipeline.sync.leads.forms import source_of
from nl_pipeline.sync.leads.wanted import lead_types, linkedin_of, owners
from nl_pipeline.sync.link import Link
from nl_pipeline.sync.webhook_watch import HookPlace
from nl_pipeline.warehouse import observations
from nl_pipeline.webhook_log.challenges import last_challenge

PROVIDER, ORIGIN = "linkedin", "leads"
_SUBSCRIBED = "lead_subscriptions"
ASKED_WITHIN = timedelta(hours=6)
"""Three challenges: whoever missed them is blocked."""


@dataclass(frozen=True, order=True)
class Subject:
    """What a subscription is about: the leads of one kind of one owner."""

    owner_kind: OwnerKind
    owner_id: int
    lead_type: LeadType

    @property
    def owner(self) -> Owner:
        return Owner(self.owner_kind, self.owner_id)

    def __str__(self) -> str:
        return f"{self.lead_type} leads of {self.owner_kind} {self.owner_id}"

    @classmethod
    def parse(cls, text: str) -> Subject:
        """Read ``<kind>:<number>:<type>``, as ``key`` writes it. ValueError for anything else."""
        kind, number, lead_type = text.split(":")
        return cls(OwnerKind(kind), int(number), LeadType(lead_type))

    @property
    def key(self) -> str:
        return f"{self.owner_kind}:{self.owner_id}:{self.lead_type}"


@dataclass(frozen=True)
class Subscribed:
    """What was found and done: notes of what was created and deleted, problems a person has to
    solve, and the subjects of which subscriptions may be left."""

    kept: int
    notes: tuple[str, ...]
    problems: tuple[str, ...]
    subjects: tuple[Subject, ...]


class Subscriptions(Protocol):
    """The calls, as ``LinkedInClient`` has them."""

    def notifications(self, owner: Owner, *, lead_type: LeadType) -> list[Notification]: ...

    def create_notification(self, owner: Owner, *, lead_type: LeadType, webhook: str) -> str: ...

    def delete_notification(self, notification_id: str) -> None: ...


def wanted_subjects(linkedin: LinkedIn) -> tuple[Subject, ...]:
    """What there should be subscriptions to; nothing while the import is off."""
    if not linkedin.import_leads:
        return ()
    return tuple(
        Subject(owner.kind, owner.id, lead_type)
        for owner in owners(linkedin)
        for lead_type in lead_types(linkedin, owner=owner)
    )


def put_right(
    calls: Subscriptions,
    *,
    url: str,
    wanted: Collection[Subject],
    subscribed: Iterable[Subject] = (),
) -> Subscribed:
    """Create what is missing, delete what is ours and not wanted.

    ``url`` of our webhook; ``subscribed``: of what subscriptions were made before, which may not be
    wanted any more. An owner whose subscriptions can't be seen or made is a problem and stops no
    other; raises what would stop all of them.
    """
    kept = 0
    notes: list[str] = []
    problems: list[str] = []
    left: list[Subject] = []
    for subject in dict.fromkeys((*sorted(wanted), *sorted(subscribed))):
        try:
            found = _put_one_right(calls, subject, url=url, wanted=subject in wanted)
        except (OperatorNeeded, Permanent) as refused:
            if not _concerns_one_owner(refused):
                raise
            problems.append(f"{subject}: {refused.what}. Next: {refused.what_next}")
            left.append(subject)
            continue
        notes += found
        if subject in wanted:
            kept += 1
            left.append(subject)
    return Subscribed(kept, tuple(notes), tuple(problems), tuple(left))


def keep_up(link: Link, *, place: HookPlace | None) -> Subscribed | None:
    """Put the subscriptions of a connection right; None where LinkedIn could not reach us.

    Raises as the calls, for what concerns every owner.
    """
    linkedin = linkedin_of(link.settings)
    if place is None or linkedin is None:
        return None
    subscribed, wanted = _remembered(link), wanted_subjects(linkedin)
    if not wanted and not subscribed:
        return Subscribed(0, (), (), ())
    _, client = source_of(link)
    url = place.url(provider=PROVIDER, origin=ORIGIN)
    done = put_right(client, url=url, wanted=wanted, subscribed=subscribed)
    left = " ".join(subject.key for subject in done.subjects)
    observations.write_state(link.warehouse, name=_SUBSCRIBED, value=left)
    return done


def hearing_problem(link: Link) -> str:
    """Why notices do not arrive as far as can be told, "" where they should. Nobody is called."""
    if not _remembered(link):
        return "there is no subscription to LinkedIn's notices"
    asked_at = None
    if link.webhook_log is not None:
        asked_at = last_challenge(link.webhook_log, provider=PROVIDER)
    if is_deaf(subscribed=True, asked_at=asked_at, now=link.now()):
        since = "ever" if asked_at is None else f"since {asked_at:%Y-%m-%d %H:%M} UTC"
        return (
            f"LinkedIn has not asked our webhook {since}, although it should every two hours."
            " Next: check that the receiver is reached from outside, then restart the validation"
            " of the webhook in LinkedIn's developer portal"
        )
    return ""


def _remembered(link: Link) -> list[Subject]:
    known = observations.read_state(link.warehouse, name=_SUBSCRIBED) or ""
    return [Subject.parse(key) for key in known.split()]


def is_deaf(*, subscribed: bool, asked_at: datetime | None, now: datetime) -> bool:
    """Whether LinkedIn does not ask our webhook any more although it should."""
    return subscribed and (asked_at is None or now - asked_at > ASKED_WITHIN)


def _concerns_one_owner(refused: ApiError) -> bool:
    """A missing role, a webhook LinkedIn does not reach, or too many subscriptions; no token, for
    instance, would be the end for all."""
    is_permanent = isinstance(refused, Permanent)
    return is_permanent or refused.status == 403 or refused.code == "webhook_not_reached"


def _put_one_right(
    calls: Subscriptions, subject: Subject, *, url: str, wanted: bool
) -> Sequence[str]:
    seen = calls.notifications(subject.owner, lead_type=subject.lead_type)
    ours = [one for one in seen if _is_ours(one, url=url)]
    good = [one for one in ours if one.webhook == url and not one.is_narrowed]
    keep = good[:1] if wanted else []
    notes = []
    if wanted and not keep:
        made = calls.create_notification(subject.owner, lead_type=subject.lead_type, webhook=url)
        notes.append(f"subscription {made} to {subject} was created")
    for one in ours:
        if one not in keep:
            calls.delete_notification(one.id)
            notes.append(f"subscription {one.id} to {subject} was deleted: {_why(one, good)}")
    return notes


def _why(one: Notification, good: Sequence[Notification]) -> str:
    if one not in good:
        return (
            "its webhook is not the present one" if not one.is_narrowed else "it tells too little"
        )
    return "it was there twice" if len(good) > 1 else "it is not wanted any more"


def _is_ours(one: Notification, *, url: str) -> bool:
    """By its path, whatever its host, or by the address an earlier secret gave it."""
    without_token = url.rpartition("/")[0] + "/"
    return urlsplit(one.webhook).path.endswith(urlsplit(url).path) or one.webhook.startswith(
        without_token
    )
