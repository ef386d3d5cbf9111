"""The published rule table says what is called at Mailchimp for which action; here it is called.

The same for Brevo stands with what is Brevo's own.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from nl_pipeline.sync.providers.mailchimp.endpoints import CALLS
from nl_pipeline.sync.providers.mailchimp.writing import member_id_of
from nl_pipeline.warehouse.outcomes import Pending
from nl_pipeline_tests.scenario import Scenario, address
from nl_pipeline_tests.sync.pushing import change, push, subscription

MEMBER, ARCHIVED = address("member"), address("archived-member")
HERE = member_id_of(MEMBER)


def back() -> list[Pending]:
    item = subscription(ARCHIVED)
    archived = member_id_of(ARCHIVED)
    return [replace(item, change=replace(item.change, action="resubscribe", record_id=archived))]


EVERY_ACTION: dict[str, Callable[[], list[Pending]]] = {
    "subscribe": lambda: [
        subscription(address("new"), seq=1),
        change("tag_member", address("new"), after={"add": ["onoffice"], "remove": []}, seq=2),
    ],
    "resubscribe": back,
    "unsubscribe": lambda: [change("unsubscribe", MEMBER, record_id=HERE)],
    "archive": lambda: [change("archive", MEMBER, record_id=HERE)],
    "confirm": lambda: [
        change("confirm", address("left"), record_id=member_id_of(address("left")))
    ],
    "update_member": lambda: [
        change("update_member", MEMBER, record_id=HERE, after={"first_name": "Kim"})
    ],
    "change_address": lambda: [
        change("change_address", MEMBER, record_id=HERE, after={"email": address("elsewhere")})
    ],
    "tag_member": lambda: [
        change(
            "tag_member", MEMBER, record_id=HERE, after={"add": ["onoffice", "Kauf"], "remove": []}
        )
    ],
}


def test_the_published_page_names_every_action() -> None:
    assert CALLS.actions.keys() == EVERY_ACTION.keys()


@pytest.mark.parametrize("action", EVERY_ACTION)
def test_what_is_called_for_an_action_is_what_the_published_page_says(
    unsynced: Scenario, action: str
) -> None:
    audience = unsynced.link.audience
    before = audience.calls.copy()

    results = push(audience, unsynced.audience_id, EVERY_ACTION[action]())

    assert {r.result for r in results} == {"sent"}
    called = audience.calls - before
    # The segment behind our tag is looked up, or made, once by a connection.
    for of_the_segment in ("GET /lists/{list_id}/tag-search", "POST /lists/{list_id}/segments"):
        called.pop(of_the_segment, None)
    assert called.keys() == {call.endpoint for call in CALLS.actions[action]}
