"""The Brevo twin as a stage.

Belongs here: our words in Brevo's. Must not be here: assertions.

Brevo shows no status but flags, lists and statistics; they are put into our words here, from the
twin's own record and not by the adapter's code.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable
from typing import Any, ClassVar

import httpx

from nl_pipeline.clients.brevo import BrevoClient
from nl_pipeline.domain.fields import ProfileField
from nl_pipeline.sandbox import credentials
from nl_pipeline.sandbox.app import World
from nl_pipeline.sandbox.brevo.seeding import FOREIGN_LIST
from nl_pipeline.settings import SANDBOX_BREVO_CONNECTION, Brevo, Connection
from nl_pipeline.sync.booked import booked_kinds
from nl_pipeline.sync.providers.brevo import BrevoAudience
from nl_pipeline_tests.providers.stage import (
    CannotHappen,
    Provider,
    Record,
    Stage,
    Wire,
    copied_but,
)

_ACTS: dict[tuple[str, str], tuple[str, str]] = {
    ("staff", "remove"): ("staff", "remove_from_list"),
    ("api", "ask"): ("api", "ask_to_confirm"),
}
_CHANGES = (
    "unsubscribed",
    "spam",
    "hardBounce",
    "listAddition",
    "contactUpdated",
    "contactDeleted",
)
_LEFT = {"userUnsubscription", "adminUnsubscription", "complaints"}
_SAID = {"added": "subscribed", "removed": "archived", "blocklisted": "unsubscribed"}
"""What an entry of a contact's history means in our words."""


