"""The light of a form, by its own rhythm, in virtual time."""

from __future__ import annotations

from datetime import timedelta

from nl_pipeline_tests.leads.story import CONTACT_FORM, DAY, EVENT_FORM, LeadStory

WEEKS = 13


def told_every(story: LeadStory, *, days: int) -> None:
    """Somebody submits the contact form every so many days, long enough to make a rhythm."""
    for number in range(WEEKS, 0, -1):
        story.submit(f"lead-{number:02d}", days_ago=number * days)
    story.pull()


def light(story: LeadStory, form: int = CONTACT_FORM) -> tuple[str, str]:
    found = story.status(form).light
    return str(found.colour), str(found.reason)


def test_a_form_is_yellow_once_it_is_silent_for_longer_than_its_rhythm(story: LeadStory) -> None:
    told_every(story, days=2)
    assert light(story) == ("green", "enabled")

    story.pass_time(DAY / 2)
    assert light(story) == ("green", "enabled")
    story.pass_time(DAY)
    assert light(story) == ("yellow", "silent")


def test_a_form_with_a_slow_rhythm_may_be_silent_for_longer(story: LeadStory) -> None:
    told_every(story, days=6)

    story.pass_time(timedelta(days=4))

    assert light(story) == ("green", "enabled")


def test_a_form_without_a_rhythm_is_never_silent(story: LeadStory) -> None:
    story.submit("anna")
    story.pull()

    story.pass_time(50 * DAY)

    assert light(story) == ("green", "enabled")


def test_a_test_lead_ends_no_silence(story: LeadStory) -> None:
    told_every(story, days=2)
    story.pass_time(3 * DAY)

    story.push(story.test_lead())

    assert light(story) == ("yellow", "silent")


def test_a_form_is_grey_while_the_import_is_off(story: LeadStory) -> None:
    story.pull()
    story.set_form(EVENT_FORM, enabled=False)
    assert light(story, EVENT_FORM) == ("grey", "form_off")

    story.set_linkedin(import_leads=False)

    assert light(story) == ("grey", "import_off")


def test_a_form_whose_key_nobody_is_asked_for_is_yellow_with_the_reason(story: LeadStory) -> None:
    story.pull()
    form = int(story.form("Umfrage")["id"])

    found = story.status(form).light

    assert (str(found.colour), str(found.reason)) == ("yellow", "blocked")
    assert "key field email" in found.text


def test_a_status_tells_when_the_form_was_told_of_read_and_is_next(story: LeadStory) -> None:
    story.pull()
    story.push(story.submit("anna"))

    status = story.status()

    assert status.last_pull_at is not None
    assert status.last_push_at is not None
    assert status.next_pull_at == status.last_pull_at + DAY
    assert status.last_push_at > status.last_pull_at
