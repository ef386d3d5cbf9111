"""Looking single members up at the sandbox: who subscribed them, and what an archiving hides.

Belongs here: what the adapter reads out of a member's activity feed. Must not be here: what follows
from it (``test_status_rules``, ``test_t03_hidden_opt_outs``).
"""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from nl_pipeline.warehouse.observations import Evidence
from nl_pipeline_tests.scenario import Scenario
from nl_pipeline_tests.sync.conftest import StartedScenario

# Who: what happens to the member, an hour between any two acts; who made the last sign-up.
SIGNUPS = {
    "a person at the form": ("person subscribe", "PERSON"),
    "staff": ("staff subscribe", "STAFF"),
    "an import": ("import subscribe", "OTHER"),
    "an API client": ("api subscribe", "OTHER"),
    "a person who came back": ("person subscribe, person unsubscribe, person subscribe", "PERSON"),
    "an API client over a person's unsubscribe": (
        "person subscribe, person unsubscribe, api subscribe",
        "OTHER",
    ),
    "an import over our unsubscribe": (
        "person subscribe, api unsubscribe, import subscribe",
        "OTHER",
    ),
    "staff over our unsubscribe": ("person subscribe, api unsubscribe, staff subscribe", "STAFF"),
    "nobody any more": ("person subscribe, person unsubscribe", "OTHER"),
    "a person in spite of an import": (
        "import subscribe, api unsubscribe, person subscribe",
        "PERSON",
    ),
}
# What happened before the archiving; what the member was then.
ARCHIVED = {
    "subscribed by an import": ("import subscribe", "subscribed"),
    "subscribed by a person": ("person subscribe", "subscribed"),
    "unsubscribed by the person": ("person subscribe, person unsubscribe", "unsubscribed"),
    "unsubscribed by an API client": ("import subscribe, api unsubscribe", "unsubscribed"),
    "back again": ("person subscribe, person unsubscribe, person subscribe", "subscribed"),
}


class Looked:
    """The answers to both look-ups, and when each member was last subscribed."""

    def __init__(self, scenario: Scenario) -> None:
        self._told = {name: acts for name, (acts, _) in {**SIGNUPS, **ARCHIVED}.items()}
        for name, acts in self._told.items():
            self._act_out(scenario, name, acts)
        for name in ARCHIVED:
            scenario.staff("archive", _local(name))
        picture = scenario.picture()
        self.subscribed_at: dict[str, datetime] = {}
        members = {}
        for name in self._told:
            member = picture.member(_local(name))
            assert member is not None
            members[name] = (_local(name), member["id"], None)
            moments = [h["at"] for h in member["history"] if h["to"] == "subscribed"]
            self.subscribed_at[name] = _moment(moments[-1])
        audience = scenario.link.audience
        self.signups = self._by_name(
            audience.look_up_signups(scenario.audience_id, [members[n] for n in SIGNUPS])
        )
        self.archived = self._by_name(
            audience.look_up_archived(scenario.audience_id, [members[n] for n in ARCHIVED])
        )

    def _by_name(self, evidence: list[Evidence]) -> dict[str, Evidence]:
        names = {_local(name): name for name in self._told}
        return {names[found.key]: found for found in evidence}

    @staticmethod
    def _act_out(scenario: Scenario, name: str, acts: str) -> None:
        for act in acts.split(", "):
            actor, action = act.split()
            details = {"force": True} if action == "subscribe" and actor != "person" else {}
            scenario.pass_time()
            scenario.control.act(
                "mailchimp",
                actor=actor,
                action=action,
                email=f"{_local(name)}@kunde.example",
                **details,
            )


def _local(name: str) -> str:
    return "".join(letter if letter.isalnum() else "-" for letter in name.lower())


def _moment(value: object) -> datetime:
    if isinstance(value, (int, float)):
        return datetime.fromtimestamp(value, tz=UTC)
    return datetime.fromisoformat(str(value))


@pytest.fixture(scope="module")
def looked(started_scenario: StartedScenario) -> Looked:
    with started_scenario() as scenario:
        return Looked(scenario)


@pytest.mark.parametrize("name", SIGNUPS)
def test_the_last_sign_up_tells_who_subscribed_a_member(looked: Looked, name: str) -> None:
    _, who = SIGNUPS[name]

    assert looked.signups[name].detail == who


@pytest.mark.parametrize("name", [n for n, (_, who) in SIGNUPS.items() if who != "OTHER"])
def test_a_sign_up_is_as_old_as_the_act_itself(looked: Looked, name: str) -> None:
    assert looked.signups[name].happened_at == looked.subscribed_at[name]


def test_a_member_that_is_gone_was_subscribed_by_nobody(scenario: Scenario) -> None:
    found = scenario.link.audience.look_up_signups(
        scenario.audience_id, [("gone@kunde.example", "0" * 32, None)]
    )

    assert [(e.detail, e.happened_at) for e in found] == [("OTHER", None)]


@pytest.mark.parametrize("name", ARCHIVED)
def test_the_feed_shows_what_an_archiving_hides(looked: Looked, name: str) -> None:
    _, before = ARCHIVED[name]

    assert looked.archived[name].detail == before


def test_of_a_sign_up_and_an_unsubscribe_in_the_same_second_the_unsubscribe_counts(
    scenario: Scenario,
) -> None:
    scenario.person("subscribe", "quick")
    scenario.person("unsubscribe", "quick")
    scenario.staff("archive", "quick")
    member = scenario.picture().member("quick")
    assert member is not None

    found = scenario.link.audience.look_up_archived(
        scenario.audience_id, [("quick@kunde.example", member["id"], None)]
    )

    assert [e.detail for e in found] == ["unsubscribed"]
