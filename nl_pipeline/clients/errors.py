"""One error family, grouped by what the caller does next.

Belongs here: the classes every client raises or hands back. Does not belong here: a vendor's codes
and texts; those are mapped to these classes next to the client that speaks the dialect.

The text of an error holds counts, codes and record ids only. A vendor's own message is never
copied into it, because vendors quote addresses in them.
"""

from __future__ import annotations


class ApiError(Exception):
    """A call to a service failed.

    `system` is the service, `code` a short stable word or the vendor's number, `status` the HTTP
    status when there was one, `what_next` the sentence for the person who reads the message.
    """

    @property
    def may_be_applied(self) -> bool:
        """Whether the service may have carried the call out all the same."""
        return False

    def __init__(
        self,
        what: str,
        *,
        system: str,
        code: str,
        what_next: str,
        status: int | None = None,
    ) -> None:
        http = "" if status is None else f", HTTP {status}"
        super().__init__(f"{system}: {what} (code {code}{http}). Next: {what_next}")
        self.what = what
        self.system = system
        self.code = code
        self.status = status
        self.what_next = what_next


class Retryable(ApiError):
    """A passing failure; the same call may succeed later.

    `not_applied` is true when the service surely did not carry the call out (no connection,
    throttled), so that even a create may be sent again. `retry_after` is the vendor's own wish in
    seconds.
    """

    def __init__(
        self,
        what: str,
        *,
        system: str,
        code: str,
        what_next: str = "nothing; the next run tries again",
        status: int | None = None,
        not_applied: bool = False,
        retry_after: float | None = None,
    ) -> None:
        super().__init__(what, system=system, code=code, what_next=what_next, status=status)
        self.not_applied = not_applied
        self.retry_after = retry_after

    @property
    def may_be_applied(self) -> bool:
        """As ``ApiError``."""
        return not self.not_applied


class Permanent(ApiError):
    """The call is wrong as it stands; repeating it cannot help."""


class SkipRecord(ApiError):
    """The service refused this one record; all others go on."""


class OperatorNeeded(ApiError):
    """Credentials, rights, plan or clock: a person has to act, the connection stops."""


class OutcomeUnknown(ApiError):
    """A write was sent and no answer came: it may or may not have been applied.

    Look the record up before anything is sent again.
    """

    @property
    def may_be_applied(self) -> bool:
        """As ``ApiError``."""
        return True


class Withheld(ApiError):
    """The call was not sent: right before it would have been, the caller had a reason against it.

    Nothing of it was carried out.
    """
