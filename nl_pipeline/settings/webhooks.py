"""The receiver of webhooks: under which address it is reached, where it stores, what it refuses.

Belongs here: the settings that hold for all connections together, as one receiver serves them all.
"""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Annotated

from pydantic import Field

from nl_pipeline.settings.closed import ClosedModel
from nl_pipeline.settings.systems import Secret
from nl_pipeline.settings.values import Allowed, BaseUrl, Memory, Whole

Seconds = Annotated[float, Field(gt=0), Allowed("a number greater than 0")]


class ReceiverLimits(ClosedModel):
    """What a receiver refuses, so that nobody can fill its disk, memory or time."""

    body_bytes: Whole = Field(
        1_000_000, description="Largest body in bytes. Notices of Mailchimp have a few thousand."
    )
    header_bytes: Whole = Field(
        16_384, description="Largest request line and headers together, in bytes."
    )
    request_seconds: Seconds = Field(
        10.0,
        description="Time in seconds within which a whole request has to arrive; the connection "
        "of a slower sender is cut. Mailchimp itself gives up after 10.",
    )
    open_connections: Whole = Field(
        2000,
        description="Open connections. One more, and the one that has kept the receiver waiting "
        "longest is cut.",
    )
    events_per_second: Whole = Field(
        10_000,
        description="Events stored in a second for one connection, over a few seconds. What is "
        "beyond is refused so that the provider sends it again later.",
    )
    signature_seconds: Seconds = Field(
        300.0,
        description="How old a signature may be in seconds. What is older is stored as a hint and "
        "not believed.",
    )
    free_space: Memory = Field(
        "500MB",
        description="Free space on the disk of the log below which nothing is stored any more and "
        "the receiver reports itself as failing.",
    )


class Webhooks(ClosedModel):
    """Receiving what providers tell by themselves."""

    public_url: BaseUrl | None = Field(
        None,
        description="Address under which the providers reach the receiver. Without it no webhook "
        "is created, and changes are found by reading only.",
    )
    secret: Secret | None = Field(
        None,
        description="Secret from which the unguessable part of the webhooks' addresses is derived. "
        "By default one is made at the first use and kept in the folder of the log.",
    )
    former_secret: Secret | None = Field(
        None,
        description="Secret that `secret` has replaced. Webhooks made with it are answered and "
        "believed as long as it stands here: until `webhooks --repair` has put them right and the "
        "provider's last repetition is over (Brevo: 12 hours).",
    )
    log_dir: Annotated[Path, Allowed("a folder; relative to the settings file")] | None = Field(
        None,
        strict=False,
        description="Folder of the log of all connections. By default `webhooks` in `data_dir`.",
    )
    first_day: Annotated[date, Allowed("a date such as 2026-01-31")] = Field(
        date(2026, 1, 1),
        strict=False,
        description="First day that Dagster offers for webhooks, events and activities.",
    )
    limits: ReceiverLimits = Field(ReceiverLimits(), description="What a receiver refuses.")
