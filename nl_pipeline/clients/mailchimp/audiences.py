"""Audiences, merge fields and tags: what is looked up or set up once.

Belongs here: the small account-level calls. Does not belong here: members and their writes.
Creates are never repeated blindly: after a lost answer the object is looked up by its name.
"""

from __future__ import annotations

from typing import Any

import msgspec

from nl_pipeline.clients.errors import OperatorNeeded, OutcomeUnknown, Permanent
from nl_pipeline.clients.mailchimp.models import (
    Audience,
    AudienceDetails,
    AudienceList,
    MergeField,
    Tag,
)
from nl_pipeline.clients.mailchimp.paging import collect
from nl_pipeline.clients.mailchimp.problems import SYSTEM
from nl_pipeline.clients.mailchimp.session import Path, Session


class _Stats(msgspec.Struct, frozen=True):
    member_count: int = 0
    unsubscribe_count: int = 0
    cleaned_count: int = 0
    merge_field_count: int = 0


class _List(msgspec.Struct, frozen=True):
    id: str
    name: str
    stats: _Stats = _Stats()
    double_optin: bool = False

    def audience(self) -> Audience:
        return Audience(
            id=self.id,
            name=self.name,
            member_count=self.stats.member_count,
            unsubscribe_count=self.stats.unsubscribe_count,
            cleaned_count=self.stats.cleaned_count,
            merge_field_count=self.stats.merge_field_count,
            double_optin=self.double_optin,
        )


class _Constraints(msgspec.Struct, frozen=True):
    may_create: bool = False
    max_instances: int = -1


class _Lists(msgspec.Struct, frozen=True):
    lists: list[_List]
    total_items: int
    constraints: _Constraints = _Constraints()


class _MergeFields(msgspec.Struct, frozen=True):
    merge_fields: list[MergeField]
    total_items: int


class _Tags(msgspec.Struct, frozen=True):
    tags: list[Tag]
    total_items: int


class _Segment(msgspec.Struct, frozen=True):
    id: int


def all_audiences(session: Session) -> AudienceList:
    """Return all audiences of the account and whether the plan allows another."""
    fields = (
        "lists.id,lists.name,lists.stats,lists.double_optin,total_items,"
        "constraints.may_create,constraints.max_instances"
    )
    pages = collect(
        session,
        Path("/lists"),
        answer=_Lists,
        rows_of=lambda page: page.lists,
        total_of=lambda page: page.total_items,
        params={"fields": fields},
    )
    return AudienceList(
        audiences=tuple(listed.audience() for page in pages for listed in page.lists),
        may_create=pages[0].constraints.may_create,
        max_instances=pages[0].constraints.max_instances,
    )


def create_audience(session: Session, *, name: str, details: AudienceDetails) -> Audience:
    """Create an audience. Raises `OperatorNeeded` when the plan allows no further one."""
    try:
        created = session.send(
            "POST", Path("/lists"), answer=_List, body=_new_list(name, details), repeatable=False
        )
    except OutcomeUnknown:
        found = [a for a in all_audiences(session).audiences if a.name == name]
        if len(found) != 1:
            raise
        return found[0]
    except OperatorNeeded as error:
        if error.status != 403:
            raise
        refused = OperatorNeeded(
            f"the audience {name!r} could not be created, probably the plan allows no further one",
            system=SYSTEM,
            code="audience-limit",
            status=403,
            what_next=f"rename an existing audience to {name!r} in Mailchimp, or change the plan",
        )
    else:
        return created.audience()
    raise refused


def merge_fields(session: Session, *, audience_id: str) -> list[MergeField]:
    """Return all merge fields; `EMAIL` is none of them."""
    pages = collect(
        session,
        Path("/lists/{list_id}/merge-fields", [audience_id]),
        answer=_MergeFields,
        rows_of=lambda page: page.merge_fields,
        total_of=lambda page: page.total_items,
    )
    return [merge_field for page in pages for merge_field in page.merge_fields]


def create_merge_field(
    session: Session, *, audience_id: str, tag: str, name: str, type_: str
) -> MergeField:
    """Create a merge field that is not required, so that it never keeps a member out."""
    try:
        return session.send(
            "POST",
            Path("/lists/{list_id}/merge-fields", [audience_id]),
            answer=MergeField,
            body={"tag": tag, "name": name, "type": type_, "required": False, "public": False},
            repeatable=False,
        )
    except OutcomeUnknown:
        for found in merge_fields(session, audience_id=audience_id):
            if found.tag == tag:
                return found
        raise


def static_segment(session: Session, *, audience_id: str, name: str, create: bool) -> int | None:
    """Return the id of a tag by its name (case-folded), creating it if asked; None if absent."""
    found = _tag_id(session, audience_id=audience_id, name=name)
    if found is not None or not create:
        return found
    try:
        return session.send(
            "POST",
            Path("/lists/{list_id}/segments", [audience_id]),
            answer=_Segment,
            body={"name": name, "static_segment": []},
            repeatable=False,
        ).id
    except OutcomeUnknown:
        found = _tag_id(session, audience_id=audience_id, name=name)
        if found is None:
            raise
        return found


def _tag_id(session: Session, *, audience_id: str, name: str) -> int | None:
    path = Path("/lists/{list_id}/tag-search", [audience_id])
    answer = session.get(path, answer=_Tags, params={"name": name})
    for tag in answer.tags:
        if tag.name.casefold() == name.casefold():
            return tag.id
    if answer.total_items > len(answer.tags):
        raise Permanent(
            f"GET {path.template}: only {len(answer.tags)} of {answer.total_items} tags came",
            system=SYSTEM,
            code="incomplete",
            what_next="remove or rename tags that begin with the name of this connection's tag",
        )
    return None


def _new_list(name: str, details: AudienceDetails) -> dict[str, Any]:
    return {
        "name": name,
        "permission_reminder": details.permission_reminder,
        "email_type_option": False,
        "double_optin": details.double_optin,
        "contact": {
            "company": details.company,
            "address1": details.address1,
            "city": details.city,
            "zip": details.zip,
            "state": details.state,
            "country": details.country.upper(),
        },
        "campaign_defaults": {
            "from_name": details.from_name,
            "from_email": details.from_email,
            "subject": details.subject,
            "language": details.language,
        },
    }
