"""The settings described for people and for editors, from the models and nothing else.

Belongs here: the walk over the models, the table behind the configuration page, the JSON Schema.
"""

from __future__ import annotations

import typing
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from types import NoneType, UnionType
from typing import Any, Literal, Union, get_args, get_origin

from pydantic import BaseModel
from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined

from nl_pipeline.settings.models import SettingsFile
from nl_pipeline.settings.secrets import SecretReference
from nl_pipeline.settings.values import Allowed, KeyName

_TYPE_NAMES: dict[object, str] = {
    str: "text",
    int: "whole number",
    float: "number",
    bool: "true or false",
    Path: "path",
    date: "date",
    SecretReference: "secret reference",
}


@dataclass(frozen=True)
class SettingDoc:
    """One key of the connections file.

    `key` is the dotted path, with `<name>` for a name the user chooses and `[]` for the items of
    a list. `default` is empty where the key is required.
    """

    key: str
    type: str
    default: str
    allowed: str
    description: str


def describe() -> list[SettingDoc]:
    """Every key of the connections file, in the order of the models."""
    return list(_describe(SettingsFile, prefix=""))


def json_schema() -> dict[str, Any]:
    """The JSON Schema (2020-12) of the connections file, for completion in editors."""
    schema = SettingsFile.model_json_schema()
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        **schema,
        "title": "connections.yaml of nl-pipeline",
    }


def model_at(path: tuple[str | int, ...]) -> type[BaseModel] | None:
    """The model that describes the mapping at `path`; None where no model does."""
    model: type[BaseModel] | None = SettingsFile
    steps = iter(path)
    for step in steps:
        if model is None or not isinstance(step, str) or step not in model.model_fields:
            return None
        nested = nested_model(model.model_fields[step])
        if nested is not None and nested.suffix:
            next(steps, None)
        model = None if nested is None else nested.model
    return model


def field_at(path: tuple[str | int, ...]) -> FieldInfo | None:
    """The description of the setting at `path`; None for a name chosen by the user."""
    if not path:
        return None
    model = model_at(path[:-1])
    last = path[-1]
    return None if model is None or not isinstance(last, str) else model.model_fields.get(last)


def allowed_text(field: FieldInfo) -> str:
    """What may be written for `field`, in words; empty where the type says it all."""
    for item in field.metadata:
        if isinstance(item, Allowed):
            return item.text
    for candidate in _alternatives(field.annotation):
        if get_origin(candidate) is Literal:
            return ", ".join(str(value) for value in get_args(candidate))
        for item in getattr(candidate, "__metadata__", ()):
            if isinstance(item, Allowed):
                return item.text
    return ""


@dataclass(frozen=True)
class Nested:
    """A model below a key; `suffix` is `.<name>` for named entries, `[]` for a list, or empty.

    `key` says what may be written for the name of an entry.
    """

    model: type[BaseModel]
    suffix: str
    key: str = ""


def nested_model(field: FieldInfo) -> Nested | None:
    """The model below `field`, if its value is made of further keys."""
    for candidate in _alternatives(field.annotation):
        origin, arguments = get_origin(candidate), get_args(candidate)
        if _is_model(candidate):
            return Nested(candidate, "")
        if origin is dict and _is_model(arguments[1]):
            return _named_entries(*arguments)
        if origin is tuple and _is_model(arguments[0]):
            return Nested(arguments[0], "[]")
    return None


def _named_entries(key: Any, model: type[BaseModel]) -> Nested:
    told = {type(item): item.text for item in key.__metadata__ if hasattr(item, "text")}
    return Nested(model, f".<{told.get(KeyName, 'name')}>", told[Allowed])


def _is_model(candidate: Any) -> typing.TypeGuard[type[BaseModel]]:
    return isinstance(candidate, type) and issubclass(candidate, BaseModel)


def _alternatives(annotation: Any) -> list[Any]:
    if get_origin(annotation) in (Union, UnionType):
        return [item for item in get_args(annotation) if item is not NoneType]
    return [annotation]


def _describe(
    model: type[BaseModel], *, prefix: str, defaults: BaseModel | None = None
) -> Iterator[SettingDoc]:
    """`defaults` is the value the key above has by default, where it has one."""
    required_first = sorted(model.model_fields.items(), key=lambda item: not item[1].is_required())
    for name, field in required_first:
        nested = nested_model(field)
        default = field.default if defaults is None else getattr(defaults, name)
        key = f"{prefix}{name}"
        if nested is None or allowed_text(field) or nested.suffix == "[]":
            yield SettingDoc(
                key=key,
                type=_type_name(field, nested=nested),
                default=_default_text(default, nested=nested),
                allowed=allowed_text(field),
                description=field.description or "",
            )
        if nested is not None:
            yield from _describe(
                nested.model,
                prefix=f"{key}{nested.suffix}.",
                defaults=default if isinstance(default, BaseModel) else None,
            )


def _type_name(field: FieldInfo, *, nested: Nested | None) -> str:
    if nested is not None:
        return "list" if nested.suffix == "[]" else "keys"
    candidate = _alternatives(field.annotation)[0]
    if get_origin(candidate) is Literal:
        return "choice"
    if get_origin(candidate) is tuple:
        return "list"
    if get_origin(candidate) is typing.Annotated:
        candidate = get_args(candidate)[0]
    return _TYPE_NAMES[candidate]


def _default_text(default: Any, *, nested: Nested | None) -> str:
    if default is PydanticUndefined:
        return ""
    if isinstance(default, tuple):
        return ", ".join(str(getattr(item, "name", item)) for item in default) or "none"
    if default is None:
        return "off" if nested is not None else "none"
    if isinstance(default, bool):
        return str(default).lower()
    return f"{default:g}" if isinstance(default, float) else str(default)
