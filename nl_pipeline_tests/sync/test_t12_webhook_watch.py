"""T12: a webhook is dead, disabled, moved or doubled, or the audience was created anew, and nobody
would notice.

The receiver is the real one, the provider the twin; each test breaks one thing behind our back and
looks at what the watch says and does.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from typing import Any

import httpx
import pytest

from nl_pipeline.clients.errors import OperatorNeeded
from nl_pipeline.domain.events import EventKind, SubscriberEvent
from nl_pipeline.sandbox import credentials
from nl_pipeline.sandbox.app import World
from nl_pipeline.sync.observe import read_members
from nl_pipeline.sync.webhook_flaws import Flaw
from nl_pipeline.sync.webhook_watch import WatchResult, check, repair
from nl_pipeline.warehouse import events
from nl_pipeline.webhook_log.keys import SigningKey, SigningKeys
from nl_pipeline_tests.sandbox.mailchimp.caller import AUDIENCE
from nl_pipeline_tests.sandbox_control import SandboxControl
from nl_pipeline_tests.scenario import Scenario
from nl_pipeline_tests.sync.listening import Listening, listening

FLAGS = ("subscribe", "unsubscribe", "profile", "cleaned", "upemail")


@pytest.fixture(scope="module")
def receiver(
    scenario_world: World,
    scenario_control: SandboxControl,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Listening]:
    port = httpx.URL(scenario_control.base_url).port or 0
    folder = tmp_path_factory.mktemp("webhooks")
    with listening(scenario_world, sandbox_port=port, folder=folder) as heard:
        yield heard


@pytest.fixture
def heard(receiver: Listening) -> Listening:
    """The receiver without keys of earlier tests."""
    SigningKeys(receiver.folder).path.unlink(missing_ok=True)
    receiver.is_deaf = False
    return receiver


@pytest.fixture
def watched(scenario: Scenario, heard: Listening) -> Scenario:
    """A connection whose webhooks were set up."""
    repair(scenario.link, place=heard.place)
    return scenario


def webhooks(scenario: Scenario) -> list[dict[str, Any]]:
    """The webhooks of our audience as Mailchimp has them."""
    return [
        webhook
        for webhook in scenario.control.dump("mailchimp")["webhooks"]
        if webhook["list_id"] == scenario.audience_id
    ]


def webhook_for(scenario: Scenario, source: str) -> dict[str, Any]:
    [found] = [hook for hook in webhooks(scenario) if hook["sources"][source]]
    return found


def edit(scenario: Scenario, webhook: dict[str, Any], **changes: Any) -> None:
    """Staff edits a webhook in Mailchimp."""
    scenario.control.act(
        "mailchimp", actor="staff", action="edit_webhook", webhook_id=webhook["id"], **changes
    )


def flaws(result: WatchResult) -> list[tuple[Flaw, str]]:
    return [(finding.flaw, finding.origin) for finding in result.findings]


def tells(
    scenario: Scenario, heard: Listening, name: str, *, actor: str = "person"
) -> list[tuple[str, str]]:
    """Origin and signature of the notices that arrive when somebody unsubscribes."""
    known = {line.id for line in heard.lines()}
    act = scenario.person if actor == "person" else scenario.staff
    act("unsubscribe", name)
    heard.hear()
    return [(line.origin, line.signature) for line in heard.lines() if line.id not in known]


# As it should be ----------------------------------------------------------------------------------


def test_set_up_makes_one_webhook_for_people_and_one_for_staff(watched: Scenario) -> None:
    person, staff = webhook_for(watched, "user"), webhook_for(watched, "admin")

    assert person["id"] != staff["id"]
    assert person["sources"] == {"user": True, "admin": False, "api": False}
    assert staff["sources"] == {"user": False, "admin": True, "api": False}
    assert person["events"] == {**dict.fromkeys(FLAGS, True), "campaign": True}
    assert staff["events"] == {**dict.fromkeys(FLAGS, True), "campaign": False}


def test_nothing_is_wrong_after_set_up(watched: Scenario, heard: Listening) -> None:
    assert flaws(check(watched.link, place=heard.place)) == []


def test_mending_what_is_right_writes_nothing(watched: Scenario, heard: Listening) -> None:
    watched.control.forget_calls()

    result = repair(watched.link, place=heard.place)

    assert (result.findings, result.mended) == ((), ())
    assert watched.writes() == {}


def test_acts_of_people_and_of_staff_arrive_apart(watched: Scenario, heard: Listening) -> None:
    assert tells(watched, heard, "kunde-01") == [("person", "valid")]
    assert tells(watched, heard, "kunde-02", actor="staff") == [("staff", "valid")]


def test_notices_are_signed_with_a_key_that_only_its_owner_can_read(
    watched: Scenario, heard: Listening
) -> None:
    assert tells(watched, heard, "kunde-01") == [("person", "valid")]
    assert SigningKeys(heard.folder).path.stat().st_mode & 0o777 == 0o600


def test_no_secret_is_told_or_stored_in_the_warehouse(watched: Scenario, heard: Listening) -> None:
    result = repair(watched.link, place=heard.place)
    secrets = [key.signing_secret for key in SigningKeys(heard.folder).read()]
    secrets += [hook["url"].rpartition("/")[2] for hook in webhooks(watched)]
    with watched.link.warehouse.session() as db:
        stored = db.execute("SELECT name, value FROM connection_state").fetchall()

    assert len(secrets) == 4
    said = f"{result!r} {heard.place!r} {stored} {[f.text for f in result.findings]}"
    assert not [secret for secret in secrets if secret in said]


# Dead, moved, doubled -----------------------------------------------------------------------------


def test_a_webhook_that_mailchimp_has_dropped_is_missed_and_made_again(
    watched: Scenario, heard: Listening
) -> None:
    edit(watched, webhook_for(watched, "user"), delete=True)

    seen = check(watched.link, place=heard.place)
    mended = repair(watched.link, place=heard.place)

    assert flaws(seen) == [(Flaw.MISSING, "person")]
    assert len(mended.mended) == 1
    assert tells(watched, heard, "kunde-01") == [("person", "valid")]


def test_a_receiver_that_was_down_too_long_loses_its_webhooks_and_gets_them_back(
    watched: Scenario, heard: Listening
) -> None:
    heard.is_deaf = True
    for name in ("kunde-01", "kunde-02", "kunde-03"):
        watched.person("unsubscribe", name)
    for _ in range(9):
        heard.hear()
        watched.pass_time(by=timedelta(minutes=26))
    heard.hear()
    heard.is_deaf = False

    seen = check(watched.link, place=heard.place)
    repair(watched.link, place=heard.place)

    assert (Flaw.MISSING, "person") in flaws(seen)
    assert tells(watched, heard, "kunde-04") == [("person", "valid")]


def test_a_webhook_that_staff_sent_elsewhere_comes_back(
    watched: Scenario, heard: Listening
) -> None:
    edit(watched, webhook_for(watched, "user"), url="https://elsewhere.example/hook")

    seen = check(watched.link, place=heard.place)
    repair(watched.link, place=heard.place)

    assert flaws(seen) == [(Flaw.MOVED, "person")]
    assert tells(watched, heard, "kunde-01") == [("person", "valid")]


def test_a_webhook_follows_the_receiver_to_its_new_address(
    watched: Scenario, heard: Listening
) -> None:
    before = {hook["id"] for hook in webhooks(watched)}
    moved = replace(heard.place, public_url=heard.url.replace("127.0.0.1", "localhost"))

    seen = check(watched.link, place=moved)
    repair(watched.link, place=moved)

    assert flaws(seen) == [(Flaw.MOVED, "person"), (Flaw.MOVED, "staff")]
    assert {hook["id"] for hook in webhooks(watched)} == before
    assert all(hook["url"].startswith("http://localhost:") for hook in webhooks(watched))


@pytest.mark.parametrize(
    ("change", "flaw"),
    [
        ({"events": {"unsubscribe": False}}, Flaw.WRONG_EVENTS),
        ({"events": {"campaign": False}}, Flaw.WRONG_EVENTS),
        ({"sources": {"api": True}}, Flaw.WRONG_SOURCES),
        ({"sources": {"user": False}}, Flaw.WRONG_SOURCES),
        ({"sources": {"admin": True}}, Flaw.WRONG_SOURCES),
    ],
    ids=["no opt-outs", "no campaigns", "our own writes", "no people", "staff as people"],
)
def test_flags_that_staff_changed_are_put_right(
    watched: Scenario, heard: Listening, change: dict[str, Any], flaw: Flaw
) -> None:
    webhook = webhook_for(watched, "user")
    edit(watched, webhook, **change)

    seen = check(watched.link, place=heard.place)
    repair(watched.link, place=heard.place)

    assert flaws(seen) == [(flaw, "person")]
    [after] = [hook for hook in webhooks(watched) if hook["id"] == webhook["id"]]
    assert (after["events"], after["sources"]) == (webhook["events"], webhook["sources"])


def test_a_second_webhook_of_ours_is_deleted(watched: Scenario, heard: Listening) -> None:
    url = webhook_for(watched, "user")["url"].replace("127.0.0.1", "localhost")
    made = watched.link.audience.hooks
    [wanted, _] = made.wanted(url_of=lambda _: url, token_of=lambda _: "")
    made.create(watched.audience_id, wanted=wanted)

    seen = check(watched.link, place=heard.place)
    repair(watched.link, place=heard.place)

    assert flaws(seen) == [(Flaw.DOUBLED, "person")]
    assert len(webhooks(watched)) == 2
    assert tells(watched, heard, "kunde-01") == [("person", "valid")]


def test_webhooks_of_others_are_listed_by_host_and_left_alone(
    watched: Scenario, heard: Listening
) -> None:
    made = watched.link.audience.hooks
    [wanted, _] = made.wanted(
        url_of=lambda _: f"{heard.url}/health?other=tool", token_of=lambda _: ""
    )
    foreign = made.create(watched.audience_id, wanted=wanted).hook

    result = repair(watched.link, place=heard.place)

    assert (result.findings, result.foreign) == ((), ("127.0.0.1",))
    assert foreign.hook_id in {hook["id"] for hook in webhooks(watched)}


# Keys ---------------------------------------------------------------------------------------------


def test_a_signed_webhook_whose_key_is_lost_is_made_anew(
    watched: Scenario, heard: Listening
) -> None:
    SigningKeys(heard.folder).forget(webhook_id=webhook_for(watched, "admin")["id"])

    seen = check(watched.link, place=heard.place)
    repair(watched.link, place=heard.place)

    assert flaws(seen) == [(Flaw.KEY_UNKNOWN, "staff")]
    assert tells(watched, heard, "kunde-01", actor="staff") == [("staff", "valid")]


def test_a_damaged_file_of_keys_makes_all_webhooks_anew(
    watched: Scenario, heard: Listening
) -> None:
    SigningKeys(heard.folder).path.write_text("[{", encoding="utf-8")

    seen = check(watched.link, place=heard.place)
    repair(watched.link, place=heard.place)

    assert flaws(seen) == [(Flaw.KEY_UNKNOWN, "person"), (Flaw.KEY_UNKNOWN, "staff")]
    assert tells(watched, heard, "kunde-01") == [("person", "valid")]


def test_keys_of_webhooks_that_are_gone_are_forgotten(watched: Scenario, heard: Listening) -> None:
    keys = SigningKeys(heard.folder)
    keys.remember(SigningKey("0123456789", "person", "of a webhook that is gone"))

    repair(watched.link, place=heard.place)

    assert {key.webhook_id for key in keys.read()} == {hook["id"] for hook in webhooks(watched)}


def test_an_account_that_signs_nothing_is_watched_all_the_same(
    scenario: Scenario, heard: Listening
) -> None:
    scenario.control.switch("mailchimp", name="signing_enabled", value=False)
    repair(scenario.link, place=heard.place)

    assert flaws(check(scenario.link, place=heard.place)) == []
    assert tells(scenario, heard, "kunde-01") == [("person", "unsigned")]


# Silent -------------------------------------------------------------------------------------------


def tell_daily(scenario: Scenario, *, days: int) -> None:
    """A webhook tells something every day, up to now."""
    now = scenario.link.now()
    moments = [now - timedelta(days=day) for day in range(days)]
    told = [
        SubscriberEvent(
            kind=EventKind.PROFILE,
            key="kunde-01@kunde.example",
            former_key="",
            provider_ref="",
            campaign_id="",
            reason="",
            actor="person",
            happened_at=moment.replace(microsecond=0),
            received_at=moment,
            source="webhook",
            believed=True,
            line_id="",
        )
        for moment in moments
    ]
    events.store(scenario.link.warehouse, events=told, read=(), now=now)


def test_a_silence_longer_than_the_rhythm_is_told_and_ends_with_new_webhooks(
    watched: Scenario, heard: Listening
) -> None:
    before = {hook["id"] for hook in webhooks(watched)}
    tell_daily(watched, days=20)
    watched.pass_time(by=timedelta(days=3))

    seen = check(watched.link, place=heard.place)
    repair(watched.link, place=heard.place)

    assert flaws(seen) == [(Flaw.SILENT, "")]
    assert before.isdisjoint({hook["id"] for hook in webhooks(watched)})
    assert tells(watched, heard, "kunde-01") == [("person", "valid")]


def test_a_silence_is_told_once_and_not_with_every_look(
    watched: Scenario, heard: Listening
) -> None:
    tell_daily(watched, days=20)
    watched.pass_time(by=timedelta(days=3))
    repair(watched.link, place=heard.place)
    watched.pass_time(by=timedelta(hours=1))

    assert flaws(check(watched.link, place=heard.place)) == []


def test_an_opt_out_found_by_reading_alone_shows_that_webhooks_are_deaf(
    watched: Scenario, heard: Listening
) -> None:
    watched.control.fault("mailchimp", kind="drop_webhook", match="WEBHOOK", rate=1.0)
    watched.pass_time()
    watched.person("unsubscribe", "kunde-01")
    read_members(watched.link, mode="incremental")
    watched.pass_time(by=timedelta(hours=3))

    seen = check(watched.link, place=heard.place)
    watched.control.clear_faults()
    repair(watched.link, place=heard.place)

    assert flaws(seen) == [(Flaw.UNHEARD, "")]
    assert flaws(check(watched.link, place=heard.place)) == []
    assert tells(watched, heard, "kunde-02") == [("person", "valid")]


def test_an_opt_out_whose_notice_may_still_come_is_no_sign(
    watched: Scenario, heard: Listening
) -> None:
    watched.pass_time()
    watched.person("unsubscribe", "kunde-01")
    read_members(watched.link, mode="incremental")
    watched.pass_time(by=timedelta(minutes=30))

    assert flaws(check(watched.link, place=heard.place)) == []


def test_opt_outs_from_before_the_webhooks_are_no_sign(
    scenario: Scenario, heard: Listening
) -> None:
    scenario.person("unsubscribe", "kunde-01")
    read_members(scenario.link, mode="incremental")
    scenario.pass_time(by=timedelta(hours=3))
    repair(scenario.link, place=heard.place)

    assert flaws(check(scenario.link, place=heard.place)) == []


# The receiver and the audience --------------------------------------------------------------------


def test_a_receiver_that_mailchimp_cannot_reach_needs_a_person(
    scenario: Scenario, heard: Listening
) -> None:
    heard.is_deaf = True

    with pytest.raises(OperatorNeeded, match="public_url") as refused:
        repair(scenario.link, place=heard.place)

    assert "/hooks/" not in str(refused.value)


@pytest.mark.parametrize("flaw", [Flaw.SILENT, Flaw.KEY_UNKNOWN])
def test_no_webhook_is_given_up_while_the_receiver_is_down(
    watched: Scenario, heard: Listening, flaw: Flaw
) -> None:
    before = webhooks(watched)
    if flaw is Flaw.SILENT:
        tell_daily(watched, days=20)
        watched.pass_time(by=timedelta(days=3))
    else:
        SigningKeys(heard.folder).path.write_text("[{", encoding="utf-8")
    heard.is_deaf = True

    with pytest.raises(OperatorNeeded, match="public_url") as refused:
        repair(watched.link, place=heard.place)

    assert flaw in {found for found, _ in flaws(check(watched.link, place=heard.place))}
    assert webhooks(watched) == before
    assert "/hooks/" not in str(refused.value)


def recreate_audience(scenario: Scenario) -> None:
    """Staff deletes the audience and makes another one of its name."""
    scenario.control.act("mailchimp", actor="staff", action="delete_audience")
    create_audience(scenario)


def create_audience(scenario: Scenario) -> None:
    """Staff makes another audience of the name."""
    http = httpx.Client(
        base_url=scenario.control.mailchimp_url,
        auth=("any", credentials.MAILCHIMP_API_KEY),
        trust_env=False,
    )
    with http:
        http.post("/lists", json=AUDIENCE).raise_for_status()


@pytest.mark.parametrize(
    ("happens", "code"),
    [(recreate_audience, "audience_gone"), (create_audience, "audience_doubled")],
    ids=["created anew", "doubled"],
)
def test_an_audience_that_is_another_one_now_stops_watch_and_sync_and_writes_nothing(
    watched: Scenario, heard: Listening, happens: Any, code: str
) -> None:
    happens(watched)
    watched.control.forget_calls()

    for act in (
        lambda: check(watched.link, place=heard.place),
        lambda: repair(watched.link, place=heard.place),
        watched.sync,
    ):
        with pytest.raises(OperatorNeeded) as stopped:
            act()
        assert stopped.value.code == code

    assert watched.writes() == {}
