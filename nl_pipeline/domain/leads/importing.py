"""Which submissions an import takes, and which of several is the current one.

Belongs here: the options of the import that a person starts, as a table, the judgement over one
submission, and identity. Must not be here: reading, storing and writing any of it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


@dataclass(frozen=True, kw_only=True)
class ManualOptions:
    """The three options of an import that a person starts."""

    existing: bool = False
    restart_workflows: bool = False
    all: bool = False


@dataclass(frozen=True)
class ImportMode:
    """One combination and its documented effect; `refusal` is "" for a legal one.

    `since_creation`: every submission LinkedIn still keeps, else those since the last run.
    `takes_imported`: those imported before too, whose contacts are written again.
    """

    options: ManualOptions
    effect: str
    refusal: str = ""
    since_creation: bool = False
    takes_imported: bool = False
    restarts_workflows: bool = False


class Standing(StrEnum):
    """What is known of a submission. `ERASED`: LinkedIn told us to delete it."""

    NEW = "new"
    OPEN = "open"
    IMPORTED = "imported"
    ERASED = "erased"


class Verdict(StrEnum):
    """Why a submission is taken or left."""

    TAKEN = "taken"
    TAKEN_AGAIN = "taken_again"
    IMPORT_OFF = "import_off"
    FORM_OFF = "form_off"
    ERASED = "erased"
    TEST_LEAD = "test_lead"
    SUPERSEDED = "superseded"
    ALREADY_IMPORTED = "already_imported"
    BEFORE_WINDOW = "before_window"

    @property
    def takes(self) -> bool:
        """Whether the submission is imported."""
        return self in (Verdict.TAKEN, Verdict.TAKEN_AGAIN)


@dataclass(frozen=True, kw_only=True)
class FormGate:
    """What decides for a whole form whether anything of it is imported."""

    import_on: bool
    form_enabled: bool
    includes_tests: bool = False


@dataclass(frozen=True, kw_only=True)
class Submission:
    """What the judgement needs of a submission. `is_current` as `current_of` tells."""

    response_id: str
    submitted_at: datetime
    standing: Standing = Standing.NEW
    is_test: bool = False
    is_current: bool = True


def mode_of(options: ManualOptions) -> ImportMode:
    """The row of the table for these options, legal or not."""
    raise NotImplementedError


def verdict_on(
    submission: Submission,
    *,
    gate: FormGate,
    mode: ImportMode | None = None,
    since: datetime | None = None,
) -> Verdict:
    """Whether an import takes a submission, and why not.

    `mode` None is push or pull. `since` is the time of the last run, None if there was none.
    """
    raise NotImplementedError


@dataclass(frozen=True, order=True)
class Rank:
    """The order of submissions of one contact through one form: the largest is the current one."""

    submitted_at: datetime
    response_id: str


def current_of(submissions: Mapping[str, tuple[str, int, Rank]]) -> Mapping[tuple[str, int], str]:
    """Return per (contact, form) the response id of its latest submission.

    `submissions` gives contact, form id and rank by response id; the order does not matter.
    """
    raise NotImplementedError


def superseded(newer: Iterable[Rank], *, by: Rank) -> bool:
    """Whether any of `newer` comes after `by`."""
    raise NotImplementedError
