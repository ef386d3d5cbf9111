"""Reports on a connection: how it stands, what is wrong, why one person is treated as they are.

Belongs here: typed, read-only answers over the warehouse; nothing is asked of a service and no
secret is needed. Must not be here: printing, and questions in SQL (``warehouse.reports``).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from nl_pipeline.domain.address import address_key
from nl_pipeline.domain.plan import Plan
from nl_pipeline.domain.rules import Case, rule_for
from nl_pipeline.settings import Settings
from nl_pipeline.sync import advice
from nl_pipeline.sync.link import open_warehouse
from nl_pipeline.warehouse import event_reports, plans, reports
from nl_pipeline.warehouse.connection import Warehouse
from nl_pipeline.warehouse.event_reports import Delays, Reception
from nl_pipeline.warehouse.person import Person, find_person
from nl_pipeline.warehouse.plans import PlanNotFound
from nl_pipeline.warehouse.reports import DifferingRecord, Problem, Read

_FRESHNESS_OF = timedelta(days=7)


class NeverRead(Exception):
    """The connection has no warehouse yet, so there is nothing to report."""


class AddressUnusable(Exception):
    """What was given can't be an e-mail address."""


@dataclass(frozen=True)
class Difference:
    """One reason for which the numbers differ, in plain words, with its rows and the way out."""

    side: str
    reason: str
    cause: str
    rows: int
    meaning: str
    next_step: str


@dataclass(frozen=True)
class ConnectionStatus:
    """How a connection stands.

    ``crm_yes_contacts`` less the CRM's differences, and ``provider_subscribed`` less the
    provider's, are both ``in_both``. ``results``: changes of the newest plan by result.
    """

    connection: str
    reads: tuple[Read, ...]
    plan: Plan | None
    results: dict[str, int]
    crm_yes_contacts: int
    crm_yes_addresses: int
    provider_subscribed: int
    in_both: int
    differences: tuple[Difference, ...]
    reception: Reception
    opt_out_delays: Delays | None = None
    """Of opt-outs that webhooks told in the last seven days."""

    @property
    def held(self) -> int:
        """Rows of the newest plan that wait for a release."""
        if self.plan is None or self.plan.released or self.plan.status == "expired":
            return 0
        return self.results.get("held", 0)


@dataclass(frozen=True)
class ProblemReport:
    """One row a person should look at, with what it means and what to do next."""

    problem: Problem
    meaning: str
    next_step: str


@dataclass(frozen=True)
class DecidingRule:
    """The case of a person, the row of the rule table that decides it, and its sentence."""

    case: Case
    rule_id: str
    code: str
    text: str
    listing: str | None
    provider_action: str | None
    crm_action: str | None
    considered: bool


@dataclass(frozen=True)
class Explanation:
    """Why one address is treated as it is. The address itself is not part of it."""

    connection: str
    person: Person
    rules: tuple[DecidingRule, ...]


def read_status(
    settings: Settings, *, connection: str, now: datetime | None = None
) -> ConnectionStatus:
    """How the connection stood after the last read and push. Raises NeverRead."""
    warehouse = existing_warehouse(settings, connection=connection)
    adopt = settings.connection(connection).adopt_existing
    balance = reports.take_balance(warehouse, adopt_existing=adopt)
    plan = plans.latest(warehouse)
    return ConnectionStatus(
        connection=connection,
        reads=tuple(reports.last_reads(warehouse)),
        plan=plan,
        results={} if plan is None else plans.count_results(warehouse, plan_id=plan.plan_id),
        crm_yes_contacts=balance.yes_contacts,
        crm_yes_addresses=balance.yes_addresses,
        provider_subscribed=balance.subscribed,
        in_both=balance.in_both,
        differences=tuple(
            Difference(
                side=row.side,
                reason=row.reason,
                cause=row.cause,
                rows=row.rows,
                meaning=advice.meaning_of_reason(row.reason),
                next_step=advice.next_step_for_reason(row.reason),
            )
            for row in balance.differences
        ),
        reception=event_reports.reception(warehouse),
        opt_out_delays=event_reports.delays(
            warehouse, since=(now or datetime.now(UTC)) - _FRESHNESS_OF
        ),
    )


def list_differences(settings: Settings, *, connection: str) -> list[DifferingRecord]:
    """Every contact and member that makes the numbers differ. Raises NeverRead."""
    warehouse = existing_warehouse(settings, connection=connection)
    adopt = settings.connection(connection).adopt_existing
    return reports.list_differences(warehouse, adopt_existing=adopt)


def list_problems(settings: Settings, *, connection: str) -> list[ProblemReport]:
    """Every row a person should look at. Raises NeverRead."""
    warehouse = existing_warehouse(settings, connection=connection)
    return [
        ProblemReport(
            problem=problem,
            meaning=(problem.kind == "quarantine" and advice.meaning_of_cause(problem.cause))
            or advice.meaning_of_code(problem.code),
            next_step=advice.next_step_for_problem(
                code=problem.code, result=problem.result, cause=problem.cause
            ),
        )
        for problem in reports.list_problems(warehouse)
    ]


def explain(settings: Settings, *, connection: str, email: str) -> Explanation:
    """Which rule decides about an address, and everything that rule looked at.

    Raises NeverRead, and AddressUnusable for text that can't be an address.
    """
    key = address_key(email)
    if key is None:
        raise AddressUnusable("what was given can't be an e-mail address")
    warehouse = existing_warehouse(settings, connection=connection)
    adopt = settings.connection(connection).adopt_existing
    person = find_person(warehouse, key=key, adopt_existing=adopt)
    rules = []
    for found in person.cases:
        rule = rule_for(found.case)
        rule_id, code = found.overruled_by or (rule.id, rule.code)
        overruled = found.overruled_by is not None
        rules.append(
            DecidingRule(
                case=found.case,
                rule_id=rule_id,
                code=code,
                text=advice.meaning_of_code(code),
                listing=found.listing,
                provider_action=found.provider_action,
                crm_action=None if overruled else rule.crm_action,
                considered=found.considered,
            )
        )
    return Explanation(connection=connection, person=person, rules=tuple(rules))


def find_plan(
    settings: Settings, *, plan_id: str, connection: str | None = None
) -> list[tuple[str, Plan]]:
    """The connections that hold a plan of this id, with the plan. Raises PlanNotFound for none.

    Plan ids are hashes of what they plan, so two connections in the same state may share one.
    """
    names = list(settings.connections) if connection is None else [connection]
    found = []
    for name in names:
        warehouse = open_warehouse(settings, connection=name)
        if not warehouse.exists:
            continue
        try:
            found.append((name, plans.load(warehouse, plan_id=plan_id)))
        except PlanNotFound:
            continue
    if not found:
        raise PlanNotFound(
            f"there is no plan {plan_id} of {', '.join(names)}; `nl-pipeline status` shows the"
            " newest one, `nl-pipeline plan` makes a new one"
        )
    return found


def existing_warehouse(settings: Settings, *, connection: str) -> Warehouse:
    """The warehouse of a connection that has been read. Raises NeverRead."""
    warehouse = open_warehouse(settings, connection=connection)
    if not warehouse.exists:
        raise NeverRead(
            f"connection {connection} has not been read yet, so there is nothing to report;"
            f" run `nl-pipeline setup {connection}`"
        )
    return warehouse
