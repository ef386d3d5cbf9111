"""The commands that look, plan, push and report, against a running sandbox."""

from __future__ import annotations

import csv
import io
import json
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
import yaml

from nl_pipeline import settings
from nl_pipeline.cli import main
from nl_pipeline.cli.invocation import ExitCode
from nl_pipeline.cli.output import csv_text
from nl_pipeline.clients.mailchimp import MailchimpClient
from nl_pipeline.clients.onoffice import OnOfficeClient
from nl_pipeline.sandbox.app import World
from nl_pipeline.sandbox.serve import running
from nl_pipeline.sync.link import open_warehouse
from nl_pipeline.warehouse import plans
from nl_pipeline_tests.conftest import SMALL_POPULATION
from nl_pipeline_tests.sandbox_control import SandboxControl
from nl_pipeline_tests.sync.conftest import Copy

CONNECTION = settings.SANDBOX_CONNECTION
Run = Callable[..., str]


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder the user stands in, empty at first."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture(scope="module")
def world() -> World:
    """The world that the tests of this file share; each of them begins it anew."""
    return World(contacts=0)


@pytest.fixture(scope="module")
def shared_sandbox(world: World) -> Iterator[SandboxControl]:
    """The control of the one server; no command waits in real time for what it does."""
    with running(world) as base_url, pytest.MonkeyPatch.context() as patch:
        for client in (OnOfficeClient, MailchimpClient):
            defaults = {**(client.__init__.__kwdefaults__ or {}), "sleep": lambda _: None}
            patch.setattr(client.__init__, "__kwdefaults__", defaults)
        control = SandboxControl(base_url)
        yield control
        control.close()


@pytest.fixture
def sandbox(shared_sandbox: SandboxControl) -> SandboxControl:
    """A fresh sandbox with a small population."""
    refill(shared_sandbox)
    return shared_sandbox


def refill(control: SandboxControl) -> None:
    """Fresh people, and batches that are through by the time one asks for them."""
    control.clear_faults()
    control.reset(contacts=SMALL_POPULATION)
    control.switch("mailchimp", name="batch_seconds", value=0)


def connect(control: SandboxControl) -> None:
    """Point the current folder at a sandbox."""
    port = urlsplit(control.base_url).port
    assert main(["sandbox", "connect", "--port", str(port)]) == ExitCode.DONE


def running_commands(capsys: pytest.CaptureFixture[str]) -> Run:
    """A function that runs one command, checks its exit code and returns what it printed."""
    capsys.readouterr()

    def command(*arguments: str, code: ExitCode = ExitCode.DONE) -> str:
        ended = main(list(arguments))
        printed = capsys.readouterr()
        assert ended == code, printed.err
        return printed.out + printed.err

    return command


@pytest.fixture
def run(folder: Path, sandbox: SandboxControl, capsys: pytest.CaptureFixture[str]) -> Run:
    """Runs commands in a folder connected to a sandbox of this test's own."""
    connect(sandbox)
    return running_commands(capsys)


def shown(output: str) -> dict[str, Any]:
    """The one JSON document of an output."""
    document: dict[str, Any] = json.loads(output)
    return document


@pytest.fixture(scope="module")
def first_sync(
    world: World, shared_sandbox: SandboxControl, tmp_path_factory: pytest.TempPathFactory
) -> tuple[Copy, Path]:
    """The twins after the first sync, and the user's folder; made once."""
    folder = tmp_path_factory.mktemp("first_sync")
    refill(shared_sandbox)
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        connect(shared_sandbox)
        assert main(["setup", CONNECTION]) == ExitCode.DONE
        plan = plans.latest(open_warehouse(settings.load(), connection=CONNECTION))
        assert plan is not None
        assert main(["apply", plan.plan_id]) == ExitCode.DONE
    return Copy.of(world), folder


@pytest.fixture
def synced(
    first_sync: tuple[Copy, Path],
    world: World,
    sandbox: SandboxControl,
    folder: Path,
    capsys: pytest.CaptureFixture[str],
) -> Run:
    """Runs commands after the first sync, of which the test gets a copy of its own."""
    twins, after = first_sync
    twins.restore(world)
    shutil.copytree(after, folder, dirs_exist_ok=True)
    return running_commands(capsys)


def change_settings(folder: Path, change: Callable[[dict[str, Any]], None]) -> None:
    """Edit the connections of the folder."""
    file = folder / settings.DEFAULT_FILE
    document = yaml.safe_load(file.read_text())
    change(document["connections"])
    file.write_text(yaml.safe_dump(document))


def members(sandbox: SandboxControl) -> dict[str, str]:
    """Status by address of the audience `onoffice`."""
    state = sandbox.dump("mailchimp")
    audience = next(a["id"] for a in state["audiences"] if a["name"] == "onoffice")
    return {m["email_address"]: m["status"] for m in state["members"] if m["list_id"] == audience}


