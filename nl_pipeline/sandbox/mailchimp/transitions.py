"""The state table of a list member: what a write does to each state, as data.

Belongs here: every (state, write) pair and its verdict, with the pairs nobody could confirm bound
to a switch. Does not belong here: carrying a verdict out (``changes``). Source: recordings and
client code collected for the Marketing API, section "Members"; rows marked [inferred] follow the
neighbouring ones.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from nl_pipeline.sandbox.mailchimp.switches import Switches


class State(StrEnum):
    """What Mailchimp knows about an address in one audience."""

    ABSENT = "absent"
    SUBSCRIBED = "subscribed"
    UNSUBSCRIBED_BY_ADMIN = "unsubscribed by API or admin"
    UNSUBSCRIBED_BY_CONTACT = "unsubscribed by contact"
    CLEANED = "cleaned"
    PENDING = "pending"
    PENDING_AFTER_OPT_OUT = "pending after an opt-out"
    TRANSACTIONAL = "transactional"
    ARCHIVED = "archived"
    FORGOTTEN = "permanently deleted"


class Write(StrEnum):
    """What a call asks for."""

    DATA = "no status, or status_if_new only"
    SUBSCRIBED = "status=subscribed"
    UNSUBSCRIBED = "status=unsubscribed"
    PENDING = "status=pending"
    CLEANED = "status=cleaned"
    TRANSACTIONAL = "status=transactional"
    ARCHIVE = "DELETE"
    POST = "POST /members"


class Verdict(StrEnum):
    """What comes of it."""

    CREATE = "create"
    KEEP = "keep the status"
    SET = "set the status"
    UNARCHIVE = "set the status of an archived member"
    ARCHIVE = "archive"
    EXISTS = "Member Exists"
    COMPLIANCE = "Member In Compliance State"
    FORGOTTEN = "Forgotten Email Not Subscribed"
    NOT_FOUND = "404"
    NOT_REMOVABLE = "405"


@dataclass(frozen=True, slots=True)
class Open:
    """A pair nobody could confirm: the verdict depends on a switch."""

    switch: str
    verdicts: dict[str, Verdict]


_WRITES_OF_STATUS = (
    Write.SUBSCRIBED,
    Write.UNSUBSCRIBED,
    Write.PENDING,
    Write.CLEANED,
    Write.TRANSACTIONAL,
)


def _row(
    *,
    data: Verdict | Open,
    subscribed: Verdict | Open,
    unsubscribed: Verdict | Open,
    pending: Verdict | Open,
    other: Verdict | Open,
    archive: Verdict,
    post: Verdict | Open,
) -> dict[Write, Verdict | Open]:
    return {
        Write.DATA: data,
        Write.SUBSCRIBED: subscribed,
        Write.UNSUBSCRIBED: unsubscribed,
        Write.PENDING: pending,
        Write.CLEANED: other,
        Write.TRANSACTIONAL: other,
        Write.ARCHIVE: archive,
        Write.POST: post,
    }


def _everything_but_archive(
    verdict: Verdict | Open, *, archive: Verdict
) -> dict[Write, Verdict | Open]:
    return {
        Write.DATA: verdict,
        **dict.fromkeys(_WRITES_OF_STATUS, verdict),
        Write.ARCHIVE: archive,
        Write.POST: verdict,
    }


def _settable(switch: str) -> Open:
    return Open(switch, {"ok": Verdict.SET, "compliance": Verdict.COMPLIANCE})


def _existing(switch: str) -> Open:
    return Open(switch, {"exists": Verdict.EXISTS, "compliance": Verdict.COMPLIANCE})


_FREE = _row(
    data=Verdict.KEEP,
    subscribed=Verdict.SET,
    unsubscribed=Verdict.SET,
    pending=Verdict.SET,
    other=Verdict.SET,
    archive=Verdict.ARCHIVE,
    post=Verdict.EXISTS,
)

TABLE: dict[State, dict[Write, Verdict | Open]] = {
    State.ABSENT: _everything_but_archive(Verdict.CREATE, archive=Verdict.NOT_FOUND),
    State.SUBSCRIBED: _FREE,
    State.UNSUBSCRIBED_BY_ADMIN: _FREE,
    State.UNSUBSCRIBED_BY_CONTACT: _row(
        data=Verdict.KEEP,
        subscribed=Verdict.COMPLIANCE,
        unsubscribed=Verdict.KEEP,
        pending=Verdict.SET,
        other=Verdict.SET,
        archive=Verdict.ARCHIVE,
        post=_existing("post_on_opted_out"),
    ),
    State.CLEANED: _row(
        data=Verdict.KEEP,
        subscribed=Verdict.COMPLIANCE,
        unsubscribed=_settable("unsubscribed_on_cleaned"),
        pending=_settable("pending_on_cleaned"),
        other=Verdict.SET,
        archive=Verdict.NOT_REMOVABLE,
        post=_existing("post_on_cleaned"),
    ),
    State.PENDING: _FREE
    | {
        Write.SUBSCRIBED: _settable("pending_to_subscribed"),
        Write.PENDING: Verdict.KEEP,
        Write.ARCHIVE: Verdict.NOT_REMOVABLE,
    },
    State.PENDING_AFTER_OPT_OUT: _FREE
    | {
        Write.SUBSCRIBED: Verdict.COMPLIANCE,
        Write.PENDING: Verdict.KEEP,
        Write.ARCHIVE: Verdict.NOT_REMOVABLE,
    },
    State.TRANSACTIONAL: _FREE,
    State.ARCHIVED: _everything_but_archive(Verdict.UNARCHIVE, archive=Verdict.NOT_REMOVABLE)
    | {
        Write.DATA: Open(
            "status_if_new_on_archived",
            {"keep": Verdict.KEEP, "unarchive": Verdict.UNARCHIVE},
        ),
    },
    State.FORGOTTEN: _everything_but_archive(
        Open("forgotten", {"refused": Verdict.FORGOTTEN, "allowed": Verdict.CREATE}),
        archive=Verdict.NOT_FOUND,
    ),
}


def decide(state: State, *, write: Write, switches: Switches) -> Verdict:
    """The verdict for one pair, with open ones decided by the switches."""
    cell = TABLE[state][write]
    if isinstance(cell, Open):
        return cell.verdicts[getattr(switches, cell.switch)]
    return cell
