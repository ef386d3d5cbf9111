"""Which question fills which field: suggested from the form, and checked."""

from __future__ import annotations

from dataclasses import replace

import pytest

from nl_pipeline.domain.leads import (
    PREDEFINED_FIELDS,
    Because,
    FieldMapping,
    LeadForm,
    MappingFlaw,
    Question,
    QuestionKind,
    Translated,
    mapping_problems,
    suggested_mapping,
)
from nl_pipeline_tests.domain.leads.samples import EMAIL, FORM, asked

KEY = FieldMapping("EMAIL", "email")


def form_of(*questions: Question) -> LeadForm:
    return replace(FORM, questions=questions)


def suggested(form: LeadForm) -> dict[str, tuple[str, Because]]:
    return {s.mapping.crm: (s.mapping.source, s.because) for s in suggested_mapping(form)}


def flaws(*rows: FieldMapping, **options: object) -> list[tuple[MappingFlaw, bool]]:
    problems = mapping_problems(rows, **options)  # type: ignore[arg-type]
    return [(problem.flaw, problem.stops) for problem in problems]


def test_linkedins_own_questions_are_suggested_by_their_name() -> None:
    assert suggested(FORM) == {
        "email": ("EMAIL", Because.PREDEFINED),
        "Vorname": ("FIRST_NAME", Because.PREDEFINED),
    }


@pytest.mark.parametrize(
    ("text", "crm"),
    [
        ("E-Mail-Adresse *", "email"),
        ("Ihre E-Mail-Adresse", "email"),
        ("Wie lautet Ihre Telefonnummer?", "phone"),
        ("Nachname", "Name"),
        ("Straße und Hausnummer", "Strasse"),
        ("La tua azienda", "Zusatz1"),
        ("Work e-mail", "email"),
    ],
)
def test_a_question_of_the_advertisers_is_suggested_by_its_text(text: str, crm: str) -> None:
    assert suggested(form_of(asked(77, text))) == {crm: ("77", Because.QUESTION)}


def test_the_name_in_the_authors_language_suggests_nothing() -> None:
    assert suggested(form_of(asked(77, "Quante sedi?", name="Email"))) == {}


def test_a_choice_is_never_suggested_as_an_address() -> None:
    assert suggested(form_of(asked(77, "E-Mail", kind=QuestionKind.CHOICE))) == {}


@pytest.mark.parametrize("text", ["E-Mail-Häufigkeit", "Name", "Haben Sie ein Telefon?", ""])
def test_a_text_that_only_resembles_a_known_one_suggests_nothing(text: str) -> None:
    assert suggested(form_of(asked(77, text))) == {}


def test_a_text_in_any_of_the_forms_languages_is_enough() -> None:
    text = Translated({"xx_XX": "?", "de_DE": "Firma"})

    assert suggested(form_of(Question(5, QuestionKind.TEXT, text))) == {
        "Zusatz1": ("5", Because.QUESTION)
    }


def test_the_private_address_comes_before_that_of_work_whatever_their_order() -> None:
    form = form_of(
        asked(1, "Work", predefined="WORK_EMAIL"),
        asked(2, "Mail", predefined="EMAIL"),
    )

    assert suggested(form) == {"email": ("EMAIL", Because.PREDEFINED)}


def test_a_question_of_linkedins_comes_before_one_that_only_says_the_same() -> None:
    form = form_of(asked(1, "E-Mail"), asked(2, "…", predefined="WORK_EMAIL"))

    assert suggested(form) == {"email": ("WORK_EMAIL", Because.PREDEFINED)}


def test_a_question_of_linkedins_is_not_told_by_its_text() -> None:
    form = form_of(asked(1, "Telefon", predefined="COMPANY_NAME"))

    assert suggested(form) == {"Zusatz1": ("COMPANY_NAME", Because.PREDEFINED)}


def test_an_unknown_predefined_name_is_told_by_its_text() -> None:
    form = form_of(asked(1, "Telefon", predefined="SOMETHING_NEW"))

    assert suggested(form) == {"phone": ("1", Because.QUESTION)}


