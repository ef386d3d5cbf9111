"""A connection between a few contacts of the CRM and the Brevo twin, for what is Brevo's own.

Belongs here: opening it on a running sandbox, people on either side, looking at what is there. Not
here: assertions, and stories that every provider has (they have a harness of their own).

Waiting moves the clocks instead of taking time.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import msgspec

from nl_pipeline import settings
from nl_pipeline.clients.brevo import BrevoClient, Limits
from nl_pipeline.clients.onoffice import OnOfficeClient
from nl_pipeline.sandbox import credentials
from nl_pipeline.settings import SANDBOX_BREVO_CONNECTION, Brevo, Connection
from nl_pipeline.sync.crm import CrmSide
from nl_pipeline.sync.link import Link, profile_fields, utc_now
from nl_pipeline.sync.observe import Mode
from nl_pipeline.sync.providers.brevo import BrevoAudience
from nl_pipeline.sync.push import PushResult, apply_plan
from nl_pipeline.sync.run import SyncResult, sync
from nl_pipeline.sync.setup import set_up
from nl_pipeline.warehouse.connection import Warehouse
from nl_pipeline_tests.sandbox_control import SandboxControl

YES, NO, CANCEL, NOT_SPECIFIED = "1", "0", "2", "4"
"""Keys of `newsletter_aktiv`."""

NO_LIMITS = {"contacts_per_second": 10**6, "contacts_per_hour": 10**6, "other_per_hour": 10**6}
"""Switches of the twin: real time is much shorter here than the twin's."""

BETWEEN_SYNCS = timedelta(minutes=15)
#: One hour's worth of calls is made within seconds here.
_MANY = Limits(contacts_per_second=10_000, contacts_per_hour=10**6, other_per_hour=10**5)


def address(name: str) -> str:
    """The e-mail address of one of the people."""
    return f"{name}@kunde.example"


@dataclass(frozen=True)
class Sent:
    """One write as it went out."""

    method: str
    path: str
    body: dict[str, Any]


@dataclass
class Account:
    """A connection at work. `sent` are its writes so far; `told` what was told of progress."""

    control: SandboxControl
    link: Link
    sent: list[Sent] = field(default_factory=list)
    told: list[tuple[str, int, int]] = field(default_factory=list)
    ahead: timedelta = timedelta(0)
    watchers: list[Callable[[str, int, int], None]] = field(default_factory=list)
    """Asked whenever the engine tells of progress."""

    # The engine

    def start(self) -> PushResult:
        """Set up, and apply the first plan."""
        return apply_plan(self.link, plan=set_up(self.link).plan, approved=True)

    def sync(self, mode: Mode = "incremental") -> SyncResult:
        """One run of a schedule, a quarter of an hour after whatever was before."""
        self.pass_time(BETWEEN_SYNCS)
        return sync(self.link, mode=mode)

    def pass_time(self, by: timedelta) -> None:
        """Move the clocks of both worlds."""
        self.control.advance(seconds=by.total_seconds())
        self.ahead += by

    def now(self) -> datetime:
        return utc_now() + self.ahead

    # People

    def add_contact(self, name: str, newsletter: str = YES, **fields: Any) -> int:
        """Staff enters a contact in the CRM; returns its id."""
        done = self.control.act(
            "onoffice",
            actor="staff",
            action="create",
            emails=[address(name)],
            fields={"newsletter_aktiv": newsletter, **fields},
        )
        return int(done["ids"][0])

    def set_field(self, name: str, **fields: Any) -> None:
        """Staff changes fields of the contact with this address."""
        self.control.act(
            "onoffice", actor="staff", action="modify", email=address(name), fields=fields
        )

    def act(self, actor: str, action: str, name: str, **details: Any) -> None:
        """Somebody does something at Brevo."""
        self.control.act("brevo", actor=actor, action=action, email=address(name), **details)

    def prepare(self) -> None:
        """Make the list and the attributes; nobody is on the list."""
        self.link.audience.prepare(self.link.settings, audience_id=None)

    def put_on_the_list(self, name: str) -> int:
        """Somebody on the list, put there by staff; returns the id."""
        self.act("staff", "subscribe", name)
        return self.id_of(name)

    # What is there now

    def call(self, method: str, path: str, body: dict[str, Any] | None = None) -> Any:
        """One call of Brevo's API by another program."""
        answer = httpx.request(
            method,
            f"{self.control.brevo_url}{path}",
            json=body,
            headers={"api-key": credentials.BREVO_API_KEY},
            trust_env=False,
            verify=False,
        )
        answer.raise_for_status()
        return answer.json() if answer.content else None

    def contact(self, name: str) -> dict[str, Any] | None:
        """The contact at Brevo with this address, the living one, with its history."""
        everybody = self.control.dump("brevo")["contacts"]
        found = [c for c in everybody if c["email"] == address(name) and not c["deleted"]]
        return found[0] if found else None

    def id_of(self, name: str) -> int:
        """The id of the contact with this address."""
        contact = self.contact(name)
        assert contact is not None
        return int(contact["id"])

    @property
    def list_id(self) -> int:
        lists = self.control.dump("brevo")["lists"]
        return next(int(one["id"]) for one in lists if one["name"] == "onoffice")

    def state(self, name: str) -> str:
        """What Brevo shows of somebody in one word."""
        contact = self.contact(name)
        if contact is None:
            return "absent"
        if contact["emailBlacklisted"]:
            return "blocklisted"
        if self.list_id in contact["listUnsubscribed"]:
            return "left the list"
        return "on the list" if self.list_id in contact["listIds"] else "off the list"

    def newsletter(self, name: str) -> str:
        """`newsletter_aktiv` of the contacts with this address, joined."""
        found = self.control.dump("onoffice")["addresses"]
        return "".join(c["newsletter_aktiv"] for c in found if c["Email"] == address(name))

    @property
    def violations(self) -> int:
        """Calls that Brevo refused for a limit."""
        return sum(self.control.dump("brevo")["violations"].values())


