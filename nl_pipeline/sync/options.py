"""What a plan depends on beside the warehouse, taken from settings and the last observation.

Belongs here: the translation of settings into planning options. Must not be here: planning.
"""

from __future__ import annotations

from nl_pipeline.sync.link import Link
from nl_pipeline.sync.observe import Mode
from nl_pipeline.sync.providers.port import OWNERSHIP_TAG
from nl_pipeline.warehouse import observations
from nl_pipeline.warehouse.deciding import PlanningOptions


def planning_options(link: Link, *, mode: Mode) -> PlanningOptions:
    """What the plan depends on beside the warehouse."""
    known = observations.read_state(link.warehouse, name="tags_known") == "yes"
    return PlanningOptions(
        mode=mode,
        brakes=link.brakes,
        adopt_existing=link.settings.adopt_existing,
        ownership_tag=OWNERSHIP_TAG,
        tags_known=known and link.settings.tags.enabled,
    )
