"""The history of webhooks, which Brevo switches on for Enterprise accounts on request.

Belongs here: ``POST /webhooks/export``, its refusal and its file. Does not belong here: what is
told (``teller``, which keeps it for seven days). The columns of the file are [inferred].
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

import msgspec

from nl_pipeline.sandbox.brevo import errors, times
from nl_pipeline.sandbox.brevo.account import Account
from nl_pipeline.sandbox.brevo.calls import Answer, ApiCall
from nl_pipeline.sandbox.brevo.csv_files import csv_file
from nl_pipeline.sandbox.brevo.processes import begin
from nl_pipeline.sandbox.brevo.state import Process, Said

DAY = 86_400_000
KEPT = 7 * DAY
"""How long Brevo keeps the history (Brevo docs, weekly marketing events)."""

Event = Literal[
    "hardBounce",
    "softBounce",
    "delivered",
    "spam",
    "request",
    "opened",
    "click",
    "invalid",
    "deferred",
    "blocked",
    "unsubscribed",
    "error",
    "uniqueOpened",
    "loadedByProxy",
    "allEvents",
    "invalid_parameter",
    "missing_parameter",
    # Of the guide on weekly marketing events, in its spelling.
    "hard_bounce",
    "soft_bounce",
    "unsubscribe",
    "contact_deleted",
    "contact_updated",
    "list_addition",
]

_NAMES: dict[str, str] = {
    "loadedByProxy": "proxyOpen",
    "hard_bounce": "hardBounce",
    "soft_bounce": "softBounce",
    "unsubscribe": "unsubscribed",
    "contact_deleted": "contactDeleted",
    "contact_updated": "contactUpdated",
    "list_addition": "listAddition",
}
"""Event asked for -> the twin's own name, where it differs."""

COLUMNS = ("event", "email", "date", "ts", "camp_id", "campaign name", "list_id", "URL", "reason")


class _Body(msgspec.Struct):
    event: Event
    notifyURL: str
    type: Literal["transactional", "marketing"]
    days: int | None = None
    startDate: str = ""
    endDate: str = ""
    email: str = ""
    webhookId: int | None = None
    messageId: str = ""
    sort: Literal["asc", "desc"] = "desc"


@dataclass(frozen=True, slots=True)
class _Export:
    """The work of the process."""

    body: _Body
    first: int
    last: int

    def carry_out(self, account: Account, process: Process) -> None:
        """Write the file."""
        told = list(self._chosen(account.said))
        if self.body.sort == "desc":
            told.reverse()
        rows = [_row(said) for said in told]
        file = csv_file(f"webhooks-{process.id}", columns=COLUMNS, rows=rows)
        process.export_url = account.keep_file(file, base_url=process.base_url)
        process.rows = len(rows)

    def _chosen(self, history: Iterable[Said]) -> Iterable[Said]:
        body = self.body
        wanted = _NAMES.get(body.event, body.event)
        for said in history:
            if (
                body.type == "marketing"
                and self.first <= said.at <= self.last
                and wanted in ("allEvents", said.event)
                and body.email.lower() in ("", said.email)
                and body.webhookId in (None, *said.webhook_ids)
            ):
                yield said


def export_history(account: Account, call: ApiCall) -> Answer:
    """``POST /webhooks/export``: refused unless the feature is on."""
    if not account.switches.enterprise:
        raise errors.ApiProblem(
            account.switches.history_refusal,
            "permission_denied",
            "This feature is not available for your account",
        )
    body = call.read(_Body)
    if not body.notifyURL:
        raise errors.missing("notifyURL is missing")
    first, last = _window(account, body)
    process = begin(
        account,
        call,
        name="EXPORT_WEBHOOK",
        seconds=account.switches.export_seconds,
        work=_Export(body, max(first, account.now() - KEPT), last),
        notify_url=body.notifyURL,
    )
    return Answer({"processId": process.id}, status=202)


def _window(account: Account, body: _Body) -> tuple[int, int]:
    now = account.now()
    has_dates = bool(body.startDate or body.endDate)
    if body.days is not None:
        if has_dates or body.days < 1:
            raise errors.invalid("days should be positive and without startDate and endDate")
        return now // DAY * DAY - (body.days - 1) * DAY, now
    if not has_dates:
        return 0, now
    start, end = times.parse_day(body.startDate), times.parse_day(body.endDate)
    if start is None or end is None or start > end:
        raise errors.invalid("startDate and endDate should be in order, YYYY-MM-DD")
    return start, end + DAY - 1


def _row(said: Said) -> list[str]:
    content = said.content
    return [
        str(content["event"]),
        said.email,
        times.plain_local(said.at),
        str(said.at // 1000),
        str(content.get("camp_id", "")),
        str(content.get("campaign name", "")),
        ",".join(map(str, content.get("list_id", []))),
        str(content.get("URL", "")),
        str(content.get("reason", "")),
    ]
