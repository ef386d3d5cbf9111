"""The command `ingest`: what it does, prints and ends with, and that it keeps nobody waiting."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import httpx
import pytest

from nl_pipeline import settings
from nl_pipeline.cli import main
from nl_pipeline.cli.invocation import ExitCode
from nl_pipeline.sync.link import open_warehouse
from nl_pipeline.warehouse import connection as warehouse_connection
from nl_pipeline.warehouse import observations
from nl_pipeline.webhook_log.lines import LogLine, body_fields, encode
from nl_pipeline_tests.cli.first_sync import CONNECTION, synced_once
from nl_pipeline_tests.sandbox_control import SandboxControl


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[SandboxControl, Path]]:
    """A sandbox and the folder of its user, after the first sync."""
    folder = tmp_path_factory.mktemp("ingest")
    with synced_once(folder) as control:
        yield control, folder


@pytest.fixture
def sandbox(place: tuple[SandboxControl, Path], monkeypatch: pytest.MonkeyPatch) -> SandboxControl:
    monkeypatch.chdir(place[1])
    return place[0]


def store_unsubscribe(email: str) -> None:
    """Put an unsubscribe into the log, as the receiver would."""
    loaded = settings.load()
    audience = observations.read_state(
        open_warehouse(loaded, connection=CONNECTION), name="audience_id"
    )
    now = datetime.now(UTC)
    form = {
        "type": "unsubscribe",
        "fired_at": f"{now:%Y-%m-%d %H:%M:%S}",
        "data[email]": email,
        "data[list_id]": str(audience),
    }
    line = LogLine(
        id=f"test-{email}",
        received_at=now,
        provider="mailchimp",
        origin="person",
        signature="valid",
        headers={},
        **body_fields(urlencode(form).encode()),
    )
    day = loaded.webhook_log_dir(CONNECTION) / f"{now:%Y-%m-%d}"
    day.mkdir(parents=True, exist_ok=True)
    with (day / "00.test-1.jsonl").open("ab") as segment:
        segment.write(encode(line))


def somebody(sandbox: SandboxControl, *, place: int) -> dict[str, Any]:
    """A subscribed contact of the CRM, the only one with its address."""
    contacts = sandbox.dump("onoffice")["addresses"]
    emails = [str(contact["Email"]).lower() for contact in contacts]
    subscribed = {
        member["email_address"].lower()
        for member in sandbox.dump("mailchimp")["members"]
        if member["status"] == "subscribed"
    }
    found = [
        contact
        for contact in contacts
        if contact["Email"].lower() in subscribed and emails.count(contact["Email"].lower()) == 1
    ]
    chosen: dict[str, Any] = found[place]
    return chosen


def newsletter(sandbox: SandboxControl, contact: dict[str, Any]) -> str:
    contacts = sandbox.dump("onoffice")["addresses"]
    return next(str(c["newsletter_aktiv"]) for c in contacts if c["id"] == contact["id"])


def test_it_carries_an_opt_out_through_and_tells_how_long_it_took(
    sandbox: SandboxControl, capsys: pytest.CaptureFixture[str]
) -> None:
    contact = somebody(sandbox, place=0)
    sandbox.act("mailchimp", actor="person", action="unsubscribe", email=contact["Email"])
    store_unsubscribe(contact["Email"])

    assert main(["ingest", CONNECTION]) == ExitCode.DONE

    shown = capsys.readouterr().out
    assert newsletter(sandbox, contact) == "2"
    assert "new: UNSUBSCRIBE" in shown
    assert "Opt-outs stood in the CRM" in shown
    assert contact["Email"].lower() not in shown.lower()


def test_it_has_nothing_to_do_a_second_time(
    sandbox: SandboxControl, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["ingest", CONNECTION]) == ExitCode.DONE
    capsys.readouterr()

    assert main(["ingest", CONNECTION, "--json"]) == ExitCode.DONE

    shown = json.loads(capsys.readouterr().out)
    assert (shown["lines"], shown["new"], shown["sync"]) == (0, {}, None)


def test_a_crm_that_is_away_is_its_failure(
    sandbox: SandboxControl, capsys: pytest.CaptureFixture[str]
) -> None:
    contact = somebody(sandbox, place=1)
    store_unsubscribe(contact["Email"])
    sandbox.fault("onoffice", kind="status", match="", errorcode=137, times=50)

    assert main(["ingest", CONNECTION]) == ExitCode.FAILED
    sandbox.clear_faults()

    assert "Next:" in capsys.readouterr().err
    assert main(["ingest", CONNECTION]) == ExitCode.DONE
    assert newsletter(sandbox, contact) == "2"


def test_no_other_process_waits_for_a_call_of_it(
    sandbox: SandboxControl, monkeypatch: pytest.MonkeyPatch
) -> None:
    contact = somebody(sandbox, place=2)
    sandbox.act("mailchimp", actor="person", action="unsubscribe", email=contact["Email"])
    store_unsubscribe(contact["Email"])
    send = httpx.Client.send
    held: list[bool] = []

    def watched(client: httpx.Client, *arguments: Any, **options: Any) -> httpx.Response:
        engines = warehouse_connection._engines.values()
        held.append(any(engine.opened is not None for engine in engines))
        return send(client, *arguments, **options)

    monkeypatch.setattr(httpx.Client, "send", watched)

    assert main(["ingest", CONNECTION]) == ExitCode.DONE

    assert set(held) == {False}
