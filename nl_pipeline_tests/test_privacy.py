"""Nobody's address, name or key leaves the warehouse: not into Dagster, not onto the screen.

One scenario with canaries goes through the command line and through Dagster, on a real instance on
disk that keeps compute logs, too, first at Mailchimp, then at Brevo; things go wrong in every way
that makes a library quote what it was given. Then everything that was written is searched.
"""

from __future__ import annotations

import contextlib
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import dagster as dg
import pytest

from nl_pipeline.orchestration import plan
from nl_pipeline.sandbox.app import World
from nl_pipeline.sandbox.linkedin.seeding import CONTACT_FORM_ID
from nl_pipeline.sandbox.serve import running
from nl_pipeline.sync.link import open_warehouse
from nl_pipeline.sync.setup import set_up
from nl_pipeline_tests.orchestration.deployment import SECRETS, Deployment, write_connections
from nl_pipeline_tests.sandbox_control import SandboxControl, Service

CONNECTION, AT_BREVO = "north", "south"
CONTACTS = 40
NAMES = ("Canariensis", "Gelbfeder", "Zeisigmann")
"""First and last names that nobody in the population has, and that no word contains."""
PEOPLE = ("bleibt", "geht", "zieht-um", "heiratet", "klagt", "kommt-dazu")
PEOPLE_AT_BREVO = ("verschwindet", "schimpft", "siedelt-um", "vermaehlt")
GUEST = "taucht-auf"
"""Comes by Brevo."""
LEADS = ("fuellt-aus", "fuellt-spaeter-aus", "fuellt-zuletzt-aus")
"""Fill in a form at LinkedIn."""
YES = "1"

Outcomes = dict[str, bool]
"""Whether each thing that was run succeeded."""


def address(person: str) -> str:
    """The address of one of the canaries."""
    return f"kanarienvogel-{person}@voliere-17.example"


@dataclass
class Traces:
    """Everything that was written where somebody else may read it: text by place."""

    folder: Path
    texts: dict[str, bytes] = field(default_factory=dict)

    def all(self) -> Iterator[tuple[str, bytes]]:
        """Every file of the Dagster instance, and everything printed, in lower case."""
        for file in sorted(self.folder.rglob("*")):
            if file.is_file():
                yield str(file.relative_to(self.folder)), file.read_bytes().lower()
        for place, text in self.texts.items():
            yield place, text.lower()

    def containing(self, text: str) -> list[str]:
        """The places where `text` is found."""
        wanted = text.lower().encode()
        return [place for place, content in self.all() if wanted in content]


@dataclass(frozen=True)
class Ran:
    """The scenario, after everything was run."""

    traces: Traces
    outcomes: Mapping[str, bool]
    addresses: frozenset[str]


def command(deployed: Deployment, traces: Traces, *arguments: str) -> int:
    """One call of the command line, in a process of its own; its exit code."""
    start = "import sys; from nl_pipeline.cli import main; sys.exit(main())"
    call = [sys.executable, "-c", start, "--config", str(deployed.settings_file), *arguments]
    done = subprocess.run(call, capture_output=True, check=False)
    place = f"{len(traces.texts)} {arguments[0]}"
    traces.texts[f"{place} stdout"], traces.texts[f"{place} stderr"] = done.stdout, done.stderr
    return done.returncode


def enter_canaries(control: SandboxControl) -> None:
    """The canaries are contacts, except those who will come by a provider."""
    first, last, _ = NAMES
    for person in (*PEOPLE[:-1], *PEOPLE_AT_BREVO):
        control.act(
            "onoffice",
            actor="staff",
            action="create",
            email=address(person),
            fields={"Vorname": first, "Name": last, "newsletter_aktiv": YES},
        )


