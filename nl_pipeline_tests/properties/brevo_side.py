"""An audience in memory that shows as little as Brevo does.

Belongs here: what differs from the audience of ``sides``: who is off the list has no row, whoever
is blocklisted gives no reason unless asked, nobody tells who signed up, and a No only takes off the
list. Must not be here: decisions.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime

import pandas as pd

from nl_pipeline.domain.address import address_key
from nl_pipeline.domain.states import ProviderState
from nl_pipeline.sync.providers.port import ProviderTraits
from nl_pipeline.warehouse.observations import Evidence
from nl_pipeline.warehouse.outcomes import Pending
from nl_pipeline.warehouse.reasons import WhyLeft
from nl_pipeline_tests.properties.sides import Member, ModelAudience

P = ProviderState
#: Blocklisted, for whatever reason.
_BLOCKED = (P.UNSUB, P.CLEANED)


class ModelBrevo(ModelAudience):
    """The provider side of the sync over a world, as Brevo shows it."""

    traits = ProviderTraits(
        shows_pending=False,
        shows_removed=False,
        tells_why=False,
        has_tags=False,
        tells_signups=False,
    )

    def _with_rows(self, members: list[Member], *, since: datetime | None) -> list[Member]:
        return [m for m in members if since is not None or m.state is not P.ARCHIVED]

    def _frame(self, members: Sequence[Member], *, observed_at: datetime) -> pd.DataFrame:
        frame = super()._frame(members, observed_at=observed_at)
        frame["member_id"] = frame["provider_id"]
        frame["state"] = frame["state"].replace({"ARCHIVED": "ABSENT", "CLEANED": "UNSUB"})
        frame["unsubscribed_by"] = pd.Series([None] * len(frame), dtype="str", index=frame.index)
        frame["owned"] = [m.state is P.SUB for m in members]
        return frame

    def read_again(
        self, audience_id: str, people: Sequence[Sequence[str]], *, observed_at: datetime
    ) -> pd.DataFrame:
        """As the port says with the reasons of those who have left."""
        frame = super().read_again(audience_id, people, observed_at=observed_at)
        for row, member_id in zip(frame.index, frame["member_id"], strict=True):
            member = self._member(str(member_id))
            if member is not None and member.state in _BLOCKED:
                why = self._why(member, changed_at=None)
                frame.loc[row, "state"] = why.state
                frame.loc[row, "unsubscribed_by"] = why.by
        return frame

    def why_left(
        self, audience_id: str, members: Sequence[tuple[str, str, datetime | None]]
    ) -> Iterator[Sequence[WhyLeft]]:
        answers = []
        for key, member_id, at in members:
            member = self._member(member_id)
            changed_at = None if at is None else at.replace(tzinfo=UTC)
            if member is None:
                answers.append(WhyLeft(key, "UNSUB", None, None, changed_at))
            else:
                answers.append(self._why(member, changed_at=changed_at))
        yield answers

    def _why(self, member: Member, *, changed_at: datetime | None) -> WhyLeft:
        if member.complained:
            return WhyLeft(member.key, "COMPLAINT", None, member.left_at, changed_at)
        if member.state is P.CLEANED:
            return WhyLeft(member.key, "CLEANED", None, member.changed_at, changed_at)
        by = member.unsubscribed_by
        return WhyLeft(member.key, "UNSUB", by, member.left_at, changed_at)

    def complaints(self, audience_id: str) -> list[str]:
        return []

    def look_up_signups(
        self, audience_id: str, members: Sequence[tuple[str, str, datetime | None]]
    ) -> list[Evidence]:
        return [
            Evidence("signup", key, "OTHER", None, None if at is None else at.replace(tzinfo=UTC))
            for key, _, at in members
        ]

    def look_up_archived(
        self, audience_id: str, members: Sequence[tuple[str, str, datetime | None]]
    ) -> list[Evidence]:
        return []

    def _member(self, member_id: str) -> Member | None:
        found = (m for m in self.world.members.values() if m.provider_id == member_id)
        return next(found, None)

    def _apply(self, item: Pending) -> str | None:
        change, world = item.change, self.world
        now = world.clock.now()
        if change.action == "subscribe":
            return self._import(item, now=now)
        member = self._member(change.record_id)
        if member is None:
            return None
        if change.action in ("unsubscribe", "archive"):
            for_good = (
                change.before.get("newsletter") == "CANCEL"
                or change.code == "subscribed_despite_withdrawal"
            )
            if change.action == "unsubscribe" and for_good:
                member.state, member.unsubscribed_by, member.left_at = P.UNSUB, "staff", now
                member.left_by_us = True
            elif member.state is P.SUB:
                member.state = P.ARCHIVED
        elif change.action == "update_member":
            member.values |= change.after
        elif change.action == "change_address":
            moved = self._change_address(member, email=change.after["email"], now=now)
            if moved is None and member.state is P.SUB:
                # The new address is somebody's who is off the list: nobody is mailed at the old.
                member.state, member.changed_at = P.ARCHIVED, now
            return None if moved is None else member.provider_id
        else:
            raise AssertionError(f"nothing at Brevo is {change.action}")
        member.changed_at = now
        return member.provider_id

    def _import(self, item: Pending, *, now: datetime) -> str:
        """Puts on the list whoever is not blocklisted; lifts nothing."""
        world, after = self.world, item.change.after
        key = address_key(after["email"])
        assert key is not None
        world.forbid(key, what="subscribe")
        world.forbid(item.change.key, what="subscribe")
        values = {f.name: after.get(f"field:{f.name}", "") for f in world.fields}
        member = world.members.get(key)
        if member is None:
            member = Member(f"{world.next_number()}", after["email"], P.SUB, set(), values, now)
            world.members[key] = member
        elif member.state is P.ARCHIVED:
            member.state = P.SUB
        member.values |= {name: value for name, value in values.items() if value}
        member.changed_at = now
        return member.provider_id
