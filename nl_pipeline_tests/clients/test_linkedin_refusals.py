"""What becomes of LinkedIn's refusals and of failures of the way, hand-made."""

from __future__ import annotations

import traceback
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest

from nl_pipeline.clients.errors import ApiError, OperatorNeeded, Permanent, Retryable
from nl_pipeline.clients.linkedin import (
    DailyQuotaReached,
    VersionSunset,
)
from nl_pipeline.clients.linkedin.problems import next_midnight
from nl_pipeline.domain.leads import (
    LeadType,
)
from nl_pipeline_tests.clients.answering import Naps, Server
from nl_pipeline_tests.clients.linkedin_answers import (
    ACCOUNT,
    CANARY,
    SECRET,
    client_of,
    page,
    refused,
    told,
)


def failure(answer: httpx.Response, *, naps: Naps | None = None) -> ApiError:
    client = client_of(Server([answer]), naps=naps)
    with pytest.raises(ApiError) as caught:
        client.forms(ACCOUNT)
    return caught.value


@pytest.mark.parametrize(
    ("call", "names"),
    [
        (lambda c: c.lead("x"), ["r_marketing_leadgen_automation", "LEAD_GEN_FORMS_MANAGER"]),
        (
            lambda c: c.notifications(ACCOUNT, lead_type=LeadType.SPONSORED),
            ["r_marketing_leadgen_automation"],
        ),
        (lambda c: c.forms(ACCOUNT), ["r_ads", "VIEWER"]),
        (lambda c: c.ad_accounts(), ["r_ads"]),
        (lambda c: c.page_roles(), ["r_organization_admin"]),
    ],
    ids=["leads", "notifications", "forms", "ad accounts", "roles"],
)
def test_a_403_names_the_role_and_scope_that_may_be_missing(call: Any, names: list[str]) -> None:
    answer = refused(403, "Not enough permissions to access: x.GET.202607", code="ACCESS_DENIED")

    with pytest.raises(OperatorNeeded) as caught:
        call(client_of(Server([answer])))

    assert caught.value.status == 403
    for name in names:
        assert name in caught.value.what_next


def test_a_sunset_version_names_the_setting() -> None:
    error = failure(refused(426, "gone", code="NONEXISTENT_VERSION"))

    assert isinstance(error, VersionSunset)
    assert "202607" in str(error)
    assert "leads.linkedin.version" in error.what_next


@pytest.mark.parametrize("scope", ["APPLICATION", "APPLICATION_AND_MEMBER"])
def test_the_quota_of_the_day_stops_until_midnight_utc_and_is_not_waited_for(scope: str) -> None:
    naps = Naps()
    message = f"Resource level throttle {scope} DAY limit for calls to this resource is reached."

    error = failure(refused(429, message, code="TOO_MANY_REQUESTS", service_code=101), naps=naps)

    assert isinstance(error, DailyQuotaReached)
    assert error.until == datetime(2026, 8, 2, tzinfo=UTC)
    assert error.retry_after == 12 * 3600
    assert "2026-08-02 00:00 UTC" in str(error)
    assert naps.seconds == []


def test_another_429_is_tried_again_after_a_while() -> None:
    naps = Naps()

    error = failure(refused(429, "Too many requests", service_code=101), naps=naps)

    assert isinstance(error, Retryable)
    assert not isinstance(error, DailyQuotaReached)
    assert len(naps.seconds) == 2


@pytest.mark.parametrize("hour", [0, 12, 23])
def test_the_next_midnight_is_later_and_utc(hour: int) -> None:
    east = datetime(2026, 8, 1, hour, tzinfo=UTC).astimezone()

    assert next_midnight(east) == datetime(2026, 8, 2, tzinfo=UTC)


@pytest.mark.parametrize("status", [500, 503, 504])
def test_a_passing_failure_is_tried_again(status: int) -> None:
    server = Server([refused(status), httpx.Response(status, html="<h1>Oops</h1>"), page([])])

    assert client_of(server).forms(ACCOUNT).forms == ()


@pytest.mark.parametrize(
    ("status", "kind"),
    [(200, Retryable), (403, OperatorNeeded), (404, OperatorNeeded), (502, Retryable)],
)
def test_html_instead_of_json_is_a_failure_of_the_way(status: int, kind: type[ApiError]) -> None:
    error = failure(httpx.Response(status, html=f"<html>{CANARY}</html>"))

    assert isinstance(error, kind)
    assert CANARY not in str(error)


def test_html_instead_of_a_lead_does_not_say_that_it_is_gone() -> None:
    with pytest.raises(OperatorNeeded):
        client_of(Server([httpx.Response(404, html="<html></html>")])).lead("x")


def test_a_refused_call_keeps_the_code_and_the_reference_for_support() -> None:
    error = failure(refused(400, f"bad {CANARY}", code="ILLEGAL_ARGUMENT"))

    assert isinstance(error, Permanent)
    assert error.code == "ILLEGAL_ARGUMENT"
    assert "x-li-uuid AAY+x/1=" in str(error)


def test_an_error_of_the_older_shape_is_told_by_its_number() -> None:
    assert failure(refused(400, "bad", service_code=100)).code == "100"


@pytest.mark.parametrize("status", [400, 401, 403, 404, 426, 429, 500])
def test_no_failure_shows_what_linkedin_wrote_or_a_secret(
    status: int, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(0)
    answer = told(
        {"status": status, "message": CANARY, "code": CANARY, "serviceErrorCode": 1},
        status=status,
        **{"x-li-uuid": CANARY},
    )

    error = failure(answer)

    shown = "".join(traceback.format_exception(error)) + caplog.text
    for hidden in (CANARY, SECRET, "Bearer", "refresh_token="):
        assert hidden not in shown
