"""T2, T10 and T11 where Mailchimp's webhooks tell of what happens, or some of them do.

What holds without webhooks is told in the files of these failures, at every provider; with Brevo's
webhooks in ``brevo/test_webhooks``.
"""

from __future__ import annotations

import pytest

from nl_pipeline.sync.observe import Mode
from nl_pipeline_tests.scenario import CANCEL, YES
from nl_pipeline_tests.sync.hooked import Hooked
from nl_pipeline_tests.sync.test_t10_fresh_sign_ups import sync_again_and_again
from nl_pipeline_tests.sync.test_t11_echo import change_everything, ledger


@pytest.mark.parametrize("mode", ["incremental", "full"])
def test_t2_an_unsubscribe_whose_webhook_is_lost_among_others_is_taken_over_all_the_same(
    hooked: Hooked, mode: Mode
) -> None:
    before = hooked.scenario.picture().api_history()
    hooked.scenario.control.fault("mailchimp", kind="drop_webhook", match="unsubscribe")
    hooked.scenario.person("unsubscribe", "kunde-01")
    hooked.person("unsubscribe", "kunde-02")
    hooked.ingest()

    hooked.scenario.sync(mode)
    hooked.ingest_and_sync()

    after = hooked.scenario.picture()
    assert [after.newsletter(name) for name in ("kunde-01", "kunde-02")] == [CANCEL] * 2
    assert [after.activities(name) for name in ("kunde-01", "kunde-02")] == [["nicht bestellt"]] * 2
    assert after.api_history() == before


@pytest.mark.parametrize("said", ["no", "none", "cancelled"])
def test_t10_a_sign_up_told_by_a_webhook_stays_through_ingests_and_syncs(
    hooked: Hooked, said: str
) -> None:
    hooked.person("subscribe", said)

    hooked.ingest_and_sync()
    told = sync_again_and_again(hooked.scenario, modes=("incremental", "full"))
    hooked.ingest_and_sync()

    after = hooked.scenario.picture()
    assert told.statuses(said) == ["subscribed"] * 2
    assert (after.newsletter(said), after.activities(said)) == (YES, ["bestellt"])


def test_t11_webhooks_about_what_a_sync_has_done_already_cause_no_write(hooked: Hooked) -> None:
    change_everything(hooked.scenario)
    hooked.scenario.sync()
    hooked.scenario.sync()
    entries = ledger(hooked.scenario)
    hooked.mailbox.wait(stored=9)
    hooked.scenario.control.forget_calls()

    for _ in range(2):
        hooked.ingest_and_sync()

    assert hooked.scenario.writes() == {}
    assert ledger(hooked.scenario) == entries
