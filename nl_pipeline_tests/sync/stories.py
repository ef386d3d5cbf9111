"""Short stories about addresses, many of which are told in one world between the same syncs.

Belongs here: the words of a story and how the twins act them out. Must not be here: assertions.

A story has addresses (``a``, ``b``, …) and contacts numbered from 1; contact 1 has the address
``a`` and says YES. Its parts are separated by ``/``; a sync follows each of them. Steps:

- in the CRM: ``contact b NONE`` (a further contact; ``contact c+b YES`` with a further address),
  ``crm 1 b`` (new main address), ``crm 1 b+a`` (all addresses, main first), ``wish 1 NO``,
  ``private 1``, ``revoke 1``, ``tag 1``, ``remove 1``, ``merge 1 2``
- at the provider: ``join b`` and ``leave b`` by the person, ``import b``, ``moves a b`` (the person
  changes the address), ``bounce b``, ``off b`` (staff takes somebody off the list), ``delete b``,
  ``complain b``, ``ask b`` (waits for a confirmation), ``confirm b``, ``add b`` by staff,
  ``force b`` (an import over an opt-out), ``order b`` (bought something, without consent to mail)

A story is three lines: the sentence, the parts, the ends. A provider that has something in its own
way says so in a fourth: ``brevo: other ends -- reason``, ``brevo: other parts > other ends --
reason`` or ``brevo: cannot -- reason``. Such a story is told as for everybody, too: ``needless``
finds those that could as well have gone like that. A backslash continues a line.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace

import pytest

from nl_pipeline.sandbox.population import TAG_OPTIONS
from nl_pipeline.sync.observe import Mode
from nl_pipeline.warehouse import reports
from nl_pipeline_tests.providers import CannotHappen, Provider
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


Parts = tuple[tuple[str, ...], ...]

_TOLD_AGAIN = 1000
"""Stories beyond this number are told as for everybody where they go otherwise."""


@dataclass(frozen=True)
class Otherwise:
    """How a story goes at one provider: its own parts or ends, or not at all (neither)."""

    reason: str
    parts: Parts = ()
    ends: tuple[str, ...] = ()


@dataclass(frozen=True)
class Story:
    """One story: its sentence, its parts, how it ends, and who has it otherwise."""

    number: int
    title: str
    parts: Parts
    ends: tuple[str, ...]
    otherwise: Mapping[str, Otherwise] = field(default_factory=dict)

    def at(self, provider: Provider) -> Story | None:
        """The story as it goes at a provider, None if it cannot happen there."""
        other = self.otherwise.get(provider)
        if other is None:
            return self
        if not other.ends:
            return None
        return replace(self, parts=other.parts or self.parts, ends=other.ends)

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
    #: Stories that were told as for everybody, and could not be to their end.
    refused: set[int] = field(default_factory=set)

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
    """The stories of a text."""
    stories: list[Story] = []
    lines = [line.strip() for line in text.strip().replace("\\\n", "").splitlines()]
    while lines:
        title, parts, ends = lines[:3]
        del lines[:3]
        otherwise: dict[str, Otherwise] = {}
        while lines and (found := _OTHERWISE.fullmatch(lines[0])):
            otherwise[found["provider"]] = _otherwise(found["what"], reason=found["reason"])
            del lines[0]
        stories.append(
            Story(
                number=len(stories) + 1,
                title=title,
                parts=_parts(parts),
                ends=_steps(ends),
                otherwise=otherwise,
            )
        )
    return stories


_OTHERWISE = re.compile(r"(?P<provider>mailchimp|brevo): (?P<what>.+?) -- (?P<reason>.+)")


def _otherwise(what: str, *, reason: str) -> Otherwise:
    if what == "cannot":
        return Otherwise(reason)
    parts, _, ends = what.rpartition(">")
    return Otherwise(reason, parts=_parts(parts) if parts else (), ends=_steps(ends))


def _parts(text: str) -> Parts:
    return tuple(_steps(part) for part in text.split("/"))


def _steps(text: str) -> tuple[str, ...]:
    return tuple(" ".join(step.split()) for step in text.split(",") if step.strip())


@dataclass
class StoryTeller:
    """The stories of one world as they were told at a provider."""

    provider: Provider
    told: Told
    needless: list[str]

    def ends(self, story: Story) -> tuple[set[str], set[str]]:
        """How a story ended and should have; skips what the provider cannot do."""
        here = story.at(self.provider)
        if here is None:
            pytest.skip(f"{self.provider}: {story.otherwise[self.provider].reason}")
        return self.told.ends(here), set(here.ends)


def tell_all(scenario: Scenario, stories: Sequence[Story], *, mode: Mode) -> StoryTeller:
    """Tell the stories at the scenario's provider, and find exceptions that are not needed."""
    provider = scenario.stage.provider
    told = tell(scenario, stories, mode=mode)
    return StoryTeller(provider, told, needless(told, stories, provider=provider))


def _as_for_everybody(story: Story) -> Story:
    """The story without its exceptions, about people of its own."""
    return replace(story, number=story.number + _TOLD_AGAIN, otherwise={})


def needless(told: Told, stories: Sequence[Story], *, provider: Provider) -> list[str]:
    """The stories that go otherwise at a provider without need: told as for everybody, nothing was
    refused, and they ended as for everybody."""
    found = []
    for story in stories:
        plain = _as_for_everybody(story)
        if provider in story.otherwise and plain.number not in told.refused:
            found += [story.title] if told.ends(plain) == set(plain.ends) else []
    return found


def tell(scenario: Scenario, everybodys: Sequence[Story], *, mode: Mode) -> Told:
    """Act the stories out, part by part with a sync after each, and two full syncs in the end;
    each as it goes at the scenario's provider, and those that go otherwise there once more as for
    everybody, as far as they can."""
    provider = scenario.stage.provider
    here = [story.at(provider) for story in everybodys]
    stories = [story for story in here if story is not None]
    stories += [_as_for_everybody(story) for story in everybodys if provider in story.otherwise]
    # Dozens of stories at once are more than one morning's removals.
    brakes = scenario.link.settings.brakes.model_copy(update={"at_least": 10_000})
    scenario.change_settings(brakes=brakes)
    told = Told(contacts={}, first_members={})
    for story in stories:
        told.contacts[story.number] = []
        _add_contact(scenario, story, told, "a", "YES")
    for place in range(max(len(story.parts) for story in stories)):
        for story in stories:
            _act_out(scenario, story, told, place=place)
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


def _act_out(scenario: Scenario, story: Story, told: Told, *, place: int) -> None:
    """One part of a story; one that is told again ends at the first refusal."""
    if place >= len(story.parts) or story.number in told.refused:
        return
    try:
        for step in story.parts[place]:
            verb, *words = step.split()
            _VERBS[verb](scenario, story, told, *words)
    except CannotHappen:
        if story.number <= _TOLD_AGAIN:
            raise
        told.refused.add(story.number)


def _note_first_members(told: Told, stories: Sequence[Story]) -> None:
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
        scenario.stage.act(actor, action, email, **details)

    return act


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
    "moves": _at_provider("person", "change_email"),
    "bounce": _at_provider("system", "bounce"),
    "off": _at_provider("staff", "remove"),
    "delete": _at_provider("staff", "delete"),
    "confirm": _at_provider("person", "confirm"),
    "add": _at_provider("staff", "subscribe"),
    "force": _at_provider("import", "force"),
    "ask": _at_provider("api", "ask"),
    "order": _at_provider("api", "order"),
}
