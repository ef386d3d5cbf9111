"""Push tells at once, pull finds what push has lost, and one obstacle stops no other lead."""

from __future__ import annotations

from nl_pipeline.clients.errors import OperatorNeeded
from nl_pipeline.sync.leads import push
from nl_pipeline.warehouse import leads
from nl_pipeline_tests.leads.story import CONTACT_FORM, DAY, EVENT_FORM, HOUR, LeadStory, mail


def test_a_pull_imports_exactly_what_a_day_without_push_has_lost(story: LeadStory) -> None:
    story.pull()
    told = [story.submit(f"told-{n}") for n in range(3)]
    story.push(*told)
    story.pass_time(HOUR)
    for number in range(7):
        story.submit(f"lost-{number}")

    done = story.pull()

    assert dict(done.stored) == {CONTACT_FORM: 7}
    assert done.imported is not None
    assert (done.imported.created, done.imported.updated) == (7, 0)
    names = [*(f"lost-{n}" for n in range(7)), *(f"told-{n}" for n in range(3))]
    assert story.all_contacts() == [mail(name) for name in names]


def test_a_pull_reads_forms_that_are_due_and_no_others(story: LeadStory) -> None:
    story.set_form(interval_hours=3)
    assert len(story.pull().due) == 3

    assert story.pull(after=2 * HOUR).due == ()
    assert story.pull(after=HOUR).due == (CONTACT_FORM,)
    assert len(story.pull(after=20 * HOUR).due) == 1
    assert len(story.pull(after=HOUR).due) == 2


def test_a_lead_that_becomes_visible_after_the_window_was_read_is_found_by_the_next(
    story: LeadStory,
) -> None:
    story.control.switch("linkedin", name="lead_lag_seconds", value=3600)
    story.pull()
    story.submit("anna")
    assert story.pull(after=DAY - HOUR).imported is not None
    story.pass_time(HOUR)

    story.submit("bert")
    story.pull(after=HOUR / 2)
    story.pull(after=DAY)

    assert story.all_contacts() == [mail("anna"), mail("bert")]


def test_nothing_is_read_while_the_import_is_off_and_all_of_it_afterwards(
    story: LeadStory,
) -> None:
    story.set_linkedin(import_leads=False)
    lead = story.submit("anna")
    story.push(lead)
    story.pull()
    calls = sum(call.count for call in story.control.calls() if call.service == "linkedin")
    assert leads.read(story.link.warehouse, form_ids=[CONTACT_FORM]) == []

    story.set_linkedin(import_leads=True)
    story.pull()

    assert calls == 0
    assert story.all_contacts() == [mail("anna")]


def test_the_leads_of_a_form_that_is_off_are_not_read(story: LeadStory) -> None:
    story.set_form(enabled=False)

    story.push(story.submit("anna"))
    done = story.pull()

    assert CONTACT_FORM not in done.due
    assert story.all_contacts() == []


def test_a_lead_that_is_not_readable_yet_is_tried_again(story: LeadStory) -> None:
    story.control.switch("linkedin", name="lead_lag_seconds", value=120)
    lead = story.submit("anna")

    assert story.push(lead).waiting == 1
    assert push.ingest_leads(story.link).waiting == 0
    story.pass_time(HOUR)
    push.ingest_leads(story.link)

    assert story.all_contacts() == [mail("anna")]


def test_a_lead_that_linkedin_never_gives_is_told_as_an_error(story: LeadStory) -> None:
    lead = story.submit("anna")
    story.control.switch("linkedin", name="lead_lag_seconds", value=100 * 86400)
    story.push(lead)

    for _ in range(6):
        story.pass_time(5 * HOUR)
        push.ingest_leads(story.link)

    assert story.reasons() == ["not_found"]


def test_a_notice_with_a_wrong_signature_is_not_carried_out(story: LeadStory) -> None:
    lead = story.submit("anna")
    story.push(lead)

    done = story.push(lead, action="DELETED", signature="wrong")
    invented = story.push(story.submit("bert"), signature="wrong")

    assert (done.not_believed, done.deleted, invented.notices) == (1, (), 0)
    assert story.all_contacts() == [mail("anna")]


def test_a_notice_that_comes_three_times_is_carried_out_once(story: LeadStory) -> None:
    lead = story.submit("anna")

    done = story.push(lead, lead, lead)

    assert done.notices == 1
    assert len(story.notes("anna")) == 1


def test_the_sync_of_subscribers_does_not_take_notices_of_leads_for_events(
    story: LeadStory,
) -> None:
    from nl_pipeline.sync.events.ingest import take_in

    story.deliver(story.submit("anna"))

    taken = take_in(story.link)

    assert (taken.lines, taken.poison, taken.new) == (1, {}, {})