@contextlib.contextmanager
def opened(
    control: SandboxControl,
    *,
    folder: Path,
    change: Callable[[Connection], Connection] = lambda connection: connection,
    limits: Limits = _MANY,
    page_size: int = 10,
    import_bytes: int = 10_000_000,
) -> Iterator[Account]:
    """A connection to the sandbox whose warehouse lies in `folder`."""
    port = httpx.URL(control.base_url).port or 0
    text = settings.sandbox_text(port=port)
    chosen = settings.parse(text, file="connections.yaml", folder=folder)
    connection = change(chosen.connection(SANDBOX_BREVO_CONNECTION))
    provider = connection.provider
    assert isinstance(provider, Brevo)
    fields = profile_fields(connection)
    warehouse = Warehouse(chosen.warehouse_path(connection.name), fields=fields)
    sent: list[Sent] = []
    told: list[tuple[str, int, int]] = []

    def note(request: httpx.Request) -> None:
        if request.method != "GET":
            body = msgspec.json.decode(request.content or b"{}")
            sent.append(Sent(request.method, request.url.path.removeprefix("/brevo/v3"), body))

    def wait(seconds: float) -> None:
        account.pass_time(timedelta(seconds=seconds))

    crm = OnOfficeClient(
        base_url=connection.crm.base_url,
        token=credentials.ONOFFICE_TOKEN,
        secret=credentials.ONOFFICE_SECRET,
        sleep=wait,
    )
    brevo = BrevoClient(
        api_key=credentials.BREVO_API_KEY,
        base_url=provider.base_url,
        limits=limits,
        page_size=page_size,
        import_bytes=import_bytes,
        http=httpx.Client(
            trust_env=False, verify=False, timeout=60, event_hooks={"request": [note]}
        ),
        sleep=wait,
        ticks=lambda: account.now().timestamp(),
    )

    def progress(what: str, done: int, total: int) -> None:
        told.append((what, done, total))
        for watcher in account.watchers:
            watcher(what, done, total)

    with contextlib.closing(crm), contextlib.closing(brevo), warehouse.session():
        link = Link(
            settings=connection,
            warehouse=warehouse,
            crm=CrmSide(crm, fields=fields, tag_field=None, time_zone=connection.crm.time_zone),
            audience=BrevoAudience(brevo, fields=fields, settings=provider, progress=progress),
            progress=progress,
        )
        account = Account(control=control, link=link, sent=sent, told=told)
        account.link = replace(link, now=account.now)
        yield account
