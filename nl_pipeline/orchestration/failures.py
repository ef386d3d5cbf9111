"""How an error becomes a failed or repeated step, without telling anything about a person.

Belongs here: the one boundary every asset and op works inside. Dagster keeps the text of an
exception, of its cause and of its context, and prints them; so nothing that is not known to be
free of personal data passes this boundary. Must not be here: repairs.
"""

from __future__ import annotations

import contextlib
import traceback
from collections.abc import Iterator

import dagster as dg

from nl_pipeline.clients.errors import ApiError, Retryable
from nl_pipeline.domain.schemas import TableInvalid
from nl_pipeline.settings import SettingsError
from nl_pipeline.sync.push import PlanRefused
from nl_pipeline.warehouse.connection import WarehouseBusy
from nl_pipeline.warehouse.plans import PlanNotFound

#: Each of them writes a text of its own that names no person (see their docstrings).
_SAFE_TEXT = (ApiError, PlanNotFound, PlanRefused, SettingsError, TableInvalid, WarehouseBusy)
#: What may have passed a little later. The clients have already tried three times by then.
_PASSING = (Retryable, WarehouseBusy)
_MOST_TRIES = 2


class ReleaseRefused(Exception):
    """A release that can't be given. The text says why and what to do."""


@contextlib.contextmanager
def failures_without_personal_data(*, retry_after_seconds: float) -> Iterator[None]:
    """Turn every error of the block into a Dagster failure whose text is safe to keep.

    Passing errors ask for another try after ``retry_after_seconds`` (longer where the service said
    so), at most twice; every other error ends the step for good, because a person has to act or
    because repeating it can't help. Of an error outside our families only the type and the places
    in the code are told: its text may quote a record.
    """
    try:
        yield
    except _PASSING as error:
        wait = max(retry_after_seconds, getattr(error, "retry_after", None) or 0)
        # Dagster shows the cause once the tries are used up; it must be a clean one.
        raise dg.RetryRequested(max_retries=_MOST_TRIES, seconds_to_wait=wait) from _failure(error)
    except (dg.Failure, dg.RetryRequested):
        raise
    except Exception as error:
        raise _failure(error) from None


def _failure(error: Exception) -> dg.Failure:
    metadata: dict[str, str] = {"error": type(error).__name__}
    if isinstance(error, ApiError):
        metadata |= {"system": error.system, "code": error.code, "what_next": error.what_next}
    if isinstance(error, (*_SAFE_TEXT, ReleaseRefused)):
        return dg.Failure(description=str(error), metadata=metadata, allow_retries=False)
    return dg.Failure(
        description=f"Unexpected error: {type(error).__name__}. Its text is not kept, because it"
        " may hold personal data. Next: report the type and the places in this failure's metadata",
        metadata=metadata | {"places": dg.MetadataValue.md(_places(error))},
        allow_retries=False,
    )


def _places(error: Exception) -> str:
    """Files, lines and functions the error came through, innermost last."""
    frames = traceback.extract_tb(error.__traceback__)
    return "\n".join(f"- `{frame.filename}:{frame.lineno}` {frame.name}" for frame in frames)
