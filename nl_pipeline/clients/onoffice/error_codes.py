"""onOffice's error codes, sorted by what the caller does next.

Belongs here: code to class, and the sentence for the operator. Source: the code list that public
clients carry (the apidoc prints none); what a code means for us is our choice.

A message of onOffice can quote values, so only the code travels. The one exception is the name of
an unknown field, which is taken over when it is one of the names we asked for.
"""

from __future__ import annotations

from collections.abc import Collection

from nl_pipeline.clients.errors import ApiError, OperatorNeeded, Permanent, Retryable, SkipRecord

SYSTEM = "onoffice"
CLOCK = 136

_CREDENTIALS = frozenset(
    {13, 22, *range(28, 33), *range(34, 50), *range(102, 110), 134, 135, 137, 150, 153, 175, 176}
    | {183, 184, 243, 251, 278, 286}
)
_RIGHTS = frozenset({155, 156, 158, 170, 253})
#: Rights over single records: an API user may lack them for one address and have them for others.
_RECORD_RIGHTS = frozenset({131, 174, 261, 262})
_MARKETPLACE = frozenset({177, 178, 193, 201, 240, 248})
_CONFIGURATION = frozenset({100, 101})
_PASSING = frozenset({1, 26, 27, 70, 97})
_RECORD = frozenset(
    {*range(75, 89), *range(91, 94), 96, 99, 113, 116, 122, 168, 185, *range(220, 227), 230, 231}
    | {235, 252, 254, 255, 258, 259, 260, 270, 292, 294, 300}
)
_UNKNOWN_FIELD = frozenset({75, 141, 143, 144, 145})

#: Codes by which a write refuses the value, or the name, of one of its fields.
_VALUE = frozenset(
    {75, 76, 77, 91, 92, 93, 116, 122, 141, 143, 144, 145, 187, 227, 228, 229, 251, 252, 254, 255}
    | {270, 294, 300}
)

#: Codes that mean "no such record, or none we may see" in a read by record id.
RECORD_ABSENT = frozenset({80, 185, 235, 292})


class RightMissing(SkipRecord):
    """The API user may not write this record; once a person gives the right, it may be written."""


class ValueRefused(SkipRecord):
    """A write was refused for one of its values. ``fields``: those the message named, if any."""

    def __init__(self, what: str, *, code: int, fields: tuple[str, ...]) -> None:
        named = f", fields {', '.join(fields)}" if fields else ""
        super().__init__(
            f"{what}: a value was refused{named}",
            system=SYSTEM,
            code=str(code),
            what_next="correct the value, or the field mapping",
        )
        self.fields = fields


def error_of_write(
    code: int, *, what: str, message: str = "", field_names: Collection[str] = ()
) -> ApiError:
    """Return the error for a code that ended a write."""
    if code in _VALUE:
        return ValueRefused(what, code=code, fields=_named_fields(message, field_names))
    return error_of(code, what=what, message=message, field_names=field_names)


def error_of(
    code: int,
    *,
    what: str,
    message: str = "",
    field_names: Collection[str] = (),
    status: int | None = None,
) -> ApiError:
    """Return the error for a code. `message` is searched for one of `field_names`, never shown."""
    text = str(code)
    if code == CLOCK:
        return clock_refused(what, status=status)
    if code in _CREDENTIALS:
        return OperatorNeeded(
            f"{what}: the API user was not accepted",
            system=SYSTEM,
            code=text,
            status=status,
            what_next="check token (32 characters) and secret (64), and that the user is active",
        )
    if code in _RIGHTS:
        return OperatorNeeded(
            f"{what}: the API user lacks a right",
            system=SYSTEM,
            code=text,
            status=status,
            what_next="give the API user the right (158: allow this host's IP address)",
        )
    if code in _RECORD_RIGHTS:
        return RightMissing(
            f"{what}: the API user may not write this record",
            system=SYSTEM,
            code=text,
            status=status,
            what_next="give the API user the right to create and change all addresses",
        )
    if code in _MARKETPLACE:
        return OperatorNeeded(
            f"{what}: the account expects a marketplace claim",
            system=SYSTEM,
            code=text,
            status=status,
            what_next="use a plain API user, not one of a marketplace service",
        )
    if code in _CONFIGURATION:
        return OperatorNeeded(
            f"{what}: kind or type of activity is not known to the account",
            system=SYSTEM,
            code=text,
            status=status,
            what_next="correct `activities` in the connection's settings",
        )
    if code in _PASSING:
        return Retryable(f"{what}: passing failure at the CRM", system=SYSTEM, code=text)
    if code in _RECORD:
        return SkipRecord(
            f"{what}: refused for this record{_named_field(code, message, field_names)}",
            system=SYSTEM,
            code=text,
            status=status,
            what_next="correct the record in the CRM or the field mapping",
        )
    return Permanent(
        f"{what}: the call was refused{_named_field(code, message, field_names)}",
        system=SYSTEM,
        code=text,
        status=status,
        what_next=(
            "compare the mapped fields with the account's field configuration"
            if code in _UNKNOWN_FIELD
            else "report this code; the request does not fit the account or the API"
        ),
    )


def clock_refused(what: str, *, status: int | None = None) -> OperatorNeeded:
    """Return the error for a timestamp that onOffice refuses (valid for 120 s around its clock)."""
    return OperatorNeeded(
        f"{what}: the timestamp was refused, also after signing again",
        system=SYSTEM,
        code="clock",
        status=status,
        what_next="set this host's clock (a drift of whole hours is a time zone error)",
    )


def _named_field(code: int, message: str, names: Collection[str]) -> str:
    if code not in _UNKNOWN_FIELD:
        return ""
    named = _named_fields(message, names)
    return f", unknown field {', '.join(named)}" if named else ""


def _named_fields(message: str, names: Collection[str]) -> tuple[str, ...]:
    words = {word.strip("\"'.:,;") for word in message.split()}
    return tuple(sorted(words.intersection(names)))
