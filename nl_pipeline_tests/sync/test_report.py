"""Reports: the numbers of both sides add up, problems name a cause, one person is explained."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from nl_pipeline import settings
from nl_pipeline.domain.states import Newsletter, ProviderState
from nl_pipeline.sandbox import credentials
from nl_pipeline.sandbox.app import World
from nl_pipeline.sandbox.serve import running
from nl_pipeline.settings import Settings
from nl_pipeline.sync import report
from nl_pipeline.sync.link import Link, open_link
from nl_pipeline.sync.push import apply_plan
from nl_pipeline.sync.report import ConnectionStatus
from nl_pipeline.sync.run import sync
from nl_pipeline.sync.setup import set_up
from nl_pipeline.warehouse import plans
from nl_pipeline_tests.sandbox_control import SandboxControl

CONNECTION = settings.SANDBOX_CONNECTION
SECRETS = {
    "NL_SANDBOX_ONOFFICE_TOKEN": credentials.ONOFFICE_TOKEN,
    "NL_SANDBOX_ONOFFICE_SECRET": credentials.ONOFFICE_SECRET,
    "NL_SANDBOX_MAILCHIMP_API_KEY": credentials.MAILCHIMP_API_KEY,
    "NL_SANDBOX_BREVO_API_KEY": credentials.BREVO_API_KEY,
}
CONTACTS = 350
REFUSED_ADDRESS = "somebody@example.com"
"""Mailchimp refuses its domain as looking fake."""
STAGES = ("planned", "applied", "refused", "synced again")


@dataclass(frozen=True)
class History:
    """How a connection stood at each stage, and what is there at the end."""

    loaded: Settings
    control: SandboxControl
    statuses: dict[str, ConnectionStatus]
    first_listed: dict[str, str]
    first_explained: dict[str, str]


@pytest.fixture(scope="module")
def history(tmp_path_factory: pytest.TempPathFactory) -> Iterator[History]:
    """A first sync over an audience with a past, then a contact whose address is refused."""
    with running(World(contacts=0)) as base_url:
        control = SandboxControl(base_url)
        control.reset(contacts=CONTACTS, seed=5, existing_audience=True)
        folder = tmp_path_factory.mktemp("report")
        loaded = settings.parse(
            settings.sandbox_text(port=urlsplit(base_url).port or 0), file="test", folder=folder
        )
        with open_link(loaded, connection=CONNECTION, environ=SECRETS) as link:
            yield _live(link, loaded=loaded, control=control)
        control.close()


def _live(link: Link, *, loaded: Settings, control: SandboxControl) -> History:
    statuses = {}

    def note(stage: str) -> None:
        statuses[stage] = report.read_status(loaded, connection=CONNECTION)

    first = set_up(link).plan
    note("planned")
    rows = plans.change_rows(link.warehouse, plan_id=first.plan_id)
    listed = rows[(rows["side"] == "list") & (rows["action"] != "field")]
    codes = dict(zip(listed["address"], listed["code"], strict=True))
    explained = {
        address: report.explain(loaded, connection=CONNECTION, email=address).rules[0].code
        for address in sorted(codes)[::8]
    }
    apply_plan(link, plan=first, approved=True)
    note("applied")
    control.act(
        "onoffice",
        actor="staff",
        action="create",
        email=REFUSED_ADDRESS,
        fields={"newsletter_aktiv": "1", "Name": "Muster"},
    )
    sync(link, mode="full")
    note("refused")
    sync(link, mode="full")
    note("synced again")
    return History(loaded, control, statuses, codes, explained)


@pytest.mark.parametrize("stage", STAGES)
@pytest.mark.parametrize("side", ["crm", "provider"])
def test_all_reasons_together_make_the_difference(history: History, side: str, stage: str) -> None:
    status = history.statuses[stage]
    total = status.crm_yes_contacts if side == "crm" else status.provider_subscribed

    explained = sum(d.rows for d in status.differences if d.side == side)

    assert total - explained == status.in_both


@pytest.mark.parametrize("stage", STAGES)
def test_every_reason_has_a_meaning_and_a_way_out(history: History, stage: str) -> None:
    for difference in history.statuses[stage].differences:
        assert difference.meaning != difference.reason
        assert difference.next_step


def test_the_totals_are_those_of_the_two_services(history: History) -> None:
    crm, mailchimp = history.control.dump("onoffice"), history.control.dump("mailchimp")
    audience = next(a["id"] for a in mailchimp["audiences"] if a["name"] == "onoffice")
    status = history.statuses["synced again"]

    assert status.crm_yes_contacts == sum(
        contact["newsletter_aktiv"] == "1" for contact in crm["addresses"]
    )
    assert status.provider_subscribed == sum(
        member["list_id"] == audience and member["status"] == "subscribed"
        for member in mailchimp["members"]
    )


def test_before_the_first_sync_nearly_everything_waits_for_the_plan(history: History) -> None:
    reasons = {d.reason for d in history.statuses["planned"].differences}

    assert {"planned", "foreign", "private", "revoked", "missing_email"} <= reasons


def test_after_the_first_sync_nothing_waits_for_the_plan(history: History) -> None:
    reasons = {d.reason for d in history.statuses["applied"].differences}

    assert "planned" not in reasons


def test_rows_that_a_brake_holds_are_a_reason_of_their_own(history: History) -> None:
    status = history.statuses["applied"]

    held = [d.cause for d in status.differences if d.reason == "held" and d.side == "provider"]

    assert held == ["removals"]
    assert status.held > 0


def test_a_refused_address_is_counted_with_the_cause_of_the_refusal(history: History) -> None:
    status = history.statuses["refused"]

    assert [(d.cause, d.rows) for d in status.differences if d.reason == "refused"] == [
        ("fake_or_invalid", 1)
    ]


def test_a_row_refused_before_names_the_contact_the_cause_and_the_next_step(
    history: History,
) -> None:
    problems = report.list_problems(history.loaded, connection=CONNECTION)

    (refused,) = [p for p in problems if p.problem.kind == "quarantine"]

    (contact,) = [
        c for c in history.control.dump("onoffice")["addresses"] if c["Email"] == REFUSED_ADDRESS
    ]
    assert refused.problem.contact_id == str(contact["id"])
    assert refused.problem.cause == "fake_or_invalid"
    assert refused.next_step == "correct the address in the CRM"


def test_problems_and_differences_do_not_show_addresses_when_printed(history: History) -> None:
    problems = report.list_problems(history.loaded, connection=CONNECTION)
    differences = report.list_differences(history.loaded, connection=CONNECTION)

    assert "@" not in repr(problems) + repr(differences)


def test_every_counted_difference_is_listed_with_its_record(history: History) -> None:
    counted = history.statuses["synced again"].differences

    listed = report.list_differences(history.loaded, connection=CONNECTION)

    assert len(listed) == sum(difference.rows for difference in counted)


def test_explain_names_the_rule_by_which_the_plan_was_made(history: History) -> None:
    assert history.first_explained == {
        address: history.first_listed[address] for address in history.first_explained
    }


def test_explain_shows_where_a_subscriber_comes_from(history: History) -> None:
    mailchimp = history.control.dump("mailchimp")
    audience = next(a["id"] for a in mailchimp["audiences"] if a["name"] == "onoffice")
    member = next(
        m
        for m in mailchimp["members"]
        if m["list_id"] == audience
        and m["status"] == "subscribed"
        and m["source"] == "API - Generic"
    )

    explanation = report.explain(
        history.loaded, connection=CONNECTION, email=member["email_address"].upper()
    )

    (rule,) = explanation.rules
    assert (rule.rule_id, rule.code) == ("S29", "in_step")
    assert (rule.case.newsletter, rule.case.provider) == (Newsletter.YES, ProviderState.SUB)
    assert [event.source for event in explanation.person.ledger] == ["subscribe_yes"]
    assert {change.result for change in explanation.person.changes} == {"confirmed"}


def test_explain_has_an_answer_for_an_address_that_no_plan_looks_at(history: History) -> None:
    members = {m["email_address"] for m in history.control.dump("mailchimp")["members"]}
    refusing = next(
        contact["Email"]
        for contact in history.control.dump("onoffice")["addresses"]
        if contact["newsletter_aktiv"] == "0" and "@kunde" in contact["Email"]
        if contact["Email"].strip() not in members
    )

    explanation = report.explain(history.loaded, connection=CONNECTION, email=refusing)

    (rule,) = explanation.rules
    assert explanation.person.known
    assert not rule.considered
    assert (rule.rule_id, rule.case.newsletter) == ("S30", Newsletter.NO)


def test_explain_says_that_it_does_not_know_an_address(history: History) -> None:
    explanation = report.explain(
        history.loaded, connection=CONNECTION, email="nobody@nowhere.example"
    )

    assert not explanation.person.known


def test_explain_refuses_what_is_no_address(history: History) -> None:
    with pytest.raises(report.AddressUnusable):
        report.explain(history.loaded, connection=CONNECTION, email="Anna Muster")


def test_a_connection_that_was_never_read_has_nothing_to_report(tmp_path: Path) -> None:
    loaded = settings.parse(settings.sandbox_text(), file="test", folder=tmp_path)

    with pytest.raises(report.NeverRead, match=f"nl-pipeline setup {CONNECTION}"):
        report.read_status(loaded, connection=CONNECTION)

    assert list(tmp_path.iterdir()) == []
