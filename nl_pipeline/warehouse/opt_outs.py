"""Opt-outs on their way into the CRM: who is waiting, and what became of it.

Belongs here: whom an opt-out concerns by what is known here, and noting its end together with its
activities. Must not be here: calls.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime

import pandas as pd

from nl_pipeline.warehouse.connection import Warehouse
from nl_pipeline.warehouse.observations import naive
from nl_pipeline.warehouse.templates import run_template


@dataclass(frozen=True)
class WaitingOptOut:
    """An address that has opted out, told by one or more events.

    ``keys``: the address, and others the same member had or has. ``spellings``: how they are
    written somewhere. ``contacts``: ids that had one of them when the CRM was read last; ``main``:
    those whose main address it was. ``is_settled``: both sides agreed on it after it happened,
    so what the CRM says now was said later.
    """

    key: str = field(repr=False)
    keys: frozenset[str] = field(repr=False)
    spellings: tuple[str, ...] = field(repr=False)
    contacts: frozenset[int]
    main: frozenset[int]
    is_settled: bool
    event_keys: tuple[str, ...]
    happened_at: datetime
    received_at: datetime


_PENDING = """
CREATE OR REPLACE TEMP TABLE pending AS
SELECT key, list(event_key) AS event_keys, max(happened_at) AS happened_at,
    min(received_at) AS received_at
FROM subscriber_events
WHERE outcome = 'new' AND believed AND kind IN ('UNSUBSCRIBE', 'COMPLAINT')
GROUP BY key
"""

_STALE = """
UPDATE subscriber_events AS e SET outcome = 'stale', applied_at = $now::TIMESTAMP
FROM consents_in('pending_ledger') AS l
WHERE l.key = e.key AND l.ledger LIKE 'GRANT%'
  AND date_trunc('second', l.happened_at) > e.happened_at
  AND e.outcome = 'new' AND e.believed AND e.kind IN ('UNSUBSCRIBE', 'COMPLAINT')
"""

#: What we unsubscribed ourselves, for the CRM's sake, comes back in reports as an act of staff.
_OWN = """
UPDATE subscriber_events AS e SET outcome = 'echo', applied_at = $now::TIMESTAMP
WHERE e.outcome = 'new' AND e.believed AND e.kind = 'UNSUBSCRIBE' AND e.actor <> 'person'
  AND EXISTS (
    SELECT 1 FROM consent_ledger AS own
    JOIN changes AS u ON u.plan_id = own.plan_id AND u.key = own.key AND u.action = 'unsubscribe'
    WHERE own.key = e.key AND own.event = 'WITHDRAW'
      AND abs(epoch(own.happened_at) - epoch(e.happened_at)) <= $within
  )
"""

#: Everything the same member was or is called, by the provider's stable id and by what was told.
_ALIASES = """
CREATE OR REPLACE TEMP TABLE aliases AS
SELECT key, key AS alias FROM pending
UNION
SELECT p.key, b.key FROM pending AS p
JOIN members AS m ON m.key = p.key AND m.provider_id <> ''
JOIN base AS b ON b.provider_id = m.provider_id AND b.kind = 'pair'
UNION
SELECT p.key, m.key FROM pending AS p
JOIN base AS b ON b.key = p.key AND b.kind = 'pair' AND b.provider_id <> ''
JOIN members AS m ON m.provider_id = b.provider_id
UNION
SELECT p.key, e.former_key FROM pending AS p
JOIN subscriber_events AS e ON e.kind = 'ADDRESS' AND e.believed AND e.key = p.key
UNION
SELECT p.key, e.key FROM pending AS p
JOIN subscriber_events AS e ON e.kind = 'ADDRESS' AND e.believed AND e.former_key = p.key
"""

_WAITING = """
SELECT
    p.key,
    (SELECT list(DISTINCT a.alias) FROM aliases AS a WHERE a.key = p.key),
    (SELECT list(DISTINCT s.email) FROM aliases AS a
        JOIN (SELECT key, email FROM contacts UNION SELECT key, email FROM members) AS s
        ON s.key = a.alias WHERE a.key = p.key),
    (SELECT list(DISTINCT c.crm_id) FROM aliases AS a
        JOIN contact_addresses AS c ON c.key = a.alias WHERE a.key = p.key),
    (SELECT list(DISTINCT c.crm_id) FROM aliases AS a
        JOIN contact_addresses AS c ON c.key = a.alias AND c.is_main WHERE a.key = p.key),
    EXISTS (SELECT 1 FROM base AS b WHERE b.key = p.key AND b.kind = 'pair'
        AND b.provider_state IN ('UNSUB', 'COMPLAINT') AND b.confirmed_at >= p.happened_at),
    p.event_keys,
    p.happened_at,
    p.received_at
FROM pending AS p
ORDER BY p.received_at, p.key
"""


def waiting(warehouse: Warehouse, *, now: datetime) -> list[WaitingOptOut]:
    """Every opt-out that has not reached all contacts yet, the first that was told first.

    Those that a later consent has overtaken, and our own ones on their way back, are noted as such
    before.
    """
    with warehouse.transaction() as db:
        parameters = {"now": naive(now), "within": int(warehouse.same_within.total_seconds())}
        db.execute(_PENDING)
        db.execute(
            "CREATE OR REPLACE TEMP VIEW pending_ledger AS"
            " SELECT * FROM consent_ledger WHERE key IN (SELECT key FROM pending)"
        )
        db.execute(_STALE, {"now": parameters["now"]})
        db.execute(_OWN, parameters)
        db.execute(_PENDING)
        db.execute(_ALIASES)
        rows = db.execute(_WAITING).fetchall()
    return [
        WaitingOptOut(
            key=row[0],
            keys=frozenset(row[1]),
            spellings=tuple(row[2] or ()),
            contacts=frozenset(row[3] or ()),
            main=frozenset(row[4] or ()),
            is_settled=row[5],
            event_keys=tuple(row[6]),
            happened_at=row[7].replace(tzinfo=UTC),
            received_at=row[8].replace(tzinfo=UTC),
        )
        for row in rows
    ]


@dataclass(frozen=True)
class ReachedOptOut:
    """How far an opt-out came: the contacts that say so now, and whether others are left."""

    waiting: WaitingOptOut
    contacts: frozenset[int]
    is_done: bool


def note_reached(
    warehouse: Warehouse, *, reached: Sequence[ReachedOptOut], written_at: datetime, now: datetime
) -> None:
    """Plan an activity on every contact that was reached, and close what is done, in one
    transaction."""
    contacts = [
        (event_key, crm_id)
        for one in reached
        for event_key in one.waiting.event_keys
        for crm_id in sorted(one.contacts)
    ]
    done = [
        (event_key, "applied" if one.contacts else "unmatched")
        for one in reached
        if one.is_done
        for event_key in one.waiting.event_keys
    ]
    inherited = [
        (one.waiting.key, alias)
        for one in reached
        for alias in sorted(one.waiting.keys - {one.waiting.key})
    ]
    with warehouse.transaction() as db:
        db.register("contacts_reached", pd.DataFrame(contacts, columns=["event_key", "crm_id"]))
        db.register(
            "events_done", pd.DataFrame(done, columns=["event_key", "outcome"], dtype="str")
        )
        db.register("known_as", pd.DataFrame(inherited, columns=["key", "alias"], dtype="str"))
        run_template(
            db,
            "opt_outs.sql.j2",
            parameters={
                "now": naive(now),
                "written_at": naive(written_at),
                "within": int(warehouse.same_within.total_seconds()),
            },
        )
        for name in ("contacts_reached", "events_done", "known_as"):
            db.unregister(name)
