"""What may be set about leads, and what is refused before anything is imported."""

from __future__ import annotations

import pytest

from nl_pipeline import settings
from nl_pipeline.settings import SettingsError
from nl_pipeline_tests.settings.documents import (
    BREVO,
    MINIMAL,
    connection,
    linkedin_of,
    parse,
    with_linkedin,
    with_options,
)


def problem_of(text: str) -> str:
    with pytest.raises(SettingsError) as caught:
        parse(text)
    assert len(caught.value.problems) == 1
    return str(caught.value.problems[0])


def test_without_any_word_about_leads_there_are_none() -> None:
    assert connection().leads.linkedin is None
    assert connection().audiences == ()


def test_the_import_is_off_until_somebody_switches_it_on() -> None:
    assert linkedin_of().import_leads is False
    assert linkedin_of("import_leads: true").import_leads is True


def test_a_form_nobody_named_has_the_defaults() -> None:
    form = linkedin_of().form(8120345)

    assert (form.enabled, form.interval_hours, form.key) == (True, 24, "email")
    assert (form.fields, form.consent, form.include_test_leads) == ((), None, False)


def test_what_is_not_said_for_a_form_holds_as_for_every_form() -> None:
    linkedin = linkedin_of(
        "new_forms: {interval_hours: 6, tag: LinkedIn}\n"
        'forms: {"8120345": {tag: Infoabend}, "6083": {enabled: false, interval_hours: 24}}'
    )

    first, second, third = (linkedin.form(number) for number in (8120345, 6083, 1))
    assert (first.tag, first.interval_hours, first.enabled) == ("Infoabend", 6, True)
    # Said with the value it has by default anyway: that is said, too.
    assert (second.tag, second.interval_hours, second.enabled) == ("LinkedIn", 24, False)
    assert (third.tag, third.interval_hours) == ("LinkedIn", 6)


def test_the_number_of_a_form_may_have_19_digits() -> None:
    linkedin = linkedin_of("forms: {6851219773716516864: {enabled: false}}")

    assert linkedin.form(6851219773716516864).enabled is False


def test_a_question_is_named_by_linkedins_name_or_by_its_number() -> None:
    fields = "[{question: EMAIL, crm: email}, {question: 208120345, crm: Ort}]"
    form = linkedin_of(f"forms: {{8120345: {{fields: {fields}}}}}").form(8120345)

    assert [(field.question, field.crm) for field in form.fields] == [
        ("EMAIL", "email"),
        ("208120345", "Ort"),
    ]


def test_fields_without_the_key_are_refused_where_they_stand() -> None:
    line = "forms: {8120345: {fields: [{question: FIRST_NAME, crm: Vorname}]}}"

    problem = problem_of(with_linkedin(more=line))

    assert "connections.agency.leads.linkedin.forms.8120345.fields: " in problem
    assert "key field email" in problem


def test_another_key_has_to_be_mapped_in_place_of_the_address() -> None:
    fields = "[{question: PHONE_NUMBER, crm: phone}]"

    form = linkedin_of(f"forms: {{8120345: {{key: phone, fields: {fields}}}}}").form(8120345)

    assert form.key == "phone"


def test_a_field_that_would_be_filled_twice_is_refused() -> None:
    fields = "[{question: EMAIL, crm: email}, {question: WORK_EMAIL, crm: Email}]"

    assert "two rows fill the field" in problem_of(
        with_linkedin(more=f"forms: {{8120345: {{fields: {fields}}}}}")
    )


@pytest.mark.parametrize("source", ["208120345", "consent:0"])
def test_numbers_that_differ_from_form_to_form_are_refused_for_every_form(source: str) -> None:
    fields = f"[{{question: EMAIL, crm: email}}, {{question: '{source}', crm: Ort}}]"

    problem = problem_of(with_linkedin(more=f"new_forms: {{fields: {fields}}}"))

    assert "new_forms.fields[1].question: this number means something else on each form" in problem


