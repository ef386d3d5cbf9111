"""The Mailchimp twin: a stand-in for the Marketing API that keeps state and reacts in time.

Belongs here: the behaviour of audiences, members, tags, batches, webhooks and campaigns as
documented and as seen in recorded traffic; what nobody could confirm is a switch (``switches``) or
marked [inferred]. Does not belong here: anything of the connector, and the sandbox's core (clock,
faults, population, call log), which this package only uses.

The way of a call: ``gateway`` -> ``router`` / ``routes`` -> an endpoint module -> ``changes`` ->
``state``. Acts and campaigns enter at ``changes`` too, so nothing changes a member elsewhere.
"""

from __future__ import annotations

from nl_pipeline.sandbox.mailchimp.twin import MailchimpTwin

__all__ = ["MailchimpTwin"]
