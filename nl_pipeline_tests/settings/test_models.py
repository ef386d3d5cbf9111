"""What may be set, and the defaults."""

from __future__ import annotations

from pathlib import Path

import dagster as dg
import pytest

from nl_pipeline import settings
from nl_pipeline.settings import Limit, SettingsError
from nl_pipeline.settings.values import in_bytes
from nl_pipeline_tests.settings.documents import MINIMAL, connection, parse, with_options


def problem_of(text: str) -> str:
    with pytest.raises(SettingsError) as caught:
        parse(text)
    assert len(caught.value.problems) == 1
    return str(caught.value.problems[0])


def test_a_connection_needs_only_its_keys() -> None:
    agency = connection()

    assert agency.name == "agency"
    assert agency.audience == "onoffice"
    assert agency.crm.time_zone == "Europe/Berlin"
    assert agency.provider.kind == "mailchimp"
    assert agency.adopt_existing is False


def test_salutation_first_and_last_name_are_mapped_both_ways_by_default() -> None:
    mapped = [
        (field.name, field.crm, field.provider, field.direction, field.blank)
        for field in connection().fields
    ]

    assert mapped == [
        ("salutation", "Anrede", "ANREDE", "both", "keep"),
        ("first_name", "Vorname", "FNAME", "both", "keep"),
        ("last_name", "Name", "LNAME", "both", "keep"),
    ]


def test_brakes_have_the_published_defaults() -> None:
    brakes = connection().brakes

    assert brakes.removals == Limit(count=50, percent=2)
    assert brakes.crm_blanked == Limit(count=50, percent=2)
    assert brakes.new_contacts == Limit(count=500, percent=10)
    assert (brakes.overwritten_percent, brakes.crm_shrink_percent) == (20, 5)
    assert (brakes.confirmations, brakes.inbound_alarm_percent) == (20, 2)


def test_one_brake_can_be_set_without_naming_the_others() -> None:
    brakes = connection("brakes: {removals: {count: 3, percent: 1.5}}").brakes

    assert brakes.removals == Limit(count=3, percent=1.5)
    assert brakes.confirmations == 20


def test_off_is_a_word_and_not_a_boolean() -> None:
    agency = connection(
        "fields: [{name: a, crm: A, provider: A, label: A, direction: off}]\n"
        "activities: {hard_bounce: off}"
    )

    assert agency.fields[0].direction == "off"
    assert agency.activities.hard_bounce is None


def test_an_optional_activity_has_a_kind_and_a_type() -> None:
    activities = connection("activities: {delivered: {kind: Email, type: Ausgang}}").activities

    assert activities.delivered == settings.KindType(kind="Email", type="Ausgang")


def test_a_brake_takes_no_text_for_a_number() -> None:
    problem = problem_of(with_options('brakes: {confirmations: "20"}'))

    assert "brakes.confirmations: must be a whole number" in problem


@pytest.mark.parametrize("name", ["Agency", "my_agency", "-agency", "a/b", "ä", "a" * 64])
def test_a_connection_name_that_is_no_file_name_is_refused(name: str) -> None:
    problem = problem_of(MINIMAL.replace("agency:", f"{name}:"))

    assert "lower-case letters, digits and hyphens" in problem


@pytest.mark.parametrize("tag", ["fname", "F-NAME", "ELEVENCHARS", "'F NAME'", "GRÖßE"])
def test_a_merge_tag_outside_mailchimps_rules_is_refused(tag: str) -> None:
    field = f"fields: [{{name: a, crm: A, provider: {tag}, label: A}}]"

    assert "at most 10 upper-case letters" in problem_of(with_options(field))


@pytest.mark.parametrize("field", ["crm: Email", "crm: email", "provider: EMAIL"])
def test_the_email_address_cannot_be_mapped(field: str) -> None:
    other = "provider: A" if field.startswith("crm") else "crm: A"
    line = f"fields: [{{name: a, label: A, {field}, {other}}}]"

    assert "can't be mapped" in problem_of(with_options(line))


def test_the_newsletter_state_cannot_be_mapped() -> None:
    line = "fields: [{name: a, label: A, crm: newsletter_aktiv, provider: A}]"

    assert "decided by the rules" in problem_of(with_options(line))


@pytest.mark.parametrize("key", ["name", "crm", "provider"])
def test_two_fields_cannot_share_a_name_or_a_target(key: str) -> None:
    first = {"name": "a", "crm": "A", "provider": "A"}
    second = {"name": "b", "crm": "B", "provider": "B", key: first[key]}
    lines = "fields:\n" + "".join(
        f"  - {{name: {f['name']}, crm: {f['crm']}, provider: {f['provider']}, label: x}}\n"
        for f in (first, second)
    )

    problem = problem_of(with_options(lines))

    assert problem.startswith(f"connections.yaml:12: connections.agency.fields[1].{key}: ")


