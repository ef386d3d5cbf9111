"""The Brevo twin: a stand-in for the public API v3 that keeps state and reacts in time.

Belongs here: the behaviour of contacts, lists, folders, attributes, processes, webhooks and
campaigns as documented and as seen in recorded traffic; what nobody could confirm is a switch
(``switches``) or marked [inferred]. Does not belong here: anything of the connector, and the
sandbox's core (clock, faults, population, call log), which this package only uses.

The way of a call: ``gateway`` -> ``limits`` -> ``router`` / ``routes`` -> an endpoint module ->
``changes`` -> ``state``. Acts, imports and campaigns enter at ``changes`` too, so nothing changes a
contact elsewhere, and nothing that happens goes untold.
"""

from __future__ import annotations

from nl_pipeline.sandbox.brevo.twin import BrevoTwin

__all__ = ["BrevoTwin"]