def live(control: SandboxControl) -> None:
    """The canaries do what people do."""
    first, _, married = NAMES
    control.act("mailchimp", actor="person", action="unsubscribe", email=address("geht"))
    control.act("mailchimp", actor="person", action="complain", email=address("klagt"))
    control.act(
        "mailchimp",
        actor="person",
        action="change_email",
        email=address("zieht-um"),
        new_email=address("umgezogen"),
    )
    control.act(
        "mailchimp",
        actor="person",
        action="subscribe",
        email=address("kommt-dazu"),
        merge_fields={"FNAME": first, "LNAME": married},
    )
    rename(control, "bleibt", to=married)


def rename(control: SandboxControl, person: str, *, to: str) -> None:
    """Staff changes a last name."""
    control.act(
        "onoffice", actor="staff", action="modify", email=address(person), fields={"Name": to}
    )


def run_by_command(deployed: Deployment, control: SandboxControl, traces: Traces) -> Outcomes:
    """Set-up, first sync, a sync that fails, and one that does not."""
    outcomes = {"setup": command(deployed, traces, "setup", CONNECTION) in (0, 3)}
    plan_id = deployed.latest_plan(CONNECTION).plan_id
    outcomes["apply"] = command(deployed, traces, "apply", plan_id) == 0
    live(control)
    with broken(control, "onoffice", kind="status", match="read:address", status=500):
        outcomes["sync in a storm"] = command(deployed, traces, "sync", CONNECTION) == 0
    outcomes["sync"] = command(deployed, traces, "sync", CONNECTION) in (0, 3)
    outcomes["status"] = command(deployed, traces, "status", CONNECTION) == 0
    return outcomes


def run_in_dagster(deployed: Deployment, control: SandboxControl) -> Outcomes:
    """Runs that fail, each in another way, and runs that do not."""
    first, last, married = NAMES
    quoting = {"title": "Invalid Resource", "detail": f"{address('bleibt')} {first}"}
    outcomes = {}
    with broken(control, "mailchimp", kind="html_error", match="members", status=502):
        run = deployed.materialize(CONNECTION, "audience_members")
        outcomes["storm of 502 pages"] = run.success

    rename(control, "heiratet", to=married)
    with broken(control, "mailchimp", kind="status", match="PATCH|POST", status=400, body=quoting):
        outcomes["merge field refused"] = deployed.run("full_sync", CONNECTION).success

    control.act("mailchimp", actor="person", action="unsubscribe", email=address("heiratet"))
    with broken(control, "onoffice", kind="status", match="modify:address", errorcode=96):
        outcomes["contact refused"] = deployed.run("full_sync", CONNECTION).success

    def fail(*_: object, **__: object) -> None:
        try:
            raise KeyError(address("bleibt"))
        except KeyError as error:
            raise ValueError(f"{first} {last} {list(SECRETS.values())}") from error

    with pytest.MonkeyPatch.context() as bug:
        bug.setattr(plan, "make_plan", fail)
        outcomes["bug in our code"] = deployed.run("full_sync", CONNECTION).success

    outcomes["full_sync"] = deployed.run("full_sync", CONNECTION).success
    return outcomes


def live_at_brevo(control: SandboxControl) -> None:
    """The canaries do there what people do."""
    first, last, married = NAMES
    gone, scolding, moving, renamed = (address(person) for person in PEOPLE_AT_BREVO)
    control.act("brevo", actor="person", action="unsubscribe", email=gone)
    control.act("brevo", actor="person", action="complain", email=scolding)
    moved = address("umgesiedelt")
    control.act("brevo", actor="person", action="change_email", email=moving, new_email=moved)
    control.act("brevo", actor="person", action="update", email=renamed, last_name=married)
    guest = address(GUEST)
    names = {"first_name": first, "last_name": last}
    control.act("brevo", actor="person", action="subscribe", email=guest, **names)