@pytest.mark.parametrize("zone", ["Berlin", "CET+1", "../etc/passwd", "Europe/berlin"])
def test_an_unknown_time_zone_is_refused(zone: str) -> None:
    text = MINIMAL.replace(
        'secret: "${SECRET}"', f'secret: "${{SECRET}}"\n        time_zone: {zone}'
    )

    assert "IANA time zone" in problem_of(text)


@pytest.mark.parametrize(
    "cron", ["* * * *", "* * * * * *", "61 * * * *", "0 0 31 2 *", "daily", "@daily"]
)
def test_a_schedule_that_is_no_cron_string_is_refused(cron: str) -> None:
    assert "five cron fields" in problem_of(with_options(f'schedules: {{full: "{cron}"}}'))


@pytest.mark.parametrize(
    "cron", ["*/15 * * * *", "0 3 * * MON-FRI", "0 0 L * *", "5,35 8-18 * * 1-5", "0 4 * JAN *"]
)
def test_a_schedule_that_is_accepted_is_one_for_dagster_too(cron: str) -> None:
    accepted = connection(f'schedules: {{full: "{cron}"}}').schedules.full

    assert dg.ScheduleDefinition(job_name="any", cron_schedule=accepted).cron_schedule == cron


@pytest.mark.parametrize(
    "url",
    [
        "http://api.example.org/api.php",
        "ftp://127.0.0.1/api.php",
        "api.example.org",
        "https://",
        "https://user:pass@api.example.org/",
        "https://api.example.org/?key=1",
        "https://api.example.org:99999/",
        "http://localhost.example.org/",
    ],
)
def test_an_address_that_would_leak_or_cannot_be_called_is_refused(url: str) -> None:
    text = MINIMAL.replace('${KEY}"', f'${{KEY}}"\n        base_url: "{url}"')

    problem = problem_of(text)

    assert "base_url" in problem
    assert "pass" not in problem.replace("password", "")


@pytest.mark.parametrize("host", ["127.0.0.1:8900", "localhost:8900", "[::1]:8900"])
def test_a_sandbox_on_loopback_needs_no_https(host: str) -> None:
    text = MINIMAL.replace('${KEY}"', f'${{KEY}}"\n        base_url: "http://{host}/3.0/"')

    assert parse(text).connections["agency"].provider.base_url == f"http://{host}/3.0"


def test_the_warehouse_of_a_connection_stands_beside_the_settings_file() -> None:
    loaded = parse(MINIMAL + "data_dir: warehouse\n")

    assert loaded.warehouse_path("agency") == Path("/srv/warehouse/agency.duckdb")


def test_the_webhook_log_of_a_connection_stands_in_the_data_folder() -> None:
    loaded = parse(MINIMAL + "data_dir: warehouse\n")

    assert loaded.webhook_log_dir("agency") == Path("/srv/warehouse/webhooks/agency")


def test_the_webhook_log_can_stand_on_a_disk_of_its_own() -> None:
    loaded = parse(MINIMAL + "webhooks:\n  log_dir: /var/lib/hooks\n")

    assert loaded.webhook_log_dir("agency") == Path("/var/lib/hooks/agency")


@pytest.mark.parametrize(
    ("line", "key"),
    [
        ("public_url: http://hooks.example", "public_url"),
        ("secret: plain-text", "secret"),
        ("limits: {body_bytes: 0}", "limits.body_bytes"),
        ("limits: {request_seconds: 0}", "limits.request_seconds"),
        ("limits: {free_space: 5}", "limits.free_space"),
    ],
)
def test_a_receiver_is_not_set_up_with_what_it_can_not_keep(line: str, key: str) -> None:
    with pytest.raises(SettingsError) as caught:
        parse(MINIMAL + f"webhooks:\n  {line}\n")

    assert [problem.key for problem in caught.value.problems] == [f"webhooks.{key}"]
    assert "plain-text" not in str(caught.value)


def test_sizes_of_disks_are_decimal() -> None:
    assert [in_bytes("500MB"), in_bytes("2GB")] == [500_000_000, 2_000_000_000]


def test_an_absolute_data_folder_stays_where_it_is() -> None:
    assert parse(MINIMAL + "data_dir: /var/lib/nl\n").data_dir == Path("/var/lib/nl")


def test_asking_for_an_unknown_connection_names_the_known_ones() -> None:
    with pytest.raises(SettingsError, match="allowed: agency; next: did you mean `agency`"):
        parse(MINIMAL).connection("agencie")
