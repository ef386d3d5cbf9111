"""Tests that a provider cannot pass, because it has no such thing, each with its reason.

Belongs here: the list, and how it reaches pytest. Must not be here: what a provider merely does in
its own way; a story says that in its own table (``sync.stories``).

An excepted test still runs, and has to end in `CannotHappen`: it fails when it passes, because the
exception is no longer needed, and it fails when it fails in any other way.
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

    def names(self, test: str) -> bool:
        """Whether it is about this test."""
        if self.test.endswith("…"):
            return test.startswith(self.test.removesuffix("…"))
        return test == self.test


EXCEPTED: tuple[Excepted, ...] = ()


def marks_of(test: str, *, provider: Provider) -> list[pytest.MarkDecorator]:
    """The marks of a test at a provider."""
    return [
        pytest.mark.xfail(strict=True, raises=CannotHappen, reason=one.reason)
        for one in EXCEPTED
        if one.provider == provider and one.names(test)
    ]
