"""Which submissions an import takes, and which of several is the current one.

Belongs here: the options of the import that a person starts, as a table, the judgement over one
submission, and identity. Must not be here: reading, storing and writing any of it.
"""

from __future__ import annotations

from collections.abc import Iterable
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


_NEEDS_EXISTING = (
    "restart_workflows needs existing: a workflow starts anew only for contacts that are"
    " synchronised again; add existing, or leave restart_workflows out"
)


def _options(*, existing: bool = False, restart: bool = False, all: bool = False) -> ManualOptions:
    return ManualOptions(existing=existing, restart_workflows=restart, all=all)


MODES: tuple[ImportMode, ...] = (
    ImportMode(
        _options(),
        "Submissions since the last run that were not imported yet.",
    ),
    ImportMode(
        _options(existing=True),
        "All submissions since the last run; contacts imported before are written again.",
        takes_imported=True,
    ),
    ImportMode(
        _options(restart=True),
        "Nothing: refused.",
        refusal=_NEEDS_EXISTING,
    ),
    ImportMode(
        _options(existing=True, restart=True),
        "All submissions since the last run; contacts imported before are written again and enter"
        " the workflow again, within its entry limits.",
        takes_imported=True,
        restarts_workflows=True,
    ),
    ImportMode(
        _options(all=True),
        "Submissions since the form was created that were not imported yet.",
        since_creation=True,
    ),
    ImportMode(
        _options(existing=True, all=True),
        "All submissions since the form was created; contacts imported before are overwritten.",
        since_creation=True,
        takes_imported=True,
    ),
    ImportMode(
        _options(restart=True, all=True),
        "Nothing: refused.",
        refusal=_NEEDS_EXISTING,
    ),
    ImportMode(
        _options(existing=True, restart=True, all=True),
        "All submissions since the form was created; contacts imported before are overwritten and"
        " enter the workflow again, within its entry limits.",
        since_creation=True,
        takes_imported=True,
        restarts_workflows=True,
    ),
)
"""The eight combinations. What is open (an error, a conflict) is taken by each legal one."""

_BY_OPTIONS = {mode.options: mode for mode in MODES}


def mode_of(options: ManualOptions) -> ImportMode:
    """The row of the table for these options, legal or not."""
    return _BY_OPTIONS[options]


def verdict_on(
    submission: Submission,
    *,
    gate: FormGate,
    mode: ImportMode | None = None,
    since: datetime | None = None,
) -> Verdict:
    """Whether an import takes a submission, and why not.

    `mode` None is push or pull, which take whatever reached us and was not imported. `since` is
    the time of the last run, None if there was none. Raises ValueError for a refused mode.
    """
    if mode is not None and mode.refusal:
        raise ValueError(mode.refusal)
    if not gate.import_on:
        return Verdict.IMPORT_OFF
    if not gate.form_enabled:
        return Verdict.FORM_OFF
    if submission.standing is Standing.ERASED:
        return Verdict.ERASED
    if submission.is_test and not gate.includes_tests:
        return Verdict.TEST_LEAD
    if not submission.is_current:
        return Verdict.SUPERSEDED
    if submission.standing is Standing.OPEN:
        return Verdict.TAKEN
    is_imported = submission.standing is Standing.IMPORTED
    if is_imported and (mode is None or not mode.takes_imported):
        return Verdict.ALREADY_IMPORTED
    is_outside = since is not None and submission.submitted_at < since
    if mode is not None and not mode.since_creation and is_outside:
        return Verdict.BEFORE_WINDOW
    return Verdict.TAKEN_AGAIN if is_imported else Verdict.TAKEN


@dataclass(frozen=True, order=True)
class Rank:
    """The order of submissions of one contact through one form: the largest is the current one.

    Two of the same millisecond are told apart by the response id, so that every order of arrival
    ends alike.
    """

    submitted_at: datetime
    response_id: str


@dataclass(frozen=True)
class Submitted:
    """Who submitted which form when; `contact` is the normal form of the key."""

    contact: str
    form_id: int
    rank: Rank


def current_of(submissions: Iterable[Submitted]) -> dict[tuple[str, int], Rank]:
    """Return per (contact, form) the latest submission.

    The order does not matter, repeats neither; erased submissions must not be among them, and one
    without a contact ("") is nobody's.
    """
    current: dict[tuple[str, int], Rank] = {}
    for submitted in submissions:
        if submitted.contact:
            place = (submitted.contact, submitted.form_id)
            current[place] = max(submitted.rank, current.get(place, submitted.rank))
    return current
