"""The LinkedIn client against the twin: what it reads, subscribes to and makes of failures."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from nl_pipeline.clients.errors import OperatorNeeded
from nl_pipeline.clients.linkedin import (
    DailyQuotaReached,
    LinkedInClient,
    TokenFile,
    VersionSunset,
    configured_tokens,
    may_read_leads,
    notices_in,
)
from nl_pipeline.domain.leads import (
    ConsentMapping,
    Lead,
    LeadType,
    MappingFlaw,
    Owner,
    OwnerKind,
    consent_of,
    mapping_problems,
    suggested_mapping,
    values_of,
)
from nl_pipeline.sandbox.credentials import (
    LINKEDIN_ACCESS_TOKEN,
    LINKEDIN_CLIENT_ID,
    LINKEDIN_CLIENT_SECRET,
    LINKEDIN_REFRESH_TOKEN,
)
from nl_pipeline_tests.clients.answering import Naps
from nl_pipeline_tests.sandbox.linkedin.hook import Hook
from nl_pipeline_tests.sandbox_control import SandboxControl

ADS = Owner(OwnerKind.AD_ACCOUNT, 507_000_111)
PAGE = Owner(OwnerKind.ORGANIZATION, 89_000_444)
CONTACT_FORM = "Kontakt aufnehmen"
DAY = timedelta(days=1)
TOKENS = configured_tokens(access_token=LINKEDIN_ACCESS_TOKEN, refresh_token=LINKEDIN_REFRESH_TOKEN)


@dataclass
class Setting:
    """The twin with its population, and clients of it that are closed after the test."""

    sandbox: SandboxControl
    made: list[LinkedInClient] = field(default_factory=list)

    def client(self, **options: Any) -> LinkedInClient:
        client = LinkedInClient(
            **{
                "base_url": self.sandbox.linkedin_url,
                "oauth_url": self.sandbox.linkedin_oauth_url,
                "client_id": LINKEDIN_CLIENT_ID,
                "client_secret": LINKEDIN_CLIENT_SECRET,
                "tokens": TOKENS,
                "version": "202607",
                "sleep": Naps(),
                **options,
            }
        )
        self.made.append(client)
        return client

    def act(self, action: str, *, actor: str = "staff", **details: Any) -> dict[str, Any]:
        return self.sandbox.act("linkedin", actor=actor, action=action, **details)

    def submit(self, number: int = 0, **details: Any) -> str:
        """Let a person fill in the contact form; the id of the lead."""
        person = {
            "email": f"person-{number}@kunde-{number}.example",
            "first_name": "Ada",
            "last_name": f"Muster-{number}",
        }
        return str(self.act("submit", actor="person", **{**person, **details})["id"])

    def switch(self, name: str, value: Any) -> None:
        self.sandbox.switch("linkedin", name=name, value=value)


@pytest.fixture
def setting(sandbox: SandboxControl) -> Iterator[Setting]:
    made = Setting(sandbox)
    yield made
    for client in made.made:
        client.close()


def pages(client: LinkedInClient, *, days: float = 89, **options: Any) -> Any:
    """The leads of the ad account until now, by LinkedIn's own clock once it is known."""
    now = (client.now() or datetime.now(UTC)) + timedelta(seconds=2)
    return client.leads(ADS, start=now - days * DAY, end=now, **options)


def leads(client: LinkedInClient, **options: Any) -> dict[str, Lead]:
    return {lead.response_id: lead for page in pages(client, **options) for lead in page.leads}


def test_the_member_sees_ad_account_page_roles_and_forms(setting: Setting) -> None:
    client = setting.client()

    [account] = client.ad_accounts()
    roles = client.page_roles()
    forms = client.forms(ADS).forms

    assert (account.id, account.is_test, account.organization_id) == (ADS.id, False, PAGE.id)
    assert may_read_leads(roles, organization_id=PAGE.id)
    assert [form.name for form in forms] == [CONTACT_FORM, "Umfrage"]
    assert {form.owner for form in forms} == {ADS}
    assert {form.locale for form in forms} == {"de_DE"}


@pytest.mark.parametrize("shape", ["number", "urn"])
def test_ad_accounts_have_numbers_however_linkedin_writes_them(
    setting: Setting, shape: str
) -> None:
    setting.switch("account_ids", shape)

    assert [account.id for account in setting.client().ad_accounts()] == [ADS.id]


def test_a_lead_of_the_twin_becomes_values_and_consent(setting: Setting) -> None:
    client = setting.client()
    lead_id = setting.submit(
        7,
        phone="+49 241 555",
        company="Muster GmbH",
        newsletter=True,
        campaign="Herbst",
        answers={"Wofür interessieren Sie sich?": "Miete", "INDUSTRY": "Immobilienwesen"},
    )

    lead = client.lead(lead_id)
    assert lead is not None
    form = client.form_of(lead)
    assert form is not None
    rows = [suggestion.mapping for suggestion in suggested_mapping(form)]
    consent = consent_of(lead, form=form, mapping=ConsentMapping(0)).evidence

    assert mapping_problems(rows, form=form) == ()
    assert dict(values_of(lead, form=form, rows=rows).values) == {
        "email": "person-7@kunde-7.example",
        "Vorname": "Ada",
        "Name": "Muster-7",
        "phone": "+49 241 555",
        "Zusatz1": "Muster GmbH",
    }
    assert (lead.owner, lead.campaign_name, lead.is_test) == (ADS, "Herbst", False)
    assert consent is not None
    assert consent.text == "Ich möchte den Newsletter per E-Mail erhalten."
    assert (consent.form_id, consent.form_version) == (form.id, form.version)


