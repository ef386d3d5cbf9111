"""From answers to values: any order, options by their text, what is missing or not understood."""

from __future__ import annotations

import unicodedata
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nl_pipeline.domain.leads import (
    Answer,
    AnswerFlaw,
    FieldMapping,
    Lead,
    LeadForm,
    Translated,
    text_answers,
    values_of,
)
from nl_pipeline_tests.domain.leads.samples import (
    EMAIL,
    FIRST_NAME,
    FORM,
    SITES,
    TOPICS,
    italian,
    lead,
)

ROWS = (
    FieldMapping("EMAIL", "email"),
    FieldMapping("FIRST_NAME", "Vorname"),
    FieldMapping(str(SITES), "Zusatz2"),
)


def read(a_lead: Lead, *rows: FieldMapping, form: LeadForm | None = FORM) -> dict[str, str]:
    return dict(values_of(a_lead, form=form, rows=rows or ROWS).values)


def flaws(a_lead: Lead, *rows: FieldMapping, form: LeadForm | None = FORM) -> list[AnswerFlaw]:
    return [p.flaw for p in values_of(a_lead, form=form, rows=rows or ROWS).problems]


@given(st.permutations(lead().answers))
def test_the_order_of_the_answers_does_not_matter(answers: list[Answer]) -> None:
    assert read(lead(answers=tuple(answers))) == {
        "email": "anna@example.com",
        "Vorname": "Anna",
        "Zusatz2": "Più di una",
    }


@pytest.mark.parametrize("text", ["", "  ", "\t\n"])
def test_an_answer_that_says_nothing_empties_no_field(text: str) -> None:
    answered = lead(answers=(Answer(EMAIL, "a@x.example"), Answer(FIRST_NAME, text)))

    assert read(answered) == {"email": "a@x.example"}
    assert flaws(answered) == []


def test_a_question_that_was_not_answered_leaves_its_field_alone() -> None:
    assert read(lead(answers=(Answer(EMAIL, "a@x.example"),))) == {"email": "a@x.example"}


def test_several_options_are_joined_in_the_order_they_were_chosen() -> None:
    chosen = lead(answers=(Answer(TOPICS, options=(2, 0)),))

    assert read(chosen, FieldMapping(str(TOPICS), "Zusatz2")) == {"Zusatz2": "Altro; Affitto"}


def test_an_option_the_form_does_not_have_says_its_number_and_is_told() -> None:
    chosen = lead(answers=(Answer(EMAIL, "a@x.example"), Answer(TOPICS, options=(0, 9))))
    rows = (FieldMapping("EMAIL", "email"), FieldMapping(str(TOPICS), "Zusatz2"))

    assert read(chosen, *rows)["Zusatz2"] == "Affitto; option 9"
    assert flaws(chosen, *rows) == [AnswerFlaw.UNKNOWN_OPTION]


@pytest.mark.parametrize(
    ("texts", "text"),
    [
        ({"en_US": "One", "it_IT": "Una"}, "Una"),
        ({"en_US": "One", "it_CH": "Una"}, "Una"),
        ({"en_US": "One", "de_DE": "Eine"}, "One"),
        ({"it_IT": " ", "ja_JP": "一つ"}, "一つ"),
    ],
    ids=["the form's locale", "its language", "else the first", "a text that is there"],
)
def test_an_option_is_told_in_the_forms_language(texts: dict[str, str], text: str) -> None:
    sites = FORM.questions[2]
    form = replace(FORM, questions=(replace(sites, options={1: Translated(texts)}),))

    assert read(lead(), FieldMapping(str(SITES), "Zusatz2"), form=form) == {"Zusatz2": text}


def test_a_prefilled_enumeration_is_the_text_it_arrived_as() -> None:
    answered = lead(answers=(Answer(FIRST_NAME, "Ingeniería"),))

    assert read(answered, FieldMapping("FIRST_NAME", "x")) == {"x": "Ingeniería"}


def test_a_text_becomes_one_line_without_control_characters() -> None:
    answered = lead(answers=(Answer(FIRST_NAME, " Anna\x00\r\nMaria\u200b "),))

    assert read(answered, FieldMapping("FIRST_NAME", "x")) == {"x": "Anna Maria"}


def test_a_name_keeps_the_joiners_it_is_spelt_with() -> None:
    answered = lead(answers=(Answer(FIRST_NAME, "\u202eعلی\u200cرضا"),))

    assert read(answered, FieldMapping("FIRST_NAME", "x")) == {"x": "علی\u200cرضا"}


def test_without_the_form_questions_are_told_by_their_id_only() -> None:
    rows = (FieldMapping(str(EMAIL), "email"), FieldMapping("FIRST_NAME", "Vorname"))

    assert read(lead(), *rows, form=None) == {"email": "anna@example.com"}
    assert flaws(lead(), *rows, form=None) == [AnswerFlaw.FORM_UNKNOWN]


def test_a_lead_without_the_key_is_told() -> None:
    assert flaws(lead(answers=())) == [AnswerFlaw.KEY_MISSING]


def test_of_two_questions_of_one_name_the_answered_one_counts() -> None:
    form = replace(FORM, questions=(*FORM.questions, replace(FORM.questions[1], id=9)))
    answered = lead(answers=(Answer(EMAIL, ""), Answer(9, "b@x.example")))

    assert read(answered, FieldMapping("EMAIL", "email"), form=form) == {"email": "b@x.example"}


@pytest.mark.parametrize(
    ("source", "value"),
    [
        ("hidden:utm_source", "linkedin"),
        ("consent:0", "1"),
        ("lead:form_id", "8120345"),
        ("lead:form_name", "Autumn demo form"),
        ("lead:ad_account_name", "Acme Italia Ads"),
        ("lead:campaign_id", "198000222"),
        ("lead:campaign_name", "Q4 demo"),
        ("lead:creative_id", "241000333"),
    ],
)
def test_what_comes_with_the_lead_can_be_a_value(source: str, value: str) -> None:
    assert read(lead(), FieldMapping(source, "x")) == {"x": value}


def test_a_consent_that_was_not_asked_for_gives_no_value() -> None:
    assert read(lead(consents=()), FieldMapping("consent:0", "x")) == {}


def test_answers_are_told_in_the_order_of_the_form() -> None:
    answered = lead(answers=(Answer(4711, "?"), *lead().answers))

    assert text_answers(answered, form=FORM) == (
        ("Nome", "Anna"),
        ("E-mail", "anna@example.com"),
        ("Quante sedi?", "Più di una"),
        ("question 4711", "?"),
    )


def test_neither_a_lead_nor_its_values_nor_a_problem_shows_an_answer() -> None:
    values = values_of(lead(), form=FORM, rows=ROWS)
    problems = values_of(lead(), form=None, rows=ROWS).problems

    shown = f"{lead()!r} {lead().answers!r} {values!r} {problems!r}"
    assert "Anna" not in shown
    assert "anna@" not in shown
    assert lead().response_id in shown


@given(st.text(), st.text())
def test_a_value_is_never_blank_and_never_more_than_a_line(email: str, name: str) -> None:
    answered = lead(answers=(Answer(EMAIL, email), Answer(FIRST_NAME, name)))

    for value in read(answered).values():
        assert value == value.strip()
        assert not any(unicodedata.category(character) == "Cc" for character in value)
        assert value


def test_a_text_of_no_locale_is_empty() -> None:
    assert (Translated({}).text("de_DE"), italian("x").locale("de_DE")) == ("", "it_IT")
