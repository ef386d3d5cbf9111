"""Subscribing: imports, sent at once and awaited later.

Belongs here: how a subscription is sent, sent again without a value that would be dropped, and when
it counts as sent. Must not be here: whom to subscribe.

An import puts people on the list, whether they are contacts already or not, and lifts neither a
blocklisting nor an opt-out of a list. Brevo carries it out by itself, for half an hour at times,
and tells of no row what became of it: a subscription counts as sent once its import is over, and
the read-back shows the rest. Until then it is in doubt, so that a later run waits for it
(``settle``).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from nl_pipeline.clients.brevo import BrevoClient, ImportedChunk, ImportRow, Process, RefusalCause
from nl_pipeline.clients.errors import ApiError, OperatorNeeded
from nl_pipeline.domain.address import address_key
from nl_pipeline.domain.fields import ProfileField
from nl_pipeline.sync.providers.brevo.attributes import AttributeNames
from nl_pipeline.sync.providers.brevo.reasons import Reasons
from nl_pipeline.sync.providers.brevo.refusals import attributes_of, drop_refused
from nl_pipeline.sync.providers.brevo.watching import Watch
from nl_pipeline.sync.providers.port import Withdrawn
from nl_pipeline.sync.providers.results import result_of, values_of
from nl_pipeline.warehouse.outcomes import DroppedField, Pending, Result

OnResults = Callable[[list[Result]], None]
Progress = Callable[[str, int, int], None]


@dataclass
class _Subscription:
    """One change while it is being sent: the values still in it, and those taken out."""

    item: Pending
    values: dict[str, str]
    dropped: tuple[DroppedField, ...] = ()

    @property
    def seq(self) -> int:
        return self.item.change.seq

    def drop(self, fields: tuple[DroppedField, ...]) -> None:
        self.dropped += fields
        gone = {f.name for f in fields}
        self.values = {name: value for name, value in self.values.items() if name not in gone}

    def result(self, result: str, *, cause: str = "") -> Result:
        return Result(self.seq, result, cause=cause, dropped=self.dropped)


@dataclass
class Imports:
    """Imports under way: who is in which, since when, and what stopped the rest."""

    list_id: int
    begun_at: datetime | None
    chunks: list[tuple[ImportedChunk, dict[str, _Subscription]]] = field(default_factory=list)
    stopped_by: ApiError | None = None


class Importing:
    """Subscribes; ``fields`` are those that are synced."""

    def __init__(
        self,
        client: BrevoClient,
        *,
        fields: tuple[ProfileField, ...],
        names: AttributeNames,
        reasons: Reasons,
        progress: Progress,
    ) -> None:
        self._client = client
        self._fields = fields
        self._names = names
        self._reasons = reasons
        self._progress = progress

    def begin(
        self,
        list_id: int,
        pending: Sequence[Pending],
        *,
        on_results: OnResults,
        withdrawn: Withdrawn,
    ) -> Imports:
        """Send the imports; whoever is in none of them has a result, the others wait for ``end``.

        What stops imports is handed back, not raised: opt-outs and updates go on.
        """
        imports = Imports(list_id, self._client.now())
        left = [
            _Subscription(item, values_of(item.change.after, fields=self._fields))
            for item in pending
        ]
        # Each round takes at least one field off whoever is sent again.
        while left:
            left = self._send(
                list_id, left, imports=imports, on_results=on_results, withdrawn=withdrawn
            )
        return imports

    def _send(
        self,
        list_id: int,
        subscriptions: Sequence[_Subscription],
        *,
        imports: Imports,
        on_results: OnResults,
        withdrawn: Withdrawn,
    ) -> list[_Subscription]:
        names = self._names.names()
        by_email = {one.item.change.after["email"]: one for one in subscriptions}
        keys = {email: one.item.change.key for email, one in by_email.items()}

        def withheld(emails: Sequence[str]) -> set[str]:
            gone = withdrawn({keys[email] for email in emails})
            return {email for email in emails if keys[email] in gone}

        outcome = self._client.import_contacts(
            list_id,
            [
                ImportRow(email, attributes_of(one.values, names=names))
                for email, one in by_email.items()
            ],
            withheld=withheld,
        )
        results: list[Result] = []
        again: list[_Subscription] = []
        for refusal in outcome.refused:
            one = by_email[refusal.email]
            if refusal.cause is RefusalCause.ATTRIBUTES and one.values:
                one.drop(
                    drop_refused(
                        refusal.fields, values=one.values, names=names, fields=self._fields
                    )
                )
                again.append(one)
            else:
                results.append(one.result("refused", cause=str(refusal.cause)))
        results += [by_email[e].result("overtaken", cause="withdrawn") for e in outcome.withheld]
        results += [by_email[e].result("unknown", cause="answer_lost") for e in outcome.unknown]
        if outcome.stopped_by is not None:
            imports.stopped_by = outcome.stopped_by
        imports.chunks += [
            (chunk, {email: by_email[email] for email in chunk.emails}) for chunk in outcome.chunks
        ]
        stopped = imports.stopped_by
        if stopped is not None:
            results += [
                result_of(one.seq, stopped, record_id="", dropped=one.dropped)
                for one in (*(by_email[e] for e in outcome.not_sent), *again)
            ]
            again = []
        on_results(results)
        return again

    def end(self, imports: Imports, *, on_results: OnResults) -> None:
        """Wait for the imports and tell what became of whom. Raises OperatorNeeded when Brevo
        refuses to work with us at all."""
        if imports.chunks:
            watch = Watch(
                self._client,
                reasons=self._reasons,
                list_id=imports.list_id,
                keys={
                    one.item.change.key for _, people in imports.chunks for one in people.values()
                },
                since=imports.begun_at,
            )

            def looked(done: int, total: int) -> None:
                if done < total:
                    watch.look()
                self._progress("imports at Brevo", done, total)

            over = self._client.await_processes(
                [chunk.process_id for chunk, _ in imports.chunks], on_progress=looked
            )
            for chunk, people in imports.chunks:
                process = over.get(chunk.process_id)
                on_results(self._results(process, people=people.values(), left=watch.found))
            watch.assert_again()
        if isinstance(imports.stopped_by, OperatorNeeded):
            raise imports.stopped_by

    def _results(
        self,
        process: Process | None,
        *,
        people: Iterable[_Subscription],
        left: Mapping[str, str],
    ) -> list[Result]:
        """What an import that is over, or is not, says about its people; whoever has ``left``
        meanwhile has, whatever it says. Both go by key: Brevo may spell an address differently than
        it was sent."""
        refused: dict[str, str] = {}
        otherwise, cause = "sent", ""
        if process is None or process.status != "completed":
            # Also one that failed may have done part of it: the read-back decides.
            otherwise = "unknown"
            cause = "import_running" if process is None else f"import_{process.status}"
        elif process.reports:
            refused = self._told(process)
        refused |= left
        return [
            one.result("refused", cause=refused[one.item.change.key])
            if one.item.change.key in refused
            else one.result(otherwise, cause=cause)
            for one in people
        ]

    def _told(self, process: Process) -> dict[str, str]:
        """Causes by key of whom an import did not take, as far as its reports can be had."""
        try:
            refusals = self._client.import_refusals(process)
        except ApiError:
            # What is not there in the end is seen by the read-back.
            return {}
        return {
            key: str(refusal.cause)
            for refusal in refusals
            if (key := address_key(refusal.email)) is not None
        }
