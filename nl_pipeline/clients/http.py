"""One way to send a request: connection limit, retries, retry quota, call counter, redaction.

Belongs here: what all dialects share about HTTP. Does not belong here: what an answer means; the
client passes a `read` function that turns a response into a value or raises an `ApiError`.

Repeats: connect failures and throttling always, everything else only when the caller says that the
call may be repeated. A call that may not be repeated and whose answer is lost ends as
`OutcomeUnknown`.
"""

from __future__ import annotations

import logging
import random
import ssl
import threading
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from functools import cache
from typing import TypeVar

import httpx
import tenacity

from nl_pipeline.clients.errors import (
    ApiError,
    OperatorNeeded,
    OutcomeUnknown,
    Retryable,
    Withheld,
)
from nl_pipeline.clients.server_time import date_of

log = logging.getLogger(__name__)

T = TypeVar("T")

# httpx writes every URL at INFO, among them the signed links of result archives and ids derived
# from addresses. The transport logs the template of the path instead.
logging.getLogger("httpx").setLevel(logging.WARNING)

_THIS_MACHINE = ("127.0.0.1", "localhost", "::1")
_NEVER_SENT = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout, httpx.ProxyError)


@dataclass(frozen=True)
class RetryPolicy:
    """How often and how long one call is tried. Seconds throughout."""

    tries: int = 3
    base_seconds: float = 1.0
    cap_seconds: float = 30.0
    deadline_seconds: float = 600.0


class RetryQuota:
    """A shared allowance of repeats, so that an outage does not multiply the load.

    A repeat costs five units, a success gives one back. When the allowance is used up, failures
    surface at once.
    """

    COST = 5

    def __init__(self, *, capacity: int = 250) -> None:
        self._capacity = capacity
        self._left = capacity
        self._lock = threading.Lock()

    def spend(self) -> bool:
        """Take one repeat; false when none is left."""
        with self._lock:
            if self._left < self.COST:
                return False
            self._left -= self.COST
            return True

    def credit(self) -> None:
        """Note a success."""
        with self._lock:
            self._left = min(self._capacity, self._left + 1)


def connections(base_url: str, *, timeout_seconds: float, most: int | None = None) -> httpx.Client:
    """Return a client with `most` connections at a time and a short time-out for connecting.

    Proxies of the environment are used, except towards this machine itself (the sandbox).
    """
    uses_environment = httpx.URL(base_url).host not in _THIS_MACHINE
    return httpx.Client(
        verify=_certificates(uses_environment),
        timeout=httpx.Timeout(timeout_seconds, connect=10.0),
        limits=httpx.Limits(max_connections=most, max_keepalive_connections=most),
        trust_env=uses_environment,
    )


def answers(url: str, *, timeout_seconds: float = 10.0) -> bool:
    """Whether a GET on the URL is answered with 2xx, without a redirect. The URL may be a secret:
    nothing of it is told."""
    try:
        with connections(url, timeout_seconds=timeout_seconds) as http:
            return http.get(url, follow_redirects=False).is_success
    except (httpx.HTTPError, httpx.InvalidURL):
        return False


@cache
def _certificates(uses_environment: bool, /) -> ssl.SSLContext:
    """What certificates are verified with; reading the authorities takes longer than a call."""
    return httpx.create_ssl_context(trust_env=uses_environment)


