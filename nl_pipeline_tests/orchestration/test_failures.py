"""Errors on their way into Dagster: what is tried again, what ends the step, what is told."""

from __future__ import annotations

import dagster as dg
import pytest

from nl_pipeline.clients.errors import (
    ApiError,
    OperatorNeeded,
    OutcomeUnknown,
    Permanent,
    Retryable,
)
from nl_pipeline.domain.schemas import TableInvalid
from nl_pipeline.orchestration.failures import failures_without_personal_data
from nl_pipeline.sync.push import PlanRefused
from nl_pipeline.warehouse.connection import WarehouseBusy

CANARY = "kanarienvogel@canary.example"


def api_error(kind: type[ApiError]) -> ApiError:
    return kind("7 rows were refused", system="mailchimp", code="x", what_next="look at them")


def told(error: Exception, *, retry_after_seconds: float = 30) -> dg.Failure | dg.RetryRequested:
    """What Dagster gets for an error."""
    with (
        pytest.raises((dg.Failure, dg.RetryRequested)) as caught,
        failures_without_personal_data(retry_after_seconds=retry_after_seconds),
    ):
        raise error
    answer = caught.value
    assert isinstance(answer, dg.Failure | dg.RetryRequested)
    return answer


@pytest.mark.parametrize(
    "error",
    [
        api_error(Permanent),
        api_error(OperatorNeeded),
        api_error(OutcomeUnknown),
        PlanRefused("plan 1 was refused"),
        TableInvalid("column key breaks 1 check"),
    ],
    ids=lambda error: type(error).__name__,
)
def test_what_repeating_can_not_help_ends_the_step_with_its_text(error: Exception) -> None:
    failure = told(error)

    assert isinstance(failure, dg.Failure)
    assert (failure.allow_retries, failure.description) == (False, str(error))


@pytest.mark.parametrize(
    "error",
    [Retryable("no answer", system="onoffice", code="timeout"), WarehouseBusy("in use")],
    ids=lambda error: type(error).__name__,
)
def test_what_may_pass_is_tried_again(error: Exception) -> None:
    request = told(error)

    assert isinstance(request, dg.RetryRequested)
    assert (request.max_retries, request.seconds_to_wait) == (2, 30)


def test_the_wish_of_a_service_to_wait_longer_is_granted() -> None:
    error = Retryable("throttled", system="mailchimp", code="429", retry_after=120)

    request = told(error)

    assert isinstance(request, dg.RetryRequested)
    assert request.seconds_to_wait == 120


def test_an_unexpected_error_is_told_by_type_and_place_only() -> None:
    failure = told(ValueError(f"could not convert {CANARY}"))

    assert isinstance(failure, dg.Failure)
    assert "ValueError" in str(failure.description)
    assert "test_failures.py" in str(failure.metadata["places"].value)
    assert CANARY not in f"{failure.description}{failure.metadata}"


def test_dagster_keeps_no_cause_that_may_quote_a_record() -> None:
    failure = told(ValueError(CANARY))

    assert failure.__cause__ is None
    assert failure.__suppress_context__


def test_a_failure_of_dagster_itself_passes_unchanged() -> None:
    failure = dg.Failure("as it is")

    assert told(failure) is failure
