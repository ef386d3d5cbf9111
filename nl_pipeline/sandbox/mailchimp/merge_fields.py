"""Endpoints of merge fields: ``/lists/{list_id}/merge-fields`` and the fields of a new audience.

Belongs here: definition and listing of merge fields. Does not belong here: members' values
(``merge_values``).
"""

from __future__ import annotations

import re
from typing import Any

import msgspec
from msgspec import UNSET, UnsetType

from nl_pipeline.sandbox.mailchimp import errors
from nl_pipeline.sandbox.mailchimp.account import Account
from nl_pipeline.sandbox.mailchimp.calls import NO_CONTENT, Answer, ApiCall
from nl_pipeline.sandbox.mailchimp.merge_values import TYPES
from nl_pipeline.sandbox.mailchimp.paging import page_of
from nl_pipeline.sandbox.mailchimp.state import Audience, MergeField

FIELD_LIMIT = 30
"""Merge fields of an audience without Premium, third-party source."""

_TAG = re.compile(r"^[A-Z0-9_]{1,10}$")


class _Definition(msgspec.Struct):
    name: str | UnsetType = UNSET
    type: str | UnsetType = UNSET
    tag: str | UnsetType = UNSET
    required: bool | UnsetType = UNSET
    default_value: str | UnsetType = UNSET
    public: bool | UnsetType = UNSET
    display_order: int | UnsetType = UNSET
    options: dict[str, Any] | UnsetType = UNSET
    help_text: str | UnsetType = UNSET


def default_fields() -> list[MergeField]:
    """The four fields of a new audience, as recorded."""
    return [
        MergeField(
            1, "FNAME", "First Name", "text", public=True, display_order=2, options={"size": 25}
        ),
        MergeField(
            2, "LNAME", "Last Name", "text", public=True, display_order=3, options={"size": 25}
        ),
        MergeField(
            3, "ADDRESS", "Address", "address", display_order=4, options={"default_country": 164}
        ),
        MergeField(
            4, "PHONE", "Phone Number", "phone", display_order=5, options={"phone_format": "none"}
        ),
    ]


def list_merge_fields(account: Account, call: ApiCall) -> Answer:
    """``GET /lists/{list_id}/merge-fields``: filters ``type`` and ``required``."""
    audience = account.audience(call.parameters["list_id"])
    kind = call.query.get("type")
    required = call.query.get("required")
    chosen = [
        merge_field
        for merge_field in audience.merge_fields
        if (not kind or merge_field.type == kind)
        and (not required or merge_field.required == call.flag("required"))
    ]
    page = page_of(chosen, call=call)
    return Answer(
        {
            "merge_fields": [rendered(field, audience=audience) for field in page.rows],
            "list_id": audience.id,
            "total_items": page.total,
            "_links": [],
        }
    )


def read_merge_field(account: Account, call: ApiCall) -> Answer:
    """``GET …/merge-fields/{merge_id}``."""
    audience, merge_field = _find(account, call)
    return Answer(rendered(merge_field, audience=audience))


def create_merge_field(account: Account, call: ApiCall) -> Answer:
    """``POST /lists/{list_id}/merge-fields``: ``name`` and ``type`` required."""
    audience = account.audience(call.parameters["list_id"])
    definition = call.read(_Definition)
    missing = [name for name in ("name", "type") if not getattr(definition, name)]
    if missing or definition.name is UNSET or definition.type is UNSET:
        raise errors.invalid_body(
            *(errors.FieldError(name, "This value should not be blank.") for name in missing)
        )
    if definition.type not in TYPES:
        raise errors.invalid_body(errors.FieldError("type", "This value is not a valid type."))
    if len(audience.merge_fields) >= FIELD_LIMIT:
        raise errors.bad_request("This audience cannot have more merge fields.")
    merge_id = max((field.merge_id for field in audience.merge_fields), default=0) + 1
    tag = definition.tag or f"MERGE{merge_id}"
    merge_field = MergeField(
        merge_id,
        _free_tag(audience, tag=str(tag)),
        definition.name,
        definition.type,
        display_order=len(audience.merge_fields) + 2,
    )
    _take_over(merge_field, definition=definition)
    audience.merge_fields.append(merge_field)
    audience.revision += 1
    return Answer(rendered(merge_field, audience=audience))


def change_merge_field(account: Account, call: ApiCall) -> Answer:
    """``PATCH …/merge-fields/{merge_id}``: ``type`` cannot change; a new tag keeps the values."""
    audience, merge_field = _find(account, call)
    definition = call.read(_Definition)
    if definition.tag and definition.tag != merge_field.tag:
        tag = _free_tag(audience, tag=definition.tag)
        _rename(audience, old=merge_field.tag, new=tag)
        merge_field.tag = tag
        audience.revision += 1
    if definition.name:
        merge_field.name = definition.name
    _take_over(merge_field, definition=definition)
    return Answer(rendered(merge_field, audience=audience))


def delete_merge_field(account: Account, call: ApiCall) -> Answer:
    """``DELETE …/merge-fields/{merge_id}``: the members' values go with it."""
    audience, merge_field = _find(account, call)
    audience.merge_fields.remove(merge_field)
    audience.revision += 1
    for member in audience.members:
        member.merge_fields.pop(merge_field.tag, None)
    return NO_CONTENT


def rendered(merge_field: MergeField, *, audience: Audience) -> dict[str, Any]:
    """A merge field as the API shows it."""
    return {
        "merge_id": merge_field.merge_id,
        "tag": merge_field.tag,
        "name": merge_field.name,
        "type": merge_field.type,
        "required": merge_field.required,
        "default_value": merge_field.default_value,
        "public": merge_field.public,
        "display_order": merge_field.display_order,
        "options": merge_field.options,
        "help_text": merge_field.help_text,
        "list_id": audience.id,
        "_links": [],
    }


def _find(account: Account, call: ApiCall) -> tuple[Audience, MergeField]:
    audience = account.audience(call.parameters["list_id"])
    for merge_field in audience.merge_fields:
        if str(merge_field.merge_id) == call.parameters["merge_id"]:
            return audience, merge_field
    raise errors.not_found()


def _free_tag(audience: Audience, *, tag: str) -> str:
    """The tag in capitals; 400 for a bad, reserved or taken one [texts inferred]."""
    tag = tag.upper()
    if _TAG.match(tag) is None or tag == "EMAIL":
        raise errors.invalid_body(errors.FieldError("tag", "This value is not a valid merge tag."))
    if tag in audience.merge_tags:
        raise errors.invalid_resource(
            f'A Merge Field with the tag "{tag}" already exists for this list.'
        )
    return tag


def _take_over(merge_field: MergeField, *, definition: _Definition) -> None:
    for name in ("required", "default_value", "public", "display_order", "options", "help_text"):
        value = getattr(definition, name)
        if value is not UNSET:
            setattr(merge_field, name, value)


def _rename(audience: Audience, *, old: str, new: str) -> None:
    for member in audience.members:
        if old in member.merge_fields:
            member.merge_fields[new] = member.merge_fields.pop(old)
