"""One provider per connection: which one, its own settings, and what it can't do."""

from __future__ import annotations

import pytest

from nl_pipeline import settings
from nl_pipeline.settings import SettingsError
from nl_pipeline_tests.settings.documents import (
    BREVO,
    MINIMAL,
    brevo_of,
    connection,
    parse,
    with_options,
)


def problem_of(text: str) -> str:
    with pytest.raises(SettingsError) as caught:
        parse(text)
    assert len(caught.value.problems) == 1
    return str(caught.value.problems[0])


def with_brevo(*lines: str) -> str:
    """The minimal connection to Brevo with `lines` of YAML below its key."""
    return BREVO + "".join(f"        {line}\n" for line in lines)


def test_a_connection_to_brevo_needs_only_its_keys() -> None:
    agency = connection(text=BREVO)

    assert agency.provider.kind == "brevo"
    brevo = brevo_of(agency)
    assert brevo == settings.Brevo(api_key=settings.SecretReference.parse("${KEY}"))
    assert brevo.base_url == "https://api.brevo.com/v3"
    assert brevo.limits == settings.BrevoLimits(
        contacts_per_second=10, contacts_per_hour=36_000, other_per_hour=100
    )
    assert brevo.double_opt_in is None


def test_two_providers_in_one_connection_are_refused_at_the_second() -> None:
    problem = problem_of(MINIMAL + '      brevo:\n        api_key: "${OTHER}"\n')

    assert problem.startswith("connections.yaml:10: connections.agency.provider.brevo: ")
    assert "mailchimp stands here already" in problem
    assert problem.endswith("remove one of the two, or give it a connection of its own")


def test_a_connection_without_a_provider_is_told_which_there_are() -> None:
    text = MINIMAL.replace('      mailchimp:\n        api_key: "${KEY}"\n', "      {}\n")

    assert "allowed: exactly one of mailchimp, brevo" in problem_of(text)


def test_a_misspelt_provider_is_answered_with_the_one_that_was_meant() -> None:
    assert "did you mean `brevo`?" in problem_of(MINIMAL.replace("mailchimp:", "brevoo:"))


def test_a_provider_with_nothing_below_it_is_refused() -> None:
    problem = problem_of(MINIMAL.replace('mailchimp:\n        api_key: "${KEY}"', "brevo:"))

    assert problem.startswith("connections.yaml:8: connections.agency.provider.brevo: must be a gr")


def test_a_second_provider_with_nothing_below_it_is_refused() -> None:
    problem = problem_of(MINIMAL + "      brevo:\n")

    assert problem.startswith("connections.yaml:10: connections.agency.provider.brevo: must be a g")


@pytest.mark.parametrize(
    ("line", "key"),
    [
        ("import_megabytes: 11", "import_megabytes"),
        ("import_megabytes: 0", "import_megabytes"),
        ("max_connections: 11", "max_connections"),
        ("limits: {contacts_per_second: 0}", "limits.contacts_per_second"),
        ("limits: {per_day: 5}", "limits.per_day"),
        ("base_url: http://api.brevo.com/v3", "base_url"),
        ("key_name: ''", "key_name"),
        ("double_opt_in: {template_id: 5}", "double_opt_in.redirection_url"),
        (
            "double_opt_in: {template_id: 0, redirection_url: https://a.example/}",
            "double_opt_in.template_id",
        ),
        ("audience_details: {}", "audience_details"),
    ],
)
def test_what_brevo_does_not_take_is_refused(line: str, key: str) -> None:
    problem = problem_of(with_brevo(line))

    assert problem.startswith(f"connections.yaml:10: connections.agency.provider.brevo.{key}: ")


def test_one_limit_can_be_raised_without_naming_the_others() -> None:
    brevo = brevo_of(parse(with_brevo("limits: {other_per_hour: 200}")).connections["agency"])

    assert (brevo.limits.other_per_hour, brevo.limits.contacts_per_second) == (200, 10)


def test_the_default_fields_are_looked_up_at_brevo() -> None:
    mapped = [(field.name, field.crm, field.provider) for field in connection(text=BREVO).fields]

    assert mapped == [
        ("salutation", "Anrede", None),
        ("first_name", "Vorname", None),
        ("last_name", "Name", None),
    ]


def test_a_field_with_a_usual_merge_tag_needs_none_written() -> None:
    (field,) = connection("fields: [{name: last_name, crm: Name}]").fields

    assert field.provider == "LNAME"


def test_an_attribute_of_brevo_may_have_a_name_no_merge_tag_could_have() -> None:
    line = "fields: [{name: consent, crm: Einwilligung, provider: DOUBLE_OPT-IN}]"

    assert connection(line, text=BREVO).fields[0].provider == "DOUBLE_OPT-IN"


@pytest.mark.parametrize("text", [MINIMAL, BREVO], ids=["mailchimp", "brevo"])
def test_a_field_of_ones_own_has_to_say_where_it_belongs(text: str) -> None:
    problem = problem_of(with_options("fields:\n  - {name: city, crm: Ort}", text=text))

    assert problem.startswith("connections.yaml:11: connections.agency.fields[0].provider: ")
    assert problem.endswith("add `provider:`")


@pytest.mark.parametrize(
    "name", ["EMAIL", "SMS", "WHATSAPP", "LANDLINE_NUMBER", "EXT_ID", "_PIXEL_TRACKING_CONSENT"]
)
def test_what_brevo_uses_itself_is_no_profile_field(name: str) -> None:
    line = f"fields: [{{name: a, crm: A, provider: {name}}}]"

    assert f"fields[0].provider: {name}: " in problem_of(with_options(line, text=BREVO))


def test_a_merge_tag_that_is_the_usual_one_of_another_field_is_taken() -> None:
    lines = "fields:\n  - {name: first_name, crm: A}\n  - {name: b, crm: B, provider: FNAME}"

    assert problem_of(with_options(lines)).startswith(
        "connections.yaml:12: connections.agency.fields[1].provider: another field"
    )


def test_tags_are_off_with_brevo() -> None:
    assert connection().tags.enabled
    assert not connection(text=BREVO).tags.enabled


@pytest.mark.parametrize("line", ["tags: {enabled: false}", "tags: {field: Other}"])
def test_tags_that_nobody_switched_on_are_no_problem_with_brevo(line: str) -> None:
    assert not connection(line, text=BREVO).tags.enabled


def test_switching_tags_on_with_brevo_is_refused_with_the_reason() -> None:
    problem = problem_of(with_options("tags: {enabled: true}", text=BREVO))

    assert "connections.agency.tags.enabled: Brevo has no tags" in problem


def test_openings_and_clicks_may_become_activities_with_brevo() -> None:
    activity = "{kind: Email, type: Eingang}"
    activities = connection(
        f"activities: {{open: {activity}, click: {activity}, proxy_opens: true}}", text=BREVO
    ).activities

    assert (activities.open, activities.click) == (activities.profile, activities.profile)
    assert activities.proxy_opens
    assert connection(text=BREVO).activities.open is None


@pytest.mark.parametrize(
    "line", ["open: {kind: a, type: b}", "click: {kind: a, type: b}", "proxy_opens: true"]
)
def test_activities_of_openings_and_clicks_are_refused_with_mailchimp(line: str) -> None:
    problem = problem_of(with_options(f"activities: {{{line}}}"))

    assert f"activities.{line.split(':')[0]}: " in problem
    assert "with Brevo only" in problem
