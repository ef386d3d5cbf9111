"""T16: a sync of a large list is killed, at 60 % and at the worst moments, and the next goes on.

Here: real processes that are ended by SIGKILL, judged by the twins and by what they counted.
Nothing is skipped, next to nothing is sent twice, no opt-out is undone, nothing is doubled.
"""

from __future__ import annotations

import contextlib
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest

from nl_pipeline.sandbox.app import World
from nl_pipeline.sandbox.serve import running
from nl_pipeline_tests.providers.mailchimp import MailchimpStage
from nl_pipeline_tests.sandbox_control import SandboxControl
from nl_pipeline_tests.scenario import CANCEL, YES, Picture, connected

PATIENCE_SECONDS = 300
"""For one process; a machine that is busy otherwise is slow."""


@dataclass(frozen=True)
class Size:
    """How many people a list has and what they do between two syncs."""

    leaving: int
    changing: int
    new: int
    signing_up: int

    @property
    def items(self) -> Counter[str]:
        """What has to be sent at least, by the twins' names for it."""
        return Counter(
            {
                "modify:address": self.leaving,
                "create:address": self.signing_up,
                "create:agentslog": self.leaving + self.signing_up,
                "members": self.new,
                "operations": self.changing,
                "addresses": self.new + self.signing_up,
            }
        )


@dataclass
class LargeList:
    """A synced list with a day's changes waiting, and processes that sync it."""

    world: World
    control: SandboxControl
    folder: Path
    size: Size

    def kill_when(self, reached: Callable[[], bool]) -> None:
        """Start a sync and end it without notice as soon as something is reached."""
        with self._started() as process:
            self._watch(process, until=reached)
            ended = process.poll()
            process.send_signal(signal.SIGKILL)
        assert ended is None, f"the sync ended ({ended}) before it could be killed"

    def finish(self) -> None:
        """One ordinary sync to its end."""
        with self._started() as process:
            self._watch(process, until=lambda: False)
            code = process.poll()
            process.kill()
        assert code == 0, f"the sync after the kill ended with {code}"

    def _started(self) -> subprocess.Popen[bytes]:
        port = str(httpx.URL(self.control.base_url).port)
        code = [sys.executable, "-m", "nl_pipeline_tests.sync.one_sync", str(self.folder), port]
        return subprocess.Popen(code, stdout=subprocess.DEVNULL)

    def _watch(self, process: subprocess.Popen[bytes], *, until: Callable[[], bool]) -> None:
        """Until something is reached or the process has ended.

        Batches run until a process asks which ones do: one that does not ask sees nothing of them.
        """
        asked_before = self._asked()
        for _ in range(PATIENCE_SECONDS * 50):
            if until() or process.poll() is not None:
                return
            if self._asked() > asked_before:
                for batch in self.world.mailchimp._account.batches.values():
                    batch.finishes_at = 0
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(0.02)

    def _asked(self) -> int:
        """How often somebody asked for the list of batches."""
        return sum(
            row["count"]
            for row in self.world.calls.listing()
            if (row["method"], row["path"]) == ("GET", "/3.0/batches")
        )

    def is_stuck(self) -> bool:
        """Whether a call has run into the fault that was armed for it."""
        return any(fault["applied"] for fault in self.world.faults.listing())

    def sent(self) -> Counter[str]:
        """What the twins were sent to write, by kind."""
        found: Counter[str] = Counter()
        for row in self.world.calls.listing():
            found.update(row.get("items", {}))
            found.update({n: c for n, c in row.get("actions", {}).items() if n in self.size.items})
        return found

    def picture(self) -> Picture:
        return Picture(self.control.dump("onoffice"), MailchimpStage(self.control).records())


@contextlib.contextmanager
def large_list(size: Size, *, folder: Path) -> Iterator[LargeList]:
    """People after their first sync, and everything that happened to them since."""
    world = World(contacts=0)
    known = [*(f"geht-{n}" for n in range(size.leaving)), *_names("bleibt", size.changing)]
    for name in known:
        _enter(world, name)
    with running(world) as base_url:
        control = SandboxControl(base_url)
        with contextlib.closing(control):
            with connected(control, folder=folder, crm_page=500, provider_page=500) as scenario:
                scenario.start()
            control.switch("mailchimp", name="batch_seconds", value=3600)
            for name in _names("neu", size.new):
                _enter(world, name)
            for name in _names("bleibt", size.changing):
                _act(world, "onoffice", "staff", "modify", name, fields={"Vorname": "Anders"})
            for name in _names("geht", size.leaving):
                _act(world, "mailchimp", "person", "unsubscribe", name)
            for name in _names("kommt", size.signing_up):
                _act(world, "mailchimp", "person", "subscribe", name)
            control.forget_calls()
            yield LargeList(world, control, folder, size)


def _names(what: str, count: int) -> list[str]:
    return [f"{what}-{number}" for number in range(count)]


def _email(name: str) -> str:
    return f"{name}@kunde.example"


def _enter(world: World, name: str) -> None:
    fields = {"newsletter_aktiv": YES, "Vorname": "Kim", "Name": name}
    _act(world, "onoffice", "staff", "create", name, emails=[_email(name)], fields=fields)


