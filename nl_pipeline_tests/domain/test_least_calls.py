"""The arithmetic of the least possible calls, number by number."""

from __future__ import annotations

import pytest

from nl_pipeline.domain.least_calls import (
    CrmLimits,
    CrmWork,
    ProviderLimits,
    ProviderWork,
    least_at_provider,
    least_in_crm,
)

CRM = CrmLimits(page_rows=500, ids_per_request=500, actions_per_request=50)
PROVIDER = ProviderLimits(
    page_rows=1000, rows_per_bulk_call=500, operations_per_batch=1000, calls_per_batch=3
)


@pytest.mark.parametrize(
    ("work", "calls"),
    [
        (CrmWork(), 0),
        (CrmWork(passes=(0,)), 1),
        (CrmWork(passes=(500,)), 1),
        (CrmWork(passes=(501,)), 2),
        (CrmWork(passes=(250_000,)), 500),
        (CrmWork(passes=(1, 1)), 2),
        (CrmWork(ids=0), 0),
        (CrmWork(ids=501), 2),
        (CrmWork(actions=(50,)), 1),
        (CrmWork(actions=(51,)), 2),
        (CrmWork(actions=(1, 1, 0)), 2),
        (CrmWork(passes=(10,), ids=10, actions=(10,)), 3),
    ],
    ids=str,
)
def test_requests_to_the_crm_are_as_full_as_they_may_be(work: CrmWork, calls: int) -> None:
    assert least_in_crm(work, limits=CRM) == calls


@pytest.mark.parametrize(
    ("work", "calls"),
    [
        (ProviderWork(), 0),
        (ProviderWork(passes=(0, 0)), 2),
        (ProviderWork(passes=(250_000, 1001)), 252),
        (ProviderWork(bulk=(500, 0)), 1),
        (ProviderWork(bulk=(501, 1)), 3),
        (ProviderWork(single=(0,)), 0),
        (ProviderWork(single=(2,)), 2),
        (ProviderWork(single=(3,)), 3),
        (ProviderWork(single=(1000,)), 3),
        (ProviderWork(single=(1001,)), 4),
        (ProviderWork(single=(2500,)), 9),
        (ProviderWork(single=(2, 2)), 4),
    ],
    ids=str,
)
def test_calls_to_the_provider_are_bulk_batched_or_single_whichever_is_fewest(
    work: ProviderWork, calls: int
) -> None:
    assert least_at_provider(work, limits=PROVIDER) == calls


def test_a_batch_is_no_bargain_where_it_carries_less_than_it_costs() -> None:
    limits = ProviderLimits(
        page_rows=1, rows_per_bulk_call=1, operations_per_batch=2, calls_per_batch=3
    )

    assert least_at_provider(ProviderWork(single=(5,)), limits=limits) == 5


BY_THE_BYTE = ProviderLimits(
    page_rows=1000,
    rows_per_bulk_call=150,
    operations_per_batch=1,
    calls_per_batch=1,
    bytes_per_import=10_000_000,
)


@pytest.mark.parametrize(
    ("work", "calls"),
    [
        (ProviderWork(passes=(100_000,)), 100),
        (ProviderWork(imports=(0,)), 0),
        (ProviderWork(imports=(10_000_000,)), 1),
        (ProviderWork(imports=(10_000_001, 5)), 3),
        (ProviderWork(single=(0, 3)), 3),
        (ProviderWork(single=(5000,)), 5000),
        (ProviderWork(bulk=(151,)), 2),
    ],
    ids=str,
)
def test_a_provider_that_imports_by_the_byte_and_has_no_batches_is_counted(
    work: ProviderWork, calls: int
) -> None:
    assert least_at_provider(work, limits=BY_THE_BYTE) == calls


def test_imports_at_a_provider_that_has_none_are_not_counted_as_nothing() -> None:
    with pytest.raises(ValueError, match="none"):
        least_at_provider(ProviderWork(imports=(1,)), limits=PROVIDER)
