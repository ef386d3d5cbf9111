"""Consents with proof, as a form that is none of the provider's would record them.

Belongs here: writing them into the ledger. Not here: assertions.
"""

from __future__ import annotations

from nl_pipeline_tests.scenario import Scenario, address


def grant_with_proof(scenario: Scenario, *names: str) -> None:
    """A consent that some form has recorded, later than everything so far."""
    scenario.pass_time()
    moment = scenario.link.now().replace(tzinfo=None)
    with scenario.link.warehouse.transaction() as db:
        for name in names:
            db.execute(
                "INSERT INTO consent_ledger"
                " (key, event, actor, proof, happened_at, recorded_at, source)"
                " VALUES (?, 'GRANT', 'person', true, ?, ?, 'test form')",
                [address(name), moment, moment],
            )
