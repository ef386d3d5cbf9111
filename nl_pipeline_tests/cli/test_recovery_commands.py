"""The commands `backfill` and `webhooks`, and the webhooks that `setup` makes."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml

from nl_pipeline import settings
from nl_pipeline.cli import main
from nl_pipeline.cli.invocation import ExitCode
from nl_pipeline.sandbox.app import World
from nl_pipeline.sandbox.serve import running
from nl_pipeline.sync.link import open_warehouse
from nl_pipeline.warehouse import plans
from nl_pipeline_tests.cli.test_sync_commands import connect, running_commands, subscribers
from nl_pipeline_tests.sandbox.mailchimp.receiver import Receiver
from nl_pipeline_tests.sandbox_control import SandboxControl

CONNECTION = settings.SANDBOX_CONNECTION
Run = Callable[..., str]


@pytest.fixture(scope="module")
def receiver() -> Iterator[Receiver]:
    with Receiver() as receiver:
        yield receiver


@pytest.fixture(scope="module")
def set_up(
    tmp_path_factory: pytest.TempPathFactory, receiver: Receiver
) -> Iterator[tuple[SandboxControl, Path]]:
    """A sandbox after its first sync, set up with webhooks, and the folder of it."""
    folder = tmp_path_factory.mktemp("recovering")
    with running(World(contacts=20)) as base_url, pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        control = SandboxControl(base_url)
        connect(control)
        reach_us(folder, receiver.url.removesuffix("/hooks/geheim"))
        assert main(["setup", CONNECTION]) == ExitCode.DONE
        plan = plans.latest(open_warehouse(settings.load(), connection=CONNECTION))
        assert plan is not None
        assert main(["apply", plan.plan_id]) == ExitCode.DONE
        patch.undo()
        yield control, folder
        control.close()


@pytest.fixture
def run(
    set_up: tuple[SandboxControl, Path],
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> Run:
    """Runs commands in the folder; what they print is returned."""
    monkeypatch.chdir(set_up[1])
    return running_commands(capsys)


@pytest.fixture
def control(set_up: tuple[SandboxControl, Path]) -> SandboxControl:
    return set_up[0]


def reach_us(folder: Path, url: str | None) -> None:
    """Set the address under which the provider reaches us."""
    file = folder / settings.DEFAULT_FILE
    document = yaml.safe_load(file.read_text())
    document["webhooks"] = {"public_url": url}
    file.write_text(yaml.safe_dump(document))


def shown(output: str) -> dict[str, Any]:
    document: dict[str, Any] = json.loads(output)
    return document


def day(ago: int) -> str:
    return f"{datetime.now(UTC) - timedelta(days=ago):%Y-%m-%d}"


def test_set_up_makes_the_webhooks(control: SandboxControl) -> None:
    webhooks = control.dump("mailchimp")["webhooks"]

    assert [set(hook["sources"].items()) >= {("api", False)} for hook in webhooks] == [True] * 2


def test_webhooks_that_are_right_need_nothing(run: Run) -> None:
    assert "told what they should" in run("webhooks", CONNECTION)


def test_a_missing_webhook_is_told_and_mended(run: Run, control: SandboxControl) -> None:
    webhook = control.dump("mailchimp")["webhooks"][0]
    control.act(
        "mailchimp", actor="staff", action="edit_webhook", webhook_id=webhook["id"], delete=True
    )

    told = run("webhooks", CONNECTION, code=ExitCode.HELD_OR_PARTIAL)
    mended = run("webhooks", CONNECTION, "--repair")

    assert f"Next: nl-pipeline webhooks {CONNECTION} --repair" in told
    assert f"Next: nl-pipeline backfill {CONNECTION}" in mended
    assert len(control.dump("mailchimp")["webhooks"]) == 2


def test_the_secret_part_of_a_webhook_is_never_printed(run: Run, control: SandboxControl) -> None:
    webhook = control.dump("mailchimp")["webhooks"][0]
    control.act(
        "mailchimp",
        actor="staff",
        action="edit_webhook",
        webhook_id=webhook["id"],
        sources={"api": True},
    )
    tokens = [hook["url"].rpartition("/")[2] for hook in control.dump("mailchimp")["webhooks"]]

    printed = run("webhooks", CONNECTION, "--json", code=ExitCode.HELD_OR_PARTIAL)
    printed += run("webhooks", CONNECTION, "--repair", "--json")

    assert [token for token in tokens if token in printed] == []
    assert webhook["id"] in printed


def test_a_day_is_recovered_once(run: Run, control: SandboxControl) -> None:
    email = subscribers(control, 1)[0]
    control.act("mailchimp", actor="person", action="unsubscribe", email=email)
    window = ("--from", day(1), "--to", day(0))

    first = shown(run("backfill", CONNECTION, *window, "--json"))
    again = run("backfill", CONNECTION, *window)

    assert (first["new"]["UNSUBSCRIBE"], first["applied"]["contacts_cancelled"]) == (1, 1)
    assert "Opt-outs carried through: 0, contacts cancelled: 0" in again
    assert email not in json.dumps(first) + again


@pytest.mark.parametrize(
    ("first", "last", "why"),
    [(day(0), day(1), "is later"), (day(0), day(-2), "has not come yet")],
    ids=["reversed", "future"],
)
def test_days_that_make_no_sense_are_refused_before_anything_is_called(
    run: Run, control: SandboxControl, first: str, last: str, why: str
) -> None:
    control.forget_calls()

    printed = run("backfill", CONNECTION, "--from", first, "--to", last, code=ExitCode.USAGE)

    assert why in printed
    assert control.calls() == []


def test_without_an_address_of_ours_the_command_says_what_to_set(
    run: Run, set_up: tuple[SandboxControl, Path], receiver: Receiver
) -> None:
    reach_us(set_up[1], None)

    printed = run("webhooks", CONNECTION, code=ExitCode.USAGE)
    prepared = run("setup", CONNECTION)

    reach_us(set_up[1], receiver.url.removesuffix("/hooks/geheim"))
    assert "webhooks.public_url is not set" in printed
    assert "webhooks.public_url is not set" in prepared
