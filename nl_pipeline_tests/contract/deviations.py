"""Where the traffic may differ from Mailchimp's Swagger document, and why.

Belongs here: the table, and the page that is made of it. Not here: looking for misfits (`spec`).
A misfit that no row covers fails a test, and so does a row that covers nothing any more.
`python -m nl_pipeline_tests.contract.deviations` prints the page; a test holds the file against it.
"""

from __future__ import annotations

from dataclasses import dataclass
from fnmatch import fnmatchcase

from nl_pipeline_tests.contract.spec import Misfit


@dataclass(frozen=True)
class Deviation:
    """One accepted difference. `operation` and `place` are patterns, in which `*` is anything."""

    operation: str
    place: str
    problem: str
    reason: str
    source: str

    def covers(self, misfit: Misfit) -> bool:
        """Whether the misfit is this difference."""
        return (
            fnmatchcase(misfit.operation, self.operation)
            and fnmatchcase(misfit.place, self.place)
            and misfit.problem == self.problem
        )


_EMPTY = "A time that is not there is an empty text, not a date."
_RECORDED = "recorded traffic of 2021 and 2022"
_NEWER = "official TypeScript SDK of 2026 (newer than the document)"
_LIBRARY = "mailchimp-marketing 3.0.80"

DEVIATIONS: tuple[Deviation, ...] = (
    Deviation("* /lists*", "answer*/stats/campaign_last_sent", "format", _EMPTY, _RECORDED),
    Deviation("* /lists*", "answer*/stats/last_sub_date", "format", _EMPTY, _RECORDED),
    Deviation("* /lists*", "answer*/stats/last_unsub_date", "format", _EMPTY, _RECORDED),
    Deviation("* /lists/{list_id}*", "answer*/timestamp_signup", "format", _EMPTY, _RECORDED),
    Deviation("* /lists/{list_id}*", "answer*/timestamp_opt", "format", _EMPTY, _RECORDED),
    Deviation("* /batches*", "answer*/completed_at", "format", _EMPTY, _RECORDED),
    Deviation(
        "* /lists/{list_id}/members*",
        "error/type",
        "missing",
        "Member Exists and Member In Compliance State come without the type of the problem.",
        "recorded traffic; issue 798 of mailchimp-for-wordpress",
    ),
    Deviation(
        "*",
        "error/errors",
        "unknown",
        "A refusal of single fields names them; the document's problem has no place for it.",
        "Mailchimp docs, errors",
    ),
    Deviation(
        "* /lists/{list_id}/webhooks*",
        "answer*/signing_enabled",
        "unknown",
        "Whether deliveries are signed; signatures are younger than the document.",
        _NEWER,
    ),
    Deviation(
        "POST /lists/{list_id}/webhooks",
        "answer/signing_secret",
        "unknown",
        "The secret of the signatures, told once at creation.",
        _NEWER,
    ),
    Deviation(
        "GET /reports/{campaign_id}/sent-to",
        "answer/sent_to/#/absplit_group",
        "enum",
        "A campaign without an A/B test has no group: what is not there is an empty text.",
        "inferred from recorded traffic, in which nothing absent is null or left out",
    ),
    Deviation(
        "GET /lists/{list_id}/members/{subscriber_hash}/activity-feed",
        "answer/activity/#/activity_type",
        "kind",
        "A sign-up through a form of Mailchimp is told as `signup`: the document knows it as a"
        " filter but describes no such entry. Open; what is unknown proves nobody's act.",
        "list of filters in the same document",
    ),
    Deviation(
        "GET /lists/{list_id}",
        "query include_total_contacts",
        "type",
        "The library writes a yes or no as Python does, with a capital letter.",
        _LIBRARY,
    ),
    Deviation(
        "POST /lists/{list_id}/members",
        "query skip_merge_validation",
        "type",
        "The library writes a yes or no as Python does, with a capital letter.",
        _LIBRARY,
    ),
    Deviation(
        "POST /lists/{list_id}/members/{subscriber_hash}/actions/delete-permanent",
        "request",
        "unknown",
        "The library sends `null` where a call has no body.",
        _LIBRARY,
    ),
)

_HEAD = """# What is held against Mailchimp's contract

Generated from `nl_pipeline_tests/contract/deviations.py`; do not edit by hand, run
`python -m nl_pipeline_tests.contract.deviations > docs/contract.md`.

Two kinds of traffic with the Mailchimp twin are recorded on the wire: a busy life of a connection
(set-up, first sync, batches, tags, moved addresses, refused rows, a full sync, webhooks, a recovery
of what happened with the reports of campaigns), and a visit of Mailchimp's own client library
(`mailchimp-marketing`) to everything the connector relies on. Every call and every answer, those
inside batches and their result archives included, is checked against Mailchimp's Swagger document
(272 operations): path and method, names and types of parameters, bodies, status, content type. A
property that the document does not name counts as a misfit, and so does a read-only one in a
request. Real traffic differs from the document in places; these are the differences that are known
and kept. Any other, and any of these that is gone, fails a test.

The document is Mailchimp's and is not part of this project: the checks look for it in
`../shared/specs/mailchimp-marketing.json` and are skipped where it is absent. Its list of permitted
`activity_filters` (each value as a list of one) is read as a list of permitted values.

| call | place | misfit | reason | source |
|---|---|---|---|---|
"""


def page() -> str:
    """The text of `docs/contract.md`."""
    rows = (
        f"| `{row.operation}` | `{row.place}` | {row.problem} | {row.reason} | {row.source} |"
        for row in DEVIATIONS
    )
    return _HEAD + "\n".join(rows) + "\n"


if __name__ == "__main__":
    print(page(), end="")
