"""Which pairs of both sides say the same."""

from __future__ import annotations

from itertools import product

import pytest

from nl_pipeline.domain.states import (
    GROUP_ORDER,
    KEY_BY_NEWSLETTER,
    NEWSLETTER_BY_KEY,
    OPTED_OUT,
    Eligibility,
    Newsletter,
    ProviderState,
    pair_agrees,
)

_NOT_ELIGIBLE = [e for e in Eligibility if e is not Eligibility.ELIGIBLE]


@pytest.mark.parametrize(
    ("newsletter", "provider"),
    [("YES", "SUB"), ("YES", "PENDING"), ("DOI", "PENDING"), ("CANCEL", "UNSUB"),
     ("NO", "COMPLAINT"), ("NONE", "ARCHIVED"), ("CANCEL", "GONE"), ("YES", "CLEANED"),
     ("MISSING", "UNSUB"), ("NONE", "NONSUB")],
)  # fmt: skip
def test_both_sides_say_the_same(newsletter: str, provider: str) -> None:
    assert pair_agrees(
        Newsletter(newsletter),
        provider=ProviderState(provider),
        eligibility=Eligibility.ELIGIBLE,
    )


@pytest.mark.parametrize(
    ("newsletter", "provider"),
    [("YES", "UNSUB"), ("YES", "COMPLAINT"), ("NONE", "UNSUB"), ("CANCEL", "SUB"), ("NO", "SUB"),
     ("NONE", "SUB"), ("YES", "ARCHIVED"), ("YES", "GONE"), ("YES", "NONSUB"), ("YES", "ABSENT"),
     ("CANCEL", "PENDING"), ("UNKNOWN", "CLEANED"), ("MISSING", "SUB")],
)  # fmt: skip
def test_the_sides_disagree(newsletter: str, provider: str) -> None:
    assert not pair_agrees(
        Newsletter(newsletter),
        provider=ProviderState(provider),
        eligibility=Eligibility.ELIGIBLE,
    )


@pytest.mark.parametrize("provider", list(ProviderState), ids=str)
def test_an_opt_out_agrees_with_no_wish_to_send(provider: ProviderState) -> None:
    wishes = {
        n for n in Newsletter if pair_agrees(n, provider=provider, eligibility=Eligibility.ELIGIBLE)
    }

    if provider in OPTED_OUT:
        assert wishes.isdisjoint({Newsletter.YES, Newsletter.DOI, Newsletter.NONE})


@pytest.mark.parametrize("eligibility", _NOT_ELIGIBLE, ids=str)
def test_a_yes_that_may_not_be_written_to_does_not_agree_with_subscribed(
    eligibility: Eligibility,
) -> None:
    for provider in (ProviderState.SUB, ProviderState.PENDING):
        assert not pair_agrees(Newsletter.YES, provider=provider, eligibility=eligibility)


def test_a_yes_agrees_with_unsubscribed_only_after_a_revoked_storage_consent() -> None:
    agreeing = {
        e
        for e in Eligibility
        if pair_agrees(Newsletter.YES, provider=ProviderState.UNSUB, eligibility=e)
    }

    assert agreeing == {Eligibility.REVOKED}


def test_never_seen_and_unknown_agree_with_nothing() -> None:
    for newsletter, eligibility in product(Newsletter, Eligibility):
        for provider in (ProviderState.ABSENT, ProviderState.UNKNOWN):
            assert not pair_agrees(newsletter, provider=provider, eligibility=eligibility)


def test_what_is_written_to_the_crm_is_read_back_as_the_same() -> None:
    assert {NEWSLETTER_BY_KEY[key] for key in KEY_BY_NEWSLETTER.values()} == set(KEY_BY_NEWSLETTER)
    assert all(NEWSLETTER_BY_KEY[key] is n for n, key in KEY_BY_NEWSLETTER.items())


def test_a_group_has_a_word_for_every_state_of_a_contact() -> None:
    assert set(GROUP_ORDER) == {n for n in Newsletter if not n.startswith("MISSING")}


def test_a_cancellation_and_a_no_come_before_everything_else_in_a_group() -> None:
    assert GROUP_ORDER[:2] == (Newsletter.CANCEL, Newsletter.NO)
