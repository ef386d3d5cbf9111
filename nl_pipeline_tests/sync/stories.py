"""Short stories about addresses, many of which are told in one world between the same syncs.

Belongs here: the words of a story and how the twins act them out. Must not be here: assertions.

A story has addresses (``a``, ``b``, …) and contacts numbered from 1; contact 1 has the address
``a`` and says YES. Its parts are separated by ``/``; a sync follows each of them. Steps:

- in the CRM: ``contact b NONE`` (a further contact; ``contact c+b YES`` with a further address),
  ``crm 1 b`` (new main address), ``crm 1 b+a`` (all addresses, main first), ``wish 1 NO``,
  ``private 1``, ``revoke 1``, ``tag 1``, ``remove 1``, ``merge 1 2``
- at Mailchimp: ``join b`` and ``leave b`` by the person, ``import b``, ``mc a b`` (the person
  changes the address), ``clean b``, ``archive b``, ``delete b``, ``complain b``, ``ask b`` (waits
  for a confirmation), ``confirm b``, ``add b`` by staff, ``force b`` (an import over an opt-out),
  ``order b`` (bought something, without consent to mail)
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import httpx

from nl_pipeline.sandbox import credentials
from nl_pipeline.sandbox.population import TAG_OPTIONS
from nl_pipeline.sync.observe import Mode
from nl_pipeline.warehouse import reports
from nl_pipeline_tests.scenario import (
    CANCEL,
    DOI,
    NO,
    NOT_SPECIFIED,
    YES,
    Picture,
    Scenario,
)

WISH = {"YES": YES, "NO": NO, "CANCEL": CANCEL, "DOI": DOI, "NONE": NOT_SPECIFIED}
TAG_KEY, TAG_LABEL = next(iter(TAG_OPTIONS.items()))


@dataclass(frozen=True)
class Story:
    """One story: its sentence, its parts, and how it ends."""

    number: int
    title: str
    parts: tuple[tuple[str, ...], ...]
    ends: tuple[str, ...]

    def address(self, name: str) -> str:
        """The address a story calls ``name``; ``A`` and ``ü`` are other forms of ``a``."""
        forms = {"A": f" Story{self.number}-A@Kunde.example", "ü": f"s{self.number}@bäcker.example"}
        forms["ascii"] = f"s{self.number}@xn--bcker-gra.example"
        return forms.get(name, f"story{self.number}-{name}@kunde.example")


@dataclass
class Told:
    """How the stories of one world ended."""

    contacts: dict[int, list[int]]
    first_members: dict[int, str]
    pictures: list[Picture] = field(default_factory=list)
    listed: set[tuple[str, str]] = field(default_factory=set)
    writes_at_rest: dict[str, int] = field(default_factory=dict)

    @property
    def picture(self) -> Picture:
        return self.pictures[-1]

    def ends(self, story: Story) -> set[str]:
        """What is there in the end, in the words of ``Story.ends``."""
        return {self._seen(story, end) for end in story.ends}

    def _seen(self, story: Story, end: str) -> str:
        what, name, *_ = end.split()
        if what == "crm":
            contact = self.picture.contacts.get(self.contacts[story.number][int(name) - 1])
            return f"crm {name} {_contact_in_words(story, contact)}"
        email = story.address(name if what == "listed" else what).strip()
        if what == "listed":
            codes = sorted(code for address, code in self.listed if address == email)
            return f"listed {name} {' '.join(codes)}".rstrip()
        found = [
            member
            for member in self.picture.members.values()
            if member["email_address"].lower() == email.lower() and member["status"] != "deleted"
        ]
        if name in ("moved", "another"):
            same = found and found[0]["contact_id"] == self.first_members[story.number]
            return f"{what} moved" if same else f"{what} another"
        if name == "tagged":
            tags = found[0]["tags"] if found else []
            return f"{what} tagged" if set(tags) == {"onoffice", TAG_LABEL} else f"{what} {tags}"
        return f"{what} {found[0]['status'] if found else 'absent'}"


def _contact_in_words(story: Story, contact: dict[str, object] | None) -> str:
    if contact is None:
        return "removed"
    wishes = {value: name for name, value in WISH.items()}
    names = {story.address(n).strip().lower(): n for n in "abcdefü"}
    email = str(contact["Email"]).strip().lower()
    return f"{names.get(email, email)} {wishes[str(contact['newsletter_aktiv'])]}"


def read_stories(text: str) -> list[Story]:
    """Stories of three lines each: the sentence, the parts, the ends."""
    lines = [line.strip() for line in text.strip().splitlines()]
    return [
        Story(
            number=number,
            title=title,
            parts=tuple(_steps(part, separator=",") for part in parts.split("/")),
            ends=_steps(ends, separator=","),
        )
        for number, (title, parts, ends) in enumerate(
            zip(lines[::3], lines[1::3], lines[2::3], strict=True), start=1
        )
    ]


def _steps(text: str, *, separator: str) -> tuple[str, ...]:
    return tuple(" ".join(step.split()) for step in text.split(separator) if step.strip())


def tell(scenario: Scenario, stories: list[Story], *, mode: Mode) -> Told:
    """Act the stories out, part by part with a sync after each, and two full syncs in the end."""
    # Dozens of stories at once are more than one morning's removals.
    brakes = scenario.link.settings.brakes.model_copy(update={"at_least": 10_000})
    scenario.change_settings(brakes=brakes)
    told = Told(contacts={}, first_members={})
    for story in stories:
        told.contacts[story.number] = []
        _add_contact(scenario, story, told, "a", "YES")
    for place in range(max(len(story.parts) for story in stories)):
        for story in stories:
            for step in story.parts[place] if place < len(story.parts) else ():
                verb, *words = step.split()
                _VERBS[verb](scenario, story, told, *words)
        scenario.sync(mode)
        told.pictures.append(scenario.picture())
        if place == 0:
            _note_first_members(told, stories)
    scenario.sync("full")
    told.pictures.append(scenario.picture())
    told.listed = {(p.address, p.code) for p in reports.list_problems(scenario.link.warehouse)}
    scenario.control.forget_calls()
    scenario.sync("full")
    told.writes_at_rest = dict(scenario.writes())
    return told


def _note_first_members(told: Told, stories: list[Story]) -> None:
    by_email = {m["email_address"].lower(): m for m in told.picture.members.values()}
    for story in stories:
        member = by_email.get(story.address("a"))
        if member is not None:
            told.first_members[story.number] = member["contact_id"]


def _add_contact(
    scenario: Scenario, story: Story, told: Told, addresses: str, newsletter: str
) -> None:
    emails = [story.address(name) for name in addresses.split("+")]
    done = scenario.control.act(
        "onoffice",
        actor="staff",
        action="create",
        emails=emails,
        fields={"newsletter_aktiv": WISH[newsletter]},
    )
    told.contacts[story.number].append(int(done["ids"][0]))


def _in_crm(scenario: Scenario, story: Story, told: Told, contact: str, **fields: object) -> None:
    number = told.contacts[story.number][int(contact) - 1]
    scenario.control.act("onoffice", actor="staff", action="modify", id=number, fields=fields)


def _change_in_crm(
    scenario: Scenario, story: Story, told: Told, contact: str, addresses: str
) -> None:
    names = addresses.split("+")
    if len(names) > 1 or addresses == "-":
        emails = [story.address(name) for name in names if name != "-"]
        _in_crm(scenario, story, told, contact, emails=emails)
        return
    number = told.contacts[story.number][int(contact) - 1]
    scenario.control.act(
        "onoffice",
        actor="staff",
        action="change_email",
        id=number,
        new_email=story.address(addresses),
    )


def _remove(scenario: Scenario, story: Story, told: Told, contact: str) -> None:
    number = told.contacts[story.number][int(contact) - 1]
    scenario.control.act("onoffice", actor="staff", action="delete", id=number)


def _merge(scenario: Scenario, story: Story, told: Told, *contacts: str) -> None:
    ids = [told.contacts[story.number][int(contact) - 1] for contact in contacts]
    scenario.control.act("onoffice", actor="staff", action="merge", ids=ids)


def _at_provider(actor: str, action: str) -> Callable[..., None]:
    def act(scenario: Scenario, story: Story, _told: Told, name: str, new: str = "") -> None:
        email = story.address(name).strip()
        details = {"new_email": story.address(new).strip()} if new else {}
        scenario.control.act("mailchimp", actor=actor, action=action, email=email, **details)

    return act


def _by_api(status: str) -> Callable[..., None]:
    """Another API client: a form with a double opt-in of its own, or a shop."""

    def act(scenario: Scenario, story: Story, _told: Told, name: str) -> None:
        httpx.post(
            f"{scenario.control.mailchimp_url}/lists/{scenario.audience_id}/members",
            json={"email_address": story.address(name), "status": status},
            auth=("any", credentials.MAILCHIMP_API_KEY),
            trust_env=False,
            verify=False,
        ).raise_for_status()

    return act


def _force(scenario: Scenario, story: Story, _told: Told, name: str) -> None:
    scenario.control.act(
        "mailchimp", actor="import", action="subscribe", email=story.address(name), force=True
    )


_VERBS: dict[str, Callable[..., None]] = {
    "contact": _add_contact,
    "crm": _change_in_crm,
    "wish": lambda s, y, t, who, wish: _in_crm(s, y, t, who, newsletter_aktiv=WISH[wish]),
    "private": lambda s, y, t, who: _in_crm(s, y, t, who, Privat=True),
    "revoke": lambda s, y, t, who: _in_crm(s, y, t, who, DSGVOStatus="speicherungwiderrufen"),
    "tag": lambda s, y, t, who: _in_crm(s, y, t, who, NewsletterTag=[TAG_KEY]),
    "remove": _remove,
    "merge": _merge,
    "join": _at_provider("person", "subscribe"),
    "leave": _at_provider("person", "unsubscribe"),
    "complain": _at_provider("person", "complain"),
    "import": _at_provider("import", "subscribe"),
    "mc": _at_provider("person", "change_email"),
    "clean": _at_provider("staff", "clean"),
    "archive": _at_provider("staff", "archive"),
    "delete": _at_provider("staff", "delete_permanent"),
    "confirm": _at_provider("person", "confirm"),
    "add": _at_provider("staff", "subscribe"),
    "force": _force,
    "ask": _by_api("pending"),
    "order": _by_api("transactional"),
}
