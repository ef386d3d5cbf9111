"""Push, pull and manual import in any order, with notices lost, doubled and late: no duplicates."""

from __future__ import annotations

from collections import Counter
from datetime import timedelta

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from nl_pipeline.sync.leads import push
from nl_pipeline_tests.leads.conftest import Telling
from nl_pipeline_tests.leads.story import LeadStory, mail

PEOPLE = ("anna", "bert", "carl")
BETWEEN = timedelta(minutes=7)

STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("submit"), st.sampled_from(PEOPLE)),
        st.tuples(st.just("notice"), st.integers(0, 8)),
        st.tuples(st.just("ingest"), st.none()),
        st.tuples(st.just("pull"), st.sampled_from([timedelta(hours=1), timedelta(days=1)])),
        st.tuples(st.just("manual"), st.tuples(st.booleans(), st.booleans())),
        st.tuples(st.just("lost answer"), st.none()),
    ),
    min_size=3,
    max_size=10,
)


class Course:
    """One course of events, told to its end: a last pull finds what is left."""

    def __init__(self, story: LeadStory) -> None:
        self.story = story
        self.leads: list[dict[str, object]] = []
        self.who: list[str] = []

    def go(self, step: tuple[str, object]) -> None:
        what, detail = step
        story = self.story
        if what == "submit":
            name = str(detail)
            company = f"Firma {len(self.leads)}"
            self.leads.append(story.submit(name, company=company))
            self.who.append(name)
        elif what == "notice" and self.leads:
            story.deliver(self.leads[int(str(detail)) % len(self.leads)])
        elif what == "ingest":
            push.ingest_leads(story.link)
        elif what == "pull" and isinstance(detail, timedelta):
            story.pull(after=detail)
        elif what == "manual" and isinstance(detail, tuple):
            story.by_hand(existing=detail[0], all=detail[1])
        elif what == "lost answer":
            story.control.fault("onoffice", kind="reset", match="create:address", after_apply=True)
        story.pass_time(BETWEEN)

    def end(self) -> None:
        self.story.control.clear_faults()
        push.ingest_leads(self.story.link)
        self.story.pull()
        self.story.pull()


@settings(
    max_examples=12,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(steps=STEPS)
def test_every_lead_arrives_once_in_any_order_of_push_pull_and_manual_import(
    telling: Telling, steps: list[tuple[str, object]]
) -> None:
    number = next(_NUMBERS)
    with telling(f"course-{number}") as story:
        course = Course(story)
        for step in steps:
            course.go(step)
        course.end()

        assert story.all_contacts() == sorted(mail(name) for name in set(course.who))
        latest = {name: f"Firma {n}" for n, name in enumerate(course.who)}
        assert {name: story.only(name)["Zusatz1"] for name in latest} == latest
        for name in latest:
            repeated = {note: n for note, n in Counter(story.notes(name)).items() if n > 1}
            assert repeated == {}
        assert story.errors() == []


_NUMBERS = iter(range(10_000))
