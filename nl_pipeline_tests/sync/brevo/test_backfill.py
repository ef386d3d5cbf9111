"""Days at Brevo with half of the webhooks lost, and a backfill over them.

One story is told twice, with every webhook and with half of them. After the backfill there is
nothing to tell the two apart by: neither what happened to mails and who left, nor activities, nor
what either side says of anybody. Of sign-ups and edits only the newest is known to Brevo
afterwards, and not what it was, so these events are not compared; what they led to is.
"""

from __future__ import annotations

import contextlib
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import pytest

from nl_pipeline.sandbox.app import World
from nl_pipeline.settings import SANDBOX_BREVO_CONNECTION
from nl_pipeline.sync.history import HistoryResult, recover
from nl_pipeline_tests.sandbox_control import SandboxControl
from nl_pipeline_tests.sync.brevo.hooked import KIND, Hooked
from nl_pipeline_tests.sync.brevo.test_recovery import HOUR
from nl_pipeline_tests.sync.conftest import StartedScenario
from nl_pipeline_tests.sync.listening import listening

TOLD_OF_MAILS_AND_LEAVING = (
    "UNSUBSCRIBE",
    "COMPLAINT",
    "CLEANED",
    "DELIVERED",
    "HARD_BOUNCE",
    "OPEN",
    "CLICK",
)


@dataclass(frozen=True)
class Left:
    """What a telling has left: events as (kind, who, campaign, link, hour), activities as (kind,
    who), newsletter fields of the CRM, and statuses at Brevo."""

    events: Counter[tuple[Any, ...]]
    activities: Counter[tuple[Any, ...]]
    newsletter: Counter[tuple[str, str]]
    status: dict[str, str]


def tell(hooked: Hooked) -> None:
    """Two days of a newsletter, each step in an hour of its own."""
    scenario = hooked.scenario

    def step(actor: str, action: str, name: str, **details: Any) -> None:
        hooked.pass_time(HOUR)
        scenario.act(actor, action, name, **details)

    for day in (1, 2):
        hooked.pass_time(HOUR)
        latest = hooked.send_campaign(on_their_way=True)
        for number in (day, day + 2, day + 4):
            scenario.act("system", "deliver", f"kunde-0{number}")
        step("person", "open", f"kunde-0{day}")
        step("person", "click", f"kunde-0{day}", url="https://a.example/1")
        step("person", "click", f"kunde-0{day}", url="https://a.example/2")
        step("person", "unsubscribe", f"kunde-0{day + 2}", campaign_id=latest)
        step("person", "complain", f"kunde-0{day + 4}", campaign_id=latest)
        hooked.ingest()
        step("system", "bounce", f"kunde-0{day + 6}", campaign_id=latest)
        step("staff", "unsubscribe", f"kunde-1{day}")
        step("person", "unsubscribe", f"kunde-1{day + 2}", list_only=True)
        step("person", "update", f"kunde-1{day + 4}", values={"last_name": "Anders"})
        step("staff", "subscribe", f"neu-{day}")
        hooked.pass_time(HOUR)
        hooked.ingest()
        scenario.sync()
    hooked.pass_time(HOUR)


def left(hooked: Hooked, *, begun: datetime) -> Left:
    picture = hooked.scenario.picture()
    told = hooked.rows(
        "SELECT kind, key, campaign_id, link, happened_at FROM subscriber_events"
        " WHERE believed AND list_contains(?, kind)",
        [list(TOLD_OF_MAILS_AND_LEAVING)],
    )
    return Left(
        events=Counter(
            (kind, key, campaign, link, round((at.replace(tzinfo=UTC) - begun) / HOUR))
            for kind, key, campaign, link, at in told
        ),
        activities=Counter(hooked.rows("SELECT kind, key FROM activities WHERE state = 'written'")),
        newsletter=Counter((c["Email"], c["newsletter_aktiv"]) for c in picture.contacts.values()),
        status={member["email_address"]: member["status"] for member in picture.members.values()},
    )


@dataclass(frozen=True)
class Tellings:
    """What the tellings left, each after a backfill; ``lost``: webhooks that never arrived."""

    lost: int
    arrived: int
    with_half: Left
    with_all: Left
    backfilled: Left
    first: HistoryResult
    second: HistoryResult


@pytest.fixture(scope="module")
def tellings(
    started_scenario: StartedScenario,
    scenario_world: World,
    scenario_control: SandboxControl,
    tmp_path_factory: pytest.TempPathFactory,
) -> Tellings:
    """The story with all webhooks, and with half of them."""
    port = httpx.URL(scenario_control.base_url).port or 0

    @contextlib.contextmanager
    def opened() -> Iterator[tuple[Hooked, datetime]]:
        folder: Path = tmp_path_factory.mktemp("webhooks")
        with (
            started_scenario() as scenario,
            listening(
                scenario_world,
                sandbox_port=port,
                folder=folder,
                connection=SANDBOX_BREVO_CONNECTION,
            ) as heard,
        ):
            hooked = Hooked(scenario, heard)
            scenario.want_activities(
                delivered=KIND, hard_bounce=KIND, open=KIND, click=KIND, proxy_opens=True
            )
            hooked.set_up()
            hooked.pass_time(HOUR)
            yield hooked, scenario.link.now()

    def backfill(hooked: Hooked, *, begun: datetime) -> HistoryResult:
        """`nl-pipeline backfill CONNECTION --from … --to …` over the whole story."""
        return recover(hooked.scenario.link, start=begun, end=hooked.scenario.link.now())

    with opened() as (hooked, begun):
        tell(hooked)
        backfill(hooked, begun=begun)
        with_all, arrived = left(hooked, begun=begun), len(hooked.heard.lines())
    with opened() as (hooked, begun):
        control = hooked.scenario.control
        control.fault("brevo", kind="drop_webhook", match="WEBHOOK", rate=0.5)
        tell(hooked)
        lost = control.struck()
        control.clear_faults()
        with_half = left(hooked, begun=begun)
        first = backfill(hooked, begun=begun)
        backfilled = left(hooked, begun=begun)
        second = backfill(hooked, begun=begun)
    return Tellings(lost, arrived, with_half, with_all, backfilled, first, second)


def test_half_of_the_webhooks_were_lost_and_missed(tellings: Tellings) -> None:
    assert tellings.arrived * 0.3 < tellings.lost < tellings.arrived * 0.7
    assert len(tellings.with_all.events - tellings.with_half.events) > 5


def test_what_happened_to_mails_and_who_left_is_as_without_loss(tellings: Tellings) -> None:
    assert tellings.backfilled.events == tellings.with_all.events


def test_activities_are_those_of_a_telling_without_loss(tellings: Tellings) -> None:
    kinds = {kind for kind, _ in tellings.with_all.activities}

    assert kinds >= {"unsubscribe", "subscribe", "delivered", "hard_bounce", "open", "click"}
    assert tellings.backfilled.activities == tellings.with_all.activities


def test_both_sides_say_what_they_say_without_loss(tellings: Tellings) -> None:
    assert tellings.backfilled.newsletter == tellings.with_all.newsletter
    assert tellings.backfilled.status == tellings.with_all.status


def test_a_second_backfill_finds_nothing(tellings: Tellings) -> None:
    assert sum(tellings.first.read.found.new.values()) > 5
    assert tellings.second.read.found.new == {}
