"""What can be wrong with a webhook, and telling it by looking at one.

Belongs here: the comparison of what is with what should be. Must not be here: calls, mending
(``webhook_watch``).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from urllib.parse import urlsplit

from nl_pipeline.sync.providers.port import SeenHook, WantedHook


class Flaw(StrEnum):
    """What is wrong with the webhooks of one origin."""

    MISSING = "missing"
    MOVED = "moved"
    WRONG_EVENTS = "wrong_events"
    WRONG_SOURCES = "wrong_sources"
    WRONG_TOKEN = "wrong_token"
    COLLECTS = "collects"
    UNWANTED = "unwanted"
    KEY_UNKNOWN = "key_unknown"
    DOUBLED = "doubled"
    SILENT = "silent"
    UNHEARD = "unheard"


MEANING: Mapping[Flaw, str] = {
    Flaw.MISSING: "there is no such webhook",
    Flaw.MOVED: "its URL is another one",
    Flaw.WRONG_EVENTS: "its events are not those that are needed",
    Flaw.WRONG_SOURCES: "its sources are not those that are needed",
    Flaw.WRONG_TOKEN: "it does not send the token by which it is believed",
    Flaw.COLLECTS: "it collects events instead of telling each at once",
    Flaw.UNWANTED: "it tells what no activity is wanted for",
    Flaw.KEY_UNKNOWN: "it signs with a key that is not in our file",
    Flaw.DOUBLED: "it is there more than once",
    Flaw.SILENT: "nothing was told for longer than this account is usually silent",
    Flaw.UNHEARD: "opt-outs were found by reading that no webhook told",
}


@dataclass(frozen=True)
class Finding:
    """One thing that is wrong. ``origin`` is "" where it is about all webhooks of the connection;
    ``more`` is a number or a time, never an address or a URL."""

    flaw: Flaw
    origin: str
    hook_id: str = ""
    more: str = ""

    @property
    def text(self) -> str:
        """The finding as a sentence."""
        which = f"webhook for {self.origin}" if self.origin else "webhooks"
        named = f" {self.hook_id}" if self.hook_id else ""
        more = f" ({self.more})" if self.more else ""
        return f"{which}{named}: {MEANING[self.flaw]}{more}"


@dataclass(frozen=True)
class Judged:
    """One wanted webhook beside what there is of it: the one to keep, and the ones too many."""

    wanted: WantedHook
    kept: SeenHook | None
    surplus: tuple[SeenHook, ...]
    flaws: frozenset[Flaw]


def judge(wanted: WantedHook, *, seen: Sequence[SeenHook], keys: Mapping[str, str]) -> Judged:
    """What is wrong with one webhook. ``keys``: the origin by the id of webhooks whose key we have.

    Of several that are ours, the one is kept that needs the least mending.
    """
    ours = [hook for hook in seen if _is_ours(hook, wanted=wanted, keys=keys)]
    if not wanted.events:
        too_many = {Flaw.UNWANTED} if ours else set()
        return Judged(wanted, None, tuple(ours), frozenset(too_many))
    if not ours:
        return Judged(wanted, None, (), frozenset({Flaw.MISSING}))
    kept, *surplus = sorted(ours, key=lambda hook: len(_flaws(hook, wanted=wanted, keys=keys)))
    flaws = _flaws(kept, wanted=wanted, keys=keys) | ({Flaw.DOUBLED} if surplus else set())
    return Judged(wanted, kept, tuple(surplus), frozenset(flaws))


def _is_ours(hook: SeenHook, *, wanted: WantedHook, keys: Mapping[str, str]) -> bool:
    """By its path, whatever its host; by its key; or by the address an earlier secret gave it."""
    if urlsplit(hook.url).path.endswith(urlsplit(wanted.url).path):
        return True
    without_token = wanted.url.rpartition("/")[0] + "/"
    return keys.get(hook.hook_id) == wanted.origin or hook.url.startswith(without_token)


def _flaws(hook: SeenHook, *, wanted: WantedHook, keys: Mapping[str, str]) -> set[Flaw]:
    wrong = {
        Flaw.MOVED: hook.url != wanted.url,
        Flaw.WRONG_EVENTS: hook.events != wanted.events,
        Flaw.WRONG_SOURCES: hook.sources != wanted.sources,
        Flaw.WRONG_TOKEN: hook.token != wanted.token,
        Flaw.COLLECTS: hook.collects,
        Flaw.KEY_UNKNOWN: hook.signed and hook.hook_id not in keys,
    }
    return {flaw for flaw, is_wrong in wrong.items() if is_wrong}


def findings_of(judged: Sequence[Judged]) -> list[Finding]:
    return [
        Finding(flaw, one.wanted.origin, "" if one.kept is None else one.kept.hook_id)
        for one in judged
        for flaw in sorted(one.flaws)
    ]
