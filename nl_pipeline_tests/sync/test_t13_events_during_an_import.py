"""T13: whoever acts while members are added in bulk, and whose notice is lost, is not lost.

Creations go in bulk at either provider, and Brevo loses all notices while it imports. The closing
pull after the push finds what no webhook told, in the same sync.
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from nl_pipeline_tests.providers import each_provider
from nl_pipeline_tests.scenario import CANCEL, YES, Picture
from nl_pipeline_tests.sync.conftest import StartedScenario
from nl_pipeline_tests.sync.happening import TO_PROVIDER, during
from nl_pipeline_tests.sync.mailbox import listening

pytestmark = each_provider

NEW = [f"neuling-{number}" for number in range(12)]


@pytest.fixture(scope="module")
def after(
    started_scenario: StartedScenario, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Picture]:
    """Twelve contacts are created at the provider; meanwhile three people act, and all webhooks are
    lost."""
    with started_scenario() as scenario:
        for name in NEW:
            scenario.add_contact(name, YES)
        with listening(scenario, root=tmp_path_factory.mktemp("webhooks")) as mailbox:
            scenario.control.fault(
                scenario.stage.service, kind="drop_webhook", match="", times=1000
            )

            def act() -> None:
                scenario.person("unsubscribe", "kunde-01")
                scenario.person("unsubscribe", NEW[0])
                scenario.person("subscribe", "angemeldet")

            during(scenario, TO_PROVIDER, act)
            scenario.sync()
            assert mailbox.stored == 0
            yield scenario.picture()


def test_an_opt_out_of_a_member_during_the_import_is_in_the_crm_after_the_sync(
    after: Picture,
) -> None:
    assert after.newsletter("kunde-01") == CANCEL


def test_an_opt_out_of_somebody_who_was_just_imported_is_in_the_crm_after_the_sync(
    after: Picture,
) -> None:
    assert (after.newsletter(NEW[0]), after.status(NEW[0])) == (CANCEL, "unsubscribed")
    assert after.activities(NEW[0]) == ["nicht bestellt"]


def test_a_sign_up_during_the_import_is_in_the_crm_after_the_sync(after: Picture) -> None:
    assert after.newsletter("angemeldet") == YES
