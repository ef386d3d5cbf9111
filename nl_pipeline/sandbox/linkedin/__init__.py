"""The LinkedIn twin: a stand-in for OAuth and the Lead Sync part of the versioned REST API.

Belongs here: the behaviour of tokens, ad accounts, page roles, lead forms, lead responses and lead
notifications as documented and as seen in recorded traffic; what nobody could confirm is a switch
(``switches``) or marked [inferred]. Does not belong here: anything of the connector, and the
sandbox's core (clock, faults, population, call log), which this package only uses.

The way of a call: ``gateway`` (headers, token, quota) -> ``resources`` -> an endpoint module ->
``account``. What happens at LinkedIn itself enters by ``acts`` and is told by ``teller`` and
``sender``.
"""

from __future__ import annotations

from nl_pipeline.sandbox.linkedin.twin import LinkedInTwin

__all__ = ["LinkedInTwin"]
