"""Batches: states over time, execution, the archive of results, the notice at the end."""

from __future__ import annotations

import io
import json
import tarfile
from typing import Any

import httpx
import pytest

from nl_pipeline_tests.sandbox.mailchimp.caller import (
    ANNA,
    MailchimpCaller,
    bring_into_state,
    subscriber_hash,
)
from nl_pipeline_tests.sandbox.mailchimp.receiver import Receiver
from nl_pipeline_tests.sandbox_control import SandboxControl

SECONDS = 100


@pytest.fixture(autouse=True)
def _batches_wait_for_the_clock(sandbox: SandboxControl) -> None:
    sandbox.switch("mailchimp", name="batch_seconds", value=SECONDS)


def put_operation(mailchimp: MailchimpCaller, address: str, **body: Any) -> dict[str, Any]:
    return {
        "method": "PUT",
        "path": f"/lists/{mailchimp.list_id}/members/{subscriber_hash(address)}",
        "operation_id": f"op {address}",
        "body": json.dumps({"email_address": address, **body}),
    }


def submit(mailchimp: MailchimpCaller, *operations: dict[str, Any]) -> str:
    return str(mailchimp.do("POST", "/batches", {"operations": list(operations)})["id"])


def run(
    mailchimp: MailchimpCaller, sandbox: SandboxControl, *operations: dict[str, Any]
) -> dict[str, Any]:
    batch_id = submit(mailchimp, *operations)
    sandbox.advance(seconds=SECONDS)
    return mailchimp.get(f"/batches/{batch_id}")


def archive_of(batch: dict[str, Any]) -> tarfile.TarFile:
    content = (
        httpx.get(batch["response_body_url"], trust_env=False, verify=False)
        .raise_for_status()
        .content
    )
    return tarfile.open(fileobj=io.BytesIO(content), mode="r|gz")


def results_of(batch: dict[str, Any]) -> dict[str, dict[str, Any]]:
    results: dict[str, dict[str, Any]] = {}
    with archive_of(batch) as archive:
        for entry in archive:
            file = archive.extractfile(entry)
            for result in json.loads((file.read() if file else b"") or b"[]"):
                results[result["operation_id"]] = result
    return results


def test_a_batch_passes_through_its_states(
    mailchimp: MailchimpCaller, sandbox: SandboxControl
) -> None:
    batch_id = submit(mailchimp, put_operation(mailchimp, ANNA, status_if_new="subscribed"))
    seen = []
    for step in (0.3, 0.3, 0.3, 0.3):
        seen.append(mailchimp.get(f"/batches/{batch_id}")["status"])
        sandbox.advance(seconds=SECONDS * step)
    seen.append(mailchimp.get(f"/batches/{batch_id}")["status"])
    assert seen == ["pending", "preprocessing", "started", "finalizing", "finished"]


def test_nothing_is_done_before_the_batch_ran(
    mailchimp: MailchimpCaller, sandbox: SandboxControl
) -> None:
    submit(mailchimp, put_operation(mailchimp, ANNA, status_if_new="subscribed"))
    assert mailchimp.addresses() == []
    sandbox.advance(seconds=SECONDS)
    assert mailchimp.addresses() == [ANNA]


def test_each_operation_has_its_result(mailchimp: MailchimpCaller, sandbox: SandboxControl) -> None:
    batch = run(
        mailchimp,
        sandbox,
        *(
            put_operation(mailchimp, f"k{number}@kunde.example", status_if_new="subscribed")
            for number in range(3)
        ),
    )
    results = results_of(batch)
    assert {name: result["status_code"] for name, result in results.items()} == {
        f"op k{number}@kunde.example": 200 for number in range(3)
    }


