"""Where the traffic may differ from Mailchimp's Swagger document, and why.

Belongs here: the table. Not here: looking for misfits (`spec`), and what is done with the table
(`contract.deviations`).
"""

from __future__ import annotations

from nl_pipeline_tests.contract.deviations import Deviation

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
