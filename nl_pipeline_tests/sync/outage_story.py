"""Three days of a newsletter, told with or without losing webhooks, and what is left of them.

Belongs here: what happens when, and the picture afterwards. Not here: assertions.

Every step has its own hour, so that two tellings can be laid side by side: an event or an activity
belongs to the step in whose hour it happened.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from nl_pipeline.settings import KindType
from nl_pipeline.sync.events.ingest import ingest
from nl_pipeline.sync.history import read_reports
from nl_pipeline.sync.webhook_watch import repair
from nl_pipeline_tests.scenario import Scenario
from nl_pipeline_tests.sync.listening import Listening

HOUR = timedelta(hours=1)
DELIVERED = KindType(kind="Email", type="Ausgang")
BOUNCED = KindType(kind="Email", type="Eingang")
NO_REACTION = {"open_rate": 0, "click_rate": 0, "hard_bounce_rate": 0, "soft_bounce_rate": 0}

EventTold = tuple[str, str, str, int, str]
ActivityTold = tuple[str, str, str, int]


@dataclass(frozen=True)
class Left:
    """What a telling has left: events as (kind, name, campaign, step, who), activities as (kind,
    type, contact, step), newsletter fields of the CRM, and statuses at Mailchimp."""

    events: Counter[EventTold]
    activities: Counter[ActivityTold]
    newsletter: Counter[tuple[str, str]]
    status: dict[str, str]


@dataclass
class Story:
    """One telling; a lossy one loses half of the webhooks, and some for certain."""

    scenario: Scenario
    heard: Listening
    is_lossy: bool = False
    begun: datetime = field(init=False)
    campaigns: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        scenario = self.scenario
        scenario.link = replace(scenario.link, webhook_log=self.heard.folder)
        activities = scenario.link.settings.activities.model_copy(
            update={"delivered": DELIVERED, "hard_bounce": BOUNCED, "profile": None}
        )
        scenario.change_settings(activities=activities)
        repair(scenario.link, place=self.heard.place)
        scenario.pass_time(by=HOUR)
        self.begun = scenario.link.now()

    def tell(self) -> None:
        """All three days."""
        if self.is_lossy:
            self.lose(rate=0.5)
        for number, day in enumerate((self.first_day, self.second_day, self.third_day), 1):
            day()
            self.evening(number)

    def first_day(self) -> None:
        person, staff = self.scenario.person, self.scenario.staff
        self.step(self.send_campaign)
        self.step(lambda: person("unsubscribe", "kunde-01", campaign_id=self.campaigns[0]))
        self.step(lambda: staff("unsubscribe", "kunde-02"))
        self.step(lambda: person("subscribe", "neu-1"))
        self.noon()
        self.step(lambda: person("update", "kunde-03", merge_fields={"FNAME": "Anders"}))
        self.step(lambda: staff("clean", "kunde-04", campaign_id=self.campaigns[0]))
        self.step(lambda: person("unsubscribe", "kunde-05"))

    def second_day(self) -> None:
        person, staff = self.scenario.person, self.scenario.staff
        self.step(lambda: person("subscribe", "kunde-05"))
        self.step(lambda: person("complain", "kunde-06", campaign_id=self.campaigns[0]))
        self.step(lambda: staff("subscribe", "neu-2"))
        self.step(lambda: staff("update", "kunde-07", merge_fields={"LNAME": "Neu"}))
        self.noon()
        self.step(self.send_campaign)
        self.step(lambda: person("unsubscribe", "kunde-08", campaign_id=self.campaigns[1]))
        self.step(lambda: staff("clean", "kunde-09", campaign_id=self.campaigns[1]))

    def third_day(self) -> None:
        person, staff = self.scenario.person, self.scenario.staff
        self.step(lambda: person("unsubscribe", "foreign"))
        self.step(lambda: person("unsubscribe", "neu-1"))
        self.noon()
        self.step(lambda: person("update", "kunde-10", merge_fields={"FNAME": "Zuletzt"}))
        self.step(lambda: person("unsubscribe", "kunde-11", campaign_id=self.campaigns[0]))
        self.step(lambda: person("subscribe", "kunde-02"))
        self.step(lambda: staff("unsubscribe", "kunde-12"))
        if self.is_lossy:
            # Neither the one nor the other is told, and no sync sees anything between.
            self.lose(times=2)
        self.step(lambda: person("unsubscribe", "kunde-13"))
        self.step(lambda: person("subscribe", "kunde-13"))

    def lose(self, **which: float) -> None:
        """Webhooks that Mailchimp sends get lost."""
        self.scenario.control.fault("mailchimp", kind="drop_webhook", match="WEBHOOK", **which)

    def step(self, happens: Callable[[], object]) -> None:
        """Something happens in an hour of its own."""
        self.scenario.pass_time(by=HOUR)
        happens()
        self.heard.hear()

    def noon(self) -> None:
        """Whatever was told is taken in."""
        ingest(self.scenario.link)

    def send_campaign(self) -> None:
        sent = self.scenario.control.send_campaign(subject="Neubau", **NO_REACTION)
        self.campaigns.append(str(sent["campaign_id"]))

    def evening(self, day: int) -> None:
        """Until midnight nothing happens any more; reports are read, what was told is taken in, and
        there is a sync."""
        self.scenario.pass_time(by=self.begun + day * 24 * HOUR - self.scenario.link.now())
        read_reports(self.scenario.link)
        ingest(self.scenario.link)
        self.scenario.sync()

    def left(self) -> Left:
        """What there is now."""
        scenario = self.scenario
        picture = scenario.picture()
        with scenario.link.warehouse.session() as db:
            rows = db.execute(
                "SELECT kind, key, campaign_id, happened_at, actor FROM subscriber_events"
            ).fetchall()
        named = {c["id"]: c["Email"].partition("@")[0] for c in picture.contacts.values()}
        zone = ZoneInfo(scenario.link.settings.crm.time_zone)
        return Left(
            events=Counter(
                (
                    str(kind),
                    str(key).partition("@")[0],
                    self._campaign(campaign_id),
                    self._step(at.replace(tzinfo=UTC)),
                    # Of the others a webhook tells which webhook it was, and a report nothing.
                    str(actor) if kind in ("SUBSCRIBE", "UNSUBSCRIBE") else "",
                )
                for kind, key, campaign_id, at, actor in rows
            ),
            activities=Counter(
                (
                    activity["Aktionsart"],
                    activity["Aktionstyp"],
                    named[activity["Adress_nr"]],
                    self._step(datetime.fromisoformat(activity["Datum"]).replace(tzinfo=zone)),
                )
                for activity in picture.onoffice["activities"]
                if self._step(datetime.fromisoformat(activity["Datum"]).replace(tzinfo=zone)) >= 0
            ),
            newsletter=Counter(
                (named[c["id"]], str(c["newsletter_aktiv"])) for c in picture.contacts.values()
            ),
            status={
                m["email_address"].partition("@")[0]: m["status"] for m in picture.members.values()
            },
        )

    def _campaign(self, campaign_id: str) -> str:
        return f"campaign {self.campaigns.index(campaign_id)}" if campaign_id else ""

    def _step(self, moment: datetime) -> int:
        return round((moment - self.begun) / HOUR)
