"""Where the traffic may differ from Brevo's OpenAPI document, and why.

Belongs here: the table. Not here: looking for misfits (`spec`), and what is done with the table
(`contract.deviations`).
"""

from __future__ import annotations

from nl_pipeline_tests.contract.deviations import Deviation

DEVIATIONS: tuple[Deviation, ...] = ()
