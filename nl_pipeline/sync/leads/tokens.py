"""How long the consent of the member lasts, in sentences.

Belongs here: the warnings. Must not be here: renewing tokens (``clients.linkedin``).
"""

from __future__ import annotations

from nl_pipeline.clients.errors import ApiError
from nl_pipeline.sync.leads.forms import source_of
from nl_pipeline.sync.link import Link


def token_warnings(link: Link) -> tuple[str, ...]:
    """What a person should know of the tokens now; also why that could not be found out."""
    _, client = source_of(link)
    try:
        life = client.token_life()
    except ApiError as error:
        return (f"{error.what}. Next: {error.what_next}",)
    return tuple(
        f"the {warning.token} token {_ends(warning.days_left)}. Next: {warning.what_next}"
        for warning in life.warnings
    )


def _ends(days: int) -> str:
    if days < 0:
        return "has ended"
    return "ends within a day" if days < 1 else f"ends in {days} day{'' if days == 1 else 's'}"