def subscribers(sandbox: SandboxControl, count: int) -> list[str]:
    """Addresses of subscribed people that exactly one contact has."""
    contacts = sandbox.dump("onoffice")["addresses"]
    every = [email.strip().lower() for contact in contacts for email in contact["emails"]]
    alone = [
        email
        for email, status in sorted(members(sandbox).items())
        if status == "subscribed" and every.count(email) == 1
    ]
    return alone[:count]


def count_writes(sandbox: SandboxControl) -> int:
    """Writing calls the twins have counted; of onOffice each action counts."""
    writes = 0
    for call in sandbox.calls():
        if call.service == "onoffice":
            writes += sum(
                count
                for action, count in call.actions.items()
                if not action.startswith(("read:", "get:"))
            )
        elif call.method != "GET":
            writes += call.count
    return writes


# The way through ------------------------------------------------------------------------


def test_after_the_quick_start_a_second_sync_writes_nothing(
    run: Run, sandbox: SandboxControl
) -> None:
    run("setup", CONNECTION)
    plan_id = shown(run("plan", CONNECTION, "--json"))["plan_id"]
    run("apply", plan_id)
    run("sync", CONNECTION)
    sandbox.forget_calls()

    run("sync", CONNECTION)

    assert count_writes(sandbox) == 0
    assert "subscribed" in members(sandbox).values()


def test_setup_and_plan_write_no_member_and_no_contact(run: Run, sandbox: SandboxControl) -> None:
    run("setup", CONNECTION)
    sandbox.forget_calls()

    run("plan", CONNECTION, "--full")

    assert count_writes(sandbox) == 0
    assert members(sandbox) == {}


def test_setup_says_how_to_apply_the_first_plan(run: Run) -> None:
    output = run("setup", CONNECTION)
    plan_id = shown(run("plan", CONNECTION, "--json"))["plan_id"]

    assert f"`nl-pipeline apply {plan_id}`" in output


def test_a_sync_does_not_apply_the_first_plan(run: Run, sandbox: SandboxControl) -> None:
    run("setup", CONNECTION)

    output = run("sync", CONNECTION, code=ExitCode.HELD_OR_PARTIAL)

    assert "nl-pipeline apply" in output
    assert members(sandbox) == {}


def test_a_dry_run_stops_at_the_plan(synced: Run, sandbox: SandboxControl) -> None:
    (email,) = subscribers(sandbox, 1)
    sandbox.act("mailchimp", actor="person", action="unsubscribe", email=email)
    sandbox.forget_calls()

    output = synced("sync", CONNECTION, "--dry-run")

    assert "unsubscribed_at_provider" in output
    assert count_writes(sandbox) == 0


def test_a_sync_transfers_an_opt_out(synced: Run, sandbox: SandboxControl) -> None:
    (email,) = subscribers(sandbox, 1)
    sandbox.act("mailchimp", actor="person", action="unsubscribe", email=email)

    synced("sync", CONNECTION)

    newsletter = {
        contact["newsletter_aktiv"]
        for contact in sandbox.dump("onoffice")["addresses"]
        if contact["Email"].strip().lower() == email
    }
    assert newsletter == {"2"}


# Several connections --------------------------------------------------------------------


def add_connection(folder: Path, name: str, **crm: str) -> None:
    """A second connection to the same sandbox."""

    def change(connections: dict[str, Any]) -> None:
        copied = json.loads(json.dumps(connections[CONNECTION]))
        copied["crm"]["onoffice"].update(crm)
        # In front, so that its failure would be in the way of the other one.
        first = {name: copied, **connections}
        connections.clear()
        connections.update(first)

    change_settings(folder, change)


def test_a_connection_that_fails_does_not_stop_the_others(
    synced: Run, folder: Path, sandbox: SandboxControl
) -> None:
    add_connection(folder, "a-broken-one", token="${NL_SANDBOX_MAILCHIMP_API_KEY}")
    (email,) = subscribers(sandbox, 1)
    sandbox.act("mailchimp", actor="person", action="unsubscribe", email=email)

    output = synced("sync", code=ExitCode.FAILED)

    assert "a-broken-one: onoffice:" in output
    assert f"{CONNECTION}: plan" in output
    assert "1 confirmed" in output


def test_a_plan_id_of_two_connections_needs_the_name_of_one(run: Run, folder: Path) -> None:
    add_connection(folder, "twin")
    for name in (CONNECTION, "twin"):
        plan_id = shown(run("setup", name, "--json"))["plan"]["plan_id"]

    output = run("apply", plan_id, code=ExitCode.USAGE)

    assert "--connection" in output
    run("apply", plan_id, "--connection", "twin")


