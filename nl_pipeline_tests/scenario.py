"""The one awkward scenario of the sync tests: who is there, and an engine at work on a sandbox.

Belongs here: the people, the set-up of a connection on a running sandbox, and look-ups in the
twins' dumps. Not here: assertions, and anything that reads the warehouse of the engine.

Every address is written as `address(name)`. Both clocks are moved on before every sync, so that an
incremental read sees its window and not the whole test; and a little after every sync, because the
times at Mailchimp are whole seconds: what people do now must not be as young as what we just wrote.
"""

from __future__ import annotations

import contextlib
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx

from nl_pipeline import settings
from nl_pipeline.clients.onoffice import OnOfficeClient
from nl_pipeline.domain.events import SAME_WITHIN
from nl_pipeline.domain.plan import Plan
from nl_pipeline.sandbox import credentials
from nl_pipeline.sync.crm import CrmSide
from nl_pipeline.sync.link import Link, profile_fields, utc_now
from nl_pipeline.sync.observe import Mode
from nl_pipeline.sync.planning import observe_and_plan
from nl_pipeline.sync.push import PushResult, apply_plan
from nl_pipeline.sync.run import SyncResult, sync
from nl_pipeline.sync.setup import SetupResult, set_up
from nl_pipeline.warehouse import plans
from nl_pipeline.warehouse.connection import Warehouse
from nl_pipeline_tests.providers import STAGES, Provider, Record, Stage, Wire
from nl_pipeline_tests.sandbox_control import SandboxControl

NO, YES, CANCEL, DOI, NOT_SPECIFIED, UNDELIVERABLE = "0", "1", "2", "3", "4", "5"
"""Keys of `newsletter_aktiv`."""

BETWEEN_SYNCS = timedelta(minutes=15)
AFTER_A_SYNC = timedelta(seconds=2)
PAGE = 10
"""Rows of a page: the scenario's contacts come in six pages, its members in five."""

ORDINARY = tuple(f"kunde-{number:02d}" for number in range(1, 31))
"""Contacts with nothing special: Yes, and not in the audience before the first sync."""

_SPECIAL_ADDRESSES = {
    "xenia": "xenia@bäckerei-7.example",
    "juergen": "jürgen.müßig@kunde.example",
    "blank": " blank@kunde.example",
    "invalid": "anfrage kunde.example",
    "shouting": "GRUPPE@kunde.example",
}


def address(name: str) -> str:
    """The e-mail address of one of the people, as it was typed into the CRM."""
    return _SPECIAL_ADDRESSES.get(name, f"{name}@kunde.example")


@dataclass(frozen=True)
class Contact:
    """One contact of the CRM: `fields` in onOffice's names, `others` are further e-mail entries."""

    name: str
    newsletter: str
    fields: Mapping[str, Any]
    others: tuple[str, ...] = ()
    actor: str = "staff"


def _contact(name: str, newsletter: str, /, *others: str, **fields: Any) -> Contact:
    return Contact(name, newsletter, fields, others)


CONTACTS: tuple[Contact, ...] = (
    *(_contact(name, YES, Vorname="Kim", Name=name.title()) for name in ORDINARY),
    _contact("member", YES, Vorname="Bernd", Name="Alt"),
    _contact("left", YES),
    _contact("complained", YES),
    _contact("bounced", YES),
    _contact("archived-member", YES),
    _contact("waiting", YES),
    _contact("no-member", NO),
    _contact("no", NO),
    _contact("cancelled", CANCEL),
    _contact("none", NOT_SPECIFIED),
    _contact("foreign", NOT_SPECIFIED),
    _contact("pending-optin", DOI),
    _contact("undeliverable", UNDELIVERABLE),
    _contact("empty", ""),
    Contact("strange", "9", {}, actor="import"),
    _contact("private", YES, Privat=True),
    _contact("archived", YES, Status2Adr="status2adr_archive"),
    _contact("revoked", YES, DSGVOStatus="speicherungwiderrufen"),
    # Two contacts share an address that differs in case only; a third one vetoes another pair.
    _contact("gruppe", YES, Vorname="Eva", Name="Gruppe"),
    _contact("shouting", YES, Vorname="Adam", Name="Gruppe"),
    _contact("veto", YES),
    _contact("veto", NO),
    # The second address of this contact is a member of its own.
    _contact("rita", YES, "rita-zweit@kunde.example"),
    _contact("xenia", YES, Name="Łukasz & Söhne"),
    _contact("juergen", YES, Name="=SUM(A1:A9)"),
    _contact("blank", YES),
    _contact("invalid", YES),
    Contact("without", YES, {}),
)