@pytest.mark.parametrize("predefined", sorted(PREDEFINED_FIELDS))
def test_what_is_suggested_for_a_form_with_an_address_is_free_of_flaws(predefined: str) -> None:
    form = form_of(
        asked(1, "x", predefined="EMAIL", is_required=True),
        asked(2, "y", predefined=predefined, is_required=True),
    )
    rows = [suggestion.mapping for suggestion in suggested_mapping(form)]

    assert mapping_problems(rows, form=form) == ()


def test_a_mapping_without_the_key_stops_the_import() -> None:
    assert flaws(FieldMapping("FIRST_NAME", "Vorname"), form=FORM) == [
        (MappingFlaw.KEY_NOT_MAPPED, True)
    ]


def test_another_key_than_the_address_may_be_chosen() -> None:
    assert flaws(FieldMapping("FIRST_NAME", "Vorname"), key="Vorname", form=FORM) == []


def test_the_key_is_found_however_it_is_written() -> None:
    assert flaws(FieldMapping(str(EMAIL), "Email"), form=FORM) == []


def test_a_form_that_does_not_ask_for_the_key_stops_the_import() -> None:
    form = form_of(asked(1, "Nome", predefined="FIRST_NAME"))

    assert flaws(KEY, form=form) == [(MappingFlaw.KEY_NOT_ON_FORM, True)]


def test_a_key_that_may_be_left_empty_is_told_and_stops_nothing() -> None:
    form = form_of(asked(1, "E-mail", predefined="EMAIL"))

    assert flaws(KEY, form=form) == [(MappingFlaw.KEY_OPTIONAL, False)]


def test_two_rows_for_one_field_stop_the_import() -> None:
    assert flaws(KEY, FieldMapping("FIRST_NAME", "email"), form=FORM) == [
        (MappingFlaw.FIELD_TWICE, True)
    ]


@pytest.mark.parametrize("source", ["JOB_TITLE", "99", "hidden:utm_campaign", "consent:7"])
def test_a_source_the_form_does_not_have_stops_nothing_else(source: str) -> None:
    assert flaws(KEY, FieldMapping(source, "jobTitle"), form=FORM) == [
        (MappingFlaw.SOURCE_NOT_ON_FORM, False)
    ]


@pytest.mark.parametrize("source", ["hidden:utm_source", "consent:1", "lead:campaign_name"])
def test_hidden_fields_consents_and_facts_of_the_lead_can_be_mapped(source: str) -> None:
    assert flaws(KEY, FieldMapping(source, "Zusatz2"), form=FORM) == []


@pytest.mark.parametrize("source", ["", "e-mail", "hidden:", "consent:x", "lead:submitter"])
def test_a_source_that_says_nothing_is_told(source: str) -> None:
    assert flaws(KEY, FieldMapping(source, "jobTitle")) == [(MappingFlaw.SOURCE_UNCLEAR, False)]


def test_a_key_whose_source_says_nothing_stops_the_import() -> None:
    assert flaws(FieldMapping("e-mail", "email")) == [(MappingFlaw.SOURCE_UNCLEAR, True)]


def test_a_field_the_crm_lacks_stops_the_import_only_as_the_key() -> None:
    rows = (FieldMapping("FIRST_NAME", "Vorname"), KEY)

    assert flaws(*rows, form=FORM, crm_fields=["Email"]) == [(MappingFlaw.FIELD_NOT_IN_CRM, False)]
    assert flaws(*rows, form=FORM, crm_fields=["Vorname"]) == [(MappingFlaw.FIELD_NOT_IN_CRM, True)]


def test_what_stops_the_import_comes_first_and_names_its_row() -> None:
    rows = (FieldMapping("JOB_TITLE", "jobTitle"), FieldMapping("FIRST_NAME", "Vorname"))

    first, second = mapping_problems(rows, form=FORM)

    assert (first.stops, second.stops) == (True, False)
    assert "email" in first.text
    assert "JOB_TITLE" in second.text
