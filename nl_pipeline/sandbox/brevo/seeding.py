"""Filling a fresh account from the sandbox's population.

Belongs here: what an account holds before the connector first sees it. Does not belong here: who
exists (``population``).
"""

from __future__ import annotations

from collections.abc import Iterable

from nl_pipeline.sandbox.brevo.account import Account
from nl_pipeline.sandbox.population import Person


def fill(account: Account, *, people: Iterable[Person], seed: int, now: float) -> None:
    """Fill an empty account."""
