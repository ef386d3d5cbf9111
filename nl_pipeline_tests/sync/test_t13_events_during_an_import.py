"""T13: whoever acts while members are added in bulk, and whose notice is lost, is not lost.

Creations go in bulk at either provider, and Brevo loses all notices while it imports. The closing
pull after the push finds what no webhook told, in the same sync.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from nl_pipeline_tests.providers import each_provider
from nl_pipeline_tests.scenario import CANCEL, YES, Scenario
from nl_pipeline_tests.sync.happening import TO_PROVIDER, during
from nl_pipeline_tests.sync.hooked import Hooked
from nl_pipeline_tests.sync.mailbox import listening

pytestmark = each_provider

NEW = [f"neuling-{number}" for number in range(12)]


@pytest.fixture
def importing(scenario: Scenario, tmp_path: Path) -> Iterator[Hooked]:
    """Twelve contacts are to be created at the provider, and all webhooks are lost from here on."""
    for name in NEW:
        scenario.add_contact(name, YES)
    with listening(scenario, root=tmp_path / "webhooks") as mailbox:
        scenario.control.fault(scenario.stage.service, kind="drop_webhook", match="", times=1000)
        yield Hooked(scenario, mailbox)


def test_an_opt_out_of_a_member_during_the_import_is_in_the_crm_after_the_sync(
    importing: Hooked,
) -> None:
    scenario = importing.scenario
    during(scenario, TO_PROVIDER, lambda: scenario.person("unsubscribe", "kunde-01"))

    scenario.sync()

    assert importing.mailbox.stored == 0
    assert scenario.newsletter("kunde-01") == CANCEL


def test_an_opt_out_of_somebody_who_was_just_imported_is_in_the_crm_after_the_sync(
    importing: Hooked,
) -> None:
    scenario = importing.scenario
    during(scenario, TO_PROVIDER, lambda: scenario.person("unsubscribe", NEW[0]))

    scenario.sync()

    after = scenario.picture()
    assert (after.newsletter(NEW[0]), after.status(NEW[0])) == (CANCEL, "unsubscribed")
    assert after.activities(NEW[0]) == ["nicht bestellt"]


def test_a_sign_up_during_the_import_is_in_the_crm_after_the_sync(importing: Hooked) -> None:
    scenario = importing.scenario
    during(scenario, TO_PROVIDER, lambda: scenario.person("subscribe", "angemeldet"))

    scenario.sync()

    assert scenario.newsletter("angemeldet") == YES