def test_a_consent_for_forms_nobody_has_read_is_not_known() -> None:
    assert "new_forms.consent: this key is not known here" in problem_of(
        with_linkedin(more="new_forms: {consent: {consent_id: 0}}")
    )


@pytest.mark.parametrize(
    ("line", "key"),
    [
        ("version: 2026", "version"),
        ("version: 202607.x", "version"),
        ("lead_types: []", "lead_types"),
        ("lead_types: [ORGANIC]", "lead_types[0]"),
        ("forms: {contact: {enabled: false}}", "forms.contact"),
        ("forms: {8120345: {interval_hours: 0.5}}", "forms.8120345.interval_hours"),
        ("forms: {8120345: {consent: {newsletter: doi}}}", "forms.8120345.consent.consent_id"),
        (
            "forms: {8120345: {fields: [{question: '?', crm: x}]}}",
            "forms.8120345.fields[0].question",
        ),
    ],
)
def test_what_linkedin_does_not_have_is_refused(line: str, key: str) -> None:
    problem = problem_of(with_linkedin(more=line))

    assert f"connections.agency.leads.linkedin.{key}: " in problem
    assert "allowed: " in problem


@pytest.mark.parametrize(
    ("text", "workflow"),
    [
        (MINIMAL, "{event: lead}"),
        (MINIMAL, "{journey: 7}"),
        (MINIMAL, "{}"),
        (BREVO, "{journey: 7, step: 8}"),
        (BREVO, "{event: lead, step: 8}"),
    ],
)
@pytest.mark.parametrize("place", ["new_forms: ", "forms: {8120345: "])
def test_a_workflow_the_provider_does_not_have_is_refused(
    text: str, workflow: str, place: str
) -> None:
    line = f"{place}{{workflow: {workflow}}}" + ("}" if place.startswith("forms") else "")

    problem = problem_of(with_linkedin(text, more=line))

    assert ".workflow: this workflow is not one of the provider" in problem


@pytest.mark.parametrize(
    ("text", "workflow"), [(MINIMAL, "{journey: 7, step: 8}"), (BREVO, "{event: lead}")]
)
def test_a_workflow_has_an_entry_limit(text: str, workflow: str) -> None:
    chosen = linkedin_of(f"new_forms: {{workflow: {workflow}}}", text=text).form(1).workflow

    assert chosen is not None
    assert (chosen.entry_limit.count, chosen.entry_limit.days) == (1, 30)


@pytest.mark.parametrize("owner", ["{}", "{ad_account: 1, organization: 2}"])
def test_an_owner_is_one_account_or_one_page(owner: str) -> None:
    text = with_linkedin().replace("{ad_account: 507000111}", owner)

    assert "an owner is one ad account or one page" in problem_of(text)


def test_the_version_needs_no_quotes() -> None:
    assert linkedin_of("version: 202609").version == "202609"


def test_an_audience_is_a_filter_with_a_tag() -> None:
    line = "audiences: [{name: tests, tag: Testleads, where: {form: 8120345, test: true}}]"

    (audience,) = connection(line).audiences

    assert (audience.name, audience.tag) == ("tests", "Testleads")
    assert audience.where == settings.LeadFilter(form=8120345, test=True)


def test_a_filter_that_would_take_everybody_is_refused() -> None:
    line = "audiences: [{name: all, tag: All, where: {}}]"

    assert "would take every submission" in problem_of(with_options(line))


@pytest.mark.parametrize("key", ["name", "tag"])
def test_two_audiences_cannot_share_a_name_or_a_tag(key: str) -> None:
    second = {"name": "b", "tag": "B"} | {key: {"name": "a", "tag": "A"}[key]}
    line = (
        "audiences: [{name: a, tag: A, where: {form: 1}}, "
        f"{{name: {second['name']}, tag: {second['tag']}, where: {{form: 2}}}}]"
    )

    assert f"audiences[1].{key}: another audience has the same value" in problem_of(
        with_options(line)
    )
