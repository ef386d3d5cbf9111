"""Which file is read, and what its problems look like."""

from __future__ import annotations

from pathlib import Path

import pytest

from nl_pipeline import settings
from nl_pipeline.settings import SettingsError
from nl_pipeline_tests.settings.documents import MINIMAL, mailchimp_of, parse, with_options


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Every test stands in an empty folder."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


def named(name: str) -> str:
    return MINIMAL.replace("agency:", f"{name}:")


def problems_of(text: str) -> list[str]:
    with pytest.raises(SettingsError) as caught:
        parse(text)
    return [str(problem) for problem in caught.value.problems]


def test_without_any_file_the_embedded_default_is_a_sandbox_on_this_machine() -> None:
    loaded = settings.load(environ={})

    assert loaded.source is None
    assert {n: chosen.provider.base_url for n, chosen in loaded.connections.items()} == {
        "demo-mailchimp": "http://127.0.0.1:8900/mailchimp/3.0",
        "demo-brevo": "http://127.0.0.1:8900/brevo/v3",
    }


def test_the_file_in_the_current_folder_comes_before_the_default(folder: Path) -> None:
    (folder / "connections.yaml").write_text(named("here"))

    assert list(settings.load(environ={}).connections) == ["here"]


def test_the_variable_comes_before_the_current_folder(folder: Path) -> None:
    (folder / "connections.yaml").write_text(named("here"))
    (folder / "other.yaml").write_text(named("other"))

    loaded = settings.load(environ={"NL_PIPELINE_CONFIG": "other.yaml"})

    assert list(loaded.connections) == ["other"]


def test_a_path_comes_before_the_variable(folder: Path) -> None:
    (folder / "given.yaml").write_text(named("given"))

    loaded = settings.load(Path("given.yaml"), environ={"NL_PIPELINE_CONFIG": "other.yaml"})

    assert list(loaded.connections) == ["given"]
    assert loaded.source == folder.resolve() / "given.yaml"


def test_the_variable_may_stand_in_the_environment_file(folder: Path) -> None:
    (folder / ".env").write_text("NL_PIPELINE_CONFIG=other.yaml\n")
    (folder / "other.yaml").write_text(named("other"))

    assert list(settings.load().connections) == ["other"]


def test_a_file_that_was_named_and_is_missing_is_an_error_and_not_the_default() -> None:
    with pytest.raises(SettingsError, match=r"gone\.yaml: there is no such file"):
        settings.load(environ={"NL_PIPELINE_CONFIG": "gone.yaml"})


def test_a_file_that_is_no_text_is_named(folder: Path) -> None:
    (folder / "connections.yaml").write_bytes(b"\xff\xfe\x00")

    with pytest.raises(SettingsError, match="not UTF-8"):
        settings.load(environ={})


def test_a_byte_order_mark_does_not_matter(folder: Path) -> None:
    (folder / "connections.yaml").write_bytes(b"\xef\xbb\xbf" + MINIMAL.encode())

    assert list(settings.load(environ={}).connections) == ["agency"]


def test_loading_does_not_need_the_secrets() -> None:
    assert parse(MINIMAL).connections["agency"].crm.token.name == "TOKEN"


def test_every_problem_is_named_at_once_in_the_order_of_the_file() -> None:
    problems = problems_of(
        with_options("audience: 5\nadopt_existing: maybe\nschedules: {full: never}")
    )

    assert [problem.split(": ")[:2] for problem in problems] == [
        ["connections.yaml:10", "connections.agency.audience"],
        ["connections.yaml:11", "connections.agency.adopt_existing"],
        ["connections.yaml:12", "connections.agency.schedules.full"],
    ]


def test_a_misspelt_key_is_answered_with_the_key_that_was_meant() -> None:
    (problem,) = problems_of(with_options("brakes: {confirmation: 3}"))

    assert "this key is not known here" in problem
    assert "crm_blanked" in problem
    assert problem.endswith("did you mean `confirmations`?")


def test_a_missing_key_is_reported_at_the_group_it_belongs_to() -> None:
    (problem,) = problems_of(MINIMAL.replace('        token: "${TOKEN}"\n', ""))

    assert problem.startswith("connections.yaml:4: connections.agency.crm.onoffice.token: ")
    assert "required key is missing" in problem


def test_an_empty_file_says_what_has_to_stand_in_it() -> None:
    (problem,) = problems_of("# nothing yet\n")

    assert "connections: this required key is missing" in problem
    assert "nl-pipeline init" in problem


def test_a_key_that_stands_twice_is_refused_with_both_lines() -> None:
    (problem,) = problems_of(MINIMAL + "data_dir: a\ndata_dir: b\n")

    assert problem.startswith("connections.yaml:11: data_dir: this key already stands on line 10")


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("a: b: hunter22\n", 1),
        ("\na: @hunter22\n", 2),
        ('a: "hunter22\n', 2),
        ("a: *hunter22\n", 1),
        ("a: !hunter22 b\n", 1),
        ("a: [hunter22\n", 2),
        ("a: hunter22\n--- \nb: hunter22\n", 2),
    ],
    ids=["colon", "at", "quote", "alias", "tag", "bracket", "documents"],
)
def test_what_is_not_readable_is_named_by_its_line_and_not_quoted(text: str, line: int) -> None:
    (problem,) = problems_of(text)

    assert problem.startswith(f"connections.yaml:{line}: ")
    assert "hunter22" not in problem


def test_a_postcode_without_quotes_is_not_taken_for_a_number_in_base_eight() -> None:
    details = (
        "audience_details: {company: c, address1: a, city: c, zip: 01067, country: NO, "
        "from_name: f, from_email: f@my-agency.example, permission_reminder: p}"
    )
    text = MINIMAL.replace('"${KEY}"', f'"${{KEY}}"\n        {details}')

    created_with = mailchimp_of(parse(text).connections["agency"]).audience_details

    assert created_with is not None
    assert (created_with.zip, created_with.country) == ("01067", "NO")
