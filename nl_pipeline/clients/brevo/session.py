"""Sending one request to Brevo and decoding its answer.

Belongs here: address of the API, credentials, limits, encoding, decoding into a type. Does not
belong here: paging, imports, what a call is for.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, TypeVar
from urllib.parse import quote

import httpx
import msgspec

from nl_pipeline.clients.brevo.limits import BudgetSpent, Group, Limiter, group_of
from nl_pipeline.clients.brevo.problems import SYSTEM, Scope, response_failure, unreadable
from nl_pipeline.clients.errors import ApiError, Retryable
from nl_pipeline.clients.http import Transport
from nl_pipeline.clients.server_time import ServerTime

T = TypeVar("T")

API = "https://api.brevo.com/v3"

Params = Mapping[str, str | int | Sequence[int]]


@dataclass(frozen=True)
class Path:
    """A path below `/v3`: its template and the values for the placeholders, in order."""

    template: str
    values: Sequence[str | int] = field(default=(), repr=False)

    @property
    def text(self) -> str:
        """The path with the values quoted in."""
        parts = self.template.split("/")
        values = iter(self.values)
        return "/".join(quote(str(next(values)), safe="") if p[:1] == "{" else p for p in parts)

    @property
    def scope(self) -> Scope:
        """Whose own a refusal of a call on this path is."""
        one = self.template.startswith(("/contacts/{identifier}", "/contacts/doubleOptin"))
        return "contact" if one else "account"


class Nothing(msgspec.Struct, frozen=True):
    """An answer in which nothing is looked for."""


class Session:
    """One API key. Safe to use from several threads; `calls` counts by "METHOD template"."""

    def __init__(
        self,
        *,
        root: str,
        api_key: str,
        http: httpx.Client,
        transport: Transport,
        limiter: Limiter,
    ) -> None:
        self.calls: Counter[str] = transport.calls
        self.limiter = limiter
        self.server_time = ServerTime()
        self._root = root.rstrip("/")
        self._headers = {"api-key": api_key, "accept": "application/json"}
        self._http = http
        self._transport = transport

    def get(
        self,
        path: Path,
        *,
        answer: type[T],
        params: Params | None = None,
        reserved: bool = False,
    ) -> T:
        """Return the decoded answer of a GET."""
        return self.send(
            "GET", path, answer=answer, params=params, repeatable=True, reserved=reserved
        )

    def send(
        self,
        method: str,
        path: Path,
        *,
        answer: type[T],
        repeatable: bool,
        params: Params | None = None,
        body: Any = None,
        before: Callable[[], None] | None = None,
        reserved: bool = False,
    ) -> T:
        """Send and return the answer as `answer`. An empty body (204) is read as `{}`.

        `body` as bytes is sent as it is. `before` is called right before each try and may stop it
        with `Withheld`. `reserved`: the call may use the reserve of its group's budget.

        Raises an `ApiError`; `OutcomeUnknown` if the call may not be repeated and its answer is
        lost or cut.
        """
        what = f"{method} {path.template}"
        content = body if isinstance(body, bytes) or body is None else msgspec.json.encode(body)
        typed = {} if content is None else {"content-type": "application/json"}
        turn = _Turn(self.limiter, group=group_of(path.template), reserved=reserved)

        def build() -> httpx.Request:
            return self._http.build_request(
                method,
                self._root + path.text,
                params=params,
                content=content,
                headers={**self._headers, **typed},
            )

        def ready() -> None:
            # The turn may have to be waited for; the caller's last word comes after that.
            turn.take()
            if before is not None:
                before()

        def read(response: httpx.Response) -> T:
            turn.answered(response)
            self.server_time.note(response)
            failure = response_failure(response, what=what, scope=path.scope)
            if failure is None:
                try:
                    return msgspec.json.decode(response.content or b"{}", type=answer)
                except msgspec.DecodeError:
                    failure = unreadable(what, response=response)
            raise failure

        try:
            return self._transport.exchange(
                build, template=path.template, repeatable=repeatable, read=read, before=ready
            )
        except BudgetSpent as spent:
            # What is not repeatable gets as far as another try only if it was not carried out.
            not_applied = turn.taken == 0 or not repeatable
            failure = self._spent(what, spent=spent, not_applied=not_applied)
        finally:
            turn.give_back()
        raise failure

    def download(self, url: str, *, template: str) -> bytes:
        """Return the bytes behind a link Brevo gave out; no credentials are sent there, and it
        counts in no limit."""

        def read(response: httpx.Response) -> bytes:
            if response.is_success:
                return response.content
            failure = response_failure(response, what=f"GET {template}", scope="account")
            assert failure is not None
            raise failure

        return self._transport.exchange(
            lambda: self._http.build_request("GET", url),
            template=template,
            repeatable=True,
            read=read,
        )

    def close(self) -> None:
        """Close the connections."""
        self._transport.close()

    def _spent(self, what: str, *, spent: BudgetSpent, not_applied: bool) -> ApiError:
        now = self.server_time.now()
        when = (
            f"in {spent.seconds:.0f} seconds"
            if now is None
            else f"at {now + timedelta(seconds=spent.seconds):%Y-%m-%d %H:%M:%S} UTC"
        )
        return Retryable(
            f"{what}: not sent, the account's budget of calls is used up",
            system=SYSTEM,
            code="budget",
            what_next=f"nothing; the next call passes {when}. Other programs that use the account"
            " share its budget",
            not_applied=not_applied,
            retry_after=spent.seconds,
        )


class _Turn:
    """The turns of one call and its repeats."""

    def __init__(self, limiter: Limiter, *, group: Group, reserved: bool) -> None:
        self.taken = 0
        self._limiter = limiter
        self._group: Group = group
        self._reserved = reserved
        self._is_open = False

    def take(self) -> None:
        # A try whose answer was lost counts from now.
        self.give_back()
        self._limiter.take(self._group, reserved=self._reserved)
        self._is_open = True
        self.taken += 1

    def answered(self, response: httpx.Response) -> None:
        self._is_open = False
        self._limiter.back(self._group, headers=response.headers)
        if response.status_code == 429:
            self._limiter.refused(self._group)

    def give_back(self) -> None:
        if self._is_open:
            self._is_open = False
            self._limiter.back(self._group)
