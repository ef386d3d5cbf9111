"""Tests that a provider cannot pass, because it has no such thing, each with its reason.

Belongs here: the list, and how it reaches pytest. Must not be here: what a provider merely does in
its own way; a story says that in its own table (``sync.stories``).

An excepted test still runs, and has to end as the exception says: in `CannotHappen`, or in a failed
assertion where the provider does something else (which another test shows). It fails when it
passes, because the exception is no longer needed, and when it fails in any other way.
"""

from __future__ import annotations

from dataclasses import dataclass

import pytest

from nl_pipeline_tests.providers.stage import CannotHappen, Provider


@dataclass(frozen=True)
class Excepted:
    """One test (``module.function``, as far as its name goes before ``…``) at one provider."""

    provider: Provider
    test: str
    reason: str
    ends_in: type[Exception] = CannotHappen

    def names(self, test: str) -> bool:
        """Whether it is about this test."""
        if self.test.endswith("…"):
            return test.startswith(self.test.removesuffix("…"))
        return test == self.test


_NOBODY_SIGNED_UP = (
    "Brevo tells nobody who put a contact on a list: S21 and S22 are reached as S31 and S23, and "
    "whoever comes back is listed"
)

EXCEPTED: tuple[Excepted, ...] = (
    Excepted(
        "brevo",
        "test_status_rules.test_s22_who_comes_back_by_itself_counts",
        _NOBODY_SIGNED_UP,
        ends_in=AssertionError,
    ),
)


def marks_of(test: str, *, provider: Provider) -> list[pytest.MarkDecorator]:
    """The marks of a test at a provider."""
    return [
        pytest.mark.xfail(strict=True, raises=one.ends_in, reason=one.reason)
        for one in EXCEPTED
        if one.provider == provider and one.names(test)
    ]
