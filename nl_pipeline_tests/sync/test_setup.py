"""Set-up: what it checks, what it creates, and what it says when it cannot go on.

Every refusal names what is wrong and what to do next, and holds no personal data.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import httpx
import pytest

from nl_pipeline.clients.errors import OperatorNeeded
from nl_pipeline.domain.brakes import Verdict
from nl_pipeline.sandbox import credentials
from nl_pipeline.settings import KindType
from nl_pipeline.warehouse import plans
from nl_pipeline_tests.scenario import Scenario

_AUTH = ("any", credentials.MAILCHIMP_API_KEY)


def call(scenario: Scenario, method: str, path: str, body: dict[str, Any] | None = None) -> Any:
    """One call of Mailchimp's API, as its web application would make it."""
    answer = httpx.request(
        method,
        f"{scenario.control.mailchimp_url}{path}",
        json=body,
        auth=_AUTH,
        trust_env=False,
        verify=False,
    )
    return answer.raise_for_status().json() if answer.content else None


def rename_audience(scenario: Scenario, *, to: str) -> None:
    call(scenario, "PATCH", f"/lists/{scenario.audience_id}", {"name": to})


def no_rights(scenario: Scenario) -> None:
    scenario.control.act("onoffice", actor="staff", action="restrict_rights", visible=0)


def field_switched_off(scenario: Scenario) -> None:
    scenario.control.switch("onoffice", name="inactive_fields", value=["Vorname"])


def newsletter_field_switched_off(scenario: Scenario) -> None:
    scenario.control.switch("onoffice", name="inactive_fields", value=["newsletter_aktiv"])


def newsletter_value_missing(scenario: Scenario) -> None:
    scenario.control.switch("onoffice", name="newsletter_values", value=["0", "1", "4"])


def activity_kind_unknown(scenario: Scenario) -> None:
    activities = scenario.link.settings.activities.model_copy(
        update={"unsubscribe": KindType(kind="Newsletter", type="abbestellt")}
    )
    scenario.change_settings(activities=activities)


def no_room_for_an_audience(scenario: Scenario) -> None:
    rename_audience(scenario, to="Kunden")
    scenario.control.switch("mailchimp", name="max_audiences", value=2)


def audience_twice(scenario: Scenario) -> None:
    details = call(scenario, "GET", f"/lists/{scenario.audience_id}")
    names = ("name", "contact", "permission_reminder", "campaign_defaults", "email_type_option")
    call(scenario, "POST", "/lists", {name: details[name] for name in names})


def no_details_for_an_audience(scenario: Scenario) -> None:
    rename_audience(scenario, to="Kunden")
    provider = scenario.link.settings.provider.model_copy(update={"audience_details": None})
    scenario.change_settings(provider=provider)


@dataclass(frozen=True)
class Refusal:
    """What is wrong, and words that the message must have."""

    spoil: Callable[[Scenario], None]
    code: str
    says: tuple[str, ...]


REFUSALS = {
    "the API user sees nothing": Refusal(no_rights, "no_rows_visible", ("right to read",)),
    "a mapped field is switched off": Refusal(
        field_switched_off, "field_missing", ("Vorname", "activate")
    ),
    "the newsletter field is switched off": Refusal(
        newsletter_field_switched_off, "field_missing", ("newsletter_aktiv", "activate")
    ),
    "the newsletter field has no Cancellation": Refusal(
        newsletter_value_missing, "select_value_missing", ("newsletter_aktiv", "value 2")
    ),
    "the kind of an activity does not exist": Refusal(
        activity_kind_unknown, "activity_kind_missing", ("abbestellt", "activities.unsubscribe")
    ),
    "the plan allows no further audience": Refusal(
        no_room_for_an_audience, "audience_limit", ("allows 2 audience(s)", "rename", "'onoffice'")
    ),
    "two audiences have the name": Refusal(audience_twice, "audience_doubled", ("2", "rename")),
    "nothing is said about the audience to create": Refusal(
        no_details_for_an_audience, "audience_details_missing", ("audience_details",)
    ),
}


