"""Looking again at whom a notice is about, and what the notice was worth.

Belongs here: reading members by id into the picture. Must not be here: what follows from the new
picture; that is the plan's business.
"""

from __future__ import annotations

from dataclasses import dataclass

from nl_pipeline.domain.least_calls import ProviderWork
from nl_pipeline.sync.booked import booked_kinds
from nl_pipeline.sync.link import Link
from nl_pipeline.sync.observe import pull_members
from nl_pipeline.warehouse import events, observations
from nl_pipeline.warehouse.events import Touched
from nl_pipeline.warehouse.observations import Snapshot

#: More people than this are cheaper to find among everybody who changed.
_ONE_BY_ONE = 100


@dataclass(frozen=True)
class LookedAgain:
    """Whom notices were about, and how many of them were as we knew them."""

    touched: int
    echoes: int


def look_again(link: Link, *, touched: list[Touched]) -> LookedAgain:
    """Read everybody again whom unfinished events are about, and finish those events.

    Nothing is concluded here: what is read becomes the picture, and the next plan decides. An event
    about somebody who is at rest as they are now is an echo. Raises the errors of the provider.
    """
    audience_id = observations.read_state(link.warehouse, name="audience_id")
    if touched and audience_id and observations.read_cursor(link.warehouse, side="provider"):
        with link.counting("read"):
            one_by_one = touched
            if len(touched) > _ONE_BY_ONE:
                pull_members(link)
                # Whether leaving moves the time of a change is not known of every provider.
                one_by_one = [one for one in touched if one.may_have_left]
            if one_by_one:
                _read_again(link, audience_id=audience_id, touched=one_by_one)
    echoes = events.finish(
        link.warehouse,
        event_keys=[key for one in touched for key in one.event_keys],
        booked=booked_kinds(link.settings.activities),
        now=link.now(),
    )
    return LookedAgain(len(touched), echoes)


def _read_again(link: Link, *, audience_id: str, touched: list[Touched]) -> None:
    started = link.now()
    frame = link.audience.read_again(
        audience_id, [one.references for one in touched], observed_at=started
    )
    link.need("read", ProviderWork(single=(len(touched),)))
    if frame.empty:
        return
    observations.take_in_members(
        link.warehouse,
        frame=frame,
        snapshot=Snapshot(
            "provider", "touched", started, link.now(), len(frame), len(frame), len(frame), True
        ),
        now=link.now(),
    )
