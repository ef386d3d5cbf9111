"""The status light of a form: green circle, grey circle, yellow triangle, and why.

Belongs here: the judgement. Must not be here: how the facts are found, how a light is drawn.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from nl_pipeline.domain.rhythm import Silence


class Colour(StrEnum):
    """Colour and shape go together, for whoever can't tell colours."""

    GREEN = "green"
    GREY = "grey"
    YELLOW = "yellow"

    @property
    def shape(self) -> str:
        """How the light is drawn."""
        return "triangle" if self is Colour.YELLOW else "circle"


class LightReason(StrEnum):
    """Why a light has its colour."""

    ENABLED = "enabled"
    IMPORT_OFF = "import_off"
    FORM_OFF = "form_off"
    BLOCKED = "blocked"
    SILENT = "silent"


@dataclass(frozen=True)
class Light:
    """A light; `silence` is set where that is the reason."""

    colour: Colour
    reason: LightReason
    text: str
    silence: Silence | None = None


def light_of(
    submitted_at: Sequence[datetime],
    *,
    import_on: bool,
    form_enabled: bool,
    now: datetime,
    blocked_by: str = "",
    push_works: bool = True,
) -> Light:
    """The light of one form.

    `submitted_at` are the times of its real submissions. `blocked_by` says in a sentence why
    nothing can be imported at present (mapping, token, role), "" if nothing stands in the way.
    `push_works` is false where no webhook or no challenge came; it explains a silence.
    """
    raise NotImplementedError
