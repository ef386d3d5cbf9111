"""The Mailchimp adapter: members as frames, changes as the fewest calls that keep a status safe.

Belongs here: which Mailchimp status and which operation means what. Must not be here: rules, SQL.
Facts with their sources are in the client; the reading of them that matters here: creating with
``update_existing: false`` cannot overwrite an existing status, a profile update carries none.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import pandas as pd

from nl_pipeline.clients.errors import ApiError, OperatorNeeded, OutcomeUnknown, Retryable
from nl_pipeline.clients.mailchimp import (
    Audience,
    AudienceDetails,
    FeedItem,
    MailchimpClient,
    Member,
    MemberPages,
    MergeField,
    NewMember,
    Operation,
    archive_member,
    patch_member,
    put_member,
    tag_member,
)
from nl_pipeline.clients.mailchimp.times import moment_of
from nl_pipeline.domain.address import address_key
from nl_pipeline.domain.fields import Direction, ProfileField, comparable
from nl_pipeline.domain.schemas import members_schema, validate
from nl_pipeline.domain.states import ProviderState
from nl_pipeline.settings import Connection
from nl_pipeline.sync.providers.port import OWNERSHIP_TAG, AudienceFound
from nl_pipeline.warehouse.observations import Evidence, naive
from nl_pipeline.warehouse.outcomes import Pending, Result

#: ``since_last_changed`` is exclusive and counts whole seconds; and clocks differ.
OVERLAP = timedelta(minutes=2)
#: Addresses in one bulk call (Mailchimp docs), and operations whose results are noted together.
_CHUNK = 500
_PORTION = 5_000

_STATES = {
    "subscribed": ProviderState.SUB,
    "pending": ProviderState.PENDING,
    "unsubscribed": ProviderState.UNSUB,
    "cleaned": ProviderState.CLEANED,
    "archived": ProviderState.ARCHIVED,
    "transactional": ProviderState.NONSUB,
}
#: What an API or admin unsubscribe leaves as its reason (recorded traffic).
_BY_ADMIN = "N/A (Unsubscribed by admin)"
#: Feed entries a person causes at a form. A ``generic_signup`` tells by its category.
_SIGNUPS_BY_PERSON = ("signup", "landing_page_signup", "website_signup", "squatter_signup")
#: Category of a member added by hand in the web application [inferred]; every other category,
#: imports and API clients among them, proves nobody's act.
_CATEGORY_OF_STAFF = "admin add"


def member_id_of(address: str) -> str:
    """The id of the member with this address: MD5 of the lower-cased text (Mailchimp docs)."""
    return hashlib.md5(address.strip().lower().encode(), usedforsecurity=False).hexdigest()


@dataclass
class _Read:
    sweeps: tuple[MemberPages, ...]
    frames: Iterator[pd.DataFrame]
    rejected: list[tuple[str, str]] = field(default_factory=list)

    @property
    def announced_before(self) -> int:
        return sum(sweep.announced_first or 0 for sweep in self.sweeps)

    @property
    def announced_after(self) -> int:
        return sum(sweep.announced_last or 0 for sweep in self.sweeps)

    @property
    def rows(self) -> int:
        return sum(sweep.rows for sweep in self.sweeps)

    @property
    def complete(self) -> bool:
        return all(sweep.complete for sweep in self.sweeps)


class MailchimpAudience:
    """One Mailchimp account in the words of the warehouse."""

    def __init__(self, client: MailchimpClient, *, fields: tuple[ProfileField, ...]) -> None:
        self._client = client
        self._fields = tuple(f for f in fields if f.direction is not Direction.OFF)
        self._all_fields = fields
        self._segment: int | None = None

    @property
    def calls(self) -> Counter[str]:
        return self._client.calls

    # Set-up ---------------------------------------------------------------------------------------

    def check(self, *, name: str, audience_id: str | None) -> AudienceFound:
        """Find the audience by stored id, then by exact name; OperatorNeeded if it is gone,
        doubled,
        or lacks a mapped merge field."""
        audience = self._find(name=name, audience_id=audience_id)
        if audience is None:
            raise OperatorNeeded(
                "the audience of this connection does not exist",
                system="mailchimp",
                code="audience_missing",
                what_next="run `nl-pipeline setup` for the connection, which creates it",
            )
        missing = self._missing_fields(audience.id)
        if missing:
            raise OperatorNeeded(
                f"audience {audience.id} lacks the merge fields"
                f" {', '.join(f.provider for f in missing)}",
                system="mailchimp",
                code="merge_field_missing",
                what_next="run `nl-pipeline setup`, which creates them, or change the field"
                " mapping;"
                " Mailchimp would ignore unknown fields silently",
            )
        return AudienceFound(audience_id=audience.id, created=False, fields_created=())

    def prepare(self, connection: Connection, *, audience_id: str | None) -> AudienceFound:
        """As ``check``, creating the audience and text merge fields where they are missing."""
        audience = self._find(name=connection.audience, audience_id=audience_id)
        created = audience is None
        if audience is None:
            audience = self._create(connection)
        labels = {mapping.name: mapping.label for mapping in connection.fields}
        made: list[str] = []
        for profile_field in self._missing_fields(audience.id):
            self._client.create_merge_field(
                audience.id,
                tag=profile_field.provider,
                name=labels[profile_field.name],
                type="text",
            )
            made.append(profile_field.provider)
        return AudienceFound(audience_id=audience.id, created=created, fields_created=tuple(made))

    def _find(self, *, name: str, audience_id: str | None) -> Audience | None:
        audiences = self._client.audiences().audiences
        named = [a for a in audiences if a.name == name]
        if len(named) > 1:
            raise OperatorNeeded(
                f"{len(named)} audiences carry the name of this connection's audience",
                system="mailchimp",
                code="audience_doubled",
                what_next="rename the one that is not meant; nothing is written until then",
            )
        if audience_id is not None:
            for audience in audiences:
                if audience.id == audience_id:
                    return audience
            raise OperatorNeeded(
                f"audience {audience_id}, which this connection has worked with, is gone",
                system="mailchimp",
                code="audience_gone",
                what_next="its members and opt-outs are lost at Mailchimp but not in the warehouse;"
                " ask Mailchimp whether it can be restored before a new connection is made",
            )
        return named[0] if named else None

    def _create(self, connection: Connection) -> Audience:
        listing = self._client.audiences()
        if not listing.may_create:
            raise OperatorNeeded(
                f"the Mailchimp plan allows {listing.max_instances} audience(s) and all are in use",
                system="mailchimp",
                code="audience_limit",
                what_next=f"rename an existing audience to {connection.audience!r} in Mailchimp"
                " (Audience, Settings, Audience name), or take a plan with more audiences",
            )
        details = connection.provider.audience_details
        if details is None:
            raise OperatorNeeded(
                "the audience does not exist and the settings do not say with what to create it",
                system="mailchimp",
                code="audience_details_missing",
                what_next="fill in provider.mailchimp.audience_details in connections.yaml, or"
                " create"
                f" the audience {connection.audience!r} in Mailchimp",
            )
        return self._client.create_audience(
            name=connection.audience, details=AudienceDetails(**details.model_dump())
        )

    def _missing_fields(self, audience_id: str) -> list[ProfileField]:
        present: dict[str, MergeField] = {f.tag: f for f in self._client.merge_fields(audience_id)}
        return [f for f in self._fields if f.provider not in present]

    # Reading --------------------------------------------------------------------------------------

    def read(self, audience_id: str, *, since: datetime | None, observed_at: datetime) -> _Read:
        """Two sweeps, because the plain one need not show archived members."""
        start = None if since is None else since - OVERLAP
        sweeps = tuple(
            self._client.members(audience_id, status=status, since_last_changed=start)
            for status in (None, "archived")
        )
        read = _Read(sweeps=sweeps, frames=iter(()))
        read.frames = (
            self._frame(
                page.members,
                audience_id=audience_id,
                observed_at=observed_at,
                rejected=read.rejected,
            )
            for sweep in sweeps
            for page in sweep
            if page.members
        )
        return read

    def _frame(
        self,
        members: Sequence[Member],
        *,
        audience_id: str,
        observed_at: datetime,
        rejected: list[tuple[str, str]],
    ) -> pd.DataFrame:
        rows: list[tuple[Any, ...]] = []
        seen = naive(observed_at)
        for member in members:
            key = address_key(member.email_address)
            if key is None:
                rejected.append((member.id, "invalid_email"))
                continue
            names = [tag.name for tag in member.tags]
            if not member.has_all_tags:
                names = [tag.name for tag in self._client.member_tags(audience_id, member.id)]
            state = _STATES.get(member.status, ProviderState.UNKNOWN)
            rows.append(
                (
                    key,
                    member.id,
                    member.contact_id,
                    member.email_address,
                    str(state),
                    member.status,
                    ("staff" if member.unsubscribe_reason == _BY_ADMIN else "person")
                    if state is ProviderState.UNSUB
                    else None,
                    any(name.lower() == OWNERSHIP_TAG for name in names),
                    [name for name in names if name.lower() != OWNERSHIP_TAG],
                    naive(moment_of(member.last_changed)),
                    seen,
                    *(comparable(member.merge_fields.get(f.provider)) for f in self._all_fields),
                )
            )
        columns = [
            "key",
            "member_id",
            "provider_id",
            "email",
            "state",
            "status",
            "unsubscribed_by",
            "owned",
            "tags",
            "changed_at",
            "observed_at",
            *(f.column for f in self._all_fields),
        ]
        frame = pd.DataFrame(rows, columns=columns)
        texts = [c for c in columns if c not in ("owned", "tags", "changed_at", "observed_at")]
        frame = frame.astype(
            {
                **dict.fromkeys(texts, "str"),
                "owned": "bool",
                "changed_at": "datetime64[us]",
                "observed_at": "datetime64[us]",
            }
        )
        frame["tags"] = frame["tags"].astype(object)
        return validate(frame, schema=members_schema(self._all_fields), name="members")

    def complaints(self, audience_id: str) -> list[str]:
        """Member ids with an abuse report."""
        return [report.email_id for report in self._client.abuse_reports(audience_id)]

    def look_up_signups(
        self, audience_id: str, members: Sequence[tuple[str, str, datetime | None]]
    ) -> list[Evidence]:
        """The last sign-up in each member's feed; a member without one proves nobody's act.

        A sign-up that an unsubscribe followed is not why the member is subscribed now: what came
        after it leaves no entry (an API client), and would pass for an act of the person.
        """
        feeds = self._client.activity_feeds(
            audience_id,
            [m[1] for m in members],
            filters=["unsub", *_SIGNUPS_BY_PERSON, "generic_signup"],
        )
        found: list[Evidence] = []
        for key, member_id, changed_at in members:
            items = sorted(feeds.get(member_id, []), key=lambda item: item.at)
            who, at = "OTHER", None
            if items and items[-1].activity_type != "unsub":
                who, at = _who_signed_up(items[-1]), items[-1].at
            found.append(Evidence("signup", key, who, at, _aware(changed_at)))
        return found

    def look_up_archived(
        self, audience_id: str, members: Sequence[tuple[str, str, datetime | None]]
    ) -> list[Evidence]:
        """Whether the feed of an archived member shows an unsubscribe after the last sign-up.

        Archiving hides an opt-out and setting any status un-archives, so this is looked at before
        anything is concluded from "archived".
        """
        feeds = self._client.activity_feeds(
            audience_id,
            [m[1] for m in members],
            filters=["unsub", *_SIGNUPS_BY_PERSON, "generic_signup"],
        )
        found: list[Evidence] = []
        for key, member_id, changed_at in members:
            if member_id not in feeds:
                continue
            left = [item.at for item in feeds[member_id] if item.activity_type == "unsub"]
            joined = [item.at for item in feeds[member_id] if item.activity_type != "unsub"]
            # Times are whole seconds and the order within one is not documented: a tie is an
            # opt-out.
            unsubscribed = bool(left) and (not joined or max(left) >= max(joined))
            found.append(
                Evidence(
                    "before_archiving",
                    key,
                    "unsubscribed" if unsubscribed else "subscribed",
                    max(left if unsubscribed else joined, default=None),
                    _aware(changed_at),
                )
            )
        return found

    # Writing --------------------------------------------------------------------------------------

    def push(
        self,
        audience_id: str,
        pending: Sequence[Pending],
        *,
        on_results: Callable[[list[Result]], None],
    ) -> None:
        """Removals first, then creations in bulk, then profiles, then tags.

        Raises OperatorNeeded when Mailchimp refuses to work with us at all.
        """
        by_action: dict[str, list[Pending]] = {}
        for item in pending:
            by_action.setdefault(item.change.action, []).append(item)
        take = by_action.get
        removals = [*take("unsubscribe", []), *take("archive", [])]
        self._run(
            audience_id, [self._operation([item]) for item in removals], on_results=on_results
        )
        lost = self._subscribe(audience_id, take("subscribe", []), on_results=on_results)
        self._run(
            audience_id,
            [self._operation([item]) for item in [*take("resubscribe", []), *take("confirm", [])]],
            on_results=on_results,
        )
        profiles: dict[str, list[Pending]] = {}
        for item in [*take("update_member", []), *take("change_address", [])]:
            profiles.setdefault(item.change.record_id, []).append(item)
        self._run(
            audience_id,
            [self._operation(items) for items in profiles.values()],
            on_results=on_results,
        )
        moved = {
            item.change.record_id: member_id_of(item.change.after["email"])
            for item in take("change_address", [])
        }
        self._tag(
            audience_id, take("tag_member", []), lost=lost, moved=moved, on_results=on_results
        )

    def _subscribe(
        self,
        audience_id: str,
        pending: Sequence[Pending],
        *,
        on_results: Callable[[list[Result]], None],
    ) -> set[str]:
        """Create members in bulk; returns the keys that were not created."""
        lost: set[str] = set()
        for start in range(0, len(pending), _PORTION):
            chunk = pending[start : start + _PORTION]
            by_address = {item.change.after["email"].lower(): item for item in chunk}
            outcome = self._client.add_members(
                audience_id,
                [
                    NewMember(
                        email_address=item.change.after["email"],
                        status="subscribed",
                        merge_fields=self._merge_fields(item.change.after),
                    )
                    for item in chunk
                ],
            )
            results = []
            for member in (*outcome.created, *outcome.updated):
                item = by_address[member.email_address.lower()]
                results.append(Result(item.change.seq, "sent", record_id=member.id))
            for refusal in outcome.refused:
                item = by_address[refusal.email_address.lower()]
                lost.add(item.change.key)
                results.append(Result(item.change.seq, "refused", cause=str(refusal.cause)))
            for address in outcome.unknown:
                item = by_address[address.lower()]
                lost.add(item.change.key)
                results.append(Result(item.change.seq, "unknown", cause="no_answer"))
            for address in outcome.not_sent:
                item = by_address[address.lower()]
                lost.add(item.change.key)
                results.append(Result(item.change.seq, "failed", cause="not_sent"))
            on_results(results)
            if isinstance(outcome.stopped_by, OperatorNeeded):
                raise outcome.stopped_by
        return lost

    def _merge_fields(self, after: dict[str, Any]) -> dict[str, str]:
        """The mapped values among ``after`` by merge tag; a creation marks them with ``field:``."""
        return {
            f.provider: str(after[name])
            for f in self._fields
            for name in (f.name, f"field:{f.name}")
            if name in after
        }

    def _operation(self, items: Sequence[Pending]) -> Operation:
        reference = ",".join(str(item.change.seq) for item in items)
        first = items[0].change
        if first.action == "unsubscribe":
            return patch_member(first.record_id, reference=reference, status="unsubscribed")
        if first.action == "archive":
            return archive_member(first.record_id, reference=reference)
        if first.action == "confirm":
            return patch_member(first.record_id, reference=reference, status="pending")
        if first.action == "resubscribe":
            return put_member(
                first.record_id,
                reference=reference,
                email_address=items[0].address,
                status_if_new="subscribed",
                status="subscribed",
                merge_fields=self._merge_fields(first.after),
            )
        merged: dict[str, str] = {}
        address: str | None = None
        for item in items:
            if item.change.action == "change_address":
                address = item.change.after["email"]
            else:
                merged |= self._merge_fields(item.change.after)
        return patch_member(
            first.record_id, reference=reference, merge_fields=merged or None, email_address=address
        )

    def _run(
        self,
        audience_id: str,
        operations: Sequence[Operation],
        *,
        on_results: Callable[[list[Result]], None],
    ) -> None:
        for start in range(0, len(operations), _PORTION):
            results: list[Result] = []
            stopped: OperatorNeeded | None = None
            for outcome in self._client.run(audience_id, operations[start : start + _PORTION]):
                new_id = str(outcome.body.get("id", "")) if outcome.body else ""
                if isinstance(outcome.error, OperatorNeeded):
                    stopped = outcome.error
                results += [
                    _result(int(seq), outcome.error, record_id=new_id)
                    for seq in outcome.reference.split(",")
                ]
            on_results(results)
            if stopped is not None:
                raise stopped

    def _tag(
        self,
        audience_id: str,
        pending: Sequence[Pending],
        *,
        lost: set[str],
        moved: dict[str, str],
        on_results: Callable[[list[Result]], None],
    ) -> None:
        """Ownership in bulk through the static segment, everything else per member.

        The member call can suppress automations that hang on a tag (``is_syncing``), the segment
        call cannot, so only our own tag goes that way.
        """
        on_results(
            [
                Result(p.change.seq, "overtaken", cause="not_subscribed")
                for p in pending
                if p.change.key in lost
            ]
        )
        open_ = [p for p in pending if p.change.key not in lost]
        owning = [p for p in open_ if OWNERSHIP_TAG in p.change.after["add"]]
        failed: set[int] = set()
        if owning:
            if self._segment is None:
                self._segment = self._client.static_segment(
                    audience_id, name=OWNERSHIP_TAG, create=True
                )
            assert self._segment is not None
            for start in range(0, len(owning), _CHUNK):
                chunk = owning[start : start + _CHUNK]
                cause = ""
                try:
                    outcome = self._client.change_segment(
                        audience_id, self._segment, add=[p.address for p in chunk], remove=[]
                    )
                    refused = {r.email_address.lower() for r in outcome.errors}
                except OperatorNeeded:
                    raise
                except ApiError as error:
                    refused, cause = {p.address.lower() for p in chunk}, error.code
                bad = [p for p in chunk if p.address.lower() in refused]
                failed |= {p.change.seq for p in bad}
                on_results(
                    [Result(p.change.seq, "failed", cause=cause or "tag_refused") for p in bad]
                )
                on_results(
                    [
                        Result(p.change.seq, "sent")
                        for p in chunk
                        if p.change.seq not in failed and _own_tags_only(p)
                    ]
                )
        operations = [
            tag_member(
                moved.get(p.change.record_id, p.change.record_id) or member_id_of(p.address),
                reference=str(p.change.seq),
                add=[t for t in p.change.after["add"] if t != OWNERSHIP_TAG],
                remove=p.change.after["remove"],
            )
            for p in open_
            if p.change.seq not in failed and not _own_tags_only(p)
        ]
        self._run(audience_id, operations, on_results=on_results)


def _own_tags_only(pending: Pending) -> bool:
    return (
        set(pending.change.after["add"]) <= {OWNERSHIP_TAG} and not pending.change.after["remove"]
    )


def _who_signed_up(item: FeedItem) -> str:
    if item.activity_type in _SIGNUPS_BY_PERSON:
        return "PERSON"
    return "STAFF" if item.signup_category.strip().lower() == _CATEGORY_OF_STAFF else "OTHER"


def _aware(moment: datetime | None) -> datetime | None:
    return None if moment is None else moment.replace(tzinfo=UTC)


def _result(seq: int, error: ApiError | None, *, record_id: str) -> Result:
    if error is None:
        return Result(seq, "sent", record_id=record_id)
    if isinstance(error, OutcomeUnknown):
        return Result(seq, "unknown", cause=error.code)
    if isinstance(error, (Retryable, OperatorNeeded)):
        return Result(seq, "failed", cause=error.code)
    return Result(seq, "refused", cause=error.code)
