"""The twin's switches: facts that onOffice leaves open and shapes on which sources conflict.

Belongs here: name, default and allowed values of each switch. Does not belong here: what a switch
does, which stands where it is read.
"""

from __future__ import annotations

from typing import Any, Literal

import msgspec

from nl_pipeline.sandbox.population import TAG_OPTIONS
from nl_pipeline.sandbox.service import ActRefused


class AddedField(msgspec.Struct, forbid_unknown_fields=True):
    """A field the administrator created; onOffice has no call for that."""

    type: Literal["varchar", "text", "integer", "boolean", "date", "datetime"]
    label: str
    length: int | None = None


class Switches(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """All switches with their defaults; changed by ``POST /_sandbox/onoffice/switches``."""

    error_shape: Literal["documented", "inner", "mirror"] = "documented"
    """Outer status of a failed action: 500/97 as documented, 200/0 as a client's fixture shows,
    or 500 with the code of the first failed action as another client's fixture shows."""
    bad_token_code: Literal[22, 41, 47] = 22
    """Error code of an unknown token."""
    ip_blocked: bool = False
    """Every request is refused with 158."""
    hmac_clock: Literal["real", "sandbox"] = "real"
    """The clock that signatures are checked against. ``real`` by default: beside the sandbox's
    clock real time counts too, so that a client with a real clock keeps working after the sandbox's
    clock was advanced."""
    clock_skew_seconds: float = 0.0
    """How far the server's clock is ahead of true time, negative: behind. Its signatures, its Date
    header and the dates of its records go by it."""
    time_zone: str = "Europe/Berlin"
    """Zone of all datetimes on the wire ([inferred], onOffice does not document it)."""
    status_field: Literal["Status2Adr", "Status", "both"] = "Status2Adr"
    """Which field for archived contacts the account exposes; two real accounts differ."""
    newsletter_values: list[str] = msgspec.field(default_factory=lambda: list("102345"))
    """Permitted values of ``newsletter_aktiv`` in the account's order; sources differ on 5."""
    newsletter_tags: dict[str, str] = msgspec.field(default_factory=TAG_OPTIONS.copy)
    """Options of ``NewsletterTag``, key to label; empty when the account has no tags."""
    inactive_fields: list[str] = []
    """Fields the administrator switched off; they act as unknown."""
    added_fields: dict[str, AddedField] = {}
    """Fields the administrator created, by name."""
    aenderung_readable: bool = True
    """Whether ``Aenderung`` may stand in ``data`` and ``sortby``; a filter on it always may."""
    aenderung_bumped_by: list[Literal["fields", "email", "newsletter", "activity"]] = msgspec.field(
        default_factory=lambda: ["fields", "email", "newsletter"]
    )
    """Which writes move ``Aenderung``; not documented."""
    boolean_format: Literal["digit_string", "number", "bool"] = "digit_string"
    """How booleans are read; no source pins it down."""
    element_id_type: Literal["mixed", "int", "string"] = "mixed"
    """Type of ``elements.id``: int in the documents, text in a client's fixture."""
    email_compare: Literal["ignore_case", "exact"] = "ignore_case"
    """How filters and the duplicate check compare addresses; not documented."""
    duplicate_check: Literal["all", "main"] = "all"
    """Which addresses of existing contacts ``checkDuplicate`` looks at; not documented."""
    listlimit_over_500: Literal["clamp", "error"] = "clamp"
    """What a ``listlimit`` above 500 does; not documented."""
    unknown_write_field: Literal["error", "ignore"] = "error"
    """What an unknown field on create and modify does; not documented."""
    overlong_text: Literal["truncate", "error"] = "truncate"
    """What a text longer than its field does ([inferred]: cut without a word)."""
    plain_email_on_modify: Literal["error", "add"] = "error"
    """What ``"email": "text"`` on modify does; not documented."""
    note_required: bool = False
    """Whether an activity without a note is refused (113)."""
    double_opt_in: bool = False
    """Whether the account sends a double opt-in mail on registerNewsletter."""
    action_types: dict[str, dict[str, str]] = {}
    """Types the administrator added: kind to type key to label."""


def changed(switches: Switches, name: str, value: Any) -> Switches:
    """A copy with one switch changed; raises :class:`ActRefused` with what is allowed."""
    values = msgspec.to_builtins(switches)
    if name not in values:
        raise ActRefused(f"onoffice has no switch {name!r}; allowed: {sorted(values)}")
    try:
        return msgspec.convert(values | {name: value}, Switches)
    except msgspec.ValidationError as refused:
        raise ActRefused(f"switch {name!r}: {refused}") from refused
