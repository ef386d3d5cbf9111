"""A sandbox and a connection with leads for the tests of this folder."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Protocol

import pytest

from nl_pipeline_tests.leads.story import LeadStory, client_at
from nl_pipeline_tests.sandbox_control import SandboxControl
from nl_pipeline_tests.scenario import connected


class Telling(Protocol):
    """Opens a story on an empty sandbox; `name` tells folders of one test apart."""

    def __call__(self, name: str = ...) -> AbstractContextManager[LeadStory]: ...


@pytest.fixture
def telling(shared_url: str, tmp_path: Path) -> Iterator[Telling]:
    """Begins stories, each with a sandbox and a warehouse of its own."""
    sandbox = SandboxControl(shared_url)

    @contextlib.contextmanager
    def opened(name: str = "story") -> Iterator[LeadStory]:
        sandbox.reset(contacts=0, existing_audience=True)
        folder = tmp_path / name
        with connected(sandbox, folder=folder) as scenario:
            client = client_at(sandbox)
            story = LeadStory(scenario, client=client, log=folder / "webhooks" / "demo")
            with contextlib.closing(client), contextlib.closing(story):
                yield story

    yield opened
    sandbox.close()


@pytest.fixture
def story(telling: Telling) -> Iterator[LeadStory]:
    """A connection whose leads come from the twin; nobody is in the CRM."""
    with telling() as told:
        yield told
