"""What a sync costs in calls: as much as has changed.

One world of 2,000 contacts, read in small pages, with one percent of them changed.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from nl_pipeline.sync.observe import Mode
from nl_pipeline_tests.sandbox_control import SandboxControl
from nl_pipeline_tests.scenario import YES, Scenario, connected

CONTACTS = 2_000
CHANGED = CONTACTS // 100
PAGE = 20


@dataclass(frozen=True)
class Costs:
    """HTTP calls of one sync by what is called, and what they wrote."""

    calls: Counter[str]
    writes: Counter[str]
    second_pass: bool

    @property
    def total(self) -> int:
        return sum(self.calls.values())

    @property
    def reading(self) -> int:
        """Calls that read: all but those that write to the provider, and one request for each kind
        of action that writes to the CRM."""
        to_provider = sum(n for name, n in self.writes.items() if " " in name)
        return self.total - to_provider - sum(1 for name in self.writes if " " not in name)


@pytest.fixture(scope="module")
def world(
    scenario_control: SandboxControl, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Scenario]:
    """Both sides in step after a first sync, read in small pages from now on."""
    folder = tmp_path_factory.mktemp("cost")
    scenario_control.reset(contacts=CONTACTS, existing_audience=True)
    with connected(scenario_control, folder=folder, crm_page=500, provider_page=1000) as first:
        first.start()
        ahead = first.ahead
    with connected(scenario_control, folder=folder, crm_page=PAGE, provider_page=PAGE) as scenario:
        scenario.ahead = ahead
        yield scenario


def costs_of(scenario: Scenario, mode: Mode) -> Costs:
    """The costs of a sync as the twins count them."""
    scenario.control.forget_calls()
    result = scenario.sync(mode)
    calls: Counter[str] = Counter()
    for call in scenario.control.calls():
        calls[f"{call.service} {call.method} {call.path}"] += call.count
    return Costs(calls, scenario.writes(), result.second is not None)


def people_in_step(scenario: Scenario) -> list[dict[str, Any]]:
    """Contacts that are subscribed, ours, and alone with their address."""
    picture = scenario.picture()
    subscribed = {
        member["email_address"].lower()
        for member in picture.members.values()
        if member["status"] == "subscribed" and "onoffice" in member["tags"]
    }
    mine = Counter(contact["Email"].lower() for contact in picture.contacts.values())
    return [
        contact
        for contact in picture.contacts.values()
        if contact["newsletter_aktiv"] == YES
        and not contact["Privat"]
        and contact["Status2Adr"] != "status2adr_archive"
        and contact["Email"].lower() in subscribed
        and mine[contact["Email"].lower()] == 1
    ]


@pytest.fixture(scope="module")
def costs(world: Scenario) -> dict[str, Costs]:
    """A full sync, an incremental one after one percent changed on each side, one after that."""
    full = costs_of(world, "full")
    world.sync()
    world.pass_time()
    people = people_in_step(world)
    for contact in people[: CHANGED // 2]:
        fields = {"Vorname": "Anders"}
        world.control.act(
            "onoffice", actor="staff", action="modify", id=contact["id"], fields=fields
        )
    for contact in people[CHANGED // 2 : CHANGED]:
        world.control.act(
            "mailchimp",
            actor="person",
            action="update",
            email=contact["Email"],
            merge_fields={"FNAME": "Neu"},
        )
    incremental = costs_of(world, "incremental")
    return {
        "full": full,
        "incremental": incremental,
        "again": costs_of(world, "incremental"),
        "quiet": costs_of(world, "incremental"),
    }


def test_with_one_percent_changed_an_incremental_sync_reads_a_tenth_of_what_a_full_one_reads(
    costs: dict[str, Costs],
) -> None:
    assert costs["incremental"].writes["modify:address"] == CHANGED - CHANGED // 2
    assert costs["full"].writes == {}
    assert costs["incremental"].reading <= costs["full"].reading / 10


def test_a_second_sync_writes_nothing(costs: dict[str, Costs]) -> None:
    assert (costs["again"].writes, costs["quiet"].writes) == ({}, {})


def test_our_own_changes_make_no_second_pass(costs: dict[str, Costs]) -> None:
    assert not costs["incremental"].second_pass


def test_a_quiet_sync_makes_a_handful_of_calls(costs: dict[str, Costs]) -> None:
    members = "mailchimp GET /3.0/lists/{list_id}/members"

    assert costs["quiet"].calls == {
        "onoffice POST /api/stable/api.php": 1,
        "mailchimp GET /3.0/lists": 1,
        "mailchimp GET /3.0/lists/{list_id}/merge-fields": 1,
        members: 2,
    }


def test_a_sync_asks_once_for_what_does_not_change(costs: dict[str, Costs]) -> None:
    once = (
        "mailchimp GET /3.0/lists",
        "mailchimp GET /3.0/lists/{list_id}/merge-fields",
        "mailchimp GET /3.0/lists/{list_id}/abuse-reports",
    )
    for name in ("full", "incremental"):
        assert all(costs[name].calls[call] <= 1 for call in once)