@pytest.mark.parametrize("refusal", REFUSALS.values(), ids=REFUSALS)
def test_set_up_says_what_is_wrong_and_what_to_do_next(
    unsynced: Scenario, refusal: Refusal
) -> None:
    refusal.spoil(unsynced)
    unsynced.control.forget_calls()

    with pytest.raises(OperatorNeeded) as refused:
        unsynced.set_up()

    message = str(refused.value)
    assert refused.value.code == refusal.code
    assert [word for word in (*refusal.says, "Next:") if word not in message] == []
    assert "@" not in message
    assert unsynced.writes() == {}


def test_an_audience_that_is_gone_stops_every_sync_and_is_not_created_again(
    scenario: Scenario,
) -> None:
    before = scenario.picture().contacts
    scenario.control.act("mailchimp", actor="staff", action="delete_audience")

    with pytest.raises(OperatorNeeded) as refused:
        scenario.sync("full")

    assert refused.value.code == "audience_gone"
    audiences = scenario.control.dump("mailchimp")["audiences"]
    assert [audience["name"] for audience in audiences] == ["Kunden 2019"]
    contacts = scenario.control.dump("onoffice")["addresses"]
    assert {contact["id"]: contact for contact in contacts} == before


def test_a_renamed_audience_is_found_by_its_id(scenario: Scenario) -> None:
    audience_id = scenario.audience_id
    scenario.person("unsubscribe", "kunde-01")
    rename_audience(scenario, to="Newsletter")

    scenario.sync()

    contacts = scenario.control.dump("onoffice")["addresses"]
    said = [c["newsletter_aktiv"] for c in contacts if c["Email"] == "kunde-01@kunde.example"]
    assert (len(audience_id), said) == (10, ["2"])


def test_set_up_creates_the_audience_where_there_is_none(unsynced: Scenario) -> None:
    rename_audience(unsynced, to="Kunden")

    result = unsynced.set_up()

    assert result.audience_created
    assert unsynced.audience_id == result.audience_id


def test_set_up_creates_the_merge_fields_that_are_missing_and_only_those(
    unsynced: Scenario,
) -> None:
    result = unsynced.set_up()

    audiences = unsynced.control.dump("mailchimp")["audiences"]
    (ours,) = [audience for audience in audiences if audience["id"] == result.audience_id]
    assert result.fields_created == ("ANREDE",)
    assert [field["tag"] for field in ours["merge_fields"]][-1] == "ANREDE"


def test_a_merge_field_that_vanishes_stops_the_sync_before_it_writes(scenario: Scenario) -> None:
    merge_fields = call(scenario, "GET", f"/lists/{scenario.audience_id}/merge-fields?count=50")
    (salutation,) = [f for f in merge_fields["merge_fields"] if f["tag"] == "ANREDE"]
    call(
        scenario,
        "DELETE",
        f"/lists/{scenario.audience_id}/merge-fields/{salutation['merge_id']}",
    )
    scenario.control.forget_calls()

    with pytest.raises(OperatorNeeded, match="ANREDE"):
        scenario.sync()

    assert scenario.writes() == {}


def test_set_up_backs_up_both_sides_and_writes_nothing_but_the_field(unsynced: Scenario) -> None:
    before = unsynced.picture()

    result = unsynced.set_up()

    after = unsynced.picture()
    assert result.backup == {"crm": len(before.contacts), "provider": len(before.members)}
    assert after.onoffice == before.onoffice
    assert after.api_history() == before.api_history()
    assert unsynced.writes() == {"POST /3.0/lists/{list_id}/merge-fields": 1}


def test_the_first_plan_waits_for_its_approval_and_tells_the_classes(unsynced: Scenario) -> None:
    plan = unsynced.set_up().plan

    assert plan.verdict is Verdict.APPROVAL
    assert unsynced.sync().push is None
    classes = plans.count_classes(unsynced.link.warehouse, plan_id=plan.plan_id)
    assert {name: classes[name] for name in ("create", "foreign", "duplicate")} == {
        "create": 36,
        "foreign": 6,
        "duplicate": 2,
    }


def test_set_up_can_be_run_again(unsynced: Scenario) -> None:
    first = unsynced.set_up()
    unsynced.control.forget_calls()

    second = unsynced.set_up()

    assert second.plan.plan_id == first.plan.plan_id
    assert not second.audience_created
    assert unsynced.writes() == {}
