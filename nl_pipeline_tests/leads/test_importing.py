"""One submission on its way into the CRM: created, updated, left to a person."""

from __future__ import annotations

import csv
import io

from nl_pipeline.domain.leads import OwnerKind
from nl_pipeline.sync.leads import checking
from nl_pipeline.sync.leads.errors_csv import error_log
from nl_pipeline.warehouse import lead_forms, leads
from nl_pipeline_tests.leads.story import CONTACT_FORM, HOUR, LeadStory, mail

MARKS = {
    "ind_1": {"type": "boolean", "label": "LinkedIn – imported"},
    "ind_2": {"type": "date", "label": "LinkedIn - Import date"},
    "ind_3": {"type": "text", "label": "LinkedIn – submitted forms"},
}


def test_a_pushed_lead_becomes_a_contact_with_its_answers(story: LeadStory) -> None:
    lead = story.submit("anna", phone="+49 241 123456", company="Muster & Söhne")

    done = story.push(lead)

    assert done.imported is not None
    assert (done.imported.created, done.imported.errors) == (1, 0)
    contact = story.only("anna")
    assert (contact["Vorname"], contact["Name"]) == ("Kim", "Anna")
    assert contact["Zusatz1"] == "Muster & Söhne"
    assert story.numbers("anna") == ["+49 241 123456"]
    assert contact["newsletter_aktiv"] == "4"


def test_a_contact_with_the_address_is_updated_and_keeps_what_was_not_answered(
    story: LeadStory,
) -> None:
    story.contact("bert", Vorname="Bert", Titel="Dr.", Zusatz1="Alt GmbH")

    done = story.push(story.submit("bert"))

    assert done.imported is not None
    assert (done.imported.created, done.imported.updated) == (0, 1)
    contact = story.only("bert")
    assert (contact["Vorname"], contact["Titel"], contact["Zusatz1"]) == ("Kim", "Dr.", "Alt GmbH")


def test_a_number_the_contact_has_in_another_spelling_is_not_added_again(story: LeadStory) -> None:
    story.push(story.submit("anna", phone="+49 (0)241 123456"))

    story.push(story.resubmit("anna", phone="0241/123456"))
    story.push(story.resubmit("anna", phone="0241 999"))

    assert story.numbers("anna") == ["+49 (0)241 123456", "0241 999"]


def test_t7_a_lead_of_three_contacts_one_with_a_cancellation_is_a_conflict_and_changes_none(
    story: LeadStory,
) -> None:
    story.set_form(consent={"consent_id": 0, "newsletter": "yes"})
    ids = [story.contact("dreifach", newsletter, Vorname="Alt") for newsletter in "124"]

    done = story.push(story.submit("dreifach", newsletter=True))

    assert done.imported is not None
    assert (done.imported.created, done.imported.updated) == (0, 0)
    [known] = story.errors()
    assert known.error.reason == "several_contacts"
    assert all(str(crm_id) in known.error.text for crm_id in ids)
    contacts = story.contacts("dreifach")
    assert sorted(one["newsletter_aktiv"] for one in contacts) == ["1", "2", "4"]
    assert {one["Vorname"] for one in contacts} == {"Alt"}
    assert story.ledger("dreifach") == []


def test_a_conflict_that_staff_have_mended_is_imported_by_the_next_pull(story: LeadStory) -> None:
    ids = [story.contact("doppelt"), story.contact("doppelt")]
    story.push(story.submit("doppelt"))
    story.control.act("onoffice", actor="staff", action="merge", id=ids[0], ids=ids[1:])

    story.pull()

    assert story.only("doppelt")["Vorname"] == "Kim"
    assert story.errors() == []


def test_a_lead_that_cannot_be_imported_stops_no_other(story: LeadStory) -> None:
    survey = story.control.act(
        "linkedin",
        actor="person",
        action="submit",
        form="Umfrage",
        answers={"Wie gefällt Ihnen unser Angebot?": "Gut"},
    )

    story.push(survey, story.submit("anna"))

    assert story.all_contacts() == [mail("anna")]
    assert story.reasons() == ["key_missing", "key_not_mapped"]


