"""The synchronous bulk calls: adding members and changing a static segment.

Belongs here: chunks of 500 and the outcome of every address. Does not belong here: whom to add.

`POST /lists/{list_id}` is only ever sent with `update_existing: false`: with true it overwrites the
status of existing members (Mailchimp, batch subscribe).
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

import msgspec

from nl_pipeline.clients.errors import ApiError, OperatorNeeded, OutcomeUnknown, Withheld
from nl_pipeline.clients.mailchimp.models import (
    AddOutcome,
    Member,
    NewMember,
    Refusal,
    SegmentOutcome,
)
from nl_pipeline.clients.mailchimp.problems import (
    SYSTEM,
    MemberRefused,
    RefusalCause,
    merge_tag,
    refusal_cause,
)
from nl_pipeline.clients.mailchimp.session import Path, Session

CHUNK = 500
"""Members per call at most (Mailchimp)."""

Addresses = Callable[[Sequence[str]], Collection[str]]


class _AddError(msgspec.Struct, frozen=True):
    email_address: str = ""
    error: str = ""
    error_code: str = ""
    field: str | None = ""


class _AddAnswer(msgspec.Struct, frozen=True):
    new_members: list[Member]
    errors: list[_AddError]
    updated_members: list[Member] = msgspec.field(default_factory=list)


class _SegmentError(msgspec.Struct, frozen=True):
    email_addresses: list[str] = msgspec.field(default_factory=list)
    error: str = ""


class _SegmentAnswer(msgspec.Struct, frozen=True):
    total_added: int
    total_removed: int
    errors: list[_SegmentError] = msgspec.field(default_factory=list)


@dataclass
class _Tally:
    """The outcome of one chunk while it is being made."""

    created: list[Member] = field(default_factory=list)
    updated: list[Member] = field(default_factory=list)
    refused: list[Refusal] = field(default_factory=list)
    unknown: list[str] = field(default_factory=list)
    not_sent: list[str] = field(default_factory=list)
    withheld: list[str] = field(default_factory=list)


def add_members(
    session: Session,
    *,
    pool: ThreadPoolExecutor,
    audience_id: str,
    members: Sequence[NewMember],
    withheld: Addresses | None,
) -> AddOutcome:
    """Add members, several chunks at a time; a failure of the account stops the rest.

    ``withheld`` is asked, from several threads, right before each request.
    """
    stopped: list[ApiError] = []

    def chunk_added(chunk: Sequence[NewMember]) -> _Tally:
        tally = _Tally()
        _add(
            session,
            audience_id=audience_id,
            chunk=chunk,
            tally=tally,
            stopped=stopped,
            withheld=withheld,
        )
        return tally

    tallies = list(pool.map(chunk_added, _chunks(members)))
    return AddOutcome(
        created=tuple(m for tally in tallies for m in tally.created),
        updated=tuple(m for tally in tallies for m in tally.updated),
        refused=tuple(r for tally in tallies for r in tally.refused),
        unknown=tuple(a for tally in tallies for a in tally.unknown),
        not_sent=tuple(a for tally in tallies for a in tally.not_sent),
        withheld=tuple(a for tally in tallies for a in tally.withheld),
        stopped_by=stopped[0] if stopped else None,
    )


def change_segment(
    session: Session,
    *,
    audience_id: str,
    segment_id: int,
    add: Sequence[str],
    remove: Sequence[str],
) -> SegmentOutcome:
    """Add and remove addresses of a static segment; sending the same twice changes nothing."""
    added = removed = 0
    errors: list[Refusal] = []
    for start in range(0, max(len(add), len(remove)), CHUNK):
        answer = session.send(
            "POST",
            Path("/lists/{list_id}/segments/{segment_id}", [audience_id, segment_id]),
            answer=_SegmentAnswer,
            body={
                "members_to_add": list(add[start : start + CHUNK]),
                "members_to_remove": list(remove[start : start + CHUNK]),
            },
            repeatable=True,
        )
        added += answer.total_added
        removed += answer.total_removed
        errors.extend(
            Refusal(address, refusal_cause(detail=error.error), "")
            for error in answer.errors
            for address in error.email_addresses
        )
    return SegmentOutcome(added=added, removed=removed, errors=tuple(errors))


def _add(
    session: Session,
    *,
    audience_id: str,
    chunk: Sequence[NewMember],
    tally: _Tally,
    stopped: list[ApiError],
    withheld: Addresses | None,
) -> None:
    if withheld is not None:
        kept_back = set(withheld([member.email_address for member in chunk]))
        tally.withheld.extend(kept_back)
        chunk = [member for member in chunk if member.email_address not in kept_back]
    addresses = [member.email_address for member in chunk]
    if not addresses:
        return

    def before() -> None:
        if withheld is not None and withheld(addresses):
            raise Withheld(
                "adding members: not all of them any more",
                system=SYSTEM,
                code="withheld",
                what_next="nothing; the others are added without them",
            )

    if stopped:
        tally.not_sent.extend(addresses)
        return
    try:
        answer = session.send(
            "POST",
            Path("/lists/{list_id}", [audience_id]),
            answer=_AddAnswer,
            params={"skip_merge_validation": "true"},
            body={
                "members": [
                    {
                        "email_address": member.email_address,
                        "status": member.status,
                        "merge_fields": member.merge_fields,
                    }
                    for member in chunk
                ],
                "update_existing": False,
            },
            repeatable=False,
            before=before,
        )
    except Withheld:
        _add(
            session,
            audience_id=audience_id,
            chunk=chunk,
            tally=tally,
            stopped=stopped,
            withheld=withheld,
        )
    except OutcomeUnknown:
        tally.unknown.extend(addresses)
    except MemberRefused as error:
        if error.cause is RefusalCause.OTHER and len(chunk) > 1:
            # Not known to be about one member: the call itself may be wrong.
            tally.not_sent.extend(addresses)
            stopped.append(error)
            return
        if len(chunk) == 1:
            tag = error.fields[0] if error.fields else ""
            tally.refused.append(Refusal(addresses[0], error.cause, error.code, tag))
            return
        # The call as a whole was refused for one of its members: find it by halves, so that it
        # does not keep the others out.
        for half in (chunk[: len(chunk) // 2], chunk[len(chunk) // 2 :]):
            _add(
                session,
                audience_id=audience_id,
                chunk=half,
                tally=tally,
                stopped=stopped,
                withheld=withheld,
            )
    except ApiError as error:
        tally.not_sent.extend(addresses)
        stopped.append(error)
    else:
        _take(answer, addresses=addresses, tally=tally)
        if any(refusal.cause is RefusalCause.CONTACT_LIMIT for refusal in tally.refused):
            stopped.append(
                OperatorNeeded(
                    "adding members: the plan takes no further contact",
                    system=SYSTEM,
                    code=RefusalCause.CONTACT_LIMIT.value,
                    what_next="raise the contact limit of the Mailchimp plan, or archive members",
                )
            )


def _take(answer: _AddAnswer, *, addresses: Sequence[str], tally: _Tally) -> None:
    tally.created.extend(answer.new_members)
    tally.updated.extend(answer.updated_members)
    for error in answer.errors:
        tag = merge_tag(error.field or "")
        cause = refusal_cause(detail=error.error)
        if cause is RefusalCause.OTHER and error.error_code == "ERROR_CONTACT_EXISTS":
            cause = RefusalCause.EXISTS
        if cause is RefusalCause.OTHER and tag:
            cause = RefusalCause.MERGE_FIELDS
        tally.refused.append(Refusal(error.email_address, cause, error.error_code, tag))
    # Case of an address on the way back is not documented.
    told = {
        address.casefold()
        for address in (
            *(member.email_address for member in (*answer.new_members, *answer.updated_members)),
            *(error.email_address for error in answer.errors),
        )
    }
    tally.unknown.extend(address for address in addresses if address.casefold() not in told)


def _chunks(members: Sequence[NewMember]) -> Iterator[Sequence[NewMember]]:
    for start in range(0, len(members), CHUNK):
        yield members[start : start + CHUNK]