MEMBERS: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("member", ()),
    ("left", ("person unsubscribe",)),
    ("complained", ("person complain",)),
    ("bounced", ("system bounce",)),
    ("archived-member", ("staff remove",)),
    ("no-member", ()),
    ("foreign", ()),
    ("stranger", ()),
    ("stranger-left", ("person unsubscribe",)),
    ("rita-zweit", ()),
)
"""Who was in the audience before us, and what happened to them there."""


class Scenario:
    """A connection on a running sandbox, driven as the schedules and the command line drive it."""

    def __init__(self, *, control: SandboxControl, stage: Stage, link: Link) -> None:
        self.control = control
        self.stage = stage
        self.link = link
        self.ahead = timedelta(0)
        self.link = replace(link, now=lambda: utc_now() + self.ahead)

    # The engine

    def set_up(self) -> SetupResult:
        """`nl-pipeline setup`: checks, backup, first plan."""
        return set_up(self.link)

    def start(self) -> PushResult:
        """Set up, and apply the first plan by its id."""
        return self.apply_approved(self.set_up().plan)

    def sync(self, mode: Mode = "incremental", *, dry_run: bool = False) -> SyncResult:
        """One run of a schedule, a quarter of an hour after whatever was before."""
        self.pass_time()
        with self._a_moment_later():
            return sync(self.link, mode=mode, dry_run=dry_run)

    def plan(self, mode: Mode = "incremental") -> Plan:
        """Read both sides and plan, as the first half of a sync."""
        self.pass_time()
        return observe_and_plan(self.link, mode=mode)

    def apply(self, plan: Plan) -> PushResult:
        """The second half of a sync."""
        with self._a_moment_later():
            return apply_plan(self.link, plan=plan)

    def apply_approved(self, plan: Plan) -> PushResult:
        """`nl-pipeline apply PLAN_ID`."""
        with self._a_moment_later():
            return apply_plan(self.link, plan=plan, approved=True)

    def release(self, plan: Plan) -> Plan:
        """Let the held rows of a plan go."""
        return plans.release(
            self.link.warehouse, plan_id=plan.plan_id, by="test", reason="test", now=self.link.now()
        )

    @contextlib.contextmanager
    def _a_moment_later(self) -> Iterator[None]:
        try:
            yield
        finally:
            self.pass_time(by=AFTER_A_SYNC)

    def pass_time(self, *, by: timedelta = BETWEEN_SYNCS) -> None:
        """Move the clocks of the sandbox and of the engine on."""
        self.control.advance(seconds=by.total_seconds())
        self.ahead += by

    def change_settings(self, **values: Any) -> None:
        """Other settings of the connection from now on, e.g. `adopt_existing=True`."""
        self.link = replace(self.link, settings=self.link.settings.model_copy(update=values))

    def want_activities(self, **values: Any) -> None:
        """Other activities from now on, e.g. `click=KindType(...)`; asked of the provider, too."""
        self.change_settings(activities=self.link.settings.activities.model_copy(update=values))
        connection = self.link.settings
        client = self.link.audience.client  # type: ignore[attr-defined]
        side = self.stage.side(client, connection=connection, fields=profile_fields(connection))
        self.link = replace(self.link, audience=side)

    def change_field(self, crm: str, /, **values: Any) -> None:
        """Another mapping of the field that onOffice calls `crm`, e.g. `direction="to_crm"`."""
        self.change_settings(
            fields=tuple(
                field.model_copy(update=values) if field.crm == crm else field
                for field in self.link.settings.fields
            )
        )
        connection = self.link.settings
        fields = profile_fields(connection)
        client = self.link.audience.client  # type: ignore[attr-defined]
        self.link = replace(
            self.link,
            warehouse=Warehouse(
                self.link.warehouse.path,
                fields=fields,
                same_within=SAME_WITHIN[self.stage.provider],
            ),
            crm=CrmSide(
                self.link.crm.client,
                fields=fields,
                tag_field=connection.tags.field,
                time_zone=connection.crm.time_zone,
            ),
            audience=self.stage.side(client, connection=connection, fields=fields),
        )

    # People, and what they do

    def person(self, action: str, name: str, **details: Any) -> None:
        """The person does something at the provider, see ``providers.stage``."""
        self.act("person", action, name, **details)

    def staff(self, action: str, name: str, **details: Any) -> None:
        """Staff does something at the provider."""
        self.act("staff", action, name, **details)

    def act(self, actor: str, action: str, name: str, **details: Any) -> None:
        """Whoever it is does something at the provider."""
        self.stage.act(actor, action, address(name).strip(), **details)

    def set_newsletter(self, name: str, value: str) -> None:
        """Staff sets the newsletter field of every contact with the address of `name`."""
        self.set_field(name, newsletter_aktiv=value)

    def set_field(self, name: str, **fields: Any) -> None:
        """Staff changes fields of every contact with the address of `name`."""
        self.control.act(
            "onoffice", actor="staff", action="modify", email=address(name), fields=fields
        )

    def add_contact(self, name: str, newsletter: str, *others: str, **fields: Any) -> int:
        """Staff enters a contact with the address of `name` and `others`; returns its id."""
        return _enter(self.control, Contact(name, newsletter, fields, others))

    # What is there now

    @property
    def audience_id(self) -> str:
        """Id of the audience `onoffice`."""
        return self.stage.audience_id

    def picture(self) -> Picture:
        """Both sides as they are now."""
        return Picture(onoffice=self.control.dump("onoffice"), members=self.stage.records())

    def newsletter(self, name: str) -> str:
        """`newsletter_aktiv` of the contacts whose main address is that of `name`, joined."""
        return self.picture().newsletter(name)

    def status(self, name: str) -> str:
        """Status of `name` at the provider, `absent` if there is none."""
        return self.picture().status(name)

    def writes(self) -> Counter[str]:
        """Calls that write, since the start or since `forget_calls`."""
        calls = self.control.calls()
        found = self.stage.writes(calls)
        for call in calls:
            for action, count in call.actions.items():
                if not action.startswith(("read:", "get:")):
                    found[action] += count
        return found


