"""Tests that a provider cannot pass, because it has no such thing, each with its reason.

Belongs here: the list, and how it reaches pytest. Must not be here: what a provider merely does in
its own way; a story says that in its own table (``sync.stories``).

An excepted test still runs, and has to end as the exception says: in `CannotHappen`, or in a failed
assertion where the provider does something else (which another test shows). It fails when it
passes, because the exception is no longer needed, and when it fails in any other way.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import pytest

from nl_pipeline_tests.providers.stage import CannotHappen, Provider


@dataclass(frozen=True)
class Excepted:
    """One test (``module.function``) at one provider; ``cases``: of its parametrization, all when
    empty."""

    provider: Provider
    test: str
    reason: str
    ends_in: type[Exception] = CannotHappen
    cases: tuple[str, ...] = ()


_NOBODY_SIGNED_UP = (
    "Brevo tells nobody who put a contact on a list: S21 and S22 are reached as S31 and S23, and "
    "whoever comes back is listed"
)

_CAME_BACK = ("cancelled", "stranger-left", "left", "cancelled-by-staff")
"""Their last word, or the CRM's for them, is a withdrawal by the person."""
_SAID_NO = ("no", "no-member")

EXCEPTED: tuple[Excepted, ...] = (
    Excepted(
        "brevo",
        "test_t19_unrelated_updates.test_a_tag_carries_no_status",
        "Brevo has no tags: nothing is sent at all",
        ends_in=AssertionError,
    ),
    Excepted(
        "brevo",
        "test_t10_fresh_sign_ups.test_no_sync_removes_a_fresh_sign_up",
        _NOBODY_SIGNED_UP,
        ends_in=AssertionError,
        cases=_CAME_BACK,
    ),
    Excepted(
        "brevo",
        "test_t10_fresh_sign_ups.test_a_sign_up_becomes_yes_in_the_crm",
        _NOBODY_SIGNED_UP,
        ends_in=AssertionError,
        cases=(*_CAME_BACK, *_SAID_NO),
    ),
    Excepted(
        "brevo",
        "test_t10_fresh_sign_ups.test_a_sign_up_is_booked_once",
        _NOBODY_SIGNED_UP,
        ends_in=AssertionError,
        cases=(*_CAME_BACK, *_SAID_NO),
    ),
    Excepted(
        "brevo",
        "test_t10_fresh_sign_ups.test_a_confirmed_sign_up_stays_and_becomes_yes",
        _NOBODY_SIGNED_UP,
        ends_in=AssertionError,
        cases=(*_CAME_BACK, *_SAID_NO),
    ),
    Excepted(
        "brevo",
        "test_t10_fresh_sign_ups.test_somebody_whom_staff_added_beats_the_veto_of_a_contact",
        _NOBODY_SIGNED_UP,
        ends_in=AssertionError,
    ),
    Excepted(
        "brevo",
        "test_status_rules.test_s22_who_comes_back_by_itself_counts",
        _NOBODY_SIGNED_UP,
        ends_in=AssertionError,
    ),
)


def mark_exceptions(items: Iterable[pytest.Item]) -> None:
    """Mark the tests that are excepted."""
    by_test: dict[tuple[str, str], list[Excepted]] = {}
    for one in EXCEPTED:
        by_test.setdefault((one.provider, one.test), []).append(one)
    for item in items:
        if not isinstance(item, pytest.Function) or "provider" not in _parameters(item):
            continue
        provider = _parameters(item)["provider"]
        name = f"{item.module.__name__.rpartition('.')[2]}.{item.originalname}"
        case = "-".join(part for part in item.callspec.id.split("-") if part != provider)
        for one in by_test.get((provider, name), ()):
            if not one.cases or case in one.cases:
                item.add_marker(
                    pytest.mark.xfail(strict=True, raises=one.ends_in, reason=one.reason)
                )


def _parameters(item: pytest.Function) -> dict[str, Any]:
    return item.callspec.params if hasattr(item, "callspec") else {}
