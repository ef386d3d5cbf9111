"""What the assets of the lead import tell about their work: forms, lights, numbers.

Belongs here: turning results of ``sync.leads`` into Dagster metadata, and the file they link to.
Must not be here: whom a lead is about, and what anybody answered.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

import dagster as dg

from nl_pipeline.clients.errors import ApiError
from nl_pipeline.orchestration.event_metadata import activities_metadata
from nl_pipeline.orchestration.metadata import Metadata, table_metadata
from nl_pipeline.sync.leads.audiences import AudienceResult
from nl_pipeline.sync.leads.forms import Discovered
from nl_pipeline.sync.leads.importing import ImportResult
from nl_pipeline.sync.leads.manual import ManualPlan
from nl_pipeline.sync.leads.pull import PullResult
from nl_pipeline.sync.leads.push import PushResult
from nl_pipeline.sync.leads.status import FormStatus
from nl_pipeline.sync.leads.subscriptions import Subscribed

#: Of a connection without leads.
NONE: Metadata = {"leads": dg.TextMetadataValue("none: the connection has no leads.linkedin")}


def notices(told: PushResult, *, written: int) -> Metadata:
    """What the notices came to."""
    return {
        **_told(told),
        **_imported([told.imported]),
        **_stopped([told.stopped_by]),
        "busy": dg.BoolMetadataValue(told.busy),
        **activities_metadata(written),
    }


def forms(found: Discovered, *, subscribed: Subscribed | None, warnings: Sequence[str]) -> Metadata:
    """What forms there are, and what was done about the subscriptions."""
    metadata: Metadata = {
        "dagster/row_count": dg.IntMetadataValue(len(found.form_ids)),
        "forms_new": dg.IntMetadataValue(len(found.new)),
        "forms_unreadable": dg.IntMetadataValue(found.unreadable),
        "owners_not_read": dg.IntMetadataValue(len(found.failed)),
        "token_warnings": dg.MarkdownMetadataValue(_listed(warnings)),
    }
    if subscribed is None:
        return metadata | {"subscriptions": dg.TextMetadataValue("none: no public address is set")}
    return metadata | {
        "subscriptions_kept": dg.IntMetadataValue(subscribed.kept),
        "subscriptions": dg.MarkdownMetadataValue(
            _listed([*subscribed.notes, *subscribed.problems])
        ),
    }


def submissions(told: PushResult, *, read: PullResult, late: PushResult) -> Metadata:
    """What was read, whoever told of it, and what came of it."""
    return {
        "dagster/row_count": dg.IntMetadataValue(sum(read.stored.values())),
        "forms_due": dg.IntMetadataValue(len(read.due)),
        "told_by_nobody_before": dg.IntMetadataValue(sum(read.stored.values())),
        **_told(told),
        **_imported([told.imported, read.imported, late.imported]),
        **_stopped([told.stopped_by, read.stopped_by, late.stopped_by]),
        "busy": dg.BoolMetadataValue(read.busy),
    }


def contacts(tagged: Sequence[AudienceResult], *, written: int) -> Metadata:
    """What was written at contacts beside their fields."""
    return {
        **activities_metadata(written),
        "audiences": table_metadata(
            [
                {
                    "audience": one.name,
                    "fitting": one.fitting,
                    "joined": one.joined,
                    "left": one.left,
                    "refused": one.refused,
                    "missing tag": one.missing_tag,
                }
                for one in tagged
            ],
            columns={
                "audience": "string",
                "fitting": "int",
                "joined": "int",
                "left": "int",
                "refused": "int",
                "missing tag": "string",
            },
        ),
    }


def form_status(found: Sequence[FormStatus], *, deaf: str, error_log: Path) -> Metadata:
    """The lights, and where the error log lies."""
    rows: list[dict[str, str | int]] = [
        {
            # As text: some have 19 digits, which a browser does not keep.
            "form": str(one.form.id),
            "name": one.form.name,
            "light": f"{one.light.colour} {one.light.colour.shape}",
            "why": one.light.text,
            "imported": one.imported,
            "updated": one.updated,
            "errors": one.errors,
            "open errors": one.open_errors,
            "last push": _time(one.last_push_at),
            "last pull": _time(one.last_pull_at),
            "next pull": _time(one.next_pull_at),
        }
        for one in found
    ]
    numbers = ("imported", "updated", "errors", "open errors")
    columns = ("form", "name", "light", "why", *numbers, "last push", "last pull", "next pull")
    return {
        "forms": table_metadata(
            rows, columns={name: "int" if name in numbers else "string" for name in columns}
        ),
        "imported": dg.IntMetadataValue(sum(one.imported for one in found)),
        "updated": dg.IntMetadataValue(sum(one.updated for one in found)),
        "errors": dg.IntMetadataValue(sum(one.errors for one in found)),
        "error_log": dg.PathMetadataValue(str(error_log)),
        "notices": dg.TextMetadataValue(deaf or "LinkedIn asks our webhook as it should"),
    }


def manual_plan(planned: ManualPlan) -> Metadata:
    """What an import that a person started would do."""
    return {
        "form": dg.TextMetadataValue(str(planned.form_id)),
        "effect": dg.TextMetadataValue(planned.mode.effect),
        "would_create": dg.IntMetadataValue(planned.creates),
        "would_update": dg.IntMetadataValue(planned.updates),
        "imported_before": dg.IntMetadataValue(planned.again),
        "conflicts": dg.IntMetadataValue(planned.conflicts),
        "unusable": dg.IntMetadataValue(planned.unusable),
    }


def manual_result(result: ImportResult) -> Metadata:
    """What it did."""
    return {**_imported([result]), **_stopped([result.stopped_by])}


def write_error_log(path: Path, *, text: str) -> None:
    """Put the error log in the place of the one before, readable for its owner only."""
    new = path.with_suffix(".new")
    descriptor = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    # With a byte order mark: without it spreadsheets read umlauts wrongly.
    with os.fdopen(descriptor, "w", encoding="utf-8-sig", newline="") as file:
        file.write(text)
    new.replace(path)


def _told(told: PushResult) -> Metadata:
    return {
        "notices": dg.IntMetadataValue(told.notices),
        "notices_not_believed": dg.IntMetadataValue(told.not_believed),
        "notices_unusable": dg.IntMetadataValue(sum(number for _, number in told.poison)),
        "notices_waiting": dg.IntMetadataValue(told.waiting),
        "leads_deleted": dg.IntMetadataValue(len(told.deleted)),
    }


def _imported(results: Sequence[ImportResult | None]) -> Metadata:
    done = [result for result in results if result is not None]
    return {
        "contacts_created": dg.IntMetadataValue(sum(one.created for one in done)),
        "contacts_updated": dg.IntMetadataValue(sum(one.updated for one in done)),
        "new_errors": dg.IntMetadataValue(sum(one.errors for one in done)),
        "newsletter_consents": dg.IntMetadataValue(sum(one.consents for one in done)),
    }


def _stopped(errors: Sequence[ApiError | None]) -> Metadata:
    told = [str(error) for error in errors if error is not None]
    return {"stopped_by": dg.MarkdownMetadataValue(_listed(told))} if told else {}


def _listed(lines: Sequence[str]) -> str:
    return "\n".join(f"- {line}" for line in lines) or "- nothing"


def _time(moment: object) -> str:
    return "" if moment is None else f"{moment:%Y-%m-%d %H:%M} UTC"
