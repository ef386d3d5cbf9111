"""Imports: how they are packed, and what happens while Brevo takes its time over one.

Time is virtual: waiting moves the clocks. Brevo tells of nothing that happens to the people of an
import while it runs.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from datetime import timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from nl_pipeline.sync.link import utc_now
from nl_pipeline.warehouse import plans
from nl_pipeline_tests.sandbox_control import SandboxControl
from nl_pipeline_tests.sync.brevo.account import (
    CANCEL,
    YES,
    Account,
    address,
    opened,
)

FORTY_MINUTES = timedelta(minutes=40).total_seconds()
MANY = tuple(f"kunde-{number:02d}" for number in range(20))


def imports_of(account: Account) -> list[dict[str, Any]]:
    return [sent.body for sent in account.sent if sent.path == "/contacts/import"]


def test_imports_are_as_large_as_they_may_be(control: SandboxControl, tmp_path: Path) -> None:
    most = 700
    with opened(control, folder=tmp_path, import_bytes=most) as account:
        for name in MANY:
            account.add_contact(name, Vorname="Kim", Name=name)

        account.start()

        rows = [[row["email"] for row in body["jsonBody"]] for body in imports_of(account)]
        sizes = [
            len(json.dumps(body, separators=(",", ":"), ensure_ascii=False))
            for body in imports_of(account)
        ]
        of_a_row = len(json.dumps(imports_of(account)[0]["jsonBody"][0], separators=(",", ":")))
        assert sorted(email for chunk in rows for email in chunk) == sorted(map(address, MANY))
        assert len(rows) > 2
        # Not one more row would have fitted in.
        assert all(most - of_a_row <= size <= most for size in sizes[:-1])
        assert sizes[-1] <= most
        assert {account.state(name) for name in MANY} == {"on the list"}


def test_an_import_carries_the_list_and_the_values_and_no_status(account: Account) -> None:
    account.add_contact("kunde", Vorname="Kim")

    account.start()

    (body,) = imports_of(account)
    assert body == {
        "listIds": [account.list_id],
        "updateExistingContacts": True,
        "disableNotification": True,
        "jsonBody": [{"email": address("kunde"), "attributes": {"VORNAME": "Kim"}}],
    }


def once(then: Callable[[], None], *, after_looks: int) -> Callable[[str, int, int], None]:
    """Do something when an import has been looked at so often."""
    seen = []

    def watcher(what: str, _done: int, _total: int) -> None:
        seen.extend([what] if what == "imports at Brevo" else [])
        if len(seen) == after_looks and what == "imports at Brevo":
            then()

    return watcher


KEEPS = {"import_keeps_blocklist": True, "import_keeps_list_unsubscribed": True}


@pytest.mark.parametrize(
    "readings",
    [KEEPS, dict.fromkeys(KEEPS, False)],
    ids=["an import keeps opt-outs", "an import lifts opt-outs"],
)
def test_no_opt_out_in_the_middle_of_a_forty_minute_import_is_lost(
    account: Account, readings: dict[str, bool]
) -> None:
    known = ("by-the-link", "from-the-list", "bounced", "stays")
    lists = account.call("GET", "/contacts/lists?limit=50")["lists"]
    for name in known:
        account.add_contact(name)
        account.call("POST", "/contacts", {"email": address(name), "listIds": [lists[0]["id"]]})
    account.add_contact("in-the-crm")
    for name, value in ({"import_seconds": FORTY_MINUTES} | readings).items():
        account.control.switch("brevo", name=name, value=value)

    def leave() -> None:
        account.act("person", "unsubscribe", "by-the-link")
        account.act("person", "unsubscribe", "from-the-list", list_only=True)
        account.act("system", "bounce", "bounced")
        account.set_field("in-the-crm", newsletter_aktiv=CANCEL)

    account.watchers.append(once(leave, after_looks=8))
    account.start()
    account.control.switch("brevo", name="import_seconds", value=0)
    account.sync()

    assert {n: account.newsletter(n) for n in (*known, "in-the-crm")} == {
        "by-the-link": CANCEL,
        "from-the-list": CANCEL,
        "bounced": YES,
        "stays": YES,
        "in-the-crm": CANCEL,
    }
    mailed = {n for n in (*known, "in-the-crm") if account.state(n) == "on the list"}
    # Whoever bounced is Brevo's to mail or not: it is no opt-out.
    assert mailed - {"bounced"} == {"stays"}


def test_the_progress_of_a_forty_minute_import_is_told_all_the_while(account: Account) -> None:
    account.add_contact("kunde")
    account.control.switch("brevo", name="import_seconds", value=FORTY_MINUTES)
    told: list[timedelta] = []

    def note(what: str, _done: int, _total: int) -> None:
        told.extend([account.ahead] if what == "imports at Brevo" else [])

    account.watchers.append(note)
    account.start()

    silences = [later - earlier for earlier, later in pairwise(told)]
    assert told[-1] - told[0] >= timedelta(minutes=39)
    assert max(silences) <= timedelta(minutes=2)
    assert account.state("kunde") == "on the list"


def test_a_sync_killed_in_the_middle_of_an_import_is_taken_up_without_another_one(
    control: SandboxControl, tmp_path: Path
) -> None:
    control.switch("brevo", name="import_seconds", value=FORTY_MINUTES)
    with opened(control, folder=tmp_path) as account:
        for name in MANY:
            account.add_contact(name)

    killed = subprocess.run(
        [
            sys.executable,
            "-m",
            "nl_pipeline_tests.sync.brevo.killed",
            str(tmp_path),
            control.base_url,
        ],
        check=False,
        capture_output=True,
        text=True,
    )

    assert (killed.returncode, killed.stderr) == (-9, "")
    control.act("brevo", actor="staff", action="subscribe", email=address("somebody"))
    with opened(control, folder=tmp_path) as account:
        account.ahead = control.time() - utc_now()
        waits = account.ahead
        account.sync()

        assert [p["rows"] for p in control.dump("brevo")["processes"]] == [len(MANY)]
        assert account.ahead - waits >= timedelta(minutes=30)
        assert {account.state(name) for name in MANY} == {"on the list"}
        first = plans.latest(account.link.warehouse)
        assert first is not None
        with account.link.warehouse.session() as db:
            results = db.execute(
                "SELECT n.result, count(*) FROM changes JOIN outcome_now AS n USING (plan_id, seq)"
                " WHERE action = 'subscribe' GROUP BY ALL"
            ).fetchall()
        assert results == [("confirmed", len(MANY))]
