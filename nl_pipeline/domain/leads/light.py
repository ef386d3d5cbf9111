"""The status light of a form: green circle, grey circle, yellow triangle, and why.

Belongs here: the judgement. Must not be here: how the facts are found, how a light is drawn.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from nl_pipeline.domain.rhythm import Silence, unusual_silence


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
    if not import_on:
        return Light(Colour.GREY, LightReason.IMPORT_OFF, "the import of this connection is off")
    if not form_enabled:
        return Light(Colour.GREY, LightReason.FORM_OFF, "the import of this form is off")
    if blocked_by:
        return Light(Colour.YELLOW, LightReason.BLOCKED, blocked_by)
    silence = unusual_silence(submitted_at, now=now)
    if silence is not None:
        return Light(Colour.YELLOW, LightReason.SILENT, _told(silence, push_works), silence)
    return Light(Colour.GREEN, LightReason.ENABLED, "the import of this form is on")


def _told(silence: Silence, push_works: bool, /) -> str:
    days = silence.allowed.days
    text = (
        f"no submission since {silence.since:%Y-%m-%d %H:%M} UTC; by its own rhythm this form"
        f" is silent for {days} days at most"
    )
    return text if push_works else f"{text}; LinkedIn's notices do not arrive either"
