"""Mailchimp's Swagger document as a judge of single requests and answers.

Belongs here: the document's operations, and what of a call does not fit them. Not here: which
misfits are accepted (`deviations`), and where calls come from (`recording`).

The document is stricter here than it reads: a property it does not name is a misfit, too, and so
is a read-only one in a request. Nothing is loaded unless the file is there.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import msgspec
from jsonschema import Draft4Validator, validators
from jsonschema.exceptions import ValidationError
from jsonschema.protocols import Validator

from nl_pipeline_tests.contract.misfits import FORMATS, Misfit, body_misfits, told
from nl_pipeline_tests.contract.paths import METHODS, operation_of

SPEC_FILE = Path(__file__).parents[3].parent / "shared" / "specs" / "mailchimp-marketing.json"


def _one_variant(
    validator: Any, variants: list[dict[str, Any]], instance: Any, schema: Mapping[str, Any]
) -> Iterator[ValidationError]:
    """`x-oneOf` with `x-discriminator`: the document's way of telling kinds of an object apart."""
    name = schema["x-discriminator"]["propertyName"]
    kind = instance.get(name)
    for variant in variants:
        if kind in variant["properties"][name]["enum"]:
            yield from validator.descend(instance, variant)
            return
    yield ValidationError("not one of the kinds", instance=kind, validator="kind", path=[name])


_Validator: type[Validator] = validators.extend(  # type: ignore[no-untyped-call]
    Draft4Validator, {"x-oneOf": _one_variant}
)


@dataclass(frozen=True)
class Operation:
    """One operation of the document."""

    name: str
    details: Mapping[str, Any] = field(repr=False)
    produces: tuple[str, ...]

    def parameters(self, place: str) -> dict[str, Mapping[str, Any]]:
        """The parameters in `query`, `path` or `body`, by name."""
        return {p["name"]: p for p in self.details.get("parameters", ()) if p["in"] == place}


class Spec:
    """The document."""

    def __init__(self, document: Mapping[str, Any]) -> None:
        produces = tuple(document["produces"])
        self.operations = [
            Operation(
                f"{method.upper()} {path}",
                details,
                tuple(details.get("produces", produces)),
            )
            for path, methods in document["paths"].items()
            for method, details in methods.items()
            if method.upper() in METHODS
        ]

    @classmethod
    @cache
    def load(cls) -> Spec:
        """The document of the project's shared folder."""
        return cls(msgspec.json.decode(SPEC_FILE.read_bytes()))

    def operation(self, method: str, path: str) -> tuple[Operation, dict[str, str]] | None:
        """The operation of a call and its path parameters; literal paths go first."""
        return operation_of(self.operations, method=method, path=path)


def query_misfits(
    operation: Operation, *, path: Mapping[str, str], query: Mapping[str, str]
) -> Iterator[Misfit]:
    """What does not fit among the parameters of a call."""
    for place, given in (("path", path), ("query", query)):
        known = operation.parameters(place)
        for name, text in given.items():
            if name not in known:
                yield Misfit(operation.name, f"{place} {name}", "unknown", text)
                continue
            validator = _Validator(_schema_of_parameter(known[name]))
            for error in validator.iter_errors(_read(text, known[name])):
                yield from told(operation.name, f"{place} {name}", error)
        for name in known:
            if known[name].get("required") and name not in given:
                yield Misfit(operation.name, f"{place} {name}", "missing")


def request_misfits(operation: Operation, body: bytes) -> Iterator[Misfit]:
    """What does not fit in the body of a request."""
    known = list(operation.parameters("body").values())
    if not body:
        if any(parameter.get("required") for parameter in known):
            yield Misfit(operation.name, "request", "missing")
        return
    if not known:
        yield Misfit(operation.name, "request", "unknown", body[:60].decode())
        return
    schema = _strict(known[0]["schema"], is_request=True)
    yield from body_misfits(operation.name, "request", body=body, validator=_validator(schema))


def answer_misfits(
    operation: Operation, *, status: int, content_type: str | None, body: bytes
) -> Iterator[Misfit]:
    """What does not fit in an answer; `content_type` None: not told (results of a batch)."""
    responses = operation.details["responses"]
    failed = status >= 400
    if not failed and str(status) not in responses:
        yield Misfit(operation.name, "answer", "status not documented", str(status))
        return
    place = "error" if failed else "answer"
    wanted = operation.produces[-1 if failed else 0]
    if content_type is not None and content_type != wanted:
        yield Misfit(operation.name, place, "content type", content_type)
    schema = responses["default" if failed else str(status)].get("schema")
    if schema is None:
        if body:
            yield Misfit(operation.name, place, "unknown", body[:60].decode())
        return
    validator = _validator(_strict(schema, is_request=False))
    yield from body_misfits(operation.name, place, body=body, validator=validator)


def _validator(schema: Mapping[str, Any]) -> Validator:
    return _Validator(schema, format_checker=FORMATS)


def _strict(schema: Mapping[str, Any], *, is_request: bool) -> dict[str, Any]:
    """The schema without room for properties that it does not name."""
    strict = dict(schema)
    if "properties" in schema:
        strict["properties"] = {
            name: _strict(part, is_request=is_request)
            for name, part in schema["properties"].items()
            if not (is_request and part.get("readOnly"))
        }
        strict.setdefault("additionalProperties", False)
    if "x-oneOf" in schema:
        strict["x-oneOf"] = [_strict(part, is_request=is_request) for part in schema["x-oneOf"]]
    if isinstance(schema.get("items"), Mapping):
        strict["items"] = _strict(schema["items"], is_request=is_request)
    if isinstance(schema.get("additionalProperties"), Mapping):
        strict["additionalProperties"] = _strict(
            schema["additionalProperties"], is_request=is_request
        )
    return strict


def _schema_of_parameter(parameter: Mapping[str, Any]) -> dict[str, Any]:
    names = ("type", "enum", "minimum", "maximum", "items", "maxItems", "minItems")
    schema = {name: parameter[name] for name in names if name in parameter}
    if schema.get("type") == "array" and "enum" in schema:
        # The document lists what single values may be, each as a list of one.
        permitted = [value for values in schema.pop("enum") for value in values]
        schema["items"] = {**schema.get("items", {}), "enum": permitted}
    return schema


def _read(text: str, parameter: Mapping[str, Any]) -> Any:
    """The value that a text of the query stands for, the text itself when it is none."""
    kind = parameter.get("type")
    if kind == "array":
        return text.split(",")
    if kind == "boolean":
        return {"true": True, "false": False}.get(text, text)
    if kind in ("integer", "number") and re.fullmatch(r"-?\d+", text):
        return int(text)
    return text
