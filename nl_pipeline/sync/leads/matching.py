"""Which contacts of the CRM a submission is about.

Belongs here: the look-up by the key field. Must not be here: what follows from what is found.
"""

from __future__ import annotations

import contextlib
from collections.abc import Sequence

import idna

from nl_pipeline.clients.errors import Permanent, SkipRecord
from nl_pipeline.clients.onoffice import AddressRecord, Condition
from nl_pipeline.sync.leads.crm_fields import LeadFields, current, entries, has_entry, is_entry
from nl_pipeline.sync.leads.judging import Judged, contact_key
from nl_pipeline.sync.link import Link
from nl_pipeline.warehouse.lead_runs import LeadError

#: Look-ups that travel together.
_PORTION = 100


class Matches:
    """The contacts found for submissions, by key; `errors` where nobody could tell."""

    def __init__(self) -> None:
        self.found: dict[str, list[AddressRecord]] = {}
        self.errors: list[LeadError] = []


def match(
    link: Link, *, judged: Sequence[Judged], fields: LeadFields, names: Sequence[str]
) -> Matches:
    """Look each of these up. Several contacts may have a value; all of them are returned."""
    matches = Matches()
    by_address = [one for one in judged if _is_address(one, fields=fields)]
    with link.counting("look_up"):
        for start in range(0, len(by_address), _PORTION):
            _by_address(link, by_address[start : start + _PORTION], names=names, matches=matches)
        for one in judged:
            if not _is_address(one, fields=fields):
                _by_field(link, one, fields=fields, names=names, matches=matches)
    return matches


def _is_address(one: Judged, *, fields: LeadFields) -> bool:
    return fields.name(one.wish.key).casefold().startswith("email")


def _by_address(
    link: Link, judged: Sequence[Judged], *, names: Sequence[str], matches: Matches
) -> None:
    texts = {one.contact: _spelled(one) for one in judged}
    flat = [(contact, text) for contact, spelled in texts.items() for text in spelled]
    try:
        answers = link.crm.client.find_addresses_by_email([text for _, text in flat], fields=names)
    except (Permanent, SkipRecord) as error:
        # About one of them, an address that hundreds of contacts share for example.
        if len(judged) == 1:
            matches.errors.append(_unclear(judged[0], error=error))
            return
        for half in (judged[: len(judged) // 2], judged[len(judged) // 2 :]):
            _by_address(link, half, names=names, matches=matches)
        return
    for (contact, _), records in zip(flat, answers, strict=True):
        known = {record.id: record for record in matches.found.get(contact, [])}
        known |= {record.id: record for record in records}
        matches.found[contact] = sorted(known.values(), key=lambda record: record.id)


def _spelled(one: Judged) -> list[str]:
    """How the address may stand in the CRM: as it was answered, as a key, and with its domain in
    its own letters."""
    key = one.wish.key
    answered = next((t for n, t in one.values.items() if n.casefold() == key.casefold()), "")
    spelled = [answered, one.contact]
    local, _, domain = one.contact.partition("@")
    if "xn--" in domain:
        with contextlib.suppress(idna.IDNAError):
            spelled.append(f"{local}@{idna.decode(domain)}")
    return list(dict.fromkeys(text for text in spelled if text))


def _by_field(
    link: Link, one: Judged, *, fields: LeadFields, names: Sequence[str], matches: Matches
) -> None:
    key = fields.name(one.wish.key)
    value = one.values[key]
    asked = "phone" if key in ("phone_private", "phone_business", "mobile") else key
    try:
        pages = link.crm.client.read_addresses(
            fields=list(dict.fromkeys([*names, *([] if is_entry(key) else [key])])),
            conditions={asked: [Condition("=", value)]},
        )
        records = [record for page in pages for record in page.records]
    except (Permanent, SkipRecord) as error:
        matches.errors.append(_unclear(one, error=error))
        return
    matches.found[one.contact] = [
        record
        for record in records
        if (
            has_entry(record, parameter=key, value=value)
            if is_entry(key) and entries(record, key)
            else contact_key(key, current(record, key)) == one.contact
        )
    ]


def _unclear(one: Judged, *, error: Permanent | SkipRecord) -> LeadError:
    return LeadError(
        one.lead.response_id, one.lead.form_id, f"look_up_{error.code}", error.what, error.what_next
    )
