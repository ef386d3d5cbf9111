"""`sandbox serve` and `sandbox connect`."""

from __future__ import annotations

import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from nl_pipeline import settings
from nl_pipeline.cli import main
from nl_pipeline.cli.invocation import ExitCode


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Every test stands in an empty folder."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


def serving(body: str) -> Iterator[int]:
    """A web server on loopback that answers everything with `body`; yields its port."""

    class Answer(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.end_headers()
            self.wfile.write(body.encode())

        def log_message(self, format: str, *arguments: object) -> None:
            """Keep the output of the test clean."""

    with HTTPServer(("127.0.0.1", 0), Answer) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield server.server_port
        server.shutdown()
        thread.join()


@pytest.fixture
def other_server_port() -> Iterator[int]:
    """The port of a web server that is no sandbox."""
    yield from serving("<html>It works!</html>")


@pytest.fixture
def free_port() -> int:
    """A port on which nothing answers."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port: int = listener.getsockname()[1]
    return port


@pytest.fixture
def sandbox_port(sandbox_url: str) -> int:
    """The port of a running sandbox."""
    port = urlsplit(sandbox_url).port
    assert port is not None
    return port


def connect(port: int, *options: str) -> int:
    return main(["sandbox", "connect", "--port", str(port), *options])


def test_connect_writes_settings_whose_secrets_are_set(sandbox_port: int) -> None:
    assert connect(sandbox_port) == ExitCode.DONE

    connection = settings.load().connection("demo-mailchimp")
    assert connection.crm.base_url.startswith(f"http://127.0.0.1:{sandbox_port}/onoffice/")
    assert len(connection.crm.token.resolve()) == 32
    assert len(connection.crm.secret.resolve()) == 64
    assert connection.provider.api_key.resolve().endswith("-us0")


def test_connect_keeps_the_keys_from_other_users(folder: Path, sandbox_port: int) -> None:
    connect(sandbox_port)

    assert (folder / ".env").stat().st_mode & 0o777 == 0o600


def test_connect_keeps_the_other_lines_of_the_environment_file(
    folder: Path, sandbox_port: int
) -> None:
    (folder / ".env").write_text("OTHER=kept\nNL_SANDBOX_ONOFFICE_TOKEN=old\n")

    connect(sandbox_port)

    environ = settings.environment(folder=folder)
    assert environ["OTHER"] == "kept"
    assert environ["NL_SANDBOX_ONOFFICE_TOKEN"] != "old"


def test_connect_can_be_repeated(sandbox_port: int) -> None:
    connect(sandbox_port)

    assert connect(sandbox_port) == ExitCode.DONE


def test_connect_replaces_what_it_wrote_for_another_port(folder: Path, sandbox_port: int) -> None:
    (folder / "connections.yaml").write_text(settings.sandbox_text(port=8901))

    assert connect(sandbox_port) == ExitCode.DONE
    assert (folder / "connections.yaml").read_text() == settings.sandbox_text(port=sandbox_port)


@pytest.mark.parametrize(
    "text",
    ["connections: {}\n", settings.sandbox_text() + "data_dir: mine\n"],
    ids=["foreign", "edited"],
)
def test_connect_does_not_replace_a_file_of_the_user(
    folder: Path, sandbox_port: int, text: str
) -> None:
    (folder / "connections.yaml").write_text(text)

    assert connect(sandbox_port) == ExitCode.USAGE
    assert (folder / "connections.yaml").read_text() == text
    assert not (folder / ".env").exists()


def test_connect_replaces_a_file_of_the_user_when_forced(folder: Path, sandbox_port: int) -> None:
    (folder / "connections.yaml").write_text("connections: {}\n")

    assert connect(sandbox_port, "--force") == ExitCode.DONE
    assert "demo-mailchimp" in (folder / "connections.yaml").read_text()


def test_connect_says_how_to_start_a_sandbox_that_is_not_there(
    folder: Path, free_port: int, capsys: pytest.CaptureFixture[str]
) -> None:
    assert connect(free_port) == ExitCode.FAILED
    assert f"nl-pipeline sandbox serve --port {free_port}" in capsys.readouterr().err
    assert list(folder.iterdir()) == []


def test_connect_does_not_take_any_server_for_a_sandbox(
    other_server_port: int, capsys: pytest.CaptureFixture[str]
) -> None:
    assert connect(other_server_port) == ExitCode.FAILED
    assert "it is no sandbox" in capsys.readouterr().err


def test_connect_does_not_ask_a_proxy(
    sandbox_port: int, free_port: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("http_proxy", f"http://127.0.0.1:{free_port}")

    assert connect(sandbox_port) == ExitCode.DONE


@pytest.mark.parametrize("host", ["0.0.0.0", "192.0.2.1", "example.org"])
def test_serve_only_listens_on_loopback(host: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["sandbox", "serve", "--host", host]) == ExitCode.USAGE
    assert "not loopback" in capsys.readouterr().err


def test_serve_says_when_the_port_is_taken(
    other_server_port: int, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["sandbox", "serve", "--port", str(other_server_port)]) == ExitCode.USAGE
    assert f"port {other_server_port}" in capsys.readouterr().err


def test_serve_runs_until_it_is_interrupted_and_connect_waits_for_it(free_port: int) -> None:
    command = "import sys; from nl_pipeline.cli import main; sys.exit(main())"
    arguments = ["sandbox", "serve", "--port", str(free_port), "--contacts", "10"]
    with subprocess.Popen(
        [sys.executable, "-c", command, *arguments], stdout=subprocess.PIPE, text=True
    ) as process:
        connected = connect(free_port, "--wait", "60")
        process.send_signal(signal.SIGINT)
        printed, _ = process.communicate(timeout=60)

    assert connected == ExitCode.DONE
    assert process.returncode == ExitCode.DONE
    assert f"nl-pipeline sandbox connect --port {free_port}" in printed


def test_connecting_with_a_receiver_tells_the_sandbox_where_it_is_and_can_be_undone(
    folder: Path, sandbox_port: int
) -> None:
    port = str(sandbox_port)
    assert main(["sandbox", "connect", "--port", port, "--receiver", "8701"]) == ExitCode.DONE
    with_receiver = (folder / "connections.yaml").read_text()

    assert main(["sandbox", "connect", "--port", port]) == ExitCode.DONE

    assert settings.load(folder / "connections.yaml").webhooks.public_url is None
    assert "public_url: http://127.0.0.1:8701" in with_receiver
