"""Everything one member and one app have at LinkedIn, and what time makes of it.

Belongs here: the records, identifiers, the clock in milliseconds, which leads are readable now.
Does not belong here: who may read them (``access``), tokens (``tokens``) and the API's views.
"""

from __future__ import annotations

import random
import uuid
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from nl_pipeline.sandbox.clock import Clock
from nl_pipeline.sandbox.linkedin.quotas import Quotas
from nl_pipeline.sandbox.linkedin.state import (
    AccessToken,
    AdAccount,
    Code,
    Endpoint,
    Form,
    Grant,
    Lead,
    LeadAction,
    Organization,
    Role,
    Subscription,
)
from nl_pipeline.sandbox.linkedin.switches import Switches
from nl_pipeline.sandbox.linkedin.urns import Owner, versioned_form

DAY = 86_400_000
"""Milliseconds."""


@dataclass(slots=True)
class Account:
    """The state of the twin; a reset puts another in its place."""

    clock: Clock
    seed: int = 0
    switches: Switches = field(default_factory=Switches)
    quotas: Quotas = field(default_factory=Quotas)
    organizations: dict[int, Organization] = field(default_factory=dict)
    ad_accounts: dict[int, AdAccount] = field(default_factory=dict)
    roles: dict[Owner, Role] = field(default_factory=dict)
    campaigns: dict[int, str] = field(default_factory=dict)
    forms: dict[int, Form] = field(default_factory=dict)
    leads: dict[str, Lead] = field(default_factory=dict)
    subscriptions: dict[int, Subscription] = field(default_factory=dict)
    endpoints: dict[str, Endpoint] = field(default_factory=dict)
    """By webhook URL."""
    grants: list[Grant] = field(default_factory=list)
    access_tokens: dict[str, AccessToken] = field(default_factory=dict)
    codes: dict[str, Code] = field(default_factory=dict)
    tell: Callable[[Lead, LeadAction], None] = lambda lead, action: None
    """Takes notice of a lead that came or went; nobody does while the account is filled."""
    draw: random.Random = field(init=False)
    _numbers: Counter[str] = field(default_factory=Counter)

    def __post_init__(self) -> None:
        self.draw = random.Random(f"linkedin {self.seed}")

    def now(self) -> int:
        """Milliseconds since 1970 by LinkedIn's clock."""
        return int(self.clock.epoch() * 1000)

    def number(self, kind: str, *, first: int) -> int:
        """The next whole number of a kind."""
        self._numbers[kind] += 1
        return first + self._numbers[kind] - 1

    def uuid(self) -> str:
        """A UUID of the seed."""
        return str(uuid.UUID(int=self.draw.getrandbits(128), version=4))

    def letters(self, length: int) -> str:
        """Letters and digits of the seed, for tokens and app-scoped ids."""
        alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
        return "".join(self.draw.choices(alphabet, k=length))

    def unsubscribe(self, subscription: Subscription) -> None:
        """End a subscription; its webhook is challenged no more when it was the last one, and a
        blocked one stays blocked."""
        del self.subscriptions[subscription.id]
        endpoint = self.endpoints[subscription.webhook]
        in_use = any(one.webhook == endpoint.url for one in self.subscriptions.values())
        if not in_use and endpoint.state != "blocked":
            del self.endpoints[endpoint.url]

    def after_revocation(self) -> None:
        """A token or role was taken away; whether subscriptions go with it is a switch."""
        if self.switches.revocation_removes_subscriptions:
            for one in list(self.subscriptions.values()):
                self.unsubscribe(one)

    def is_readable(self, lead: Lead) -> bool:
        """Whether LinkedIn still keeps a lead and shows it already."""
        age = self.now() - lead.submitted_at
        return (
            lead.deleted_at is None
            and age >= self.switches.lead_lag_seconds * 1000
            and age < self.switches.retention_days * DAY
        )

    def readable_leads(self, owner: Owner) -> Iterator[Lead]:
        """The leads of an owner that can be read now."""
        return (
            lead for lead in self.leads.values() if lead.owner == owner and self.is_readable(lead)
        )

    def versioned_form_urn(self, form_id: int, *, version_id: int) -> str:
        """The URN in the spelling of the switch."""
        return versioned_form(
            form_id, version_id=version_id, with_space=self.switches.space_in_versioned_urns
        )