def test_a_plan_that_nobody_has_is_a_wrong_call(synced: Run) -> None:
    assert "There is no plan nonsense" in synced("apply", "nonsense", code=ExitCode.USAGE)


def test_a_plan_that_a_newer_one_replaced_is_refused(synced: Run, sandbox: SandboxControl) -> None:
    first, second = subscribers(sandbox, 2)
    sandbox.act("mailchimp", actor="person", action="unsubscribe", email=first)
    old = shown(synced("plan", CONNECTION, "--json"))["plan_id"]
    sandbox.act("mailchimp", actor="person", action="unsubscribe", email=second)
    synced("plan", CONNECTION)

    assert "expired" in synced("apply", old, code=ExitCode.FAILED)


# Held plans -----------------------------------------------------------------------------


@pytest.fixture
def held(synced: Run, folder: Path, sandbox: SandboxControl) -> list[str]:
    """Two contacts set to No where a brake lets one removal through; returns their addresses."""

    def tighten(connections: dict[str, Any]) -> None:
        removals = {"count": 1, "percent": 1}
        connections[CONNECTION]["brakes"] = {"removals": removals, "at_least": 1}

    change_settings(folder, tighten)
    emails = subscribers(sandbox, 2)
    for email in emails:
        sandbox.act(
            "onoffice",
            actor="staff",
            action="modify",
            email=email,
            fields={"newsletter_aktiv": "0"},
        )
    return emails


def test_a_held_plan_is_no_success(held: list[str], synced: Run, sandbox: SandboxControl) -> None:
    plan = shown(synced("plan", CONNECTION, "--json", code=ExitCode.HELD_OR_PARTIAL))
    synced("sync", CONNECTION, code=ExitCode.HELD_OR_PARTIAL)
    status = shown(synced("status", "--json", code=ExitCode.HELD_OR_PARTIAL))["connections"][0]

    assert [brake["brake"] for brake in plan["brakes"] if brake["tripped"]] == ["removals"]
    assert status["held"] == 2
    assert {members(sandbox)[email] for email in held} == {"subscribed"}


def test_a_released_plan_is_applied(held: list[str], synced: Run, sandbox: SandboxControl) -> None:
    plan = shown(synced("plan", CONNECTION, "--json", code=ExitCode.HELD_OR_PARTIAL))
    plan_id = plan["plan_id"]
    synced("apply", plan_id, code=ExitCode.HELD_OR_PARTIAL)

    synced("release", plan_id, "--by", "Anna", "--reason", "the list was cleaned up")
    synced("apply", plan_id)

    assert {members(sandbox)[email] for email in held} == {"unsubscribed"}
    synced("status")


def test_a_release_names_a_person_and_a_reason(held: list[str], synced: Run) -> None:
    plan = shown(synced("plan", CONNECTION, "--json", code=ExitCode.HELD_OR_PARTIAL))

    synced("release", plan["plan_id"], code=ExitCode.USAGE)
    synced("release", plan["plan_id"], "--by", "Anna", "--reason", " ", code=ExitCode.USAGE)


def test_a_plan_that_holds_nothing_cannot_be_released(synced: Run) -> None:
    plan_id = shown(synced("plan", CONNECTION, "--json"))["plan_id"]

    output = synced("release", plan_id, "--by", "A", "--reason", "B", code=ExitCode.FAILED)

    assert "holds nothing back" in output


# What is shown --------------------------------------------------------------------------


def test_a_sync_reports_the_calls_it_made(synced: Run) -> None:
    (connection,) = shown(synced("sync", CONNECTION, "--json"))["connections"]

    assert connection["complete"] is True
    assert connection["result"]["confirmed"] == 0
    assert connection["calls"]["crm"]["read:address"] > 0
    assert connection["calls"]["provider"]


def test_a_sync_shows_its_calls_beside_the_least_possible(synced: Run) -> None:
    (connection,) = shown(synced("sync", CONNECTION, "--json"))["connections"]
    calls = connection["calls"]

    printed = synced("sync", CONNECTION)

    assert calls["made"] >= calls["least"] > 0
    assert f"Calls: {calls['made']} made, {calls['least']} at least" in printed
    assert "asking about the account" in printed


def test_apply_reports_results_and_calls(run: Run) -> None:
    plan = shown(run("setup", CONNECTION, "--json"))["plan"]

    applied = shown(run("apply", plan["plan_id"], "--json"))

    assert applied["result"]["confirmed"] == sum(change["rows"] for change in plan["changes"])
    assert applied["calls"]["provider"]
    assert {"write", "read_back"} <= {part["purpose"] for part in applied["calls"]["purposes"]}