def test_choices_arrive_as_texts_in_the_language_of_the_form(story: LeadStory) -> None:
    asked = {
        text: number
        for version in story.form("Kontakt aufnehmen")["versions"]
        for text, number in version["questions"].items()
    }
    story.set_form(
        fields=[
            {"question": "EMAIL", "crm": "email"},
            {"question": asked["Wofür interessieren Sie sich?"], "crm": "Bemerkung"},
            {"question": "INDUSTRY", "crm": "employer"},
        ]
    )

    story.push(
        story.submit(
            "anna",
            answers={
                "Wofür interessieren Sie sich?": ["Miete", "Verkauf"],
                "INDUSTRY": "Immobilienwesen",
            },
        )
    )

    contact = story.only("anna")
    assert contact["Bemerkung"] == "Miete; Verkauf"
    assert contact["employer"] == "Immobilienwesen"


def test_a_lead_of_an_earlier_version_is_read_by_the_questions_of_that_version(
    story: LeadStory,
) -> None:
    before = story.submit("anna", company="Alt GmbH")
    story.control.act(
        "linkedin",
        actor="staff",
        action="new_form_version",
        questions=[
            {"predefined": "COMPANY_NAME"},
            {"predefined": "LAST_NAME"},
            {"predefined": "EMAIL", "required": True},
            {"predefined": "FIRST_NAME"},
        ],
    )
    after = story.submit("bert", company="Neu GmbH")

    story.push(after)
    story.push(before)

    assert story.only("anna")["Zusatz1"] == "Alt GmbH"
    assert story.only("bert")["Zusatz1"] == "Neu GmbH"
    versions = [
        lead_forms.version(story.link.warehouse, form_id=CONTACT_FORM, version=n) for n in (1, 2)
    ]
    assert [len(one.questions) if one else 0 for one in versions] == [7, 4]


def test_an_inlined_form_that_fails_is_asked_for(story: LeadStory) -> None:
    story.control.switch("linkedin", name="form_decoration_fails", value=True)

    story.push(story.submit("anna", company="Muster"))

    assert story.only("anna")["Zusatz1"] == "Muster"


def test_a_test_lead_is_kept_and_not_sent(story: LeadStory) -> None:
    done = story.push(story.test_lead())

    assert story.all_contacts() == []
    assert done.imported is not None
    assert [dict(run.left_out) for run in done.imported.runs] == [{"test_lead": 1}]
    [stored] = leads.read(story.link.warehouse, form_ids=[CONTACT_FORM])
    assert stored.lead.is_test


def test_a_test_lead_is_sent_where_the_settings_say_so(story: LeadStory) -> None:
    story.set_form(include_test_leads=True)

    story.push(story.test_lead(email=mail("probe")))

    assert "test lead" in story.notes("probe")[0]


def test_a_test_lead_does_not_supersede_the_real_one_of_the_same_person(story: LeadStory) -> None:
    real = story.submit("anna", company="Echt")
    story.pass_time(HOUR)

    story.push(story.test_lead(email=mail("anna"), company="Probe"), real)

    assert story.only("anna")["Zusatz1"] == "Echt"


def test_each_submission_is_one_activity_with_form_and_campaign(story: LeadStory) -> None:
    lead = story.submit("anna", campaign="Frühling")

    story.push(lead)
    story.by_hand(existing=True, all=True)

    [note] = story.notes("anna")
    assert 'form "Kontakt aufnehmen"' in note
    assert 'campaign "Frühling"' in note


def test_the_linkedin_fields_are_filled_where_the_account_has_them(story: LeadStory) -> None:
    story.control.switch("onoffice", name="added_fields", value=MARKS)
    story.push(story.submit("anna"))

    contact = story.only("anna")
    assert contact["ind_1"] is True
    assert contact["ind_2"] == story.now().date().isoformat()
    assert contact["ind_3"] == f"Kontakt aufnehmen ({CONTACT_FORM})"