@dataclass(frozen=True)
class Picture:
    """The state of both twins at one moment; ``members``: everybody of the audience by stable id,
    those who were deleted too."""

    onoffice: dict[str, Any]
    members: dict[str, Record]

    @property
    def contacts(self) -> dict[int, dict[str, Any]]:
        """Addresses of the CRM by id."""
        return {contact["id"]: contact for contact in self.onoffice["addresses"]}

    def contacts_of(self, name: str) -> list[dict[str, Any]]:
        """Contacts whose main address is exactly that of `name`."""
        return [c for c in self.contacts.values() if c["Email"] == address(name)]

    def contact(self, name: str) -> dict[str, Any]:
        """The only contact with the main address of `name`."""
        (found,) = self.contacts_of(name)
        return found

    def newsletter(self, name: str) -> str:
        """`newsletter_aktiv` of the contacts of `name`, joined; empty if there is none."""
        return "".join(str(c["newsletter_aktiv"]) for c in self.contacts_of(name))

    def member(self, name: str) -> Record | None:
        """The member with the address of `name`, the living one first."""
        email = address(name).strip().lower()
        found = [m for m in self.members.values() if m["email_address"].lower() == email]
        found.sort(key=lambda m: m["status"] == "deleted")
        return found[0] if found else None

    def status(self, name: str) -> str:
        """Status of the member with the address of `name`, `absent` if there is none."""
        member = self.member(name)
        return "absent" if member is None else str(member["status"])

    def subscribed(self) -> set[str]:
        """Addresses of all subscribed members, in lower case."""
        return {
            m["email_address"].lower() for m in self.members.values() if m["status"] == "subscribed"
        }

    def activities(self, name: str) -> list[str]:
        """Types of the newsletter activities of the contacts of `name`, oldest first."""
        ids = {contact["id"] for contact in self.contacts_of(name)}
        return [
            activity["Aktionstyp"]
            for activity in self.onoffice["activities"]
            if activity["Adress_nr"] in ids and activity["Aktionsart"] == "Newsletter"
        ]

    def api_history(self) -> Counter[tuple[str, str]]:
        """(stable member id, new status) of every status an API client has set in the audience."""
        return Counter(
            (member["contact_id"], entry["to"])
            for member in self.members.values()
            for entry in member["history"]
            if entry["actor"] == "api"
        )


