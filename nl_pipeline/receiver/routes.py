"""Which webhooks there are, and what is known about each.

Belongs here: the table of webhooks, made from the settings, and finding the one a path means. Must
not be here: taking a request (``hooks``).
"""

from __future__ import annotations

import hmac
import logging
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from nl_pipeline.settings import Settings, SettingsError
from nl_pipeline.webhook_log import keys

_log = logging.getLogger(__name__)

BURST_SECONDS = 5.0
"""For how long more than the allowed rate may come, after a time of rest."""


@dataclass(frozen=True)
class ProviderRules:
    """How a provider wants to be treated. ``send_again``: the answer after which it tries later.

    ``signature_header`` is empty where it signs nothing; ``has_bearer``: it sends a token of ours
    along instead; ``has_app_secret``: it signs, and asks us to, with the secret of its app.
    ``not_believed`` answers what was stored as a hint only.
    ``discards``: any refusal but ``send_again`` makes it forget the event for good.
    """

    send_again: int
    not_believed: int = 403
    signature_header: bytes = b""
    has_bearer: bool = False
    has_app_secret: bool = False
    discards: bool = False

    def refusal(self, status: int) -> int:
        """How a request that is not taken in is refused, where HTTP has ``status`` for it."""
        return self.send_again if self.discards else status


PROVIDERS: Mapping[str, ProviderRules] = {
    "mailchimp": ProviderRules(send_again=503, signature_header=b"x-mailchimp-signature"),
    "linkedin": ProviderRules(
        send_again=503, signature_header=b"x-li-signature", has_app_secret=True
    ),
    # Discards an event on any other answer but 2xx, which a wrong token would be, too, while
    # secrets are replaced.
    "brevo": ProviderRules(send_again=429, not_believed=429, has_bearer=True, discards=True),
}


class RateLimit:
    """So many events a second, and after a rest a burst of a few seconds' worth."""

    def __init__(self, per_second: int, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._per_second = per_second
        self._most = per_second * BURST_SECONDS
        self._left = self._most
        self._clock = clock
        self._seen_at = clock()

    def take(self) -> bool:
        """Whether one more may pass now."""
        now = self._clock()
        self._left = min(self._most, self._left + (now - self._seen_at) * self._per_second)
        self._seen_at = now
        if self._left < 1:
            return False
        self._left -= 1
        return True


class KnownKeys:
    """The signing keys of a connection as the file has them, read again when it changes."""

    def __init__(self, file: keys.SigningKeys) -> None:
        self._file = file
        self._seen: tuple[int, int, int] | None = None
        self._by_origin: dict[str, tuple[str, ...]] = {}
        self._is_damaged = False

    def of(self, origin: str) -> tuple[str, ...] | None:
        """The secrets the webhooks of an origin sign with; none where they do not.

        While the file is damaged, those that were known before go on to count; None where none
        were: whether they sign is not known then.
        """
        found = self._look()
        if found != self._seen:
            self._seen = found
            try:
                known = self._file.read()
            except (keys.UnreadableKeys, OSError) as error:
                _log.error("Signing keys can't be read: %s", type(error).__name__)
                self._is_damaged = True
            else:
                self._is_damaged = False
                self._by_origin = {
                    key.origin: tuple(k.signing_secret for k in known if k.origin == key.origin)
                    for key in known
                }
        return self._by_origin.get(origin, None if self._is_damaged else ())

    def _look(self) -> tuple[int, int, int] | None:
        try:
            status = self._file.path.stat()
        except OSError:
            return None
        return status.st_mtime_ns, status.st_size, status.st_ino


@dataclass(frozen=True)
class Hook:
    """One webhook of one connection. ``tokens`` of its path, and ``bearers`` that may come along:
    those of the present secret first, then those of former ones. ``app_secret`` is "" where the
    provider has none; ``folder`` is that of the connection's log."""

    connection: str
    provider: str
    origin: str
    tokens: tuple[str, ...] = field(repr=False)
    bearers: tuple[str, ...] = field(repr=False)
    rules: ProviderRules
    keys: KnownKeys = field(repr=False)
    rate: RateLimit = field(repr=False)
    folder: Path
    app_secret: str = field(default="", repr=False)

    @property
    def token(self) -> str:
        """The part of its path that nobody can guess."""
        return self.tokens[0]

    def path(self, *, token: str) -> str:
        """Its path with ``token``: the whole one of the webhook is a secret."""
        return f"/hooks/{self.connection}/{self.provider}/{self.origin}/{token}"


class HookTable:
    """All webhooks, found by their path."""

    def __init__(self, hooks: list[Hook]) -> None:
        self._hooks = {hook.path(token=""): hook for hook in hooks}

    def find(self, path: str) -> Hook | None:
        """The webhook at ``/hooks/<connection>/<provider>/<origin>/<token>``; None for any other.

        The token is compared in constant time.
        """
        webhook, slash, token = path.rpartition("/")
        found = self._hooks.get(webhook + slash)
        if found is None or not is_one_of(found.tokens, told=token):
            return None
        return found

    def rules_at(self, path: str) -> ProviderRules | None:
        """The rules of the webhook that a path with any token would be of."""
        found = self._hooks.get(path.rpartition("/")[0] + "/")
        return None if found is None else found.rules

    def __iter__(self) -> Iterator[Hook]:
        return iter(self._hooks.values())


def is_one_of(secrets: Sequence[str], *, told: str) -> bool:
    """Whether ``told`` is one of these secrets; takes as long whichever it is."""
    matches = False
    for secret in secrets:
        matches |= hmac.compare_digest(secret.encode(), told.encode())
    return matches


def hooks_of(
    settings: Settings,
    *,
    secret: str,
    former: Sequence[str] = (),
    environ: Mapping[str, str] | None = None,
) -> HookTable:
    """The webhooks of all connections of the settings.

    ``former`` are secrets that ``secret`` has replaced: webhooks made with them still count. Leads
    whose app's secret is not there are left out and told in the log: opt-outs do not wait for them.
    """
    hooks: list[Hook] = []
    for name, connection in settings.connections.items():
        folder = settings.webhook_log_dir(name)
        known = KnownKeys(keys.SigningKeys(folder))
        rate = RateLimit(settings.webhooks.limits.events_per_second)
        app_secrets: dict[str, str] = {connection.provider.kind: ""}
        if (linkedin := connection.leads.linkedin) is not None:
            try:
                app_secrets["linkedin"] = linkedin.client_secret.resolve(environ)
            except SettingsError as error:
                _log.error("Notices of leads for %s are not taken: %s", name, error)
        for provider, app_secret in app_secrets.items():
            for origin in keys.ORIGINS[provider]:
                tokens, bearers = (
                    tuple(
                        derive(each, connection=name, provider=provider, origin=origin)
                        for each in (secret, *former)
                    )
                    for derive in (keys.route_token, keys.bearer_token)
                )
                hook = Hook(
                    name,
                    provider,
                    origin,
                    tokens=tokens,
                    bearers=bearers,
                    rules=PROVIDERS[provider],
                    keys=known,
                    rate=rate,
                    folder=folder,
                    app_secret=app_secret,
                )
                hooks.append(hook)
    return HookTable(hooks)
