"""The population the twins are filled with: deterministic, plausible and deliberately awkward.

Belongs here: who exists, drawn from a number of contacts and a seed. The population of a smaller
number is the beginning of the population of a larger one. Does not belong here: how a vendor
stores a person. Every name is made up from the lists in ``names.py`` and every address is on a
domain that can never receive mail (``.example``).
"""

from __future__ import annotations

import random
from bisect import bisect
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import accumulate
from typing import TypeVar

from nl_pipeline.sandbox.names import LANGUAGES, Language

T = TypeVar("T")

TAG_OPTIONS: dict[str, str] = {
    "indMulti2098Select5952": "Kapitalanleger",
    "indMulti2098Select5953": "Neubau",
    "indMulti2098Select5955": "Vermietung & Verwaltung",
    "indMulti2098Select5958": "Gewerbe",
    "indMulti2098Select5960": "Eigentümerbrief",
    "indMulti2098Select5967": "Ferienimmobilien (Mallorca)",
}
"""Newsletter tags of the account, option key to label."""

_LANGUAGE_STEPS = tuple(accumulate((50, 15, 15, 12, 8)))
_NEWSLETTER_VALUES = ("1", "4", "0", "2", "3", "5", "", "9")
_NEWSLETTER_STEPS = tuple(accumulate((550, 215, 85, 75, 30, 20, 20, 5)))
_GDPR_VALUES = ("", "speicherungzugestimmt", "ignorieren", "speicherungwiderrufen")
_GDPR_STEPS = tuple(accumulate((55, 38, 4, 3)))
_TITLES = ("Dr.", "Prof. Dr.", "Dipl.-Ing.", "Mag.")
_FAULTY_EMAILS = ("kein-email", "info@", "@kunde.example", "anfrage kunde.example", "a@b", "-")
_AWKWARD_LAST_NAMES = (
    "=SUM(A1:A9)",
    "+49 bitte anrufen",
    "@Eigentümer",
    "-1+2",
    'O\'Neill "Bauherr"',
    "von und zu " + "Hohenberg-Waldenstein-" * 3 + "Ende",
    "Müller; Schmidt, Meier",
    "Łukasz\u200b",
    "Zoe\u0308",
    "<b>Fett</b> & Söhne",
)
_IDN_DOMAINS = ("bäckerei-{0}.example", "müller-bau-{0}.example", "señor-{0}.example")
_LEGAL_FORMS = ("GmbH", "AG", "KG", "S.r.l.", "S.L.", "SARL", "Sp. z o.o.")
_ASCII = str.maketrans(
    {
        "ä": "ae", "ö": "oe", "ü": "ue", "ß": "ss", "à": "a", "á": "a", "â": "a", "ã": "a",
        "ç": "c", "è": "e", "é": "e", "ê": "e", "ë": "e", "ì": "i", "í": "i", "î": "i", "ï": "i",
        "ñ": "n", "ò": "o", "ó": "o", "ô": "o", "ù": "u", "ú": "u", "û": "u", "ą": "a", "ć": "c",
        "ę": "e", "ł": "l", "ń": "n", "ś": "s", "ź": "z", "ż": "z", "œ": "oe",
        " ": "-", "'": "", "’": "",
    }
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Person:
    """One contact of the population, in no vendor's terms."""

    number: int
    """1-based place in the population."""
    salutation: str
    """Key as in onOffice's field ``Anrede``: ``Herr``, ``Frau``, ``Firma`` or empty."""
    title: str
    first_name: str
    last_name: str
    emails: tuple[str, ...]
    """Main address first; may be empty, and an address may be invalid or carry blanks."""
    newsletter: str
    """``"0"`` to ``"5"`` as in onOffice's ``newsletter_aktiv``, empty, or the unknown ``"9"``."""
    private: bool
    archived: bool
    gdpr: str
    """Key as in onOffice's field ``DSGVOStatus``."""
    tags: tuple[str, ...]
    """Keys of :data:`TAG_OPTIONS`."""
    language: str
    """Key as in onOffice's field ``SpracheKontakt``."""
    company: str
    phone: str


def persons(contacts: int, *, seed: int) -> Iterator[Person]:
    """The first ``contacts`` persons of the population ``seed``, one at a time.

    Among them: about 55 % with newsletter Yes, every other newsletter value, main addresses
    shared by two or three contacts (some in other case only), secondary addresses (some the main
    address of somebody else), missing and invalid addresses, IDN domains, private, archived and
    GDPR-revoked contacts, stray blanks, and names that break careless CSV or HTML.
    """
    draw = random.Random(f"population {seed}")
    mains: list[str] = []
    for number in range(1, contacts + 1):
        language = _weighted(LANGUAGES, steps=_LANGUAGE_STEPS, chance=draw.random())
        yield _person(number, language=language, draw=draw, mains=mains)


def _person(number: int, *, language: Language, draw: random.Random, mains: list[str]) -> Person:
    chance = draw.random
    female = chance() < 0.5
    first_name = _one_of(language.female if female else language.male, chance=chance())
    last_name = _one_of(language.last, chance=chance())
    company = ""
    if chance() < 0.18:
        company = f"{draw.choice(language.last)} {draw.choice(_LEGAL_FORMS)}"
    emails = _emails(number, first_name=first_name, last_name=last_name, draw=draw, mains=mains)
    salutation = "Frau" if female else "Herr"
    if company and chance() < 0.2:
        salutation, first_name = "Firma", ""
    if chance() < 0.03:
        salutation = ""
    oddity = chance()
    if oddity < 0.01:
        last_name = draw.choice(_AWKWARD_LAST_NAMES)
    elif oddity < 0.02:
        first_name, last_name = f" {first_name}", f"{last_name}  "
    elif oddity < 0.03:
        first_name = ""
    tags: tuple[str, ...] = ()
    if chance() < 0.35:
        tags = tuple(draw.sample(list(TAG_OPTIONS), k=1 + (chance() < 0.3) + (chance() < 0.1)))
    return Person(
        number=number,
        salutation=salutation,
        title=draw.choice(_TITLES) if chance() < 0.05 else "",
        first_name=first_name,
        last_name=last_name,
        emails=emails,
        newsletter=_weighted(_NEWSLETTER_VALUES, steps=_NEWSLETTER_STEPS, chance=chance()),
        private=chance() < 0.02,
        archived=chance() < 0.04,
        gdpr=_weighted(_GDPR_VALUES, steps=_GDPR_STEPS, chance=chance()),
        tags=tags,
        language=language.key,
        company=company,
        phone=f"+49 241 {number:07d}" if chance() < 0.6 else "",
    )


def _one_of(values: Sequence[T], *, chance: float) -> T:
    """One of the values, all alike; ``random.choice`` takes three times as long."""
    return values[int(chance * len(values))]


def _weighted(values: Sequence[T], *, steps: Sequence[int], chance: float) -> T:
    """One of the values by their summed weights; ``random.choices`` takes far longer."""
    return values[bisect(steps, chance * steps[-1])]


def _emails(
    number: int, *, first_name: str, last_name: str, draw: random.Random, mains: list[str]
) -> tuple[str, ...]:
    """All addresses of one contact; a main address that is its own is added to ``mains``."""
    chance = draw.random
    kind = chance()
    if kind < 0.03:
        return ()
    if kind < 0.04:
        return (draw.choice(_FAULTY_EMAILS),)
    if kind < 0.06 and mains:
        # Somebody in the household shares the address; every second one typed it differently.
        shared = mains[-1 - int(chance() * min(len(mains), 40))]
        return (shared if chance() < 0.5 else shared.title(),)
    own = f"{_local_part(first_name, last_name, number, chance())}@{_domain(number, chance())}"
    mains.append(own)
    if len(mains) > 4000:
        del mains[:2000]
    main = own
    blanks = chance()
    if blanks < 0.006:
        main = f" {own}" if blanks < 0.003 else f"{own} "
    if chance() < 0.1:
        if chance() < 0.15 and len(mains) > 1:
            return (main, mains[-2 - int(chance() * min(len(mains) - 1, 40))])
        return (main, f"{_local_part(last_name, first_name, number, chance())}@post.example")
    return (main,)


def _local_part(first: str, second: str, number: int, chance: float) -> str:
    if chance < 0.004:
        return f"{first}.{second}{number}".lower().replace(" ", "-").replace("'", "")
    plain = f"{first}.{second}".lower().translate(_ASCII)
    return f"{plain}{number}"


def _domain(number: int, chance: float) -> str:
    if chance < 0.012:
        return _IDN_DOMAINS[number % len(_IDN_DOMAINS)].format(number % 40)
    return f"kunde-{number % 400}.example"
