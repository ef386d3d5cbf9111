"""Sending one request to LinkedIn and decoding its answer.

Belongs here: address of the API, headers, the query in the URL, one refresh of the token when it
is refused. Does not belong here: paging, what a call is for.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar
from urllib.parse import quote

import httpx
import msgspec

from nl_pipeline.clients.http import Transport
from nl_pipeline.clients.linkedin.access import Access
from nl_pipeline.clients.linkedin.problems import TokenRefused, failure_of, unreadable
from nl_pipeline.clients.linkedin.query import Value, query
from nl_pipeline.clients.server_time import ServerTime

T = TypeVar("T")


@dataclass(frozen=True)
class Path:
    """A path below the API's root: its template and the values for the placeholders, in order."""

    template: str
    values: Sequence[str | int] = field(default=(), repr=False)

    @property
    def text(self) -> str:
        """The path with the values quoted in."""
        parts = self.template.split("/")
        values = iter(self.values)
        return "/".join(quote(str(next(values)), safe="") if p[:1] == "{" else p for p in parts)


class Session:
    """One member's access. Safe to use from several threads; `calls` counts by "METHOD template".

    There is no default version: LinkedIn refuses a call without one, and serves each for a year.
    """

    def __init__(
        self,
        *,
        root: str,
        version: str,
        access: Access,
        http: httpx.Client,
        transport: Transport,
        server_time: ServerTime,
    ) -> None:
        self.calls: Counter[str] = transport.calls
        self.server_time = server_time
        self._root = root.rstrip("/")
        self._version = version
        self._access = access
        self._http = http
        self._transport = transport

    def get(
        self, path: Path, *, answer: type[T], parameters: Mapping[str, Value] | None = None
    ) -> T:
        """Return the decoded answer of a GET."""

        def decoded(response: httpx.Response) -> T:
            return msgspec.json.decode(response.content, type=answer)

        return self._send("GET", path, parameters=parameters, repeatable=True, decoded=decoded)

    def create(self, path: Path, *, body: Any) -> str:
        """Send a POST and return the id of what it made, "" where LinkedIn tells none.

        Raises `OutcomeUnknown` when the answer is lost.
        """

        def decoded(response: httpx.Response) -> str:
            return str(response.headers.get("x-restli-id", ""))

        return self._send("POST", path, body=body, repeatable=False, decoded=decoded)

    def delete(self, path: Path) -> None:
        """Send a DELETE."""
        self._send("DELETE", path, repeatable=True, decoded=lambda _: None)

    def close(self) -> None:
        """Close the connections."""
        self._transport.close()

    def _send(
        self,
        method: str,
        path: Path,
        *,
        repeatable: bool,
        decoded: Callable[[httpx.Response], T],
        parameters: Mapping[str, Value] | None = None,
        body: Any = None,
    ) -> T:
        url = self._root + path.text + (f"?{query(parameters)}" if parameters else "")

        def read(response: httpx.Response) -> T:
            self.server_time.note(response)
            failure = failure_of(
                response, method=method, template=path.template, version=self._version
            )
            if failure is None:
                try:
                    return decoded(response)
                except msgspec.DecodeError:
                    failure = unreadable(f"{method} {path.template}", response=response)
            raise failure

        def exchange(token: str) -> T:
            return self._transport.exchange(
                lambda: self._request(method, url, body=body, token=token),
                template=path.template,
                repeatable=repeatable,
                read=read,
            )

        token = self._access.token()
        try:
            return exchange(token)
        except TokenRefused:
            pass
        # Nothing was carried out. Once more, with a token that is not the refused one.
        return exchange(self._access.renewed(token))

    def _request(self, method: str, url: str, *, body: Any, token: str) -> httpx.Request:
        headers = {
            "authorization": f"Bearer {token}",
            "linkedin-version": self._version,
            "x-restli-protocol-version": "2.0.0",
        }
        content = None
        if body is not None:
            headers["content-type"] = "application/json"
            content = msgspec.json.encode(body)
        return self._http.build_request(method, url, headers=headers, content=content)
