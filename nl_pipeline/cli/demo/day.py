"""The day of the demo: what happens in which order, and the proof at its end.

Belongs here: set-up, the parts of the day, and the syncs between them. Must not be here: who does
what (``stories``), what must have come of it (``proof``).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime

import typer

from nl_pipeline import settings
from nl_pipeline.cli.demo.brevo_stories import during_the_import
from nl_pipeline.cli.demo.control import Sandbox
from nl_pipeline.cli.demo.dagster_jobs import DagsterJobs
from nl_pipeline.cli.demo.leads import LeadForms
from nl_pipeline.cli.demo.picture import Picture, take_picture
from nl_pipeline.cli.demo.proof import Comparison, compare
from nl_pipeline.cli.demo.receiver import Receiver
from nl_pipeline.cli.demo.stories import write_stories
from nl_pipeline.cli.demo.story import EVENING, FIRST_SYNC, MORNING, NOON, OUTAGE, Story
from nl_pipeline.cli.output import show_table, shown_progress
from nl_pipeline.cli.plan_view import show_plan, show_push
from nl_pipeline.cli.sandbox import SANDBOX_SECRETS
from nl_pipeline.settings import Settings
from nl_pipeline.sync.events.ingest import ingest
from nl_pipeline.sync.link import Link, Progress, open_link
from nl_pipeline.sync.observe import Mode
from nl_pipeline.sync.run import push_and_follow_up, sync
from nl_pipeline.sync.setup import set_up
from nl_pipeline.sync.webhook_watch import place_of

#: Between two parts of the day: people don't do two things in one second. Kept small, because
#: onOffice refuses calls whose time is 120 s away from its own.
_PAUSE_SECONDS = 40
#: What Brevo takes for an import.
_IMPORT_SECONDS = 30
MAILCHIMP, BREVO = settings.SANDBOX_CONNECTION, settings.SANDBOX_BREVO_CONNECTION
BOTH = (MAILCHIMP, BREVO)


def tell(step: str) -> None:
    """The heading of a step."""
    typer.secho(f"\n== {step}", bold=True)


@dataclass
class Day:
    """One day of a sandbox with two connections."""

    sandbox: Sandbox
    loaded: Settings
    receiver: Receiver
    jobs: DagsterJobs
    _between: dict[int, Picture] = field(default_factory=dict)

    def play(self) -> list[Comparison]:
        """The whole day; returns the proof."""
        stories = [self._first_syncs()]
        before = self._between[FIRST_SYNC]
        stories += write_stories(before)
        self._morning(stories)
        self._noon(stories)
        self._outage(stories)
        self._evening(stories)
        writes = self._nothing_left()
        after = self._picture()
        return [
            *compare(stories, before=before, after=after, between=self._between),
            Comparison("The last syncs", "writing calls, counted by the twins", 0, writes),
            Comparison("The whole day", "calls beyond Brevo's limits", 0, after.violations),
            *self._leads(),
        ]

    def _leads(self) -> list[Comparison]:
        """After the day, so that nobody of it is touched by them."""
        return LeadForms(
            self.sandbox,
            self.receiver,
            opened=lambda: self._linked(MAILCHIMP),
            place=place_of(self.loaded, connection=MAILCHIMP),
            tell=tell,
        ).play()

    def _first_syncs(self) -> Story:
        """Brevo's first, in whose old lists opt-outs lie that Mailchimp has to respect, too."""
        story = during_the_import(self._picture())
        self.sandbox.switch("brevo", name="import_seconds", value=_IMPORT_SECONDS)
        self.sandbox.switch("brevo", name="import_loses_mail_notices", value=True)
        self._first_sync(BREVO, on_progress=self._while_brevo_imports(story))
        self.sandbox.switch("brevo", name="import_seconds", value=0)
        self._first_sync(MAILCHIMP)
        self._between[FIRST_SYNC] = self._picture()
        return story

    def _first_sync(self, connection: str, *, on_progress: Progress | None = None) -> None:
        tell(f"{connection}: rights, fields, audience, webhooks, backup, first plan")
        with self._linked(connection, on_progress=on_progress) as link:
            made = set_up(link, place=place_of(self.loaded, connection=connection))
            for note in () if made.webhooks is None else made.webhooks.mended:
                typer.echo(f"Webhooks: {note}.")
            show_plan(made.plan, warehouse=link.warehouse, connection=connection)
            tell(f"nl-pipeline apply {made.plan.plan_id}")
            result = push_and_follow_up(link, plan=made.plan, approved=True)
            for plan, push in (
                (made.plan, result.push),
                *([] if result.second is None else [(result.second.plan, result.second.push)]),
            ):
                if push is not None:
                    show_push(push, connection=connection)
                if plan is not made.plan:
                    show_plan(plan, warehouse=link.warehouse, connection=connection)

    def _while_brevo_imports(self, story: Story) -> Progress:
        """Lets the story happen when the import is first waited for, and then time pass."""
        left = list(story.acts)

        def progress(what: str, done: int, total: int) -> None:
            if left and done < total and what.startswith("imports"):
                typer.echo(f"Brevo imports ({done} of {total} done), and {len(left)} people leave.")
                while left:
                    act = left.pop(0)
                    self.sandbox.act(act.service, act.payload)
                self.sandbox.advance(seconds=_IMPORT_SECONDS)

        return progress

    def _morning(self, stories: Iterable[Story]) -> None:
        tell("Life happens, in the morning")
        self._live(stories, part=MORNING)
        tell("The quarter-hourly syncs: only what changed is read")
        for connection in BOTH:
            self._sync(connection)
        tell("A quarter of an hour later Mailchimp, too, knows what Brevo was told")
        self._sync(MAILCHIMP)

    def _noon(self, stories: Iterable[Story]) -> None:
        self.receiver.hear(more=0)
        tell("Life happens, at noon: the providers tell the receiver, and no sync runs")
        acts = self._live(stories, part=NOON)
        self.receiver.hear(more=acts)
        tell("What the webhook sensor, or cron, asks for every minute: nl-pipeline ingest")
        self._ingest()
        self._between[NOON] = self._picture()

    def _outage(self, stories: Iterable[Story]) -> None:
        tell("The receiver is killed, and life goes on")
        self.receiver.stop()
        self._live(stories, part=OUTAGE)
        self.receiver.start()
        tell("After an outage, by the providers' own records: the Dagster job recover_history")
        self._run_job("recover_history", daily=True)
        self._between[OUTAGE] = self._picture()

    def _evening(self, stories: Iterable[Story]) -> None:
        tell("Life happens, in the evening")
        self._live(stories, part=EVENING)
        tell("The nightly full syncs side by side, as the Dagster job full_sync")
        self._run_job("full_sync", daily=False)
        tell("A quarter of an hour later each provider knows what the other was told")
        for connection in BOTH:
            self._sync(connection)
        tell("What webhooks told meanwhile is known by now: nl-pipeline ingest")
        self._ingest()

    def _nothing_left(self) -> int:
        """A full sync of each; how many writing calls they made."""
        tell("One more full sync of each: there is nothing left to write")
        self.sandbox.forget_calls()
        for connection in BOTH:
            self._sync(connection, mode="full")
        reads, writes = self.sandbox.count_calls()
        typer.echo(f"The twins counted {reads} reading and {writes} writing calls.")
        return writes

    def _sync(self, connection: str, *, mode: Mode = "incremental") -> None:
        with self._linked(connection) as link:
            result = sync(link, mode=mode)
            show_plan(result.plan, warehouse=link.warehouse, connection=connection)
            if result.push is not None:
                show_push(result.push, connection=connection)

    def _ingest(self) -> None:
        for connection in BOTH:
            with self._linked(connection) as link:
                result = ingest(link)
            typer.echo(
                f"{connection}: {result.lines} lines; contacts that had to be cancelled:"
                f" {result.contacts_cancelled}."
            )

    def _run_job(self, name: str, *, daily: bool) -> None:
        day = datetime.now(UTC).date() if daily else None
        self.jobs.run(name, connections=BOTH, day=day)

    def _picture(self) -> Picture:
        return take_picture(self.sandbox, audience=self.loaded.connection(MAILCHIMP).audience)

    def _live(self, stories: Iterable[Story], *, part: int) -> int:
        """Let everything of a part happen; how many acts that were."""
        self.sandbox.advance(seconds=_PAUSE_SECONDS)
        rows = []
        for story in stories:
            acts = [act for act in story.acts if act.part == part]
            for act in acts:
                self.sandbox.act(act.service, act.payload)
            if acts:
                rows.append((story.title, len(acts)))
        show_table("", columns=("what", "acts"), rows=rows)
        return sum(number for _, number in rows)

    @contextmanager
    def _linked(self, connection: str, *, on_progress: Progress | None = None) -> Iterator[Link]:
        with (
            shown_progress() as shown,
            open_link(
                self.loaded,
                connection=connection,
                environ=SANDBOX_SECRETS,
                progress=shown if on_progress is None else _both(shown, on_progress),
            ) as link,
        ):
            yield link


def _both(*tellers: Progress) -> Progress:
    def tell_all(what: str, done: int, total: int) -> None:
        for teller in tellers:
            teller(what, done, total)

    return tell_all
