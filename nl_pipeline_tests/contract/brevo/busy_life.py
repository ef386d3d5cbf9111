"""A busy life of one connection to Brevo, so that every call of ours travels.

Belongs here: what happens to the people. Not here: assertions. Nothing is broken on purpose: what a
fault answers is not the API's answer. Real limits: waiting moves the clocks.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

from nl_pipeline.clients.brevo import BrevoClient
from nl_pipeline.settings import KindType
from nl_pipeline.sync.history import recover
from nl_pipeline.sync.webhook_watch import HookPlace, repair
from nl_pipeline_tests.sandbox.mailchimp.receiver import Receiver
from nl_pipeline_tests.sandbox_control import SandboxControl
from nl_pipeline_tests.scenario import CANCEL, NO, YES, Scenario, address, connected
from nl_pipeline_tests.sync.proofs import grant_with_proof

PEOPLE = tuple(f"kunde-{number:02d}" for number in range(1, 16))
_WANTED = KindType(kind="Newsletter", type="bestellt")


def drive(control: SandboxControl, *, folder: Path) -> None:
    """Set-up on an empty account; first sync and three others, hooks, campaigns, a recovery."""
    control.reset(contacts=0)
    with connected(control, folder=folder, provider="brevo") as scenario:
        for name in PEOPLE:
            scenario.add_contact(name, YES, Vorname="Kim", Name=name.title())
        scenario.start()
        _people_come_and_go(scenario)
        scenario.sync()
        _people_come_back(scenario)
        scenario.sync("full")
        _webhooks_are_made_and_mended(scenario, folder=folder)
        _mail_is_sent_and_comes_back(scenario)
        _what_a_sync_asks_for_rarely(scenario)


def _people_come_and_go(scenario: Scenario) -> None:
    scenario.person("unsubscribe", "kunde-01")
    scenario.person("unsubscribe", "kunde-02", list_only=True)
    scenario.person("complain", "kunde-03")
    scenario.staff("unsubscribe", "kunde-04")
    scenario.staff("remove", "kunde-05")
    scenario.staff("delete", "kunde-06")
    scenario.act("system", "bounce", "kunde-07")
    scenario.set_newsletter("kunde-08", NO)
    scenario.set_newsletter("kunde-09", CANCEL)
    scenario.set_field("kunde-10", Vorname="Anders", Privat=False)
    scenario.person("subscribe", "newcomer")
    _move(scenario, "kunde-11", "kunde-11-neu@kunde.example")
    # One that another contact has already.
    scenario.act("import", "subscribe", "stranger")
    _move(scenario, "kunde-12", address("stranger"))


def _people_come_back(scenario: Scenario) -> None:
    """Taken off and wanted again, gone and asked to confirm, and somebody new."""
    scenario.set_newsletter("kunde-08", YES)
    scenario.set_newsletter("kunde-05", YES)
    scenario.add_contact("fresh", YES)
    scenario.person("subscribe", "kunde-09")
    grant_with_proof(scenario, "kunde-01")
    scenario.set_newsletter("kunde-01", YES)


def _move(scenario: Scenario, name: str, new_email: str) -> None:
    scenario.control.act(
        "onoffice", actor="staff", action="change_email", email=address(name), new_email=new_email
    )


def _webhooks_are_made_and_mended(scenario: Scenario, *, folder: Path) -> None:
    """Created, changed back after staff edited one, and one for mails that goes again."""
    with Receiver() as receiver:
        url = receiver.url.removesuffix("/hooks/geheim")
        place = HookPlace(url, scenario.link.name, "secret of this test", folder / "webhooks")
        repair(scenario.link, place=place)
        scenario.control.act(
            "brevo", actor="staff", action="edit_webhook", events=["contactUpdated"]
        )
        repair(scenario.link, place=place)
        scenario.want_activities(delivered=_WANTED, click=_WANTED)
        repair(scenario.link, place=replace(place, secret="another secret of this test"))
        scenario.want_activities(delivered=None, click=None)
        repair(scenario.link, place=place)


def _mail_is_sent_and_comes_back(scenario: Scenario) -> None:
    scenario.want_activities(delivered=_WANTED, hard_bounce=_WANTED, click=_WANTED, open=_WANTED)
    sent = scenario.control.send_campaign(
        "brevo", subject="Neubau", hard_bounce_rate=0.1, soft_bounce_rate=0.1, click_rate=0.5
    )
    scenario.person("unsubscribe", "kunde-13", campaign_id=sent["campaign_id"])
    scenario.pass_time()
    end = scenario.link.now()
    recover(scenario.link, start=end - timedelta(days=1), end=end)


def _what_a_sync_asks_for_rarely(scenario: Scenario) -> None:
    """Calls of the client that no ordinary day needs."""
    client = scenario.link.audience.client  # type: ignore[attr-defined]
    assert isinstance(client, BrevoClient)
    list_id = int(scenario.audience_id)
    client.account()
    client.list_by_id(list_id)
    client.create_folder("Archiv")
    client.create_attribute("HERKUNFT")
    process = client.process(
        client.export_contacts(
            list_id=list_id, selection="allContacts", attribute_names=["VORNAME"]
        )
    )
    assert process is not None
    client.rows_of(process)
    client.custom_events.tell(
        address("kunde-13"), event="lead_imported", properties={"form": "Kontakt"}
    )
