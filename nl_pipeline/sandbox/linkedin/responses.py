"""Lead form responses: the finder, single, several at once.

Belongs here: which leads a call gets and on which page. Does not belong here: how one looks
(``response_view``).
"""

from __future__ import annotations

import hashlib
from dataclasses import replace

from nl_pipeline.sandbox.linkedin import errors
from nl_pipeline.sandbox.linkedin.access import fits, may_read_leads
from nl_pipeline.sandbox.linkedin.account import DAY, Account
from nl_pipeline.sandbox.linkedin.calls import Answer, ApiCall, batch, page
from nl_pipeline.sandbox.linkedin.response_view import ON_DEMAND, record
from nl_pipeline.sandbox.linkedin.state import Lead
from nl_pipeline.sandbox.linkedin.urns import versioned_form_in

_Range = tuple[int | None, int | None]


def find_by_owner(account: Account, call: ApiCall) -> Answer:
    """``q=owner``: the leads of one owner and one type."""
    owner, lead_type = call.owner(), call.lead_type()
    if not fits(account, owner, lead_type=lead_type):
        raise errors.bad_parameter("leadType", why=f"{lead_type} does not go with this owner")
    if not may_read_leads(account, owner, lead_type=lead_type):
        raise call.denied()
    submitted, tests_only = _range(account, call), call.truth("limitedToTestLeads")
    wanted_form = _versioned_form(call)
    entity = _associated_entity(call)
    _drift(account, call, before=submitted[1])
    leads = [
        lead
        for lead in account.readable_leads(owner)
        if lead.lead_type == lead_type
        and (wanted_form is None or (lead.form_id, lead.version_id) == wanted_form)
        and (entity is None or entity in _entities(lead))
        and _is_within(account, lead.submitted_at, submitted)
        and not (tests_only is True and not lead.test)
        and not (tests_only is False and lead.test and account.switches.limited_false_hides_tests)
    ]
    found, paging = page(
        call,
        _ordered(account, leads),
        shows_total=account.switches.shows_total,
        largest=account.switches.largest_count,
        cut_to_largest=account.switches.count_above_largest == "cut",
    )
    elements = [call.shown(record(account, lead), on_demand=ON_DEMAND) for lead in found]
    return Answer({"elements": elements, "paging": paging})


def read(account: Account, call: ApiCall) -> Answer:
    """One lead; 404 after its deletion and after the retention."""
    lead = _readable(account, call, lead_id=call.key)
    return Answer(call.shown(record(account, lead), on_demand=ON_DEMAND))


def read_several(account: Account, call: ApiCall) -> Answer:
    """``ids=List(…)``."""
    found, problems = {}, {}
    for key in call.ids():
        try:
            lead = _readable(account, call, lead_id=key)
            found[key] = call.shown(record(account, lead), on_demand=ON_DEMAND)
        except errors.ApiProblem as problem:
            problems[key] = problem
    return batch(found, problems=problems)


def _readable(account: Account, call: ApiCall, *, lead_id: str) -> Lead:
    lead = account.leads.get(lead_id)
    if lead is None or not account.is_readable(lead):
        raise errors.not_found(f"leadFormResponse {lead_id} does not exist")
    if not may_read_leads(account, lead.owner, lead_type=lead.lead_type):
        raise call.denied()
    return lead


def _range(account: Account, call: ApiCall) -> _Range:
    members = call.members("submittedAtTimeRange")
    if members is None:
        return None, None
    if not members or set(members) - {"start", "end"}:
        raise errors.bad_parameter("submittedAtTimeRange", why="(start:ms,end:ms) is expected")
    ends = [_milliseconds(members.get(name)) for name in ("start", "end")]
    start, end = ends
    if account.switches.open_range == "refused" and None in ends:
        raise errors.bad_parameter("submittedAtTimeRange", why="start and end are required")
    if start is not None and end is not None and start >= end:
        raise errors.bad_parameter("submittedAtTimeRange", why="start must be before end")
    oldest = account.now() - account.switches.retention_days * DAY
    if account.switches.range_beyond_retention == "refused" and (start or 0) < oldest:
        raise errors.bad_parameter(
            "submittedAtTimeRange",
            why=f"start must be within the last {account.switches.retention_days} days",
        )
    return start, end


def _milliseconds(text: object) -> int | None:
    if text is None:
        return None
    if not isinstance(text, str) or not (text.isascii() and text.isdecimal()):
        raise errors.bad_parameter("submittedAtTimeRange", why="milliseconds are expected")
    return int(text)


def _is_within(account: Account, at: int, submitted: _Range) -> bool:
    start, end = submitted
    after_start = start is None or at > start
    before_end = end is None or at < end
    if at == start:
        after_start = account.switches.range_start == "inclusive"
    if at == end:
        before_end = account.switches.range_end == "inclusive"
    return after_start and before_end


def _versioned_form(call: ApiCall) -> tuple[int, int] | None:
    text = call.text("versionedLeadGenFormUrn")
    if not text:
        return None
    found = versioned_form_in(text)
    if found is None:
        raise errors.bad_parameter(
            "versionedLeadGenFormUrn", why="a URN with form and version is expected"
        )
    return found


def _associated_entity(call: ApiCall) -> str | None:
    """``(associatedCreative:URN)`` or ``(event:URN)``; the syntax is [inferred]."""
    members = call.members("associatedEntity")
    if members is None:
        return None
    if len(members) != 1 or not isinstance(next(iter(members.values())), str):
        raise errors.bad_parameter("associatedEntity", why="one creative or event is expected")
    return str(next(iter(members.values())))


def _entities(lead: Lead) -> set[str]:
    return {
        f"urn:li:{kind}:{number}"
        for kind, number in (("sponsoredCreative", lead.creative_id), ("event", lead.event_id))
        if number is not None
    }


def _ordered(account: Account, leads: list[Lead]) -> list[Lead]:
    if account.switches.order == "none":
        return sorted(leads, key=lambda lead: hashlib.sha256(lead.id.encode()).digest())
    newest_first = account.switches.order == "newest_first"
    return sorted(leads, key=lambda lead: (lead.submitted_at, lead.id), reverse=newest_first)


def _drift(account: Account, call: ApiCall, *, before: int | None) -> None:
    """A lead that arrives before this page is cut, or with ``vanish`` one that goes.

    The new one repeats the newest lead of the owner by somebody else. Its time lies within the
    call's range, because LinkedIn shows a lead some time after its submission.
    """
    if call.fault is None or call.fault["kind"] != "page_drift":
        return
    leads = sorted(account.readable_leads(call.owner()), key=lambda lead: lead.submitted_at)
    if not leads:
        return
    if call.fault.get("vanish"):
        leads[-1].deleted_at = account.now()
        account.tell(leads[-1], "DELETED")
        return
    at = account.now() if before is None else min(account.now(), before - 1)
    late = replace(
        leads[-1],
        id=f"{account.uuid()}-6",
        submitter=f"urn:li:person:{account.letters(10)}",
        submitted_at=at,
        consents=dict(leads[-1].consents),
    )
    account.leads[late.id] = late
    account.tell(late, "CREATED")
