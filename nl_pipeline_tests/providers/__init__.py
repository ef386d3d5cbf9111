"""Both providers behind one vocabulary, so that a test can be told at either.

Belongs here: which providers there are, and how a test says that it runs at each of them.
"""

from __future__ import annotations

import pytest

from nl_pipeline_tests.providers.brevo import BrevoStage
from nl_pipeline_tests.providers.mailchimp import MailchimpStage
from nl_pipeline_tests.providers.stage import CannotHappen, Provider, Record, Stage, Wire

STAGES: dict[Provider, type[Stage]] = {"mailchimp": MailchimpStage, "brevo": BrevoStage}
PROVIDERS: tuple[Provider, ...] = tuple(STAGES)

each_provider = pytest.mark.each_provider
"""Mark of tests, or of a whole module, that run once at every provider."""

__all__ = [
    "PROVIDERS",
    "STAGES",
    "CannotHappen",
    "Provider",
    "Record",
    "Stage",
    "Wire",
    "each_provider",
]
