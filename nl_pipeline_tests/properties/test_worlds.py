"""Whole worlds over several syncs: the plan against the oracle, and what must never happen.

``NL_WORLDS=deep`` draws many more worlds, different ones each time; without it the same few are
drawn every time.
"""

from __future__ import annotations

from collections import Counter

from hypothesis import HealthCheck, Phase, given, settings

from nl_pipeline.domain.brakes import Brake
from nl_pipeline.domain.states import OPTED_OUT, Newsletter, ProviderState
from nl_pipeline_tests import oracle
from nl_pipeline_tests.properties.running import Observed, Stage, open_stage, play, release
from nl_pipeline_tests.properties.worlds import DEEP, Round, Story, stories
from nl_pipeline_tests.providers import Provider

_WITHDRAWN = (Newsletter.NO, Newsletter.CANCEL)
_REMOVALS = ("unsubscribe", "archive")
#: What the longest chain needs: taken over, changed address, tags after it, and the empty plan.
_MOST_SYNCS = 5


def _worlds(examples: int) -> settings:
    return settings(
        max_examples=examples * (40 if DEEP else 1),
        deadline=None,
        derandomize=not DEEP,
        # A world of many people is not made smaller in any time worth waiting for.
        phases=[Phase.generate],
        database=None,
        suppress_health_check=list(HealthCheck),
    )


def _assert_plan_is_expected(observed: Observed) -> None:
    expected = oracle.plan(observed.picture)
    planned = {c.expected for c in observed.changes}

    assert planned - expected.changes == set(), "planned, and the oracle does not expect it"
    assert expected.changes - planned == set(), "expected by the oracle, and not planned"
    assert len(observed.changes) == len(planned), "no change is planned twice"
    assert observed.codes == {key: expected.decisions[key].code for key in observed.codes}
    assert observed.notes == expected.notes


def _assert_opt_outs_are_in_the_ledger(observed: Observed) -> None:
    ledger = observed.picture.consents
    left = [m.key for m in observed.picture.members if m.state in OPTED_OUT]

    assert [k for k in left if k not in ledger or "WITHDRAW" not in ledger[k].ledger] == []


def _assert_brakes_hold(observed: Observed) -> None:
    removals = [c for c in observed.changes if c.expected.action in _REMOVALS]
    free = [c for c in removals if c.held_by is None]
    reading = next(b for b in observed.plan.brakes if b.brake is Brake.REMOVALS)
    opt_outs = [c for c in observed.changes if ("newsletter", "CANCEL") in c.expected.after]

    assert reading.rows == len(removals)
    assert len(free) <= reading.allowed
    assert [c.seq for c in opt_outs if c.held_by is not None] == []


def _assert_each_change_ended_on_its_own(
    stage: Stage, *, observed: Observed, sent: list[tuple[int, str]]
) -> None:
    """What the services did is confirmed, however the others ended."""
    by_seq = {c.seq: c.expected for c in observed.changes}
    bad = [by_seq[seq] for seq, end in sent if end not in ("ok", "unheard")]
    people, records = {c.key for c in bad}, {c.record_id for c in bad}
    results = dict(
        stage.rows("SELECT seq, result FROM outcome_now WHERE plan_id = ?", [observed.plan.plan_id])
    )
    alone = [
        seq
        for seq, end in sent
        if end == "ok" and by_seq[seq].key not in people and by_seq[seq].record_id not in records
    ]

    assert {seq: results[seq] for seq in alone if results[seq] != "confirmed"} == {}
    assert set(results) <= {seq for seq, _ in sent} | _overtaken(results)


def _overtaken(results: dict[int, str]) -> set[int]:
    return {seq for seq, result in results.items() if result == "overtaken"}


def _assert_ledger_only_grew(stage: Stage, *, entries: list[tuple[object, ...]]) -> None:
    now = _entries(stage)

    assert now[: len(entries)] == entries


def _entries(stage: Stage) -> list[tuple[object, ...]]:
    return stage.rows("SELECT * FROM consent_ledger ORDER BY entry")


@_worlds(5)
@given(story=stories(fewest=10, most=24, rounds=3, unruly=True))
def test_through_failures_and_interruptions_the_plan_is_the_oracles_and_no_opt_out_is_lost(
    story: Story,
) -> None:
    _play_through_failures(story, provider="mailchimp")


@_worlds(3)
@given(story=stories(fewest=10, most=16, rounds=2, unruly=True))
def test_through_failures_at_brevo_the_plan_is_the_oracles_and_no_opt_out_is_lost(
    story: Story,
) -> None:
    _play_through_failures(story, provider="brevo")


