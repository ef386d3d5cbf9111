"""What a webhook of Brevo tells, read off its JSON; and that nothing breaks the reader."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nl_pipeline.domain.events import OPT_OUTS, EventKind, SubscriberEvent, event_columns
from nl_pipeline.domain.schemas import EVENTS_SCHEMA, rows_that_break
from nl_pipeline.sync.events.brevo import told_by
from nl_pipeline.sync.events.told import Told, Unusable
from nl_pipeline.webhook_log.lines import LogLine, body_fields

LIST = "7"
KEY_NAME = "onoffice-connector"
RECEIVED = datetime(2026, 3, 2, 10, 12, 9, 250_000, tzinfo=UTC)
MOMENT = datetime(2026, 3, 2, 9, 12, 5, tzinfo=UTC)
TS_EVENT = int(MOMENT.timestamp())
EMAIL = "Erika.Muster@Kunde.example"
KEY = "erika.muster@kunde.example"


def told(
    body: Any,
    /,
    *,
    signature: str = "valid",
    audience_id: str | None = LIST,
    provider: str = "brevo",
) -> Told:
    """What a line with this document, or with these bytes, tells."""
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    line = LogLine(
        id="w-1",
        received_at=RECEIVED,
        provider=provider,
        origin="changes",
        signature=signature,
        headers={},
        **body_fields(raw),
    )
    return told_by(line, audience_id=audience_id, key_name=KEY_NAME)


def one(body: Any, /, **values: Any) -> SubscriberEvent:
    """The only event of a document."""
    (event,) = told(body, **values).events
    return event


def named(event: str, **fields: Any) -> dict[str, Any]:
    return {"id": 9864, "email": EMAIL, "event": event, **fields}


def kinds(body: Any, /) -> list[EventKind]:
    return [event.kind for event in told(body).events]


def test_an_unsubscribe_by_a_link_in_a_campaign() -> None:
    event = one(
        {
            "id": 9864,
            "camp_id": 31,
            "email": EMAIL,
            "campaign name": "Newsletter Maerz",
            "date_sent": "2026-03-02 09:00:00",
            "date_event": "2026-03-02 10:12:05",
            "event": "unsubscribe",
            "tag": "",
            "sending_ip": "1.179.112.9",
            "list_id": [7],
            "ts_sent": TS_EVENT - 4000,
            "ts_event": TS_EVENT,
            "ts": TS_EVENT + 3600,
        }
    )

    assert event == SubscriberEvent(
        kind=EventKind.UNSUBSCRIBE,
        key=KEY,
        former_key="",
        provider_ref="",
        campaign_id="31",
        reason="",
        actor="person",
        happened_at=MOMENT,
        received_at=RECEIVED,
        source="webhook",
        believed=True,
        line_id="w-1",
    )


@pytest.mark.parametrize(
    ("spellings", "expected"),
    [
        (["unsubscribe", "unsubscribed", "Unsubscribed"], [EventKind.UNSUBSCRIBE]),
        (["spam", "complaint"], [EventKind.COMPLAINT]),
        (
            ["hard_bounce", "hard_bounced", "hardBounce", "hardBounced"],
            [EventKind.CLEANED, EventKind.HARD_BOUNCE],
        ),
        (["delivered"], [EventKind.DELIVERED]),
        (["opened", "open", "unique_opened", "uniqueOpened"], [EventKind.OPEN]),
        (["proxy_open", "unique_proxy_open", "loadedByProxy"], [EventKind.PROXY_OPEN]),
        (["click", "clicked"], [EventKind.CLICK]),
        (["list_addition", "listAddition"], [EventKind.SUBSCRIBE]),
        (["contact_updated", "contactUpdated"], [EventKind.PROFILE]),
        (["contact_deleted", "contactDeleted"], [EventKind.REMOVED]),
        (["soft_bounce", "soft_bounced", "softBounce", "deferred", "request"], []),
        (["something new", ""], [EventKind.REMOVED]),
    ],
    ids=lambda value: value[0] if value else "nothing",
)
def test_an_event_is_known_by_every_spelling_it_was_seen_in(
    spellings: list[str], expected: list[EventKind]
) -> None:
    assert [kinds(named(spelling)) for spelling in spellings] == [expected] * len(spellings)


@pytest.mark.parametrize("name", ["URL", "url", "link"])
def test_a_click_names_its_link_and_its_campaign(name: str) -> None:
    event = one(named("click", camp_id=31, **{name: "https://example.de/objekt/12"}))

    assert (event.link, event.campaign_id) == ("https://example.de/objekt/12", "31")


@pytest.mark.parametrize("camp_id", [31, "31", 31.0])
def test_an_id_is_the_same_as_a_number_and_as_text(camp_id: object) -> None:
    assert one(named("delivered", camp_id=camp_id)).campaign_id == "31"


# Whose list it is -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "list_id", [None, [], [7], [3, 7], ["7"], 7, "7"], ids=lambda value: str(value)
)
def test_an_unsubscribe_from_our_list_or_from_everything_is_an_opt_out(list_id: object) -> None:
    event = one(named("unsubscribed", list_id=list_id))

    assert (event.kind, event.believed) == (EventKind.UNSUBSCRIBE, True)


def test_an_unsubscribe_from_other_lists_alone_is_only_a_reason_to_look() -> None:
    event = one(named("unsubscribed", list_id=[3, 12]))

    assert (event.kind, event.believed, event.reason) == (
        EventKind.UNSUBSCRIBE,
        False,
        "other_list",
    )


def test_a_complaint_counts_whatever_list_it_is_about() -> None:
    assert one(named("spam", list_id=[3])).believed


def test_before_there_is_a_list_of_ours_every_unsubscribe_is_an_opt_out() -> None:
    assert one(named("unsubscribed", list_id=[3]), audience_id=None).believed


def test_an_addition_to_other_lists_alone_is_no_news() -> None:
    assert told(named("list_addition", list_id=[3])) == Told(())
    assert kinds(named("list_addition", list_id=[3, 7])) == [EventKind.SUBSCRIBE]


# Whose doing it is ------------------------------------------------------------------------------


@pytest.mark.parametrize("event", ["contact_updated", "list_addition"])
def test_what_our_own_key_caused_is_no_news(event: str) -> None:
    assert told(named(event, api_key_name=KEY_NAME, list_id=[7])) == Told(())


@pytest.mark.parametrize("name", ["", "another key", None, KEY_NAME.upper()])
def test_what_another_key_or_nobody_s_caused_is_news(name: str | None) -> None:
    assert kinds(named("contact_updated", api_key_name=name)) == [EventKind.PROFILE]


@pytest.mark.parametrize("event", ["unsubscribed", "spam", "hard_bounce", "contact_deleted"])
def test_an_opt_out_that_names_our_own_key_is_not_passed_over(event: str) -> None:
    assert told(named(event, api_key_name=KEY_NAME)).events


@pytest.mark.parametrize("signature", ["valid", "wrong"])
def test_only_what_came_with_our_token_is_believed(signature: str) -> None:
    event = one(named("unsubscribed"), signature=signature)

    assert event.believed is (signature == "valid")


def test_the_test_button_of_brevo_s_page_tells_nothing() -> None:
    assert told({"event": "opened", "email": "example@example.com", "id": 1}) == Told(())


# Times ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("ts_event", [TS_EVENT, str(TS_EVENT), float(TS_EVENT)])
def test_an_event_of_a_campaign_happened_at_its_own_time(ts_event: object) -> None:
    event = one(named("delivered", ts_event=ts_event, ts=TS_EVENT + 3600))

    assert event.happened_at == MOMENT


@pytest.mark.parametrize(
    "fields",
    [
        {"ts": TS_EVENT, "date": "2026-03-02 11:00:00"},
        {"ts_event": None},
        {"ts_event": "yesterday"},
        {"ts_event": True},
        {"ts_event": 1e300},
        {"ts_event": 0},
        {"ts_event": int((RECEIVED + timedelta(minutes=11)).timestamp())},
    ],
    ids=str,
)
def test_whatever_has_no_usable_time_in_utc_happened_when_it_was_received(
    fields: dict[str, Any],
) -> None:
    event = one(named("contact_updated", **fields))

    assert event.happened_at == RECEIVED.replace(microsecond=0)


# Several at once --------------------------------------------------------------------------------


@pytest.mark.parametrize("wrapped", [False, True], ids=["a list", "an object around a list"])
def test_a_batch_tells_all_its_events(wrapped: bool) -> None:
    batch = [named("delivered"), named("opened"), named("unsubscribed")]

    assert kinds({"items": batch, "count": 3} if wrapped else batch) == [
        EventKind.DELIVERED,
        EventKind.OPEN,
        EventKind.UNSUBSCRIBE,
    ]


def test_what_is_unusable_in_a_batch_stops_nothing_else() -> None:
    batch = [{"event": "opened"}, 7, named("unsubscribed"), {"event": "click", "email": "nobody"}]

    found = told(batch)

    assert [event.kind for event in found.events] == [EventKind.UNSUBSCRIBE]
    assert found.unusable == ("no_address", "no_event", "invalid_address")


def test_an_event_of_several_addresses_is_one_for_each() -> None:
    events = told(named("contact_deleted") | {"email": [EMAIL, "b@kunde.example", EMAIL]}).events

    assert [event.key for event in events] == [KEY, "b@kunde.example"]


# Nothing breaks the reader ----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("body", "cause"),
    [
        (b"type=unsubscribe&data%5Bemail%5D=a%40b.example", "no_json"),
        (b"", "no_json"),
        (b"[" * 100_000, "no_json"),
        ("text", "no_event"),
        (7, "no_event"),
        (None, "no_event"),
    ],
    ids=["a form", "empty", "very deep", "text", "a number", "null"],
)
def test_a_line_that_can_hold_no_event_is_named_by_its_cause(body: Any, cause: str) -> None:
    with pytest.raises(Unusable, match=f"^{cause}$"):
        told(body)


@pytest.mark.parametrize(
    "body",
    [
        b'{"email": "%s", "event": "unsubscribed", "content": [{"VORNAME": "Erika", }]',
        b'{"event":"unsubscribed","email":"%s","reason":NaN}',
        b'{"event": "unsubscribed", "email": "%s", "tag": "\\ud800"}',
        b'[{"event": "unsubscribed", "email": "%s"}, {"event": "opened", "ema',
    ],
    ids=["an odd comma", "no number", "half a letter", "cut off"],
)
def test_an_opt_out_in_what_is_not_quite_json_is_not_lost(body: bytes) -> None:
    event = one(body % EMAIL.encode())

    assert (event.kind, event.key, event.believed) == (EventKind.UNSUBSCRIBE, KEY, True)


def test_a_line_of_another_provider_is_none_of_brevo_s() -> None:
    with pytest.raises(Unusable, match=r"^unknown_provider$"):
        told(named("unsubscribed"), provider="mailchimp")


_VALUES = st.recursive(
    st.one_of(
        st.none(),
        st.booleans(),
        st.integers(),
        st.floats(),
        st.text(max_size=20),
        st.sampled_from([EMAIL, "unsubscribed", "list_addition", KEY_NAME, 7]),
    ),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3), st.dictionaries(st.text(max_size=8), inner, max_size=3)
    ),
    max_leaves=8,
)
_FIELDS = st.dictionaries(
    st.one_of(
        st.sampled_from(
            ["event", "email", "list_id", "camp_id", "ts_event", "URL", "reason", "api_key_name"]
        ),
        st.text(max_size=8),
    ),
    _VALUES,
    max_size=8,
)


@settings(deadline=None)
@given(st.one_of(st.binary(max_size=200), _VALUES, _FIELDS, st.lists(_FIELDS, max_size=3)))
def test_no_body_breaks_the_reader_or_the_table(body: Any) -> None:
    try:
        found = told(body)
    except Unusable:
        return

    assert rows_that_break(event_columns(found.events), schema=EVENTS_SCHEMA) == set()


@settings(deadline=None)
@given(
    more=_FIELDS,
    others=st.lists(_FIELDS, max_size=2),
    place=st.integers(0, 2),
    event=st.sampled_from(["unsubscribe", "unsubscribed", "spam", " Unsubscribed "]),
    address=st.sampled_from([EMAIL, f" {EMAIL}", EMAIL.upper(), "a+b@kunde.example"]),
    listed=st.booleans(),
)
def test_a_recognisable_opt_out_is_never_lost(
    more: dict[str, Any],
    others: list[dict[str, Any]],
    place: int,
    event: str,
    address: str,
    listed: bool,
) -> None:
    more.pop("list_id", None)
    own = more | {"event": event, "email": [address] if listed else address}
    batch = [*others[:place], own, *others[place:]]

    found = told(batch).events

    assert any(
        e.kind in OPT_OUTS and e.believed and e.key == address.strip().lower() for e in found
    )
