"""Loading a code location without looking for garbage in it."""

from __future__ import annotations

import gc
from collections.abc import Iterator

import pytest

from nl_pipeline.orchestration.loading import garbage_left_alone


@pytest.fixture(autouse=True)
def collector() -> Iterator[None]:
    was_on = gc.isenabled()
    gc.enable()
    yield
    gc.unfreeze()
    if not was_on:
        gc.disable()


def test_no_garbage_is_looked_for_while_modules_are_loaded() -> None:
    with garbage_left_alone():
        assert not gc.isenabled()

    assert gc.isenabled()


def test_what_was_loaded_is_not_looked_at_again() -> None:
    loaded: list[dict[str, object]] = []

    with garbage_left_alone():
        loaded.append({"a module": loaded})

    assert not any(one is loaded[0] for one in gc.get_objects())


def test_a_module_that_cannot_be_loaded_leaves_the_collector_on() -> None:
    with pytest.raises(ImportError), garbage_left_alone():
        raise ImportError

    assert gc.isenabled()


def test_a_process_that_collects_no_garbage_is_left_so() -> None:
    gc.disable()

    with garbage_left_alone():
        pass

    assert not gc.isenabled()
