"""A busy life of one connection on the shared scenario, so that every call of ours travels.

Belongs here: what happens to the people. Not here: assertions. Nothing is broken on purpose: what
a fault answers is not the API's answer.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

from nl_pipeline.sandbox.population import TAG_OPTIONS
from nl_pipeline.settings import KindType
from nl_pipeline.sync.history import recover
from nl_pipeline.sync.webhook_watch import HookPlace, repair
from nl_pipeline_tests.sandbox.mailchimp.receiver import Receiver
from nl_pipeline_tests.sandbox_control import SandboxControl
from nl_pipeline_tests.scenario import CANCEL, NO, ORDINARY, YES, Scenario, connected, populate

_TAG = next(iter(TAG_OPTIONS))


def drive(control: SandboxControl, *, folder: Path) -> None:
    """Set-up on an empty account; first sync, two busy ones and a full one on the scenario; hooks
    and mail."""
    control.reset(contacts=0)
    with connected(control, folder=folder / "empty") as first:
        first.add_contact("kunde-01", YES)
        first.set_up()
    control.reset(contacts=0, existing_audience=True)
    control.switch("mailchimp", name="fake_domains", value=["gibt-es-nicht.example"])
    populate(control, provider="mailchimp")
    with connected(control, folder=folder / "scenario") as scenario:
        brakes = scenario.link.settings.brakes.model_copy(update={"overwritten_percent": 100.0})
        scenario.change_settings(brakes=brakes)
        scenario.start()
        _many_changes(scenario)
        scenario.sync()
        _people_come_and_go(scenario)
        scenario.sync()
        _people_come_back(scenario)
        scenario.sync("full")
        _webhooks_are_made_and_mended(scenario, folder=folder)
        _mail_is_sent_and_comes_back(scenario)


def _webhooks_are_made_and_mended(scenario: Scenario, *, folder: Path) -> None:
    """Created, changed back after staff edited one, and one deleted that was there twice."""
    with Receiver() as receiver:
        url = receiver.url.removesuffix("/hooks/geheim")
        place = HookPlace(url, scenario.link.name, "secret of this test", folder / "webhooks")
        repair(scenario.link, place=place)
        first = scenario.control.dump("mailchimp")["webhooks"][0]
        scenario.control.act(
            "mailchimp",
            actor="staff",
            action="edit_webhook",
            webhook_id=first["id"],
            events={"unsubscribe": False},
        )
        repair(scenario.link, place=place)
        moved = replace(place, public_url=url.replace("127.0.0.1", "localhost"))
        hooks = scenario.link.audience.hooks
        wanted, _ = hooks.wanted(
            url_of=lambda origin: moved.url(provider="mailchimp", origin=origin),
            token_of=lambda _: "",
        )
        hooks.create(scenario.audience_id, wanted=wanted)
        repair(scenario.link, place=place)


def _mail_is_sent_and_comes_back(scenario: Scenario) -> None:
    """One bounce of a campaign is looked up by itself, several are found among all activity."""
    wanted = KindType(kind="Newsletter", type="bestellt")
    activities = scenario.link.settings.activities.model_copy(
        update={"delivered": wanted, "hard_bounce": wanted}
    )
    scenario.change_settings(activities=activities)
    for rate in (0.05, 0.5):
        scenario.control.send_campaign(
            subject="Neubau", hard_bounce_rate=rate, soft_bounce_rate=0.1, open_rate=0.5
        )
    scenario.pass_time()
    end = scenario.link.now()
    recover(scenario.link, start=end - timedelta(days=1), end=end)


def _many_changes(scenario: Scenario) -> None:
    """More changes than are sent one by one."""
    for name in ORDINARY:
        scenario.set_field(name, Vorname="Anders")
    for number in range(60):
        scenario.staff("tag", "kunde-30", tag=f"Merkmal {number:02d}")


def _people_come_and_go(scenario: Scenario) -> None:
    scenario.set_field("kunde-10", NewsletterTag=[_TAG])
    scenario.person("unsubscribe", "kunde-01")
    scenario.person("complain", "kunde-02")
    scenario.staff("remove", "kunde-03")
    scenario.set_newsletter("kunde-04", NO)
    scenario.set_newsletter("kunde-05", CANCEL)
    scenario.set_field("kunde-06", Privat=True)
    scenario.person("subscribe", "newcomer")
    scenario.set_newsletter("none", YES)
    scenario.set_newsletter("no", YES)
    # One that the provider refuses, in a call with others and as a change of an address.
    scenario.add_contact("fake", YES)
    _move(scenario, "fake", "fake@gibt-es-nicht.example")
    _move(scenario, "kunde-07", "kunde-07-neu@kunde.example")
    _move(scenario, "kunde-08", "stranger@kunde.example")
    _move(scenario, "kunde-09", "kunde-09@gibt-es-nicht.example")


def _move(scenario: Scenario, name: str, new_email: str) -> None:
    scenario.control.act(
        "onoffice",
        actor="staff",
        action="change_email",
        email=f"{name}@kunde.example",
        new_email=new_email,
    )


def _people_come_back(scenario: Scenario) -> None:
    """Archived and wanted again, a tag taken away, and a sign-up against a No."""
    scenario.set_newsletter("kunde-03", YES)
    scenario.set_field("kunde-10", NewsletterTag=[])
    scenario.person("subscribe", "kunde-04")
