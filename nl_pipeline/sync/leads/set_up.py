"""Setting up the lead import of a connection: forms, subscriptions, and what the account lacks.

Belongs here: doing all of it, with what went wrong as text. Must not be here: importing. Trouble
with LinkedIn stops no set-up of a connection.
"""

from __future__ import annotations

from dataclasses import dataclass

from nl_pipeline.clients.errors import ApiError
from nl_pipeline.sync.leads import checking, forms, subscriptions
from nl_pipeline.sync.leads.checking import LeadCheck
from nl_pipeline.sync.leads.subscriptions import Subscribed
from nl_pipeline.sync.leads.tokens import token_warnings
from nl_pipeline.sync.leads.wanted import linkedin_of
from nl_pipeline.sync.link import Link
from nl_pipeline.sync.webhook_watch import HookPlace


@dataclass(frozen=True)
class LeadSetUp:
    """How many forms there are, what became of the subscriptions (None: LinkedIn can't reach us),
    what is to be created or corrected, and problems a person has to solve."""

    forms: int
    subscribed: Subscribed | None
    check: LeadCheck
    problems: tuple[str, ...]


def set_up_leads(link: Link, *, place: HookPlace | None) -> LeadSetUp | None:
    """Do it all, as far as it goes; None for a connection without leads."""
    if linkedin_of(link.settings) is None:
        return None
    found = forms.discover(link)
    problems = [str(error) for error in found.failed.values()]
    subscribed = None
    try:
        subscribed = subscriptions.keep_up(link, place=place)
    except ApiError as error:
        problems.append(str(error))
    if subscribed is not None:
        problems += subscribed.problems
    return LeadSetUp(
        forms=len(found.form_ids),
        subscribed=subscribed,
        check=checking.check(link),
        problems=(*dict.fromkeys(problems), *token_warnings(link)),
    )
