"""Which members a collection call means: filters, order, and a cache of the result.

Belongs here: the parameters of ``GET /lists/{list_id}/members`` that choose and order. Does not
belong here: paging and rendering. A full read asks for the same result page by page, so results
are kept until a member changes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

from nl_pipeline.sandbox.mailchimp import errors, times
from nl_pipeline.sandbox.mailchimp.state import STATUSES, Audience, Member
from nl_pipeline.sandbox.mailchimp.switches import Switches

_KEPT_VIEWS = 8

_TIME_FILTERS: dict[str, tuple[str, int]] = {
    "since_last_changed": ("last_changed", 1),
    "before_last_changed": ("last_changed", -1),
    "since_timestamp_opt": ("timestamp_opt", 1),
    "before_timestamp_opt": ("timestamp_opt", -1),
    "unsubscribed_since": ("unsubscribed_at", 1),
}
_SORT_FIELDS = ("timestamp_opt", "timestamp_signup", "last_changed")
_PARAMETERS = (
    "status",
    "email_type",
    "unique_email_id",
    "vip_only",
    "sort_field",
    "sort_dir",
    *_TIME_FILTERS,
)


def found(audience: Audience, *, query: Mapping[str, str], switches: Switches) -> list[Member]:
    """The members a query means, in its order; without one, in the order they were added.

    Time bounds are exclusive with one-second granularity (as clients found); a bound that cannot
    be read is ignored, which returns everything (MailChimp.Net issue 525).
    """
    key = (
        *(query.get(name, "") for name in _PARAMETERS),
        switches.unfiltered_includes_archived,
    )
    kept = audience.views.get(key)
    if kept is not None and kept[0] == audience.revision:
        return kept[1]
    members = _chosen(audience, query=query, switches=switches)
    sort_field = query.get("sort_field", "")
    if sort_field:
        if sort_field not in _SORT_FIELDS:
            raise errors.invalid_body(
                errors.FieldError("sort_field", "This value is not a valid choice.")
            )
        # A stable sort: members of one second stay in the order they were added.
        members.sort(
            key=lambda member: int(getattr(member, sort_field)),
            reverse=query.get("sort_dir", "").upper() == "DESC",
        )
    audience.views[key] = (audience.revision, members)
    while len(audience.views) > _KEPT_VIEWS:
        audience.views.popitem(last=False)
    return members


def _chosen(audience: Audience, *, query: Mapping[str, str], switches: Switches) -> list[Member]:
    conditions = list(_conditions(query, switches=switches))
    if len(conditions) == 1:
        return [member for member in audience.members if conditions[0](member)]
    return [member for member in audience.members if all(fits(member) for fits in conditions)]


def _conditions(
    query: Mapping[str, str], *, switches: Switches
) -> Iterator[Callable[[Member], bool]]:
    yield _status(query, switches=switches)
    for name, (attribute, direction) in _TIME_FILTERS.items():
        bound = times.parse(query.get(name, ""))
        if bound is not None:
            yield _beyond(attribute, bound=bound, direction=direction)
    for name in ("email_type", "unique_email_id"):
        if query.get(name):
            yield _equal(name, value=query[name])
    if query.get("vip_only", "").lower() == "true":
        yield lambda member: member.vip


def _status(query: Mapping[str, str], *, switches: Switches) -> Callable[[Member], bool]:
    status = query.get("status", "")
    if status and status not in STATUSES:
        raise errors.invalid_body(errors.FieldError("status", "This value is not a valid choice."))
    if query.get("unsubscribed_since") and status not in ("", "unsubscribed"):
        raise errors.bad_request("unsubscribed_since can only be used with status unsubscribed.")
    if query.get("unsubscribed_since"):
        status = "unsubscribed"
    if status:
        return lambda member: member.status == status
    if switches.unfiltered_includes_archived:
        return lambda _: True
    return lambda member: member.status != "archived"


def _beyond(attribute: str, *, bound: float, direction: int) -> Callable[[Member], bool]:
    if direction > 0:
        return lambda member: bool(getattr(member, attribute) > bound)
    return lambda member: bool(0 < getattr(member, attribute) < bound)


def _equal(attribute: str, *, value: str) -> Callable[[Member], bool]:
    return lambda member: bool(getattr(member, attribute) == value)
