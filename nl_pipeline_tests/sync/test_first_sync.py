"""The first sync: every address falls into a class, and each class is treated as announced.

Belongs here: the classes of the first plan, what applying it does to each, `adopt_existing`. Must
not be here: checks and backup of `setup` (``test_setup``).
"""

from __future__ import annotations

from dataclasses import dataclass

import pytest

from nl_pipeline.sync.push import PlanRefused
from nl_pipeline.warehouse import plans
from nl_pipeline_tests.scenario import (
    CANCEL,
    DOI,
    NO,
    NOT_SPECIFIED,
    UNDELIVERABLE,
    YES,
    Picture,
    Scenario,
    address,
)

REVOKED = "speicherungwiderrufen"


def _member(scenario: Scenario, name: str, *acts: str) -> None:
    scenario.control.act("mailchimp", actor="import", action="subscribe", email=address(name))
    for act in acts:
        actor, action = act.split()
        scenario.control.act("mailchimp", actor=actor, action=action, email=address(name))


def _classes(scenario: Scenario) -> dict[str, int]:
    plan = scenario.set_up().plan
    return plans.count_classes(scenario.link.warehouse, plan_id=plan.plan_id)


def _enter_one_of_each(scenario: Scenario) -> None:
    scenario.add_contact("agreed", YES)
    _member(scenario, "agreed")
    for name in ("create-1", "create-2"):
        scenario.add_contact(name, YES)
    scenario.add_contact("left-before", YES)
    _member(scenario, "left-before", "person unsubscribe")
    for name, newsletter in (("said-no", NO), ("said-cancel", CANCEL)):
        scenario.add_contact(name, newsletter)
        _member(scenario, name)
    for name in ("foreign-1", "foreign-2", "foreign-3"):
        _member(scenario, name)
    scenario.add_contact("foreign-3", NOT_SPECIFIED)
    for _ in range(3):
        scenario.add_contact("three", YES)
    scenario.add_contact("held-private", YES, Privat=True)
    scenario.add_contact("held-archived", YES, Status2Adr="status2adr_archive")
    scenario.add_contact("held-revoked", YES, DSGVOStatus=REVOKED)
    scenario.add_contact("was-archived", YES)
    _member(scenario, "was-archived", "staff archive")
    # Known to have left since the first look, and forgotten by the provider.
    scenario.add_contact("forgotten", YES)


def test_every_class_of_the_first_plan_counts_its_addresses(unsynced: Scenario) -> None:
    _member(unsynced, "forgotten", "person unsubscribe")
    before = _classes(unsynced)
    unsynced.staff("delete_permanent", "forgotten")
    _enter_one_of_each(unsynced)

    after = _classes(unsynced)

    assert {name: after[name] - before.get(name, 0) for name in after} == {
        "adopt": 1,
        "create": 3,
        "opt-out": 3,
        "conflict": 1,
        "foreign": 3,
        "duplicate": 2,
        "excluded": 3,
        "listed": 1,
    }


def test_applying_the_first_plan_treats_each_class_as_announced(unsynced: Scenario) -> None:
    _member(unsynced, "forgotten", "person unsubscribe")
    unsynced.set_up()
    unsynced.staff("delete_permanent", "forgotten")
    _enter_one_of_each(unsynced)
    before = unsynced.picture()

    unsynced.start()

    after = unsynced.picture()
    assert {name: after.status(name) for name in _ENDS} == _ENDS
    assert after.newsletter("left-before") == CANCEL
    for name in ("foreign-1", "foreign-3", "was-archived"):
        assert after.member(name) == before.member(name)
    for name in ("foreign-3", "forgotten", "held-private", "held-archived", "was-archived"):
        assert after.newsletter(name) == before.newsletter(name)


_ENDS = {
    "agreed": "subscribed",
    "create-1": "subscribed",
    "three": "subscribed",
    "left-before": "unsubscribed",
    "said-no": "unsubscribed",
    "said-cancel": "unsubscribed",
    "foreign-1": "subscribed",
    "foreign-3": "subscribed",
    "held-private": "absent",
    "held-archived": "absent",
    "held-revoked": "absent",
    "was-archived": "archived",
    "forgotten": "deleted",
}


def test_a_first_plan_is_refused_without_its_approval(unsynced: Scenario) -> None:
    plan = unsynced.set_up().plan
    unsynced.control.forget_calls()

    with pytest.raises(PlanRefused, match=plan.plan_id):
        unsynced.apply(plan)

    assert unsynced.writes() == {}


def test_a_first_plan_that_a_newer_one_replaced_is_refused_though_approved(
    unsynced: Scenario,
) -> None:
    first = unsynced.set_up().plan
    unsynced.add_contact("late", YES)
    unsynced.set_up()
    expired = plans.load(unsynced.link.warehouse, plan_id=first.plan_id)

    with pytest.raises(PlanRefused, match="expired"):
        unsynced.apply_approved(expired)


# adopt_existing --------------------------------------------------------------------------------


@dataclass(frozen=True)
class Adopted:
    """The twins after a first sync with `adopt_existing`, and the consents it recorded."""

    picture: Picture
    ledger: dict[str, str]
    writes_at_rest: dict[str, int]


_THERE = {
    "known": NOT_SPECIFIED,
    "known-private": NOT_SPECIFIED,
    "waiting-optin": DOI,
    "said-no": NO,
    "said-cancel": CANCEL,
    "bounced-letter": UNDELIVERABLE,
}


@pytest.fixture
def adopted(unsynced: Scenario) -> Adopted:
    unsynced.change_settings(adopt_existing=True)
    for name, newsletter in _THERE.items():
        unsynced.add_contact(name, newsletter, Privat=name == "known-private")
        _member(unsynced, name)
    _member(unsynced, "unknown-left", "person unsubscribe")
    unsynced.person("subscribe", "by-form", merge_fields={"FNAME": "Ada", "LNAME": "Byron"})
    unsynced.start()
    picture = unsynced.picture()
    with unsynced.link.warehouse.session() as db:
        rows = db.execute("SELECT key, ledger FROM consent_now").fetchall()
    unsynced.control.forget_calls()
    unsynced.sync("full")
    return Adopted(picture, dict(rows), dict(unsynced.writes()))


def test_who_was_there_is_taken_over_and_a_no_stays_a_no(adopted: Adopted) -> None:
    names = (*_THERE, "by-form", "unknown-left")
    picture = adopted.picture

    assert {n: (picture.newsletter(n), picture.status(n)) for n in names} == {
        "known": (YES, "subscribed"),
        "known-private": (NOT_SPECIFIED, "subscribed"),
        "waiting-optin": (YES, "subscribed"),
        "said-no": (NO, "unsubscribed"),
        "said-cancel": (CANCEL, "unsubscribed"),
        "bounced-letter": (UNDELIVERABLE, "subscribed"),
        "by-form": (YES, "subscribed"),
        "unknown-left": ("", "unsubscribed"),
    }
    contact = picture.contact("by-form")
    assert (contact["Vorname"], contact["Name"]) == ("Ada", "Byron")
    proofs = {name: adopted.ledger[address(name)] for name in ("by-form", "known")}
    assert proofs == {"by-form": "GRANT_PROOF", "known": "GRANT"}
    assert adopted.writes_at_rest == {}
