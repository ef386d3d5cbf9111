"""How a command that failed is told to the person who typed it.

Belongs here: one place that turns errors into text and an exit code. An error of one of our own
families says what, which one and what to do next, and holds no personal data, so its text is
shown. Of any other error only the type is shown: its text may quote a record.
"""

from __future__ import annotations

import traceback
from dataclasses import dataclass

from nl_pipeline.cli.invocation import CommandError, ExitCode
from nl_pipeline.settings import SettingsError


@dataclass(frozen=True)
class Failure:
    """What is printed to standard error, and the exit code."""

    text: str
    exit_code: ExitCode


def failure_of(error: Exception) -> Failure:
    """Text and exit code for `error`."""
    match error:
        case SettingsError():
            count = len(error.problems)
            heading = "1 problem" if count == 1 else f"{count} problems"
            return Failure(f"The settings can't be used, {heading}:\n{error}", ExitCode.USAGE)
        case CommandError():
            return Failure(f"{error.what}\nNext: {error.next_step}", error.exit_code)
        case _:
            return _failure_of_a_sync(error)


def _failure_of_a_sync(error: Exception) -> Failure:
    # Only a command that has loaded these can raise them; the receiver never does.
    from nl_pipeline.clients.errors import ApiError
    from nl_pipeline.domain.schemas import TableInvalid
    from nl_pipeline.sync.push import PlanRefused
    from nl_pipeline.sync.report import NeverRead
    from nl_pipeline.warehouse.connection import WarehouseBusy
    from nl_pipeline.warehouse.plans import PlanNotFound

    match error:
        case PlanNotFound() | NeverRead():
            return Failure(_sentence(error), ExitCode.USAGE)
        case PlanRefused() | TableInvalid() | WarehouseBusy():
            return Failure(_sentence(error), ExitCode.FAILED)
        case ApiError():
            return Failure(str(error), ExitCode.FAILED)
        case _:
            return Failure(
                f"Unexpected error: {type(error).__name__}. Its text is not shown, because it may "
                "hold personal data.\nNext: repeat the command as `nl-pipeline --debug ...` to see "
                "where it happened, and report that.",
                ExitCode.FAILED,
            )


def _sentence(error: Exception) -> str:
    text = str(error)
    return f"{text[:1].upper()}{text[1:]}."


def places_of(error: Exception) -> str:
    """Where `error` came from: files, lines and source text, but no values."""
    chain: list[BaseException] = []
    current: BaseException | None = error
    while current is not None and current not in chain:
        chain.append(current)
        current = current.__cause__ or current.__context__
    return "\n".join(
        f"{type(item).__name__} at\n{''.join(traceback.format_tb(item.__traceback__))}"
        for item in reversed(chain)
    )
