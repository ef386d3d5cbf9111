"""What an accepted consent does to the newsletter field of one contact.

Belongs here: the decision, and who is known to have left. Must not be here: when a lead is a
consent (``domain.leads``), writing.

Nothing here lifts a No or a Cancellation, of whomever, wherever it is known from: at most "not
specified" becomes "double opt-in pending" or Yes.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from nl_pipeline.clients.onoffice import AddressRecord
from nl_pipeline.domain.address import address_key
from nl_pipeline.domain.leads import ConsentReason, NewsletterAs, consent_of
from nl_pipeline.domain.states import Newsletter
from nl_pipeline.sync.crm import newsletter_of
from nl_pipeline.sync.fence import Fence
from nl_pipeline.sync.leads.crm_fields import STATUS
from nl_pipeline.sync.leads.judging import Judged
from nl_pipeline.sync.link import Link
from nl_pipeline.warehouse import leads
from nl_pipeline.warehouse.lead_runs import LeadError
from nl_pipeline.warehouse.leads import Granted

_WANTED = {NewsletterAs.DOI: Newsletter.DOI, NewsletterAs.YES: Newsletter.YES}
_TOLD = {
    ConsentReason.TEXT_CHANGED: (
        "the newsletter box of this form version asks for something else than the one that was"
        " mapped, so it is no consent",
        "map the box of this version, if it is the newsletter's; whoever ticked it can be asked",
    ),
    ConsentReason.TEXT_UNKNOWN: (
        "the text of the newsletter box is not known, so that nothing would prove the consent",
        "import the form by hand with `existing` once LinkedIn gives the version",
    ),
}


@dataclass(frozen=True)
class NewsletterMove:
    """What becomes of the newsletter field: `to` None leaves it."""

    to: Newsletter | None = None
    granted: Granted | None = None
    errors: tuple[LeadError, ...] = ()


class Departed:
    """Who has left, asked anew right before each portion that is written."""

    def __init__(self, link: Link) -> None:
        self._link = link
        self._fence = Fence(link)

    def of(self, judged: Sequence[Judged]) -> set[str]:
        """Of the addresses of these, those whose last word was no."""
        keys = {one.address for one in judged if one.address}
        if not keys:
            return set()
        out = self._fence.withdrawn(keys) | leads.opted_out(self._link.warehouse, keys=keys)
        # Whoever is found by another field may share the address with somebody who said no.
        elsewhere = sorted({one.address for one in judged if one.contact != one.address} - {""})
        for holder in self._link.crm.opt_outs.find(elsewhere) if elsewhere else ():
            if holder.is_out:
                out |= holder.keys & keys
        return out


def newsletter_move(
    judged: Judged,
    *,
    record: AddressRecord | None,
    departed: Collection[str],
    consented: Collection[str],
) -> NewsletterMove:
    """Decide for the contact `record`, None for one that is created. `consented`: submissions
    whose consent was dealt with; each counts once, whatever happened since."""
    lead = judged.lead
    if lead.response_id in consented:
        return NewsletterMove()
    finding = consent_of(lead, form=judged.form, mapping=judged.wish.consent)
    if finding.evidence is None:
        if finding.reason in _TOLD:
            return _refused(judged, f"consent_{finding.reason}", *_TOLD[finding.reason])
        return NewsletterMove()
    key = judged.address
    if not key:
        return _refused(
            judged,
            "consent_without_address",
            "the consent was given without an e-mail address, so it is for none",
            "map the question for the e-mail address",
        )
    now = Newsletter.NONE if record is None else newsletter_of(record.elements.get(STATUS))
    if key in departed or now in (Newsletter.NO, Newsletter.CANCEL):
        move = _refused(
            judged,
            "consent_after_opt_out",
            "the newsletter box was ticked, but this address has opted out; it stays so",
            "ask the person, and set the newsletter field in the CRM if they want it again",
        )
        return NewsletterMove(None, Granted(key, finding.evidence, counts=False), move.errors)
    if record is not None and address_key(str(record.elements.get("Email") or "")) != key:
        return _refused(
            judged,
            "consent_for_another_address",
            "the newsletter would go to the contact's main address, the consent is for another one",
            "make it the main address in the CRM, if the person wants it, and import again",
        )
    if now in (Newsletter.UNKNOWN, Newsletter.UNDELIVERABLE):
        return _refused(
            judged,
            "newsletter_state_kept",
            f"the newsletter field says {now.value.lower()}, which a lead does not change",
            "check the address and the field in the CRM",
        )
    wanted = _WANTED[finding.evidence.newsletter]
    moves = now is Newsletter.NONE or (now is Newsletter.DOI and wanted is Newsletter.YES)
    return NewsletterMove(
        wanted if moves else None, Granted(key, finding.evidence, counts=True), ()
    )


def _refused(judged: Judged, reason: str, text: str, what_next: str) -> NewsletterMove:
    lead = judged.lead
    error = LeadError(
        lead.response_id, lead.form_id, reason, text, what_next, field=STATUS, stops=False
    )
    return NewsletterMove(errors=(error,))
