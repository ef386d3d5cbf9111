"""Saved filters: a tag at whoever fits, in the CRM, from where the sync carries it."""

from __future__ import annotations

from typing import Any

from nl_pipeline.sandbox.population import TAG_OPTIONS
from nl_pipeline_tests.leads.story import CONTACT_FORM, HOUR, LeadStory, mail

KEY, LABEL = next(iter(TAG_OPTIONS.items()))
OTHER_KEY = list(TAG_OPTIONS)[1]


def audience(**where: Any) -> dict[str, Any]:
    return {"name": "Leads", "tag": LABEL, "where": where or {"form": CONTACT_FORM}}


def tags(story: LeadStory, name: str) -> list[str]:
    return list(story.only(name)["NewsletterTag"])


def test_whoever_has_a_submission_of_the_form_gets_the_tag_beside_their_own(
    story: LeadStory,
) -> None:
    story.contact("anna", NewsletterTag=[OTHER_KEY])
    story.contact("bert")
    story.push(story.submit("anna"))
    story.set_audiences(audience())

    [done] = story.apply_audiences()

    assert (done.fitting, done.joined) == (1, 1)
    assert tags(story, "anna") == [OTHER_KEY, KEY]
    assert tags(story, "bert") == []


def test_test_leads_alone_make_an_audience_of_their_own(story: LeadStory) -> None:
    story.set_form(include_test_leads=True)
    story.push(story.submit("anna"), story.test_lead(email=mail("probe")))
    story.set_audiences(audience(form=CONTACT_FORM, test=True))

    story.apply_audiences()

    assert (tags(story, "anna"), tags(story, "probe")) == ([], [KEY])


def test_a_filter_by_campaign_takes_its_leads_alone(story: LeadStory) -> None:
    story.push(story.submit("anna", campaign="A"), story.submit("bert", campaign="B"))
    leads = {one["email"]: one for one in story.control.dump("linkedin")["leads"]}
    urn = leads[mail("bert")]["leadMetadata"]["sponsoredLeadMetadata"]["campaign"]
    story.set_audiences(audience(campaign=int(urn.rpartition(":")[2])))

    story.apply_audiences()

    assert (tags(story, "anna"), tags(story, "bert")) == ([], [KEY])


def test_whoever_does_not_fit_any_more_loses_the_tag_and_nobody_else_does(
    story: LeadStory,
) -> None:
    story.contact("anna")
    story.contact("bert", NewsletterTag=[KEY])
    lead = story.submit("anna")
    story.push(lead, story.submit("bert"))
    story.set_audiences(audience())
    story.apply_audiences()
    assert (tags(story, "anna"), tags(story, "bert")) == ([KEY], [KEY])

    story.push(lead, action="DELETED")
    story.apply_audiences()
    assert tags(story, "anna") == []

    story.set_audiences()
    story.apply_audiences()

    assert tags(story, "bert") == [KEY]


def test_a_tag_the_account_does_not_have_is_told_and_nothing_is_done(story: LeadStory) -> None:
    story.push(story.submit("anna"))
    story.set_audiences({**audience(), "tag": "Gibt es nicht"})

    [done] = story.apply_audiences()

    assert (done.missing_tag, done.joined) == ("Gibt es nicht", 0)


def test_the_next_sync_carries_the_tag_to_the_provider(story: LeadStory) -> None:
    scenario = story.scenario
    story.contact("anna", "1")
    scenario.start()
    story.pass_time(HOUR)
    story.push(story.submit("anna"))
    story.set_audiences(audience())
    story.apply_audiences()

    scenario.sync()

    member = next(
        one for one in scenario.picture().members.values() if one["email_address"] == mail("anna")
    )
    assert LABEL in set(member["tags"])


def test_the_tag_of_a_form_is_set_at_the_contact_and_never_taken(story: LeadStory) -> None:
    story.set_form(tag=LABEL)
    story.push(story.submit("anna"))

    story.set_form()
    story.push(story.resubmit("anna"))

    assert tags(story, "anna") == [KEY]