def populate(control: SandboxControl, *, provider: Provider) -> None:
    """Put the people into a sandbox that has nobody but an empty audience `onoffice`."""
    stage = STAGES[provider](control)
    for contact in CONTACTS:
        _enter(control, contact)
    for name, acts in MEMBERS:
        values = {"first_name": "Bernd", "last_name": "Alt"} if name == "member" else {}
        stage.act("import", "subscribe", address(name), values=values)
        for act in acts:
            actor, action = act.split()
            stage.act(actor, action, address(name))


def _enter(control: SandboxControl, contact: Contact) -> int:
    emails = [] if contact.name == "without" else [address(contact.name), *contact.others]
    fields = {"newsletter_aktiv": contact.newsletter, **contact.fields}
    done = control.act(
        "onoffice", actor=contact.actor, action="create", emails=emails, fields=fields
    )
    return int(done["ids"][0])


@contextlib.contextmanager
def connected(
    control: SandboxControl,
    *,
    folder: Path,
    provider: Provider = "mailchimp",
    crm_page: int = PAGE,
    provider_page: int = PAGE,
    on_request: Callable[[httpx.Request], None] | None = None,
    more_fields: tuple[settings.FieldMapping, ...] = (),
    **provider_options: Any,
) -> Iterator[Scenario]:
    """A connection on the sandbox whose warehouse lies in `folder`; it reads pages of these sizes.

    Waiting moves the clocks instead of taking time. The warehouse is held open meanwhile, because
    opening the file takes longer than most of what is done with it. `on_request` sees every
    request right before it goes out. `more_fields` are mapped beside the usual ones.
    """
    stage = STAGES[provider](control)
    port = httpx.URL(control.base_url).port or 0
    text = settings.sandbox_text(port=port)
    chosen = settings.parse(text, file="connections.yaml", folder=folder)
    connection = chosen.connection(stage.connection)
    connection = connection.model_copy(update={"fields": (*connection.fields, *more_fields)})
    fields = profile_fields(connection)
    warehouse = Warehouse(
        chosen.warehouse_path(connection.name), fields=fields, same_within=SAME_WITHIN[provider]
    )

    def wait(seconds: float) -> None:
        scenario.pass_time(by=timedelta(seconds=seconds))

    crm = OnOfficeClient(
        base_url=connection.crm.base_url,
        token=credentials.ONOFFICE_TOKEN,
        secret=credentials.ONOFFICE_SECRET,
        page_size=crm_page,
        http=_watched(on_request),
        sleep=wait,
    )
    wire = Wire(
        page=provider_page,
        http=_watched(on_request),
        sleep=wait,
        ahead=lambda: scenario.ahead.total_seconds(),
    )
    client = stage.client(connection, wire=wire, **provider_options)
    with contextlib.closing(crm), contextlib.closing(client), warehouse.session():
        scenario = Scenario(
            control=control,
            stage=stage,
            link=Link(
                settings=connection,
                warehouse=warehouse,
                crm=CrmSide(
                    crm,
                    fields=fields,
                    tag_field=connection.tags.field,
                    time_zone=connection.crm.time_zone,
                ),
                audience=stage.side(client, connection=connection, fields=fields),
            ),
        )
        yield scenario


def _watched(on_request: Callable[[httpx.Request], None] | None) -> httpx.Client | None:
    """Connections that show every request, or None for the client's own."""
    if on_request is None:
        return None
    return httpx.Client(
        trust_env=False, verify=False, timeout=60, event_hooks={"request": [on_request]}
    )
