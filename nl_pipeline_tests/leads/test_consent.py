"""What a lead says about the newsletter: a grant with its proof, or nothing; never against a no."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from nl_pipeline.clients.onoffice import ActionOutcome, AddressChange, NewAddress, ValueRefused
from nl_pipeline_tests.leads.story import BOX, CONTACT_FORM, DAY, LeadStory, mail

NO, YES, CANCEL, DOI, NONE, UNDELIVERABLE = "0", "1", "2", "3", "4", "5"
GRANTED = [("GRANT", "person", True)]


def with_consent(story: LeadStory, newsletter: str = "doi", **more: str) -> None:
    story.set_form(consent={"consent_id": 0, "newsletter": newsletter, **more})


def proofs(story: LeadStory) -> list[tuple[object, ...]]:
    with story.link.warehouse.session() as db:
        return db.execute(
            "SELECT form_id, form_version, consent_id, locale, text, outcome FROM lead_consents"
        ).fetchall()


def test_an_accepted_box_is_a_grant_with_its_text_and_waits_for_the_double_opt_in(
    story: LeadStory,
) -> None:
    with_consent(story)

    story.push(story.submit("anna", newsletter=True))

    assert story.only("anna")["newsletter_aktiv"] == DOI
    assert story.ledger("anna") == GRANTED
    assert proofs(story) == [(CONTACT_FORM, 1, 0, "de_DE", BOX, "granted")]


def test_an_accepted_box_is_a_yes_where_the_settings_say_so(story: LeadStory) -> None:
    with_consent(story, "yes")

    story.push(story.submit("anna", newsletter=True))

    assert story.only("anna")["newsletter_aktiv"] == YES


def test_a_lead_alone_is_no_consent(story: LeadStory) -> None:
    story.set_form()
    story.push(story.submit("unmapped", newsletter=True))
    with_consent(story)
    story.push(story.submit("unticked", newsletter=False))

    for name in ("unmapped", "unticked"):
        assert story.only(name)["newsletter_aktiv"] == NONE
        assert story.ledger(name) == []


@pytest.mark.parametrize(
    ("before", "after", "ledger"),
    [
        pytest.param(NO, NO, [], id="no"),
        pytest.param(CANCEL, CANCEL, [], id="cancellation"),
        pytest.param(UNDELIVERABLE, UNDELIVERABLE, [], id="undeliverable"),
        pytest.param("9", "9", [], id="unknown"),
        pytest.param(NONE, YES, GRANTED, id="not specified"),
        pytest.param(DOI, YES, GRANTED, id="double opt-in pending"),
        pytest.param(YES, YES, GRANTED, id="yes"),
    ],
)
def test_a_consent_moves_nothing_but_what_was_not_decided(
    story: LeadStory, before: str, after: str, ledger: list[tuple[str, str, bool]]
) -> None:
    with_consent(story, "yes")
    story.control.act(
        "onoffice",
        actor="import",
        action="create",
        emails=[mail("anna")],
        fields={"newsletter_aktiv": before},
    )

    story.push(story.submit("anna", newsletter=True))

    contact = story.only("anna")
    assert (contact["newsletter_aktiv"], contact["Vorname"]) == (after, "Kim")
    assert story.ledger("anna") == ledger


def test_a_pending_double_opt_in_never_takes_a_yes_back(story: LeadStory) -> None:
    with_consent(story)
    story.contact("anna", YES)

    story.push(story.submit("anna", newsletter=True))

    assert story.only("anna")["newsletter_aktiv"] == YES


def test_a_withdrawal_in_the_ledger_stands_though_no_contact_says_so(story: LeadStory) -> None:
    with_consent(story, "yes")
    withdraw(story, "anna")

    story.push(story.submit("anna", newsletter=True))

    assert story.only("anna")["newsletter_aktiv"] == NONE
    assert story.ledger("anna") == [("WITHDRAW", "person", False)]
    assert story.reasons() == ["consent_after_opt_out"]
    assert [row[-1] for row in proofs(story)] == ["opted_out"]


def test_a_consent_counts_once_whatever_staff_decide_after_it(story: LeadStory) -> None:
    with_consent(story)
    story.push(story.submit("anna", newsletter=True))
    crm_id = story.only("anna")["id"]
    story.control.act(
        "onoffice",
        actor="staff",
        action="modify",
        id=crm_id,
        fields={"newsletter_aktiv": NONE},
    )

    story.by_hand(existing=True, all=True)

    assert story.only("anna")["newsletter_aktiv"] == NONE
    assert story.ledger("anna") == GRANTED


def test_another_text_under_the_same_number_is_no_consent(story: LeadStory) -> None:
    with_consent(story, text=BOX)
    story.control.act(
        "linkedin",
        actor="staff",
        action="new_form_version",
        checkboxes=[{"text": "Ich bin mit einem Rückruf einverstanden."}],
    )

    story.push(story.submit("anna", newsletter=True))

    assert story.only("anna")["newsletter_aktiv"] == NONE
    assert story.reasons() == ["consent_text_changed"]


def test_a_test_lead_is_nobodys_consent(story: LeadStory) -> None:
    story.set_form(include_test_leads=True, consent={"consent_id": 0})

    story.push(story.test_lead(email=mail("probe"), newsletter=True))

    assert story.only("probe")["newsletter_aktiv"] == NONE
    assert story.ledger("probe") == []


def test_a_consent_for_a_further_address_is_none_for_the_main_one(story: LeadStory) -> None:
    with_consent(story, "yes")
    story.control.act(
        "onoffice",
        actor="staff",
        action="create",
        emails=[mail("haupt"), mail("zweit")],
        fields={"newsletter_aktiv": NONE},
    )

    story.push(story.submit("zweit", newsletter=True))

    assert story.only("haupt")["newsletter_aktiv"] == NONE
    assert story.reasons() == ["consent_for_another_address"]


def test_a_consent_that_is_older_than_the_opt_out_and_arrives_later_lifts_nothing(
    story: LeadStory,
) -> None:
    with_consent(story, "yes")
    story.submit("anna", newsletter=True)
    story.pass_time(DAY)
    story.contact("anna", CANCEL)

    story.pull()

    assert story.only("anna")["newsletter_aktiv"] == CANCEL
    assert story.ledger("anna") == []


def withdraw(story: LeadStory, name: str) -> None:
    """The ledger has a withdrawal of a person of whom nothing else is known."""
    with story.link.warehouse.transaction() as db:
        db.execute(
            "INSERT INTO consent_ledger BY NAME SELECT ? AS key, 'WITHDRAW' AS event,"
            " 'person' AS actor, false AS proof, now()::TIMESTAMP AS happened_at,"
            " now()::TIMESTAMP AS recorded_at, 'test' AS source",
            [mail(name)],
        )


def test_a_cancellation_while_other_contacts_are_created_stands(
    story: LeadStory, monkeypatch: pytest.MonkeyPatch
) -> None:
    with_consent(story, "yes")
    story.contact("anna", NONE)
    client = story.link.crm.client
    create = client.create_addresses

    def meanwhile(new: Sequence[NewAddress]) -> list[ActionOutcome]:
        story.control.act("onoffice", actor="person", action="unsubscribe", email=mail("anna"))
        return create(new)

    monkeypatch.setattr(client, "create_addresses", meanwhile)
    story.push(story.submit("somebody-new", newsletter=True), story.submit("anna", newsletter=True))

    assert story.only("somebody-new")["newsletter_aktiv"] == YES
    assert story.only("anna")["newsletter_aktiv"] == CANCEL
    assert story.ledger("anna") == []


def test_an_opt_out_between_a_refused_value_and_the_others_stands(
    story: LeadStory, monkeypatch: pytest.MonkeyPatch
) -> None:
    with_consent(story, "yes")
    story.contact("anna", NONE)
    client = story.link.crm.client
    modify = client.modify_addresses
    left: list[str] = []

    def meanwhile(changes: Sequence[AddressChange]) -> list[ActionOutcome]:
        if not left:
            left.append(mail("anna"))
            withdraw(story, "anna")
            refused = ValueRefused("address", code=1, fields=())
            return [ActionOutcome(str(c.address_id), False, error=refused) for c in changes]
        return modify(changes)

    monkeypatch.setattr(client, "modify_addresses", meanwhile)
    story.push(story.submit("anna", newsletter=True))

    assert left
    assert story.only("anna")["newsletter_aktiv"] == NONE
    assert ("GRANT", "person", True) not in story.ledger("anna")
