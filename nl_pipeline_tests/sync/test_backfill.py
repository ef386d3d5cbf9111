"""Must-show 3: three days with half of the webhooks lost, and a backfill over them.

One story is told twice, with every webhook and with half of them. Afterwards there is nothing to
tell the two apart by: neither events, nor activities, nor what either side says of anybody.
"""

from __future__ import annotations

import contextlib
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest

from nl_pipeline.sandbox.app import World
from nl_pipeline.sync.events.ingest import ingest_and_sync
from nl_pipeline.sync.history import HistoryResult, read_reports, recover
from nl_pipeline_tests.sandbox_control import SandboxControl
from nl_pipeline_tests.sync.conftest import StartedScenario
from nl_pipeline_tests.sync.happening import during
from nl_pipeline_tests.sync.listening import listening
from nl_pipeline_tests.sync.outage_story import HOUR, Left, Story

Teller = Callable[[], contextlib.AbstractContextManager[Story]]


@pytest.fixture(scope="module")
def teller(
    started_scenario: StartedScenario,
    scenario_world: World,
    scenario_control: SandboxControl,
    tmp_path_factory: pytest.TempPathFactory,
) -> Teller:
    """Opens a story on the scenario after its first sync, with a receiver of its own."""
    port = httpx.URL(scenario_control.base_url).port or 0

    @contextlib.contextmanager
    def opened() -> Iterator[Story]:
        folder: Path = tmp_path_factory.mktemp("webhooks")
        with (
            started_scenario() as scenario,
            listening(scenario_world, sandbox_port=port, folder=folder) as heard,
        ):
            yield Story(scenario, heard)

    return opened


def backfill(story: Story) -> HistoryResult:
    """`nl-pipeline backfill CONNECTION --from … --to …` over the whole story."""
    return recover(story.scenario.link, start=story.begun, end=story.scenario.link.now())


@dataclass(frozen=True)
class Tellings:
    """What the tellings left. ``lost``: webhooks that never arrived."""

    with_all: Left
    with_half: Left
    lost: int
    sent: int
    first: HistoryResult
    backfilled: Left
    second: HistoryResult
    after_second: Left
    writes_of_second: Counter[str]


@pytest.fixture(scope="module")
def tellings(teller: Teller) -> Tellings:
    """The story with all webhooks, and with half of them and two backfills."""
    with teller() as story:
        story.tell()
        with_all = story.left()
        sent = len(story.heard.lines())
    with teller() as story:
        control = story.scenario.control
        story.is_lossy = True
        story.tell()
        lost = control.struck()
        control.clear_faults()
        with_half = story.left()
        first = backfill(story)
        backfilled = story.left()
        control.forget_calls()
        second = backfill(story)
        return Tellings(
            with_all=with_all,
            with_half=with_half,
            lost=lost,
            sent=sent,
            first=first,
            backfilled=backfilled,
            second=second,
            after_second=story.left(),
            writes_of_second=story.scenario.writes(),
        )


def test_half_of_the_webhooks_were_lost_and_missed(tellings: Tellings) -> None:
    assert tellings.sent * 0.3 < tellings.lost < tellings.sent * 0.7
    assert len(tellings.with_all.events - tellings.with_half.events) > 5


def test_events_are_those_of_a_run_without_loss(tellings: Tellings) -> None:
    assert tellings.backfilled.events == tellings.with_all.events


def test_activities_are_those_of_a_run_without_loss(tellings: Tellings) -> None:
    assert len(tellings.with_all.activities) > 50
    assert tellings.backfilled.activities == tellings.with_all.activities


def test_a_sync_alone_would_not_have_told_everything(tellings: Tellings) -> None:
    missing = tellings.with_all.activities - tellings.with_half.activities

    assert {name for _, _, name, _ in missing} >= {"kunde-13"}


def test_both_sides_say_what_they_say_without_loss(tellings: Tellings) -> None:
    assert tellings.backfilled.newsletter == tellings.with_all.newsletter
    assert tellings.backfilled.status == tellings.with_all.status


def test_the_backfill_tells_how_much_was_missing(tellings: Tellings) -> None:
    missing = sum((tellings.with_all.events - tellings.with_half.events).values())

    assert sum(tellings.first.read.found.new.values()) == missing


def test_a_second_backfill_changes_nothing(tellings: Tellings) -> None:
    assert tellings.second.read.found.new == {}
    assert tellings.after_second == tellings.backfilled
    assert tellings.writes_of_second == {}


# Meeting late webhooks, and being killed ----------------------------------------------------------


def lively_hours(story: Story) -> None:
    """A few things happen, of which every webhook gets lost or has to wait."""
    person = story.scenario.person
    story.step(story.send_campaign)
    story.step(lambda: person("unsubscribe", "kunde-01", campaign_id=story.campaigns[0]))
    story.step(lambda: person("subscribe", "neu-1"))
    story.step(lambda: person("complain", "kunde-06"))
    story.step(lambda: story.scenario.staff("unsubscribe", "kunde-02"))


@pytest.fixture(scope="module")
def expected(teller: Teller) -> Left:
    """What the lively hours leave when every webhook arrives."""
    with teller() as story:
        lively_hours(story)
        ingest_and_sync(story.scenario.link)
        read_reports(story.scenario.link)
        ingest_and_sync(story.scenario.link)
        return story.left()


def test_webhooks_that_come_after_the_backfill_tell_nothing_new(teller: Teller) -> None:
    with teller() as story:
        story.heard.is_deaf = True
        story.step(story.send_campaign)
        story.scenario.person("unsubscribe", "kunde-01", campaign_id=story.campaigns[0])
        story.scenario.person("subscribe", "neu-1")
        story.scenario.person("complain", "kunde-06")
        story.scenario.staff("unsubscribe", "kunde-02")
        story.heard.hear()
        backfill(story)
        before = story.left()
        story.heard.is_deaf = False
        story.scenario.pass_time(by=HOUR / 2)
        story.heard.hear()

        result, _ = ingest_and_sync(story.scenario.link)

        assert sum(result.duplicates.values()) >= 5
        assert result.new == {}
        assert story.left() == before


@pytest.mark.parametrize("at", ["history: recipients", "opt-outs"])
def test_a_backfill_that_was_killed_is_finished_by_the_next(
    teller: Teller, expected: Left, at: str
) -> None:
    def killed() -> None:
        raise KeyboardInterrupt

    with teller() as story:
        story.lose(rate=1.0)
        lively_hours(story)
        during(story.scenario, at, killed)
        with pytest.raises(KeyboardInterrupt):
            backfill(story)

        backfill(story)

        assert story.left() == expected
