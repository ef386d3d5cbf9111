"""What every adapter does with the webhooks of an audience."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace

import pytest

from nl_pipeline.clients.errors import ApiError
from nl_pipeline.sync.providers.port import WantedHook
from nl_pipeline_tests.providers import each_provider
from nl_pipeline_tests.sync.conformance.bench import Bench
from nl_pipeline_tests.sync.mailbox import Mailbox

pytestmark = each_provider

NOBODY_THERE = "http://127.0.0.1:9/hooks/secret/{}"


@pytest.fixture(scope="module")
def mailbox(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Mailbox]:
    """A receiver that answers."""
    with Mailbox(tmp_path_factory.mktemp("hooks"), connection="any") as mailbox:
        yield mailbox


def wanted(bench: Bench, url_of: Callable[[str], str]) -> list[WantedHook]:
    """The webhooks there should be, as far as they tell anything."""
    hooks = bench.audience.hooks.wanted(url_of=url_of, token_of=lambda origin: f"token-{origin}")
    return [hook for hook in hooks if hook.events]


def test_a_webhook_that_is_created_is_among_all_as_it_was_wanted(
    bench: Bench, mailbox: Mailbox
) -> None:
    hooks = bench.audience.hooks

    made = [hooks.create(bench.audience_id, wanted=one).hook for one in wanted(bench, mailbox.url)]

    seen = {hook.hook_id: hook for hook in hooks.all(bench.audience_id)}
    for hook, one in zip(made, wanted(bench, mailbox.url), strict=True):
        there = seen[hook.hook_id]
        assert (there.url, there.events, there.sources) == (one.url, one.events, one.sources)
        hooks.delete(bench.audience_id, hook_id=hook.hook_id)
    assert {h.hook_id for h in hooks.all(bench.audience_id)} & {h.hook_id for h in made} == set()


def test_a_webhook_is_made_what_it_should_be_and_keeps_its_id(
    bench: Bench, mailbox: Mailbox
) -> None:
    hooks, one = bench.audience.hooks, wanted(bench, mailbox.url)[0]
    made = hooks.create(bench.audience_id, wanted=one).hook
    fewer = replace(one, events=frozenset(sorted(one.events)[:1]), url=one.url + "-moved")

    hooks.change(bench.audience_id, hook_id=made.hook_id, wanted=fewer)

    there = {h.hook_id: h for h in hooks.all(bench.audience_id)}[made.hook_id]
    assert (there.url, there.events) == (fewer.url, fewer.events)
    hooks.delete(bench.audience_id, hook_id=made.hook_id)


def test_webhooks_of_others_are_seen_and_left_alone(bench: Bench, mailbox: Mailbox) -> None:
    bench.stage.hook_up(lambda origin: mailbox.url(f"others-{origin}"))
    hooks = bench.audience.hooks
    before = {h.hook_id: h for h in hooks.all(bench.audience_id)}

    made = hooks.create(bench.audience_id, wanted=wanted(bench, mailbox.url)[0]).hook
    hooks.delete(bench.audience_id, hook_id=made.hook_id)

    assert before
    assert {h.hook_id: h for h in hooks.all(bench.audience_id)} == before


def test_no_webhook_is_created_for_a_receiver_that_does_not_answer(bench: Bench) -> None:
    hooks, one = bench.audience.hooks, wanted(bench, NOBODY_THERE.format)[0]
    before = hooks.all(bench.audience_id)

    with pytest.raises(ApiError) as check:
        hooks.check_reached(one)
    with pytest.raises(ApiError) as create:
        hooks.create(bench.audience_id, wanted=one)

    assert hooks.all(bench.audience_id) == before
    assert "secret" not in f"{check.value}{create.value}"


def test_neither_url_nor_token_of_a_webhook_is_shown_when_printed(
    bench: Bench, mailbox: Mailbox
) -> None:
    hooks, one = bench.audience.hooks, wanted(bench, mailbox.url)[0]
    made = hooks.create(bench.audience_id, wanted=one)

    shown = repr((one, made, hooks.all(bench.audience_id)))

    assert "secret" not in shown
    assert "token-" not in shown
    hooks.delete(bench.audience_id, hook_id=made.hook.hook_id)