def _act(world: World, service: str, actor: str, action: str, name: str, **details: Any) -> None:
    world.services[service].act(
        {"actor": actor, "action": action, "email": _email(name), **details}
    )


@dataclass(frozen=True)
class Aftermath:
    """What the twins show in the end."""

    size: Size
    picture: Picture
    sent: Counter[str]

    @property
    def twice(self) -> Counter[str]:
        """What was sent more often than needed, by kind."""
        return self.sent - self.size.items

    def check(self) -> None:
        """Nothing is skipped, doubled or undone."""
        size, members = self.size, self.picture.members.values()
        by_email = {m["email_address"]: m for m in members}
        leaving = [by_email[_email(name)] for name in _names("geht", size.leaving)]
        assert {m["status"] for m in leaving} == {"unsubscribed"}
        assert not any(entry["actor"] == "api" for m in leaving for entry in m["history"][1:]), (
            "somebody who opted out was written to"
        )
        others = [
            *_names("bleibt", size.changing),
            *_names("neu", size.new),
            *_names("kommt", size.signing_up),
        ]
        assert {by_email[_email(name)]["status"] for name in others} == {"subscribed"}
        assert {tuple(by_email[_email(name)]["tags"]) for name in others} == {("onoffice",)}
        changed = [by_email[_email(name)] for name in _names("bleibt", size.changing)]
        assert {m["merge_fields"]["FNAME"] for m in changed} == {"Anders"}
        assert len(members) == size.leaving + len(others)

        contacts = Counter(
            (c["Email"], c["newsletter_aktiv"]) for c in self.picture.contacts.values()
        )
        left = {(_email(name), CANCEL): 1 for name in _names("geht", size.leaving)}
        assert contacts == Counter(left | {(_email(name), YES): 1 for name in others})

        emails = {number: c["Email"] for number, c in self.picture.contacts.items()}
        booked = Counter(
            (emails[activity["Adress_nr"]], activity["Aktionstyp"])
            for activity in self.picture.onoffice["activities"]
            if activity["Aktionsart"] == "Newsletter"
        )
        assert booked == Counter(
            {(_email(name), "nicht bestellt"): 1 for name in _names("geht", size.leaving)}
            | {(_email(name), "bestellt"): 1 for name in _names("kommt", size.signing_up)}
        )


@pytest.fixture(scope="module")
def killed_at_60_percent(tmp_path_factory: pytest.TempPathFactory) -> Aftermath:
    """Some 3,600 things to send, killed at 60 % of them, in the middle of batches."""
    size = Size(leaving=200, changing=1100, new=1000, signing_up=50)
    folder = tmp_path_factory.mktemp("t16")
    with large_list(size, folder=folder) as large:
        most = 0.6 * size.items.total()
        large.kill_when(lambda: large.sent().total() >= most)
        assert large.sent().total() < size.items.total()
        large.control.switch("mailchimp", name="batch_seconds", value=0.3)  # those to come
        large.finish()
        return Aftermath(size, large.picture(), large.sent())


def test_after_a_kill_at_60_percent_nothing_is_skipped_doubled_or_undone(
    killed_at_60_percent: Aftermath,
) -> None:
    killed_at_60_percent.check()


def test_after_a_kill_at_60_percent_at_most_one_in_200_is_sent_twice(
    killed_at_60_percent: Aftermath, record_property: Any
) -> None:
    record_property("sent", dict(killed_at_60_percent.sent))
    needed = killed_at_60_percent.size.items
    assert not needed - killed_at_60_percent.sent
    assert killed_at_60_percent.twice.total() <= 0.005 * needed.total()


NOT_EVEN_ARRIVED, APPLIED_WITHOUT_ANSWER = "timeout_before", "timeout_after_apply"
WORST_MOMENTS = (
    ("onoffice", "modify:address", NOT_EVEN_ARRIVED),
    ("onoffice", "create:address", APPLIED_WITHOUT_ANSWER),
    # The sync that finishes what came before books the activities first.
    ("onoffice", "create:agentslog", APPLIED_WITHOUT_ANSWER),
    ("mailchimp", r"POST /mailchimp/3.0/lists/\w+\?", APPLIED_WITHOUT_ANSWER),
    ("mailchimp", "POST /mailchimp/3.0/lists/.*segments", APPLIED_WITHOUT_ANSWER),
    ("mailchimp", "POST /mailchimp/3.0/batches", APPLIED_WITHOUT_ANSWER),
)


def test_a_sync_that_is_killed_at_every_worst_moment_in_turn_skips_and_doubles_nothing(
    tmp_path: Path,
) -> None:
    size = Size(leaving=6, changing=30, new=8, signing_up=3)
    with large_list(size, folder=tmp_path) as large:
        for service, call, kind in WORST_MOMENTS:
            large.control.clear_faults()
            large.control.fault(service, kind=kind, match=call)  # type: ignore[arg-type]
            large.kill_when(large.is_stuck)
        large.control.clear_faults()
        large.control.switch("mailchimp", name="batch_seconds", value=0.3)
        large.finish()

        Aftermath(size, large.picture(), large.sent()).check()
