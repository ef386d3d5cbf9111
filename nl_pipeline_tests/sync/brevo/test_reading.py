"""Reading contacts of Brevo as members: flags, lists, times, and who is none of ours."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pandas as pd
import pytest

from nl_pipeline_tests.sync.brevo.account import Account, address

OBSERVED = datetime(2026, 11, 26, tzinfo=UTC)


def members(account: Account, *, since: datetime | None = None) -> dict[str, str]:
    """State by name, as one read shows it."""
    read = account.link.audience.read(str(account.list_id), since=since, observed_at=OBSERVED)
    return {k: v for frame in read.frames for k, v in named(frame, "state").items()}


def again(account: Account, *people: list[str]) -> pd.DataFrame:
    return account.link.audience.read_again(str(account.list_id), people, observed_at=OBSERVED)


def named(frame: pd.DataFrame, column: str) -> dict[str, str]:
    names = [key.partition("@")[0] for key in frame["key"]]
    return dict(zip(names, frame[column], strict=True))


@pytest.fixture
def populated(account: Account) -> Account:
    """Somebody of every kind."""
    account.prepare()
    for name in ("here", "left", "bounced", "off"):
        account.act("staff", "subscribe", name, first_name="Kim")
    account.act("person", "unsubscribe", "left", list_only=True)
    account.act("system", "bounce", "bounced")
    account.act("staff", "remove_from_list", "off")
    return account


def test_a_whole_read_leaves_out_who_is_merely_off_the_list(populated: Account) -> None:
    assert members(populated) == {"here": "SUB", "left": "UNSUB", "bounced": "UNSUB"}


def test_a_read_of_what_changed_tells_who_is_off_the_list(populated: Account) -> None:
    since = populated.now() - timedelta(minutes=1)

    assert members(populated, since=since)["off"] == "ABSENT"


def test_people_are_read_again_by_id_or_address_with_the_reason_they_left(
    populated: Account,
) -> None:
    found = again(
        populated,
        [str(populated.id_of("here"))],
        ["999999", address("left")],
        [address("bounced")],
        [str(populated.id_of("off"))],
        ["888888", address("nobody")],
    )

    assert named(found, "state") == {
        "here": "SUB",
        "left": "UNSUB",
        "bounced": "CLEANED",
        "off": "ABSENT",
    }
    assert named(found, "unsubscribed_by")["left"] == "person"


def test_somebody_with_a_telephone_alone_is_no_member_and_stands_in_nobodys_way(
    populated: Account,
) -> None:
    made = populated.call(
        "POST",
        "/contacts",
        {"attributes": {"SMS": "491701234567"}, "listIds": [populated.list_id]},
    )
    read = populated.link.audience.read(str(populated.list_id), since=None, observed_at=OBSERVED)
    rows = sum(len(frame) for frame in read.frames)

    assert (rows, read.complete) == (3, True)
    assert read.rejected == [(str(made["id"]), "invalid_email")]


@pytest.mark.parametrize("times", ["local", "utc"])
def test_times_are_utc_however_the_account_tells_them(populated: Account, times: str) -> None:
    populated.control.switch("brevo", name="times", value=times)

    (changed_at,) = again(populated, [str(populated.id_of("here"))])["changed_at"]

    shown = populated.contact("here")
    assert shown is not None
    assert changed_at == pd.Timestamp(shown["modifiedAt"]).tz_convert(None)


def test_values_are_read_from_the_attributes_of_the_account(populated: Account) -> None:
    found = again(populated, [str(populated.id_of("here"))])

    assert list(found["f_first_name"]) == ["Kim"]
    assert list(found["f_last_name"]) == [""]
