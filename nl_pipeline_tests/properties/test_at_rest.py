"""Whoever is at rest is left out of the deciding, and nobody is missed by it.

A plan is the hash of what it changes and lists, so two plans with one id say the same of everybody.
"""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, Phase, given, settings

from nl_pipeline.domain.states import Eligibility, Newsletter, ProviderState
from nl_pipeline.sync.observe import Mode, read_contacts, read_members
from nl_pipeline.sync.options import planning_options
from nl_pipeline.warehouse import deciding, marking, planning
from nl_pipeline_tests.properties.running import Observed, Stage, open_stage, play
from nl_pipeline_tests.properties.worlds import DEEP, ContactSeed, MemberSeed, Round, Story, stories

_QUIET = Round(acts=(), full=True, cut=frozenset(), faults=(), meanwhile=())
_BLANK = (0, 0, 0, 0, 0)
_COUPLE = Story(
    addresses=100,
    contacts=tuple(
        ContactSeed(where, (), Newsletter.YES, Eligibility.ELIGIBLE, _BLANK, frozenset())
        for where in (0, 4)
    ),
    members=tuple(
        MemberSeed(where, ProviderState.SUB, True, _BLANK, frozenset()) for where in (0, 4)
    ),
    adopt_existing=False,
    rounds=(),
)
"""Two people in step, at addresses that are written in their plain form."""


def _plan_over_everybody(stage: Stage, *, observed: Observed) -> str:
    """The id of the plan that is made when nobody counts as being at rest, in one portion."""
    with stage.link.warehouse.transaction() as db:
        db.execute("DELETE FROM connection_state WHERE name = 'rest_epoch'")
    mode: Mode = "full" if observed.plan.mode == "full" else "incremental"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(deciding, "PORTION", 1_000)
        return planning.compute(
            stage.link.warehouse,
            options=planning_options(stage.link, mode=mode),
            now=stage.link.now(),
        )


def _at_rest(stage: Stage) -> tuple[int, int]:
    contacts, members = stage.rows(
        "SELECT (SELECT count(*) FROM contacts AS c JOIN contacts_at_rest AS r USING (print)),"
        " (SELECT count(*) FROM members AS m JOIN members_at_rest AS r USING (print))"
    )[0]
    return int(contacts), int(members)


def _stale_marks(stage: Stage) -> list[str]:
    with stage.link.warehouse.session() as db:
        return marking.stale_marks(db)


_IDS = {"contacts": "crm_id", "members": "provider_id"}


def _marked(stage: Stage, *, table: str) -> set[tuple[object, ...]]:
    return set(stage.rows(f"SELECT {_IDS[table]}, key FROM moved_{table}"))


def _unequal(stage: Stage, *, table: str) -> set[tuple[object, ...]]:
    """Whose row of a picture is not the one at rest, found by comparing all of them."""
    return set(
        stage.rows(
            f"SELECT {_IDS[table]}, key FROM {table} WHERE print IS NULL"
            f" OR print NOT IN (SELECT print FROM {table}_at_rest)"
            f" UNION SELECT {_IDS[table]}, key FROM {table}_at_rest"
            f" WHERE print NOT IN (SELECT print FROM {table} WHERE print IS NOT NULL)"
        )
    )


@settings(
    max_examples=40 if DEEP else 1,
    deadline=None,
    derandomize=not DEEP,
    phases=[Phase.generate],
    database=None,
    suppress_health_check=list(HealthCheck),
)
@given(story=stories(fewest=15, most=30, rounds=3, unruly=True))
def test_a_plan_without_those_at_rest_says_what_a_plan_over_everybody_says(story: Story) -> None:
    # In portions, as a long list is settled and decided.
    with open_stage(story) as stage, pytest.MonkeyPatch.context() as patch:
        patch.setattr(deciding, "PORTION", 7)
        play(stage, one=_QUIET)
        play(stage, one=_QUIET)
        assert min(_at_rest(stage)) > 0
        for one in story.rounds:
            stage.act(one.acts)
            observed = stage.observe_and_plan(full=one.full, cut=one.cut)
            stored = stage.rows("SELECT name, value FROM connection_state WHERE name LIKE 'rest%'")

            assert _plan_over_everybody(stage, observed=observed) == observed.plan.plan_id

            with stage.link.warehouse.transaction() as db:
                db.executemany("INSERT OR REPLACE INTO connection_state VALUES (?, ?)", stored)
            stage.apply(observed.plan, faults=one.faults, meanwhile=one.meanwhile)

            # Whoever did not come to rest is marked, or the next plan would not look at them.
            assert _stale_marks(stage) == []
            for table in _IDS:
                assert _marked(stage, table=table) == _unequal(stage, table=table)


def test_a_list_that_is_settled_in_portions_comes_to_rest_as_a_whole(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(deciding, "PORTION", 1)
    with open_stage(_COUPLE) as stage:
        play(stage, one=_QUIET)
        play(stage, one=_QUIET)

        assert _at_rest(stage) == (2, 2)


def test_every_read_and_every_push_marks_who_moved() -> None:
    with open_stage(_COUPLE) as stage:
        play(stage, one=_QUIET)
        play(stage, one=_QUIET)
        assert _stale_marks(stage) == []
        with stage.link.warehouse.transaction() as db:
            db.execute("UPDATE contacts_at_rest SET print = md5_number(print || 'x')")
            db.execute("UPDATE members_at_rest SET print = md5_number(print || 'x')")
        read_contacts(stage.link, mode="full")
        read_members(stage.link, mode="full")

        assert _stale_marks(stage) == []
        assert all(_marked(stage, table=table) == _unequal(stage, table=table) for table in _IDS)
        assert min(len(_marked(stage, table=table)) for table in _IDS) > 0


@pytest.mark.parametrize(
    "news",
    [
        pytest.param(
            "INSERT INTO consent_ledger (key, event, actor, proof, recorded_at, source)"
            " SELECT key, 'WITHDRAW', 'person', false, now()::TIMESTAMP, 'test'"
            " FROM members WHERE state = 'SUB' AND print IN (SELECT print FROM members_at_rest)",
            id="a withdrawal in the ledger",
        ),
        pytest.param(
            "UPDATE members SET state = 'UNSUB', print = md5_number(print || 'x')"
            " WHERE state = 'SUB'",
            id="a member who left",
        ),
        pytest.param(
            "UPDATE contacts SET newsletter = 'CANCEL', print = md5_number(print || 'x')"
            " WHERE newsletter = 'YES'",
            id="a contact that says no",
        ),
        pytest.param(
            "DELETE FROM members WHERE state = 'SUB'", id="a member who is no longer there"
        ),
        pytest.param(
            "UPDATE contacts SET newsletter = 'NO', print = NULL WHERE newsletter = 'YES'",
            id="a row that was never printed",
        ),
    ],
)
def test_news_of_somebody_at_rest_is_decided_on(news: str) -> None:
    with open_stage(_COUPLE) as stage:
        play(stage, one=_QUIET)
        play(stage, one=_QUIET)
        quiet = stage.observe_and_plan(full=True)
        assert quiet.changes == ()
        assert min(_at_rest(stage)) > 0
        with stage.link.warehouse.transaction() as db:
            db.execute(news)
        options = planning_options(stage.link, mode="full")
        plan_id = planning.compute(stage.link.warehouse, options=options, now=stage.link.now())

        assert plan_id != quiet.plan.plan_id
        assert stage.rows("SELECT count(*) FROM changes WHERE plan_id = ?", [plan_id]) != [(0,)]
