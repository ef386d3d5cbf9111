"""What a test may let happen at a provider, and what it sees there, whichever provider it is.

Belongs here: the vocabulary that the stages of all providers share. Must not be here: anything of
one provider, and assertions.

Acts are called as the sandbox's control API calls them, by actor and action:

- person: subscribe (and, where forms ask for it, confirm), unsubscribe, complain, update
  (``values`` by our names: first_name, last_name), change_email (``new_email``)
- staff: subscribe, unsubscribe, remove (off the list, and no opt-out), delete, update, change_email
- import or staff: force (over an opt-out, with a consent on paper)
- import: subscribe
- api: ask (another program asks the person to confirm), order (a customer without consent), update
- system: bounce (the address does not exist)

What is seen of somebody is a record in the words of `statuses`.
"""

from __future__ import annotations

import abc
import copy
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Literal

import httpx

from nl_pipeline.domain.fields import ProfileField
from nl_pipeline.sandbox.app import World
from nl_pipeline.settings import Connection
from nl_pipeline.sync.providers.port import AudienceSide
from nl_pipeline_tests.sandbox_control import CallCount, SandboxControl, Service

Provider = Literal["mailchimp", "brevo"]

Record = dict[str, Any]
"""Somebody as seen at a provider: ``contact_id`` (stable), ``id``, ``email_address``, ``status``,
``merge_fields`` (values by the provider's names), ``tags``, ``history`` (``actor``, ``to``)."""

STATUSES = (
    "subscribed",
    "unsubscribed",
    "cleaned",
    "pending",
    "transactional",
    "archived",
    "deleted",
)
"""``archived``: off the list without an opt-out; ``deleted``: remembered by the sandbox alone."""


class CannotHappen(Exception):
    """A provider knows no such thing; says why."""


@dataclass(frozen=True)
class Wire:
    """How a stage's client goes out: rows of a page, its connections, how it waits, and by how many
    seconds the clocks have been moved."""

    page: int
    http: httpx.Client | None
    sleep: Callable[[float], None]
    ahead: Callable[[], float]


class Stage(abc.ABC):
    """One provider's twin on a running sandbox."""

    provider: ClassVar[Provider]
    #: Its connection in the settings of a sandbox.
    connection: ClassVar[str]
    #: Options of a reset after which the audience is there.
    with_audience: ClassVar[Mapping[str, Any]]
    #: What the calls match that read the members, for faults.
    members_read: ClassVar[str]
    #: What the call matches that asks a person to confirm.
    ask_call: ClassVar[str]
    #: Names of our mapped fields at the provider.
    names: ClassVar[Mapping[str, str]]
    #: The methods by which everything the engine can write there is written.
    ways_to_write: ClassVar[frozenset[str]]
    #: Method and keys of a write that changes values, and of one that changes the address.
    profile_write: ClassVar[tuple[str, list[str]]]
    address_write: ClassVar[tuple[str, list[str]]]
    #: What becomes at the provider of somebody to whom the CRM says No.
    status_of_a_no: ClassVar[str]

    def __init__(self, control: SandboxControl) -> None:
        self.control = control
        self.forms_wait = False

    @property
    def service(self) -> Service:
        """The provider's twin as the control API calls it."""
        return self.provider

    # The engine's side

    @abc.abstractmethod
    def client(self, connection: Connection, *, wire: Wire, **options: Any) -> Any:
        """A client with the sandbox's credentials; its owner closes it."""

    @abc.abstractmethod
    def side(
        self, client: Any, *, connection: Connection, fields: tuple[ProfileField, ...]
    ) -> AudienceSide:
        """The adapter over a client."""

    # What happens

    @abc.abstractmethod
    def act(self, actor: str, action: str, email: str, **details: Any) -> None:
        """Let somebody do something; :class:`CannotHappen` for what the provider does not know."""

    def acts(self, actor: str, action: str, **details: Any) -> None:
        """One act of the twin's own; what it refuses cannot happen."""
        try:
            self.control.act(self.service, actor=actor, action=action, **details)
        except httpx.HTTPStatusError as refused:
            raise CannotHappen(refused.response.json()["error"]) from refused

    @abc.abstractmethod
    def demand_double_opt_in(self) -> None:
        """From now on, whoever signs up is asked to confirm by mail."""

    @abc.abstractmethod
    def hook_up(self, url_of: Callable[[str], str]) -> None:
        """Create the webhooks we want, by hand; ``url_of`` gives the URL for an origin."""

    @abc.abstractmethod
    def take_everybody_off(self) -> None:
        """Staff takes everybody off the list at once, which is no opt-out."""

    @abc.abstractmethod
    def add_field_of_days(self, name: str) -> None:
        """Staff creates a field of people that holds days."""

    @abc.abstractmethod
    def update_unrelated(self, email: str) -> None:
        """Change everything of a person that neither concerns the newsletter nor is mapped, and
        empty what is mapped."""

    @abc.abstractmethod
    def refused_address(self) -> str:
        """An address that looks fine to us and that the provider refuses."""

    @abc.abstractmethod
    def give_unknown_status(self, world: World, email: str) -> None:
        """Let somebody have a status that we do not know."""

    def values(self, values: Mapping[str, str]) -> dict[str, str]:
        """Values by our names under the provider's names."""
        return {self.names[name]: value for name, value in values.items()}

    # What is seen

    @property
    @abc.abstractmethod
    def audience_id(self) -> str:
        """Id of the audience `onoffice`."""

    @abc.abstractmethod
    def records(self) -> dict[str, Record]:
        """Everybody of the audience by stable id, those who were deleted too."""

    @abc.abstractmethod
    def confirmation_mails(self) -> Counter[str]:
        """How often an API client asked each address to confirm, ever."""

    def writes(self, calls: Sequence[CallCount]) -> Counter[str]:
        """Of these calls, those that wrote at the provider, by method and path."""
        found: Counter[str] = Counter()
        for call in calls:
            if call.service == self.service and call.method != "GET":
                found[f"{call.method} {call.path}"] += call.count
        return found

    # The twin's memory

    @classmethod
    @abc.abstractmethod
    def copied(cls, world: World) -> Any:
        """A copy of the twin's state; clock and sender of webhooks are the world's own."""

    @classmethod
    @abc.abstractmethod
    def put_back(cls, world: World, state: Any) -> None:
        """Put a fresh copy of such a copy into the world."""

    @classmethod
    @abc.abstractmethod
    def under_way(cls, world: World) -> bool:
        """Whether notices are on their way to webhooks."""


def copied_but(value: Any, *, shared: Sequence[object]) -> Any:
    """A deep copy that shares some objects with its model."""
    return copy.deepcopy(value, {id(part): part for part in shared})
