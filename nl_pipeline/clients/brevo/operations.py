"""Writes of single contacts, and what each of them may carry.

Belongs here: building operations and their bodies. Does not belong here: the decision to write, and
how they are sent (`writing`).

What a contact write can carry at all is the fields of ``ContactChange``, so what must never be sent
cannot be: there is no way to lift a blocklisting, to merge contacts, or to add one to a list.
Telephone numbers are refused, because a number that two people share fails a whole write.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

import msgspec

IDENTIFIERS = frozenset({"EMAIL", "SMS", "WHATSAPP", "LANDLINE_NUMBER", "EXT_ID", "BLACKLIST"})
"""Attributes that name a contact or stand for its state: never written as values of a profile."""


class ContactChange(msgspec.Struct, frozen=True, omit_defaults=True, rename="camel"):
    """The body of the one call that changes a contact; what is not set stays as it is.

    `email_blacklisted` has no false: it would lift an opt-out.
    """

    attributes: Mapping[str, Any] | None = None
    email_blacklisted: Literal[True] | None = None
    unlink_list_ids: tuple[int, ...] | None = None

    def __post_init__(self) -> None:
        if self.email_blacklisted not in (True, None):
            raise ValueError("no call of ours lifts a blocklisting")


@dataclass(frozen=True)
class Block:
    """Blocklist a contact: no campaign reaches it any more. There is no opposite.

    With `list_id` it is taken off this list in the same call, so that neither is done alone.
    """

    contact_id: int
    reference: str
    list_id: int | None = None


@dataclass(frozen=True)
class UpdateProfile:
    """Change the attributes of an existing contact; others stay, "" clears one."""

    contact_id: int
    reference: str
    attributes: Mapping[str, Any] = field(repr=False)

    def __post_init__(self) -> None:
        check_names(self.attributes)


@dataclass(frozen=True)
class ChangeAddress:
    """Give a contact another address; its id stays.

    Brevo lifts the blocklisting of a contact whose address changes (its SDK says so). The contact
    is therefore read first; one that opted out in any way is blocklisted and taken off `list_id` in
    the same call, read again, and blocklisted anew until it stands.
    """

    contact_id: int
    reference: str
    email: str = field(repr=False)
    list_id: int


@dataclass(frozen=True)
class AskToConfirm:
    """Have Brevo ask a person by mail for a confirmation; only the click puts it on the list.

    `template_id` is a template with Brevo's confirmation link, `redirection_url` the page after the
    click.
    """

    reference: str
    email: str = field(repr=False)
    list_id: int
    template_id: int
    redirection_url: str
    attributes: Mapping[str, Any] = field(default_factory=dict, repr=False)

    def __post_init__(self) -> None:
        check_names(self.attributes)


Operation = Block | UpdateProfile | ChangeAddress | AskToConfirm


def check_names(attributes: Mapping[str, Any]) -> None:
    """Raise ValueError for attributes that are no values of a profile."""
    wrong = sorted(name for name in attributes if name.upper() in IDENTIFIERS)
    if wrong:
        raise ValueError(
            f"{', '.join(wrong)}: identifies a contact and is never written as a value"
        )
