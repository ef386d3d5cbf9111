"""What changes of members cost at Mailchimp in a form that keeps every status safe.

Belongs here: which changes can share a call, and which have to wait for others. Must not be here:
sending them (``writing``).

- Creations go 500 a call: with ``update_existing: false`` they meet no existing status. The same
  call with ``true`` would also change profiles 500 at a time, but it carries a status for everybody
  in it; and unsubscribe 500 at a time, but it creates whoever is gone by then, which brings an
  erased person back. So existing members are changed one by one, directly or in a batch.
- Tags are no part of a member's other fields and cannot be created with it (the field is not
  documented for that call), so each tagged member is an operation of its own; only the ownership
  tag, the same for all, goes 500 a call.
- Removals are a group of their own: a batch keeps no order, and nobody is to wait for them.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from nl_pipeline.domain.least_calls import ProviderWork
from nl_pipeline.sync.providers.port import OWNERSHIP_TAG
from nl_pipeline.warehouse.outcomes import Pending


def work_of(pending: Sequence[Pending]) -> ProviderWork:
    """What it takes to send these changes."""
    actions = Counter(p.change.action for p in pending)
    profiles = {
        p.change.record_id
        for p in pending
        if p.change.action in ("update_member", "change_address")
    }
    tagged = [p for p in pending if p.change.action == "tag_member"]
    return ProviderWork(
        single=(
            actions["unsubscribe"] + actions["archive"],
            actions["resubscribe"]
            + actions["confirm"]
            + len(profiles)
            + sum(not has_own_tag_only(p) for p in tagged),
        ),
        bulk=(actions["subscribe"], sum(OWNERSHIP_TAG in p.change.after["add"] for p in tagged)),
    )


def has_own_tag_only(pending: Pending) -> bool:
    """Whether a change of tags does nothing but mark the member as ours."""
    after = pending.change.after
    return set(after["add"]) <= {OWNERSHIP_TAG} and not after["remove"]
