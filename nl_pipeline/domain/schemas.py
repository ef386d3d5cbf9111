"""Schemas of the tables that cross a boundary: pages as they arrive, and the plan.

Belongs here: pandera schemas and the one function that validates without telling values.
Must not be here: repairs of bad rows; whoever reads a page drops and counts them (``sync``).
"""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd
import pandera.pandas as pa
from pandera.errors import SchemaError, SchemaErrors

from nl_pipeline.domain.events import EventKind
from nl_pipeline.domain.fields import ProfileField
from nl_pipeline.domain.states import Eligibility, Newsletter, ProviderState

_SEEN_IN_CRM = [str(n) for n in Newsletter if not n.startswith("MISSING")]
#: ABSENT: seen, and not on the list.
_SEEN_AT_PROVIDER = [str(p) for p in ProviderState if p != "GONE"]


class TableInvalid(Exception):
    """A table broke its schema. The text names columns and checks, never values."""


def _text(*, nullable: bool = False, checks: list[pa.Check] | None = None) -> pa.Column:
    return pa.Column("str", nullable=nullable, checks=checks)


def _holds_an_at(column: pd.Series[str]) -> pd.Series[bool]:
    # Half of the time of a validation went into a regular expression for this one character.
    return pd.Series(["@" in text for text in column.to_numpy()], index=column.index, dtype="bool")


_ADDRESS = pa.Check(_holds_an_at, name="holds an @")


def _profile(fields: Sequence[ProfileField]) -> dict[str, pa.Column]:
    return {field.column: _text() for field in fields}


def contacts_schema(fields: Sequence[ProfileField]) -> pa.DataFrameSchema:
    """A page of CRM contacts."""
    return pa.DataFrameSchema(
        {
            "crm_id": pa.Column("int64", checks=[pa.Check.gt(0)]),
            "key": _text(nullable=True, checks=[_ADDRESS]),
            "email": _text(),
            "newsletter": _text(checks=[pa.Check.isin(_SEEN_IN_CRM)]),
            "eligibility": _text(checks=[pa.Check.isin([str(e) for e in Eligibility])]),
            "tags": pa.Column(object),
            "changed_at": pa.Column("datetime64[us]", nullable=True),
            "observed_at": pa.Column("datetime64[us]"),
            **_profile(fields),
        },
        strict=True,
    )


def members_schema(fields: Sequence[ProfileField]) -> pa.DataFrameSchema:
    """A page of audience members."""
    return pa.DataFrameSchema(
        {
            "key": _text(checks=[_ADDRESS]),
            "member_id": _text(checks=[pa.Check.ne("")]),
            "provider_id": _text(),
            "email": _text(),
            "state": _text(checks=[pa.Check.isin(_SEEN_AT_PROVIDER)]),
            "status": _text(),
            "unsubscribed_by": _text(nullable=True, checks=[pa.Check.isin(["person", "staff"])]),
            "owned": pa.Column("bool"),
            "tags": pa.Column(object),
            "changed_at": pa.Column("datetime64[us]", nullable=True),
            "observed_at": pa.Column("datetime64[us]"),
            **_profile(fields),
        },
        strict=True,
    )


CHANGE_ACTIONS = {
    "crm": ["set_newsletter", "create_contact", "update_contact", "set_tags", "change_email"],
    "provider": [
        "subscribe",
        "resubscribe",
        "unsubscribe",
        "archive",
        "confirm",
        "update_member",
        "change_address",
        "tag_member",
    ],
}

PLAN_SCHEMA = pa.DataFrameSchema(
    {
        "seq": pa.Column("int64", unique=True),
        "key": _text(checks=[_ADDRESS]),
        "side": _text(checks=[pa.Check.isin(list(CHANGE_ACTIONS))]),
        "action": _text(checks=[pa.Check.isin([a for v in CHANGE_ACTIONS.values() for a in v])]),
        "record_id": _text(),
        "rule_id": _text(checks=[pa.Check.str_matches(r"^[SEPT]\d\d$")]),
        "code": _text(checks=[pa.Check.str_length(min_value=1)]),
    },
    checks=[
        pa.Check(
            lambda plan: (
                (plan["record_id"] != "")
                | plan["action"].isin(["subscribe", "create_contact", "tag_member"])
            ),
            name="every change of an existing record names it",
        )
    ],
)

_EVENT_KINDS = [str(kind) for kind in EventKind]

EVENTS_SCHEMA = pa.DataFrameSchema(
    {
        "kind": _text(checks=[pa.Check.isin(_EVENT_KINDS)]),
        "key": _text(),
        "former_key": _text(),
        "provider_ref": _text(),
        "campaign_id": _text(),
        "reason": _text(),
        "actor": _text(checks=[pa.Check.isin(["person", "staff", ""])]),
        "source": _text(checks=[pa.Check.isin(["webhook", "history"])]),
        "line_id": _text(),
        "link": _text(),
        "happened_at": pa.Column("datetime64[us]"),
        "received_at": pa.Column("datetime64[us]"),
        "believed": pa.Column("bool"),
    },
    checks=[
        pa.Check(
            lambda events: (
                _holds_an_at(events["key"])
                | ((events["kind"] == "CAMPAIGN") & (events["key"] == ""))
            ),
            name="every event but a campaign names an address",
        ),
        pa.Check(
            lambda events: (events["kind"] != "ADDRESS") | _holds_an_at(events["former_key"]),
            name="a change of address names the former one",
        ),
    ],
    strict=True,
)
"""Events as they arrive, from webhooks and from the provider's reports alike."""


def rows_that_break(frame: pd.DataFrame, *, schema: pa.DataFrameSchema) -> set[int]:
    """Positions of the rows that do not satisfy ``schema``; empty if all do.

    For tables whose rows stand each for itself. Raises TableInvalid when it is not about single
    rows, a column that is missing for example.
    """
    try:
        schema.validate(frame, lazy=True)
    except SchemaErrors as errors:
        rows = errors.failure_cases["index"]
        if rows.isna().any():
            validate(frame, schema=schema, name="events")
        return {int(row) for row in rows}
    return set()


def validate(frame: pd.DataFrame, *, schema: pa.DataFrameSchema, name: str) -> pd.DataFrame:
    """Return ``frame`` if it satisfies ``schema``; TableInvalid without any value otherwise.

    Pandera's own text quotes the offending values, which are addresses here.
    """
    try:
        return schema.validate(frame, lazy=True)
    except SchemaErrors as errors:
        cases = errors.failure_cases
        # A column too many or too few stands where a value would: its name may be told.
        columns = cases["check"].isin(["column_in_schema", "column_in_dataframe"])
        cases.loc[columns, "column"] = cases.loc[columns, "failure_case"]
        counts = cases.groupby(["column", "check"], dropna=False).size()
        told = "; ".join(
            f"{column}: {check} ({count} rows)" for (column, check), count in counts.items()
        )
    except SchemaError as error:
        told = f"{error.schema.name}: {error.check}"
    raise TableInvalid(
        f"table {name} breaks its schema: {told}. Nothing of it was stored; report this as a bug"
        " with the connection's name"
    )
