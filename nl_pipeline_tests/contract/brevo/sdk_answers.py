"""What Brevo's own client library got on its visit to the twin.

Belongs here: one name for each answer, and whether an answer is what the library's models say. Not
here: the calls (`sdk_visit`).

The library builds its models without looking: a missing or wrong value passes unnoticed. So every
answer is held against its model here.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import pydantic


@dataclass(frozen=True)
class Refused:
    """What the library's exception says."""

    kind: str
    status_code: int
    code: str
    message: str
    metadata: Any


@dataclass(frozen=True)
class AccountAnswers:
    """The account, folders, lists and attributes."""

    account: Any
    folders: Any
    folder: Any
    created: Any
    lists: Any
    found: Any
    renamed: Any
    in_folder: Any
    segments: Any
    attributes: Any
    attributes_after: Any


@dataclass(frozen=True)
class ContactAnswers:
    """Contacts one by one, and the collection."""

    created: Any
    found: Any
    changed: Any
    blocklisted: Any
    moved: Any
    moved_blocklisted: Any
    pages: tuple[Any, ...]
    modified: Any
    chosen: Any
    on_list: Any
    added: Any
    removed: Any
    confirmed: Any


@dataclass(frozen=True)
class ProcessAnswers:
    """An import, an export, and emptying a list."""

    imported: Any
    waiting: Any
    completed: Any
    refused_rows: str
    exported: Any
    file: str
    emptied: Any
    processes: Any


@dataclass(frozen=True)
class WebhookAnswers:
    """Webhooks of the account, and the history of them."""

    created: Any
    listed: Any
    transactional: Any
    changed: Any
    after_deletion: Any
    history: Any
    history_file: str


@dataclass(frozen=True)
class CampaignAnswers:
    """A campaign, who got it, and what became of people."""

    campaigns: Any
    campaign: Any
    recipients: Any
    file: str
    statistics: Mapping[str, Any]
    contact: Any
    events: Any


@dataclass(frozen=True)
class Visit:
    """All answers and refusals; `answers` in the order in which they came."""

    account: AccountAnswers
    contacts: ContactAnswers
    processes: ProcessAnswers
    webhooks: WebhookAnswers
    campaigns: CampaignAnswers
    refused: dict[str, Refused]


def flaws_of(answer: Any) -> Iterator[str]:
    """What of an answer its model cannot take, and what it does not know, one line each."""
    if isinstance(answer, Mapping):
        for value in answer.values():
            yield from flaws_of(value)
    elif isinstance(answer, list | tuple):
        for value in answer:
            yield from flaws_of(value)
    elif isinstance(answer, pydantic.BaseModel):
        name = type(answer).__name__
        try:
            type(answer).model_validate(
                answer.model_dump(by_alias=True, warnings=False), strict=True
            )
        except pydantic.ValidationError as error:
            for one in error.errors():
                place = "/".join("#" if isinstance(p, int) else str(p) for p in one["loc"])
                yield f"{name} {place}: {one['type']}"
        yield from _unknown(answer)


def _unknown(model: Any) -> Iterator[str]:
    if isinstance(model, pydantic.BaseModel):
        # Attributes and links are named by the account, and their models name nothing.
        if type(model).model_fields:
            yield from (f"{type(model).__name__}: unknown {n}" for n in model.model_extra or ())
        for name in type(model).model_fields:
            yield from _unknown(getattr(model, name))
    elif isinstance(model, list | tuple):
        for part in model:
            yield from _unknown(part)
