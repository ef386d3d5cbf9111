"""The access token a call is made with: which one, and when it is renewed.

Belongs here: one refresh at a time over threads and processes, and keeping what it gave. Does not
belong here: the calls of OAuth.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from nl_pipeline.clients.errors import ApiError, OperatorNeeded
from nl_pipeline.clients.linkedin.oauth import OAuth
from nl_pipeline.clients.linkedin.problems import REAUTHORIZE, SYSTEM
from nl_pipeline.clients.linkedin.tokens import (
    REFRESH_LIFE,
    TokenLife,
    Tokens,
    TokenStore,
    life_of,
)

log = logging.getLogger(__name__)

_EARLY = timedelta(days=5)
"""Before its end a token is renewed, so that a bad day of LinkedIn's is no end of the import."""
_WORTH_IT = timedelta(days=1)
"""What a refresh has to gain: near the end of the refresh token both end together."""


def system_time() -> datetime:
    """The time of this machine, aware UTC."""
    return datetime.now(UTC)


class Access:
    """The tokens of one connection. Safe to use from several threads.

    Kept tokens count as long as they came from those in the settings: whoever puts new ones there
    has authorized again. `settle_seconds` is waited after a refresh, because a fresh token may
    need a moment before it works (seen in a public connector, which waits for 30).
    """

    def __init__(
        self,
        configured: Tokens,
        *,
        oauth: OAuth,
        store: TokenStore | None = None,
        now: Callable[[], datetime] = system_time,
        sleep: Callable[[float], None] = time.sleep,
        settle_seconds: float = 3.0,
    ) -> None:
        self._oauth = oauth
        self._store = store
        self._now = now
        self._sleep = sleep
        self._settle_seconds = settle_seconds
        self._lock = threading.Lock()
        self._seed = configured.seed
        self._tokens = self._kept() or configured
        self._renewed_early = False

    @property
    def tokens(self) -> Tokens:
        """The tokens in use."""
        return self._tokens

    def token(self) -> str:
        """Return the access token to call with, renewed if it ends within days."""
        tokens = self._tokens
        if self._should_renew_early(tokens):
            self._renewed_early = True
            try:
                return self.renewed(tokens.access_token)
            except ApiError as error:
                # The old one still works. Its own end, or a warning, brings this up again.
                log.warning("the access token could not be renewed ahead of its end: %s", error)
        return tokens.access_token

    def renewed(self, refused: str, /) -> str:
        """Return another token than the one that was refused.

        Whoever comes while another thread or process refreshes takes its result. Raises
        OperatorNeeded when there is no refresh token, or LinkedIn does not take it.
        """
        with self._lock, self._alone():
            if self._tokens.access_token != refused:
                return self._tokens.access_token
            kept = self._kept()
            if kept is not None and kept.access_token != refused:
                self._tokens = kept
                return kept.access_token
            if not self._tokens.refresh_token:
                raise OperatorNeeded(
                    "the access token is not accepted any more, and there is no refresh token",
                    system=SYSTEM,
                    code="no-refresh-token",
                    what_next=REAUTHORIZE,
                )
            self._keep(self._oauth.refreshed(self._tokens))
            self._sleep(self._settle_seconds)
            return self._tokens.access_token

    def life(self) -> TokenLife:
        """Return how long the tokens last, asking LinkedIn where their ends are not known.

        Of a refresh token LinkedIn tells no end but with a refresh; until then it is reckoned
        from the authorization, 365 days.
        """
        tokens = self._tokens
        if tokens.access_ends_at is None or tokens.refresh_ends_at is None:
            self.learn_ends()
        return life_of(self._tokens, now=self._now())

    def learn_ends(self) -> None:
        """Ask LinkedIn when the tokens end, and keep it. Raises as any call."""
        with self._lock:
            tokens = self._tokens
        told = self._oauth.introspected(tokens.access_token)
        reckoned = told.authorized_at + REFRESH_LIFE if told.authorized_at else None
        with self._lock, self._alone():
            if self._tokens.access_token == tokens.access_token:
                self._keep(
                    replace(
                        self._tokens,
                        access_ends_at=tokens.access_ends_at or told.ends_at,
                        refresh_ends_at=tokens.refresh_ends_at or reckoned,
                    )
                )

    def _should_renew_early(self, tokens: Tokens) -> bool:
        if self._renewed_early or not tokens.refresh_token or tokens.access_ends_at is None:
            return False
        if tokens.access_ends_at - self._now() > _EARLY:
            return False
        last = tokens.refresh_ends_at
        return last is None or last - tokens.access_ends_at > _WORTH_IT

    def _kept(self) -> Tokens | None:
        kept = self._store.read() if self._store else None
        return kept if kept is not None and kept.seed == self._seed else None

    def _keep(self, tokens: Tokens) -> None:
        # In use first: a full disk must not make the next call refresh again.
        self._tokens = tokens
        if self._store is not None:
            self._store.write(tokens)

    @contextmanager
    def _alone(self) -> Iterator[None]:
        if self._store is None:
            yield
            return
        with self._store.alone():
            yield
