"""Which newsletter providers an asset deals with: those of the connections in the settings.

Belongs here: the mark that stands where an asset is written, and what is shown for it. Must not be
here: what differs between providers (``sync.providers``).
"""

from __future__ import annotations

from collections.abc import Iterable

#: Kind of every asset that reads from or writes to a provider, until the settings say which.
PROVIDER = "newsletter_provider"


def with_providers(kinds: Iterable[str], *, providers: Iterable[str]) -> set[str]:
    """The kinds with the names of the providers in the place of the mark."""
    named = set(kinds)
    return named - {PROVIDER} | set(providers) if PROVIDER in named else named
