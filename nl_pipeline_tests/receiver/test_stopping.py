"""A receiver that is told to stop finishes what has begun."""

from __future__ import annotations

from pathlib import Path

from nl_pipeline_tests.receiver.serving import BODY, path_of, read_to_the_end, serving, wait_for
from nl_pipeline_tests.webhook_log.disks import MemoryDisk
from nl_pipeline_tests.webhook_log.logs import CONNECTION, bodies_of


def test_an_event_that_is_arriving_is_stored_and_answered_before_the_end(tmp_path: Path) -> None:
    with serving(tmp_path) as receiver, receiver.connect() as connection:
        head = f"POST {path_of()} HTTP/1.1\r\nhost: x\r\ncontent-length: {len(BODY)}\r\n\r\n"
        connection.sendall(head.encode() + BODY[:50])
        wait_for("requests_total", running=receiver, value=1)
        receiver.server.should_exit = True
        connection.sendall(BODY[50:])
        answer = read_to_the_end(connection)

    assert answer.startswith(b"HTTP/1.1 200")
    assert bodies_of(receiver.log / CONNECTION) == [BODY]


def test_at_the_end_every_segment_is_closed(tmp_path: Path) -> None:
    disk = MemoryDisk()
    with serving(tmp_path, files=disk) as receiver:
        receiver.post()
        while_running = disk.open_files

    assert (while_running, disk.open_files) == (1, 0)