def test_set_up_names_the_linkedin_fields_that_are_missing_or_of_another_type(
    story: LeadStory,
) -> None:
    fields = {"ind_1": MARKS["ind_1"], "ind_2": {"type": "text", "label": MARKS["ind_2"]["label"]}}
    story.control.switch("onoffice", name="added_fields", value=fields)

    advice = checking.check(story.link).advice

    assert [text.split('"')[1] for text in advice] == [
        "LinkedIn – import date",
        "LinkedIn – submitted forms",
    ]
    assert "another type" in advice[0]
    assert advice[1].startswith("create")


def test_a_value_the_crm_refuses_is_left_out_and_told(story: LeadStory) -> None:
    story.set_form(
        fields=[
            {"question": "EMAIL", "crm": "email"},
            {"question": "LAST_NAME", "crm": "Name"},
            {"question": "COMPANY_NAME", "crm": "Geburtsdatum"},
        ]
    )

    story.push(story.submit("anna", company="kein Datum"))

    assert story.only("anna")["Name"] == "Anna"
    assert [(e.error.reason, e.error.field) for e in story.errors()] == [
        ("value_refused", "Geburtsdatum")
    ]


def test_an_answer_that_is_no_value_of_a_select_is_left_out_and_told(story: LeadStory) -> None:
    story.set_form(
        fields=[
            {"question": "EMAIL", "crm": "email"},
            {"question": "FIRST_NAME", "crm": "Anrede"},
            {"question": "LAST_NAME", "crm": "SpracheKontakt"},
        ]
    )

    story.push(story.submit("anna", first_name="Gräfin", last_name="italienisch"))

    assert (story.only("anna")["Anrede"], story.only("anna")["SpracheKontakt"]) == ("", "ITA")
    assert [(e.error.reason, e.error.field) for e in story.errors()] == [
        ("value_not_permitted", "Anrede")
    ]


def test_a_contact_whose_creation_was_not_answered_is_not_created_again(story: LeadStory) -> None:
    story.control.fault("onoffice", kind="reset", match="create:address", after_apply=True)
    story.push(story.submit("anna", company="Muster"))
    story.control.clear_faults()

    story.pull()

    assert story.only("anna")["Zusatz1"] == "Muster"
    assert story.errors() == []


def test_a_contact_that_has_revoked_the_storage_of_its_data_gets_nothing_more(
    story: LeadStory,
) -> None:
    story.contact("anna", Vorname="Anna", DSGVOStatus="speicherungwiderrufen")

    story.push(story.submit("anna"))

    assert story.only("anna")["Vorname"] == "Anna"
    assert story.reasons() == ["storage_revoked"]


def test_two_forms_of_one_person_make_one_contact(story: LeadStory) -> None:
    story.set_linkedin(lead_types=("SPONSORED", "EVENT"))
    event = story.submit("anna", form="Infoabend Immobilien", answers={"JOB_TITLE": "Notarin"})

    story.push(story.submit("anna", company="Muster"), event)

    contact = story.only("anna")
    assert (contact["Zusatz1"], contact["jobTitle"]) == ("Muster", "Notarin")
    assert len(story.notes("anna")) == 2


def test_the_error_log_names_what_to_do_and_holds_no_formula(story: LeadStory) -> None:
    story.set_form(
        fields=[
            {"question": "EMAIL", "crm": "email"},
            {"question": "INDUSTRY", "crm": "=HYPERLINK"},
        ]
    )
    lead = story.submit("anna", answers={"INDUSTRY": "Geheim"})
    story.push(lead)

    rows = list(csv.DictReader(io.StringIO(error_log(story.link))))

    assert [(row["submission_id"], row["field"]) for row in rows] == [(lead["id"], "'=HYPERLINK")]
    assert rows[0]["what_to_do"]
    assert "Geheim" not in error_log(story.link)


def test_forms_are_known_with_their_owners_after_a_pull(story: LeadStory) -> None:
    story.pull()

    known = lead_forms.known(story.link.warehouse)
    assert len(known) == 3
    owner = known[CONTACT_FORM].form.owner
    assert owner is not None
    assert owner.kind is OwnerKind.AD_ACCOUNT
