"""Opt-outs at once: from the events into the CRM, on a path of their own (P11).

Belongs here: finding everybody who has the address, cancelling, reading back. Must not be here: the
ledger entry (it is made when the event is stored), anything a plan, brake, verdict or field mapping
has a say in.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime

import idna

from nl_pipeline.clients.errors import ApiError, OperatorNeeded, Permanent, SkipRecord
from nl_pipeline.sync.crm_opt_outs import AddressHolder
from nl_pipeline.sync.link import Link
from nl_pipeline.warehouse import opt_outs
from nl_pipeline.warehouse.opt_outs import ReachedOptOut, WaitingOptOut

#: Opt-outs that are dealt with and noted together.
_PORTION = 500


@dataclass
class OptOutsApplied:
    """What became of the opt-outs that were waiting.

    ``applied``: every contact with the address says so, or nobody has it; ``pending``: tried again
    by the next ingest. ``contacts_cancelled``: fields that were written. ``delays``: for each that
    was written, seconds from its receipt and from its happening.
    """

    applied: int = 0
    pending: int = 0
    contacts_cancelled: int = 0
    delays: list[tuple[float, float]] = field(default_factory=list)
    stopped_by: ApiError | None = None


def apply(link: Link) -> OptOutsApplied:
    """Cancel every contact with an address that has opted out, and plan the activities.

    One contact's refusal stops no other. What the whole service refuses is handed back in
    ``stopped_by``, with everything else noted; the next call goes on.
    """
    told = OptOutsApplied()
    people = opt_outs.waiting(link.warehouse, now=link.now())
    for start in range(0, len(people), _PORTION):
        portion = people[start : start + _PORTION]
        try:
            if told.stopped_by is None:
                _apply(link, people=portion, told=told)
            else:
                told.pending += len(portion)
        except ApiError as error:
            told.stopped_by = error
            told.pending += len(portion)
        link.progress("opt-outs", min(start + _PORTION, len(people)), len(people))
    return told


def _apply(link: Link, *, people: Sequence[WaitingOptOut], told: OptOutsApplied) -> None:
    try:
        holders = _holders(link, people=people)
    except (Permanent, SkipRecord):
        # About one of them, an address that hundreds of contacts share for example.
        if len(people) == 1:
            told.pending += 1
            return
        for half in (people[: len(people) // 2], people[len(people) // 2 :]):
            _apply(link, people=half, told=told)
        return
    theirs = {one.key: [h for h in holders.values() if _has(h, one=one)] for one in people}
    wanted = {
        holder.crm_id
        for one in people
        if not one.is_settled
        for holder in theirs[one.key]
        if not holder.is_out
    }
    out = {holder.crm_id for holder in holders.values() if holder.is_out}
    written_at, refused = _cancel(link, ids=sorted(wanted), told=told)
    if wanted:
        with link.counting("read_back"):
            seen = link.crm.opt_outs.read(sorted(wanted))
        cancelled = {holder.crm_id for holder in seen if holder.is_out}
        # Whoever was removed meanwhile has nothing left to be cancelled.
        gone = wanted - {holder.crm_id for holder in seen}
        told.contacts_cancelled += len(cancelled)
        out |= cancelled
    else:
        gone = set()
    reached = [_reached(one, holders=theirs[one.key], out=out, gone=gone) for one in people]
    opt_outs.note_reached(link.warehouse, reached=reached, written_at=written_at, now=link.now())
    for one in reached:
        told.applied += one.is_done
        told.pending += not one.is_done
        if one.is_done and not wanted.isdisjoint(one.contacts):
            told.delays.append(
                (
                    (written_at - one.waiting.received_at).total_seconds(),
                    (written_at - one.waiting.happened_at).total_seconds(),
                )
            )
    told.stopped_by = told.stopped_by or refused


def _holders(link: Link, *, people: Sequence[WaitingOptOut]) -> dict[int, AddressHolder]:
    """Everybody who has one of the addresses now, and whoever had it when the CRM was read last."""
    spellings = {text for one in people for text in (*one.spellings, *_spelled(one.keys))}
    with link.counting("look_up"):
        found = {h.crm_id: h for h in link.crm.opt_outs.find(sorted(spellings))}
        known = {crm_id for one in people for crm_id in one.contacts} - found.keys()
        found |= {h.crm_id: h for h in link.crm.opt_outs.read(sorted(known))}
    return found


def _spelled(keys: frozenset[str]) -> list[str]:
    """How addresses may stand in the CRM: as keys, and with their domain in its own letters."""
    spelled = []
    for key in keys:
        spelled.append(key)
        local, _, domain = key.partition("@")
        if "xn--" in domain:
            try:
                spelled.append(f"{local}@{idna.decode(domain)}")
            except idna.IDNAError:
                continue
    return spelled


def _has(holder: AddressHolder, *, one: WaitingOptOut) -> bool:
    """Whether an opt-out is this contact's too: it has the address, or had it as its main one and
    took the opt-out along."""
    return not holder.keys.isdisjoint(one.keys) or holder.crm_id in one.main


def _cancel(
    link: Link, *, ids: Sequence[int], told: OptOutsApplied
) -> tuple[datetime, OperatorNeeded | None]:
    """Cancel these contacts; when that was done, and what stopped the service from working."""
    if not ids:
        return link.now(), None
    with link.counting("write"):
        outcomes = link.crm.opt_outs.cancel(ids)
    stop = next((o.error for o in outcomes if isinstance(o.error, OperatorNeeded)), None)
    return link.now(), stop


def _reached(
    one: WaitingOptOut, *, holders: Sequence[AddressHolder], out: set[int], gone: set[int]
) -> ReachedOptOut:
    there = {holder.crm_id for holder in holders} - gone
    contacts = there if one.is_settled else there & out
    return ReachedOptOut(one, frozenset(contacts), is_done=contacts == there)