def test_a_form_without_any_contact_key_is_told_by_its_mapping(setting: Setting) -> None:
    form = next(form for form in setting.client().forms(ADS).forms if form.name == "Umfrage")
    rows = [suggestion.mapping for suggestion in suggested_mapping(form)]

    flaws = [problem.flaw for problem in mapping_problems(rows, form=form)]

    assert flaws == [MappingFlaw.KEY_NOT_MAPPED]


@pytest.mark.parametrize("order", ["newest_first", "oldest_first", "none"])
@pytest.mark.parametrize("shows_total", [True, False])
def test_every_lead_is_read_once_in_whatever_order(
    setting: Setting, order: str, shows_total: bool
) -> None:
    setting.switch("order", order)
    setting.switch("shows_total", shows_total)
    client = setting.client(page_size=3)
    before = set(leads(client))
    made = {setting.submit(number) for number in range(4)}

    read = pages(client)
    got = [lead.response_id for page in read for lead in page.leads]

    assert sorted(got) == sorted(before | made)
    assert (read.rows, read.complete) == (len(before | made), True)


def test_fewer_rows_a_page_than_asked_for_do_not_end_the_read(setting: Setting) -> None:
    setting.switch("largest_count", 2)
    setting.switch("count_above_largest", "cut")
    setting.switch("shows_total", False)
    made = {setting.submit(number) for number in range(5)}

    assert made <= set(leads(setting.client()))


def test_a_lead_that_arrives_between_two_pages_hides_no_other(setting: Setting) -> None:
    made = {setting.submit(number) for number in range(5)}
    setting.sandbox.fault("linkedin", kind="page_drift", match="leadFormResponses", skip=1)
    read = pages(setting.client(page_size=3))

    got = [lead.response_id for page in read for lead in page.leads]

    assert made <= set(got)
    assert len(got) == len(set(got))
    assert not read.complete


def test_a_lead_that_goes_between_two_pages_makes_the_read_incomplete(setting: Setting) -> None:
    for number in range(5):
        setting.submit(number)
    setting.sandbox.fault(
        "linkedin", kind="page_drift", match="leadFormResponses", skip=1, vanish=True
    )
    read = pages(setting.client(page_size=3))

    list(read)

    assert not read.complete


def test_a_lead_older_than_linkedin_keeps_is_neither_listed_nor_read(setting: Setting) -> None:
    client = setting.client()
    kept, gone = setting.submit(1, days_ago=80), setting.submit(2, days_ago=366)
    setting.switch("retention_days", 365)

    assert kept in leads(client, days=364)
    assert gone not in leads(client, days=400)
    assert client.lead(gone) is None
    assert set(client.leads_by_id([kept, gone])) == {kept}


def test_test_leads_are_marked(setting: Setting) -> None:
    lead_id = str(setting.act("test_submit", email="test@kunde.example")["id"])

    assert leads(setting.client())[lead_id].is_test


def test_a_lead_is_read_with_the_version_it_was_filled_in(setting: Setting) -> None:
    client = setting.client()
    before = setting.submit(1, newsletter=True)
    setting.act(
        "new_form_version", form=CONTACT_FORM, checkboxes=[{"text": "Bitte rufen Sie mich an."}]
    )
    after = setting.submit(2, newsletter=True)

    found = leads(client)
    texts = {
        lead_id: evidence.text
        for lead_id in (before, after)
        if (
            evidence := consent_of(
                found[lead_id], form=client.form_of(found[lead_id]), mapping=ConsentMapping(0)
            ).evidence
        )
    }

    assert texts == {
        before: "Ich möchte den Newsletter per E-Mail erhalten.",
        after: "Bitte rufen Sie mich an.",
    }
    assert found[before].form_version < found[after].form_version
    assert after not in leads(client, form=(found[before].form_id, found[before].form_version))


@pytest.mark.parametrize("is_latest", [True, False])
def test_a_form_that_is_not_decorated_is_looked_up(setting: Setting, is_latest: bool) -> None:
    lead_id = setting.submit(1)
    if not is_latest:
        setting.act("new_form_version", form=CONTACT_FORM)
    setting.switch("form_decoration_fails", True)
    client = setting.client()

    lead = client.lead(lead_id)

    assert lead is not None
    assert lead.form is None
    assert (client.form_of(lead) is not None) == is_latest


def test_versioned_urns_with_a_blank_are_understood(setting: Setting) -> None:
    setting.switch("space_in_versioned_urns", True)
    lead_id = setting.submit(1)

    assert leads(setting.client())[lead_id].form is not None


