"""The workflow an imported lead starts: for subscribers alone, as often as the entry limit says."""

from __future__ import annotations

from typing import Any

from nl_pipeline.sync.leads import workflow
from nl_pipeline_tests.leads.story import DAY, HOUR, LeadStory, mail
from nl_pipeline_tests.scenario import AFTER_A_SYNC

JOURNEY = {"journey": 101, "step": 1001}
YES, CANCEL = "1", "2"


def begin(story: LeadStory, **limit: int) -> None:
    """Anna is subscribed, the contact form starts a journey."""
    story.contact("anna", YES)
    story.scenario.start()
    chosen: dict[str, Any] = dict(JOURNEY)
    if limit:
        chosen["entry_limit"] = limit
    story.set_form(workflow=chosen)


def entered(story: LeadStory) -> list[str]:
    return [entry["email_address"] for entry in story.control.dump("mailchimp")["journey_entries"]]


def test_a_subscriber_whose_lead_was_imported_enters_the_workflow_once(story: LeadStory) -> None:
    begin(story)
    lead = story.submit("anna")

    story.push(lead)
    story.push(lead)
    story.pull()

    assert entered(story) == [mail("anna")]


def test_whoever_is_not_subscribed_waits_for_the_subscription(story: LeadStory) -> None:
    begin(story)
    story.push(story.submit("bert"))
    assert entered(story) == []
    crm_id = story.only("bert")["id"]
    story.control.act(
        "onoffice",
        actor="staff",
        action="modify",
        id=crm_id,
        fields={"newsletter_aktiv": YES},
    )
    story.pull()
    story.scenario.sync()

    assert story.pull(after=HOUR).due == ()

    assert entered(story) == [mail("bert")]


def test_nobody_is_told_to_the_workflow_who_is_in_the_audience_without_being_subscribed(
    story: LeadStory,
) -> None:
    story.scenario.stage.act("import", "subscribe", mail("bert"), values={})
    story.scenario.stage.act("staff", "remove", mail("bert"))
    begin(story)
    story.control.forget_calls()

    story.push(story.submit("bert"))

    assert [call for call in story.control.calls() if call.path.endswith("trigger")] == []


def test_whoever_has_opted_out_meanwhile_does_not_enter(story: LeadStory) -> None:
    begin(story)
    with story.link.warehouse.transaction() as db:
        db.execute(
            "INSERT INTO consent_ledger BY NAME SELECT ? AS key, 'WITHDRAW' AS event,"
            " 'person' AS actor, false AS proof, now()::TIMESTAMP AS happened_at,"
            " now()::TIMESTAMP AS recorded_at, 'test' AS source",
            [mail("anna")],
        )

    story.push(story.submit("anna"))

    assert entered(story) == []


def test_a_second_submission_within_the_period_does_not_enter_again(story: LeadStory) -> None:
    begin(story, count=1, days=30)
    story.push(story.submit("anna"))
    story.pass_time(DAY)

    story.push(story.resubmit("anna"))
    assert entered(story) == [mail("anna")]

    story.pass_time(31 * DAY)
    story.push(story.resubmit("anna"))
    assert entered(story) == [mail("anna")] * 2


def test_a_restart_lets_those_enter_again_who_were_imported_before(story: LeadStory) -> None:
    begin(story, count=2, days=30)
    story.push(story.submit("anna"))
    story.pass_time(HOUR)

    story.by_hand(existing=True, all=True)
    assert entered(story) == [mail("anna")]

    story.by_hand(existing=True, restart_workflows=True, all=True)
    assert entered(story) == [mail("anna")] * 2

    story.by_hand(existing=True, restart_workflows=True, all=True)
    assert entered(story) == [mail("anna")] * 2


def test_an_entry_whose_answer_was_lost_is_not_sent_twice(story: LeadStory) -> None:
    begin(story)
    story.control.fault("mailchimp", kind="reset", match="actions/trigger", after_apply=True)

    story.push(story.submit("anna"))
    story.pass_time(AFTER_A_SYNC)
    workflow.carry_out(story.link)

    assert entered(story) == [mail("anna")]


def test_a_provider_that_is_away_is_asked_again(story: LeadStory) -> None:
    begin(story)
    story.control.fault("mailchimp", kind="status", match="actions/trigger", status=429, times=20)
    story.push(story.submit("anna"))
    assert entered(story) == []
    story.control.clear_faults()

    workflow.carry_out(story.link)

    assert entered(story) == [mail("anna")]
