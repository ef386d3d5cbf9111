"""Attributes of contacts: what the account has, and whether a value fits one.

Belongs here: discovery, creation, and the check before a write. Does not belong here: which
attribute holds a name; that depends on the language of the account and is mapped elsewhere.

Brevo accepts attributes it does not have and values of the wrong type, and drops both without a
word. So every value is held against the attributes before it is sent.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping
from datetime import date
from typing import Any

import msgspec

from nl_pipeline.clients.brevo.models import Attribute
from nl_pipeline.clients.brevo.session import Nothing, Path, Session
from nl_pipeline.clients.errors import OutcomeUnknown, Permanent

_ALL = "/contacts/attributes"
_ONE = "/contacts/attributes/{attributeCategory}/{attributeName}"


class _Answer(msgspec.Struct, frozen=True):
    attributes: list[Attribute] = msgspec.field(default_factory=list)


class Attributes:
    """The attributes of one account, asked for once and again when one was created."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._lock = threading.Lock()
        self._known: dict[str, Attribute] | None = None

    def all(self) -> tuple[Attribute, ...]:
        """Ask for all attributes. The call takes no parameter: strays were seen refused."""
        answer = self._session.get(Path(_ALL), answer=_Answer)
        self._known = {attribute.name: attribute for attribute in answer.attributes}
        return tuple(answer.attributes)

    def create(self, name: str, *, type_: str) -> None:
        """Create a normal attribute; one that exists with this type already is no error."""
        try:
            self._session.send(
                "POST",
                Path(_ONE, ["normal", name]),
                answer=Nothing,
                body={"type": type_},
                repeatable=False,
            )
        except (OutcomeUnknown, Permanent):
            # What Brevo says of a name that is taken is documented nowhere.
            if not any(a.name == name and a.type == type_ for a in self.all()):
                raise
        self._known = None

    def misfits(self, values: Mapping[str, Any]) -> tuple[str, ...]:
        """Return the names of the values that Brevo would not store."""
        if not values:
            return ()
        known = self._loaded()
        return tuple(
            sorted(
                name
                for name, value in values.items()
                if name not in known or not fits(value, attribute=known[name])
            )
        )

    def _loaded(self) -> Mapping[str, Attribute]:
        with self._lock:
            if self._known is None:
                self.all()
            return self._known or {}


def fits(value: Any, *, attribute: Attribute) -> bool:
    """Whether an attribute takes the value. "" clears one of any type."""
    if not attribute.is_writable:
        return False
    if value == "":
        return True
    if attribute.category == "category":
        return _is_choice(value, attribute=attribute)
    # The type may be missing in an answer; a text then is what it most likely takes.
    match attribute.type or "text":
        case "text" | "user":
            return isinstance(value, str)
        case "float":
            return isinstance(value, int | float) and not isinstance(value, bool)
        case "boolean":
            return isinstance(value, bool)
        case "date":
            return isinstance(value, str) and _is_day(value)
        case "multiple-choice":
            options = set(attribute.multi_category_options or ())
            return isinstance(value, list) and options.issuperset(value)
        case _:
            return False


def _is_choice(value: Any, *, attribute: Attribute) -> bool:
    choices = attribute.enumeration or ()
    if isinstance(value, bool):
        return False
    return any(value in (choice.value, choice.label) for choice in choices)


def _is_day(text: str) -> bool:
    try:
        return date.fromisoformat(text).isoformat() == text
    except ValueError:
        return False
