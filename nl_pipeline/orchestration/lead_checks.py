"""Asset checks of the lead import: are leads reached, are the forms well.

Belongs here: the checks' names, and the judgement of a result. Must not be here: finding it out. No
check of leads is blocking: nothing else waits for LinkedIn.
"""

from __future__ import annotations

from collections.abc import Sequence

import dagster as dg

from nl_pipeline.clients.errors import ApiError, Retryable
from nl_pipeline.domain.leads import Colour
from nl_pipeline.sync.leads.status import FormStatus

LEADS_REACHED = dg.AssetCheckSpec(
    "leads_reached",
    asset="lead_forms",
    description="Every owner of forms could be read and tells us of leads, and the consent of the"
    " member does not end soon. Warns 30, 21, 14, 7 and 1 days ahead.",
)
ALL_READ = dg.AssetCheckSpec(
    "everything_read_and_written",
    asset="lead_submissions",
    description="LinkedIn and the CRM did all that was asked for. Warns about what passes by"
    " itself; an error is what a person has to solve.",
)
FORMS_WELL = dg.AssetCheckSpec(
    "forms_well",
    asset="lead_form_status",
    description="No form is silent for longer than its own rhythm suggests, none is kept from being"
    " imported, and LinkedIn asks our webhook as often as it should.",
)


def judge_access(problems: Sequence[str], warnings: Sequence[str], /) -> dg.AssetCheckResult:
    """Whether leads can be read now, and for how long."""
    told = [*problems, *warnings]
    return dg.AssetCheckResult(
        asset_key="lead_forms",
        check_name=LEADS_REACHED.name,
        passed=not told,
        severity=dg.AssetCheckSeverity.ERROR if problems else dg.AssetCheckSeverity.WARN,
        description="; ".join(told) or "all owners are read",
    )


def judge_reading(stopped_by: Sequence[ApiError], /) -> dg.AssetCheckResult:
    """Whether anything was left undone."""
    needs_somebody = any(not isinstance(error, Retryable) for error in stopped_by)
    return dg.AssetCheckResult(
        asset_key="lead_submissions",
        check_name=ALL_READ.name,
        passed=not stopped_by,
        severity=dg.AssetCheckSeverity.ERROR if needs_somebody else dg.AssetCheckSeverity.WARN,
        description="; ".join(map(str, stopped_by)) or "nothing was left undone",
    )


def judge_forms(found: Sequence[FormStatus], deaf: str, /) -> dg.AssetCheckResult:
    """Whether a person should look at a form."""
    told = [
        f"form {one.form.id}: {one.light.text}"
        for one in found
        if one.light.colour is Colour.YELLOW
    ]
    told += [deaf] if deaf and any(one.light.colour is not Colour.GREY for one in found) else []
    return dg.AssetCheckResult(
        asset_key="lead_form_status",
        check_name=FORMS_WELL.name,
        passed=not told,
        severity=dg.AssetCheckSeverity.WARN,
        description="; ".join(told) or "all forms are well",
    )
