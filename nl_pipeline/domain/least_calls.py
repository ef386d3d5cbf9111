"""The least possible calls: what a piece of work costs if every call is as full as it may be.

Belongs here: the arithmetic over rows and changes, and what the limits of a service are called.
Must not be here: the calls that were made, and how big a service's limits are (``clients``).

"Possible" means possible in a form that is safe: a status is written only where it changes and
never created over, people who left come first and alone, what may not be sent twice does not share
a request with what may, and what was written is read back.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True)
class CrmLimits:
    """What fits into one request to the CRM: rows of a page, ids of a look-up, actions."""

    page_rows: int
    ids_per_request: int
    actions_per_request: int


@dataclass(frozen=True)
class ProviderLimits:
    """What fits into one call to the provider. A batch carries ``operations_per_batch`` writes or
    reads of single members and costs at least ``calls_per_batch``, whatever it carries; where there
    are no batches, both are 1. ``bytes_per_import``: where people are imported by the byte."""

    page_rows: int
    rows_per_bulk_call: int
    operations_per_batch: int
    calls_per_batch: int
    bytes_per_import: int | None = None


@dataclass(frozen=True)
class CrmWork:
    """What was to be done in the CRM.

    ``passes``: rows of each read by pages; ``ids``: contacts looked up by id; ``actions``: writes,
    one number for each group that may not share a request with another.
    """

    passes: tuple[int, ...] = ()
    ids: int = 0
    actions: tuple[int, ...] = ()


@dataclass(frozen=True)
class ProviderWork:
    """What was to be done at the provider.

    ``passes`` as in the CRM; ``single``: reads or writes of one member each, one number for each
    group that has to wait for another; ``bulk``: addresses of each call that takes many at a time;
    ``imports``: bytes of each group of people who are imported. Looking whether an import is over
    is not work that could be done in fewer calls.
    """

    passes: tuple[int, ...] = ()
    single: tuple[int, ...] = ()
    bulk: tuple[int, ...] = ()
    imports: tuple[int, ...] = ()


def least_in_crm(work: CrmWork, *, limits: CrmLimits) -> int:
    """The fewest requests that do this work."""
    return (
        _pages(work.passes, rows=limits.page_rows)
        + _calls(work.ids, of=limits.ids_per_request)
        + sum(_calls(group, of=limits.actions_per_request) for group in work.actions)
    )


def least_at_provider(work: ProviderWork, *, limits: ProviderLimits) -> int:
    """The fewest calls that do this work."""
    return (
        _pages(work.passes, rows=limits.page_rows)
        + sum(_single_or_batched(group, limits=limits) for group in work.single)
        + sum(_calls(group, of=limits.rows_per_bulk_call) for group in work.bulk)
        + sum(_imports(group, limits=limits) for group in work.imports)
    )


def _single_or_batched(operations: int, *, limits: ProviderLimits) -> int:
    """A batch where it is cheaper than a call for each."""
    full, rest = divmod(operations, limits.operations_per_batch)
    per_batch = limits.calls_per_batch
    return full * min(per_batch, limits.operations_per_batch) + min(per_batch, rest)


def _imports(size: int, *, limits: ProviderLimits) -> int:
    if limits.bytes_per_import is None:
        raise ValueError("imports are counted for a provider that has none")
    return _calls(size, of=limits.bytes_per_import)


def _pages(passes: Iterable[int], *, rows: int) -> int:
    """Also of nothing a page has to be read: only it tells that there is nothing."""
    return sum(max(1, _calls(count, of=rows)) for count in passes)


def _calls(count: int, *, of: int) -> int:
    return -(-count // of)
