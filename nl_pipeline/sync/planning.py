"""Making a plan: observe, look up, decide. Nothing outside the warehouse is written.

Belongs here: the order of these steps. Must not be here: pushing.
"""

from __future__ import annotations

from nl_pipeline.domain.plan import Plan
from nl_pipeline.domain.schemas import PLAN_SCHEMA, validate
from nl_pipeline.sync.link import Link
from nl_pipeline.sync.observe import Mode, look_up, read_contacts, read_members
from nl_pipeline.sync.options import planning_options
from nl_pipeline.sync.push import finish_interrupted
from nl_pipeline.warehouse import news, planning, plans


def make_plan(link: Link, *, mode: Mode) -> Plan:
    """Decide over what was observed last, with the look-ups that needs; returns the stored plan."""
    finish_interrupted(link)
    options = planning_options(link, mode=mode)
    with link.warehouse.kept_open():
        decided = planning.compute_if_known(link.warehouse, options=options, now=link.now())
        if isinstance(decided, str):
            return _planned(link, plan_id=decided)
    look_up(link, wanted=decided)
    with link.warehouse.kept_open():
        plan_id = planning.compute(link.warehouse, options=options, now=link.now())
        return _planned(link, plan_id=plan_id)


def _planned(link: Link, *, plan_id: str) -> Plan:
    news.forget(link.warehouse)
    heads = plans.change_heads(link.warehouse, plan_id=plan_id)
    validate(heads, schema=PLAN_SCHEMA, name="plan")
    return plans.load(link.warehouse, plan_id=plan_id)


def observe_and_plan(link: Link, *, mode: Mode) -> Plan:
    """Read both sides, then plan. A connection that was never read is read in full."""
    contacts = read_contacts(link, mode=mode)
    members = read_members(link, mode=mode)
    full = contacts.mode == "full" and members.mode == "full"
    return make_plan(link, mode="full" if full else "incremental")
