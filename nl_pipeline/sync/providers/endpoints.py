"""What an adapter calls for which action: data for the published rule table.

Belongs here: the record, and which look-ups a rule may rest on. Must not be here: the calls of one
provider (its own ``endpoints``); a test holds those against what is really called.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class Call:
    """One call: "METHOD template" as the client counts it, and what it carries that matters."""

    endpoint: str
    carries: str = ""

    def __str__(self) -> str:
        return f"`{self.endpoint}`{f' ({self.carries})' if self.carries else ''}"


@dataclass(frozen=True)
class Calls:
    """The calls of one provider.

    ``actions``: by action of a plan. ``looks``: by what is looked up before some rules decide.
    ``never``: actions, states and look-ups that do not exist there, and why.
    """

    provider: str
    actions: Mapping[str, tuple[Call, ...]]
    never: Mapping[str, str]
    looks: Mapping[str, tuple[Call, ...]]


#: What a rule may rest on beside the pictures of both sides.
SIGNUP = "who subscribed the member"
BEFORE_ARCHIVING = "what archiving hides"
WHY_LEFT = "why somebody has left"