def test_finished_does_not_mean_successful(
    mailchimp: MailchimpCaller, sandbox: SandboxControl
) -> None:
    bring_into_state("unsubscribed by contact", mailchimp=mailchimp, sandbox=sandbox)
    batch = run(mailchimp, sandbox, put_operation(mailchimp, ANNA, status="subscribed"))
    assert (batch["status"], batch["finished_operations"], batch["errored_operations"]) == (
        "finished",
        1,
        1,
    )
    (result,) = results_of(batch).values()
    assert json.loads(result["response"])["title"] == "Member In Compliance State"


def test_the_archive_begins_with_a_directory_and_holds_an_empty_file(
    mailchimp: MailchimpCaller, sandbox: SandboxControl
) -> None:
    batch = run(mailchimp, sandbox, put_operation(mailchimp, ANNA, status_if_new="subscribed"))
    with archive_of(batch) as archive:
        entries = list(archive)
    assert entries[0].isdir()
    assert [entry.size == 0 for entry in entries[1:]] == [False, True]


def test_a_link_to_the_results_lives_ten_minutes_and_a_new_one_is_free(
    mailchimp: MailchimpCaller, sandbox: SandboxControl
) -> None:
    batch = run(mailchimp, sandbox, put_operation(mailchimp, ANNA, status_if_new="subscribed"))
    sandbox.advance(seconds=601)
    assert httpx.get(batch["response_body_url"], trust_env=False, verify=False).status_code == 400
    assert len(results_of(mailchimp.get(f"/batches/{batch['id']}"))) == 1


def test_a_batch_is_forgotten_after_seven_days(
    mailchimp: MailchimpCaller, sandbox: SandboxControl
) -> None:
    batch = run(mailchimp, sandbox, put_operation(mailchimp, ANNA, status_if_new="subscribed"))
    sandbox.advance(seconds=7 * 86_400)
    assert mailchimp.call("GET", f"/batches/{batch['id']}").status_code == 404


def test_a_get_without_count_pages_through_the_collection(
    mailchimp: MailchimpCaller, sandbox: SandboxControl
) -> None:
    members = [
        {"email_address": f"k{number}@kunde.example", "status": "subscribed"}
        for number in range(500)
    ]
    for part in ("a", "b", "c"):
        named = [
            member | {"email_address": part + str(member["email_address"])} for member in members
        ]
        mailchimp.do("POST", "", {"members": named})
    operation = {
        "method": "GET",
        "path": f"/lists/{mailchimp.list_id}/members",
        "params": {"fields": "members.id,total_items"},
    }
    assert run(mailchimp, sandbox, operation)["finished_operations"] == 2


def test_a_deleted_batch_does_nothing(mailchimp: MailchimpCaller, sandbox: SandboxControl) -> None:
    batch_id = submit(mailchimp, put_operation(mailchimp, ANNA, status_if_new="subscribed"))
    mailchimp.do("DELETE", f"/batches/{batch_id}")
    sandbox.advance(seconds=SECONDS)
    assert mailchimp.addresses() == []


def test_the_switch_loses_results_of_operations_that_ran(
    mailchimp: MailchimpCaller, sandbox: SandboxControl
) -> None:
    sandbox.switch("mailchimp", name="batch_lost_results", value=1)
    addresses = ["a@kunde.example", "b@kunde.example"]
    operations = [
        put_operation(mailchimp, address, status_if_new="subscribed") for address in addresses
    ]
    batch = run(mailchimp, sandbox, *operations)
    assert len(results_of(batch)) == 1
    assert sorted(mailchimp.addresses()) == addresses


def test_a_batch_webhook_tells_the_end(
    mailchimp: MailchimpCaller, sandbox: SandboxControl, receiver: Receiver
) -> None:
    mailchimp.do("POST", "/batch-webhooks", {"url": receiver.url, "enabled": True})
    batch = run(mailchimp, sandbox, put_operation(mailchimp, ANNA, status_if_new="subscribed"))
    fields = receiver.next().fields
    assert (fields["type"], fields["data[id]"]) == ("batch_operation_completed", batch["id"])
