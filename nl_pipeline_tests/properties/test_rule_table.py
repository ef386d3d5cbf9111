"""The rule table over every combination there is, and against the SQL that joins it."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from nl_pipeline.domain.rules import (
    CONDITIONS,
    RULES,
    CrmAction,
    LedgerEntry,
    ProviderAction,
    Rule,
    rule_for,
)
from nl_pipeline.domain.states import Eligibility, Ledger, Newsletter, ProviderState
from nl_pipeline.warehouse.connection import Warehouse
from nl_pipeline.warehouse.deciding import load_rule_table
from nl_pipeline.warehouse.templates import run_template
from nl_pipeline_tests.properties.every_case import (
    DIMENSIONS,
    case_at,
    deciding_rows,
    matches,
    representatives,
    table_of_all,
)

_GIVES_CONSENT = (
    ProviderAction.SUBSCRIBE,
    ProviderAction.CONFIRM,
    CrmAction.SET_YES,
    CrmAction.CREATE,
)
_OPT_OUT_ROWS = {"S03", "S04", "S05", "S06", "S08", "S09", "S23"}


def _reached_with(name: str, *values: object) -> set[Rule]:
    """The rows that decide at least one combination with one of these values."""
    axis = list(DIMENSIONS).index(name)
    wanted = [DIMENSIONS[name].index(value) for value in values]
    return {RULES[i] for i in np.unique(np.take(deciding_rows(), wanted, axis=axis))}


def _acts(rule: Rule) -> bool:
    return any((rule.provider_action, rule.crm_action, rule.ledger_entry))


def _gives_consent(rule: Rule) -> bool:
    return rule.provider_action in _GIVES_CONSENT or rule.crm_action in _GIVES_CONSENT


def test_every_combination_is_decided_by_exactly_one_row() -> None:
    first = deciding_rows()

    deciding = np.zeros(first.shape, dtype=np.int64)
    for position, mask in enumerate(matches()):
        deciding += mask & (first == position)

    assert (deciding == 1).all()


def test_every_row_decides_some_combination() -> None:
    unreached = set(range(len(RULES))) - set(np.unique(deciding_rows()).tolist())

    assert [RULES[i].code for i in unreached] == []


def test_the_code_of_a_row_is_unique() -> None:
    assert [code for code, n in Counter(rule.code for rule in RULES).items() if n > 1] == []


def test_rule_for_returns_the_first_matching_row_of_every_distinguishable_case() -> None:
    first = deciding_rows()
    find = rule_for.__wrapped__

    different = [
        case_at(indices)
        for indices in representatives()
        if find(case_at(indices)) is not RULES[first[indices]]
    ]

    assert different == []


def test_the_sql_of_the_plan_decides_every_combination_as_the_table_does(tmp_path: Path) -> None:
    everything = table_of_all()
    with Warehouse(tmp_path / "cases.duckdb", fields=()).session() as db:
        load_rule_table(db)
        db.execute(
            "CREATE TEMP TABLE address_decisions (key VARCHAR, rule_id VARCHAR, code VARCHAR,"
            " listing VARCHAR, provider_action VARCHAR)"
        )
        db.register("everything", everything)
        texts = [name for name in CONDITIONS if not isinstance(DIMENSIONS[name][0], bool)]
        casts = ", ".join(f"{name}::VARCHAR AS {name}" for name in texts)
        db.execute(
            f"CREATE TEMP TABLE people AS SELECT * EXCLUDE ({', '.join(texts)}), {casts}"
            " FROM everything"
        )
        run_template(db, "decide.sql.j2", conditions=CONDITIONS)
        decided = db.execute(
            "SELECT split_part(key, '@', 1)::BIGINT AS number, r.position"
            " FROM decided AS d JOIN rules AS r USING (code) ORDER BY number"
        ).df()

    assert decided["number"].tolist() == list(range(len(everything)))
    assert (decided["position"].to_numpy() == deciding_rows().ravel()).all()


# Safety beside the table ----------------------------------------------------------------------


def test_nothing_gives_consent_against_a_withdrawal_for_good_but_a_new_act_of_the_person() -> None:
    reached = _reached_with("ledger", Ledger.WITHDRAW_PERSON, Ledger.WITHDRAW_PROVIDER)

    assert {rule.id for rule in reached if _gives_consent(rule)} == {"S22"}


def test_a_complaint_is_never_lifted_by_any_row() -> None:
    reached = _reached_with("ledger", Ledger.WITHDRAW_PROVIDER)

    assert [rule.code for rule in reached if _gives_consent(rule)] == []


def test_no_row_subscribes_or_asks_for_confirmation_while_a_withdrawal_stands() -> None:
    reached = _reached_with(
        "ledger", Ledger.WITHDRAW_PERSON, Ledger.WITHDRAW_STAFF, Ledger.WITHDRAW_PROVIDER
    )

    acting = {ProviderAction.SUBSCRIBE, ProviderAction.CONFIRM}
    assert [rule.code for rule in reached if rule.provider_action in acting] == []


def test_a_confirmation_is_asked_for_only_with_a_newer_proof() -> None:
    asking = [rule for rule in RULES if rule.provider_action is ProviderAction.CONFIRM]

    assert {rule.id for rule in asking} == {"S07"}
    assert {ledger for rule in asking for ledger in rule.ledger} == {Ledger.GRANT_PROOF}


def test_an_incomplete_snapshot_lets_only_opt_out_rows_act() -> None:
    reached = _reached_with("complete", False)

    assert {rule.id for rule in reached if _acts(rule)} <= _OPT_OUT_ROWS


def test_an_incomplete_snapshot_lets_nothing_give_consent() -> None:
    assert not any(_gives_consent(rule) for rule in _reached_with("complete", False))


@pytest.mark.parametrize("provider", [ProviderState.UNSUB, ProviderState.COMPLAINT])
@pytest.mark.parametrize(
    "newsletter",
    [Newsletter.NONE, Newsletter.DOI, Newsletter.UNDELIVERABLE, Newsletter.UNKNOWN],
)
def test_an_opt_out_reaches_the_crm_whatever_else_holds(
    provider: ProviderState, newsletter: Newsletter
) -> None:
    part = deciding_rows().take(DIMENSIONS["provider"].index(provider), axis=2)
    reached = {
        RULES[i] for i in np.unique(part.take(DIMENSIONS["newsletter"].index(newsletter), 1))
    }

    assert {rule.crm_action for rule in reached} == {CrmAction.SET_CANCEL}


def test_an_unknown_status_at_the_provider_is_never_acted_on() -> None:
    reached = _reached_with("provider", ProviderState.UNKNOWN)

    assert [rule.code for rule in reached if _acts(rule)] == []


def test_an_unknown_value_in_the_crm_is_overwritten_by_an_act_of_the_person_alone() -> None:
    reached = _reached_with("newsletter", Newsletter.UNKNOWN)

    acting = {rule.id for rule in reached if _acts(rule)}
    assert acting == {"S03", "S05", "S22", "S23"}


@pytest.mark.parametrize("newsletter", ["NONE", "MISSING", "MISSING_CONFIRMED"])
def test_who_was_there_before_us_is_removed_for_a_recorded_withdrawal_only(newsletter: str) -> None:
    first = deciding_rows()[0].take(DIMENSIONS["newsletter"].index(Newsletter(newsletter)), axis=0)
    ledgers = DIMENSIONS["ledger"]
    standing = (Ledger.WITHDRAW_PERSON, Ledger.WITHDRAW_PROVIDER)
    other = [i for i, ledger in enumerate(ledgers) if ledger not in standing]
    reached = {RULES[i] for i in np.unique(first.take(other, axis=1))}

    removing = (ProviderAction.ARCHIVE, ProviderAction.UNSUBSCRIBE)
    assert [rule.code for rule in reached if rule.provider_action in removing] == []


@pytest.mark.parametrize(
    "eligibility", [e for e in Eligibility if e is not Eligibility.ELIGIBLE], ids=str
)
def test_a_contact_that_may_not_be_written_to_is_never_subscribed(eligibility: Eligibility) -> None:
    part = deciding_rows().take(DIMENSIONS["eligibility"].index(eligibility), axis=4)
    # No contact, no eligibility: a new subscriber's contact is created.
    seen = [i for i, n in enumerate(DIMENSIONS["newsletter"]) if not n.startswith("MISSING")]
    reached = {RULES[i] for i in np.unique(part.take(seen, axis=1))}

    assert [rule.code for rule in reached if _gives_consent(rule)] == []


def test_a_row_that_appends_a_grant_never_removes_the_member() -> None:
    grants = (LedgerEntry.GRANT_CRM, LedgerEntry.GRANT_SIGNUP)
    removing = (ProviderAction.ARCHIVE, ProviderAction.UNSUBSCRIBE)

    both = [r.code for r in RULES if r.ledger_entry in grants and r.provider_action in removing]
    assert both == []
