"""What travels is what Brevo's OpenAPI document says, but for the differences in the table.

Two kinds of traffic are judged: that of our client, and that of Brevo's own library. The document
is not part of this project; where it is absent, these tests are skipped.
"""

from __future__ import annotations

import re
from pathlib import Path

import pytest

import nl_pipeline.clients.brevo
from nl_pipeline_tests.contract.brevo.conftest import Life, SdkVisit
from nl_pipeline_tests.contract.brevo.deviations import DEVIATIONS
from nl_pipeline_tests.contract.brevo.spec import SPEC_FILE, Spec, misfits_of
from nl_pipeline_tests.contract.deviations import Deviation, unlisted
from nl_pipeline_tests.contract.misfits import Misfit

needs_spec = pytest.mark.skipif(
    not SPEC_FILE.exists(),
    reason=f"needs Brevo's OpenAPI document at ../shared/specs/{SPEC_FILE.name}",
)


@pytest.fixture(scope="session")
def spec() -> Spec:
    """The document."""
    return Spec.load()


@needs_spec
def test_our_calls_and_their_answers_fit_the_document(life: Life, spec: Spec) -> None:
    assert unlisted(misfits_of(life.exchanges, spec=spec), table=DEVIATIONS) == []


def test_our_calls_keep_the_limits_of_every_plan(life: Life) -> None:
    assert life.violations == 0


@needs_spec
def test_the_calls_of_the_library_and_their_answers_fit_the_document(
    sdk_visit: SdkVisit, spec: Spec
) -> None:
    assert unlisted(misfits_of(sdk_visit.exchanges, spec=spec), table=DEVIATIONS) == []


@pytest.fixture(scope="session")
def all_misfits(life: Life, sdk_visit: SdkVisit, spec: Spec) -> frozenset[Misfit]:
    """Everything that does not fit, in both kinds of traffic."""
    return frozenset(misfits_of((*life.exchanges, *sdk_visit.exchanges), spec=spec))


@needs_spec
@pytest.mark.parametrize("row", DEVIATIONS, ids=lambda row: f"{row.operation} {row.place}")
def test_a_listed_difference_still_occurs(row: Deviation, all_misfits: frozenset[Misfit]) -> None:
    assert any(row.covers(misfit) for misfit in all_misfits)


_CONSTANT = re.compile(r'^(_?[A-Z]+) = f?"(/[^"]+)"$', re.MULTILINE)
_LITERAL = re.compile(r'"(/[a-z][A-Za-z{}/]*)"')


def _paths_of_our_client() -> set[str]:
    """Every path template in the source of the client; some begin with a constant. The session only
    compares how they begin."""
    texts = {
        file.stem: file.read_text(encoding="utf-8")
        for file in Path(nl_pipeline.clients.brevo.__file__).parent.glob("*.py")
        if file.stem != "session"
    }
    shared = {n: v for text in texts.values() for n, v in _CONSTANT.findall(text) if n[0] != "_"}
    found: set[str] = set()
    for text in texts.values():
        names = shared | dict(_CONSTANT.findall(text))
        for name, value in names.items():
            text = text.replace(f'f"{{{name}}}', f'"{value}')
        found.update(_LITERAL.findall(text))
    return found


@needs_spec
def test_every_path_of_our_client_has_travelled(life: Life, spec: Spec) -> None:
    found = (spec.operation(exchange.method, exchange.path) for exchange in life.exchanges)
    travelled = {operation.name.partition(" ")[2] for operation, _ in filter(None, found)}

    paths = _paths_of_our_client()
    assert "/contacts/{identifier}/campaignStats" in paths
    assert paths - travelled == set()
