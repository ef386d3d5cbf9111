"""Profile fields kept in step: one line of the mapping, and what a provider makes of it.

Belongs here: the mapping and its checks, with the rules in which the providers differ as data. Not
here: which fields an account really has; that is looked up before anything is written.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from pydantic import Field
from pydantic_core import PydanticCustomError

from nl_pipeline.settings.closed import ClosedModel
from nl_pipeline.settings.problems import refusal
from nl_pipeline.settings.values import FieldName, ProviderField, Text

Direction = Literal["both", "to_provider", "to_crm", "off"]
BlankRule = Literal["keep", "propagate"]
ProviderKind = Literal["mailchimp", "brevo"]


class FieldMapping(ClosedModel):
    """One profile field that is kept in step. The e-mail address always is and is not listed."""

    name: FieldName = Field(description="Name of the field in plans, tables and reports.")
    crm: Text = Field(description="Field name in onOffice, as its API calls it.")
    provider: ProviderField | None = Field(
        None,
        description="Merge tag in Mailchimp, attribute in Brevo. Needed for every field except "
        "salutation, first_name and last_name: Mailchimp has ANREDE, FNAME and LNAME for them, and "
        "at Brevo, where the names depend on the account's language, they are looked up.",
    )
    label: Text | None = Field(
        None,
        description="Label of the merge field where `setup` has to create it in Mailchimp; by "
        "default the name of the field. Brevo has no labels.",
    )
    direction: Direction = Field(
        "both", description="Which way changes travel; `off` keeps the line without syncing it."
    )
    blank: BlankRule = Field(
        "keep",
        description="Whether emptying the field in the CRM empties it at the provider "
        "(`propagate`) or not (`keep`). A blank never travels to the CRM.",
    )


DEFAULT_FIELDS = (
    FieldMapping(name="salutation", crm="Anrede", label="Salutation"),
    FieldMapping(name="first_name", crm="Vorname", label="First Name"),
    FieldMapping(name="last_name", crm="Name", label="Last Name"),
)

_Place = tuple[str | int, ...]

_E_MAIL_FIELDS = frozenset({"email", "defaultemail"})
_STATUS_FIELD = "newsletter_aktiv"
_REMOVE = "remove this field from the list"
_PHONE = "two people can't share a phone number at Brevo, so the second would be refused"


@dataclass(frozen=True)
class _Targets:
    """What may be written for `provider`. `usual` has None where the name is looked up."""

    pattern: str
    allowed: str
    usual: Mapping[str, str | None]
    reserved: Mapping[str, str]


_E_MAIL = {"EMAIL": "this is the e-mail address, which is always synced and can't be mapped"}
_TARGETS: Mapping[ProviderKind, _Targets] = {
    "mailchimp": _Targets(
        pattern=r"[A-Z0-9_]{1,10}",
        allowed="at most 10 upper-case letters, digits and underscores, for example FNAME",
        usual={"salutation": "ANREDE", "first_name": "FNAME", "last_name": "LNAME"},
        reserved=_E_MAIL,
    ),
    "brevo": _Targets(
        pattern=r"[A-Z0-9_-]+",
        allowed="upper-case letters, digits, _ and -, for example VORNAME",
        usual={mapping.name: None for mapping in DEFAULT_FIELDS},
        reserved=_E_MAIL
        | {
            "SMS": _PHONE,
            "WHATSAPP": _PHONE,
            "LANDLINE_NUMBER": _PHONE,
            "EXT_ID": "Brevo tells people apart by it, so it is no profile field",
            "_PIXEL_TRACKING_CONSENT": "this is a consent, which no profile field may give",
        },
    ),
}


def check_crm_sides(fields: tuple[FieldMapping, ...]) -> tuple[FieldMapping, ...]:
    """The same fields; refused is what is synced in another way, and what stands twice."""
    for index, mapping in enumerate(fields):
        if mapping.crm.lower() in _E_MAIL_FIELDS:
            raise refusal(
                "the e-mail address is always synced and can't be mapped",
                next_step=_REMOVE,
                at=(index, "crm"),
            )
        if mapping.crm == _STATUS_FIELD:
            raise refusal(
                "the newsletter state is decided by the rules and can't be mapped",
                next_step=_REMOVE,
                at=(index, "crm"),
            )
        for key in ("name", "crm"):
            if getattr(mapping, key) in (getattr(earlier, key) for earlier in fields[:index]):
                raise _stands_twice((index, key))
    return fields


def at_provider(
    fields: tuple[FieldMapping, ...], *, kind: ProviderKind
) -> tuple[FieldMapping, ...]:
    """The fields with the names they have at this provider; None where it is looked up there.

    Refuses a field without a usual name, a name the provider can't have, and one that is taken; the
    place is told from the connection.
    """
    targets = _TARGETS[kind]
    named: list[FieldMapping] = []
    for index, mapping in enumerate(fields):
        place = ("fields", index, "provider")
        if mapping.provider is None and mapping.name not in targets.usual:
            raise refusal(
                "this field has no usual name at the provider",
                allowed=targets.allowed,
                next_step="say where it belongs: add `provider:`",
                at=place,
            )
        name = targets.usual.get(mapping.name) if mapping.provider is None else mapping.provider
        if name is not None:
            _check_name(name, targets=targets, place=place)
            if any(name == earlier.provider for earlier in named):
                raise _stands_twice(place)
        named.append(mapping.model_copy(update={"provider": name}))
    return tuple(named)


def _check_name(name: str, *, targets: _Targets, place: _Place) -> None:
    if name in targets.reserved:
        raise refusal(f"{name}: {targets.reserved[name]}", next_step=_REMOVE, at=place)
    if re.fullmatch(targets.pattern, name) is None:
        raise refusal("is not written as it has to be", allowed=targets.allowed, at=place)


def _stands_twice(place: _Place) -> PydanticCustomError:
    return refusal(
        "another field of this list has the same value here",
        allowed=f"each {place[-1]} once per connection",
        next_step="give each field its own, or remove one of the two",
        at=place,
    )