class BrevoStage(Stage):
    """The sandbox's Brevo account."""

    provider: ClassVar[Provider] = "brevo"
    connection = SANDBOX_BREVO_CONNECTION
    with_audience: ClassVar[dict[str, Any]] = {"existing_list": True}
    members_read = r"GET /brevo/v3/contacts\?"
    ask_call = r"POST /brevo/v3/contacts/doubleOptinConfirmation"
    names: ClassVar[dict[str, str]] = {"first_name": "VORNAME", "last_name": "NACHNAME"}
    ways_to_write = frozenset({"POST", "PUT"})
    profile_write = ("PUT", ["attributes"])
    address_write = ("PUT", ["attributes"])
    status_of_a_no = "archived"

    def client(self, connection: Connection, *, wire: Wire, **options: Any) -> BrevoClient:
        return BrevoClient(
            base_url=connection.provider.base_url,
            api_key=credentials.BREVO_API_KEY,
            page_size=wire.page,
            http=wire.http,
            sleep=wire.sleep,
            ticks=lambda: time.monotonic() + wire.ahead(),
            **options,
        )

    def side(
        self, client: Any, *, connection: Connection, fields: tuple[ProfileField, ...]
    ) -> BrevoAudience:
        settings = connection.provider
        assert isinstance(settings, Brevo)
        return BrevoAudience(
            client,
            fields=fields,
            settings=settings,
            progress=lambda what, done, total: None,
            booked=booked_kinds(connection.activities),
        )

    def act(self, actor: str, action: str, email: str, **details: Any) -> None:
        if action == "order":
            raise CannotHappen("Brevo knows no customers without consent: they are on no list")
        if "values" in details:
            details |= details.pop("values")
        # The list alone says who belongs to us.
        details.pop("tags", None)
        if (actor, action) == ("person", "subscribe"):
            self._sign_up(email, **details)
        elif action == "force":
            self._allow(email)
            self._act(actor, "subscribe", email, **details)
        else:
            self._act(*_ACTS.get((actor, action), (actor, action)), email, **details)

    def _sign_up(self, email: str, **details: Any) -> None:
        """A form with a double opt-in, which is the only one that brings back who left; the click
        follows at once unless forms are made to wait for it."""
        self._act("person", "ask_to_confirm", email, **details)
        if not self.forms_wait:
            self._act("person", "confirm", email)

    def _allow(self, email: str) -> None:
        """Staff lifts a blocklisting by hand, whatever the import that follows may do."""
        contact = self._contact(email)
        if contact is not None and contact["emailBlacklisted"]:
            self._act("staff", "resubscribe", email)

    def _act(self, actor: str, action: str, email: str, **details: Any) -> None:
        self.acts(actor, action, email=email, **details)

    def demand_double_opt_in(self) -> None:
        self.forms_wait = True

    def take_everybody_off(self) -> None:
        self.acts("staff", "empty_list")

    def add_field_of_days(self, name: str) -> None:
        self._call("POST", f"/contacts/attributes/normal/{name}", json={"type": "date"})

    def update_unrelated(self, email: str) -> None:
        contact = self._contact(email)
        assert contact is not None
        self.acts("staff", "update", email=email, first_name="", last_name="")
        phone = f"4924112{contact['id']:05d}"
        self.acts("api", "update", email=email, attributes={"SMS": phone}, key_name="shop")
        self.acts("staff", "subscribe", email=email, audience=FOREIGN_LIST)
        self.acts("system", "soft_bounce", email=email)

    def refused_address(self) -> str:
        return "abgeschnitten@kunde.e"

    def give_unknown_status(self, world: World, email: str) -> None:
        contact = world.brevo.account.by_email(email)
        assert contact is not None
        world.brevo.account.switches.consent_groups = True
        contact.consent_groups[1] = "snoozed"

    def hook_up(self, url_of: Callable[[str], str]) -> None:
        body = {"url": url_of("changes"), "events": list(_CHANGES), "type": "marketing"}
        self._call("POST", "/webhooks", json=body)

    def _call(self, method: str, path: str, *, json: dict[str, Any]) -> None:
        httpx.request(
            method,
            f"{self.control.brevo_url}{path}",
            json=json,
            headers={"api-key": credentials.BREVO_API_KEY},
            trust_env=False,
            verify=False,
        ).raise_for_status()

    @property
    def audience_id(self) -> str:
        lists = self.control.dump("brevo")["lists"]
        return str(next(one["id"] for one in lists if one["name"] == "onoffice"))

    def records(self) -> dict[str, Record]:
        dump = self.control.dump("brevo")
        list_id = next(one["id"] for one in dump["lists"] if one["name"] == "onoffice")
        return {str(c["id"]): _record(c, list_id=list_id) for c in dump["contacts"]}

    def confirmation_mails(self) -> Counter[str]:
        return Counter(
            one["email"]
            for one in self.control.dump("brevo")["confirmations"]
            if one["key_name"] == credentials.BREVO_KEY_NAME
        )

    def _contact(self, email: str) -> dict[str, Any] | None:
        contacts = self.control.dump("brevo")["contacts"]
        found = (c for c in contacts if c["email"] == email.lower() and not c["deleted"])
        return next(found, None)

    @classmethod
    def copied(cls, world: World) -> Any:
        return copied_but(world.brevo._account, shared=cls._kept(world))

    @classmethod
    def put_back(cls, world: World, state: Any) -> None:
        account = copied_but(state, shared=cls._kept(world))
        world.brevo._account = account
        world.brevo._sender.switches = account.switches
        world.brevo._sender.webhooks = account.webhooks

    @classmethod
    def _kept(cls, world: World) -> tuple[object, ...]:
        return (world.clock, world.brevo.clock, world.brevo._sender)

    @classmethod
    def under_way(cls, world: World) -> bool:
        return bool(world.brevo._sender.under_way)


def _record(contact: dict[str, Any], *, list_id: int) -> Record:
    return {
        "contact_id": str(contact["id"]),
        "id": str(contact["id"]),
        "email_address": contact["email"],
        "status": _status(contact, list_id=list_id),
        "merge_fields": contact["attributes"],
        "tags": [],
        "history": [
            {"actor": entry["actor"], "to": _SAID.get(entry["what"], entry["what"])}
            for entry in contact["history"]
        ],
    }


def _status(contact: dict[str, Any], *, list_id: int) -> str:
    if contact["deleted"]:
        return "deleted"
    kinds = {event["kind"] for event in contact["events"]}
    if contact["emailBlacklisted"]:
        return "cleaned" if "hardBounces" in kinds and not kinds & _LEFT else "unsubscribed"
    left_a_group = any(group["status"] == "unsubscribed" for group in contact["consentGroups"])
    if list_id in contact["listUnsubscribed"] or left_a_group:
        return "unsubscribed"
    return "subscribed" if list_id in contact["listIds"] else "archived"
