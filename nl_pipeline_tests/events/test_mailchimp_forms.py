"""What a webhook of Mailchimp tells, read off its form; and that nothing breaks the reader."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from urllib.parse import quote, urlencode
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nl_pipeline.domain.events import OPT_OUTS, EventKind, SubscriberEvent
from nl_pipeline.sync.events.mailchimp import event_of, read_form
from nl_pipeline.sync.events.told import Unusable
from nl_pipeline.webhook_log.lines import LogLine, body_fields, decode, encode

AUDIENCE = "a6b5da1054"
RECEIVED = datetime(2026, 3, 26, 21, 41, 3, 250_000, tzinfo=UTC)
EMAIL = "Erika.Muster@Kunde.example"
KEY = "erika.muster@kunde.example"


def line_of(body: bytes, *, origin: str = "person", signature: str = "valid") -> LogLine:
    return LogLine(
        id="w-1",
        received_at=RECEIVED,
        provider="mailchimp",
        origin=origin,
        signature=signature,
        headers={},
        **body_fields(body),
    )


def told(
    body: bytes | None = None,
    /,
    *,
    zone: str = "UTC",
    origin: str = "person",
    signature: str = "valid",
    **form: str,
) -> SubscriberEvent:
    """The event of a form; ``data_email`` stands for ``data[email]``."""
    fields = {
        (f"data[{name.removeprefix('data_')}]" if name.startswith("data_") else name): value
        for name, value in form.items()
    }
    line = line_of(
        urlencode(fields).encode() if body is None else body, origin=origin, signature=signature
    )
    return event_of(line, audience_id=AUDIENCE, zone=ZoneInfo(zone))


def test_an_unsubscribe_as_the_vendor_shows_it() -> None:
    event = told(
        b"type=unsubscribe&fired_at=2026-03-26+21%3A40%3A57&data%5Baction%5D=unsub"
        b"&data%5Breason%5D=manual&data%5Bid%5D=8a25ff1d98"
        b"&data%5Bemail%5D=Erika.Muster%40Kunde.example&data%5Bemail_type%5D=html"
        b"&data%5Bweb_id%5D=400751728&data%5Bcampaign_id%5D=cb398d21d2"
        b"&data%5Blist_id%5D=a6b5da1054&data%5Bmerges%5D%5BEMAIL%5D=other%40kunde.example"
        b"&data%5Bmerges%5D%5BADDRESS%5D%5Baddr1%5D=Weg+1"
        b"&data%5Bmerges%5D%5BGROUPINGS%5D%5B0%5D%5Bname%5D=A"
    )

    assert event == SubscriberEvent(
        kind=EventKind.UNSUBSCRIBE,
        key=KEY,
        former_key="",
        provider_ref="8a25ff1d98",
        campaign_id="cb398d21d2",
        reason="manual",
        actor="person",
        happened_at=datetime(2026, 3, 26, 21, 40, 57, tzinfo=UTC),
        received_at=RECEIVED,
        source="webhook",
        believed=True,
        line_id="w-1",
    )


@pytest.mark.parametrize(
    ("form", "kind"),
    [
        ({"type": "subscribe"}, EventKind.SUBSCRIBE),
        ({"type": "profile"}, EventKind.PROFILE),
        ({"type": "unsubscribe"}, EventKind.UNSUBSCRIBE),
        ({"type": "unsubscribe", "data_action": "unsub"}, EventKind.UNSUBSCRIBE),
        ({"type": " Unsubscribe "}, EventKind.UNSUBSCRIBE),
        ({"type": "unsubscribe", "data_action": "delete"}, EventKind.REMOVED),
        ({"type": "unsubscribe", "data_action": "archive"}, EventKind.REMOVED),
        ({"type": "unsubscribe", "data_reason": "abuse"}, EventKind.COMPLAINT),
        ({"type": "cleaned", "data_reason": "hard"}, EventKind.CLEANED),
        ({"type": "cleaned", "data_reason": "abuse"}, EventKind.COMPLAINT),
        ({"type": "something new"}, EventKind.REMOVED),
        ({}, EventKind.REMOVED),
    ],
    ids=str,
)
def test_the_kind_of_an_event(form: dict[str, str], kind: EventKind) -> None:
    assert told(data_email=EMAIL, **form).kind is kind


def test_a_change_of_address_names_both_and_no_id() -> None:
    event = told(type="upemail", data_new_email="neu@kunde.example", data_old_email=EMAIL)

    assert (event.kind, event.key, event.former_key) == (
        EventKind.ADDRESS,
        "neu@kunde.example",
        KEY,
    )


def test_a_change_from_an_address_that_is_none_is_a_reason_to_look() -> None:
    event = told(type="upemail", data_new_email=EMAIL, data_old_email="")

    assert (event.kind, event.key) == (EventKind.REMOVED, KEY)


def test_a_campaign_is_named_by_its_id() -> None:
    event = told(type="campaign", data_id="cb398d21d2", data_status="sent")

    assert (event.kind, event.key, event.campaign_id, event.reason) == (
        EventKind.CAMPAIGN,
        "",
        "cb398d21d2",
        "sent",
    )


def test_a_time_is_read_in_the_zone_of_the_settings() -> None:
    event = told(
        type="profile",
        data_email=EMAIL,
        fired_at="2025-07-01 12:00:00",
        zone="America/New_York",
    )

    assert event.happened_at == datetime(2025, 7, 1, 16, 0, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    "fired_at",
    [
        "",
        "yesterday",
        "0000-00-00 00:00:00",
        "9999-12-31 23:59:59",
        f"{RECEIVED + timedelta(minutes=11):%Y-%m-%d %H:%M:%S}",
        "1999-12-31 23:59:59",
    ],
)
def test_an_opt_out_without_a_usable_time_happened_when_it_was_received(fired_at: str) -> None:
    event = told(type="unsubscribe", data_email=EMAIL, fired_at=fired_at)

    assert event.happened_at == RECEIVED.replace(microsecond=0)


@pytest.mark.parametrize(
    ("signature", "believed"), [("valid", True), ("unsigned", True), ("wrong", False)]
)
def test_only_a_wrong_signature_is_not_believed(signature: str, believed: bool) -> None:
    assert told(type="profile", data_email=EMAIL, signature=signature).believed is believed


@pytest.mark.parametrize(
    ("form", "cause"),
    [
        ({"type": "unsubscribe"}, "no_address"),
        ({"type": "unsubscribe", "data_email": "nobody"}, "invalid_address"),
        ({"type": "profile", "data_email": "x@forgotten.mailchimp.com"}, "forgotten_address"),
        ({"type": "profile", "data_email": EMAIL, "data_list_id": "another"}, "other_audience"),
        ({"type": "campaign"}, "no_campaign"),
        ({"hello": "world"}, "no_form"),
    ],
    ids=str,
)
def test_what_tells_nothing_is_named_by_its_cause(form: dict[str, str], cause: str) -> None:
    with pytest.raises(Unusable, match=f"^{cause}$"):
        told(**form)


@settings(deadline=None)
@given(st.binary(max_size=300))
def test_no_body_breaks_the_reader(body: bytes) -> None:
    try:
        event = told(body)
    except Unusable:
        return
    assert "@" in event.key or event.kind is EventKind.CAMPAIGN


_TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
_FIELDS = st.dictionaries(
    st.one_of(
        st.sampled_from(["type", "fired_at", "data[id]", "data[action]", "data[reason]"]),
        _TEXTS,
    ),
    _TEXTS,
    max_size=8,
)


@settings(deadline=None)
@given(_FIELDS)
def test_no_form_breaks_the_reader(form: dict[str, str]) -> None:
    try:
        told(urlencode(form).encode())
    except Unusable:
        return


_MERGES = st.dictionaries(
    st.from_regex(r"data\[merges\]\[[A-Z]{1,8}\](\[[a-z0-9]{1,6}\])?", fullmatch=True),
    _TEXTS,
    max_size=6,
)


@settings(deadline=None)
@given(
    merges=_MERGES,
    more=_FIELDS,
    place=st.integers(0, 20),
    brackets=st.booleans(),
    address=st.sampled_from([EMAIL, f" {EMAIL}", EMAIL.upper(), "a+b@kunde.example"]),
)
def test_a_recognisable_opt_out_is_never_lost(
    merges: dict[str, str], more: dict[str, str], place: int, brackets: bool, address: str
) -> None:
    other = {
        name: value
        for name, value in (merges | more).items()
        if name.strip() not in ("type", "data[email]", "data[action]", "data[list_id]")
    }
    own = [("type", "unsubscribe"), ("data[email]", address)]
    fields = list(other.items())
    fields[place % (len(fields) + 1) : place % (len(fields) + 1)] = own
    body = (
        "&".join(f"{quote(name, safe='[]')}={quote(value)}" for name, value in fields)
        if brackets
        else urlencode(fields)
    )

    event = told(body.encode())

    assert event.kind in OPT_OUTS
    assert event.key == address.strip().lower()


@settings(deadline=None)
@given(st.binary(max_size=200))
def test_a_line_of_the_log_gives_the_body_back(body: bytes) -> None:
    assert decode(encode(line_of(body))).raw_body() == body


def test_of_a_field_that_comes_twice_the_first_counts() -> None:
    assert read_form("type=unsubscribe&type=profile") == {"type": "unsubscribe"}
