"""`nl-pipeline receive` as a process: what it prints and loads, where it stores, how it ends."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from nl_pipeline import settings
from nl_pipeline.cli import main
from nl_pipeline.cli.invocation import ExitCode
from nl_pipeline.cli.sandbox import SANDBOX_SECRETS
from nl_pipeline.settings import SANDBOX_CONNECTION
from nl_pipeline.webhook_log.keys import SECRET_FILE, webhook_path
from nl_pipeline_tests.webhook_log.logs import bodies_of

RUN = "import sys; from nl_pipeline.cli import main; sys.exit(main())"
HEAVY = ("dagster", "duckdb", "httpx", "numpy", "pandas", "pandera")


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """A connections file with a public address."""
    path = tmp_path / settings.DEFAULT_FILE
    public = "webhooks:\n  public_url: https://hooks.agency.example\n"
    path.write_text(settings.sandbox_text() + public, encoding="utf-8")
    return path


@contextlib.contextmanager
def receiving(file: Path, *options: str) -> Iterator[tuple[subprocess.Popen[str], list[str]]]:
    """The command as a process, and the lines it prints at its start."""
    command = [sys.executable, "-c", RUN, "--config", str(file), "receive", "--port", "0", *options]
    process = subprocess.Popen(
        command,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        # The secret of LinkedIn's app is needed to answer LinkedIn at all.
        env={**os.environ, **SANDBOX_SECRETS},
    )
    assert process.stdout is not None
    try:
        yield process, [process.stdout.readline().strip() for _ in range(3)]
    finally:
        process.kill()
        process.communicate()


def path_of(origin: str, *, secret_file: Path) -> str:
    return webhook_path(
        secret_file.read_text(),
        connection=SANDBOX_CONNECTION,
        provider="mailchimp",
        origin=origin,
    )


def test_it_prints_shortened_addresses_stores_events_and_ends_in_peace(file: Path) -> None:
    log = file.parent / "data" / "webhooks"
    with receiving(file) as (process, (first, person, staff)):
        path = path_of("person", secret_file=log / SECRET_FILE)
        url = first.partition(";")[0].rpartition(" ")[2]
        answer = httpx.post(f"{url}{path}", content=b"event", trust_env=False)
        process.send_signal(signal.SIGTERM)
        output, errors = process.communicate(timeout=30)

    assert answer.status_code == 200
    assert bodies_of(log / SANDBOX_CONNECTION) == [b"event"]
    base = "https://hooks.agency.example/hooks/demo-mailchimp/mailchimp"
    token = path.rpartition("/")[2]
    assert person == f"{base}/person/{token[:6]}..."
    assert staff.startswith(f"{base}/staff/")
    assert token not in output + errors + first + person + staff
    assert errors == ""
    # The server raises the signal once more after it has closed, which may come after the end.
    assert process.returncode in (0, -signal.SIGTERM)


def test_it_prints_whole_addresses_when_asked_and_stores_where_it_is_told(
    file: Path, tmp_path: Path
) -> None:
    log = tmp_path / "elsewhere"

    with receiving(file, "--show-urls", "--log-dir", str(log)) as (_, (_, person, staff)):
        pass

    for origin, shown in (("person", person), ("staff", staff)):
        path = path_of(origin, secret_file=log / SECRET_FILE)
        assert shown == f"https://hooks.agency.example{path}"


def test_a_port_in_use_is_told_with_what_to_do(
    file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        code = main(["--config", str(file), "receive", "--port", port])

    assert code == ExitCode.USAGE
    assert "choose another --port" in capsys.readouterr().err


def test_a_folder_that_can_not_be_written_is_told(
    file: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "a file").touch()
    log = str(tmp_path / "a file" / "log")

    code = main(["--config", str(file), "receive", "--port", "0", "--log-dir", log])

    assert code == ExitCode.USAGE
    assert "folder of the webhook log" in capsys.readouterr().err


def test_it_loads_nothing_that_only_a_sync_needs() -> None:
    code = (
        "import sys; from nl_pipeline.cli import commands; "
        "commands.LazyCommands().commands['receive']; print(*sys.modules)"
    )

    loaded = subprocess.run(
        [sys.executable, "-c", code], stdout=subprocess.PIPE, check=True, text=True
    ).stdout.split()

    assert "nl_pipeline.receiver.serve" in loaded
    assert set(HEAVY) & set(loaded) == set()


def test_a_running_receiver_is_asked_whether_it_is_well(
    file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with receiving(file) as (_, (first, *_others)):
        port = first.partition(";")[0].rpartition(":")[2]

        code = main(["receive", "--port", port, "--check", "--wait", "10"])

    assert code == ExitCode.DONE
    assert '"status":"ok"' in capsys.readouterr().out


def test_a_receiver_that_does_not_answer_is_told_with_the_way_out(
    capsys: pytest.CaptureFixture[str],
) -> None:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port = str(listener.getsockname()[1])

        assert main(["receive", "--port", port, "--check"]) == ExitCode.FAILED

    assert f"nl-pipeline receive --port {port}" in capsys.readouterr().err