def _play_through_failures(story: Story, *, provider: Provider) -> None:
    with open_stage(story, provider=provider, in_earnest=True) as stage:
        for one in story.rounds:
            entries = _entries(stage)
            observed, sent = play(stage, one=one)

            _assert_plan_is_expected(observed)
            _assert_opt_outs_are_in_the_ledger(observed)
            _assert_brakes_hold(observed)
            _assert_ledger_only_grew(stage, entries=entries)
            if not one.meanwhile:
                _assert_each_change_ended_on_its_own(stage, observed=observed, sent=sent)
            assert stage.world.broken == []


@_worlds(4)
@given(story=stories(fewest=10, most=24, rounds=2, unruly=False))
def test_in_peace_the_plan_equals_its_effects_and_the_world_comes_to_rest(story: Story) -> None:
    _play_in_peace(story, provider="mailchimp")


@_worlds(2)
@given(story=stories(fewest=10, most=16, rounds=2, unruly=False))
def test_in_peace_at_brevo_the_plan_equals_its_effects_and_the_world_comes_to_rest(
    story: Story,
) -> None:
    _play_in_peace(story, provider="brevo")


def _play_in_peace(story: Story, *, provider: Provider) -> None:
    with open_stage(story, provider=provider, in_earnest=True) as stage:
        for one in story.rounds:
            observed, sent = play(stage, one=one)
            _assert_plan_is_expected(observed)
            _assert_each_change_ended_on_its_own(stage, observed=observed, sent=sent)
        observed = _come_to_rest(stage)

        assert stage.world.broken == []
        assert _deaf_contacts(stage, observed=observed) == []
        assert _withdrawn_and_sent_to(stage, observed=observed) == []


def _come_to_rest(stage: Stage) -> Observed:
    """Sync in full, released, until a plan is empty; the plan over a world at rest."""
    stage.act(())
    for _ in range(_MOST_SYNCS):
        observed = stage.observe_and_plan(full=True)
        _assert_plan_is_expected(observed)
        if not observed.changes:
            return observed
        plan = observed.plan
        if any(c.held_by is not None for c in observed.changes):
            plan = release(stage, plan=plan)
        sent = stage.apply(plan)
        _assert_each_change_ended_on_its_own(stage, observed=observed, sent=sent)
    left = Counter((c.expected.action, c.expected.code) for c in observed.changes)
    raise AssertionError(f"after {_MOST_SYNCS} syncs there is still something to write: {left}")


def _deaf_contacts(stage: Stage, *, observed: Observed) -> list[tuple[int, str]]:
    """Contacts with an address that opted out by itself, and still neither No nor Cancellation.

    Who got a Yes or the address after we knew of the opt-out is a person's matter (S06, S13), and
    what we unsubscribed ourselves is no opt-out.
    """
    out = {
        m.key: stage.world.withdrawn[m.key]
        for m in stage.world.members.values()
        if m.state is ProviderState.UNSUB and not m.left_by_us and m.key in stage.world.withdrawn
    }
    return [
        (contact.crm_id, key)
        for contact in stage.world.contacts.values()
        for key in contact.keys & set(out)
        if contact.newsletter not in _WITHDRAWN and contact.decided_at < out[key].seen_at
    ]


def _withdrawn_and_sent_to(stage: Stage, *, observed: Observed) -> list[str]:
    """Addresses that are subscribed although the person, or a complaint, has the last word."""
    standing = {
        key
        for key, consent in observed.picture.consents.items()
        if consent.ledger in ("WITHDRAW_PERSON", "WITHDRAW_PROVIDER")
    }
    sent_to = {
        m.key for m in stage.world.members.values() if m.state is ProviderState.SUB
    } & standing
    # A sign-up again of somebody who may not be written to is listed and waits for a person.
    return [key for key in sent_to if observed.codes.get(key) != "signed_up_again_not_eligible"]


@_worlds(2)
@given(story=stories(fewest=20, most=40, rounds=1, unruly=False))
def test_one_change_that_fails_changes_nothing_for_anybody_else(story: Story) -> None:
    first = Round(story.rounds[0].acts, full=True, cut=frozenset(), faults=(), meanwhile=())
    with open_stage(story) as good, open_stage(story) as bad:
        expected, sent = play(good, one=first)
        bad.act(first.acts)
        observed = bad.observe_and_plan(full=True)
        failing = len(sent) // 2
        ended = bad.apply(observed.plan, faults=("ok",) * failing + ("failed",))

        assert observed.codes == expected.codes
        touched = {c.expected.key for c in observed.changes if (c.seq, "failed") in ended}
        assert _settled(bad, without=touched) == _settled(good, without=touched)


def _settled(stage: Stage, *, without: set[str]) -> list[tuple[object, ...]]:
    """Base and last consent of everybody but some."""
    rows = stage.rows(
        "SELECT key, kind, newsletter, provider_state, ledger FROM base"
        " FULL JOIN consent_now USING (key) ORDER BY key"
    )
    return [row for row in rows if row[0] not in without]
