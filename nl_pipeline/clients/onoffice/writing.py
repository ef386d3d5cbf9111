"""Carrying out writes in chunks, one outcome for every action.

Belongs here: what a chunk's failure means for its actions and for the chunks after it. Does not
belong here: what is written.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TypeVar

from nl_pipeline.clients.errors import ApiError, OperatorNeeded, OutcomeUnknown, Retryable
from nl_pipeline.clients.onoffice.envelope import Action, ActionResult
from nl_pipeline.clients.onoffice.error_codes import SYSTEM, error_of_write
from nl_pipeline.clients.onoffice.models import ActionOutcome
from nl_pipeline.clients.onoffice.session import Session

T = TypeVar("T")

_LOOK_UP = "look the record up before it is sent again; the next run does so"


def write(
    session: Session,
    *,
    actions: Sequence[tuple[str, Action]],
    actions_per_request: int,
    repeatable: bool,
) -> list[ActionOutcome]:
    """Send the actions, each with its reference; one outcome each, in order, never raises.

    After credentials or clock were refused nothing more is sent.
    """
    outcomes: list[ActionOutcome] = []
    stop: OperatorNeeded | None = None
    for chunk in chunks(actions, size=actions_per_request):
        failure: ApiError | None = stop
        results: list[ActionResult] = []
        if failure is None:
            try:
                results = session.send_each([action for _, action in chunk], repeatable=repeatable)
            except OperatorNeeded as error:
                failure = stop = error
            except ApiError as error:
                failure = error
        if failure is not None:
            outcomes.extend(
                ActionOutcome(reference, ok=False, error=failure) for reference, _ in chunk
            )
        else:
            outcomes.extend(
                _outcome(reference, action, result)
                for (reference, action), result in zip(chunk, results, strict=True)
            )
    return outcomes


def chunks(items: Sequence[T], *, size: int) -> Iterator[Sequence[T]]:
    """Return the items in portions of `size`, the last one smaller."""
    for start in range(0, len(items), size):
        yield items[start : start + size]


def _outcome(reference: str, action: Action, result: ActionResult) -> ActionOutcome:
    creates = action.verb == "create"
    if result.status.errorcode:
        error = error_of_write(
            result.status.errorcode,
            what=f"{action.name} {reference}",
            message=result.status.message or "",
            field_names=action.parameters,
        )
        if creates and isinstance(error, Retryable):
            # A create that ended in a passing failure may exist all the same.
            error = OutcomeUnknown(error.what, system=SYSTEM, code=error.code, what_next=_LOOK_UP)
        return ActionOutcome(reference, ok=False, error=error)
    if not creates:
        return ActionOutcome(reference, ok=True)
    record_id = int(result.records[0].id or 0) if result.records else 0
    if record_id > 0:
        return ActionOutcome(reference, ok=True, record_id=record_id)
    error = OutcomeUnknown(
        f"{action.name} {reference}: reported as done, but without a record id",
        system=SYSTEM,
        code="no-id",
        what_next=_LOOK_UP,
    )
    return ActionOutcome(reference, ok=False, error=error)
