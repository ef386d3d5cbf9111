"""Sending one request to Mailchimp and decoding its answer.

Belongs here: address of the API, credentials, encoding, decoding into a type. Does not belong
here: paging, batches, what a call is for.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar
from urllib.parse import quote

import httpx
import msgspec

from nl_pipeline.clients.errors import OperatorNeeded
from nl_pipeline.clients.http import Transport
from nl_pipeline.clients.mailchimp.problems import SYSTEM, Scope, response_failure, unreadable
from nl_pipeline.clients.server_time import ServerTime

T = TypeVar("T")


@dataclass(frozen=True)
class Path:
    """A path below `/3.0`: its template and the values for the placeholders, in order."""

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
        if "{subscriber_hash}" in self.template:
            return "member"
        return "members" if self.template == "/lists/{list_id}" else "account"


def api_root(base_url: str | None, *, api_key: str) -> str:
    """Return the base URL, made from the data centre after the key's last `-` when not given."""
    if base_url is not None:
        return base_url.rstrip("/")
    _, dash, centre = api_key.rpartition("-")
    if not dash or not centre.isalnum():
        raise OperatorNeeded(
            "the API key names no data centre (its part after the last '-')",
            system=SYSTEM,
            code="key-format",
            what_next="copy the whole key from Mailchimp, such as …-us21, or set base_url",
        )
    return f"https://{centre}.api.mailchimp.com/3.0"


class Session:
    """One API key. Safe to use from several threads; `calls` counts by "METHOD template"."""

    def __init__(
        self, *, root: str, api_key: str, http: httpx.Client, transport: Transport
    ) -> None:
        self.calls: Counter[str] = transport.calls
        self._root = root
        self._auth = httpx.BasicAuth("nl-pipeline", api_key)
        self._http = http
        self._transport = transport
        self.server_time = ServerTime()

    def get(
        self, path: Path, *, answer: type[T], params: Mapping[str, str | int] | None = None
    ) -> T:
        """Return the decoded answer of a GET."""
        return self.send("GET", path, answer=answer, params=params, repeatable=True)

    def send(
        self,
        method: str,
        path: Path,
        *,
        answer: type[T],
        repeatable: bool,
        params: Mapping[str, str | int] | None = None,
        body: Any = None,
        before: Callable[[], None] | None = None,
    ) -> T:
        """Send and return the answer as `answer`. An empty body (204) is read as `{}`.

        `before` is called right before each try and may stop it with `Withheld`.

        Raises an `ApiError`; `OutcomeUnknown` if the call may not be repeated and its answer is
        lost or cut.
        """

        def decoded(response: httpx.Response) -> T:
            return msgspec.json.decode(response.content or b"{}", type=answer)

        return self._exchange(
            method,
            path,
            params=params,
            body=body,
            repeatable=repeatable,
            decoded=decoded,
            before=before,
        )

    def perform(
        self,
        method: str,
        path: Path,
        *,
        repeatable: bool,
        params: Mapping[str, str] | None = None,
        body: Any = None,
        before: Callable[[], None] | None = None,
    ) -> tuple[int, dict[str, Any] | None]:
        """Send a write, return HTTP status and answer (None when empty). Raises as `send`."""

        def decoded(response: httpx.Response) -> tuple[int, dict[str, Any] | None]:
            if not response.content:
                return response.status_code, None
            return response.status_code, msgspec.json.decode(response.content, type=dict[str, Any])

        return self._exchange(
            method,
            path,
            params=params,
            body=body,
            repeatable=repeatable,
            decoded=decoded,
            before=before,
        )

    def download(self, url: str, *, template: str) -> bytes:
        """Return the bytes behind a link Mailchimp gave out; no credentials are sent there."""

        def read(response: httpx.Response) -> bytes:
            failure = response_failure(response, what=f"GET {template}", scope="account")
            if failure is not None:
                raise failure
            return response.content

        return self._transport.exchange(
            lambda: self._http.build_request("GET", url),
            template=template,
            repeatable=True,
            read=read,
        )

    def close(self) -> None:
        """Close the connections."""
        self._transport.close()

    def _exchange(
        self,
        method: str,
        path: Path,
        *,
        params: Mapping[str, str | int] | None,
        body: Any,
        repeatable: bool,
        decoded: Callable[[httpx.Response], T],
        before: Callable[[], None] | None,
    ) -> T:
        what = f"{method} {path.template}"

        def build() -> httpx.Request:
            return self._http.build_request(
                method,
                self._root + path.text,
                params=params,
                content=None if body is None else msgspec.json.encode(body),
                headers={"content-type": "application/json"},
            )

        def read(response: httpx.Response) -> T:
            self.server_time.note(response)
            failure = response_failure(response, what=what, scope=path.scope)
            if failure is None:
                try:
                    return decoded(response)
                except msgspec.DecodeError:
                    failure = unreadable(what, status=response.status_code)
            raise failure

        return self._transport.exchange(
            build,
            template=path.template,
            repeatable=repeatable,
            read=read,
            auth=self._auth,
            before=before,
        )
