"""The onOffice client: reads and writes of addresses and activities as typed calls.

Belongs here: one method per thing a sync asks of the CRM. Does not belong here: signing, retries
(session, transport), the decision what to ask.

Reads raise on failure. Writes never raise for what a service answers: they return one outcome per
input in the same order, so that what was done before a failure is not lost.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

import httpx

from nl_pipeline.clients.errors import (
    Permanent,
    SkipRecord,
)
from nl_pipeline.clients.http import RetryPolicy, Transport, connections
from nl_pipeline.clients.onoffice.answers import action_kinds_of, activities_of, fields_of
from nl_pipeline.clients.onoffice.crm_time import CrmZone
from nl_pipeline.clients.onoffice.envelope import Action
from nl_pipeline.clients.onoffice.error_codes import RECORD_ABSENT, SYSTEM, error_of
from nl_pipeline.clients.onoffice.models import (
    ActionOutcome,
    Activity,
    AddressChange,
    AddressField,
    AddressPage,
    AddressRecord,
    Condition,
    NewActivity,
    NewAddress,
)
from nl_pipeline.clients.onoffice.paging import AddressPages, address_records, announced_total
from nl_pipeline.clients.onoffice.session import Session
from nl_pipeline.clients.onoffice.writing import chunks, write
from nl_pipeline.domain.least_calls import CrmLimits

MOST_ROWS = 500
"""Rows a reading action returns at most (apidoc, general notes)."""

Conditions = Mapping[str, Sequence[Condition]]


class OnOfficeClient:
    """One API user of one account.

    `calls` counts HTTP requests ("POST api.php") and actions ("read:address"), repeats included.
    `time_zone` is the zone of the account's wall times.
    """

    def __init__(
        self,
        *,
        base_url: str,
        token: str,
        secret: str,
        actions_per_request: int = 50,
        page_size: int = MOST_ROWS,
        timeout_seconds: float = 30.0,
        time_zone: str = "Europe/Berlin",
        http: httpx.Client | None = None,
        now: Callable[[], float] = time.time,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        if not 1 <= page_size <= MOST_ROWS:
            raise ValueError(f"page_size must be 1 to {MOST_ROWS}, got {page_size}")
        http = http or connections(base_url, timeout_seconds=timeout_seconds, most=10)
        transport = Transport(
            system=SYSTEM, http=http, sleep=sleep, policy=RetryPolicy(deadline_seconds=180.0)
        )
        self._session = Session(
            base_url=base_url, token=token, secret=secret, http=http, transport=transport, now=now
        )
        self._actions_per_request = max(1, actions_per_request)
        self._page_size = page_size
        self._zone = CrmZone(time_zone)
        self._fields: dict[tuple[str, str], dict[str, AddressField]] = {}
        self.calls: Counter[str] = self._session.calls

    def now(self) -> datetime | None:
        """Return the time at onOffice by its last answer (aware UTC), None before one."""
        return self._session.server_time.now()

    def read_fields(
        self, module: str = "address", *, language: str = "DEU"
    ) -> dict[str, AddressField]:
        """Return the active fields of a module by name, with labels in `language`.

        Asked once per client: the call takes seconds (apidoc, field configuration).
        """
        key = (module, language)
        if key not in self._fields:
            action = Action(
                "get", "fields", {"labels": True, "language": language, "modules": [module]}
            )
            self._fields[key] = fields_of(self._session.read([action])[0].records, module=module)
        return self._fields[key]

    def read_action_kinds(self) -> dict[str, tuple[str, ...]]:
        """Return the account's kinds of activities with their types, by key."""
        action = Action("get", "actionkindtypes", {"lang": "DEU"})
        return action_kinds_of(self._session.read([action])[0].records)

    def count_addresses(self, *, conditions: Conditions | None = None) -> int:
        """Return how many addresses the API user can see (a missing right looks like 0)."""
        parameters = {**self._filter(conditions), "data": [], "listlimit": 1, "listoffset": 0}
        return announced_total(self._session.read([Action("read", "address", parameters)])[0])

    def read_addresses(
        self,
        *,
        fields: Sequence[str],
        conditions: Conditions | None = None,
        sort_by: str | None = None,
        pages_per_request: int = 1,
        on_page: Callable[[AddressPage], None] | None = None,
        closing: Callable[[datetime], Conditions] | None = None,
    ) -> AddressPages:
        """Return the pages of all addresses that match; nothing is read before iterating.

        Archived addresses are among them unless a condition says otherwise. `sort_by` is
        ascending. With `pages_per_request` above 1, so many pages travel in one request. `closing`
        makes the conditions that are used instead once there is more than one page, given the
        service's time: a read by time with an upper bound.
        """
        parameters: dict[str, Any] = {"data": list(fields), **self._filter(conditions)}
        if sort_by is not None:
            parameters |= {"sortby": sort_by, "sortorder": "ASC"}
        return AddressPages(
            self._session,
            parameters=parameters,
            page_size=self._page_size,
            pages_per_request=min(max(1, pages_per_request), self._actions_per_request),
            on_page=on_page,
            closing=None if closing is None else lambda now: self._filter(closing(now)),
        )

    def read_addresses_by_id(
        self, ids: Sequence[int], *, fields: Sequence[str]
    ) -> list[AddressRecord]:
        """Return the addresses with these record ids; ids that are gone are missing in it."""
        found: list[AddressRecord] = []
        for chunk in chunks(list(ids), size=MOST_ROWS):
            action = _read_by_id(chunk, fields=fields)
            try:
                results = self._session.read([action], field_names=fields)
            except SkipRecord as error:
                if error.code not in {str(code) for code in RECORD_ABSENT}:
                    raise
                # How an account answers for one unknown id among many is not documented: ask
                # for each alone, so that a deleted contact does not hide the others.
                found.extend(self._read_each(chunk, fields=fields))
            else:
                found.extend(address_records(results[0]))
        return found

    def find_addresses_by_email(
        self, emails: Sequence[str], *, fields: Sequence[str]
    ) -> list[list[AddressRecord]]:
        """Return for each address the contacts that have it, as main or any other entry.

        Ascending record ids. The vendor's comparison is not documented; matches are checked here
        without regard to case and outer blanks.
        """
        names = list(dict.fromkeys([*fields, "Email", "email"]))
        answer: list[list[AddressRecord]] = []
        for chunk in chunks(list(emails), size=self._actions_per_request):
            actions = [
                Action(
                    "read",
                    "address",
                    {
                        "data": names,
                        "filter": {"email": [{"op": "=", "val": email.strip()}]},
                        "listlimit": MOST_ROWS,
                        "listoffset": 0,
                    },
                )
                for email in chunk
            ]
            results = self._session.read(actions, field_names=names)
            for email, result in zip(chunk, results, strict=True):
                if announced_total(result) > MOST_ROWS:
                    raise Permanent(
                        f"more than {MOST_ROWS} contacts share one e-mail address",
                        system=SYSTEM,
                        code="too-many-matches",
                        what_next="clean up the duplicates in the CRM; nothing was decided on it",
                    )
                matches = [r for r in address_records(result) if _has_email(r, email)]
                answer.append(sorted(matches, key=lambda record: record.id))
        return answer

    def modify_addresses(self, changes: Sequence[AddressChange]) -> list[ActionOutcome]:
        """Write changes; one outcome each, its reference is the address id.

        Plain fields are written again after a lost answer. A contact instruction is not: sent
        twice it adds twice, so its lost answer is `OutcomeUnknown`.
        """
        outcomes: dict[int, ActionOutcome] = {}
        for repeatable in (True, False):
            chosen = [
                (position, change)
                for position, change in enumerate(changes)
                if change.has_contact_instruction is not repeatable
            ]
            written = self._written(
                [
                    (
                        str(change.address_id),
                        Action("modify", "address", change.parameters, str(change.address_id)),
                    )
                    for _, change in chosen
                ],
                repeatable=repeatable,
            )
            outcomes.update(
                (position, outcome) for (position, _), outcome in zip(chosen, written, strict=True)
            )
        return [outcomes[position] for position in range(len(changes))]

    def create_addresses(self, new: Sequence[NewAddress]) -> list[ActionOutcome]:
        """Create contacts; never sent twice. With the duplicate check the id may be an old one."""
        actions = [(item.reference, Action("create", "address", item.parameters)) for item in new]
        return self._written(actions, repeatable=False)

    def create_activities(self, activities: Sequence[NewActivity]) -> list[ActionOutcome]:
        """Book activities, one entry per address; never sent twice."""
        return self._written(
            [(item.reference, self._activity_action(item)) for item in activities],
            repeatable=False,
        )

    def can_tell(self, activity: NewActivity) -> bool:
        """Whether the time of an activity can be written in the zone of the account."""
        try:
            self._activity_action(activity)
        except (ValueError, OverflowError):
            return False
        return True

    @property
    def limits(self) -> CrmLimits:
        """What this client puts into one request at most."""
        return CrmLimits(
            page_rows=self._page_size,
            ids_per_request=MOST_ROWS,
            actions_per_request=self._actions_per_request,
        )

    def find_activities(self, address_id: int, *, marker: str) -> list[Activity]:
        """Return the activities of one address whose note contains `marker`, newest first."""
        return list(self._activities(address_id, marker=marker))

    def close(self) -> None:
        """Close the connections."""
        self._session.close()

    def _activities(self, address_id: int, *, marker: str) -> Iterator[Activity]:
        offset = 0
        while True:
            action = Action(
                "read",
                "agentslog",
                {
                    "addressid": [address_id],
                    "data": ["Nr", "Aktionsart", "Aktionstyp", "Datum", "Bemerkung"],
                    "filter": {"Bemerkung": [{"op": "like", "val": f"%{marker}%"}]},
                    "listlimit": MOST_ROWS,
                    "listoffset": offset,
                },
            )
            result = self._session.read([action])[0]
            entries = activities_of(result.records, zone=self._zone)
            yield from (entry for entry in entries if marker in entry.note)
            offset += MOST_ROWS
            if len(entries) < MOST_ROWS or offset >= (result.total or 0):
                return

    def _activity_action(self, item: NewActivity) -> Action:
        parameters: dict[str, Any] = {
            "addressids": [item.address_id],
            "actionkind": item.kind,
            "actiontype": item.type,
            "note": item.note,
        }
        if item.at is not None:
            parameters["datetime"] = self._zone.wall_text(item.at)
        return Action("create", "agentslog", parameters)

    def _written(
        self, actions: Sequence[tuple[str, Action]], *, repeatable: bool
    ) -> list[ActionOutcome]:
        return write(
            self._session,
            actions=actions,
            actions_per_request=self._actions_per_request,
            repeatable=repeatable,
        )

    def _read_each(self, ids: Sequence[int], *, fields: Sequence[str]) -> list[AddressRecord]:
        found: list[AddressRecord] = []
        for chunk in chunks(list(ids), size=self._actions_per_request):
            actions = [_read_by_id([address_id], fields=fields) for address_id in chunk]
            for action, result in zip(
                actions, self._session.send_each(actions, repeatable=True), strict=True
            ):
                code = result.status.errorcode
                if code and code not in RECORD_ABSENT:
                    raise error_of(code, what=action.name)
                found.extend(address_records(result))
        return found

    def _filter(self, conditions: Conditions | None) -> dict[str, Any]:
        if not conditions:
            return {}
        return {
            "filter": {
                name: [{"op": c.op, "val": self._filter_value(c.value)} for c in listed]
                for name, listed in conditions.items()
            }
        }

    def _filter_value(self, value: Any) -> Any:
        if isinstance(value, datetime):
            return self._zone.wall_text(value)
        if isinstance(value, list | tuple):
            return [self._filter_value(part) for part in value]
        return value


def _read_by_id(ids: Sequence[int], *, fields: Sequence[str]) -> Action:
    parameters = {
        "data": list(fields),
        "recordids": list(ids),
        "listlimit": MOST_ROWS,
        "listoffset": 0,
    }
    return Action("read", "address", parameters)


def _has_email(record: AddressRecord, email: str) -> bool:
    wanted = email.strip().casefold()
    return any(entry.strip().casefold() == wanted for entry in record.email_addresses)
