"""The webhooks of a connection: are they there, right and alive; and mending them.

Belongs here: looking at all of them, and how they are put right. Must not be here: what can be
wrong (``webhook_flaws``), which webhooks a provider should have (``providers``), receiving
(``receiver``), what a notice leads to.

Providers switch a webhook off or drop it after too many failures and tell nobody; staff edits one.
Ours are known by their path, which nobody can guess, or by the key of their signatures. Webhooks of
others are listed and left alone. The secret of a signature is told once, at the creation: a signed
webhook whose key is not in our file cannot be checked and is made anew.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from urllib.parse import urlsplit

from nl_pipeline.domain.rhythm import unusual_silence
from nl_pipeline.settings import Settings
from nl_pipeline.sync.events.understanding import may_have_left
from nl_pipeline.sync.link import Link
from nl_pipeline.sync.observe import audience_of
from nl_pipeline.sync.providers.port import SeenHook, WantedHook
from nl_pipeline.sync.webhook_flaws import MEANING, Finding, Flaw, Judged, findings_of, judge
from nl_pipeline.warehouse import observations, webhook_notices
from nl_pipeline.webhook_log.keys import (
    SigningKey,
    SigningKeys,
    UnreadableKeys,
    bearer_token,
    receiver_secret,
    webhook_path,
)

_SET_UP_AT = "webhooks_set_up_at"
#: How far back notices are looked at.
_RHYTHM_OF = timedelta(days=90)
_UNHEARD_OF = timedelta(days=7)
#: Beside the time a provider goes on trying: what it tells has to be ingested.
_INGESTED_WITHIN = timedelta(minutes=30)


@dataclass(frozen=True)
class HookPlace:
    """Where our receiver is reached, and where it keeps the keys of signatures."""

    public_url: str
    connection: str
    secret: str = field(repr=False)
    folder: Path

    def url(self, *, provider: str, origin: str) -> str:
        """The URL of a webhook."""
        path = webhook_path(
            self.secret, connection=self.connection, provider=provider, origin=origin
        )
        return self.public_url.rstrip("/") + path

    def token(self, *, provider: str, origin: str) -> str:
        """What a webhook sends along where the provider does not sign."""
        return bearer_token(
            self.secret, connection=self.connection, provider=provider, origin=origin
        )


def place_of(
    settings: Settings, *, connection: str, environ: Mapping[str, str] | None = None
) -> HookPlace | None:
    """The place of a connection's webhooks; None without ``webhooks.public_url``.

    SettingsError if the secret of the settings cannot be resolved.
    """
    if settings.webhooks.public_url is None:
        return None
    return HookPlace(
        public_url=settings.webhooks.public_url,
        connection=connection,
        secret=receiver_secret(settings, environ=environ),
        folder=settings.webhook_log_dir(connection),
    )


@dataclass(frozen=True)
class WatchResult:
    """What was found, what of it was mended (a note each), and how many webhooks are other
    people's, by the hosts they go to."""

    audience_id: str
    findings: tuple[Finding, ...]
    mended: tuple[str, ...]
    foreign: tuple[str, ...]

    @property
    def healthy(self) -> bool:
        """Whether nothing is wrong, or all of it was mended."""
        return not self.findings or bool(self.mended)


def check(link: Link, *, place: HookPlace) -> WatchResult:
    """Compare the webhooks with what they should be; nothing is written.

    Raises OperatorNeeded when the audience is gone, was created anew, or is there twice.
    """
    audience_id = audience_of(link)
    judged, foreign = _judge(link, place=place, audience_id=audience_id)
    return WatchResult(
        audience_id=audience_id,
        findings=(*findings_of(judged), *_deafness(link)),
        mended=(),
        foreign=tuple(sorted(_host(hook) for hook in foreign)),
    )


def repair(link: Link, *, place: HookPlace) -> WatchResult:
    """Compare, and put right what is wrong; each step of it is a note. Raises as ``check``, and
    OperatorNeeded if the provider cannot reach the receiver.

    Webhooks that look right and tell nothing are made anew, which has the provider ask the URL. A
    URL takes one webhook, so the old one goes first: only while the receiver answers.
    """
    audience_id = audience_of(link)
    judged, foreign = _judge(link, place=place, audience_id=audience_id)
    deafness = _deafness(link)
    found = (*findings_of(judged), *deafness)
    for one in judged:
        if one.kept is not None and _is_made_anew(one, deaf=bool(deafness)):
            link.audience.hooks.check_reached(one.wanted)
    keys = _usable(SigningKeys(place.folder))
    mender = _Mender(link, audience_id=audience_id, keys=keys)
    for one in judged:
        mender.mend(one, anew=bool(deafness))
    _forget_keys(link, audience_id=audience_id, keys=keys)
    known = observations.read_state(link.warehouse, name=_SET_UP_AT)
    if known is None or mender.made_all(judged):
        # What happened before was not theirs to tell.
        observations.write_state(link.warehouse, name=_SET_UP_AT, value=link.now().isoformat())
    return WatchResult(
        audience_id=audience_id,
        findings=found,
        mended=tuple(mender.notes),
        foreign=tuple(sorted(_host(hook) for hook in foreign)),
    )


def _is_made_anew(one: Judged, *, deaf: bool) -> bool:
    return deaf or Flaw.KEY_UNKNOWN in one.flaws


