"""Secrets of the receiver: derived or kept for the owner only, never shown."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from nl_pipeline import settings
from nl_pipeline.webhook_log.keys import (
    KEYS_FILE,
    SECRET_FILE,
    SigningKey,
    SigningKeys,
    UnreadableKeys,
    receiver_secret,
    route_token,
    webhook_url,
)
from nl_pipeline_tests.settings.documents import MINIMAL

KEY = SigningKey("8a25ff1d98", "person", "emulator-signing-secret")


def parsed(tmp_path: Path, *, more: str = "") -> settings.Settings:
    return settings.parse(MINIMAL + more, file="connections.yaml", folder=tmp_path)


@pytest.mark.parametrize("part", ["connection", "provider", "origin", "secret"])
def test_every_part_of_a_webhook_changes_its_token(part: str) -> None:
    parts = {"connection": "agency", "provider": "mailchimp", "origin": "person"}
    other = dict(parts)
    secret = "one"
    if part == "secret":
        secret = "two"
    else:
        other[part] += "x"

    assert route_token("one", **parts) != route_token(secret, **other)


def test_the_token_of_a_webhook_stays_the_same_between_releases() -> None:
    token = route_token("secret", connection="agency", provider="mailchimp", origin="person")

    assert token == "458f2490ec5f8ec6c103c249b1cc531a8081a9300aa5fb41752614c1c0a78468"


def test_a_secret_is_made_at_the_first_use_and_kept_for_the_owner(tmp_path: Path) -> None:
    loaded = parsed(tmp_path)

    first = receiver_secret(loaded)

    file = loaded.webhook_root / SECRET_FILE
    assert receiver_secret(loaded) == first
    assert len(first) == 64
    assert oct(file.stat().st_mode & 0o777) == "0o600"
    assert list(loaded.webhook_root.iterdir()) == [file]


def test_processes_that_need_the_secret_at_once_get_the_same(tmp_path: Path) -> None:
    loaded = parsed(tmp_path)

    with ThreadPoolExecutor(8) as threads:
        found = set(threads.map(lambda _: receiver_secret(loaded), range(32)))

    assert len(found) == 1


def test_the_secret_of_the_settings_wins_and_no_file_is_made(tmp_path: Path) -> None:
    loaded = parsed(tmp_path, more='webhooks:\n  secret: "${HOOKS}"\n')

    assert receiver_secret(loaded, environ={"HOOKS": "mine"}) == "mine"
    assert not loaded.webhook_root.exists()


def test_a_secret_of_the_settings_that_is_not_there_is_told(tmp_path: Path) -> None:
    loaded = parsed(tmp_path, more='webhooks:\n  secret: "${HOOKS}"\n')

    with pytest.raises(settings.SettingsError, match="is not set"):
        receiver_secret(loaded, environ={})


def test_the_address_of_a_webhook_begins_with_the_public_one(tmp_path: Path) -> None:
    public = parsed(tmp_path, more="webhooks:\n  public_url: https://hooks.example/nl/\n")
    named = {"secret": "s", "connection": "agency", "provider": "mailchimp", "origin": "staff"}

    assert str(webhook_url(public, **named)).startswith(
        "https://hooks.example/nl/hooks/agency/mailchimp/staff/"
    )
    assert webhook_url(parsed(tmp_path), **named) is None


def test_signing_keys_are_kept_replaced_and_forgotten_by_their_webhook(tmp_path: Path) -> None:
    kept = SigningKeys(tmp_path / "agency")
    other = SigningKey("other", "staff", "another secret")
    again = SigningKey(KEY.webhook_id, "person", "a newer secret")

    assert kept.read() == ()
    kept.remember(KEY)
    kept.remember(other)
    kept.remember(again)
    assert set(SigningKeys(tmp_path / "agency").read()) == {other, again}
    kept.forget(webhook_id=KEY.webhook_id)
    assert kept.read() == (other,)


def test_signing_keys_are_for_the_owner_and_are_never_shown(tmp_path: Path) -> None:
    kept = SigningKeys(tmp_path / "agency")

    kept.remember(KEY)

    assert oct(kept.path.stat().st_mode & 0o777) == "0o600"
    assert [path.name for path in kept.path.parent.iterdir()] == [KEYS_FILE]
    assert KEY.signing_secret not in repr(kept.read())


@pytest.mark.parametrize("content", [b"", b"{}", b'[{"webhook_id": 1}]', b"\xff"])
def test_a_damaged_file_of_keys_is_told_without_its_content(content: bytes, tmp_path: Path) -> None:
    kept = SigningKeys(tmp_path)
    kept.path.write_bytes(content)

    with pytest.raises(UnreadableKeys, match="damaged"):
        kept.read()
    assert kept.path.read_bytes() == content