def test_leads_of_an_event_belong_to_the_page(setting: Setting) -> None:
    lead_id = setting.submit(1, form="Infoabend Immobilien")
    client = setting.client()
    now = datetime.now(UTC) + timedelta(seconds=2)

    read = client.leads(PAGE, start=now - DAY, end=now, lead_type=LeadType.EVENT)

    [lead] = [one for page in read for one in page.leads if one.response_id == lead_id]
    assert (lead.owner, lead.event_id) == (PAGE, "7010000555")


def test_an_ended_access_token_is_refreshed_and_kept(setting: Setting, tmp_path: Path) -> None:
    store = TokenFile(tmp_path / "tokens.json")
    setting.sandbox.advance(seconds=61 * 86400)

    client = setting.client(store=store)
    client.forms(ADS)

    assert setting.client(store=store).forms(ADS).forms
    assert client.calls["POST /oauth/accessToken"] == 1
    life = client.token_life()
    assert (life.access_days, life.refresh_days) in {(59, 303), (60, 304)}


def test_the_refresh_token_ends_a_year_after_the_authorization(setting: Setting) -> None:
    setting.sandbox.advance(seconds=366 * 86400)

    with pytest.raises(OperatorNeeded) as caught:
        setting.client().forms(ADS)

    assert "authorize the connection again" in caught.value.what_next


def test_a_year_less_a_week_is_warned_about(setting: Setting, tmp_path: Path) -> None:
    setting.sandbox.advance(seconds=(365 - 6.5) * 86400)
    client = setting.client(store=TokenFile(tmp_path / "tokens.json"))
    client.forms(ADS)

    warnings = client.token_life().warnings

    assert [(w.token, w.days_left, w.threshold) for w in warnings] == [("refresh", 6, 7)]


def test_a_revoked_access_token_is_replaced(setting: Setting) -> None:
    client = setting.client()
    setting.act("revoke_token", token="access")

    assert client.forms(ADS).forms


def test_a_revoked_consent_needs_the_member(setting: Setting) -> None:
    client = setting.client()
    client.forms(ADS)
    setting.act("revoke_token")

    with pytest.raises(OperatorNeeded) as caught:
        client.forms(ADS)

    assert "authorize the connection again" in caught.value.what_next


def test_forms_are_listed_while_leads_are_refused(setting: Setting) -> None:
    setting.switch("lead_sync_product", False)
    client = setting.client()

    assert client.forms(ADS).forms
    with pytest.raises(OperatorNeeded) as caught:
        leads(client)

    assert "Lead Sync API" in caught.value.what_next


def test_a_revoked_role_on_the_page_refuses_leads_and_not_the_list_of_roles(
    setting: Setting,
) -> None:
    lead_id = setting.submit(1)
    setting.act("revoke_role", target="page")
    client = setting.client()

    with pytest.raises(OperatorNeeded) as caught:
        client.lead(lead_id)

    assert "LEAD_GEN_FORMS_MANAGER" in caught.value.what_next
    assert not may_read_leads(client.page_roles(), organization_id=PAGE.id)


def test_a_sunset_version_is_told_by_its_setting(setting: Setting) -> None:
    with pytest.raises(VersionSunset, match="202401"):
        setting.client(version="202401").forms(ADS)


@pytest.mark.parametrize("quota", ["application_calls_per_day", "member_calls_per_day"])
def test_the_quota_of_the_day_names_midnight_utc(setting: Setting, quota: str) -> None:
    setting.switch(quota, 1)
    client = setting.client()
    client.ad_accounts()
    now = client.now()
    assert now is not None

    with pytest.raises(DailyQuotaReached) as caught:
        client.ad_accounts()

    assert caught.value.until.hour == 0
    assert now < caught.value.until <= now + DAY + timedelta(seconds=5)


WEBHOOK_KINDS = pytest.mark.parametrize("answer", ["201", "200"])


@WEBHOOK_KINDS
def test_a_subscription_is_made_listed_notified_and_deleted(setting: Setting, answer: str) -> None:
    setting.switch("creation_answer", answer)
    client = setting.client()
    with Hook() as hook:
        made = client.create_notification(ADS, lead_type=LeadType.SPONSORED, webhook=hook.url)
        [listed] = client.notifications(ADS, lead_type=LeadType.SPONSORED)
        lead_id = setting.submit(1)
        [notice] = notices_in(hook.next().body)
        client.delete_notification(made)
        client.delete_notification(made)

        assert (listed.id, listed.webhook, listed.owner) == (made, hook.url, ADS)
        assert (notice.response_id, notice.owner) == (lead_id, ADS)
        assert client.notifications(ADS, lead_type=LeadType.SPONSORED) == []


def test_a_webhook_that_nobody_answers_is_not_subscribed(setting: Setting) -> None:
    with Hook() as hook:
        hook.challenge_status = 500
        with pytest.raises(OperatorNeeded) as caught:
            setting.client().create_notification(
                ADS, lead_type=LeadType.SPONSORED, webhook=hook.url
            )

    assert caught.value.code == "webhook_not_reached"
