"""Small worlds in which an opt-out, or a consent after it, was once lost: one per incident."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from nl_pipeline.domain.states import Eligibility, Newsletter, ProviderState
from nl_pipeline_tests.properties.running import Observed, Stage, open_stage
from nl_pipeline_tests.properties.worlds import (
    Act,
    ContactSeed,
    MemberSeed,
    Story,
    address,
)

# Addresses that are written in their plain form, and how a wish is drawn.
HOME, OTHER, THIRD = 0, 4, 10
_WISH = {"YES": 0, "NO": 6, "CANCEL": 7, "NONE": 8}
_BLANK = (0, 0, 0, 0, 0)


def _contact(main: int, newsletter: str = "YES", *, others: tuple[int, ...] = ()) -> ContactSeed:
    return ContactSeed(
        main, others, Newsletter(newsletter), Eligibility.ELIGIBLE, _BLANK, frozenset()
    )


def _member(where: int) -> MemberSeed:
    return MemberSeed(where, ProviderState.SUB, True, _BLANK, frozenset())


def _story(*people: ContactSeed | MemberSeed) -> Story:
    return Story(
        addresses=100,
        contacts=tuple(p for p in people if isinstance(p, ContactSeed)),
        members=tuple(p for p in people if isinstance(p, MemberSeed)),
        adopt_existing=False,
        rounds=(),
    )


def _at_provider(what: str, where: int) -> Act:
    return Act(what, 0, where, 1)


def _wish(newsletter: str, *, who: int = 0) -> Act:
    return Act("wish", who, 0, _WISH[newsletter])


def _sync(stage: Stage, *acts: Act, refusing_cancellations: bool = False) -> Observed:
    stage.act(acts)
    observed = stage.observe_and_plan(full=True)
    faults = [
        "refused" if ("newsletter", "CANCEL") in c.expected.after else "ok"
        for c in observed.changes
        if c.expected.side == "crm"
    ]
    stage.apply(observed.plan, faults=tuple(faults) if refusing_cancellations else ())
    return observed


def _newsletters(stage: Stage) -> list[str]:
    return [str(c.newsletter) for c in stage.world.contacts.values()]


def _member_states(stage: Stage) -> dict[str, str]:
    return {m.email: str(m.state) for m in stage.world.members.values()}


def _ledger(stage: Stage, *, where: int) -> str:
    rows = stage.rows("SELECT ledger FROM consent_now WHERE key = ?", [address(where)])
    return str(rows[0][0])


@pytest.fixture
def two_contacts_of_one_subscriber() -> Iterator[Stage]:
    with open_stage(_story(_contact(HOME), _contact(HOME), _member(HOME))) as stage:
        _sync(stage)
        yield stage


@pytest.fixture
def one_subscriber() -> Iterator[Stage]:
    with open_stage(_story(_contact(HOME), _member(HOME))) as stage:
        _sync(stage)
        yield stage


def test_a_cancellation_that_one_contact_refused_is_tried_again(
    two_contacts_of_one_subscriber: Stage,
) -> None:
    stage = two_contacts_of_one_subscriber
    left = _at_provider("person unsubscribes", HOME)
    _sync(stage, left, _wish("CANCEL"), refusing_cancellations=True)

    _sync(stage)

    assert _newsletters(stage) == ["CANCEL", "CANCEL"]


def test_a_cancellation_refused_by_a_contact_with_the_address_as_a_further_one_is_tried_again() -> (
    None
):
    with open_stage(_story(_contact(HOME, "NONE", others=(OTHER,)), _member(OTHER))) as stage:
        _sync(stage)
        _sync(stage, _at_provider("person unsubscribes", OTHER), refusing_cancellations=True)

        _sync(stage)

        assert _newsletters(stage) == ["CANCEL"]


def test_a_sign_up_does_not_undo_the_cancellation_another_address_brings_in_the_same_plan() -> None:
    with open_stage(_story(_contact(HOME, "NONE", others=(OTHER,)))) as stage:
        _sync(stage)

        _sync(
            stage,
            _at_provider("person subscribes", HOME),
            _at_provider("person subscribes", OTHER),
            _at_provider("person unsubscribes", OTHER),
        )

        assert _newsletters(stage) == ["CANCEL"]


def test_a_cancellation_of_somebody_already_taken_off_the_list_is_remembered() -> None:
    with open_stage(_story(_contact(HOME))) as stage:
        for newsletter in ("YES", "NONE", "CANCEL", "NONE", "YES"):
            _sync(stage, _wish(newsletter))

        assert _ledger(stage, where=HOME).startswith("WITHDRAW")
        assert _member_states(stage) == {address(HOME): "ARCHIVED"}


def test_what_the_person_does_after_staff_said_no_counts_as_the_persons(
    one_subscriber: Stage,
) -> None:
    _sync(one_subscriber, _wish("NO"))
    _sync(
        one_subscriber,
        _at_provider("person subscribes", HOME),
        _at_provider("person unsubscribes", HOME),
    )

    _sync(one_subscriber, _at_provider("staff subscribes", HOME))

    assert _ledger(one_subscriber, where=HOME) == "WITHDRAW_PERSON"
    assert _member_states(one_subscriber) == {address(HOME): "UNSUB"}


def test_a_sign_up_of_long_ago_does_not_lift_a_cancellation_made_with_an_address_change(
    one_subscriber: Stage,
) -> None:
    _sync(one_subscriber, Act("move contact", 0, OTHER, 1), _wish("CANCEL"))
    _sync(one_subscriber)

    assert _newsletters(one_subscriber) == ["CANCEL"]
    assert _member_states(one_subscriber)[address(HOME)] != "SUB"


def test_an_address_of_before_the_last_one_has_no_say_in_the_next_change(
    one_subscriber: Stage,
) -> None:
    _sync(one_subscriber, _at_provider("person unsubscribes", HOME))
    _sync(one_subscriber, Act("move contact", 0, OTHER, 1))
    _sync(one_subscriber, _at_provider("person subscribes", OTHER))

    _sync(one_subscriber, Act("move contact", 0, THIRD, 1))

    assert _member_states(one_subscriber) == {address(HOME): "UNSUB", address(THIRD): "SUB"}
