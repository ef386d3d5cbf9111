"""The cast of the demo: who can play in which story.

Belongs here: choosing people by what the twins hold before anything happens. Must not be here: what
happens to them (``stories``).
"""

from __future__ import annotations

from nl_pipeline.cli.demo.audiences import ABSENT, SUBSCRIBED
from nl_pipeline.cli.demo.picture import CANCELLATION, NOT_SPECIFIED, YES, Contact, Picture


class Cast:
    """Who can play in a story; everybody plays in one only."""

    def __init__(self, picture: Picture) -> None:
        self._picture = picture
        simple = [c for c in picture.contacts.values() if is_simple(c, picture=picture)]
        allowed = [c for c in simple if c.may_be_written_to]
        self._subscribers = [c for c in allowed if self._is(c.key or "", SUBSCRIBED)]
        strangers = [c for c in allowed if self._is(c.key or "", ABSENT)]
        self._unspecified = [c for c in strangers if c.newsletter == NOT_SPECIFIED]
        self._cancelled = [c for c in strangers if c.newsletter == CANCELLATION]
        self._private = [
            c
            for c in simple
            if c.is_private and c.newsletter == NOT_SPECIFIED and self._is(c.key or "", ABSENT)
        ]
        self._households = sorted(
            key
            for key, holders in picture.holders.items()
            if _is_written_like_its_key(key)
            and self._is(key, SUBSCRIBED)
            and len([c for c in holders if c.key == key and c.newsletter == YES]) > 1
            and all(c.key == key for c in holders)
        )

    def _is(self, key: str, status: str) -> bool:
        return all(audience.status_of(key) == status for audience in self._picture.audiences)

    def subscribers(self, count: int) -> list[Contact]:
        """People who are Yes and subscribed at both providers."""
        return _taken(self._subscribers, count)

    def unspecified(self, count: int) -> list[Contact]:
        """Contacts that say nothing and are unknown to both providers."""
        return _taken(self._unspecified, count)

    def cancelled(self, count: int) -> list[Contact]:
        """Contacts that cancelled before, unknown to both providers."""
        return _taken(self._cancelled, count)

    def private(self, count: int) -> list[Contact]:
        """Private contacts that say nothing, unknown to both providers."""
        return _taken(self._private, count)

    def household(self) -> list[Contact]:
        """All contacts of one subscribed address that several share; none if there is none."""
        key = self._households.pop(0) if self._households else ""
        return list(self._picture.holders.get(key, ()))


def is_simple(contact: Contact, *, picture: Picture) -> bool:
    """One address that nobody else has, and plain names: the story is about nothing else."""
    return (
        contact.key is not None
        and contact.keys == {contact.key}
        and _is_written_like_its_key(contact.key)
        and len(picture.holders[contact.key]) == 1
        and contact.first_name.isalpha()
        and contact.last_name.isalpha()
    )


def _is_written_like_its_key(key: str) -> bool:
    """Acts name people by the key; the twins know an international domain by its own letters."""
    return key.isascii() and "@xn--" not in key and ".xn--" not in key


def _taken(pool: list[Contact], count: int) -> list[Contact]:
    taken, pool[:] = pool[:count], pool[count:]
    return taken
