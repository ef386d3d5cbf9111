"""Reading the webhook log in portions: lines into validated events, and what could not be used.

Belongs here: how far to read at a time, one bad line by itself, how far was read. Must not be here:
the words of a provider (``mailchimp``, ``brevo``), storing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from nl_pipeline.domain.events import SubscriberEvent, event_columns
from nl_pipeline.domain.schemas import EVENTS_SCHEMA, rows_that_break
from nl_pipeline.sync.events.told import Told, Unusable
from nl_pipeline.warehouse.events import PoisonLine, SegmentRead
from nl_pipeline.webhook_log.lines import LogLine
from nl_pipeline.webhook_log.paths import segment_path
from nl_pipeline.webhook_log.reading import BadLine, read, segments

#: Lines in memory at a time.
PORTION = 20_000

Understand = Callable[[LogLine], Told]


@dataclass(frozen=True)
class Portion:
    """A part of the log: its events as a validated frame, and how far it goes in each segment."""

    events: pd.DataFrame
    read: tuple[SegmentRead, ...]


class _Waiting:
    """What was read and not handed on yet."""

    def __init__(self) -> None:
        self.events: list[SubscriberEvent] = []
        self.places: list[tuple[str, int]] = []
        self.poison: list[PoisonLine] = []
        self.read: dict[str, SegmentRead] = {}
        self.lines = 0

    def take(self) -> Portion:
        frame = event_columns(self.events)
        poison = list(self.poison)
        broken = rows_that_break(frame, schema=EVENTS_SCHEMA)
        if broken:
            poison += [
                PoisonLine(*self.places[row], self.events[row].line_id, "breaks_the_schema")
                for row in sorted(broken)
            ]
            frame = frame.drop(index=sorted(broken)).reset_index(drop=True)
        by_segment: dict[str, list[PoisonLine]] = {}
        for line in dict.fromkeys(poison):
            by_segment.setdefault(line.segment, []).append(line)
        portion = Portion(
            events=frame,
            read=tuple(
                SegmentRead(
                    segment=part.segment,
                    day=part.day,
                    from_byte=part.from_byte,
                    read_bytes=part.read_bytes,
                    lines=part.lines,
                    torn=part.torn,
                    poison=tuple(by_segment.get(part.segment, ())),
                )
                for part in self.read.values()
            ),
        )
        self.__init__()  # type: ignore[misc]
        return portion


def portions(
    folder: Path, *, offsets: Mapping[str, int], understand: Understand
) -> Iterator[Portion]:
    """What the log holds behind ``offsets`` (bytes by segment), in portions.

    A line that cannot be used is listed and stops no other. A last line without its newline is left
    for later: it is being written, or was torn when its writer ended.
    """
    waiting = _Waiting()
    for segment in segments(folder):
        begin = offsets.get(segment.name, 0)
        if segment.size <= begin:
            continue
        at, lines = begin, 0
        for after, line in read(folder, segment=segment.name, from_byte=begin):
            place = (segment.name, at)
            at, lines = after, lines + 1
            _understand(line, place=place, understand=understand, waiting=waiting)
            waiting.lines += 1
            if waiting.lines >= PORTION:
                waiting.read[segment.name] = SegmentRead(
                    segment.name, segment.day, begin, at, lines
                )
                yield waiting.take()
                begin, lines = at, 0
        if at == begin and not segment_path(folder, segment=segment.name).exists():
            # Its writer took it back since it was listed: nothing of it was acknowledged.
            continue
        waiting.read[segment.name] = SegmentRead(
            segment.name, segment.day, begin, at, lines, torn=at < segment.size
        )
    if waiting.read:
        yield waiting.take()


def _understand(
    line: LogLine | BadLine,
    *,
    place: tuple[str, int],
    understand: Understand,
    waiting: _Waiting,
) -> None:
    if isinstance(line, BadLine):
        waiting.poison.append(PoisonLine(*place, "", "unreadable"))
        return
    try:
        told = understand(line)
    except Unusable as unusable:
        waiting.poison.append(PoisonLine(*place, line.id, str(unusable)))
        return
    for event in told.events:
        waiting.events.append(event)
        waiting.places.append(place)
    for cause in dict.fromkeys(told.unusable):
        waiting.poison.append(PoisonLine(*place, line.id, cause))
