"""Leads of LinkedIn in the demo: told, lost and pulled, and one that is only a test.

Belongs here: what happens to the lead forms after the day, and its lines of the proof. Must not be
here: how leads are imported (``sync.leads``).
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

import typer

from nl_pipeline.cli.demo.control import Sandbox
from nl_pipeline.cli.demo.proof import Comparison
from nl_pipeline.cli.demo.receiver import Receiver
from nl_pipeline.cli.lead_view import show_lead_set_up, show_result, show_statuses
from nl_pipeline.sync.leads.importing import ImportResult
from nl_pipeline.sync.leads.pull import pull
from nl_pipeline.sync.leads.push import ingest_leads
from nl_pipeline.sync.leads.set_up import set_up_leads
from nl_pipeline.sync.leads.status import status
from nl_pipeline.sync.link import Link
from nl_pipeline.sync.webhook_watch import HookPlace

_TOLD = {"email": "lea.told@lead.example", "first_name": "Lea", "last_name": "Told"}
_LOST = {"email": "leo.lost@lead.example", "first_name": "Leo", "last_name": "Lost"}
_TEST = {"email": "test.only@lead.example"}
_DOUBLE_OPT_IN = "3"
"""Key of `newsletter_aktiv`: a mail with a link has to be confirmed."""
#: A form is pulled once a day.
_A_DAY_LATER = timedelta(hours=25)


@dataclass(frozen=True)
class LeadForms:
    """The lead forms of one connection; `opened` opens it."""

    sandbox: Sandbox
    receiver: Receiver
    opened: Callable[[], AbstractContextManager[Link]]
    place: HookPlace | None
    tell: Callable[[str], None]

    def play(self) -> list[Comparison]:
        """Let it all happen; returns the proof."""
        with self.opened() as link:
            self.tell("LinkedIn: forms, subscriptions, and the leads it still keeps")
            made = set_up_leads(link, place=self.place)
            if made is None:
                return []
            show_lead_set_up(made)
            self._show(pull(link).imported, link=link)
            self._told(link)
            found = self._lost(link)
            show_statuses(status(link), connection=link.name)
        return self._proof(found)

    def _told(self, link: Link) -> None:
        self.tell("Somebody fills in a lead form, and staff send a test lead; LinkedIn tells both")
        self.receiver.hear(more=0)
        self._act("person", "submit", newsletter=True, **_TOLD)
        self._act("staff", "test_submit", **_TEST)
        self.receiver.hear(more=2)
        self._show(ingest_leads(link).imported, link=link)

    def _lost(self, link: Link) -> int:
        """How many contacts the pull creates."""
        self.tell("The receiver is down when the next one comes; a day later the form is pulled")
        self.receiver.stop()
        self._act("person", "submit", newsletter=False, **_LOST)
        self.receiver.start()
        found = pull(replace(link, now=lambda: link.now() + _A_DAY_LATER)).imported
        self._show(found, link=link)
        return 0 if found is None else found.created

    def _proof(self, found: int) -> list[Comparison]:
        contacts = self.sandbox.dump("onoffice")["addresses"]

        def newsletter_of(person: dict[str, Any]) -> list[str]:
            return [str(c["newsletter_aktiv"]) for c in contacts if c["Email"] == person["email"]]

        title = "Leads of LinkedIn"
        told, lost = newsletter_of(_TOLD), newsletter_of(_LOST)
        return [
            Comparison(title, "contact of the lead that was told", 1, len(told)),
            Comparison(title, "asked for a confirmation, as ticked", 1, told.count(_DOUBLE_OPT_IN)),
            Comparison(title, "contact of the lead that was lost", 1, len(lost)),
            Comparison(title, "contacts the pull created", 1, found),
            Comparison(title, "asked without a tick", 0, lost.count(_DOUBLE_OPT_IN)),
            Comparison(title, "contacts of test leads", 0, len(newsletter_of(_TEST))),
        ]

    def _act(self, actor: str, action: str, **details: Any) -> None:
        self.sandbox.act("linkedin", {"actor": actor, "action": action, **details})

    def _show(self, imported: ImportResult | None, *, link: Link) -> None:
        if imported is None:
            typer.echo("Nothing was imported.")
        else:
            show_result(imported, connection=link.name)