def run_at_brevo(deployed: Deployment, control: SandboxControl) -> Outcomes:
    """Set-up, first sync, runs that fail, each in another way, and one that does not."""
    first, _, married = NAMES
    email = address("bleibt")
    with deployed.link(AT_BREVO) as link:
        plan_id = set_up(link).plan.plan_id
    outcomes = {"Brevo: first sync": deployed.approve(AT_BREVO, plan_id=plan_id).success}
    live_at_brevo(control)
    with broken(control, "brevo", kind="html_error", match="contacts", status=502):
        run = deployed.materialize(AT_BREVO, "audience_members")
        outcomes["Brevo: storm of 502 pages"] = run.success
    outcomes["Brevo: sync"] = deployed.run("incremental_sync", AT_BREVO).success

    rename(control, "bleibt", to=first)
    quoting = {
        "code": "invalid_parameter",
        "message": f"Unable to update contact, {email} is already associated with another Contact",
        "metadata": {"duplicate_identifiers": ["SMS"], "of": f"{email} {married}"},
    }
    with broken(control, "brevo", kind="status", match="contacts", status=403, body=quoting):
        run = deployed.materialize(AT_BREVO, "audience_members")
        outcomes["Brevo: key refused"] = run.success
    with broken(control, "brevo", kind="status", match="PUT", status=400, body=quoting):
        outcomes["Brevo: contact refused"] = deployed.run("full_sync", AT_BREVO).success
    outcomes["Brevo: full_sync"] = deployed.run("full_sync", AT_BREVO).success
    return outcomes


def submit(control: SandboxControl, person: str, **answers: str) -> None:
    """A canary fills in the contact form."""
    first, last, _ = NAMES
    told = {"email": address(person), "first_name": first, "last_name": last, **answers}
    control.act("linkedin", actor="person", action="submit", **told)


def run_leads_by_command(deployed: Deployment, control: SandboxControl, traces: Traces) -> Outcomes:
    """A lead that the CRM refuses, one without an address, and everything that shows them."""
    told, _, _ = LEADS
    submit(control, told)
    submit(control, told, email=f"ohne-adresse {NAMES[0]}")
    with broken(control, "onoffice", kind="status", match="create:address", errorcode=96):
        outcomes = {"leads: sync": command(deployed, traces, "leads", "sync", CONNECTION) in (0, 3)}
    for shown in ("status", "errors", "forms"):
        done = command(deployed, traces, "leads", shown, CONNECTION)
        outcomes[f"leads: {shown}"] = done in (0, 3)
    return outcomes


def run_leads_in_dagster(deployed: Deployment, control: SandboxControl) -> Outcomes:
    """Leads while the CRM refuses them, and while LinkedIn answers with what they said."""
    _, later, last = LEADS
    quoting = {"message": f"{address(later)} {NAMES[1]}", "status": 403, "serviceErrorCode": 100}
    by_hand = {"import_form": {"form": str(CONTACT_FORM_ID), "all": True}}
    outcomes = {}
    submit(control, later)
    with broken(control, "onoffice", kind="status", match="create:address", errorcode=96):
        run = deployed.run("import_leads", CONNECTION, config=by_hand)
        outcomes["leads: contact refused"] = run.success
    submit(control, last)
    with broken(control, "linkedin", kind="status", match="leadForm", status=403, body=quoting):
        run = deployed.run("import_leads", CONNECTION, config=by_hand)
        outcomes["leads: LinkedIn refuses"] = run.success
    run = deployed.run("import_leads", CONNECTION, config=by_hand)
    outcomes["leads: imported"] = run.success
    outcomes["leads: hourly"] = deployed.run("sync_leads", CONNECTION).success
    return outcomes


@contextlib.contextmanager
def broken(control: SandboxControl, service: Service, **fault: Any) -> Iterator[None]:
    """Every call that matches fails."""
    control.fault(service, rate=1.0, **fault)
    yield
    control.clear_faults()


