"""The tables behind the assets: their columns and where each column comes from, for the catalog.

Belongs here: column schemas and lineage as Dagster shows them, derived from the schemas that
validate the data. Must not be here: any row.
"""

from __future__ import annotations

from collections.abc import Sequence

import dagster as dg
import pandera.pandas as pa

from nl_pipeline.domain.fields import ProfileField
from nl_pipeline.domain.schemas import (
    EVENTS_SCHEMA,
    PLAN_SCHEMA,
    contacts_schema,
    members_schema,
)

CONTACTS, MEMBERS, PLAN, EVENTS = (
    dg.AssetKey(name)
    for name in ("crm_contacts", "audience_members", "sync_plan", "subscriber_events")
)

_IN_WORDS = {
    "crm_id": "Address id of the CRM",
    "key": "Normal form of the address: what a person is known by at a provider",
    "email": "Address as written on this side",
    "newsletter": "Newsletter state of the CRM",
    "eligibility": "Whether the contact may be written to, and why not",
    "tags": "Newsletter tags",
    "changed_at": "Last change on this side (UTC)",
    "observed_at": "When this row was read (UTC)",
    "member_id": "Id the provider's member endpoints take",
    "provider_id": "Id of the member that survives address changes",
    "state": "Provider state",
    "status": "The provider's own word for the state",
    "unsubscribed_by": "Who unsubscribed: person or staff",
    "owned": "Whether the member carries our ownership tag",
    "seq": "Order of sending",
    "side": "crm or provider",
    "action": "What is done",
    "record_id": "Record that is changed; empty for a creation",
    "rule_id": "Rule that decided",
    "code": "Reason code",
    "kind": "What happened",
    "former_key": "Normal form of the address before an address change",
    "provider_ref": "The provider's id of the address",
    "campaign_id": "Campaign it happened with, if any",
    "reason": "Reason in the provider's word",
    "actor": "Who did it: person or staff; empty if nobody knows",
    "happened_at": "When it happened (UTC)",
    "received_at": "When we were told (UTC)",
    "source": "Who told it: webhook or history",
    "believed": "False if the signature was wrong: a reason to look, never to believe",
    "line_id": "Line of the webhook log",
}


def contacts_table(fields: Sequence[ProfileField]) -> dg.TableSchema:
    """Columns of the contacts as last read."""
    return _schema(contacts_schema(fields), fields=fields)


def members_table(fields: Sequence[ProfileField]) -> dg.TableSchema:
    """Columns of the audience as last read."""
    return _schema(members_schema(fields), fields=fields)


def plan_table() -> dg.TableSchema:
    """Columns of a plan's changes, without the values before and after."""
    return _schema(PLAN_SCHEMA, fields=())


def events_table() -> dg.TableSchema:
    """Columns of the events."""
    return _schema(EVENTS_SCHEMA, fields=())


def plan_lineage() -> dg.TableColumnLineage:
    """Which observed columns each column of the plan is decided from."""
    return dg.TableColumnLineage(
        {
            "key": [_column(CONTACTS, "key"), _column(MEMBERS, "key")],
            "record_id": [_column(CONTACTS, "crm_id"), _column(MEMBERS, "member_id")],
            "side": _decided_from(),
            "action": _decided_from(),
            "rule_id": _decided_from(),
            "code": _decided_from(),
        }
    )


def _decided_from() -> list[dg.TableColumnDep]:
    return [
        _column(CONTACTS, "newsletter"),
        _column(CONTACTS, "eligibility"),
        _column(CONTACTS, "tags"),
        _column(MEMBERS, "state"),
        _column(MEMBERS, "tags"),
    ]


def _column(asset: dg.AssetKey, name: str) -> dg.TableColumnDep:
    return dg.TableColumnDep(asset_key=asset, column_name=name)


def _schema(schema: pa.DataFrameSchema, *, fields: Sequence[ProfileField]) -> dg.TableSchema:
    profile = {field.column: f"Profile field {field.name}" for field in fields}
    return dg.TableSchema(
        columns=[
            dg.TableColumn(
                name=str(name),
                type=_type_in_words(str(column.dtype)),
                description=_IN_WORDS.get(str(name)) or profile.get(str(name)),
                constraints=dg.TableColumnConstraints(
                    nullable=bool(column.nullable), unique=bool(column.unique)
                ),
            )
            for name, column in schema.columns.items()
        ]
    )


def _type_in_words(dtype: str) -> str:
    if dtype.startswith("datetime"):
        return "timestamp (UTC)"
    return {"int64": "integer", "bool": "boolean", "object": "list of text"}.get(dtype, "text")
