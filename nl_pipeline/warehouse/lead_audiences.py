"""Saved filters over submissions: who fits, and who carries the tag because we set it.

Belongs here: the two sets. Must not be here: writing tags.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

from nl_pipeline.domain.leads import Owner
from nl_pipeline.warehouse.connection import Warehouse
from nl_pipeline.warehouse.observations import naive


@dataclass(frozen=True)
class LeadFilter:
    """Which submissions count; None takes any."""

    form_id: int | None = None
    is_test: bool | None = None
    campaign_id: str | None = None
    owner: Owner | None = None


def fitting(warehouse: Warehouse, *, where: LeadFilter) -> set[int]:
    """The contacts that have an imported submission of this kind."""
    owner = where.owner
    with warehouse.session() as db:
        rows = db.execute(
            "SELECT DISTINCT crm_id FROM lead_submissions"
            " WHERE crm_id IS NOT NULL AND state <> 'erased'"
            " AND ($form IS NULL OR form_id = $form) AND ($test IS NULL OR is_test = $test)"
            " AND ($campaign IS NULL OR campaign_id = $campaign)"
            " AND ($kind IS NULL OR (owner_kind = $kind AND owner_id = $owner))",
            {
                "form": where.form_id,
                "test": where.is_test,
                "campaign": where.campaign_id,
                "kind": str(owner.kind) if owner else None,
                "owner": owner.id if owner else None,
            },
        ).fetchall()
    return {row[0] for row in rows}


def members(warehouse: Warehouse) -> dict[tuple[str, str], set[int]]:
    """Contacts that got the tag of an audience from us, by (audience, option key of the tag)."""
    found: dict[tuple[str, str], set[int]] = {}
    with warehouse.session() as db:
        rows = db.execute("SELECT audience, tag, crm_id FROM lead_audience_members").fetchall()
    for audience, tag, crm_id in rows:
        found.setdefault((audience, tag), set()).add(crm_id)
    return found


def note_members(
    warehouse: Warehouse,
    *,
    audience: str,
    tag: str,
    joined: Collection[int] = (),
    left: Collection[int] = (),
    now: datetime,
) -> None:
    """Note who got the tag from us and who lost it."""
    with warehouse.transaction() as db:
        db.execute(
            "DELETE FROM lead_audience_members WHERE audience = $audience AND tag = $tag"
            " AND crm_id IN (SELECT unnest($ids::BIGINT[]))",
            {"audience": audience, "tag": tag, "ids": [*joined, *left]},
        )
        db.execute(
            "INSERT INTO lead_audience_members"
            " SELECT $audience, $tag, unnest($ids::BIGINT[]), $now",
            {"audience": audience, "tag": tag, "ids": list(joined), "now": naive(now)},
        )
