"""A change of address at Brevo, which lifts blocklistings: at the twin, and hand-made answers."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import httpx
import pytest

from nl_pipeline.clients.brevo import (
    Block,
    BrevoClient,
    ChangeAddress,
    Contact,
    ContactAbsent,
    ImportRow,
    OperationOutcome,
    RefusalCause,
    UpdateProfile,
)
from nl_pipeline.clients.brevo.writing import NOT_KEPT
from nl_pipeline.clients.errors import OperatorNeeded, OutcomeUnknown, Withheld
from nl_pipeline_tests.clients.answering import Answer, Server
from nl_pipeline_tests.clients.brevo_answering import (
    CANARY,
    LIST,
    account,
    client_of,
    contact,
    refused,
)
from nl_pipeline_tests.sandbox_control import SandboxControl

OLD = "erika.alt@kunde-1.example"
NEW = "erika.neu@kunde-1.example"


@dataclass(frozen=True)
class Setting:
    """A list with one contact on it, at the twin."""

    client: BrevoClient
    sandbox: SandboxControl
    list_id: int
    contact_id: int

    def block(self) -> None:
        assert self.client.run([Block(self.contact_id, "b")])[0].error is None

    def change(self, email: str = NEW) -> OperationOutcome:
        [outcome] = self.client.run([ChangeAddress(self.contact_id, "r", email, self.list_id)])
        return outcome

    def stored(self) -> Contact:
        found = self.client.contact(self.contact_id)
        assert found is not None
        return found.contact


def imported(client: BrevoClient, list_id: int, *emails: str) -> list[int]:
    outcome = client.import_contacts(list_id, [ImportRow(email) for email in emails])
    client.await_processes(outcome.process_ids)
    found = [client.contact_of(email) for email in emails]
    return [details.contact.id for details in found if details is not None]


@pytest.fixture
def setting(sandbox: SandboxControl, brevo: BrevoClient) -> Setting:
    list_id = brevo.create_list("onoffice", folder_id=brevo.folders()[0].id).id
    [contact_id] = imported(brevo, list_id, OLD)
    return Setting(brevo, sandbox, list_id, contact_id)


KEEPS = pytest.mark.parametrize("keeps", [False, True], ids=["flag is lost", "flag is kept"])


@KEEPS
def test_a_blocklisted_contact_stays_blocklisted_under_its_new_address(
    setting: Setting, keeps: bool
) -> None:
    setting.sandbox.switch("brevo", name="address_change_keeps_flag_sent", value=keeps)
    setting.block()

    outcome = setting.change()

    assert outcome.error is None
    stored = setting.stored()
    assert (stored.email, stored.email_blacklisted) == (NEW, True)


@KEEPS
def test_a_blocklisted_contact_is_off_the_list_before_its_blocklisting_could_be_lifted(
    setting: Setting, keeps: bool
) -> None:
    """The process may end right after the call that changed the address."""
    setting.sandbox.switch("brevo", name="address_change_keeps_flag_sent", value=keeps)
    setting.block()
    setting.sandbox.fault("brevo", kind="status", match="PUT", skip=1, times=50, status=401)

    outcome = setting.change()

    setting.sandbox.clear_faults()
    assert isinstance(outcome.error, OperatorNeeded)
    assert setting.stored().lists == frozenset()


def test_a_contact_that_did_not_opt_out_stays_as_it_is(setting: Setting) -> None:
    outcome = setting.change()

    assert outcome.error is None
    assert outcome.contact is not None
    stored = setting.stored()
    assert (stored.email, stored.email_blacklisted) == (NEW, False)
    assert stored.lists == {setting.list_id}


def test_an_address_another_contact_has_is_refused_and_nothing_changes(setting: Setting) -> None:
    imported(setting.client, setting.list_id, NEW)
    setting.block()

    outcome = setting.change()

    assert outcome.cause is RefusalCause.EXISTS
    stored = setting.stored()
    assert (stored.email, stored.email_blacklisted) == (OLD, True)


def test_an_address_that_is_none_is_refused(setting: Setting) -> None:
    assert setting.change("keine-adresse").cause is RefusalCause.INVALID_EMAIL


def test_an_address_the_contact_has_already_is_no_change(setting: Setting) -> None:
    setting.sandbox.forget_calls()

    assert setting.change(OLD.upper()).error is None
    assert [call.method for call in setting.sandbox.calls()] == ["GET"]


def test_a_contact_that_is_gone_is_absent(setting: Setting) -> None:
    [outcome] = setting.client.run([ChangeAddress(99_999, "r", NEW, setting.list_id)])

    assert isinstance(outcome.error, ContactAbsent)


@pytest.mark.parametrize("kind", ["timeout_after_apply", "timeout_before"])
def test_a_lost_answer_to_the_change_is_looked_into_and_the_opt_out_stands(
    setting: Setting, kind: str
) -> None:
    setting.block()
    setting.sandbox.fault("brevo", kind=kind, match="PUT", times=1, seconds=0)

    outcome = setting.change()

    changed = kind == "timeout_after_apply"
    assert setting.stored().email == (NEW if changed else OLD)
    assert setting.stored().email_blacklisted
    assert (outcome.error is None) == changed
    assert changed or isinstance(outcome.error, OutcomeUnknown)


@dataclass
class OneContact:
    """A contact that is written by PUT, with a Brevo that behaves as the test says."""

    shown: dict[str, Any] = field(default_factory=lambda: contact(emailBlacklisted=True))
    statistics: dict[str, Any] = field(default_factory=dict)
    puts: list[dict[str, Any]] = field(default_factory=list)
    on_put: Callable[[OneContact, dict[str, Any]], Answer | None] = lambda _, __: None

    def __call__(self, request: httpx.Request) -> Answer:
        if request.method != "PUT":
            return account(of=lambda: self.shown, statistics=self.statistics)(request)
        body = json.loads(request.content)
        self.puts.append(body)
        answer = self.on_put(self, body)
        if answer is not None:
            return answer
        if "EMAIL" in body.get("attributes", {}):
            self.shown["email"] = body["attributes"]["EMAIL"]
            self.shown["emailBlacklisted"] = False
        elif "emailBlacklisted" in body:
            self.shown["emailBlacklisted"] = True
        return httpx.Response(204)

    def change(self) -> OperationOutcome:
        client = client_of(Server([self]))
        [outcome] = client.run([ChangeAddress(4711, "r", NEW, LIST)])
        client.close()
        return outcome


@pytest.mark.parametrize(
    "mark",
    [
        {"emailBlacklisted": True},
        {"listUnsubscribed": [LIST]},
        {"listUnsubscribed": [99]},
        {"consentGroups": [{"id": 1, "status": "unsubscribed"}]},
    ],
    ids=str,
)
def test_the_call_that_changes_an_address_carries_the_opt_out(mark: dict[str, Any]) -> None:
    brevo = OneContact(contact(**mark))

    assert brevo.change().error is None
    assert brevo.puts[0] == {
        "attributes": {"EMAIL": NEW},
        "emailBlacklisted": True,
        "unlinkListIds": [LIST],
    }
    assert brevo.shown["emailBlacklisted"]


def test_an_opt_out_that_does_not_stand_at_once_is_asserted_again() -> None:
    def lost_twice(brevo: OneContact, body: dict[str, Any]) -> Answer | None:
        return httpx.Response(204) if len(brevo.puts) in (2, 3) else None

    brevo = OneContact(on_put=lost_twice)

    assert brevo.change().error is None
    assert brevo.shown["emailBlacklisted"]
    assert len(brevo.puts) == 4


def test_an_opt_out_that_never_stands_needs_the_operator_and_stops_further_addresses() -> None:
    def lost(brevo: OneContact, body: dict[str, Any]) -> Answer | None:
        if "attributes" in body:
            return None
        return httpx.Response(204)

    brevo = OneContact(on_put=lost)
    client = client_of(Server([brevo]), max_connections=1)

    first, second, block = client.run(
        [
            ChangeAddress(4711, "r1", NEW, LIST),
            ChangeAddress(4711, "r2", OLD, LIST),
            Block(4711, "r3"),
        ]
    )

    assert first.error is not None
    assert first.error.code == NOT_KEPT
    assert "4711" in str(first.error)
    assert NEW not in str(first.error)
    assert second.error is first.error
    assert block.error is None
    client.close()


def test_an_opt_out_that_came_between_reading_and_change_is_found_and_restored() -> None:
    """The change of the address lifted it: only the statistics still tell."""

    def leaves(brevo: OneContact, body: dict[str, Any]) -> Answer | None:
        if "EMAIL" in body.get("attributes", {}):
            brevo.statistics["unsubscriptions"] = {
                "userUnsubscription": [{"eventTime": "2026-03-01T12:00:00.000Z", "campaignId": 3}]
            }
        return None

    brevo = OneContact(contact(), on_put=leaves)

    assert brevo.change().error is None
    assert brevo.shown["emailBlacklisted"]


def test_an_opt_out_of_long_ago_blocks_nobody_who_came_back() -> None:
    brevo = OneContact(
        contact(),
        statistics={
            "unsubscriptions": {"userUnsubscription": [{"eventTime": "2026-01-01T12:00:00.000Z"}]}
        },
    )

    assert brevo.change().error is None
    assert not brevo.shown["emailBlacklisted"]


def test_looks_that_fail_after_the_change_do_not_keep_the_opt_out_from_being_asserted() -> None:
    brevo = OneContact()
    reads = iter([False] + [True] * 12)

    def unreachable(request: httpx.Request) -> Answer:
        if request.method == "GET" and next(reads, False):
            return httpx.Response(502, content=b"<html>bad gateway</html>")
        return brevo(request)

    client = client_of(Server([unreachable]))
    [outcome] = client.run([ChangeAddress(4711, "r", NEW, LIST)])

    assert brevo.shown["emailBlacklisted"]
    assert outcome.error is None
    client.close()


def test_a_contact_that_is_deleted_after_its_change_is_absent_and_no_alarm() -> None:
    def gone(brevo: OneContact, body: dict[str, Any]) -> Answer | None:
        if "attributes" in body:
            return None
        return refused(404, "document_not_found", "Contact does not exist")

    assert isinstance(OneContact(on_put=gone).change().error, ContactAbsent)


def test_a_change_that_is_withheld_is_not_sent() -> None:
    brevo = OneContact()
    client = client_of(Server([brevo]))

    [outcome] = client.run([ChangeAddress(4711, "r", NEW, LIST)], withheld=lambda operations: {"r"})

    assert isinstance(outcome.error, Withheld)
    assert brevo.puts == []
    client.close()


@pytest.mark.parametrize(
    ("answer", "cause"),
    [
        (
            refused(
                400,
                "invalid_parameter",
                f"Unable to update contact, {CANARY} is already associated with another Contact",
                metadata={"duplicate_identifiers": ["email"]},
            ),
            RefusalCause.EXISTS,
        ),
        (
            refused(
                400,
                "duplicate_parameter",
                "Unable to update contact, SMS is already associated with another Contact",
                metadata={"duplicate_identifiers": ["SMS"]},
            ),
            RefusalCause.DUPLICATE,
        ),
        (
            refused(
                400,
                "duplicate_parameter",
                "Unable to update contact, WHATSAPP is already associated with another Contact",
            ),
            RefusalCause.DUPLICATE,
        ),
        (refused(400, "duplicate_parameter", "Contact already exist"), RefusalCause.EXISTS),
        (refused(400, "invalid_parameter", "Invalid email address"), RefusalCause.INVALID_EMAIL),
        (refused(405, "method_not_allowed", "no"), RefusalCause.ACCOUNT_USER),
        (refused(400, "invalid_parameter", f"what is {CANARY}?"), RefusalCause.OTHER),
    ],
    ids=lambda value: str(value) if isinstance(value, RefusalCause) else "",
)
def test_a_refusal_has_a_cause_and_names_nobody(
    answer: httpx.Response, cause: RefusalCause
) -> None:
    client = client_of(Server([account(), answer]))
    client.attributes()

    [outcome] = client.run([UpdateProfile(4711, "r", {"VORNAME": "Erika"})])

    assert outcome.cause is cause
    assert CANARY not in str(outcome.error)
    assert "req-0a1b2c" in str(outcome.error)
    client.close()