class _Mender:
    """Puts webhooks right one by one and notes what it did."""

    def __init__(self, link: Link, *, audience_id: str, keys: SigningKeys) -> None:
        self._link = link
        self._audience_id = audience_id
        self._keys = keys
        self.notes: list[str] = []
        self._made: set[str] = set()

    def made_all(self, judged: Sequence[Judged]) -> bool:
        """Whether every webhook was created just now."""
        return {one.wanted.origin for one in judged if one.wanted.events} == self._made

    def mend(self, one: Judged, *, anew: bool) -> None:
        """Make one webhook what it should be."""
        is_wanted = bool(one.wanted.events)
        for hook in one.surplus:
            self._delete(hook, why="was there more than once" if is_wanted else "is not needed")
        if not is_wanted:
            return
        if one.kept is None:
            self._create(one.wanted, why="was missing")
        elif _is_made_anew(one, deaf=anew):
            self._delete(one.kept, why="told nothing" if anew else "signed with an unknown key")
            self._create(one.wanted, why="made anew")
        elif one.flaws:
            self._link.audience.hooks.change(
                self._audience_id, hook_id=one.kept.hook_id, wanted=one.wanted
            )
            wrong = ", ".join(sorted(MEANING[flaw] for flaw in one.flaws))
            self._note(one.wanted.origin, f"{one.kept.hook_id} was corrected: {wrong}")

    def _create(self, wanted: WantedHook, *, why: str) -> None:
        made = self._link.audience.hooks.create(self._audience_id, wanted=wanted)
        if made.signing_secret:
            key = SigningKey(made.hook.hook_id, wanted.origin, made.signing_secret)
            self._keys.remember(key)
        self._made.add(wanted.origin)
        signed = "signed" if made.hook.signed else "not signed by the provider"
        if wanted.token:
            signed = "with a token of ours"
        self._note(wanted.origin, f"{made.hook.hook_id} was created ({why}; {signed})")

    def _delete(self, hook: SeenHook, *, why: str) -> None:
        self._link.audience.hooks.delete(self._audience_id, hook_id=hook.hook_id)
        self._keys.forget(webhook_id=hook.hook_id)
        self.notes.append(f"webhook {hook.hook_id} was deleted: it {why}")

    def _note(self, origin: str, text: str) -> None:
        self.notes.append(f"webhook for {origin}: {text}")


def _judge(
    link: Link, *, place: HookPlace, audience_id: str
) -> tuple[list[Judged], list[SeenHook]]:
    """Each wanted webhook with what there is of it, and the webhooks that are not ours."""
    hooks = link.audience.hooks
    try:
        known = SigningKeys(place.folder).read()
    except UnreadableKeys:
        known = ()
    keys = {key.webhook_id: key.origin for key in known}

    def url_of(origin: str) -> str:
        return place.url(provider=hooks.provider, origin=origin)

    def token_of(origin: str) -> str:
        return place.token(provider=hooks.provider, origin=origin)

    seen = hooks.all(audience_id)
    wanted = hooks.wanted(url_of=url_of, token_of=token_of)
    judged = [judge(one, seen=seen, keys=keys) for one in wanted]
    ours = {hook.hook_id for one in judged for hook in (*one.surplus, one.kept) if hook}
    return judged, [hook for hook in seen if hook.hook_id not in ours]


def _deafness(link: Link) -> list[Finding]:
    """Signs that webhooks which look right tell nothing any more."""
    set_up = observations.read_state(link.warehouse, name=_SET_UP_AT)
    if set_up is None:
        return []
    now, since = link.now(), datetime.fromisoformat(set_up)
    found = []
    told = webhook_notices.told_at(link.warehouse, since=now - _RHYTHM_OF)
    silence = unusual_silence(told, now=now)
    if silence is not None and now - since > silence.allowed:
        more = (
            f"since {silence.since:%Y-%m-%d %H:%M} UTC;"
            f" usual are at most {_in_words(silence.allowed)}"
        )
        found.append(Finding(Flaw.SILENT, "", more=more))
    still_coming = link.warehouse.same_within + _INGESTED_WITHIN
    unheard = webhook_notices.unheard_opt_outs(
        link.warehouse,
        since=max(since, now - _UNHEARD_OF),
        until=now - still_coming,
        heard_by=may_have_left(link),
        lost_during=link.audience.hooks.lost_during,
    )
    if unheard:
        found.append(Finding(Flaw.UNHEARD, "", more=f"{unheard} in seven days"))
    return found


def _in_words(span: timedelta) -> str:
    hours = round(span.total_seconds() / 3600)
    return f"{hours} hours" if hours < 72 else f"{round(hours / 24)} days"


def _forget_keys(link: Link, *, audience_id: str, keys: SigningKeys) -> None:
    """Drop keys of webhooks that are not there any more."""
    present = {hook.hook_id for hook in link.audience.hooks.all(audience_id)}
    for key in keys.read():
        if key.webhook_id not in present:
            keys.forget(webhook_id=key.webhook_id)


def _usable(keys: SigningKeys) -> SigningKeys:
    """The file of the keys; a damaged one is put aside, and all webhooks are made anew."""
    try:
        keys.read()
    except UnreadableKeys:
        keys.path.replace(keys.path.with_suffix(".damaged"))
    return keys


def _host(hook: SeenHook) -> str:
    """Where a webhook of somebody else goes; its path may be as secret as ours."""
    return urlsplit(hook.url).hostname or "?"
