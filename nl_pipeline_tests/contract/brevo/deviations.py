"""Where the traffic may differ from Brevo's OpenAPI document, and why.

Belongs here: the table. Not here: looking for misfits (`spec`), and what is done with the table
(`contract.deviations`).
"""

from __future__ import annotations

from nl_pipeline_tests.contract.deviations import Deviation

_CAPTURE = "live capture of 2026 (connector of Estuary)"
_APRIL = "Brevo's changelog of 2026-04-17"
_LIBRARY = "brevo-python 5.1.0 (newer than the document)"

_NO_LIST = (
    "Nobody who unsubscribed from single lists: null, where the document has a list that may be"
    " left out."
)
_SUBSCRIPTIONS = "Shown in live traffic; what it holds is told nowhere, and nothing is read of it."
_WHATSAPP = "Blocklisted for WhatsApp: younger than the document."
_NO_CAMPAIGN = (
    "Left without a campaign (by a form, or on the profile page): there is none to name, and the"
    " library's models say that it may be absent."
)
_BROWSERS = "Numbers of browsers and devices are given only when they are asked for."
_TAGS = "A campaign may have several tags: younger than the document."
_NAMES = "Names of processes the documentation uses beside those of the document."
_REPORTS = "The link to a report of rows, not their number."

DEVIATIONS: tuple[Deviation, ...] = (
    Deviation(
        "GET /account",
        "answer/dateTimePreferences",
        "missing",
        "No longer returned.",
        _APRIL,
    ),
    Deviation("GET /contacts*", "answer*/listUnsubscribed", "type", _NO_LIST, _CAPTURE),
    Deviation("GET /contacts*", "answer*/subscriptions", "unknown", _SUBSCRIPTIONS, _CAPTURE),
    Deviation("GET /contacts*", "answer*/whatsappBlacklisted", "unknown", _WHATSAPP, _LIBRARY),
    Deviation(
        "GET /contacts/{identifier}*",
        "answer*/unsubscriptions/userUnsubscription/#/campaignId",
        "missing",
        _NO_CAMPAIGN,
        _LIBRARY,
    ),
    Deviation(
        "GET /contacts/attributes",
        "answer/attributes/#/enumeration/#/valueStr",
        "unknown",
        "The value of an option as a text, beside the number.",
        _LIBRARY,
    ),
    Deviation(
        "GET /emailCampaigns*", "answer*/statistics/statsByBrowser", "missing", _BROWSERS, _LIBRARY
    ),
    Deviation(
        "GET /emailCampaigns*", "answer*/statistics/statsByDevice", "missing", _BROWSERS, _LIBRARY
    ),
    Deviation("GET /emailCampaigns*", "answer*/tags", "unknown", _TAGS, _LIBRARY),
    Deviation(
        "GET /emailCampaigns/{campaignId}",
        "query excludeHtmlContent",
        "unknown",
        "One campaign can be asked for without its HTML, as many can.",
        _LIBRARY,
    ),
    Deviation("GET /processes*", "answer*/name", "enum", _NAMES, "Brevo docs, export guides"),
    Deviation("GET /processes*", "answer*/info/import/*", "type", _REPORTS, _APRIL),
    Deviation(
        "GET /events",
        "path",
        "unknown",
        "Events can be read, too: younger than the document.",
        _LIBRARY,
    ),
    Deviation(
        "POST /contacts/batch",
        "error 410",
        "status not documented",
        "Retired since 2026-10-30 and may stop functioning; how it answers is open. We do not call"
        " it.",
        "Brevo's changelog of 2026-05-12",
    ),
    Deviation(
        "GET /account",
        "error 401",
        "status not documented",
        "A wrong key; the document tells it of no call of this kind.",
        "issue 13 of getbrevo/brevo-python",
    ),
    Deviation(
        "POST /webhooks/export",
        "error 403",
        "status not documented",
        "An account without the feature; how it is refused is open.",
        "inferred: the feature is switched on by Brevo on request",
    ),
    Deviation(
        "GET /contacts",
        "query limit",
        "maximum",
        "The library's visit asks for too much, to see it refused.",
        "the visit itself",
    ),
)
