"""What the Brevo twin tells of every change, and with which key's name."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import pytest

from nl_pipeline.sandbox.app import World
from nl_pipeline.sandbox.brevo.calls import ApiCall
from nl_pipeline.sandbox.brevo.imports import import_contacts
from nl_pipeline.sandbox.brevo.notices import Cause, NoticeKind
from nl_pipeline.sandbox.brevo.state import Contact
from nl_pipeline_tests.sandbox.brevo.caller import ANNA, BERT, BrevoCaller

OWN_KEY = "onoffice-connector"


@dataclass
class Recorder:
    """Keeps what it is told, and lets somebody wait for a call."""

    called: asyncio.Event = field(default_factory=asyncio.Event)
    told: list[tuple[str, str, tuple[int, ...], Any]] = field(default_factory=list)
    called_back: list[tuple[str, Any]] = field(default_factory=list)

    def tell(
        self,
        kind: NoticeKind,
        contact: Contact,
        *,
        by_key_name: str,
        at: int,
        cause: Cause,
        list_ids: tuple[int, ...] = (),
        content: Mapping[str, Any] | None = None,
        url: str = "",
    ) -> None:
        """Keep kind, key, lists and content."""
        self.told.append((kind, by_key_name, list_ids, content))

    def call_back(self, url: str, *, body: Mapping[str, Any]) -> None:
        """Keep the call."""
        self.called_back.append((url, body["status"]))
        self.called.set()


@pytest.fixture
def recorder(brevo: BrevoCaller, shared_world: World) -> Recorder:
    """Listens from after Anna was created on no list."""
    brevo.create(ANNA)
    recorder = Recorder()
    shared_world.brevo.account.notices = recorder
    return recorder


def test_a_program_is_named_by_its_key(brevo: BrevoCaller, recorder: Recorder) -> None:
    brevo.put(ANNA, attributes={"VORNAME": "Anna"}, listIds=[brevo.list_id])
    brevo.act("api", "update", ANNA, first_name="Anne", key_name="kasse")
    brevo.act("person", "update", ANNA, first_name="Anna")

    assert recorder.told == [
        ("contactUpdated", OWN_KEY, (), {"VORNAME": "Anna"}),
        ("listAddition", OWN_KEY, (brevo.list_id,), None),
        ("contactUpdated", "kasse", (), {"VORNAME": "Anne"}),
        ("contactUpdated", "", (), {"VORNAME": "Anna"}),
    ]


def test_nothing_is_told_of_a_write_that_changes_nothing(
    brevo: BrevoCaller, recorder: Recorder
) -> None:
    brevo.put(ANNA, attributes={"VORNAME": "Anna"}, listIds=[brevo.list_id])
    recorder.told.clear()

    brevo.put(ANNA, attributes={"VORNAME": "Anna"}, listIds=[brevo.list_id])

    assert recorder.told == []


@pytest.mark.parametrize(
    ("act", "kind"),
    [
        ({"actor": "person", "action": "unsubscribe"}, "unsubscribed"),
        ({"actor": "person", "action": "complain"}, "spam"),
        ({"actor": "system", "action": "bounce"}, "hardBounce"),
        ({"actor": "system", "action": "soft_bounce"}, "softBounce"),
        ({"actor": "staff", "action": "unsubscribe"}, "contactUpdated"),
        ({"actor": "staff", "action": "delete"}, "contactDeleted"),
        ({"actor": "staff", "action": "change_email", "new_email": BERT}, "contactUpdated"),
    ],
)
def test_each_act_is_told_by_its_kind(
    brevo: BrevoCaller, recorder: Recorder, act: dict[str, Any], kind: str
) -> None:
    brevo.act(email=ANNA, **act)

    assert [told[0] for told in recorder.told] == [kind]


def test_blocklisting_by_staff_may_fire_unsubscribed_as_well(
    brevo: BrevoCaller, recorder: Recorder
) -> None:
    brevo.switch("blocklist_change_tells_unsubscribed", True)

    brevo.act("staff", "unsubscribe", ANNA)

    assert [told[0] for told in recorder.told] == ["contactUpdated", "unsubscribed"]


def test_leaving_one_list_names_the_list(brevo: BrevoCaller, recorder: Recorder) -> None:
    brevo.act("person", "unsubscribe", ANNA, list_only=True)

    assert recorder.told == [("unsubscribed", "", (brevo.list_id,), None)]


def test_a_deleted_contact_is_told_with_its_lists(brevo: BrevoCaller, recorder: Recorder) -> None:
    brevo.put(ANNA, listIds=[brevo.list_id])
    recorder.told.clear()

    brevo.act("staff", "delete", ANNA)

    assert recorder.told == [("contactDeleted", "", (brevo.list_id,), None)]


def test_removal_from_a_list_is_told_to_nobody(brevo: BrevoCaller, recorder: Recorder) -> None:
    brevo.put(ANNA, listIds=[brevo.list_id])
    recorder.told.clear()

    brevo.act("staff", "remove_from_list", ANNA)

    assert recorder.told == []


def test_a_finished_import_calls_back(brevo: BrevoCaller, recorder: Recorder) -> None:
    brevo.load({"email": BERT}, notifyUrl="https://kunde.example/fertig")

    assert recorder.called_back == [("https://kunde.example/fertig", "completed")]
    assert ("listAddition", OWN_KEY, (brevo.list_id,), None) in recorder.told


def test_an_import_runs_until_it_is_done(
    brevo: BrevoCaller, recorder: Recorder, shared_world: World
) -> None:
    brevo.switch("import_seconds", 60)
    account = shared_world.brevo.account

    brevo.load({"email": BERT})
    assert account.import_is_running is True

    brevo.sandbox.advance(seconds=60)
    assert account.import_is_running is False


def test_an_import_ends_when_nobody_asks_for_it(brevo: BrevoCaller, shared_world: World) -> None:
    twin = shared_world.brevo
    body = (
        b'{"jsonBody":[{"email":"a@kunde.example"}],"listIds":[1],"notifyUrl":"https://a.example"}'
    )
    call = ApiCall("POST", "/contacts/import", {}, body, OWN_KEY, brevo.sandbox.base_url)

    async def wait_for_the_end() -> Recorder:
        recorder = Recorder()
        twin.account.notices = recorder
        twin.set_switch("import_seconds", 0.01)
        import_contacts(twin.account, call)
        twin.on_clock_advanced()
        assert recorder.called_back == []
        await asyncio.wait_for(recorder.called.wait(), timeout=10)
        return recorder

    assert asyncio.run(wait_for_the_end()).called_back == [("https://a.example", "completed")]