def test_a_revoked_token_stops_the_pull_and_says_what_to_do_until_it_is_mended(
    story: LeadStory,
) -> None:
    story.pull()
    story.control.act("linkedin", actor="staff", action="revoke_token")

    done = story.pull()

    assert isinstance(done.stopped_by, OperatorNeeded)
    assert "authorize the connection again" in story.status().light.text
    assert str(story.status().light.colour) == "yellow"


def test_an_owner_whose_role_is_missing_stops_no_other(story: LeadStory) -> None:
    story.set_linkedin(lead_types=("SPONSORED", "EVENT"))
    story.pull()
    event = story.submit("bert", form="Infoabend Immobilien")
    story.submit("anna")
    story.control.act("linkedin", actor="staff", action="revoke_role", target="ad_account")

    done = story.pull()

    assert isinstance(done.stopped_by, OperatorNeeded)
    assert story.all_contacts() == [mail("bert")]
    assert str(story.status(EVENT_FORM).light.colour) == "green"
    assert "role" in story.status().light.text

    story.control.act("linkedin", actor="staff", action="restore_role", target="ad_account")
    story.pull()

    assert story.all_contacts() == [mail("anna"), mail("bert")]
    assert str(story.status().light.colour) == "green"
    assert event["form"] == EVENT_FORM


def test_leads_that_move_between_two_pages_do_not_end_the_window(story: LeadStory) -> None:
    story.pull()
    for number in range(12):
        story.submit(f"viele-{number:02d}")
    story.control.fault("linkedin", kind="short_page", match="leadFormResponses", rows=1)
    story.pull()
    story.control.clear_faults()

    story.pull()

    assert story.all_contacts() == [mail(f"viele-{number:02d}") for number in range(12)]


def test_what_was_taken_back_is_erased_and_its_contact_archived(story: LeadStory) -> None:
    lead = story.submit("anna")
    story.push(lead)
    story.take_back(lead)

    done = story.push(lead, action="DELETED")

    contact = story.only("anna")
    assert contact["Status2Adr"] == "status2adr_archive"
    assert [one.archived for one in done.deleted] == [contact["id"]]
    assert story.reasons() == ["delete_contact_by_hand"]
    [stored] = leads.read(story.link.warehouse, response_ids=[lead["id"]], states=["erased"])
    assert (stored.lead.answers, stored.crm_id, dict(stored.written)) == ((), None, {})


def test_a_contact_that_was_there_before_stays_when_the_submission_is_taken_back(
    story: LeadStory,
) -> None:
    story.contact("anna")
    lead = story.submit("anna")
    story.push(lead)

    done = story.push(story.take_back(lead) and lead, action="DELETED")

    assert [one.archived for one in done.deleted] == [None]
    assert story.only("anna")["Status2Adr"] == "status2adr_active"


def test_a_contact_that_staff_have_worked_on_stays_when_the_submission_is_taken_back(
    story: LeadStory,
) -> None:
    lead = story.submit("anna")
    story.push(lead)
    crm_id = story.only("anna")["id"]
    story.control.act(
        "onoffice", actor="staff", action="modify", id=crm_id, fields={"Name": "Neu-Anna"}
    )

    story.push(lead, action="DELETED")

    assert story.only("anna")["Status2Adr"] == "status2adr_active"


def test_a_contact_of_two_submissions_stays_when_one_is_taken_back(story: LeadStory) -> None:
    first = story.submit("anna")
    story.push(first)
    story.pass_time(HOUR)
    story.push(story.resubmit("anna"))

    story.push(first, action="DELETED")

    assert story.only("anna")["Status2Adr"] == "status2adr_active"


def test_what_is_erased_is_not_brought_back_by_a_pull_that_still_shows_it(
    story: LeadStory,
) -> None:
    lead = story.submit("anna")
    story.push(lead, action="DELETED")

    story.pull()
    story.push(lead)

    assert story.all_contacts() == []


def test_who_registers_again_after_taking_it_back_is_imported_again(story: LeadStory) -> None:
    story.set_linkedin(lead_types=("SPONSORED", "EVENT"))
    lead = story.submit("anna", form="Infoabend Immobilien")
    story.take_back(lead)
    story.push(lead, action="DELETED")
    story.pass_time(HOUR)
    again = story.resubmit("anna", form="Infoabend Immobilien")
    assert again["id"] == lead["id"]

    story.push(again)

    assert story.only("anna")["Status2Adr"] == "status2adr_active"
