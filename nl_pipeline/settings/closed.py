"""The base of all settings models: strict, frozen, closed.

No value is converted silently, and an unknown key is a mistake, because a misspelt brake would
otherwise be a brake that is not there.
"""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict


class ClosedModel(BaseModel):
    """A group of keys; errors never show the value that was refused."""

    model_config = ConfigDict(
        strict=True, frozen=True, extra="forbid", hide_input_in_errors=True, validate_default=True
    )
