"""A Mailchimp twin with one big audience, in a process of its own.

Belongs here: who is on the audience, and the process. Must not be here: what is measured, and any
behaviour of the API; that is the sandbox's.

    python -m benchmarks.audience_twin --members 250000
"""

from __future__ import annotations

import contextlib
import gc
import random
import subprocess
import sys
from argparse import ArgumentParser
from collections.abc import Iterator, Sequence
from typing import Any

from nl_pipeline.sandbox.app import World
from nl_pipeline.sandbox.mailchimp import changes
from nl_pipeline.sandbox.mailchimp.account import Account, Cause
from nl_pipeline.sandbox.mailchimp.audiences import add_audience, remove_audience
from nl_pipeline.sandbox.mailchimp.state import Audience, MergeField
from nl_pipeline.sandbox.mailchimp.tagging import give_tag, segment_named
from nl_pipeline.sandbox.population import TAG_OPTIONS, Person, persons
from nl_pipeline.sandbox.serve import running as serving

AUDIENCE = "onoffice"

_SEARCHES = (
    "Eigentumswohnung, 3 Zimmer, ab 75 m², mit Balkon oder Terrasse, Aachen und Umgebung",
    "Einfamilienhaus mit Garten, ab 120 m², ruhige Lage, Garage oder zwei Stellplätze",
    "Mehrfamilienhaus als Kapitalanlage, ab 4 % Rendite, voll vermietet, nicht vor 1965 gebaut",
    "Ferienimmobilie auf Mallorca, Südwesten, Meerblick, mit Vermietungslizenz",
)
# What an estate agent keeps of a contact besides the four fields of every audience.
_COLUMNS = (
    ("ANREDE", "Anrede", "text"),
    ("TITEL", "Titel", "text"),
    ("FIRMA", "Firma", "text"),
    ("SPRACHE", "Sprache", "text"),
    ("BETREUER", "Betreuer", "text"),
    ("CRMID", "Datensatznummer", "number"),
    ("HERKUNFT", "Herkunft des Kontakts", "text"),
    ("SUCHE", "Suchkriterien", "text"),
    ("BUDGET", "Budget bis", "number"),
    ("ANFRAGE", "Letzte Anfrage", "date"),
    ("GEBURTSTAG", "Geburtstag", "birthday"),
    ("EXPOSE", "Letztes Exposé", "url"),
    ("NOTIZ", "Notiz", "text"),
)
_NOTES = (
    "Finanzierung liegt vor, bevorzugt Besichtigungen am Wochenende, hat Kinder und einen Hund;"
    " möchte vor dem Sommer umziehen und ruft bei neuen Angeboten zurück",
    "Eigentümer eines Reihenhauses, das nach dem Kauf verkauft werden soll; Wertermittlung im März"
    " angefragt, Unterlagen vollständig, Ansprechpartner ist der Sohn",
)


def fill(account: Account, *, members: int) -> Audience:
    """Replace all audiences by one with so many members, 4 of 100 unsubscribed, 2 archived."""
    for audience in list(account.audiences.values()):
        remove_audience(account, audience)
    audience = add_audience(account, details={"name": AUDIENCE})
    audience.merge_fields += [
        MergeField(5 + place, tag, name, kind) for place, (tag, name, kind) in enumerate(_COLUMNS)
    ]
    draw = random.Random("audience twin")
    segments = [segment_named(account, audience, name=label) for label in TAG_OPTIONS.values()]
    for person in persons(members, seed=1):
        member = changes.create_member(
            account,
            audience,
            # The population has shared and missing addresses; here every member has their own.
            email_address=f"{_letters(person)}{person.number}@kunde-{person.number % 97}.example",
            status="subscribed",
            cause=Cause("import"),
            merge_fields=_values(person),
        )
        member.timestamp_opt = member.last_changed - draw.randrange(5 * 365 * 86_400)
        for segment in draw.sample(segments, k=2):
            give_tag(account, audience, member, segment=segment)
        fate = draw.random()
        if fate < 0.04:
            changes.set_status(
                account, audience, member, status="unsubscribed", cause=Cause("person")
            )
        elif fate < 0.06:
            changes.set_status(account, audience, member, status="archived", cause=Cause("staff"))
    return audience


def _letters(person: Person) -> str:
    letters = "".join(c for c in person.last_name.lower() if c.isascii() and c.isalpha())
    return letters[:20] or "kontakt"


def _values(person: Person) -> dict[str, Any]:
    number = person.number
    return {
        "FNAME": person.first_name.strip(),
        "LNAME": person.last_name.strip(),
        "ADDRESS": {
            "addr1": f"Kaiserstraße {number % 180 + 1}",
            "addr2": "",
            "city": "Aachen",
            "state": "",
            "zip": f"52{number % 1000:03d}",
            "country": "DE",
        },
        "PHONE": f"+49 241 {number:07d}",
        "ANREDE": person.salutation,
        "TITEL": person.title,
        "FIRMA": person.company,
        "SPRACHE": person.language,
        "BETREUER": f"Team {('Verkauf', 'Vermietung', 'Neubau')[number % 3]} {number % 12 + 1}",
        "CRMID": number,
        "HERKUNFT": ("Portalanfrage", "Website", "Empfehlung", "Besichtigung")[number % 4],
        "SUCHE": _SEARCHES[number % len(_SEARCHES)],
        "BUDGET": 150_000 + number % 90 * 10_000,
        "ANFRAGE": f"2025-{number % 12 + 1:02d}-{number % 28 + 1:02d}",
        "GEBURTSTAG": f"{number % 12 + 1:02d}/{number % 28 + 1:02d}",
        "EXPOSE": f"https://www.sandbox-immobilien.example/expose/{number % 4000:05d}",
        "NOTIZ": _NOTES[number % len(_NOTES)],
    }


@contextlib.contextmanager
def running(*, members: int) -> Iterator[str]:
    """The twin in a process of its own for the length of a ``with`` block; yields its base URL."""
    command = [sys.executable, "-m", "benchmarks.audience_twin", "--members", str(members)]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        url = process.stdout.readline().strip()
        if not url:
            raise SystemExit("the twin did not start; its own message stands above")
        # It ends with its standard input, however this process ends.
        yield url


def main(arguments: Sequence[str] | None = None) -> None:
    parser = ArgumentParser(description=__doc__)
    parser.add_argument("--members", type=int, default=250_000)
    chosen = parser.parse_args(arguments)
    world = World(contacts=0)
    gc.disable()
    fill(world.mailchimp.account, members=chosen.members)
    # A big audience is no garbage: without this every full collection walks over all of it.
    gc.freeze()
    gc.enable()
    with serving(world) as url:
        print(url, flush=True)
        sys.stdin.read()


if __name__ == "__main__":
    main()
