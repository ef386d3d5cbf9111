"""The import that a person starts: eight combinations, each with its documented effect."""

from __future__ import annotations

from dataclasses import asdict

import pytest

from nl_pipeline.clients.errors import OperatorNeeded
from nl_pipeline.domain.leads import MODES, ImportMode, ManualOptions
from nl_pipeline.sync.leads import manual
from nl_pipeline.warehouse import lead_runs
from nl_pipeline_tests.leads.story import CONTACT_FORM, DAY, LeadStory, mail

NEW = {"old-new", "new-new"}
"""Whom no import has reached: submitted before and after the last run."""
EXPECTED: dict[tuple[bool, bool], tuple[set[str], set[str]]] = {
    (False, False): ({"new-new"}, set()),
    (True, False): ({"new-new"}, {"new-known"}),
    (False, True): (NEW, set()),
    (True, True): (NEW, {"new-known", "old-known"}),
}
"""(existing, all) -> whom the import creates, and whose contacts it writes again."""


def named(mode: ImportMode) -> str:
    return "+".join(name for name, on in asdict(mode.options).items() if on) or "none"


def prepare(story: LeadStory) -> None:
    """Four people: submitted before or after the last run, imported already or not.

    Nobody has told of those who are not imported, and what was imported was emptied by staff.
    """
    story.pull()
    story.pass_time(DAY)
    story.push(story.submit("old-known", company="Muster"))
    story.submit("old-new")
    story.pass_time(DAY)
    lead_forms_read(story)
    story.pass_time(DAY)
    story.push(story.submit("new-known", company="Muster"))
    story.submit("new-new")
    story.pass_time(DAY)
    for name in ("old-known", "new-known"):
        crm_id = story.only(name)["id"]
        story.control.act(
            "onoffice", actor="staff", action="modify", id=crm_id, fields={"Zusatz1": ""}
        )


def lead_forms_read(story: LeadStory) -> None:
    """A run that saw everything but those who became visible after it."""
    from nl_pipeline.warehouse import lead_forms

    lead_forms.note_read(
        story.link.warehouse, form_ids=[CONTACT_FORM], told_by="pull", at=story.now()
    )


@pytest.mark.parametrize("mode", [one for one in MODES if not one.refusal], ids=named)
def test_each_legal_combination_takes_what_it_says(story: LeadStory, mode: ImportMode) -> None:
    prepare(story)
    options = mode.options
    creates, writes_again = EXPECTED[(options.existing, options.all)]

    planned, done = story.by_hand(**asdict(options))

    assert (planned.creates, planned.updates) == (len(creates), len(writes_again))
    assert (done.created, done.updated) == (len(creates), len(writes_again))
    assert {one for one in NEW if story.contacts(one)} == creates
    filled = {name for name in ("old-known", "new-known") if story.only(name)["Zusatz1"]}
    assert filled == writes_again
    assert planned.mode.restarts_workflows == options.restart_workflows


@pytest.mark.parametrize("mode", [one for one in MODES if one.refusal], ids=named)
def test_a_workflow_is_not_restarted_without_existing_contacts(
    story: LeadStory, mode: ImportMode
) -> None:
    with pytest.raises(ValueError, match="needs existing"):
        manual.plan(story.link, form_id=CONTACT_FORM, options=mode.options)


@pytest.mark.parametrize(
    ("everything", "company"), [(False, "Von Hand"), (True, "Muster")], ids=["existing", "all"]
)
def test_what_staff_have_corrected_is_overwritten_by_existing_with_all_alone(
    story: LeadStory, everything: bool, company: str
) -> None:
    story.push(story.submit("anna", company="Muster"))
    crm_id = story.only("anna")["id"]
    story.control.act(
        "onoffice", actor="staff", action="modify", id=crm_id, fields={"Zusatz1": "Von Hand"}
    )

    story.by_hand(existing=True, all=everything)

    assert story.only("anna")["Zusatz1"] == company


def test_a_plan_writes_nothing_in_the_crm(story: LeadStory) -> None:
    story.submit("anna")
    story.contact("bert")
    story.submit("bert")
    [story.contact("doppelt") for _ in range(2)]
    story.submit("doppelt")
    before = story.control.dump("onoffice")

    planned = manual.plan(story.link, form_id=CONTACT_FORM, options=ManualOptions(all=True))

    assert (planned.creates, planned.updates, planned.conflicts) == (1, 1, 1)
    assert story.control.dump("onoffice") == before


def test_starting_one_begins_the_counters_anew_and_keeps_the_history(story: LeadStory) -> None:
    story.push(story.submit("anna"))
    story.push(story.submit("bert"))
    assert story.status().imported == 2

    story.pass_time(DAY)
    story.submit("carl")
    story.by_hand()

    status = story.status()
    assert (status.imported, status.updated, status.errors) == (1, 0, 0)
    runs = lead_runs.history(story.link.warehouse, form_id=CONTACT_FORM)
    assert [(run.told_by, run.form.created) for run in runs] == [
        ("push", 1),
        ("push", 1),
        ("manual", 1),
    ]


def test_an_error_that_comes_up_again_is_counted_again_after_the_counters_began_anew(
    story: LeadStory,
) -> None:
    [story.contact("doppelt") for _ in range(2)]
    story.push(story.submit("doppelt"))
    story.pull()
    assert story.status().errors == 1

    story.by_hand()

    assert (story.status().errors, story.status().open_errors) == (1, 1)


def test_what_linkedin_does_not_keep_any_more_is_not_found(story: LeadStory) -> None:
    story.control.switch("linkedin", name="retention_days", value=365)
    story.submit("vergessen", days_ago=366)
    story.submit("erhalten", days_ago=360)

    planned, _ = story.by_hand(all=True)

    assert planned.stored == 1
    assert story.all_contacts() == [mail("erhalten")]


def test_what_we_have_kept_is_imported_though_linkedin_has_forgotten_it(story: LeadStory) -> None:
    story.push(story.submit("anna", company="Muster"))
    story.pass_time(366 * DAY)
    # The member has authorized the app again: a refresh token lives for a year.
    story.control.act("onoffice", actor="staff", action="delete", id=story.only("anna")["id"])
    story.authorize_again()

    story.by_hand(existing=True, all=True)

    assert story.only("anna")["Zusatz1"] == "Muster"


def test_a_mapping_that_was_wrong_is_mended_by_importing_again(story: LeadStory) -> None:
    wrong = [{"question": "EMAIL", "crm": "email"}, {"question": "COMPANY_NAME", "crm": "Ort"}]
    story.set_form(fields=wrong)
    story.push(story.submit("anna", company="Muster"))
    story.set_form(fields=[wrong[0], {"question": "COMPANY_NAME", "crm": "Zusatz1"}])

    story.by_hand(existing=True, all=True)

    assert story.only("anna")["Zusatz1"] == "Muster"


def test_nothing_is_imported_by_hand_while_the_import_is_off(story: LeadStory) -> None:
    story.set_linkedin(import_leads=False)

    with pytest.raises(OperatorNeeded, match="is off"):
        story.by_hand()


def test_a_form_of_nobody_is_refused_with_the_way_to_find_one(story: LeadStory) -> None:
    with pytest.raises(OperatorNeeded, match="leads forms"):
        story.by_hand(form=4711)
