"""Imports: contacts put on a list, as many in a call as its bytes allow.

Belongs here: packing, the fence before each call, what became of every address. Does not belong
here: whom to import, and waiting for what Brevo does afterwards (`processes`).

The body names a list, rows, and the three flags below, nothing else: an import could also
blocklist all its rows or empty their attributes. Contacts that exist are updated, and every
blocklisting stays (whether it does in every account is read back by the sync).
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, field

import msgspec

from nl_pipeline.clients.brevo.attributes import Attributes
from nl_pipeline.clients.brevo.lists import list_by_id
from nl_pipeline.clients.brevo.models import ImportedChunk, ImportOutcome, ImportRow, Refusal
from nl_pipeline.clients.brevo.problems import SYSTEM, RefusalCause, kept_back
from nl_pipeline.clients.brevo.session import Path, Session
from nl_pipeline.clients.errors import (
    ApiError,
    OperatorNeeded,
    OutcomeUnknown,
    Permanent,
    Withheld,
)

LARGEST_IMPORT = 10_000_000
"""Bytes of a call at most (Brevo: 10 MB)."""

_MOST_REFUSED_CALLS = 60
"""A call refused for one of its rows is sent again by halves; so often at most."""

Addresses = Callable[[Sequence[str]], Collection[str]]


class _Imported(msgspec.Struct, frozen=True, rename="camel"):
    process_id: int


@dataclass(frozen=True)
class _Encoded:
    email: str = field(repr=False)
    content: bytes = field(repr=False)


@dataclass
class _Tally:
    """The outcome while it is being made."""

    chunks: list[ImportedChunk] = field(default_factory=list)
    refused: list[Refusal] = field(default_factory=list)
    unknown: list[str] = field(default_factory=list)
    not_sent: list[str] = field(default_factory=list)
    withheld: list[str] = field(default_factory=list)
    refused_calls: int = 0
    stopped_by: ApiError | None = None


def import_contacts(
    session: Session,
    *,
    list_id: int,
    rows: Sequence[ImportRow],
    attributes: Attributes,
    most_bytes: int,
    withheld: Addresses | None,
) -> ImportOutcome:
    """Send the rows in as few imports as possible, one after the other; a failure of the account
    stops the rest."""
    tally = _Tally()
    sent = _accepted(
        rows,
        attributes=attributes,
        most_bytes=most_bytes - len(_body(list_id, rows=())),
        tally=tally,
    )
    for chunk in _packed(sent, most_bytes=most_bytes - len(_body(list_id, rows=()))):
        _send(session, list_id=list_id, chunk=chunk, tally=tally, withheld=withheld)
    if tally.stopped_by is not None and not tally.chunks:
        # Where no import at all was taken, no single row is to blame.
        blamed = [refusal for refusal in tally.refused if refusal.cause is RefusalCause.OTHER]
        tally.refused = [refusal for refusal in tally.refused if refusal not in blamed]
        tally.not_sent.extend(refusal.email for refusal in blamed)
    return ImportOutcome(
        chunks=tuple(tally.chunks),
        refused=tuple(tally.refused),
        unknown=tuple(tally.unknown),
        not_sent=tuple(tally.not_sent),
        withheld=tuple(tally.withheld),
        stopped_by=tally.stopped_by,
    )


def size(list_id: int, rows: Iterable[ImportRow]) -> int:
    """Return the bytes of one import of all these rows."""
    return len(_body(list_id, rows=[_encoded(row) for row in rows]))


def _accepted(
    rows: Sequence[ImportRow], *, attributes: Attributes, most_bytes: int, tally: _Tally
) -> Iterator[_Encoded]:
    """The rows of which Brevo would store every value."""
    for row in rows:
        misfits = attributes.misfits(row.attributes)
        if misfits:
            tally.refused.append(Refusal(row.email, RefusalCause.ATTRIBUTES, misfits))
            continue
        encoded = _encoded(row)
        if len(encoded.content) > most_bytes:
            tally.refused.append(Refusal(row.email, RefusalCause.TOO_LARGE))
            continue
        yield encoded


def _packed(rows: Iterable[_Encoded], *, most_bytes: int) -> Iterator[list[_Encoded]]:
    """As many rows in a chunk as fit, with the commas between them."""
    chunk: list[_Encoded] = []
    filled = 0
    for row in rows:
        more = len(row.content) + (1 if chunk else 0)
        if filled + more > most_bytes:
            yield chunk
            chunk, filled, more = [], 0, len(row.content)
        chunk.append(row)
        filled += more
    if chunk:
        yield chunk


def _send(
    session: Session,
    *,
    list_id: int,
    chunk: list[_Encoded],
    tally: _Tally,
    withheld: Addresses | None,
) -> None:
    if withheld is not None:
        kept = set(withheld([row.email for row in chunk]))
        tally.withheld.extend(row.email for row in chunk if row.email in kept)
        chunk = [row for row in chunk if row.email not in kept]
    emails = [row.email for row in chunk]
    if not emails:
        return
    if tally.stopped_by is not None:
        tally.not_sent.extend(emails)
        return

    def before() -> None:
        if withheld is not None and withheld(emails):
            raise kept_back("an import: not all of its contacts any more")

    def again(part: list[_Encoded]) -> None:
        _send(session, list_id=list_id, chunk=part, tally=tally, withheld=withheld)

    try:
        imported = session.send(
            "POST",
            Path("/contacts/import"),
            answer=_Imported,
            body=_body(list_id, rows=chunk),
            repeatable=False,
            before=before,
        )
    except Withheld:
        again(chunk)
    except OutcomeUnknown:
        tally.unknown.extend(emails)
    except Permanent as error:
        tally.stopped_by = _not_for_a_row(session, list_id=list_id, tally=tally, error=error)
        if tally.stopped_by is not None:
            tally.not_sent.extend(emails)
        elif len(chunk) == 1:
            tally.refused.append(Refusal(emails[0], RefusalCause.OTHER))
        else:
            # The call may have been refused for one of its rows: find it by halves, so that it does
            # not keep the others out.
            middle = len(chunk) // 2
            again(chunk[:middle])
            again(chunk[middle:])
    except ApiError as error:
        tally.not_sent.extend(emails)
        tally.stopped_by = error
    else:
        tally.chunks.append(ImportedChunk(imported.process_id, tuple(emails)))


def _not_for_a_row(
    session: Session, *, list_id: int, tally: _Tally, error: ApiError
) -> ApiError | None:
    """Why a refused call is not the fault of one of its rows, as far as that can be told."""
    tally.refused_calls += 1
    if tally.refused_calls > _MOST_REFUSED_CALLS:
        return error
    if tally.refused_calls > 1:
        return None
    try:
        found = list_by_id(session, list_id=list_id)
    except ApiError as failure:
        return failure
    if found is not None:
        return None
    return OperatorNeeded(
        f"an import to list {list_id}: the list is gone",
        system=SYSTEM,
        code="list-gone",
        status=error.status,
        what_next="check that the list still exists under its id",
    )


def _encoded(row: ImportRow) -> _Encoded:
    item = {"email": row.email, "attributes": dict(row.attributes)}
    return _Encoded(row.email, msgspec.json.encode(item))


def _body(list_id: int, *, rows: Sequence[_Encoded]) -> bytes:
    head = msgspec.json.encode(
        {"listIds": [list_id], "updateExistingContacts": True, "disableNotification": True}
    )
    return head[:-1] + b',"jsonBody":[' + b",".join(row.content for row in rows) + b"]}"
