"""T8: one address on several contacts. Neither a crash nor half an opt-out.

Belongs here: which contacts of a group decide, which one the profile comes from, and what all of
them are told. Must not be here: changes of an address (``test_t09_address_changes``).

Most tests look at one story: many groups at once, after their first sync and after everybody who
was subscribed has left.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import combinations_with_replacement
from typing import Any

import pytest

from nl_pipeline_tests.scenario import (
    CANCEL,
    DOI,
    NO,
    NOT_SPECIFIED,
    UNDELIVERABLE,
    YES,
    Picture,
    Scenario,
)
from nl_pipeline_tests.sync.conftest import StartedScenario

_WISH = {"YES": YES, "NO": NO, "CANCEL": CANCEL, "DOI": DOI, "NONE": NOT_SPECIFIED}
_WISH |= {"UNDELIVERABLE": UNDELIVERABLE, "UNKNOWN": "9"}
_STATE: dict[str, dict[str, Any]] = {
    "private": {"Privat": True},
    "archived": {"Status2Adr": "status2adr_archive"},
    "revoked": {"DSGVOStatus": "speicherungwiderrufen"},
}

Group = tuple[str, ...]


def _groups() -> list[Group]:
    """Every pair of wishes, a Yes of every eligibility beside everybody, and larger groups."""
    held_back = [f"YES {state}" for state in _STATE]
    pairs = list(combinations_with_replacement(_WISH, 2))
    pairs += [(other, yes) for yes in held_back for other in (*_WISH, yes)]
    threes = [("YES", *pair) for pair in combinations_with_replacement(["NO", *_WISH], 2)]
    threes += [("YES", "YES private", other) for other in ("NONE", "CANCEL", "YES revoked")]
    fours = [
        ("YES", "YES", "YES", "YES"),
        ("NONE", "DOI", "NONE", "YES"),
        ("YES", "YES", "DOI", "CANCEL"),
        ("YES private", "YES archived", "YES revoked", "NONE"),
        ("NO private", "YES", "YES", "YES"),
        ("CANCEL archived", "YES", "YES", "YES"),
        ("NONE revoked", "DOI archived", "NONE private", "YES"),
    ]
    return list(dict.fromkeys([*pairs, *threes, *fours]))


GROUPS = _groups()
STOPS = {"NO", "CANCEL", "UNKNOWN", "UNDELIVERABLE"}


def _name(group: Group) -> str:
    return "+".join(group)


def _email(group: Group) -> str:
    return f"gruppe{GROUPS.index(group)}@kunde.example"


def _says_yes(group: Group) -> bool:
    """One says Yes and may be written to, and nobody's word stops it."""
    return "YES" in group and not STOPS & {contact.split()[0] for contact in group}


def _is_subscribed(picture: Picture, group: Group) -> bool:
    return _email(group) in picture.subscribed()


@dataclass(frozen=True)
class Story:
    """The groups once they are known, and after every address of theirs that is sent to left."""

    ids: dict[Group, list[int]]
    known: Picture
    left: Picture
    writes_at_rest: dict[str, int]

    def newsletters(self, group: Group) -> list[str]:
        return [self.left.contacts[i]["newsletter_aktiv"] for i in self.ids[group]]


@pytest.fixture(scope="module")
def story(started_scenario: StartedScenario) -> Story:
    with started_scenario() as scenario:
        return tell(scenario)


def tell(scenario: Scenario) -> Story:
    ids = {
        group: [_enter(scenario, group, place) for place in range(len(group))] for group in GROUPS
    }
    scenario.sync()
    scenario.sync("full")
    known = scenario.picture()
    for group in GROUPS:
        if _is_subscribed(known, group):
            scenario.control.act(
                "mailchimp", actor="person", action="unsubscribe", email=_email(group)
            )
    scenario.sync()
    left = scenario.picture()
    scenario.control.forget_calls()
    scenario.sync("full")
    return Story(ids, known, left, dict(scenario.writes()))


def _enter(scenario: Scenario, group: Group, place: int) -> int:
    """Every second contact writes the address in capitals."""
    wish, *state = group[place].split()
    email = _email(group).upper() if place % 2 else _email(group)
    fields = {"newsletter_aktiv": _WISH[wish], **(_STATE[state[0]] if state else {})}
    actor = "import" if wish == "UNKNOWN" else "staff"
    done = scenario.control.act(
        "onoffice", actor=actor, action="create", emails=[email], fields=fields
    )
    return int(done["ids"][0])


@pytest.mark.parametrize("group", GROUPS, ids=_name)
def test_a_group_is_subscribed_if_one_may_be_and_nobody_objects(story: Story, group: Group) -> None:
    assert _is_subscribed(story.known, group) is _says_yes(group)


@pytest.mark.parametrize("group", [g for g in GROUPS if _says_yes(g)], ids=_name)
def test_an_opt_out_reaches_every_contact_of_its_group(story: Story, group: Group) -> None:
    assert story.newsletters(group) == [CANCEL] * len(group)


@pytest.mark.parametrize("group", [g for g in GROUPS if not _says_yes(g)], ids=_name)
def test_a_group_that_is_not_sent_to_keeps_the_words_of_its_contacts(
    story: Story, group: Group
) -> None:
    assert story.newsletters(group) == [_WISH[contact.split()[0]] for contact in group]


def test_an_address_of_several_contacts_is_one_member(story: Story) -> None:
    addresses = [m["email_address"].lower() for m in story.known.members.values()]

    assert len(addresses) == len(set(addresses))


def test_groups_come_to_rest(story: Story) -> None:
    assert story.writes_at_rest == {}


@pytest.mark.parametrize("group", [g for g in GROUPS if _says_yes(g)], ids=_name)
def test_an_opt_out_is_booked_once_on_every_contact_of_its_group(
    story: Story, group: Group
) -> None:
    booked = [
        a["Adress_nr"] for a in story.left.onoffice["activities"] if a["Aktionsart"] == "Newsletter"
    ]

    assert {i: booked.count(i) for i in story.ids[group]} == dict.fromkeys(story.ids[group], 1)
