"""Carrying out writes of single contacts, each with its own outcome.

Belongs here: sending operations, and the steps of a change of address. Does not belong here: what
an operation may carry (`operations`).
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from concurrent.futures import ThreadPoolExecutor

from nl_pipeline.clients.brevo.attributes import Attributes
from nl_pipeline.clients.brevo.contacts import BY_ID, ONE, Contacts
from nl_pipeline.clients.brevo.models import Contact, ContactDetails, OperationOutcome
from nl_pipeline.clients.brevo.operations import (
    AskToConfirm,
    Block,
    ChangeAddress,
    ContactChange,
    Operation,
    UpdateProfile,
)
from nl_pipeline.clients.brevo.problems import (
    SYSTEM,
    ContactAbsent,
    ContactRefused,
    RefusalCause,
    absent,
    kept_back,
    unknown_outcome,
)
from nl_pipeline.clients.brevo.session import Nothing, Path, Session
from nl_pipeline.clients.errors import ApiError, OperatorNeeded, OutcomeUnknown

NOT_KEPT = "opt-out-not-kept"
"""The code of an address change after which an opt-out could not be made to stand."""

_ASSERTIONS = 5
_FIRST_WAIT = 1.0

Asked = Callable[[Sequence[Operation]], Collection[str]]
Before = Callable[[], None]


class Writer:
    """Carries operations out."""

    def __init__(
        self,
        session: Session,
        *,
        contacts: Contacts,
        attributes: Attributes,
        sleep: Callable[[float], None],
    ) -> None:
        self._session = session
        self._contacts = contacts
        self._attributes = attributes
        self._sleep = sleep

    def run(
        self,
        operations: Sequence[Operation],
        *,
        pool: ThreadPoolExecutor,
        on_progress: Callable[[int, int], None] | None,
        withheld: Asked | None,
    ) -> list[OperationOutcome]:
        """Send each operation, several at a time; one outcome each, in order."""
        stopped: list[ApiError] = []
        addresses_stopped: list[ApiError] = []

        def perform(operation: Operation) -> OperationOutcome:
            ended = stopped + (addresses_stopped if isinstance(operation, ChangeAddress) else [])
            if ended:
                return OperationOutcome(operation.reference, ended[0])

            def before() -> None:
                if withheld is not None and withheld([operation]):
                    raise kept_back("a change of a contact")

            try:
                contact = self._perform(operation, before=before)
            except ApiError as error:
                if error.code == NOT_KEPT:
                    # Opt-outs have to go on being written; further addresses are not changed.
                    addresses_stopped.append(error)
                elif isinstance(error, OperatorNeeded):
                    stopped.append(error)
                return OperationOutcome(operation.reference, error)
            return OperationOutcome(operation.reference, contact=contact)

        outcomes = []
        for outcome in pool.map(perform, operations):
            outcomes.append(outcome)
            if on_progress is not None:
                on_progress(len(outcomes), len(operations))
        return outcomes

    def _perform(self, operation: Operation, *, before: Before) -> Contact | None:
        match operation:
            case Block():
                self._block(operation.contact_id, list_id=operation.list_id, before=before)
                return None
            case UpdateProfile():
                self._update(operation, before=before)
                return None
            case ChangeAddress():
                return self._change_address(operation, before=before)
            case AskToConfirm():
                self._ask(operation, before=before)
                return None

    def _update(self, operation: UpdateProfile, *, before: Before) -> None:
        misfits = self._attributes.misfits(operation.attributes)
        if misfits:
            raise _misfitting(f"PUT {ONE}", fields=misfits)
        self._put(
            operation.contact_id,
            change=ContactChange(attributes=operation.attributes),
            repeatable=True,
            before=before,
        )

    def _ask(self, operation: AskToConfirm, *, before: Before) -> None:
        template = "/contacts/doubleOptinConfirmation"
        misfits = self._attributes.misfits(operation.attributes)
        if misfits:
            raise _misfitting(f"POST {template}", fields=misfits)
        body = {
            "email": operation.email,
            "includeListIds": [operation.list_id],
            "templateId": operation.template_id,
            "redirectionUrl": operation.redirection_url,
        }
        if operation.attributes:
            body["attributes"] = dict(operation.attributes)
        # Not repeated: each call is a mail to a person.
        self._session.send(
            "POST", Path(template), answer=Nothing, body=body, repeatable=False, before=before
        )

    def _change_address(self, operation: ChangeAddress, *, before: Before) -> Contact:
        what = f"PUT {ONE}: contact {operation.contact_id}"
        read = self._contacts.by_id(operation.contact_id)
        if read is None:
            raise absent(what)
        if _has_address(read.contact, operation.email):
            return read.contact
        has_opted_out = read.contact.has_opted_out
        is_listed = operation.list_id in read.contact.lists
        lost: OutcomeUnknown | None = None
        try:
            self._put(
                operation.contact_id,
                change=ContactChange(
                    attributes={"EMAIL": operation.email},
                    email_blacklisted=True if has_opted_out else None,
                    # Off the list even in the moment in which Brevo may have lifted the rest.
                    unlink_list_ids=(operation.list_id,) if has_opted_out and is_listed else None,
                ),
                repeatable=False,
                before=before,
            )
        except OutcomeUnknown as error:
            lost = error
        after = self._kept(operation, read=read, has_opted_out=has_opted_out)
        if _has_address(after, operation.email):
            return after
        raise lost or unknown_outcome(what, code="not-seen")

    def _kept(
        self, operation: ChangeAddress, *, read: ContactDetails, has_opted_out: bool
    ) -> Contact:
        """See to it that an opt-out stands after a change of address; the contact as it is then.

        An opt-out that came between the reading and the change, and was lifted by it, shows in the
        statistics only.
        """
        what = f"PUT {ONE}: contact {operation.contact_id}"
        after: Contact | None = None
        failure: ApiError | None = None
        wait = _FIRST_WAIT
        for _ in range(_ASSERTIONS):
            try:
                if has_opted_out:
                    # Before it is looked at: an answer that lags behind would still show the
                    # blocklisting of before the change.
                    self._block(operation.contact_id)
                found = self._contacts.by_id(operation.contact_id)
            except ContactAbsent:
                raise
            except ApiError as error:
                failure = error
            else:
                if found is None:
                    raise absent(what)
                after = found.contact
                came = found.statistics.reasons_to_stop - read.statistics.reasons_to_stop
                has_opted_out |= bool(came)
                is_seen = _has_address(after, operation.email)
                if is_seen and (after.email_blacklisted or not has_opted_out):
                    return after
            self._sleep(wait)
            wait *= 2
        if after is not None and (after.email_blacklisted or not has_opted_out):
            return after
        if failure is not None and not has_opted_out:
            raise failure
        raise OperatorNeeded(
            f"{what}: its address was changed, and its opt-out could not be made to stand",
            system=SYSTEM,
            code=NOT_KEPT,
            what_next="blocklist this contact in Brevo now; no further addresses are changed in"
            " this run",
        )

    def _block(
        self, contact_id: int, *, list_id: int | None = None, before: Before | None = None
    ) -> None:
        self._put(
            contact_id,
            change=ContactChange(
                email_blacklisted=True, unlink_list_ids=None if list_id is None else (list_id,)
            ),
            repeatable=True,
            before=before,
        )

    def _put(
        self,
        contact_id: int,
        *,
        change: ContactChange,
        repeatable: bool,
        before: Before | None = None,
    ) -> None:
        self._session.send(
            "PUT",
            Path(ONE, [contact_id]),
            answer=Nothing,
            params=BY_ID,
            body=change,
            repeatable=repeatable,
            before=before,
        )


def _has_address(contact: Contact, email: str) -> bool:
    return (contact.email or "").casefold() == email.strip().casefold()


def _misfitting(what: str, *, fields: tuple[str, ...]) -> ContactRefused:
    return ContactRefused(what, cause=RefusalCause.ATTRIBUTES, status=None, fields=fields)
