"""T18: nobody who opted out is sent a mail that asks to confirm, unless there is a newer proof.

In one world people leave in every way there is, and everything that might make a connector ask
them happens: Yes set again, contacts entered anew, addresses changed, syncs of either mode.
"""

from __future__ import annotations

from dataclasses import dataclass

import pytest

from nl_pipeline.domain.brakes import Brake
from nl_pipeline.sync.observe import Mode
from nl_pipeline_tests.providers import each_provider
from nl_pipeline_tests.scenario import CANCEL, DOI, ORDINARY, YES, Picture, Scenario, address
from nl_pipeline_tests.sync.conftest import StartedScenario
from nl_pipeline_tests.sync.proofs import grant_with_proof

pytestmark = each_provider

ASKED = "with-proof"
MODES: tuple[Mode, ...] = ("full", "incremental")
OPTED_OUT = ("unsubscribed", "complained-now", "cancelled-now", "moved", "entered-anew", "private")


@dataclass(frozen=True)
class Told:
    """How often each address was asked, after the syncs; both sides, and a sync at rest later."""

    mails: dict[str, int]
    after: Picture
    mails_at_rest: dict[str, int]


@pytest.fixture(scope="module")
def told(started_scenario: StartedScenario) -> Told:
    with started_scenario() as scenario:
        for name in (*OPTED_OUT[:-1], ASKED, "private-left"):
            scenario.add_contact(name, YES)
        scenario.sync()
        for name in ("unsubscribed", "moved", "entered-anew", ASKED, "private-left"):
            scenario.person("unsubscribe", name)
        scenario.person("complain", "complained-now")
        scenario.set_newsletter("cancelled-now", CANCEL)
        scenario.sync()
        for name in ("unsubscribed", "complained-now", "cancelled-now", "left", "complained"):
            scenario.set_newsletter(name, YES)
        grant_with_proof(scenario, ASKED, "private-left")
        scenario.set_newsletter(ASKED, YES)
        scenario.set_field("private-left", Privat=True, newsletter_aktiv=YES)
        scenario.add_contact("entered-anew", YES)
        scenario.control.act(
            "onoffice",
            actor="staff",
            action="change_email",
            email=address("moved"),
            new_email=address("moved-on"),
        )
        scenario.sync()
        scenario.set_newsletter("moved-on", YES)
        for mode in MODES:
            scenario.sync(mode)
        mails, after = dict(scenario.stage.confirmation_mails()), scenario.picture()
        for mode in MODES:
            scenario.sync(mode)
        return Told(mails, after, dict(scenario.stage.confirmation_mails()))


def test_who_opted_out_is_never_asked_and_who_has_a_newer_proof_is_asked_once(told: Told) -> None:
    assert told.mails == {address(ASKED): 1}


def test_who_was_asked_waits_and_gets_no_mail_yet(told: Told) -> None:
    assert told.after.newsletter(ASKED) == DOI
    assert told.after.status(ASKED) != "subscribed"


def test_who_does_not_answer_is_not_asked_again(told: Told) -> None:
    assert told.mails_at_rest == told.mails


def test_more_confirmation_mails_than_the_brake_allows_are_held(scenario: Scenario) -> None:
    names = ORDINARY[:5]
    brakes = scenario.link.settings.brakes.model_copy(update={"confirmations": 4, "at_least": 1})
    scenario.change_settings(brakes=brakes)
    for name in names:
        scenario.person("unsubscribe", name)
    scenario.sync()
    grant_with_proof(scenario, *names)
    for name in names:
        scenario.set_newsletter(name, YES)

    plan = scenario.sync().plan

    assert Brake.CONFIRMATIONS in [reading.brake for reading in plan.brakes if reading.tripped]
    assert sum(scenario.stage.confirmation_mails().values()) <= 4


def test_a_request_to_confirm_whose_answer_is_lost_is_no_second_mail(scenario: Scenario) -> None:
    scenario.person("unsubscribe", "kunde-01")
    scenario.sync()
    grant_with_proof(scenario, "kunde-01")
    scenario.set_newsletter("kunde-01", YES)
    scenario.control.fault(
        scenario.stage.service,
        kind="reset",
        match=scenario.stage.ask_call,
        after_apply=True,
        times=1,
    )

    for mode in MODES:
        scenario.sync(mode)

    assert scenario.control.struck() == 1
    assert scenario.stage.confirmation_mails() == {address("kunde-01"): 1}
