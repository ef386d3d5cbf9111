"""The endpoints of attributes.

Belongs here: listing, creating, changing and deleting them. Does not belong here: the values that
contacts have (``attribute_values``).
"""

from __future__ import annotations

import re
from typing import Any

import msgspec

from nl_pipeline.sandbox.brevo import errors
from nl_pipeline.sandbox.brevo.account import Account
from nl_pipeline.sandbox.brevo.calls import NO_CONTENT, Answer, ApiCall
from nl_pipeline.sandbox.brevo.state import Attribute

CATEGORIES = ("normal", "transactional", "category", "calculated", "global")
_TYPES = {
    "normal": ("text", "date", "float", "boolean", "multiple-choice", "user"),
    "transactional": ("text", "date", "float", "boolean", "id"),
    "category": ("category", ""),
}
LONGEST_OPTION = 200
_NAME = re.compile(r"^[A-Z][A-Z0-9_-]*$")


class _Option(msgspec.Struct):
    value: int
    label: str


class _AttributeBody(msgspec.Struct):
    type: str = ""
    value: str = ""
    enumeration: list[_Option] = []
    multiCategoryOptions: list[str] = []


def list_attributes(account: Account, call: ApiCall) -> Answer:
    """``GET /contacts/attributes``; it has no parameters."""
    return Answer({"attributes": [_shown(item) for item in account.attributes.values()]})


def create_attribute(account: Account, call: ApiCall) -> Answer:
    """201 without a body. Lower-case names are stored in upper case [inferred]."""
    category, name = _category(call), call.parameters["name"].upper()
    body = call.read(_AttributeBody)
    if name in account.attributes:
        raise errors.invalid("Attribute name must be unique")
    if not _NAME.match(name):
        raise errors.invalid("Attribute name is invalid")
    allowed = _TYPES.get(category)
    if allowed is not None and body.type not in allowed:
        raise errors.invalid(f"Attribute type should be one of {', '.join(filter(None, allowed))}")
    if category in ("calculated", "global") and not body.value:
        raise errors.missing("Value is missing")
    if category == "category" and not body.enumeration:
        raise errors.missing("Enumeration is missing")
    _check_options(body)
    account.attributes[name] = Attribute(
        name=name,
        category=category,
        type="" if category == "category" else body.type or "float",
        enumeration={option.value: option.label for option in body.enumeration},
        options=list(body.multiCategoryOptions),
        calculated_value=body.value,
    )
    return Answer(None, status=201)


def change_attribute(account: Account, call: ApiCall) -> Answer:
    """Options, enumeration or formula; the type stays."""
    attribute = _existing(account, call)
    body = call.read(_AttributeBody)
    _check_options(body)
    if body.enumeration:
        attribute.enumeration = {option.value: option.label for option in body.enumeration}
    if body.multiCategoryOptions:
        attribute.options = list(body.multiCategoryOptions)
    attribute.calculated_value = body.value or attribute.calculated_value
    return NO_CONTENT


def delete_attribute(account: Account, call: ApiCall) -> Answer:
    """The attribute goes, and its values with it."""
    attribute = _existing(account, call)
    del account.attributes[attribute.name]
    for contact in account.contacts.values():
        contact.attributes.pop(attribute.name, None)
    return NO_CONTENT


def delete_option(account: Account, call: ApiCall) -> Answer:
    """One option of a multiple choice; contacts lose it."""
    attribute = account.attributes.get(call.parameters["name"])
    option = call.parameters["option"]
    if (
        call.parameters["category"] != "multiple-choice"
        or attribute is None
        or attribute.type != "multiple-choice"
        or option not in attribute.options
    ):
        raise errors.not_found("Attribute option does not exist")
    attribute.options.remove(option)
    for contact in account.contacts.values():
        chosen = contact.attributes.get(attribute.name)
        if chosen and option in chosen:
            contact.attributes[attribute.name] = [one for one in chosen if one != option]
    return NO_CONTENT


def _category(call: ApiCall) -> str:
    category = call.parameters["category"]
    if category not in CATEGORIES:
        raise errors.invalid(f"Attribute category should be one of {', '.join(CATEGORIES)}")
    return category


def _existing(account: Account, call: ApiCall) -> Attribute:
    attribute = account.attributes.get(call.parameters["name"])
    if attribute is None or attribute.category != _category(call):
        raise errors.not_found("Attribute name does not exist")
    return attribute


def _check_options(body: _AttributeBody) -> None:
    if any(len(option) > LONGEST_OPTION for option in body.multiCategoryOptions):
        raise errors.invalid(f"Options should not be longer than {LONGEST_OPTION} characters")


def _shown(attribute: Attribute) -> dict[str, Any]:
    shown: dict[str, Any] = {"name": attribute.name, "category": attribute.category}
    if attribute.type:
        shown["type"] = attribute.type
    if attribute.enumeration:
        shown["enumeration"] = [
            {"value": value, "label": label, "valueStr": str(value)}
            for value, label in attribute.enumeration.items()
        ]
    if attribute.type == "multiple-choice":
        shown["multiCategoryOptions"] = attribute.options
    if attribute.calculated_value:
        shown["calculatedValue"] = attribute.calculated_value
    return shown
