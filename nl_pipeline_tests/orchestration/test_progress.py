"""Progress in a run's log: enough to see it move, not one line per page."""

from __future__ import annotations

from nl_pipeline.orchestration.progress import LoggedProgress


class Lines:
    """A log that remembers."""

    def __init__(self) -> None:
        self.lines: list[str] = []

    def info(self, msg: str) -> None:
        self.lines.append(msg)


def test_every_tenth_of_what_was_announced_is_logged() -> None:
    log = Lines()
    progress = LoggedProgress(log)

    for done in range(0, 5001, 50):
        progress("contacts", done, 5000)

    assert log.lines == [f"contacts: {done} of 5000" for done in range(500, 5001, 500)]


def test_what_was_not_announced_is_logged_by_ten_thousands() -> None:
    log = Lines()
    progress = LoggedProgress(log)

    for done in range(1000, 25_001, 1000):
        progress("members", done, 0)

    assert log.lines == ["members: 10000", "members: 20000"]


def test_two_kinds_of_work_are_logged_side_by_side() -> None:
    log = Lines()
    progress = LoggedProgress(log)

    progress("contacts", 10, 10)
    progress("members", 10, 10)

    assert log.lines == ["contacts: 10 of 10", "members: 10 of 10"]
