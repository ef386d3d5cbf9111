"""A lead is consent only when the mapped box was ticked and its text is known."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nl_pipeline.domain.leads import (
    Consent,
    ConsentAnswer,
    ConsentEvidence,
    ConsentMapping,
    ConsentReason,
    Lead,
    LeadForm,
    NewsletterAs,
    Translated,
    consent_of,
)
from nl_pipeline_tests.domain.leads.samples import CONSENT_TEXT, FORM, NOON, italian, lead

BOX = ConsentMapping(0)


def reason(a_lead: Lead, *, form: LeadForm | None = FORM, box: ConsentMapping | None = BOX) -> str:
    finding = consent_of(a_lead, form=form, mapping=box)
    assert (finding.evidence is not None) == (finding.reason is ConsentReason.ACCEPTED)
    return finding.reason


def test_a_ticked_box_is_evidence_with_form_version_text_and_time() -> None:
    submitted = lead(submitted_at=NOON + timedelta(milliseconds=456))

    assert consent_of(submitted, form=FORM, mapping=BOX).evidence == ConsentEvidence(
        response_id=submitted.response_id,
        form_id=8120345,
        form_version=2,
        consent_id=0,
        locale="it_IT",
        text=CONSENT_TEXT,
        accepted_at=NOON + timedelta(milliseconds=456),
        newsletter=NewsletterAs.DOI,
    )


def test_the_settings_may_ask_for_yes_at_once() -> None:
    finding = consent_of(lead(), form=FORM, mapping=ConsentMapping(0, NewsletterAs.YES))

    assert finding.evidence is not None
    assert finding.evidence.newsletter is NewsletterAs.YES


def test_a_box_nobody_mapped_is_no_consent() -> None:
    assert reason(lead(), box=None) == ConsentReason.NOT_MAPPED


@pytest.mark.parametrize("consents", [(), (ConsentAnswer(1, True),)], ids=["none", "another"])
def test_a_box_that_was_not_answered_is_no_consent(consents: tuple[ConsentAnswer, ...]) -> None:
    assert reason(lead(consents=consents)) == ConsentReason.NOT_ANSWERED


@pytest.mark.parametrize("said", [(False,), (True, False), (False, True)])
def test_a_box_that_was_not_ticked_is_no_consent(said: tuple[bool, ...]) -> None:
    answers = tuple(ConsentAnswer(0, accepted) for accepted in said)

    assert reason(lead(consents=answers)) == ConsentReason.NOT_ACCEPTED


def test_a_test_lead_is_nobodys_consent() -> None:
    assert reason(lead(is_test=True)) == ConsentReason.TEST_LEAD


@pytest.mark.parametrize(
    "form",
    [
        None,
        replace(FORM, version=3),
        replace(FORM, id=1),
        replace(FORM, consents=()),
        replace(FORM, consents=(Consent(0, italian("  ")),)),
    ],
    ids=["no form", "another version", "another form", "no box", "a box without text"],
)
def test_a_consent_whose_text_is_not_known_proves_nothing(form: LeadForm | None) -> None:
    assert reason(lead(), form=form) == ConsentReason.TEXT_UNKNOWN


def test_a_box_that_now_asks_for_something_else_is_no_consent() -> None:
    box = replace(BOX, text="Accetto la newsletter mensile")

    assert reason(lead(), box=box) == ConsentReason.TEXT_CHANGED


@pytest.mark.parametrize("text", [CONSENT_TEXT, "  accetto LA\n newsletter ", "Ich stimme zu"])
def test_a_box_that_says_what_it_said_in_any_language_is_consent(text: str) -> None:
    translated = Translated({"it_IT": CONSENT_TEXT, "de_DE": "Ich stimme zu"})
    form = replace(FORM, consents=(Consent(0, translated),))

    assert reason(lead(), form=form, box=replace(BOX, text=text)) == ConsentReason.ACCEPTED


@given(
    consents=st.lists(st.builds(ConsentAnswer, st.integers(0, 2), st.booleans())),
    mapped=st.none() | st.integers(0, 2),
    is_test=st.booleans(),
    version=st.integers(1, 3),
)
def test_nothing_but_the_mapped_ticked_box_of_a_person_is_ever_evidence(
    consents: list[ConsentAnswer], mapped: int | None, is_test: bool, version: int
) -> None:
    box = None if mapped is None else ConsentMapping(mapped)
    submitted = lead(consents=tuple(consents), is_test=is_test, form_version=version)

    if consent_of(submitted, form=FORM, mapping=box).evidence is not None:
        said = {c.accepted for c in consents if c.consent_id == mapped}
        assert (said, is_test, version) == ({True}, False, FORM.version)
        assert mapped in (0, 1)
