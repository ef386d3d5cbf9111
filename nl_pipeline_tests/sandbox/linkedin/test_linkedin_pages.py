"""Pages of lead form responses of the LinkedIn twin: order, size, and what moves between them."""

from __future__ import annotations

import pytest

from nl_pipeline_tests.sandbox.linkedin.caller import BERT, LinkedInCaller, ids_of, within


def test_pages_go_by_start_and_count_the_newest_first(linkedin: LinkedInCaller) -> None:
    made = [linkedin.submit(days_ago=age)["id"] for age in range(12)]
    by_default = linkedin.find().json()
    rest = linkedin.find(start="10", count="5").json()

    assert ids_of(by_default["elements"]) == made[:10]
    assert by_default["paging"] == {"start": 0, "count": 10, "links": [], "total": 12}
    assert ids_of(rest["elements"]) == made[10:]


@pytest.mark.parametrize("order", ["oldest_first", "none"])
def test_another_order_has_the_same_leads(linkedin: LinkedInCaller, order: str) -> None:
    made = [linkedin.submit(days_ago=age)["id"] for age in range(6)]
    linkedin.switch("order", order)
    found = ids_of(linkedin.leads())

    assert sorted(found) == sorted(made)
    assert (found == made[::-1]) == (order == "oldest_first")
    assert found != made


def test_too_large_a_count_is_refused_or_cut(linkedin: LinkedInCaller) -> None:
    linkedin.switch("largest_count", 1)
    refused = linkedin.find(count="2").status_code
    linkedin.switch("count_above_largest", "cut")
    linkedin.submit()
    linkedin.submit(BERT)
    cut = linkedin.find(count="2").json()

    assert refused == 400
    assert (len(cut["elements"]), cut["paging"]["count"]) == (1, 1)


def test_the_total_may_be_missing(linkedin: LinkedInCaller) -> None:
    linkedin.switch("shows_total", False)

    assert "total" not in linkedin.find().json()["paging"]


def test_a_lead_that_arrives_between_two_pages_moves_the_others(linkedin: LinkedInCaller) -> None:
    made = [linkedin.submit(days_ago=age)["id"] for age in (1, 2, 3)]
    end = linkedin.submit()["submittedAt"]
    linkedin.sandbox.fault("linkedin", kind="page_drift", match="leadFormResponses", skip=1)
    frozen = within(1, end)
    first = ids_of(linkedin.leads(submittedAtTimeRange=frozen, count="2"))
    second = ids_of(linkedin.leads(submittedAtTimeRange=frozen, count="2", start="2"))

    assert (first, second) == (made[:2], [made[1], made[2]])
    assert len(linkedin.leads(submittedAtTimeRange=frozen)) == 4


def test_a_lead_that_goes_between_two_pages_hides_another(linkedin: LinkedInCaller) -> None:
    made = [linkedin.submit(days_ago=age)["id"] for age in range(4)]
    linkedin.sandbox.fault(
        "linkedin", kind="page_drift", match="leadFormResponses", skip=1, vanish=True
    )
    first = ids_of(linkedin.leads(count="2"))
    second = ids_of(linkedin.leads(count="2", start="2"))

    assert (first, second) == (made[:2], [made[3]])


def test_a_page_may_be_short(linkedin: LinkedInCaller) -> None:
    for _ in range(4):
        linkedin.submit()
    linkedin.sandbox.fault("linkedin", kind="short_page", match="leadFormResponses", rows=1)
    page = linkedin.find(count="4").json()

    assert (len(page["elements"]), page["paging"]["total"]) == (1, 4)