@contextlib.contextmanager
def printed_to(file: Path) -> Iterator[None]:
    """What this process prints goes to a file."""
    with (
        file.open("w", encoding="utf-8") as stream,
        contextlib.redirect_stdout(stream),
        contextlib.redirect_stderr(stream),
    ):
        yield


@pytest.fixture(scope="module")
def ran(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ran]:
    """The scenario, run once for all searches."""
    home, folder = (tmp_path_factory.mktemp(name) for name in ("dagster_home", "connections"))
    (home / "dagster.yaml").write_text("telemetry: {enabled: false}\n", encoding="utf-8")
    traces, printed = Traces(home), folder / "printed.txt"
    with (
        running(World(contacts=CONTACTS, seed=3)) as url,
        contextlib.closing(SandboxControl(url)) as control,
        pytest.MonkeyPatch.context() as environment,
        dg.DagsterInstance.from_config(str(home)) as instance,
    ):
        for name, value in SECRETS.items():
            environment.setenv(name, value)
        controls = dict.fromkeys((CONNECTION, AT_BREVO), control)
        file = write_connections(folder, controls, at_brevo={AT_BREVO})
        deployed = Deployment.over(file, instance=instance, controls=controls)
        enter_canaries(control)
        outcomes = run_by_command(deployed, control, traces)
        outcomes |= run_leads_by_command(deployed, control, traces)
        warehouse = open_warehouse(deployed.settings, connection=CONNECTION)
        with warehouse.session(), printed_to(printed):
            outcomes |= run_in_dagster(deployed, control)
            outcomes |= run_at_brevo(deployed, control)
            outcomes |= run_leads_in_dagster(deployed, control)
        traces.texts["Dagster runs"] = printed.read_bytes()
        people = [a["Email"] for a in control.dump("onoffice")["addresses"]]
        people += [m["email_address"] for m in control.dump("mailchimp")["members"]]
        people += [c["email"] for c in control.dump("brevo")["contacts"]]
        yield Ran(
            traces=traces,
            outcomes=outcomes,
            addresses=frozenset(email.strip().lower() for email in people if "@" in email),
        )


def test_the_scenario_went_as_it_was_meant_to(ran: Ran) -> None:
    assert ran.outcomes == {
        "setup": True,
        "apply": True,
        "sync in a storm": False,
        "sync": True,
        "status": True,
        "storm of 502 pages": False,
        "merge field refused": False,
        "contact refused": False,
        "bug in our code": False,
        "full_sync": True,
        "Brevo: first sync": True,
        "Brevo: storm of 502 pages": False,
        "Brevo: sync": True,
        "Brevo: key refused": False,
        "Brevo: contact refused": False,
        "Brevo: full_sync": True,
        "leads: sync": True,
        "leads: status": True,
        "leads: errors": True,
        "leads: forms": True,
        "leads: contact refused": True,
        "leads: LinkedIn refuses": False,
        "leads: imported": True,
        "leads: hourly": True,
    }


def test_every_lead_has_come_to_the_crm(ran: Ran) -> None:
    assert {address(person) for person in LEADS} <= ran.addresses


@pytest.mark.parametrize(
    "text",
    [
        "plan_may_be_pushed",
        "HTTP 500",
        "HTTP 502",
        "Unexpected error: ValueError",
        "rows_not_confirmed",
    ],
)
def test_the_search_finds_what_is_told(text: str, ran: Ran) -> None:
    assert ran.traces.containing(text)


def test_no_address_is_told(ran: Ran) -> None:
    assert {a: found for a in ran.addresses if (found := ran.traces.containing(a))} == {}


@pytest.mark.parametrize("text", ["kanarienvogel-", "voliere-17", *NAMES])
def test_no_part_of_a_canary_is_told(text: str, ran: Ran) -> None:
    assert ran.traces.containing(text) == []


@pytest.mark.parametrize("name", SECRETS)
def test_no_key_is_told(name: str, ran: Ran) -> None:
    assert ran.traces.containing(SECRETS[name]) == []
