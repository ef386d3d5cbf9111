"""`init`, `config check`, `config schema`, and what every command has in common."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import typer

from nl_pipeline import settings
from nl_pipeline.cli import app, main
from nl_pipeline.cli.invocation import CommandError, ExitCode


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Every test stands in an empty folder."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_init_writes_an_example_that_check_accepts(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["init"]) == ExitCode.DONE
    assert (folder / "connections.yaml").read_text() == settings.example_text()

    assert main(["config", "check"]) == ExitCode.DONE
    assert "my-agency" in capsys.readouterr().out


def test_init_does_not_replace_a_file(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (folder / "connections.yaml").write_text("mine")

    assert main(["init"]) == ExitCode.USAGE
    assert (folder / "connections.yaml").read_text() == "mine"
    assert "--force" in capsys.readouterr().err


def test_init_replaces_a_file_when_forced(folder: Path) -> None:
    (folder / "connections.yaml").write_text("mine")

    assert main(["init", "--force"]) == ExitCode.DONE
    assert (folder / "connections.yaml").read_text() == settings.example_text()


def test_init_writes_where_it_is_told(folder: Path) -> None:
    assert main(["init", "--path", "other.yaml"]) == ExitCode.DONE
    assert (folder / "other.yaml").exists()


def test_init_says_when_the_folder_is_missing(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["init", "--path", "gone/connections.yaml"]) == ExitCode.USAGE
    assert "can't be written" in capsys.readouterr().err


def test_check_names_every_problem_and_ends_with_2(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (folder / "connections.yaml").write_text("connections: {}\ndata_dri: x\n")

    assert main(["config", "check"]) == ExitCode.USAGE
    printed = capsys.readouterr()
    assert "2 problems" in printed.err
    assert "connections.yaml:1: connections: must not be empty" in printed.err
    assert "connections.yaml:2: data_dri: this key is not known here" in printed.err
    assert printed.out == ""


def test_check_tells_scripts_about_problems_as_json(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (folder / "connections.yaml").write_text("connections: {}\n")

    assert main(["config", "check", "--json"]) == ExitCode.USAGE
    answer = json.loads(capsys.readouterr().out)
    assert answer["valid"] is False
    assert (answer["problems"][0]["line"], answer["problems"][0]["key"]) == (1, "connections")


def test_check_tells_scripts_about_connections_as_json(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (folder / "connections.yaml").write_text(settings.example_text())
    (folder / ".env").write_text("ONOFFICE_TOKEN=x\nONOFFICE_SECRET=y\n")

    assert main(["config", "check", "--json"]) == ExitCode.DONE
    (connection,) = json.loads(capsys.readouterr().out)["connections"]
    assert connection == {
        "name": "my-agency",
        "provider": "mailchimp",
        "audience": "onoffice",
        "fields": ["salutation", "first_name", "last_name"],
        "secrets_missing": ["${MAILCHIMP_API_KEY}"],
    }


def test_check_accepts_a_file_whose_secrets_are_not_set_yet_and_lists_them(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (folder / "connections.yaml").write_text(settings.example_text())

    assert main(["config", "check"]) == ExitCode.DONE
    assert "not set yet: ${ONOFFICE_TOKEN}" in capsys.readouterr().out


def test_check_reads_the_file_that_is_named(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (folder / "other.yaml").write_text(settings.example_text())

    assert main(["--config", "other.yaml", "config", "check"]) == ExitCode.DONE
    assert "other.yaml is valid" in capsys.readouterr().out


def test_check_without_a_file_says_what_is_used(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["config", "check"]) == ExitCode.DONE
    printed = capsys.readouterr().out
    assert "embedded default is valid" in printed
    assert "demo-mailchimp" in printed


def test_check_names_an_environment_file_that_cannot_be_read(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (folder / ".env").write_bytes(b"KEY=\xff\xfe")

    assert main(["config", "check"]) == ExitCode.USAGE
    assert ".env: this file can't be read" in capsys.readouterr().err


def test_schema_prints_the_json_schema(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["config", "schema"]) == ExitCode.DONE
    assert json.loads(capsys.readouterr().out) == settings.json_schema()


@pytest.mark.parametrize(
    "arguments", [["nonsense"], ["init", "--nonsense"], ["config", "nonsense"]]
)
def test_a_wrong_call_ends_with_2(arguments: list[str]) -> None:
    assert main(arguments) == ExitCode.USAGE


def test_the_version_is_shown(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--version"]) == ExitCode.DONE
    assert capsys.readouterr().out.startswith("nl-pipeline ")


def test_help_lists_the_exit_codes(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--help"]) == ExitCode.DONE
    assert "3 held or partial" in capsys.readouterr().out


@pytest.fixture
def failing(monkeypatch: pytest.MonkeyPatch) -> list[Exception]:
    """Replaces the commands by one, `fail`, that raises the last error of this list."""
    errors: list[Exception] = []
    one_command = typer.Typer()
    one_command.callback()(app._global_options)

    @one_command.command()
    def fail() -> None:
        raise errors[-1]

    monkeypatch.setattr(app, "app", one_command)
    return errors


def test_the_text_of_an_unexpected_error_is_never_shown(
    failing: list[Exception], capsys: pytest.CaptureFixture[str]
) -> None:
    failing.append(RuntimeError("anna@example.org"))

    assert main(["fail"]) == ExitCode.FAILED
    printed = capsys.readouterr()
    assert "Unexpected error: RuntimeError" in printed.err
    assert "anna" not in printed.err + printed.out
    assert "Traceback" not in printed.err


def test_debug_shows_where_an_unexpected_error_happened_but_not_its_text(
    failing: list[Exception], capsys: pytest.CaptureFixture[str]
) -> None:
    failing.append(RuntimeError("anna@example.org"))

    assert main(["--debug", "fail"]) == ExitCode.FAILED
    printed = capsys.readouterr().err
    assert "raise errors[-1]" in printed
    assert "anna" not in printed


def test_an_error_of_a_command_brings_its_next_step_and_exit_code(
    failing: list[Exception], capsys: pytest.CaptureFixture[str]
) -> None:
    failing.append(
        CommandError(
            "The plan is held.", next_step="release it", exit_code=ExitCode.HELD_OR_PARTIAL
        )
    )

    assert main(["fail"]) == ExitCode.HELD_OR_PARTIAL
    assert capsys.readouterr().err == "The plan is held.\nNext: release it\n"
