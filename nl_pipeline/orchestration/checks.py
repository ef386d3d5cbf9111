"""Asset checks: is what was read usable, may the plan be pushed, did the push work.

Belongs here: the checks' names, and the judgement of a result as passed, warned or stopped. Must
not be here: reading or planning; a check is a column of the asset it belongs to.

Those of a sync are blocking, so an ERROR ends the run before anything downstream; how bad a finding
is decides whether it is one. An incomplete read warns only: the plan over it acts on positive
evidence of opt-outs and nothing else (rule S01), and no failed check may keep an opt-out from the
CRM (P11). A blocking check stops the same run only; whoever launches the push alone is stopped by
``check_may_push``.
"""

from __future__ import annotations

import dagster as dg

from nl_pipeline.domain.brakes import Verdict
from nl_pipeline.domain.plan import Plan
from nl_pipeline.orchestration.metadata import Metadata, next_step
from nl_pipeline.sync.events.ingest import TakenIn
from nl_pipeline.sync.events.opt_outs import OptOutsApplied
from nl_pipeline.sync.observe import ReadResult
from nl_pipeline.sync.push import PushResult
from nl_pipeline.sync.webhook_watch import WatchResult

CRM_SNAPSHOT = dg.AssetCheckSpec(
    "crm_snapshot_complete",
    asset="crm_contacts",
    blocking=True,
    description="As many contacts were read as the CRM announced, before and after. Warns if rows"
    " are missing; stops the run if a full read shows no contact at all, which is what a missing"
    " read right looks like.",
)
AUDIENCE_SNAPSHOT = dg.AssetCheckSpec(
    "audience_snapshot_complete",
    asset="audience_members",
    blocking=True,
    description="As many members were read as the provider announced, before and after. Warns if"
    " rows are missing; stops the run if members were announced and none came.",
)
PLAN_VERDICT = dg.AssetCheckSpec(
    "plan_may_be_pushed",
    asset="sync_plan",
    blocking=True,
    description="Stops the run at a first sync, which is applied only by its plan id. Warns if a"
    " brake holds rows: those wait for a release, the others are sent.",
)
PUSH_RESULT = dg.AssetCheckSpec(
    "every_change_confirmed",
    asset="sync_report",
    blocking=True,
    description="Every change that was sent is visible when read back. Warns if some were refused"
    " or wait; fails the run if changes were sent and not a single one is confirmed.",
)

LOG_USABLE = dg.AssetCheckSpec(
    "every_line_usable",
    asset="webhook_log",
    description="Every line of the log was understood. Warns if some could not be used; they are"
    " listed by `nl-pipeline errors` and stay in the log.",
)
OPT_OUTS_ARRIVED = dg.AssetCheckSpec(
    "every_opt_out_in_the_crm",
    asset="subscriber_events",
    description="Every opt-out stands at every contact with the address. Warns if the CRM refused"
    " some; they are tried again by every run.",
)
WEBHOOKS_ALIVE = dg.AssetCheckSpec(
    "webhooks_alive",
    asset="provider_webhooks",
    description="The webhooks are there, as they should be, and have told what was to be told."
    " Warns about what was found, also if it was mended: nobody was told anything meanwhile.",
)


def judge_log(taken: TakenIn) -> dg.AssetCheckResult:
    """Whether all lines that were read could be used."""
    unusable = sum(taken.poison.values())
    return _result(
        LOG_USABLE,
        passed=not unusable,
        stops=False,
        told=f"{unusable} lines could not be used." if unusable else "All lines could be used.",
        metadata={"lines_unusable": dg.IntMetadataValue(unusable)},
    )


def judge_opt_outs(told: OptOutsApplied) -> dg.AssetCheckResult:
    """Whether all opt-outs have reached the CRM."""
    return _result(
        OPT_OUTS_ARRIVED,
        passed=not told.pending,
        stops=False,
        told=f"{told.pending} opt-outs have not reached every contact yet."
        if told.pending
        else "No opt-out waits.",
        metadata={"opt_outs_waiting": dg.IntMetadataValue(told.pending)},
    )


