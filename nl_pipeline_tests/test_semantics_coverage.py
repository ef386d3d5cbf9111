"""Every row of the semantics has a test against the twins at each provider, and every test it names
exists."""

from __future__ import annotations

import pytest

from nl_pipeline.domain.rules import RULES
from nl_pipeline_tests.providers import PROVIDERS, Provider
from nl_pipeline_tests.providers.exceptions import EXCEPTED, Excepted
from nl_pipeline_tests.semantics_coverage import COVERED, EVERY_ROW, NOT_AT, Covered
from nl_pipeline_tests.where_tests_run import file_of, providers_of

_ROWS = [(section, row) for section, rows in EVERY_ROW.items() for row in rows]


@pytest.mark.parametrize("provider", PROVIDERS)
@pytest.mark.parametrize(("section", "row"), _ROWS, ids=lambda value: value)
def test_every_row_of_the_semantics_is_exercised_at_each_provider_or_says_why_not(
    section: str, row: str, provider: Provider
) -> None:
    shown = [c for c in COVERED if (c.section, c.row) == (section, row) and c.at(provider)]

    assert bool(shown) != ((section, row) in NOT_AT.get(provider, {}))


@pytest.mark.parametrize("covered", COVERED, ids=lambda covered: f"{covered.section} {covered.row}")
def test_a_row_names_tests_that_exist(covered: Covered) -> None:
    assert [test for test in covered.tests if not providers_of(test)] == []


def test_the_table_has_no_row_that_the_semantics_lack() -> None:
    assert {(c.section, c.row) for c in COVERED} == set(_ROWS)


def test_every_rule_of_the_status_table_belongs_to_a_row() -> None:
    assert {rule.id for rule in RULES} <= set(EVERY_ROW["3"])


@pytest.mark.parametrize("excepted", EXCEPTED, ids=lambda one: f"{one.provider} {one.test}")
def test_an_exception_is_of_a_test_that_runs_at_every_provider(excepted: Excepted) -> None:
    module, _, function = excepted.test.partition(".")
    file = file_of("", module)

    assert file is not None
    assert function in file.marked
    assert excepted.reason
