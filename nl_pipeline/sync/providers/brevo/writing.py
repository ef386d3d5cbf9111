"""Changes of contacts, in the fewest calls that keep every opt-out.

Belongs here: the order of the kinds of change, removals and confirmations. Must not be here: what
is to be changed, subscriptions (``importing``), profiles (``updating``). Facts with their sources
are in the client.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from datetime import datetime

from nl_pipeline.clients.brevo import AskToConfirm, Block, BrevoClient, Operation
from nl_pipeline.clients.errors import OperatorNeeded
from nl_pipeline.domain.fields import ProfileField
from nl_pipeline.domain.states import Newsletter
from nl_pipeline.settings import DoubleOptIn
from nl_pipeline.sync.providers.brevo.attributes import AttributeNames
from nl_pipeline.sync.providers.brevo.importing import Importing, Progress
from nl_pipeline.sync.providers.brevo.reasons import Reasons
from nl_pipeline.sync.providers.brevo.updating import Updating
from nl_pipeline.sync.providers.port import Withdrawn
from nl_pipeline.sync.providers.results import result_of
from nl_pipeline.warehouse.outcomes import Pending, Result

#: Contacts whose results are noted together.
_PORTION = 3_000
#: Somebody else subscribed a person who had withdrawn: as strong as the cancellation itself.
_AGAINST_THE_PERSON = "subscribed_despite_withdrawal"
NO_DOUBLE_OPT_IN = "double_opt_in_missing"
"""Nobody can be asked for a confirmation, because the settings name no template for it."""


class Writing:
    """Writes contacts; ``fields`` are those that are synced."""

    def __init__(
        self,
        client: BrevoClient,
        *,
        fields: tuple[ProfileField, ...],
        names: AttributeNames,
        reasons: Reasons,
        double_opt_in: DoubleOptIn | None,
        progress: Progress,
    ) -> None:
        self._client = client
        self._importing = Importing(
            client, fields=fields, names=names, reasons=reasons, progress=progress
        )
        self._updating = Updating(client, fields=fields, names=names)
        self._double_opt_in = double_opt_in

    def push(
        self,
        audience_id: str,
        pending: Sequence[Pending],
        *,
        on_results: Callable[[list[Result]], None],
        withdrawn: Withdrawn,
    ) -> None:
        """Removals first, then the imports, and everything else while Brevo carries these out.

        ``withdrawn`` is asked as the port says. Raises OperatorNeeded when Brevo refuses to work
        with us at all.
        """
        list_id = int(audience_id)
        by_action: dict[str, list[Pending]] = {}
        for item in pending:
            by_action.setdefault(item.change.action, []).append(item)
        take = by_action.get
        leaving = take("unsubscribe", [])
        for_good = [item for item in leaving if is_for_good(item)]
        self._run(
            for_good,
            [
                Block(int(item.change.record_id), reference=str(item.change.seq), list_id=list_id)
                for item in for_good
            ],
            on_results=on_results,
        )
        self._remove(
            list_id,
            [*(item for item in leaving if not is_for_good(item)), *take("archive", [])],
            on_results=on_results,
        )
        imports = self._importing.begin(
            list_id,
            [*take("subscribe", []), *take("resubscribe", [])],
            on_results=on_results,
            withdrawn=withdrawn,
        )
        self._ask(list_id, take("confirm", []), on_results=on_results, withdrawn=withdrawn)
        self._updating.update(take("update_member", []), on_results=on_results)
        self._updating.change_addresses(list_id, take("change_address", []), on_results=on_results)
        self._importing.end(imports, on_results=on_results)

    def settle(self, *, since: datetime) -> int:
        """Wait for imports that are still being carried out; returns how many there were.

        Brevo tells no time of theirs, so it is all of the account, whenever they began.
        """
        return self._client.settle()

    def _remove(
        self,
        list_id: int,
        pending: Sequence[Pending],
        *,
        on_results: Callable[[list[Result]], None],
    ) -> None:
        for start in range(0, len(pending), _PORTION):
            portion = pending[start : start + _PORTION]
            outcomes = self._client.remove_from_list(
                list_id, [int(item.change.record_id) for item in portion]
            )
            on_results(
                [
                    result_of(item.change.seq, outcome.error, record_id=item.change.record_id)
                    for item, outcome in zip(portion, outcomes, strict=True)
                ]
            )
            for outcome in outcomes:
                if isinstance(outcome.error, OperatorNeeded):
                    raise outcome.error

    def _ask(
        self,
        list_id: int,
        pending: Sequence[Pending],
        *,
        on_results: Callable[[list[Result]], None],
        withdrawn: Withdrawn,
    ) -> None:
        """Have people asked for a confirmation, none of whom has left meanwhile."""
        chosen = self._double_opt_in
        if chosen is None:
            on_results(
                [Result(item.change.seq, "refused", cause=NO_DOUBLE_OPT_IN) for item in pending]
            )
            return
        keys = {str(item.change.seq): item.change.key for item in pending}

        def withheld(operations: Sequence[Operation]) -> Collection[str]:
            asked = {operation.reference for operation in operations}
            gone = withdrawn({keys[reference] for reference in asked})
            return {reference for reference in asked if keys[reference] in gone}

        self._run(
            pending,
            [
                AskToConfirm(
                    reference=str(item.change.seq),
                    email=item.address,
                    list_id=list_id,
                    template_id=chosen.template_id,
                    redirection_url=chosen.redirection_url,
                )
                for item in pending
            ],
            on_results=on_results,
            withheld=withheld,
        )

    def _run(
        self,
        pending: Sequence[Pending],
        operations: Sequence[Operation],
        *,
        on_results: Callable[[list[Result]], None],
        withheld: Callable[[Sequence[Operation]], Collection[str]] | None = None,
    ) -> None:
        for start in range(0, len(operations), _PORTION):
            portion = slice(start, start + _PORTION)
            outcomes = self._client.run(operations[portion], withheld=withheld)
            on_results(
                [
                    result_of(item.change.seq, outcome.error, record_id=item.change.record_id)
                    for item, outcome in zip(pending[portion], outcomes, strict=True)
                ]
            )
            for outcome in outcomes:
                if isinstance(outcome.error, OperatorNeeded):
                    raise outcome.error


def is_for_good(item: Pending) -> bool:
    """Whether an unsubscribe is the person's own opt-out, which blocklists: a cancellation.

    A No in the CRM, or a revoked consent to storage, takes the contact off our list and leaves
    others' lists alone.
    """
    change = item.change
    said = change.before.get("newsletter")
    return said == str(Newsletter.CANCEL) or change.code == _AGAINST_THE_PERSON
