"""Sending actions: signing anew for each try, clock correction, reading the answer.

Belongs here: one request with several actions. Does not belong here: paging, chunks, what an
action means.
"""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable, Collection, Sequence

import httpx
import msgspec

from nl_pipeline.clients.errors import (
    ApiError,
    OperatorNeeded,
    Permanent,
    Retryable,
)
from nl_pipeline.clients.http import Transport, retry_after_seconds
from nl_pipeline.clients.onoffice.envelope import (
    Action,
    ActionResult,
    decode,
    request_body,
    results_of,
)
from nl_pipeline.clients.onoffice.error_codes import SYSTEM, error_of
from nl_pipeline.clients.server_time import ServerTime, date_of

_TEMPLATE = "api.php"


class Session:
    """One API user at one endpoint. `calls` counts HTTP requests and actions."""

    def __init__(
        self,
        *,
        base_url: str,
        token: str,
        secret: str,
        http: httpx.Client,
        transport: Transport,
        now: Callable[[], float],
    ) -> None:
        self.calls: Counter[str] = transport.calls
        self._base_url = base_url
        self._token = token
        self._secret = secret
        self._http = http
        self._transport = transport
        self._now = now
        self._clock_offset = 0.0
        self.server_time = ServerTime()
        self._lock = threading.Lock()

    def read(
        self, actions: Sequence[Action], *, field_names: Collection[str] = ()
    ) -> list[ActionResult]:
        """Send reading actions; repeated widely. Raises for the first action that failed."""

        def checked(response: httpx.Response) -> list[ActionResult]:
            results = self._results(response, actions)
            for action, result in zip(actions, results, strict=True):
                if result.status.errorcode:
                    raise error_of(
                        result.status.errorcode,
                        what=action.name,
                        message=result.status.message or "",
                        field_names=field_names,
                        status=response.status_code,
                    )
            return results

        return self._send(actions, repeatable=True, read=checked)

    def send_each(self, actions: Sequence[Action], *, repeatable: bool) -> list[ActionResult]:
        """Send actions and return each one's result, failed or not.

        Raises when no result can be trusted: `OutcomeUnknown` if the actions may have been applied
        and must not be repeated.
        """
        return self._send(
            actions,
            repeatable=repeatable,
            read=lambda response: self._results(response, actions),
        )

    def close(self) -> None:
        """Close the connections."""
        self._transport.close()

    def _send(
        self,
        actions: Sequence[Action],
        *,
        repeatable: bool,
        read: Callable[[httpx.Response], list[ActionResult]],
    ) -> list[ActionResult]:
        def build() -> httpx.Request:
            with self._lock:
                self.calls.update(action.name for action in actions)
            return self._http.build_request(
                "POST",
                self._base_url,
                content=request_body(
                    actions,
                    token=self._token,
                    secret=self._secret,
                    timestamp=int(self._now() + self._clock_offset),
                ),
                headers={"content-type": "application/json"},
            )

        def exchange() -> list[ActionResult]:
            return self._transport.exchange(
                build, template=_TEMPLATE, repeatable=repeatable, read=read
            )

        try:
            return exchange()
        except OperatorNeeded as error:
            if error.code != "clock":
                raise
        # Nothing was carried out. Once more, signed by the server's clock as far as it told it.
        return exchange()

    def _results(self, response: httpx.Response, actions: Sequence[Action]) -> list[ActionResult]:
        self.server_time.note(response)
        try:
            envelope = decode(response.content)
        except msgspec.DecodeError:
            failure = _not_an_envelope(response)
        else:
            try:
                return results_of(envelope, actions=actions, status=response.status_code)
            except OperatorNeeded as error:
                if error.code == "clock":
                    self._adopt_clock(response)
                raise
        raise failure

    def _adopt_clock(self, response: httpx.Response) -> None:
        server = date_of(response)
        if server is not None:
            self._clock_offset = server.timestamp() - self._now()


def _not_an_envelope(response: httpx.Response) -> ApiError:
    status = response.status_code
    if status == 429:
        return Retryable(
            "throttled",
            system=SYSTEM,
            code="throttled",
            status=status,
            not_applied=True,
            retry_after=retry_after_seconds(response),
        )
    if status in (200, 408) or status >= 500:
        return Retryable(
            "the answer is no complete onOffice answer",
            system=SYSTEM,
            code="unreadable",
            status=status,
            retry_after=retry_after_seconds(response),
        )
    if status in (401, 403):
        return OperatorNeeded(
            "the endpoint refused the request before the API saw it",
            system=SYSTEM,
            code="refused",
            status=status,
            what_next="check base_url, proxies and the IP allow-list of the account",
        )
    return Permanent(
        "the endpoint is not an onOffice API",
        system=SYSTEM,
        code="endpoint",
        status=status,
        what_next="check base_url of this connection (no slash after api.php)",
    )
