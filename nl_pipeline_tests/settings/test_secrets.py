"""References to secrets: accepted, refused, looked up, never shown."""

from __future__ import annotations

from pathlib import Path

import pytest

from nl_pipeline.settings import SecretReference, SettingsError, environment
from nl_pipeline_tests.settings.documents import MINIMAL, parse

LITERAL = "4711deadbeef4711deadbeef4711dead-us21"


@pytest.mark.parametrize(
    "written",
    [
        LITERAL,
        f'"prefix ${{NAME}} {LITERAL}"',
        f'"${{{LITERAL}}}"',
        f"file:{LITERAL}",
        f"[{LITERAL}]",
        f"{{{LITERAL}: x}}",
        "47114711",
        "",
    ],
    ids=["plain", "mixed", "no-name", "relative-file", "list", "mapping", "number", "empty"],
)
def test_a_literal_secret_is_refused_without_repeating_it(written: str) -> None:
    with pytest.raises(SettingsError) as caught:
        parse(MINIMAL.replace('"${KEY}"', written))

    message = str(caught.value)
    assert message.startswith(
        "connections.yaml:9: connections.agency.provider.mailchimp.api_key: "
        "must be a reference to a secret"
    )
    assert LITERAL not in message
    assert "4711" not in message


def test_a_secret_is_looked_up_in_the_environment() -> None:
    assert SecretReference.parse("${KEY}").resolve({"KEY": "value\n"}) == "value"


def test_a_secret_is_read_from_a_file(tmp_path: Path) -> None:
    (tmp_path / "key").write_text("value\n")

    assert SecretReference.parse(f"file:{tmp_path}/key").resolve({}) == "value"


@pytest.mark.parametrize("environ", [{}, {"KEY": ""}, {"KEY": " "}], ids=["none", "empty", "blank"])
def test_a_secret_that_is_not_set_says_where_to_set_it(environ: dict[str, str]) -> None:
    with pytest.raises(SettingsError, match=r"\$\{KEY\}: is not set.*set KEY in the environment"):
        SecretReference.parse("${KEY}").resolve(environ)


def test_a_secret_file_that_is_missing_is_named(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="gone: can't be read"):
        SecretReference.parse(f"file:{tmp_path}/gone").resolve({})


def test_an_empty_secret_file_is_no_secret(tmp_path: Path) -> None:
    (tmp_path / "key").write_text("\n")

    with pytest.raises(SettingsError, match="is an empty file"):
        SecretReference.parse(f"file:{tmp_path}/key").resolve({})


def test_the_environment_file_of_the_current_folder_is_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / ".env").write_text("NL_TEST_KEY=from $file\n")

    assert SecretReference.parse("${NL_TEST_KEY}").resolve() == "from $file"


def test_the_process_environment_wins_over_the_environment_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / ".env").write_text("NL_TEST_KEY=file\n")
    monkeypatch.setenv("NL_TEST_KEY", "process")

    assert environment(folder=tmp_path)["NL_TEST_KEY"] == "process"


def test_an_environment_file_that_is_no_text_is_named_and_not_quoted(tmp_path: Path) -> None:
    (tmp_path / ".env").write_bytes(b"KEY=\xff\xfe")

    with pytest.raises(SettingsError, match=r"\.env: this file can't be read"):
        environment(folder=tmp_path)


def test_settings_show_references_and_never_values(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KEY", LITERAL)
    loaded = parse(MINIMAL)

    loaded.connections["agency"].provider.api_key.resolve()

    assert LITERAL not in repr(loaded)
    assert "name='KEY'" in repr(loaded)
