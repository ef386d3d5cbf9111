"""One form in two versions and leads submitted through it.

Here: what several tests of the rules share. Not here: what they expect.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from nl_pipeline.domain.leads import (
    Answer,
    Consent,
    ConsentAnswer,
    Lead,
    LeadForm,
    Question,
    QuestionKind,
    Translated,
)

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
EMAIL, FIRST_NAME, SITES, TOPICS = 208120345, 108120345, 308120345, 408120345
CONSENT_TEXT = "Accetto la newsletter"


def italian(text: str) -> Translated:
    return Translated({"it_IT": text})


def asked(number: int, text: str, **more: Any) -> Question:
    return Question(number, more.pop("kind", QuestionKind.TEXT), italian(text), **more)


FORM = LeadForm(
    id=8120345,
    version=2,
    name="Autumn demo form",
    locale="it_IT",
    questions=(
        asked(FIRST_NAME, "Nome", predefined="FIRST_NAME", is_required=True),
        asked(EMAIL, "E-mail", predefined="EMAIL", is_required=True),
        asked(
            SITES,
            "Quante sedi?",
            kind=QuestionKind.CHOICE,
            options={0: italian("Una"), 1: italian("Più di una")},
        ),
        asked(
            TOPICS,
            "Temi?",
            kind=QuestionKind.CHOICE,
            options={0: italian("Affitto"), 1: italian("Vendita"), 2: italian("Altro")},
        ),
    ),
    consents=(Consent(0, italian(CONSENT_TEXT)), Consent(1, italian("Accetto le telefonate"))),
    hidden_fields={"utm_source": "linkedin"},
)


def lead(**changes: Any) -> Lead:
    """A lead with an address, a first name, a choice and both consents, in no order."""
    whole = Lead(
        response_id="0d9f4c1e-7a52-4e0b-8c2b-3f1f6f0a9d11-6",
        form_id=FORM.id,
        form_version=FORM.version,
        submitted_at=NOON,
        owner_name="Acme Italia Ads",
        campaign_id="198000222",
        campaign_name="Q4 demo",
        creative_id="241000333",
        answers=(
            Answer(EMAIL, "anna@example.com"),
            Answer(SITES, options=(1,)),
            Answer(FIRST_NAME, "Anna"),
        ),
        consents=(ConsentAnswer(0, True), ConsentAnswer(1, True)),
    )
    return replace(whole, **changes)
