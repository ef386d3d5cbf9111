"""The Mailchimp twin as a stage.

Belongs here: our words in Mailchimp's. Must not be here: assertions.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import Any, ClassVar

import httpx

from nl_pipeline.clients.mailchimp import MailchimpClient
from nl_pipeline.domain.fields import ProfileField
from nl_pipeline.sandbox import credentials
from nl_pipeline.sandbox.app import World
from nl_pipeline.settings import SANDBOX_CONNECTION, Connection
from nl_pipeline.sync.providers.mailchimp import MailchimpAudience
from nl_pipeline_tests.providers.stage import Provider, Record, Stage, Wire, copied_but

ORIGINS = {"person": "user", "staff": "admin"}
"""The two webhooks of an audience: by whose act, and the flag of Mailchimp's that means it."""

_ACTS: dict[tuple[str, str], tuple[str, str, dict[str, Any]]] = {
    ("staff", "remove"): ("staff", "archive", {}),
    ("staff", "delete"): ("staff", "delete_permanent", {}),
    ("system", "bounce"): ("staff", "clean", {}),
    ("import", "force"): ("import", "subscribe", {"force": True}),
    ("staff", "force"): ("staff", "subscribe", {"force": True}),
}


class MailchimpStage(Stage):
    """The sandbox's Mailchimp account."""

    provider: ClassVar[Provider] = "mailchimp"
    connection = SANDBOX_CONNECTION
    with_audience: ClassVar[dict[str, Any]] = {"existing_audience": True}
    members_read = r"/members\?"
    ask_call = r"PATCH /mailchimp/3.0/lists/\w+/members/"
    names: ClassVar[dict[str, str]] = {"first_name": "FNAME", "last_name": "LNAME"}
    ways_to_write = frozenset({"POST", "PATCH", "DELETE"})
    profile_write = ("PATCH", ["merge_fields"])
    address_write = ("PATCH", ["email_address"])
    status_of_a_no = "unsubscribed"

    def client(self, connection: Connection, *, wire: Wire, **options: Any) -> MailchimpClient:
        return MailchimpClient(
            base_url=connection.provider.base_url,
            api_key=credentials.MAILCHIMP_API_KEY,
            page_size=wire.page,
            http=wire.http,
            sleep=wire.sleep,
            **options,
        )

    def side(
        self, client: Any, *, connection: Connection, fields: tuple[ProfileField, ...]
    ) -> MailchimpAudience:
        return MailchimpAudience(client, fields=fields)

    def act(self, actor: str, action: str, email: str, **details: Any) -> None:
        if (actor, action) == ("api", "ask"):
            self._add_by_api(email, status="pending")
            return
        if (actor, action) == ("api", "order"):
            self._add_by_api(email, status="transactional")
            return
        if (actor, action) == ("api", "update"):
            self._patch(email, {"merge_fields": self.values(details["values"])})
            return
        actor, action, more = _ACTS.get((actor, action), (actor, action, {}))
        if "values" in details:
            details["merge_fields"] = self.values(details.pop("values"))
        self.acts(actor, action, email=email, **{**details, **more})

    def demand_double_opt_in(self) -> None:
        self._call("PATCH", f"/lists/{self.audience_id}", json={"double_optin": True})

    def take_everybody_off(self) -> None:
        self.acts("staff", "archive_all")

    def add_field_of_days(self, name: str) -> None:
        path = f"/lists/{self.audience_id}/merge-fields"
        body = {"name": name, "tag": name, "type": "date", "options": {"date_format": "YYYY-MM-DD"}}
        self._call("POST", path, json=body)

    def update_unrelated(self, email: str) -> None:
        for body in (
            {"merge_fields": {"FNAME": "", "LNAME": ""}},
            {"vip": True},
            {"language": "fr"},
            {"merge_fields": {"PHONE": "0241 1"}},
        ):
            self._patch(email, body)
        self.acts("staff", "tag", email=email, tag="Stammtisch")

    def _patch(self, email: str, body: dict[str, Any]) -> None:
        """Another program writes to the member of an address."""
        member = next(m for m in self.records().values() if m["email_address"] == email)
        self._call("PATCH", f"/lists/{self.audience_id}/members/{member['id']}", json=body)

    def refused_address(self) -> str:
        self.control.switch("mailchimp", name="fake_domains", value=["gibt-es-nicht.example"])
        return "refused@gibt-es-nicht.example"

    def give_unknown_status(self, world: World, email: str) -> None:
        member = world.mailchimp.account.audiences[self.audience_id].find(email)
        assert member is not None
        member.status = "snoozed"

    def hook_up(self, url_of: Callable[[str], str]) -> None:
        for origin, source in ORIGINS.items():
            self._call(
                "POST",
                f"/lists/{self.audience_id}/webhooks",
                json={
                    "url": url_of(origin),
                    "sources": {name: name == source for name in ("user", "admin", "api")},
                },
            )

    @property
    def audience_id(self) -> str:
        found = [a for a in self.control.dump("mailchimp")["audiences"] if a["name"] == "onoffice"]
        return str(found[0]["id"])

    def records(self) -> dict[str, Record]:
        dump = self.control.dump("mailchimp")
        audience_id = next(a["id"] for a in dump["audiences"] if a["name"] == "onoffice")
        return {
            member["contact_id"]: member
            for member in dump["members"]
            if member["list_id"] == audience_id
        }

    def confirmation_mails(self) -> Counter[str]:
        return Counter(
            record["email_address"].lower()
            for record in self.records().values()
            for entry in record["history"]
            if (entry["actor"], entry["to"]) == ("api", "pending")
        )

    def _add_by_api(self, email: str, *, status: str) -> None:
        """Another API client: a form with a double opt-in of its own, or a shop."""
        body = {"email_address": email, "status": status}
        self._call("POST", f"/lists/{self.audience_id}/members", json=body)

    def _call(self, method: str, path: str, *, json: dict[str, Any]) -> None:
        httpx.request(
            method,
            f"{self.control.mailchimp_url}{path}",
            json=json,
            auth=("any", credentials.MAILCHIMP_API_KEY),
            trust_env=False,
            verify=False,
        ).raise_for_status()

    @classmethod
    def copied(cls, world: World) -> Any:
        return copied_but(world.mailchimp._account, shared=cls._kept(world))

    @classmethod
    def put_back(cls, world: World, state: Any) -> None:
        account = copied_but(state, shared=cls._kept(world))
        world.mailchimp._account = account
        world.mailchimp._sender.switches = account.switches

    @classmethod
    def _kept(cls, world: World) -> tuple[object, ...]:
        return (world.clock, world.mailchimp._account.clock, world.mailchimp._sender)

    @classmethod
    def under_way(cls, world: World) -> bool:
        return bool(world.mailchimp._sender.under_way)
