"""Pages on their way into the warehouse: staged beside the file, and in it once all are there."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

import duckdb
import pytest

from nl_pipeline.clients.mailchimp import Member
from nl_pipeline.domain.fields import ProfileField
from nl_pipeline.sync.providers.mailchimp.columns import MemberColumns
from nl_pipeline.warehouse import observations
from nl_pipeline.warehouse.connection import Warehouse
from nl_pipeline.warehouse.observations import Snapshot

_FIELDS = (ProfileField("first_name", crm="Vorname", provider="FNAME"),)
_NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)


@pytest.fixture
def warehouse(tmp_path: Path) -> Warehouse:
    return Warehouse(tmp_path / "staging.duckdb", fields=_FIELDS)


def stage(warehouse: Warehouse, members: Sequence[Member]) -> None:
    columns = MemberColumns(_FIELDS)
    columns.add(members, all_tags=lambda _: [])
    frame = columns.take(observed_at=_NOW)
    observations.stage(warehouse, tables={"members": frame})


def finish(warehouse: Warehouse, *, complete: bool = True) -> None:
    observations.finish_members(
        warehouse,
        snapshot=Snapshot("provider", "full", _NOW, _NOW, 1, 1, 1, complete),
        complaints=[],
        cursor=_NOW,
        now=_NOW,
    )


def member(name: str, *, status: str = "subscribed", changed: str = "01") -> Member:
    return Member(
        id=f"id-{name}",
        email_address=f"{name}@kunde.example",
        status=status,
        last_changed=f"2026-02-{changed}T10:00:00+00:00",
    )


def states(warehouse: Warehouse) -> dict[str, str]:
    with warehouse.session() as db:
        return dict(db.execute("SELECT member_id, state FROM members").fetchall())


def test_pages_are_in_the_warehouse_once_the_read_is_finished(warehouse: Warehouse) -> None:
    observations.begin_read(warehouse, side="provider")
    stage(warehouse, [member("ada")])
    stage(warehouse, [member("grace")])
    assert states(warehouse) == {}

    finish(warehouse)

    assert states(warehouse) == {"id-ada": "SUB", "id-grace": "SUB"}


def test_a_read_that_broke_off_leaves_no_person_in_the_file(warehouse: Warehouse) -> None:
    observations.begin_read(warehouse, side="provider")
    stage(warehouse, [member("ada")])

    with duckdb.connect(warehouse.path, read_only=True) as db:
        tables = [name for (name,) in db.execute("SHOW TABLES").fetchall()]
    assert "members" in tables
    assert not [name for name in tables if "staging" in name]


def test_a_new_read_starts_without_the_pages_of_one_that_broke_off(warehouse: Warehouse) -> None:
    observations.begin_read(warehouse, side="provider")
    stage(warehouse, [member("ada")])
    observations.begin_read(warehouse, side="provider")
    stage(warehouse, [member("grace")])

    finish(warehouse)

    assert states(warehouse) == {"id-grace": "SUB"}


def test_of_a_member_that_came_twice_the_later_version_stays(warehouse: Warehouse) -> None:
    observations.begin_read(warehouse, side="provider")
    stage(warehouse, [member("ada", status="unsubscribed", changed="02")])
    stage(warehouse, [member("ada", changed="01")])

    finish(warehouse)

    assert states(warehouse) == {"id-ada": "UNSUB"}


def test_staging_does_not_open_the_file(warehouse: Warehouse, tmp_path: Path) -> None:
    observations.begin_read(warehouse, side="provider")
    away = warehouse.path.rename(tmp_path / "elsewhere.duckdb")

    stage(warehouse, [member("ada")])

    assert not warehouse.path.exists()
    away.rename(warehouse.path)
    finish(warehouse)
    assert states(warehouse) == {"id-ada": "SUB"}


@pytest.mark.parametrize(
    ("allowed", "used"),
    [("2GiB", "128.0 MiB"), ("129MiB", "128.0 MiB"), ("64MiB", "64.0 MiB")],
)
def test_a_read_is_taken_in_with_little_memory_and_never_with_more_than_allowed(
    tmp_path: Path, allowed: str, used: str
) -> None:
    warehouse = Warehouse(tmp_path / "limited.duckdb", fields=_FIELDS, memory_limit=allowed)

    with warehouse.session() as db, observations.sparing(db, rows=1_000):
        limit = db.execute("SELECT current_setting('memory_limit')").fetchall()

    assert limit == [(used,)]


def test_for_a_few_rows_no_other_limit_is_set(tmp_path: Path) -> None:
    warehouse = Warehouse(tmp_path / "limited.duckdb", fields=_FIELDS, memory_limit="2GiB")

    with warehouse.session() as db, observations.sparing(db, rows=999):
        limit = db.execute("SELECT current_setting('memory_limit')").fetchall()

    assert limit == [("2.0 GiB",)]


def test_what_follows_a_read_has_the_memory_of_the_settings_again(tmp_path: Path) -> None:
    warehouse = Warehouse(tmp_path / "roomy.duckdb", fields=_FIELDS, memory_limit="1000MiB")
    observations.begin_read(warehouse, side="provider")
    stage(warehouse, [member(f"person-{number}") for number in range(1_000)])
    with warehouse.kept_open():
        finish(warehouse)

        with warehouse.session() as db:
            limit = db.execute("SELECT current_setting('memory_limit')").fetchall()
    assert limit == [("1000.0 MiB",)]


def test_opt_outs_of_a_read_are_in_the_ledger_with_its_picture(warehouse: Warehouse) -> None:
    observations.begin_read(warehouse, side="provider")
    stage(warehouse, [member("ada", status="unsubscribed"), member("grace")])

    finish(warehouse, complete=False)

    with warehouse.session() as db:
        ledger = db.execute("SELECT key, event, actor FROM consent_ledger").fetchall()
    assert ledger == [("ada@kunde.example", "WITHDRAW", "person")]
