"""Looking at failed syncs: what the person reads, what Dagster does, what became of each change.

Belongs here: what the tests of error paths share. Not here: the failures themselves.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import dagster as dg
import pytest

from nl_pipeline.clients.errors import ApiError
from nl_pipeline.orchestration.failures import failures_without_personal_data
from nl_pipeline.warehouse import plans
from nl_pipeline_tests.scenario import CANCEL, Picture, Scenario


def dagster_tries_again(error: Exception) -> bool:
    """What the boundary of every asset makes of an error."""
    with (
        pytest.raises((dg.Failure, dg.RetryRequested)) as caught,
        failures_without_personal_data(retry_after_seconds=30),
    ):
        raise error
    return isinstance(caught.value, dg.RetryRequested)


def words_missing_from(error: ApiError, says: Sequence[str]) -> list[str]:
    """Words a person needs that the message lacks; its system and a next step always are."""
    message = str(error)
    return [words for words in (f"{error.system}:", "Next:", *says) if words not in message]


def change_results(scenario: Scenario, plan_id: str) -> Counter[tuple[str, str, str]]:
    """Changes of a plan by action, result and cause."""
    rows = plans.change_rows(scenario.link.warehouse, plan_id=plan_id)
    return Counter(zip(rows["action"], rows["result"], rows["cause"], strict=True))


def assert_both_opt_outs_are_through(after: Picture) -> None:
    """That of kunde-01 at the provider, and that of kunde-02 in the CRM; booked once."""
    assert (after.newsletter("kunde-01"), after.status("kunde-02")) == (CANCEL, "unsubscribed")
    assert after.activities("kunde-01") == ["nicht bestellt"]
