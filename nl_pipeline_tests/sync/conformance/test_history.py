"""What every adapter still tells of the past, as its webhooks would have told it."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import pytest

from nl_pipeline.domain.events import EventKind
from nl_pipeline.sync.providers.port import HistoryPortion
from nl_pipeline_tests.providers import each_provider
from nl_pipeline_tests.scenario import address
from nl_pipeline_tests.sync.conformance.bench import Bench

pytestmark = each_provider

LEFT, COMPLAINED, BOUNCED, JOINED = "kunde-01", "kunde-02", "kunde-03", "angekommen"
BEFORE, LATER = "kunde-04", "kunde-05"


@dataclass(frozen=True)
class Told:
    """What the history of a window says, asked twice, and with all changes called our own."""

    start: datetime
    end: datetime
    portions: tuple[HistoryPortion, ...]
    again: tuple[HistoryPortion, ...]
    as_ours: tuple[HistoryPortion, ...]

    def kinds(self, name: str) -> set[EventKind]:
        return {e.kind for p in self.portions for e in p.events if e.key == address(name)}


def theirs(
    changes: Sequence[tuple[str, datetime]], *, actions: Collection[str] = ()
) -> Sequence[bool]:
    return [False] * len(changes)


def ours(
    changes: Sequence[tuple[str, datetime]], *, actions: Collection[str] = ()
) -> Sequence[bool]:
    return [True] * len(changes)


@pytest.fixture(scope="module")
def told(bench: Bench) -> Told:
    scenario = bench.scenario
    scenario.person("unsubscribe", BEFORE)
    scenario.pass_time(by=timedelta(hours=1))
    start = bench.now()
    scenario.pass_time(by=timedelta(hours=1))
    scenario.person("unsubscribe", LEFT)
    scenario.person("complain", COMPLAINED)
    scenario.act("system", "bounce", BOUNCED)
    scenario.person("subscribe", JOINED)
    scenario.pass_time(by=timedelta(hours=1))
    end = bench.now()
    scenario.pass_time(by=timedelta(hours=1))
    scenario.person("unsubscribe", LATER)
    bench.read()

    def history(is_ours: object) -> tuple[HistoryPortion, ...]:
        return tuple(
            bench.audience.past.history(
                bench.audience_id,
                start=start,
                end=end,
                now=bench.now(),
                is_ours=is_ours,  # type: ignore[arg-type]
                bounces=True,
            )
        )

    return Told(start, end, history(theirs), history(theirs), history(ours))


def test_every_opt_out_of_the_window_is_found(told: Told) -> None:
    assert told.kinds(LEFT) & {EventKind.UNSUBSCRIBE}
    assert told.kinds(COMPLAINED) & {EventKind.COMPLAINT, EventKind.UNSUBSCRIBE}


def test_a_sign_up_of_the_window_is_found(told: Told) -> None:
    assert told.kinds(JOINED)


def test_a_bounce_is_no_opt_out(told: Told) -> None:
    assert told.kinds(BOUNCED) & {EventKind.UNSUBSCRIBE, EventKind.COMPLAINT} == set()


def test_an_opt_out_before_the_window_is_not_dated_into_it(told: Told) -> None:
    opt_outs = {EventKind.UNSUBSCRIBE, EventKind.COMPLAINT}
    dated = [
        e
        for p in told.portions
        for e in p.events
        if e.key == address(BEFORE) and e.kind in opt_outs
    ]

    assert [e for e in dated if told.start <= e.happened_at < told.end] == []


def test_events_are_dated_within_the_window(told: Told) -> None:
    found = [e.happened_at for p in told.portions for e in p.events if e.key == address(LEFT)]
    slack = timedelta(minutes=2)

    assert found
    assert all(told.start - slack <= at <= told.end + slack for at in found)


def test_portions_tell_how_much_was_looked_at(told: Told) -> None:
    assert told.portions
    assert all(0 <= p.done <= p.total and p.what for p in told.portions)


def test_a_second_look_finds_the_same_events(told: Told) -> None:
    def keys(portions: Sequence[HistoryPortion]) -> set[tuple[str, str, datetime]]:
        return {(str(e.kind), e.key, e.happened_at) for p in portions for e in p.events}

    assert keys(told.again) == keys(told.portions)


def test_what_we_wrote_ourselves_is_no_news_but_an_opt_out_of_the_person_always_is(
    told: Told,
) -> None:
    kinds = {(e.kind, e.key) for p in told.as_ours for e in p.events}
    joined = {kind for kind, key in kinds if key == address(JOINED)}

    assert joined & {EventKind.SUBSCRIBE} == set()
    assert (EventKind.COMPLAINT, address(COMPLAINED)) in kinds or (
        EventKind.UNSUBSCRIBE,
        address(COMPLAINED),
    ) in kinds


def test_a_campaign_nobody_sent_is_none(bench: Bench) -> None:
    unknown = {"mailchimp": "0000000000", "brevo": "999999"}[bench.stage.provider]

    assert bench.audience.past.campaign(bench.audience_id, unknown) is None


def test_recipients_of_a_campaign_are_told_one_by_one(bench: Bench) -> None:
    sent = bench.scenario.control.send_campaign(
        bench.stage.service,
        subject="Neues",
        open_rate=0,
        click_rate=0,
        hard_bounce_rate=0,
        soft_bounce_rate=0,
    )
    bench.scenario.pass_time(by=timedelta(hours=1))
    campaign = bench.audience.past.campaign(bench.audience_id, str(sent["campaign_id"]))
    assert campaign is not None

    kinds = {EventKind.DELIVERED, EventKind.HARD_BOUNCE}
    portions = list(bench.audience.past.recipients(campaign, now=bench.now(), wanted=kinds))

    told = {e.key for p in portions for e in p.events if e.kind is EventKind.DELIVERED}
    assert campaign.recipients == len(told) > 0
    assert told <= bench.subscribed()
