"""The documentation says what is true: commands run, links lead somewhere, tables are current.

Belongs here: everything that holds a page of `docs/`, the README or the changelog against the code.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from typer.main import get_command

from nl_pipeline import settings
from nl_pipeline.cli import main
from nl_pipeline.cli.app import app
from nl_pipeline.cli.invocation import ExitCode, Invocation
from nl_pipeline.definitions import build_defs
from nl_pipeline.domain.fields import ProfileField
from nl_pipeline.orchestration.schedules import schedule_name
from nl_pipeline.sandbox.brevo.switches import Switches as BrevoSwitches
from nl_pipeline.sandbox.linkedin.switches import Switches as LinkedInSwitches
from nl_pipeline.sandbox.mailchimp.switches import Switches as MailchimpSwitches
from nl_pipeline.sandbox.onoffice.switches import Switches as OnOfficeSwitches
from nl_pipeline.settings.page import renewed
from nl_pipeline.sync.rule_page import rule_page
from nl_pipeline.warehouse.connection import Warehouse
from nl_pipeline_tests.sandbox_control import SandboxControl

ROOT = Path(__file__).parent.parent
DOCS = ROOT / "docs"
PAGES = [ROOT / "README.md", ROOT / "CHANGELOG.md", *sorted(DOCS.rglob("*.md"))]

DAGSTER_PAGES = ("quickstart.md", "operations.md")
QUICK_START, NOT_RUN = "quick start", "not run"


@dataclass(frozen=True)
class Shown:
    """A command as a page shows it; `mark` is what the comment above its block says."""

    page: Path
    text: str
    mark: str

    @property
    def words(self) -> list[str]:
        """The words of the command, without a redirection of its output."""
        return shlex.split(self.text.partition(" > ")[0])

    def __str__(self) -> str:
        return f"{name_of(self.page)}: {self.text}"


def name_of(page: Path) -> str:
    return str(page.relative_to(ROOT))


_BLOCK = re.compile(
    r"(?:<!-- (?P<mark>[^>]*) -->\n)?```(?:console|sh)\n(?P<lines>.*?)```", re.DOTALL
)


def commands_of(page: Path) -> Iterator[Shown]:
    """Every command in the console blocks of `page`, in order."""
    for block in _BLOCK.finditer(page.read_text(encoding="utf-8")):
        for line in block["lines"].splitlines():
            yield Shown(page, line.removeprefix("$ "), block["mark"] or "")


COMMANDS = [shown for page in PAGES for shown in commands_of(page)]
OWN = [shown for shown in COMMANDS if shown.words[0] == "nl-pipeline"]
MAKE = [shown for shown in COMMANDS if shown.words[0] == "make"]

_CODE = re.compile(r"```.*?```", re.DOTALL)


def prose_of(page: Path) -> str:
    """The text of `page` without its blocks of code."""
    return _CODE.sub("", page.read_text(encoding="utf-8"))


MENTIONED = [
    Shown(page, found, "")
    for page in PAGES
    for found in re.findall(r"`(nl-pipeline [^`]*)`", prose_of(page))
]
"""Commands named in the text, often without their arguments."""


# Commands ---------------------------------------------------------------------------------------


def parse(shown: Shown, *, whole: bool) -> None:
    """Parse a call of nl-pipeline without running it; `whole`: options and arguments, too.

    Raises typer's usage error, as the command line would print it.
    """
    command: Any = get_command(app)
    words = [word for word in shown.words[1:] if word != "..."]
    context = command.make_context("nl-pipeline", words, obj=Invocation())
    while hasattr(command, "resolve_command"):
        rest = [*context._protected_args, *context.args]
        if not rest and not whole:
            return
        name, command, rest = command.resolve_command(context, rest)
        if hasattr(command, "resolve_command") or whole:
            context = command.make_context(name, rest, parent=context)


@pytest.mark.parametrize("shown", OWN, ids=str)
def test_every_command_shown_is_understood(shown: Shown) -> None:
    parse(shown, whole=True)


@pytest.mark.parametrize("mentioned", MENTIONED, ids=str)
def test_every_command_in_the_text_exists(mentioned: Shown) -> None:
    parse(mentioned, whole=False)


@pytest.mark.parametrize("shown", MAKE, ids=str)
def test_every_make_command_is_a_target(shown: Shown) -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")

    assert re.search(rf"^{shown.words[1]}:.* ## ", makefile, re.MULTILINE)


@pytest.mark.parametrize("shown", COMMANDS, ids=str)
def test_a_command_of_others_says_why_no_test_runs_it(shown: Shown) -> None:
    assert shown.words[0] in ("nl-pipeline", "make") or shown.mark.startswith(f"{NOT_RUN}: ")


@pytest.fixture
def empty_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder in which the commands of a page are typed."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.usefixtures("empty_folder")
@pytest.mark.parametrize("page", [ROOT / "README.md", DOCS / "quickstart.md"], ids=name_of)
def test_the_quick_start_works_as_written_and_a_second_sync_writes_nothing(
    page: Path, sandbox: SandboxControl, capsys: pytest.CaptureFixture[str]
) -> None:
    serve, *typed = [shown for shown in commands_of(page) if shown.mark == QUICK_START]
    assert serve.text == "nl-pipeline sandbox serve"  # the fixture has done so, on another port
    port = str(urlsplit(sandbox.base_url).port)
    printed = ""

    for shown in typed:
        words = [plan_id_in(printed) if w == "PLAN_ID" else w for w in shown.words[1:]]
        words += ["--port", port] if words[:2] == ["sandbox", "connect"] else []
        assert main(words) == ExitCode.DONE, shown
        printed += capsys.readouterr().out

    sandbox.forget_calls()
    assert main(["sync", "demo-mailchimp"]) == ExitCode.DONE
    assert writes_of(sandbox) == []


def plan_id_in(printed: str) -> str:
    """The id of the plan that was shown last."""
    *_, newest = re.finditer(r"^Plan ([0-9a-f]{12}) of", printed, re.MULTILINE)
    return str(newest[1])


def writes_of(sandbox: SandboxControl) -> list[str]:
    """Calls that change something in a twin."""
    providers = [
        f"{call.method} {call.path}"
        for call in sandbox.calls()
        if call.service != "onoffice" and call.method != "GET"
    ]
    onoffice = [
        action
        for call in sandbox.calls()
        for action in call.actions
        if action.partition(":")[0] not in ("read", "get")
    ]
    return providers + onoffice


# Names ------------------------------------------------------------------------------------------


def test_every_asset_job_and_sensor_that_a_user_meets_is_named(tmp_path: Path) -> None:
    file = tmp_path / settings.DEFAULT_FILE
    file.write_text(settings.sandbox_text(), encoding="utf-8")
    repository = build_defs(settings_file=file).get_repository_def()
    names = {
        *(key.to_user_string() for key in repository.assets_defs_by_key),
        *(job.name for job in repository.get_all_jobs() if not job.name.startswith("__")),
        *(sensor.name for sensor in repository.sensor_defs),
    }
    text = "".join((DOCS / page).read_text(encoding="utf-8") for page in DAGSTER_PAGES)

    assert {name for name in names if f"`{name}`" not in text} == set()


def test_the_schedules_shown_are_named_like_those_of_the_connection() -> None:
    text = (DOCS / "operations.md").read_text(encoding="utf-8")

    assert f"`{schedule_name('my-agency', mode='incremental')}`" in text
    assert f"`{schedule_name('my-agency', mode='full')}`" in text


# Links ------------------------------------------------------------------------------------------


def links_of(page: Path) -> list[str]:
    """Targets of the links of `page` that lead to other pages of this project."""
    found = re.findall(r"\]\(([^)\s]+)\)", prose_of(page))
    return [target for target in found if not urlsplit(target).scheme]


def anchors_of(page: Path) -> set[str]:
    """The anchors of the headings of `page`, as code hosts make them."""
    headings = re.findall(r"^#+ (.+)$", prose_of(page), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_every_link_leads_somewhere(page: Path) -> None:
    for target in links_of(page):
        path, _, anchor = target.partition("#")
        found = (page.parent / path).resolve() if path else page
        assert found.exists(), target
        assert not anchor or anchor in anchors_of(found), target


@pytest.mark.parametrize("page", [p for p in PAGES if p.parent == DOCS], ids=name_of)
def test_every_page_is_reached_from_the_readme(page: Path) -> None:
    assert name_of(page) in links_of(ROOT / "README.md")


@pytest.mark.parametrize("page", sorted(DOCS.glob("decisions/0*.md")), ids=name_of)
def test_every_decision_is_listed_by_its_title_and_has_three_sections(page: Path) -> None:
    title, *sections = re.findall(r"^#+ (.+)$", page.read_text(encoding="utf-8"), re.MULTILINE)
    index = (DOCS / "decisions" / "README.md").read_text(encoding="utf-8")

    number, _, sentence = title.partition(". ")
    assert f"{number}. [{sentence}]({page.name})" in index
    assert sections == ["Context", "Decision", "Consequences"]


# Generated and compared pages ---------------------------------------------------------------------


def test_the_rule_page_is_current() -> None:
    assert (DOCS / "rules.md").read_text(encoding="utf-8") == rule_page()


def test_the_configuration_page_is_current() -> None:
    page = (DOCS / "configuration.md").read_text(encoding="utf-8")

    assert page == renewed(page)


MAPPED = "f_<field>"
"""How the data model page writes the columns of the mapped fields."""


def documented_tables() -> dict[str, list[str]]:
    """Tables of the data model page with their columns, in the order of the page."""
    page = (DOCS / "data-model.md").read_text(encoding="utf-8")
    sections = re.findall(r"^### (\w+)\n(.*?)(?=^##|\Z)", page, re.MULTILINE | re.DOTALL)
    return {
        table: re.findall(r"^\| `([^`]+)` \|.*\| (?:none|id|personal|consent) \|$", text, re.M)
        for table, text in sections
    }


def stored_tables(warehouse: Warehouse) -> dict[str, list[str]]:
    """Tables and views of a warehouse with their columns in order."""
    with warehouse.session() as db:
        rows = db.execute(
            "SELECT table_name, column_name FROM information_schema.columns"
            " ORDER BY ordinal_position"
        ).fetchall()
    tables: dict[str, list[str]] = {}
    for table, column in rows:
        tables.setdefault(str(table), []).append(str(column))
    return tables


def test_the_data_model_page_lists_every_table_and_column(tmp_path: Path) -> None:
    shown = {
        table: [column for column in columns if column != MAPPED]
        for table, columns in documented_tables().items()
    }

    assert shown == stored_tables(Warehouse(tmp_path / "new.duckdb", fields=()))


def test_the_data_model_page_says_which_tables_carry_mapped_fields(tmp_path: Path) -> None:
    fields = (ProfileField("city", crm="Ort", provider="CITY"),)

    stored = stored_tables(Warehouse(tmp_path / "new.duckdb", fields=fields))

    assert {table for table, columns in documented_tables().items() if MAPPED in columns} == {
        table for table, columns in stored.items() if "f_city" in columns
    }


def open_fact_rows() -> list[str]:
    """The last cells of the open facts: settings and switches."""
    lines = (DOCS / "open-facts.md").read_text(encoding="utf-8").splitlines()
    return [line.rstrip("| ").rpartition(" | ")[2] for line in lines if line.startswith("| ")]


def test_every_switch_and_setting_of_the_open_facts_exists() -> None:
    switches = {
        *BrevoSwitches.__struct_fields__,
        *MailchimpSwitches.__struct_fields__,
        *OnOfficeSwitches.__struct_fields__,
        *LinkedInSwitches.__struct_fields__,
    }
    keys = {doc.key.removeprefix("connections.<name>.") for doc in settings.describe()}

    for cell in open_fact_rows():
        for part in cell.split(", "):
            for named in re.findall(r"`([^`]+)`", part):
                if "action" in part or "rule" in part or named == "merge":
                    continue
                known = any(key.startswith(named.rstrip("*")) for key in keys)
                assert named in switches or known, named


# Glossary ---------------------------------------------------------------------------------------

_TERM = re.compile(r"^\| \*\*(.+?)\*\* \|", re.MULTILINE)
TERMS = _TERM.findall((DOCS / "glossary.md").read_text(encoding="utf-8"))


def everything_written() -> str:
    """All pages but the glossary, and the source of the package, in lower case."""
    pages = [page for page in PAGES if page.name != "glossary.md"]
    return "\n".join(
        file.read_text(encoding="utf-8").lower()
        for file in (*pages, *sorted((ROOT / "nl_pipeline").rglob("*.py")))
    )


WRITTEN = everything_written()


@pytest.mark.parametrize("term", TERMS)
def test_every_term_of_the_glossary_is_used(term: str) -> None:
    assert re.search(rf"\b{re.escape(term.lower())}", WRITTEN)


def test_the_glossary_is_in_alphabetical_order() -> None:
    assert sorted(TERMS, key=str.lower) == TERMS
