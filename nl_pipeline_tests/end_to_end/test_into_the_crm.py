"""The click of a person at Mailchimp, and a lead form at LinkedIn, arrive in the CRM, with
everything as real processes."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from pathlib import Path

import pytest

from nl_pipeline_tests.end_to_end.processes import CANCEL, Processes, deployed


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Processes]:
    folder: Path = tmp_path_factory.mktemp("deployment")
    with deployed(folder, contacts=60) as processes:
        processes.start_daemon()
        yield processes


def test_a_click_reaches_the_crm_with_its_activity(
    running: Processes, record_property: pytest.FixtureRequest
) -> None:
    people = running.someone()
    taken = []
    for _, email in zip(range(3), people, strict=False):
        running.unsubscribe(email)
        taken.append(running.seconds_until_cancelled(email))
        running.wait_for_activity(email, kind="nicht bestellt")

        assert running.activities(email).count("nicht bestellt") == 1

    print("seconds from the click to the CRM:", ", ".join(f"{s:.1f}" for s in taken))
    assert len(taken) == 3


def test_a_lead_reaches_the_crm(running: Processes) -> None:
    taken = []
    for name in ("anna", "berta", "carla"):
        email = f"{name}.lead@kunde.example"
        running.submit_lead(email, first_name=name.title(), last_name="Lead")
        taken.append(running.seconds_until_there(email))

        assert len(running.contacts(email)) == 1

    print("seconds from the lead form to the CRM:", ", ".join(f"{s:.1f}" for s in taken))
    assert len(taken) == 3


def test_a_click_while_the_daemon_is_down_is_carried_out_when_it_is_back(
    running: Processes,
) -> None:
    before, email = itertools.islice(running.someone(), 2)
    running.unsubscribe(before)
    # Its run dies with the daemon, and must not hold up the next one for ever.
    running.wait_for_a_run()
    running.stop_daemon()
    running.unsubscribe(email)

    running.start_daemon()
    running.seconds_until_cancelled(email)
    running.wait_for_activity(before, kind="nicht bestellt")

    assert running.newsletter(email) == CANCEL
    assert running.activities(before).count("nicht bestellt") == 1
