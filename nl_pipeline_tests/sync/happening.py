"""Things that happen in the middle of a sync, at a place the test names.

Belongs here: acting between two steps or two pages. Not here: assertions.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from nl_pipeline_tests.scenario import Scenario

TO_CRM = "changes to the CRM"
TO_PROVIDER = "changes to the provider"
CONTACTS = "contacts"
MEMBERS = "members"
"""What the engine tells that it is doing: pushing, and reading page by page."""


def during(
    scenario: Scenario, what: str, happens: Callable[[], object], *, times: int = 1, skip: int = 0
) -> None:
    """Let something happen when the engine next says that it has done a part of ``what``."""
    left, passed = times, skip

    def watch(told: str, _done: int, _total: int) -> None:
        nonlocal left, passed
        if told != what or not left:
            return
        if passed:
            passed -= 1
            return
        left -= 1
        happens()

    scenario.link = replace(scenario.link, progress=watch)
