"""Customer journeys: letting a contact enter a step that starts by API.

Belongs here: the one call there is; the spec lists no journeys. Must not be here: who enters.
"""

from __future__ import annotations

from collections.abc import Callable

from nl_pipeline.clients.mailchimp.session import Path, Session

_TRIGGER = "/customer-journeys/journeys/{journey_id}/steps/{step_id}/actions/trigger"


class Journeys:
    """Calls about customer journeys."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def enter(
        self, email: str, *, journey: int, step: int, before: Callable[[], None] | None = None
    ) -> None:
        """Let a subscriber enter a step. Never sent twice: `OutcomeUnknown` if the answer is lost.

        `before` is called right before each try and may stop it with `Withheld`.
        """
        self._session.perform(
            "POST",
            Path(_TRIGGER, [str(journey), str(step)]),
            body={"email_address": email},
            repeatable=False,
            before=before,
        )
