"""Acts of staff on webhooks, in Brevo's settings: the test button, a change, a deletion.

Belongs here: ``test_webhook`` and ``edit_webhook`` of the control API. Does not belong here: acts
on contacts (``acts``).
"""

from __future__ import annotations

from typing import Any, Literal

import msgspec

from nl_pipeline.sandbox.brevo import payloads
from nl_pipeline.sandbox.brevo.account import Account
from nl_pipeline.sandbox.brevo.errors import ApiProblem
from nl_pipeline.sandbox.brevo.outlets import Told
from nl_pipeline.sandbox.brevo.sender import Sender
from nl_pipeline.sandbox.brevo.state import Webhook
from nl_pipeline.sandbox.brevo.webhooks import check_events
from nl_pipeline.sandbox.service import ActRefused

WEBHOOK_ACTIONS = ("test_webhook", "edit_webhook")

SAMPLE_ADDRESS = "example@example.com"
"""Whom the samples of the test button are about, as seen in traffic."""


class _Act(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    actor: Literal["staff"]
    action: str
    webhook_id: int = 0
    """Default: the only one there is."""
    url: str = ""
    events: list[str] = []
    delete: bool = False


def carry_out(account: Account, payload: dict[str, Any], *, sender: Sender) -> dict[str, Any]:
    """Do one act; :class:`ActRefused` says what is wrong and what is allowed."""
    try:
        act = msgspec.convert(payload, _Act)
    except msgspec.ValidationError as error:
        raise ActRefused(f"brevo act: {error}") from error
    webhook = _webhook(account, act)
    if act.action == "test_webhook":
        for event in act.events or webhook.events:
            sender.announce(webhook, _sample(account, event))
    elif act.delete:
        del account.webhooks[webhook.id]
    else:
        _edit(webhook, act)
    return {"webhook_id": webhook.id}


def _edit(webhook: Webhook, act: _Act) -> None:
    try:
        check_events(webhook, events=act.events)
    except ApiProblem as problem:
        raise ActRefused(f"brevo act {act.action}: {problem.message}") from None
    webhook.url = act.url or webhook.url
    webhook.events = act.events or webhook.events


def _sample(account: Account, event: str) -> Told:
    now, switches = account.now(), account.switches
    if event in payloads.OF_CONTACTS:
        content = payloads.of_contact(
            event, email=SAMPLE_ADDRESS, at=now, key="", switches=switches
        )
    else:
        content = payloads.of_mail(
            event, email=SAMPLE_ADDRESS, campaign=None, at=now, switches=switches
        )
    return Told(event, content)


def _webhook(account: Account, act: _Act) -> Webhook:
    if act.webhook_id in account.webhooks:
        return account.webhooks[act.webhook_id]
    if act.webhook_id or len(account.webhooks) != 1:
        raise ActRefused(
            f"brevo act {act.action}: webhook_id must be one of {list(account.webhooks)}"
        )
    return next(iter(account.webhooks.values()))
