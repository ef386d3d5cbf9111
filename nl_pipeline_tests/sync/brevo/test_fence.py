"""Whom the fence stops at Brevo: whatever may be an opt-out, until somebody has looked."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest

from nl_pipeline.sync.events.ingest import take_in
from nl_pipeline.sync.fence import Fence
from nl_pipeline.webhook_log.writing import LogWriter
from nl_pipeline_tests.scenario import YES, address
from nl_pipeline_tests.sync.brevo.hooked import Hooked

NAME = "kunde-01"
KEY = address(NAME)
OUR_KEY = "onoffice-connector"


def put(hooked: Hooked, document: Any, *, signature: str = "valid") -> None:
    """Store a request of Brevo's as the receiver does."""

    async def store() -> None:
        writer = LogWriter(hooked.heard.folder.parent, now=hooked.scenario.link.now)
        await writer.append(
            hooked.heard.connection,
            provider="brevo",
            origin="changes",
            signature=signature,
            headers={},
            body=document if isinstance(document, bytes) else json.dumps(document).encode(),
        )
        await writer.close()

    asyncio.run(store())


def stopped(hooked: Hooked) -> bool:
    return Fence(hooked.scenario.link).withdrawn({KEY, "other@kunde.example"}) == {KEY}


MAY_HAVE_LEFT = {
    "an unsubscribe": {"event": "unsubscribed", "email": KEY},
    "from another list": {"event": "unsubscribed", "email": KEY, "list_id": [99]},
    "a complaint": {"event": "spam", "email": KEY},
    "a bounce": {"event": "hard_bounce", "email": KEY},
    "a change": {"event": "contact_updated", "email": KEY, "content": [{}]},
    "a deletion": {"event": "contact_deleted", "email": KEY},
    "a word nobody knows": {"event": "news", "email": KEY},
    "one of a batch": [
        {"event": "opened", "email": "x@kunde.example"},
        {"event": "unsubscribed", "email": KEY},
    ],
}


@pytest.mark.parametrize("document", MAY_HAVE_LEFT.values(), ids=MAY_HAVE_LEFT.keys())
def test_whoever_may_have_left_is_stopped_until_somebody_has_looked(
    unhooked: Hooked, document: Any
) -> None:
    put(unhooked, document)

    unread = stopped(unhooked)
    take_in(unhooked.scenario.link)

    assert unread
    assert stopped(unhooked)


def test_what_is_not_understood_stops_every_address_in_it(unhooked: Hooked) -> None:
    put(unhooked, f'["{KEY}", 7'.encode())

    assert stopped(unhooked)


def test_a_part_that_is_not_understood_stops_the_addresses_of_its_batch(unhooked: Hooked) -> None:
    put(unhooked, [{"event": "opened"}, {"who": KEY}])

    assert stopped(unhooked)


@pytest.mark.parametrize(
    "document",
    [
        {"event": "contact_updated", "email": KEY, "api_key_name": OUR_KEY},
        {"event": "opened", "email": KEY},
        {"event": "list_addition", "email": KEY, "list_id": [99]},
    ],
    ids=lambda document: document["event"],
)
def test_what_no_opt_out_can_be_stops_nobody(unhooked: Hooked, document: Any) -> None:
    put(unhooked, document)

    assert not stopped(unhooked)


def test_a_change_is_looked_at_and_then_stops_nobody_any_more(unhooked: Hooked) -> None:
    put(unhooked, MAY_HAVE_LEFT["a change"])

    unhooked.ingest()

    assert not stopped(unhooked)


def test_somebody_who_left_a_moment_ago_is_not_imported(unhooked: Hooked) -> None:
    unhooked.scenario.add_contact("fresh", YES)
    put(unhooked, {"event": "contact_updated", "email": address("fresh")})

    unhooked.scenario.sync()

    assert unhooked.scenario.status("fresh") == "absent"
