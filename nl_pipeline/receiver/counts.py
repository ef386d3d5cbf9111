"""What the receiver counted, and the page a Prometheus server reads.

Belongs here: numbers and their names. Must not be here: anything of a request: no path, no
connection, no address. Whoever can reach the receiver can read this page.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field

from nl_pipeline.webhook_log.writing import SYNC_BUCKETS, LogWriter

#: Every reason a request can be refused for, so that a count of zero is shown, too.
CAUSES = (
    "wrong_path",
    "wrong_method",
    "wrong_signature",
    "wrong_challenge",
    "not_http",
    "headers_too_large",
    "body_too_large",
    "too_slow",
    "too_many_connections",
    "too_many_events",
    "disk_full",
    "overloaded",
    "write_failed",
    "broken_off",
    "unexpected",
)


@dataclass
class Counts:
    """Since the start of this process. ``open_connections`` is the present number."""

    received: int = 0
    validations: int = 0
    stored: Counter[str] = field(default_factory=Counter)
    """By what was found about the signature."""
    refused: Counter[str] = field(default_factory=lambda: Counter(dict.fromkeys(CAUSES, 0)))
    open_connections: int = 0


def metrics_page(counts: Counts, *, writer: LogWriter) -> str:
    """The text format of Prometheus, version 0.0.4."""
    return "\n".join(_lines(counts, writer=writer)) + "\n"


def _lines(counts: Counts, *, writer: LogWriter) -> Iterator[str]:
    written = writer.counts
    yield from _metric("requests_total", "counter", "Requests to a path below /hooks.")
    yield f"nl_receiver_requests_total {counts.received}"
    yield from _metric("validations_total", "counter", "Requests that only ask whether we answer.")
    yield f"nl_receiver_validations_total {counts.validations}"
    yield from _metric("stored_total", "counter", "Events that are durable, by their signature.")
    for signature in ("valid", "unsigned", "wrong"):
        value = counts.stored[signature]
        yield f'nl_receiver_stored_total{{signature="{signature}"}} {value}'
    yield from _metric("refused_total", "counter", "Requests and connections refused, by cause.")
    for cause, value in sorted(counts.refused.items()):
        yield f'nl_receiver_refused_total{{cause="{cause}"}} {value}'
    yield from _metric("stored_bytes_total", "counter", "Bytes appended to the log.")
    yield f"nl_receiver_stored_bytes_total {written.bytes}"
    yield from _metric("failed_groups_total", "counter", "Groups of lines the disk did not take.")
    yield f"nl_receiver_failed_groups_total {written.failed_groups}"
    yield from _metric("sync_seconds", "histogram", "Time until a group of lines was durable.")
    below = 0
    for bound, number in zip(SYNC_BUCKETS, written.sync_buckets, strict=False):
        below += number
        yield f'nl_receiver_sync_seconds_bucket{{le="{bound:g}"}} {below}'
    yield f'nl_receiver_sync_seconds_bucket{{le="+Inf"}} {written.groups}'
    yield f"nl_receiver_sync_seconds_sum {written.sync_seconds:.6f}"
    yield f"nl_receiver_sync_seconds_count {written.groups}"
    yield from _metric("open_connections", "gauge", "Open connections.")
    yield f"nl_receiver_open_connections {counts.open_connections}"
    yield from _metric("free_bytes", "gauge", "Space left on the disk of the log.")
    yield f"nl_receiver_free_bytes {writer.free_bytes}"
    yield from _metric("storing", "gauge", "1 if events can be stored, else 0.")
    yield f"nl_receiver_storing {0 if writer.problem else 1}"


def _metric(name: str, kind: str, text: str) -> tuple[str, str]:
    return f"# HELP nl_receiver_{name} {text}", f"# TYPE nl_receiver_{name} {kind}"
