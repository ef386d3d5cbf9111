"""What was acknowledged is in the log, whatever the disk does; what was not may be sent again."""

from __future__ import annotations

import asyncio
import errno
import logging
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nl_pipeline.webhook_log.reading import segments
from nl_pipeline.webhook_log.writing import LogFull, LogWriter
from nl_pipeline_tests.webhook_log.disks import (
    ROOT,
    MemoryDisk,
    one_after_the_other,
    refusing,
)
from nl_pipeline_tests.webhook_log.logs import (
    CONNECTION,
    append,
    append_all,
    bodies_of,
    lines_of,
    using,
)


def bodies(number: int, *, prefix: str = "event") -> list[bytes]:
    return [f"{prefix} {index}".encode() for index in range(number)]


def test_lines_that_arrive_together_share_one_sync() -> None:
    disk = MemoryDisk()
    writer = LogWriter(ROOT, files=disk)

    stored = using(writer, append_all(writer, bodies(50)))

    assert len(stored) == 50
    assert disk.syncs == writer.counts.groups == 1


def test_an_acknowledged_line_survives_a_loss_of_power(tmp_path: Path) -> None:
    disk = MemoryDisk()
    writer = LogWriter(ROOT, files=disk)

    async def one_by_one() -> None:
        for body in bodies(5):
            await append(writer, body)
            assert any(body in content for content in disk.survivors().values())

    using(writer, one_by_one())

    disk.save(disk.survivors(), to=tmp_path)
    assert bodies_of(tmp_path / CONNECTION) == bodies(5)


@pytest.mark.parametrize("call", ["create", "write", "sync", "sync_folder", "make_folder"])
def test_after_a_call_was_refused_nothing_acknowledged_is_missing(
    call: str, tmp_path: Path
) -> None:
    refused: dict[str, int] = {}
    disk = MemoryDisk(refuse=refusing(refused))
    moment = datetime(2026, 11, 25, 13, 59, tzinfo=UTC)
    writer = LogWriter(ROOT, files=disk, now=lambda: moment)

    async def three_times() -> list[list[bytes]]:
        nonlocal moment
        first = await append_all(writer, bodies(3, prefix="before"))
        refused[call] = errno.EIO
        moment += timedelta(minutes=1)
        second = await append_all(writer, bodies(3, prefix="refused"))
        refused.clear()
        third = await append_all(writer, bodies(3, prefix="after"))
        return [first, second, third]

    acknowledged = using(writer, three_times())

    assert [len(group) for group in acknowledged] == [3, 0, 3]
    disk.save(disk.survivors(), to=tmp_path)
    found = bodies_of(tmp_path / CONNECTION)
    assert [body for body in found if not body.startswith(b"refused")] == [
        *bodies(3, prefix="before"),
        *bodies(3, prefix="after"),
    ]


def test_a_line_torn_by_a_full_disk_stands_before_no_acknowledged_one(tmp_path: Path) -> None:
    taken = 0

    def full_after_a_few(call: str) -> int:
        nonlocal taken
        taken += call == "write"
        return errno.ENOSPC if call == "write" and 4 < taken < 8 else 0

    disk = MemoryDisk(refuse=full_after_a_few, most=150)
    writer = LogWriter(ROOT, files=disk)

    async def one_by_one() -> list[bytes]:
        return [body for b in bodies(9) for body in await append_all(writer, [b])]

    acknowledged = using(writer, one_by_one())

    assert 0 < len(acknowledged) < 9
    disk.save(disk.written, to=tmp_path)
    assert bodies_of(tmp_path / CONNECTION) == acknowledged
    assert len(segments(tmp_path / CONNECTION)) == 2


def test_bytes_that_a_reader_may_have_seen_never_change(tmp_path: Path) -> None:
    refused: dict[str, int] = {}
    disk = MemoryDisk(refuse=refusing(refused))
    writer = LogWriter(ROOT, files=disk)

    async def seen_and_refused() -> dict[Path, bytes]:
        await append(writer, b"acknowledged")
        refused["sync"] = errno.EIO
        await append_all(writer, [b"seen by a reader, but never acknowledged"])
        seen = dict(disk.written)
        refused.clear()
        await append(writer, b"acknowledged later")
        return seen

    seen = using(writer, seen_and_refused())

    assert {path: disk.written[path] for path in seen} == seen


def test_a_disk_that_takes_nothing_collects_no_empty_segments() -> None:
    disk = MemoryDisk(refuse=refusing({"write": errno.ENOSPC}))
    writer = LogWriter(ROOT, files=disk)

    async def some() -> None:
        for body in bodies(5):
            with pytest.raises(OSError, match="could not be written"):
                await append(writer, body)

    using(writer, some())

    assert disk.written == {}


OUTCOMES = st.lists(st.sampled_from([0, 0, 0, errno.EIO, errno.ENOSPC]), max_size=40)


