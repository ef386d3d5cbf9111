"""What travels is what Mailchimp's Swagger document says, but for the differences in the table.

Two kinds of traffic are judged: that of our client, and that of Mailchimp's own library. The
document is not part of this project; where it is absent, these tests are skipped.
"""

from __future__ import annotations

import re
from pathlib import Path

import pytest

import nl_pipeline.clients.mailchimp
from nl_pipeline_tests.contract.deviations import Deviation, unlisted
from nl_pipeline_tests.contract.mailchimp.checking import misfits_of
from nl_pipeline_tests.contract.mailchimp.conftest import SdkVisit
from nl_pipeline_tests.contract.mailchimp.deviations import DEVIATIONS
from nl_pipeline_tests.contract.mailchimp.spec import SPEC_FILE, Spec
from nl_pipeline_tests.contract.misfits import Misfit
from nl_pipeline_tests.contract.recording import Exchange

needs_spec = pytest.mark.skipif(
    not SPEC_FILE.exists(),
    reason=f"needs Mailchimp's Swagger document at ../shared/specs/{SPEC_FILE.name}",
)


@pytest.fixture(scope="session")
def spec() -> Spec:
    """The document."""
    return Spec.load()


@needs_spec
def test_our_calls_and_their_answers_fit_the_document(
    sync_exchanges: tuple[Exchange, ...], spec: Spec
) -> None:
    assert unlisted(misfits_of(sync_exchanges, spec=spec), table=DEVIATIONS) == []


@needs_spec
def test_the_calls_of_the_library_and_their_answers_fit_the_document(
    sdk_visit: SdkVisit, spec: Spec
) -> None:
    assert unlisted(misfits_of(sdk_visit.exchanges, spec=spec), table=DEVIATIONS) == []


@pytest.fixture(scope="session")
def all_misfits(
    sync_exchanges: tuple[Exchange, ...], sdk_visit: SdkVisit, spec: Spec
) -> frozenset[Misfit]:
    """Everything that does not fit, in both kinds of traffic."""
    return frozenset(misfits_of((*sync_exchanges, *sdk_visit.exchanges), spec=spec))


@needs_spec
@pytest.mark.parametrize("row", DEVIATIONS, ids=lambda row: f"{row.operation} {row.place}")
def test_a_listed_difference_still_occurs(row: Deviation, all_misfits: frozenset[Misfit]) -> None:
    assert any(row.covers(misfit) for misfit in all_misfits)


def _paths_of_our_client() -> set[str]:
    """Every path template in the source of the client."""
    folder = Path(nl_pipeline.clients.mailchimp.__file__).parent
    text = "".join(file.read_text(encoding="utf-8") for file in folder.glob("*.py"))
    member = "/lists/{list_id}/members/{subscriber_hash}"
    text = text.replace("{_MEMBER}", member)
    return set(re.findall(r'"(/(?:lists|batches|campaigns|reports)[^" ]*)"', text))


@needs_spec
def test_every_path_of_our_client_has_travelled(
    sync_exchanges: tuple[Exchange, ...], spec: Spec
) -> None:
    found = (
        spec.operation(exchange.method, exchange.path)
        for exchange in sync_exchanges
        if not exchange.path.startswith("/archives")
    )
    travelled = {operation.name.partition(" ")[2] for operation, _ in filter(None, found)}

    paths = _paths_of_our_client()
    assert paths
    assert paths - travelled == set()
