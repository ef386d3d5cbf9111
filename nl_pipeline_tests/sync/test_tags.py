"""Tags against the sandbox: three-way on sets, and a tag is its option key, not its label.

Belongs here: tags both ways. Must not be here: the ownership tag (``test_status_rules``).
"""

from __future__ import annotations

import pytest

from nl_pipeline.sandbox.population import TAG_OPTIONS
from nl_pipeline_tests.scenario import Scenario

KEY, LABEL = next(iter(TAG_OPTIONS.items()))
RENAMED = "Ganz anders"


def _rename(scenario: Scenario) -> None:
    scenario.control.switch("onoffice", name="newsletter_tags", value={**TAG_OPTIONS, KEY: RENAMED})
    # The field configuration is asked once per client, and every run has a client of its own.
    scenario.link.crm.client._fields.clear()


def _tags_at_provider(scenario: Scenario) -> set[str]:
    member = scenario.picture().member("kunde-01")
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
