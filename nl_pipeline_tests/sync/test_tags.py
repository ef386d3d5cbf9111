"""Tags against the sandbox: three-way on sets, and a tag is its option key, not its label.

Belongs here: tags both ways, alone and changed on both sides at once. Must not be here: how many
calls they take.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import pytest

from nl_pipeline.sandbox.population import TAG_OPTIONS
from nl_pipeline_tests.scenario import Picture, Scenario
from nl_pipeline_tests.sync.conftest import StartedScenario

KEY, LABEL = next(iter(TAG_OPTIONS.items()))
KEYS, LABELS = list(TAG_OPTIONS), list(TAG_OPTIONS.values())
RENAMED = "Ganz anders"


def _rename(scenario: Scenario) -> None:
    _set_options(scenario, {**TAG_OPTIONS, KEY: RENAMED})


def _set_options(scenario: Scenario, options: dict[str, str]) -> None:
    _switch(scenario, "newsletter_tags", options)


def _switch(scenario: Scenario, name: str, value: object) -> None:
    scenario.control.switch("onoffice", name=name, value=value)
    # The field configuration is asked once per client, and every run has a client of its own.
    scenario.link.crm.client._fields.clear()


def _tags_at_provider(scenario: Scenario) -> set[str]:
    return _tags_of_member(scenario.picture(), "kunde-01")


def _tags_of_member(picture: Picture, name: str) -> set[str]:
    member = picture.member(name)
    assert member is not None
    return set(member["tags"]) - {"onoffice"}


@pytest.fixture
def tagged(scenario: Scenario) -> Scenario:
    """A world in which kunde-01 carries one tag on both sides."""
    scenario.set_field("kunde-01", NewsletterTag=[KEY])
    scenario.sync()
    assert _tags_at_provider(scenario) == {LABEL}
    return scenario


@pytest.mark.parametrize("mode", ["incremental", "full"])
def test_a_renamed_label_renames_the_tag_and_takes_it_from_nobody(
    tagged: Scenario, mode: str
) -> None:
    _rename(tagged)

    tagged.sync("full" if mode == "full" else "incremental")

    assert _tags_at_provider(tagged) == {RENAMED}
    assert tagged.picture().contact("kunde-01")["NewsletterTag"] == [KEY]


def test_after_a_rename_there_is_nothing_left_to_write(tagged: Scenario) -> None:
    _rename(tagged)
    tagged.sync("full")
    tagged.control.forget_calls()

    tagged.sync("full")

    assert tagged.writes() == {}


def test_a_tag_taken_away_in_the_crm_goes_under_its_former_name_too(tagged: Scenario) -> None:
    _rename(tagged)
    tagged.set_field("kunde-01", NewsletterTag=[])

    tagged.sync("full")

    assert _tags_at_provider(tagged) == set()
    assert tagged.picture().contact("kunde-01")["NewsletterTag"] == []


def test_a_tag_given_at_the_provider_comes_in_at_a_full_sync_only(scenario: Scenario) -> None:
    scenario.staff("tag", "kunde-01", tag=LABEL)

    scenario.sync("incremental")
    before = scenario.picture().contact("kunde-01")["NewsletterTag"]
    scenario.sync("full")

    assert before == []
    assert scenario.picture().contact("kunde-01")["NewsletterTag"] == [KEY]


def test_a_tag_taken_away_at_the_provider_goes_at_a_full_sync(tagged: Scenario) -> None:
    tagged.staff("untag", "kunde-01", tag=LABEL)

    tagged.sync("incremental")
    before = tagged.picture().contact("kunde-01")["NewsletterTag"]
    tagged.sync("full")

    assert before == [KEY]
    assert tagged.picture().contact("kunde-01")["NewsletterTag"] == []


def test_a_tag_outside_the_option_list_is_left_alone(scenario: Scenario) -> None:
    scenario.staff("tag", "kunde-01", tag="VIP der Agentur")

    scenario.sync("full")

    assert _tags_at_provider(scenario) == {"VIP der Agentur"}


# Both sides change the tags of people who have the first one on both ---------------------------


@dataclass(frozen=True)
class Case:
    """Tags by number: what both sides make of {0}, and what is there after either sync."""

    title: str
    crm: set[int]
    added: set[int]
    removed: set[int]
    after_incremental: tuple[set[int], set[int]]
    after_full: set[int]


CASES = (
    Case("each side adds another", {0, 1}, {2}, set(), ({0, 1}, {0, 1, 2}), {0, 1, 2}),
    Case("both add the same", {0, 1}, {1}, set(), ({0, 1}, {0, 1}), {0, 1}),
    Case("both take the same away", set(), set(), {0}, (set(), set()), set()),
    Case("the CRM takes away, the provider adds", set(), {1}, set(), (set(), {1}), {1}),
    Case("the CRM adds, the provider takes away", {0, 1}, set(), {0}, ({0, 1}, {1}), {1}),
    Case("only the CRM adds", {0, 3}, set(), set(), ({0, 3}, {0, 3}), {0, 3}),
    Case("only the CRM takes away", set(), set(), set(), (set(), set()), set()),
    Case("the CRM replaces", {4, 5}, set(), set(), ({4, 5}, {4, 5}), {4, 5}),
)


@dataclass(frozen=True)
class Told:
    """Both sides after an incremental and after a full sync, and what a third one writes."""

    incremental: Picture
    full: Picture
    writes_at_rest: dict[str, int]


def _name(case: Case) -> str:
    return f"kunde-{CASES.index(case) + 1:02d}"


def _labels(numbers: set[int]) -> set[str]:
    return {LABELS[number] for number in numbers}


def _keys(numbers: set[int]) -> set[str]:
    return {KEYS[number] for number in numbers}


@pytest.fixture(scope="module")
def told(started_scenario: StartedScenario) -> Told:
    with started_scenario() as scenario:
        for case in CASES:
            scenario.set_field(_name(case), NewsletterTag=[KEY])
        scenario.sync()
        for case in CASES:
            scenario.set_field(_name(case), NewsletterTag=sorted(_keys(case.crm)))
            for label in _labels(case.added):
                scenario.staff("tag", _name(case), tag=label)
            for label in _labels(case.removed):
                scenario.staff("untag", _name(case), tag=label)
        scenario.sync()
        incremental = scenario.picture()
        scenario.sync("full")
        full = scenario.picture()
        scenario.control.forget_calls()
        scenario.sync("full")
        return Told(incremental, full, dict(scenario.writes()))


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.title)
def test_every_sync_brings_the_changes_of_the_crm_to_the_provider_and_none_back(
    told: Told, case: Case
) -> None:
    in_crm = set(told.incremental.contact(_name(case))["NewsletterTag"])
    at_provider = _tags_of_member(told.incremental, _name(case))

    here, there = case.after_incremental
    assert (in_crm, at_provider) == (_keys(here), _labels(there))


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.title)
def test_a_full_sync_brings_both_sides_together(told: Told, case: Case) -> None:
    in_crm = set(told.full.contact(_name(case))["NewsletterTag"])
    at_provider = _tags_of_member(told.full, _name(case))

    assert (in_crm, at_provider) == (_keys(case.after_full), _labels(case.after_full))


def test_tags_of_both_sides_come_to_rest(told: Told) -> None:
    assert told.writes_at_rest == {}


# What must never happen ------------------------------------------------------------------------


def test_our_own_tag_is_never_mirrored_even_where_an_option_has_its_name(
    scenario: Scenario,
) -> None:
    _set_options(scenario, {**TAG_OPTIONS, "own": "onoffice"})

    scenario.sync("full")

    after = scenario.picture()
    assert {tuple(c["NewsletterTag"]) for c in after.contacts.values()} == {()}
    member = after.member("kunde-01")
    assert member is not None
    assert member["tags"] == ["onoffice"]


def _deactivate(scenario: Scenario) -> None:
    _switch(scenario, "inactive_fields", ["NewsletterTag"])


def _empty(scenario: Scenario) -> None:
    _set_options(scenario, {})


def _shorten(scenario: Scenario) -> None:
    _set_options(scenario, {key: label for key, label in TAG_OPTIONS.items() if key != KEY})


@pytest.mark.parametrize(
    "lose", [_deactivate, _empty, _shorten], ids=["field gone", "list empty", "option gone"]
)
def test_an_option_list_that_cannot_be_read_takes_no_tag_from_anybody(
    tagged: Scenario, lose: Callable[[Scenario], None]
) -> None:
    lose(tagged)
    tagged.control.forget_calls()

    tagged.sync("full")

    assert tagged.writes() == {}
    assert _tags_at_provider(tagged) == {LABEL}


def test_tags_go_on_where_they_stopped_when_the_list_can_be_read_again(tagged: Scenario) -> None:
    _deactivate(tagged)
    tagged.sync("full")
    _switch(tagged, "inactive_fields", [])
    tagged.set_field("kunde-01", NewsletterTag=KEYS[1:2])

    tagged.sync("full")

    assert _tags_at_provider(tagged) == {LABELS[1]}


def test_a_tag_in_another_case_is_the_same_tag(scenario: Scenario) -> None:
    scenario.staff("tag", "kunde-01", tag=LABEL.upper())
    scenario.set_field("kunde-01", NewsletterTag=[KEY])
    scenario.control.forget_calls()

    scenario.sync("full")

    assert scenario.writes() == {}
    assert _tags_at_provider(scenario) == {LABEL.upper()}


def test_a_member_with_more_tags_than_the_list_of_members_shows_loses_none(
    tagged: Scenario,
) -> None:
    # The list shows 50 tags of a member; the ones of the CRM come last here.
    tagged.staff("untag", "kunde-01", tag=LABEL)
    others = {f"Kampagne {number}" for number in range(60)}
    for name in sorted(others):
        tagged.staff("tag", "kunde-01", tag=name)
    for label in LABELS[:2]:
        tagged.staff("tag", "kunde-01", tag=label)

    tagged.sync("full")

    assert _tags_at_provider(tagged) == {*others, *LABELS[:2]}
    assert set(tagged.picture().contact("kunde-01")["NewsletterTag"]) == set(KEYS[:2])


def test_a_tag_that_only_the_long_list_shows_is_taken_away_too(tagged: Scenario) -> None:
    others = {f"Kampagne {number}" for number in range(60)}
    tagged.staff("untag", "kunde-01", tag=LABEL)
    for name in sorted(others):
        tagged.staff("tag", "kunde-01", tag=name)
    tagged.staff("tag", "kunde-01", tag=LABEL)
    tagged.set_field("kunde-01", NewsletterTag=[])

    tagged.sync("full")

    assert _tags_at_provider(tagged) == others


@pytest.fixture
def namesakes(scenario: Scenario) -> Scenario:
    """A world in which a second option has the name of the first; kunde-01 carries the first."""
    _set_options(scenario, {**TAG_OPTIONS, "namesake": LABEL})
    scenario.set_field("kunde-01", NewsletterTag=[KEY])
    scenario.sync()
    return scenario


def test_a_tag_whose_name_two_options_share_comes_in_as_neither(namesakes: Scenario) -> None:
    namesakes.staff("tag", "kunde-02", tag=LABEL)

    namesakes.sync("full")

    after = namesakes.picture()
    assert after.contact("kunde-01")["NewsletterTag"] == [KEY]
    assert after.contact("kunde-02")["NewsletterTag"] == []


def test_a_tag_whose_name_two_options_share_goes_with_the_last_of_them(
    namesakes: Scenario,
) -> None:
    namesakes.set_field("kunde-01", NewsletterTag=["namesake"])
    namesakes.sync()
    with_one = _tags_at_provider(namesakes)
    namesakes.set_field("kunde-01", NewsletterTag=[])

    namesakes.sync()

    assert with_one == {LABEL}
    assert _tags_at_provider(namesakes) == set()
