"""Answers of LinkedIn, made by hand after the recorded ones, and a client for them.

Here: what several tests of the LinkedIn client share. Not here: what they expect.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

import httpx

from nl_pipeline.clients.linkedin import LinkedInClient, Tokens, TokenStore, configured_tokens
from nl_pipeline.domain.leads import Owner, OwnerKind
from nl_pipeline_tests.clients.answering import Naps, Server

ACCOUNT = Owner(OwnerKind.AD_ACCOUNT, 507000111)
NOON = datetime(2026, 8, 1, 12, tzinfo=UTC)
SECRET = "client-sekret"
CANARY = "canary.person@kunde-77.example"
DATE = {"date": "Sat, 01 Aug 2026 12:00:00 GMT"}


def client_of(
    server: Server,
    *,
    tokens: Tokens | None = None,
    store: TokenStore | None = None,
    naps: Naps | None = None,
    **options: Any,
) -> LinkedInClient:
    return LinkedInClient(
        client_id="app",
        client_secret=SECRET,
        tokens=tokens or configured_tokens(access_token="old", refresh_token="refresh"),
        version="202607",
        store=store,
        http=server.client(),
        sleep=naps or Naps(),
        **{"now": lambda: NOON, **options},
    )


def told(body: Any, *, status: int = 200, **headers: str) -> httpx.Response:
    return httpx.Response(status, json=body, headers={**DATE, **headers})


def refused(
    status: int, message: str = "", *, code: str = "", service_code: int = 100
) -> httpx.Response:
    """An error envelope of the newer shape with `code`, of the older one without."""
    body: dict[str, Any] = {"status": status, "serviceErrorCode": service_code, "message": message}
    return told(
        {**body, "code": code} if code else body, status=status, **{"x-li-uuid": "AAY+x/1="}
    )


def granted(access: str = "new", **more: Any) -> httpx.Response:
    return told({"access_token": access, "expires_in": 5183999, **more})


FORM: dict[str, Any] = {
    "id": 8120345,
    "name": "Autumn demo form",
    "creationLocale": {"country": "IT", "language": "it"},
    "hiddenFields": [{"name": "utm_source", "value": "linkedin"}],
    "content": {
        "headline": {"localized": {"it_IT": "Prenota una demo"}},
        "questions": [
            {
                "questionId": 208120345,
                "name": "Email address",
                "question": {"localized": {"it_IT": "E-mail"}},
                "predefinedField": "EMAIL",
                "responseRequired": True,
                "responseEditable": True,
                "questionDetails": {"textQuestionDetails": {"maxResponseLength": 300}},
            },
            {
                "questionId": 308120345,
                "name": "Custom question 0",
                "question": {"localized": {"it_IT": "Quante sedi?"}},
                "responseRequired": False,
                "questionDetails": {
                    "multipleChoiceQuestionDetails": {
                        "options": [
                            {"id": 0, "text": {"localized": {"it_IT": "Una"}}},
                            {"id": 1, "text": {"localized": {"it_IT": "Più di una"}}},
                        ]
                    }
                },
            },
        ],
        "legalInfo": {
            "legalInfoId": 108120345,
            "consents": [
                {"id": 0, "checkRequired": False, "consent": {"localized": {"it_IT": "Accetto"}}}
            ],
        },
    },
}


def lead_row(lead_id: str = "0d9f4c1e-6", **changes: Any) -> dict[str, Any]:
    """A lead as the full projection brings it; a change to None takes the key away."""
    row = {
        "id": lead_id,
        "owner": {"sponsoredAccount": "urn:li:sponsoredAccount:507000111"},
        "ownerInfo": {"sponsoredAccountInfo": {"name": "Acme Italia Ads"}},
        "leadType": "SPONSORED",
        "submittedAt": 1785585600456,
        "testLead": False,
        "versionedLeadGenFormUrn": "urn:li:versionedLeadGenForm:(urn:li:leadGenForm:8120345,2)",
        "leadMetadata": {"sponsoredLeadMetadata": {"campaign": "urn:li:sponsoredCampaign:198"}},
        "leadMetadataInfo": {
            "sponsoredLeadMetadataInfo": {
                "campaign": {"id": "urn:li:sponsoredCampaign:198", "name": "Q4 demo"}
            }
        },
        "associatedEntity": {"associatedCreative": "urn:li:sponsoredCreative:241"},
        "formResponse": {
            "answers": [
                {
                    "questionId": 208120345,
                    "answerDetails": {"textQuestionAnswer": {"answer": CANARY}},
                },
                {
                    "questionId": 308120345,
                    "answerDetails": {"multipleChoiceAnswer": {"options": [1]}},
                },
            ],
            "consentResponses": [{"consentId": 0, "accepted": True}],
        },
        "form": FORM,
        **changes,
    }
    return {key: value for key, value in row.items() if value is not None}


def page(rows: Sequence[Any], **paging: Any) -> httpx.Response:
    return told({"elements": list(rows), "paging": paging})
