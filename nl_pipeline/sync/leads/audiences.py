"""Saved filters over submissions: whoever fits gets a newsletter tag, whoever no longer does loses
it.

Belongs here: bringing the tags at contacts in line with the filters. Must not be here: tags at the
provider: the tag is written in the CRM, and the next sync carries it by its plan.

Only a tag that we set is ever removed.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from nl_pipeline.clients.errors import OperatorNeeded
from nl_pipeline.clients.onoffice import AddressChange, CrmZone, multiselect_keys
from nl_pipeline.settings.leads import LeadAudience
from nl_pipeline.sync.leads.crm_fields import LeadFields
from nl_pipeline.sync.leads.wanted import owner_of
from nl_pipeline.sync.link import Link
from nl_pipeline.warehouse import lead_audiences
from nl_pipeline.warehouse.lead_audiences import LeadFilter

_PORTION = 200


@dataclass(frozen=True)
class AudienceResult:
    """What became of one filter: contacts that fit, that got the tag, that lost it, and that the
    CRM refused. ``missing_tag``: the account has no such tag, so nothing was done."""

    name: str
    fitting: int = 0
    joined: int = 0
    left: int = 0
    refused: int = 0
    missing_tag: str = ""


def apply(link: Link) -> list[AudienceResult]:
    """Bring every filter of the settings in line; a filter that was removed from them takes its
    tags with it. Raises OperatorNeeded after noting what was done."""
    tag_field = link.settings.tags.field
    chosen = link.settings.audiences
    before = lead_audiences.members(link.warehouse)
    if not chosen and not before:
        return []
    zone = CrmZone(link.settings.crm.time_zone)
    fields = LeadFields(link.crm.client.read_fields(), zone=zone)
    results = []
    kept: set[tuple[str, str]] = set()
    for audience in chosen:
        tag = fields.tag_key(audience.tag, tag_field=tag_field)
        if tag is None:
            results.append(AudienceResult(audience.name, missing_tag=audience.tag))
            continue
        kept.add((audience.name, tag))
        fitting = lead_audiences.fitting(link.warehouse, where=_filter(audience))
        ours = before.get((audience.name, tag), set())
        results.append(_bring(link, audience.name, tag=tag, fitting=fitting, ours=ours))
    for (name, tag), ours in before.items():
        if (name, tag) not in kept and not any(r.name == name and r.missing_tag for r in results):
            results.append(_bring(link, name, tag=tag, fitting=set(), ours=ours))
    return results


def _filter(audience: LeadAudience) -> LeadFilter:
    where = audience.where
    return LeadFilter(
        form_id=where.form,
        is_test=where.test,
        campaign_id=None if where.campaign is None else str(where.campaign),
        owner=None if where.owner is None else owner_of(where.owner),
    )


def _bring(
    link: Link, name: str, *, tag: str, fitting: Collection[int], ours: Collection[int]
) -> AudienceResult:
    joining, leaving = sorted(set(fitting) - set(ours)), sorted(set(ours) - set(fitting))
    joined, refused_in = _write(link, name, tag=tag, ids=joining, adds=True)
    left, refused_out = _write(link, name, tag=tag, ids=leaving, adds=False)
    return AudienceResult(name, len(fitting), joined, left, refused_in + refused_out)


def _write(link: Link, name: str, *, tag: str, ids: Sequence[int], adds: bool) -> tuple[int, int]:
    """Set or remove the tag at these contacts; how many were changed, and how many refused.

    Who has the tag by somebody else's hand is left alone: it is not ours to remove later.
    """
    tag_field = link.settings.tags.field
    done = refused = 0
    for start in range(0, len(ids), _PORTION):
        portion = ids[start : start + _PORTION]
        with link.counting("look_up"):
            records = link.crm.client.read_addresses_by_id(portion, fields=[tag_field])
        tags = {r.id: multiselect_keys(r.elements.get(tag_field)) for r in records}
        changing = [i for i in tags if (tag in tags[i]) is not adds]
        with link.counting("write"):
            outcomes = link.crm.client.modify_addresses(
                [
                    AddressChange(
                        i,
                        {tag_field: [*(k for k in tags[i] if k != tag), *([tag] if adds else [])]},
                    )
                    for i in changing
                ]
            )
        there = {i for i, outcome in zip(changing, outcomes, strict=True) if outcome.ok}
        # Whoever is gone, or has lost the tag by another hand, does not carry it any more.
        gone = set() if adds else set(portion) - set(changing)
        lead_audiences.note_members(
            link.warehouse,
            audience=name,
            tag=tag,
            joined=there if adds else (),
            left=() if adds else there | gone,
            now=link.now(),
        )
        done += len(there)
        refused += len(changing) - len(there)
        for outcome in outcomes:
            if isinstance(outcome.error, OperatorNeeded):
                raise outcome.error
    return done, refused
