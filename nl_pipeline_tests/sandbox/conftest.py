"""Fixtures of the sandbox's own tests: a caller of the onOffice twin."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from nl_pipeline_tests.sandbox.onoffice_caller import OnOfficeCaller


@pytest.fixture
def onoffice(sandbox_url: str) -> Iterator[OnOfficeCaller]:
    """A caller of the onOffice twin."""
    caller = OnOfficeCaller(sandbox_url)
    yield caller
    caller.close()