def test_no_command_prints_an_address_unasked(run: Run) -> None:
    first = shown(run("setup", CONNECTION, "--json"))["plan"]["plan_id"]
    outputs = [
        run("setup", CONNECTION),
        run("plan", CONNECTION, "--rows", "100"),
        run("plan", CONNECTION, "--json"),
        run("apply", first),
        run("sync", CONNECTION),
        run("sync", CONNECTION, "--json"),
        run("status"),
        run("status", "--json"),
        run("errors", CONNECTION),
        run("errors", CONNECTION, "--json"),
    ]

    assert [output for output in outputs if "@" in output] == []


def test_status_of_all_tells_what_was_never_set_up(run: Run) -> None:
    printed = run("status")

    for name in (CONNECTION, settings.SANDBOX_BREVO_CONNECTION):
        assert f"nl-pipeline setup {name}" in printed
    assert shown(run("status", "--json"))["connections"] == [
        {"connection": CONNECTION, "set_up": False},
        {"connection": settings.SANDBOX_BREVO_CONNECTION, "set_up": False},
    ]


def test_status_of_one_that_was_never_set_up_is_a_wrong_call(run: Run) -> None:
    assert f"nl-pipeline setup {CONNECTION}" in run("status", CONNECTION, code=ExitCode.USAGE)


def test_an_unknown_connection_is_a_wrong_call(synced: Run) -> None:
    for command in ("setup", "plan", "sync", "status", "errors"):
        assert CONNECTION in synced(command, "nonsense", code=ExitCode.USAGE)


def test_status_writes_every_record_that_makes_the_difference(synced: Run) -> None:
    status = shown(synced("status", "--json"))["connections"][0]

    rows = list(csv.DictReader(io.StringIO(synced("status", "--csv", "-"))))

    assert len(rows) == sum(difference["rows"] for difference in status["differences"])
    assert {row["reason"] for row in rows} == {d["reason"] for d in status["differences"]}


def test_explain_names_the_rule(synced: Run, sandbox: SandboxControl) -> None:
    (email,) = subscribers(sandbox, 1)

    assert "Rule S29 (in_step)" in synced("explain", CONNECTION, email)
    explained = shown(synced("explain", CONNECTION, email, "--json"))
    assert explained["known"] is True
    assert explained["rules"][0]["code"] == "in_step"


def test_explain_refuses_what_is_no_address(synced: Run) -> None:
    synced("explain", CONNECTION, "Anna Muster", code=ExitCode.USAGE)


# CSV ------------------------------------------------------------------------------------


@pytest.mark.parametrize("start", list("=+-@\t\r"), ids=repr)
def test_a_cell_that_could_be_a_formula_is_defused(start: str) -> None:
    text = csv_text(columns=["value"], rows=[[f"{start}1+1"]])

    _, (cell,) = csv.reader(io.StringIO(text, newline=""))
    assert cell == f"'{start}1+1"


def test_an_ordinary_cell_stays_as_it_is() -> None:
    text = csv_text(columns=["value"], rows=[['O\'Neill, "Bauherr"'], [12], [None]])

    assert list(csv.reader(io.StringIO(text))) == [["value"], ['O\'Neill, "Bauherr"'], ["12"], [""]]


def create_contacts_like_formulas(sandbox: SandboxControl) -> None:
    """A contact whose address is a formula, and one whose unusable address is."""
    for email in ("=cmd@kunde.example", "=1+1"):
        sandbox.act(
            "onoffice",
            actor="staff",
            action="create",
            email=email,
            fields={"newsletter_aktiv": "1", "Name": "=SUM(A1:A9)"},
        )


def test_no_cell_of_a_plan_is_a_formula(run: Run, folder: Path, sandbox: SandboxControl) -> None:
    create_contacts_like_formulas(sandbox)
    run("setup", CONNECTION)

    run("plan", CONNECTION, "--csv", "plan.csv")

    rows = list(csv.reader((folder / "plan.csv").read_text(encoding="utf-8-sig").splitlines()))
    assert any("'=cmd@kunde.example" in row for row in rows)
    assert [cell for row in rows for cell in row if cell.startswith(("=", "+", "-", "@"))] == []


def test_no_cell_of_the_errors_is_a_formula(run: Run, sandbox: SandboxControl) -> None:
    create_contacts_like_formulas(sandbox)
    run("setup", CONNECTION)

    rows = list(csv.reader(io.StringIO(run("errors", CONNECTION, "--csv", "-"))))

    assert any("'=1+1" in row for row in rows)
    assert [cell for row in rows for cell in row if cell.startswith(("=", "+", "-", "@"))] == []


def test_a_csv_file_is_for_its_owner_only(synced: Run, folder: Path) -> None:
    synced("plan", CONNECTION, "--csv", "plan.csv")

    assert (folder / "plan.csv").stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize("command", ["plan", "status", "errors"])
def test_json_and_csv_do_not_share_standard_output(synced: Run, command: str) -> None:
    output = synced(command, CONNECTION, "--json", "--csv", "-", code=ExitCode.USAGE)

    assert "both want standard output" in output