@given(outcomes=OUTCOMES, most=st.integers(1, 400), groups=st.lists(st.integers(1, 4), max_size=8))
def test_every_acknowledged_line_is_read_back_once_whatever_the_disk_refuses(
    outcomes: list[int],
    most: int,
    groups: list[int],
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    disk = MemoryDisk(refuse=one_after_the_other(iter(outcomes)), most=most)
    writer = LogWriter(ROOT, files=disk)

    async def all_groups() -> list[bytes]:
        acknowledged: list[bytes] = []
        for number, size in enumerate(groups):
            acknowledged += await append_all(writer, bodies(size, prefix=f"group {number}"))
        return acknowledged

    acknowledged = using(writer, all_groups())

    for files in (disk.survivors(), disk.written):
        folder = tmp_path_factory.mktemp("log")
        disk.save(files, to=folder)
        found = bodies_of(folder / CONNECTION)
        assert [body for body in found if body in acknowledged] == acknowledged


def test_a_new_hour_begins_a_new_segment(tmp_path: Path) -> None:
    hours: Iterator[datetime] = iter(
        datetime(2026, 11, 25, hour, 59, 59, tzinfo=UTC) for hour in (13, 13, 14)
    )
    writer = LogWriter(tmp_path, now=lambda: next(hours))

    using(writer, append_all(writer, bodies(3)))

    found = [segment.name.partition(".")[0] for segment in segments(tmp_path / CONNECTION)]
    assert found == ["2026-11-25/13", "2026-11-25/14"]
    assert bodies_of(tmp_path / CONNECTION) == bodies(3)


def test_a_nearly_full_disk_is_refused_before_it_is_tried_and_told_once(
    caplog: pytest.LogCaptureFixture,
) -> None:
    disk = MemoryDisk()
    disk.free = 99
    writer = LogWriter(ROOT, min_free_bytes=100, files=disk)

    async def refused_then_stored() -> str:
        for body in bodies(3):
            with pytest.raises(LogFull, match="disk_full"):
                await append(writer, body)
        problem = writer.problem
        disk.free = 100
        writer.check_space()
        await append(writer, b"now")
        return problem

    with caplog.at_level(logging.WARNING):
        problem = using(writer, refused_then_stored())

    assert "nearly full" in problem
    assert writer.problem == ""
    assert [record.levelname for record in caplog.records] == ["ERROR", "WARNING"]


def test_more_than_fits_into_memory_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("nl_pipeline.webhook_log.writing.WAITING_BYTES", 1000)
    writer = LogWriter(ROOT, files=MemoryDisk())

    stored = using(writer, append_all(writer, [b"x" * 400] * 10))
    again = LogWriter(ROOT, files=MemoryDisk())

    assert len(stored) == 2
    assert len(using(again, append_all(again, [b"x" * 400] * 2))) == 2


def test_a_failed_disk_is_tried_again_by_a_probe() -> None:
    refused = {"sync": errno.EIO}
    disk = MemoryDisk(refuse=refusing(refused))
    writer = LogWriter(ROOT, files=disk)
    disk.make_folder(ROOT)

    async def failing_then_probed() -> list[str]:
        await append_all(writer, bodies(1))
        problems = [writer.problem]
        await writer.probe()
        problems.append(writer.problem)
        refused.clear()
        await writer.probe()
        return [*problems, writer.problem]

    failing, still, mended = using(writer, failing_then_probed())

    assert "could not be written" in failing
    assert failing == still
    assert mended == ""


def test_only_the_owner_may_read_the_log(tmp_path: Path) -> None:
    writer = LogWriter(tmp_path / "webhooks")

    using(writer, append(writer, b"event"))

    modes = {
        path.relative_to(tmp_path).parts[0]: oct(path.stat().st_mode & 0o777)
        for path in [tmp_path / "webhooks", *(tmp_path / "webhooks").rglob("*")]
        if path.is_dir()
    }
    files = [path for path in (tmp_path / "webhooks").rglob("*") if path.is_file()]
    assert set(modes.values()) == {"0o700"}
    assert [oct(path.stat().st_mode & 0o777) for path in files] == ["0o600"]


def test_two_writers_side_by_side_keep_everything(tmp_path: Path) -> None:
    writers = [LogWriter(tmp_path), LogWriter(tmp_path)]

    async def both() -> None:
        await asyncio.gather(
            *(append(writer, body) for body in bodies(20) for writer in writers),
        )
        for writer in writers:
            await writer.close()

    asyncio.run(both())

    found = lines_of(tmp_path / CONNECTION)
    assert sorted(line.raw_body() for line in found) == sorted(bodies(20) * 2)
    assert len({line.id for line in found}) == 40
    assert len(segments(tmp_path / CONNECTION)) == 2


def test_connections_have_logs_of_their_own(tmp_path: Path) -> None:
    writer = LogWriter(tmp_path)

    async def two() -> None:
        await append(writer, b"one", connection="one")
        await append(writer, b"two", connection="two")

    using(writer, two())

    assert [bodies_of(tmp_path / name) for name in ("one", "two")] == [[b"one"], [b"two"]]