def judge_webhooks(result: WatchResult | None) -> dg.AssetCheckResult:
    """What the watch has found; None: there are no webhooks to watch."""
    if result is None:
        found, told = (
            0,
            "No webhooks: webhooks.public_url is not set, changes are found by reading.",
        )
    else:
        found = len(result.findings)
        told = "; ".join(finding.text for finding in result.findings) or "As they should be."
        if result.mended:
            told += ". Mended; backfill provider_history over the days in which nothing was told."
    return _result(
        WEBHOOKS_ALIVE,
        passed=not found,
        stops=False,
        told=told,
        metadata={"findings": dg.IntMetadataValue(found)},
    )


def judge_crm_read(result: ReadResult) -> dg.AssetCheckResult:
    """The read of the CRM: passed, warned, or stopped because no contact is visible."""
    empty = result.mode == "full" and result.rows == 0
    return _judge_read(result, spec=CRM_SNAPSHOT, useless=empty)


def judge_audience_read(result: ReadResult) -> dg.AssetCheckResult:
    """The read of the audience: passed, warned, or stopped because nothing announced came."""
    useless = result.mode == "full" and result.rows == 0 and not result.complete
    return _judge_read(result, spec=AUDIENCE_SNAPSHOT, useless=useless)


def _judge_read(
    result: ReadResult, *, spec: dg.AssetCheckSpec, useless: bool
) -> dg.AssetCheckResult:
    if useless:
        told = "Not one row came. Check the rights of the API user before anything else."
    elif not result.complete:
        told = (
            "Rows are missing. Nothing is concluded from absence: this run acts on positive"
            " evidence of opt-outs only, the next one reads again."
        )
    else:
        told = "Complete."
    return _result(
        spec,
        passed=result.complete and not useless,
        stops=useless,
        told=told,
        metadata={
            "rows": dg.IntMetadataValue(result.rows),
            "rows_rejected": dg.IntMetadataValue(result.rejected),
            "mode": dg.TextMetadataValue(result.mode),
        },
    )


def judge_plan(plan: Plan, *, waiting: int) -> dg.AssetCheckResult:
    """The verdict of a plan; ``waiting``: rows held and not released."""
    unapproved = plan.verdict is Verdict.APPROVAL
    return _result(
        PLAN_VERDICT,
        passed=not unapproved and not waiting,
        stops=unapproved,
        told=_plan_in_words(plan, waiting=waiting),
        metadata={
            "next_step": dg.MarkdownMetadataValue(next_step(plan, waiting=waiting)),
            "verdict": dg.TextMetadataValue(str(plan.verdict)),
            "rows_waiting_for_release": dg.IntMetadataValue(waiting),
        },
    )


def _plan_in_words(plan: Plan, *, waiting: int) -> str:
    if plan.verdict is Verdict.APPROVAL:
        return f"A first sync: nothing is sent until plan {plan.plan_id} is approved by its id."
    if waiting:
        return f"{waiting} rows wait for a release of plan {plan.plan_id}; the others are sent."
    return "Nothing waits."


def judge_push(result: PushResult) -> dg.AssetCheckResult:
    """What became of the changes that were sent."""
    return _result(
        PUSH_RESULT,
        passed=result.complete,
        stops=result.in_vain,
        told=f"{result.confirmed} rows confirmed, {result.lost} not, {result.held} wait for a"
        f" release, {result.fields_dropped} fields were refused and left out,"
        f" {result.quarantined} rows and fields are quarantined. What failed is planned again, what"
        " was refused waits in the quarantine; `nl-pipeline errors` lists both.",
        metadata={
            "rows_confirmed": dg.IntMetadataValue(result.confirmed),
            "rows_not_confirmed": dg.IntMetadataValue(result.lost),
            "fields_left_out": dg.IntMetadataValue(result.fields_dropped),
            "quarantined": dg.IntMetadataValue(result.quarantined),
        },
    )


def _result(
    spec: dg.AssetCheckSpec, *, passed: bool, stops: bool, told: str, metadata: Metadata
) -> dg.AssetCheckResult:
    warns = not passed and not stops
    severity = dg.AssetCheckSeverity.WARN if warns else dg.AssetCheckSeverity.ERROR
    return dg.AssetCheckResult(
        check_name=spec.name,
        passed=passed,
        severity=severity,
        description=told,
        metadata=metadata,
    )
