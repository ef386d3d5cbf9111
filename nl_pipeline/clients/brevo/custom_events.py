"""Custom events: telling Brevo that something happened, by which automations start.

Belongs here: the one call. Must not be here: who is told of. Properties of contacts, which the call
could also write, are never sent.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from nl_pipeline.clients.brevo.session import Nothing, Path, Session


class CustomEvents:
    """Calls about custom events."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def tell(
        self,
        email: str,
        *,
        event: str,
        properties: Mapping[str, str],
        before: Callable[[], None] | None = None,
    ) -> None:
        """Tell of an event of a contact. Never sent twice: `OutcomeUnknown` if the answer is lost.

        `before` is called right before each try and may stop it with `Withheld`.
        """
        self._session.send(
            "POST",
            Path("/events"),
            answer=Nothing,
            body={
                "event_name": event,
                "identifiers": {"email_id": email},
                "event_properties": dict(properties),
            },
            repeatable=False,
            before=before,
        )
