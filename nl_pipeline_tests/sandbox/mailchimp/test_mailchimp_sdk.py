"""A second opinion on the twin: Mailchimp's own client library works against it."""

from __future__ import annotations

from typing import Any

import pytest

from nl_pipeline.sandbox.credentials import MAILCHIMP_API_KEY
from nl_pipeline_tests.sandbox.mailchimp.caller import (
    ANNA,
    AUDIENCE,
    MailchimpCaller,
    subscriber_hash,
)

mailchimp_marketing = pytest.importorskip("mailchimp_marketing")


@pytest.fixture
def sdk(sandbox_url: str) -> Any:
    client = mailchimp_marketing.Client({"api_key": MAILCHIMP_API_KEY})
    # The library knows hosts of Mailchimp only; its parts share this one object.
    client.lists.api_client.host = f"{sandbox_url}/mailchimp/3.0"
    client.lists.api_client.server = ""
    return client


def test_the_library_creates_reads_and_archives_a_member(sdk: Any) -> None:
    list_id = sdk.lists.create_list(AUDIENCE)["id"]
    body = {"email_address": ANNA, "status_if_new": "subscribed"}
    created = sdk.lists.set_list_member(list_id, subscriber_hash(ANNA), body)
    assert created["status"] == "subscribed"
    found = sdk.lists.get_list_members_info(list_id, count=1000, fields=["members.id"])
    assert found == {"members": [{"id": created["id"]}]}
    sdk.lists.delete_list_member(list_id, subscriber_hash(ANNA))
    assert sdk.lists.get_list_member(list_id, subscriber_hash(ANNA))["status"] == "archived"


def test_the_library_raises_the_twins_errors(sdk: Any, mailchimp: MailchimpCaller) -> None:
    with pytest.raises(mailchimp_marketing.api_client.ApiClientError) as refused:
        sdk.lists.get_list_member(mailchimp.list_id, subscriber_hash(ANNA))
    assert refused.value.status_code == 404
