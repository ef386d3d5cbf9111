"""The workflow at the provider that an imported lead starts: a step of a journey, or an event.

Belongs here: planning entries, and carrying them out once the person is subscribed. Must not be
here: which imports restart a workflow (``domain.leads``).

A workflow sends mail. So nobody enters who is not subscribed: the entry waits for it, and right
before it is sent the last word of the person is asked for once more.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from nl_pipeline.clients.brevo import BrevoClient
from nl_pipeline.clients.errors import (
    ApiError,
    OperatorNeeded,
    OutcomeUnknown,
    Retryable,
    Withheld,
)
from nl_pipeline.clients.mailchimp import MailchimpClient
from nl_pipeline.domain.leads import Verdict
from nl_pipeline.settings.leads import LeadWorkflow
from nl_pipeline.sync.fence import Fence
from nl_pipeline.sync.leads.judging import Judged
from nl_pipeline.sync.leads.wanted import linkedin_of
from nl_pipeline.sync.link import Link
from nl_pipeline.sync.turns import turn
from nl_pipeline.warehouse import lead_workflows
from nl_pipeline.warehouse.lead_workflows import WaitingEntry, WantedEntry

_WAIT_SECONDS = 60.0


@dataclass(frozen=True)
class Entries:
    """What became of waiting entries; who is not subscribed goes on waiting and is in none of
    these. ``stopped_by``: what the provider did not do."""

    entered: int = 0
    limited: int = 0
    refused: int = 0
    stopped_by: ApiError | None = None


def workflow_of(link: Link, *, form_id: int) -> LeadWorkflow | None:
    """The workflow of a form, None for none, or one that the provider does not have."""
    linkedin = linkedin_of(link.settings)
    chosen = None if linkedin is None else linkedin.form(form_id).workflow
    return chosen if chosen is not None and _name(link, chosen=chosen) else None


def plan_entries(link: Link, *, imported: Sequence[Judged], restarts: bool) -> None:
    """Let the contacts of these submissions enter the workflows of their forms. A submission that
    was imported before enters again only if workflows are restarted."""
    wanted = []
    for judged in imported:
        chosen = workflow_of(link, form_id=judged.lead.form_id)
        if chosen is None or not judged.address:
            continue
        again = judged.verdict is Verdict.TAKEN_AGAIN
        if not again or restarts:
            wanted.append(
                WantedEntry(
                    judged.lead.response_id,
                    judged.lead.form_id,
                    judged.address,
                    _name(link, chosen=chosen),
                    again=again,
                )
            )
    if wanted:
        lead_workflows.plan(link.warehouse, wanted=wanted, now=link.now())


def carry_out(link: Link) -> Entries:
    """Let everybody enter who waits and is subscribed, within the entry limits.

    Raises nothing for what the provider answers.
    """
    with turn(link.warehouse, name="workflows", wait_seconds=_WAIT_SECONDS) as ours:
        return _carry_out(link) if ours else Entries()


def _carry_out(link: Link) -> Entries:
    waiting = lead_workflows.waiting(link.warehouse)
    if not waiting:
        return Entries()
    fence = Fence(link)
    entered = limited = refused = 0
    done: set[tuple[str, str]] = set()
    for entry in waiting:
        chosen = workflow_of(link, form_id=entry.form_id)
        if chosen is None or _name(link, chosen=chosen) != entry.workflow:
            _note(link, entry, state="refused", cause="not_wanted_any_more")
            refused += 1
            continue
        place = (entry.key, entry.workflow)
        if place in done:
            # Counted anew by the next run, against the entry that was just made.
            continue
        limit = chosen.entry_limit
        if entry.is_limited(count=limit.count, days=limit.days, now=link.now()):
            _note(link, entry, state="limited")
            limited += 1
            continue
        done.add(place)
        _note(link, entry, state="entering")
        try:
            _enter(link, entry, chosen=chosen, before=_asking(fence, key=entry.key))
        except OutcomeUnknown:
            _note(link, entry, state="entered", cause="outcome_unknown")
            entered += 1
        except (OperatorNeeded, Retryable) as error:
            _note(link, entry, state="waiting", cause=error.code)
            return Entries(entered, limited, refused, error)
        except ApiError as error:
            _note(link, entry, state="refused", cause=error.code)
            refused += 1
        else:
            _note(link, entry, state="entered")
            entered += 1
    return Entries(entered, limited, refused)


def _asking(fence: Fence, *, key: str) -> Callable[[], None]:
    def ask() -> None:
        if fence.withdrawn({key}):
            raise Withheld(
                "not sent: the person has opted out",
                system="leads",
                code="opted_out",
                what_next="nothing",
            )

    return ask


def _enter(
    link: Link, entry: WaitingEntry, *, chosen: LeadWorkflow, before: Callable[[], None]
) -> None:
    client = getattr(link.audience, "client", None)
    with link.counting("write"):
        if isinstance(client, MailchimpClient) and chosen.journey and chosen.step:
            client.journeys.enter(
                entry.email, journey=chosen.journey, step=chosen.step, before=before
            )
        elif isinstance(client, BrevoClient) and chosen.event:
            client.custom_events.tell(
                entry.email,
                event=chosen.event,
                properties={"form_id": str(entry.form_id)},
                before=before,
            )


def _name(link: Link, *, chosen: LeadWorkflow) -> str:
    """What is told to the provider, "" where it has nothing of the kind."""
    if link.settings.provider.kind == "brevo":
        return f"event {chosen.event}" if chosen.event else ""
    return f"journey {chosen.journey}/{chosen.step}" if chosen.journey and chosen.step else ""


def _note(link: Link, entry: WaitingEntry, *, state: lead_workflows.State, cause: str = "") -> None:
    lead_workflows.note(link.warehouse, entry=entry, state=state, now=link.now(), cause=cause)