class Transport:
    """Sends requests of one system. Safe to use from several threads.

    `calls` counts HTTP requests, repeats included, by "METHOD template".
    """

    def __init__(
        self,
        *,
        system: str,
        http: httpx.Client,
        sleep: Callable[[float], None] = time.sleep,
        policy: RetryPolicy | None = None,
        quota: RetryQuota | None = None,
    ) -> None:
        self.system = system
        self.calls: Counter[str] = Counter()
        self._http = http
        self._sleep = sleep
        self._policy = policy or RetryPolicy()
        self._quota = quota or RetryQuota()
        self._lock = threading.Lock()

    def exchange(
        self,
        build: Callable[[], httpx.Request],
        *,
        template: str,
        repeatable: bool,
        read: Callable[[httpx.Response], T],
        auth: httpx.Auth | None = None,
        before: Callable[[], None] | None = None,
    ) -> T:
        """Send what `build` makes (anew for each try) and return what `read` makes of the answer.

        `before` is called right before each try and may stop it with `Withheld`; a try can come
        half a minute after the one before it. `template` is the path with placeholders, for
        counting and for messages. Raises the `ApiError` that `read` raised, `Retryable` when all
        tries failed, or `OutcomeUnknown`.
        """

        def may_repeat(error: BaseException) -> bool:
            return isinstance(error, Retryable) and self._quota.spend()

        surely_not_applied = True

        def attempt() -> T:
            nonlocal surely_not_applied
            try:
                if before is not None:
                    before()
                value = self._once(build(), template=template, read=read, auth=auth)
            except Retryable as error:
                # A try that was throttled says nothing about the one before it.
                surely_not_applied &= error.not_applied
                error.not_applied = surely_not_applied
                if repeatable or error.not_applied:
                    raise
                failure = _unknown(error, template=template)
            except Withheld as error:
                if surely_not_applied:
                    raise
                # What was sent before it was withheld may have been carried out.
                failure = _unknown(error, template=template)
            else:
                self._quota.credit()
                return value
            raise failure

        policy = self._policy
        retrying = tenacity.Retrying(
            retry=tenacity.retry_if_exception(may_repeat),
            stop=tenacity.stop_after_attempt(policy.tries)
            | tenacity.stop_before_delay(policy.deadline_seconds),
            wait=self._wait,
            sleep=self._sleep,
            reraise=True,
        )
        return retrying(attempt)

    def close(self) -> None:
        """Close the connections."""
        self._http.close()

    def _once(
        self,
        request: httpx.Request,
        *,
        template: str,
        read: Callable[[httpx.Response], T],
        auth: httpx.Auth | None,
    ) -> T:
        with self._lock:
            self.calls[f"{request.method} {template}"] += 1
        failure: ApiError
        try:
            response = self._http.send(request, auth=auth, follow_redirects=False)
        except httpx.HTTPError as error:
            failure = self._lost(error, template=template)
        else:
            log.debug("%s %s %s: %d", self.system, request.method, template, response.status_code)
            try:
                return read(response)
            finally:
                # A response and its stream hold each other, and so the body, until the garbage
                # collector comes by: more than a hundred megabytes of pages, were they left to it.
                response.stream = httpx.ByteStream(b"")
        # Raised outside the handler: an httpx exception carries the request with URL and body,
        # and must not hang on ours as its context.
        raise failure

    def _lost(self, error: httpx.HTTPError, *, template: str) -> ApiError:
        kind = type(error).__name__
        if isinstance(error, httpx.UnsupportedProtocol | httpx.LocalProtocolError):
            return OperatorNeeded(
                f"the request to {template} could not be formed",
                system=self.system,
                code=kind,
                what_next="check base_url and the credentials of this connection",
            )
        return Retryable(
            f"no answer from {template}",
            system=self.system,
            code=kind,
            what_next="check that the service can be reached; the next run tries again",
            not_applied=isinstance(error, _NEVER_SENT),
        )

    def _wait(self, state: tenacity.RetryCallState) -> float:
        policy = self._policy
        ceiling = min(policy.cap_seconds, policy.base_seconds * 2.0 ** (state.attempt_number - 1))
        backoff = ceiling * random.uniform(0.5, 1.0)  # jitter, not secrecy
        error = state.outcome.exception() if state.outcome else None
        wished = error.retry_after if isinstance(error, Retryable) else None
        return max(backoff, wished or 0.0)


def _unknown(error: ApiError, *, template: str) -> OutcomeUnknown:
    return OutcomeUnknown(
        f"a write to {template} was sent and its outcome is not known",
        system=error.system,
        code=error.code,
        status=error.status,
        what_next="look the record up before it is sent again; the next run does so",
    )


def retry_after_seconds(response: httpx.Response, *, now: Callable[[], float] = time.time) -> float:
    """Return the wait the server asks for in `Retry-After` (seconds or HTTP date), else 0.

    A date is the server's, so it is counted from the server's own date where the answer has one.
    """
    text = response.headers.get("retry-after", "").strip()
    if text.isdigit():
        return float(text)
    moment = http_date(text)
    if moment is None:
        return 0.0
    date = date_of(response)
    return max(0.0, moment - (now() if date is None else date.timestamp()))


def http_date(text: str) -> float | None:
    """Return an HTTP date as Unix seconds, or None when the text is none."""
    try:
        return parsedate_to_datetime(text).timestamp()
    except (TypeError, ValueError):
        return None
