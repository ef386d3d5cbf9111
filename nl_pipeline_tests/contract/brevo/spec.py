"""Brevo's OpenAPI document as a judge of traffic.

Belongs here: the document's operations, and what of a call does not fit them. Not here: which
misfits are accepted (`deviations`), and where calls come from (`recording`).

The document is stricter here than it reads: a property it does not name is a misfit, too, and so is
a status it does not name. Nothing is loaded unless the file is there.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache, cached_property
from pathlib import Path
from typing import Any

import yaml
from jsonschema import Draft4Validator
from jsonschema.protocols import Validator

from nl_pipeline_tests.contract.misfits import FORMATS, Misfit, body_misfits, told
from nl_pipeline_tests.contract.paths import METHODS, operation_of
from nl_pipeline_tests.contract.recording import Exchange

SPEC_FILE = Path(__file__).parents[3].parent / "shared" / "specs" / "brevo-v3.yml"

_FILES = "/files/"
"""Where files of processes lie: a storage of its own, which the document does not describe."""

_JUDGED = (
    "type", "enum", "format", "pattern", "required",
    "minimum", "maximum", "minItems", "maxItems", "minLength", "maxLength", "minProperties",
)  # fmt: skip


@dataclass(frozen=True)
class Operation:
    """One operation of the document; schemas are complete, without references."""

    name: str
    details: Mapping[str, Any] = field(repr=False)
    schemas: Schemas = field(repr=False)

    def parameters(self, place: str) -> dict[str, Mapping[str, Any]]:
        """The parameters in `query` or `path`, by name."""
        found = (self.schemas.resolved(p) for p in self.details.get("parameters", ()))
        return {p["name"]: p for p in found if p["in"] == place}

    @cached_property
    def body(self) -> Mapping[str, Any] | None:
        """The schema of the body of a request, None if there is none."""
        content = self.details.get("requestBody", {}).get("content", {})
        return self.schemas.strict(content["application/json"]["schema"]) if content else None

    @cached_property
    def answers(self) -> Mapping[str, Mapping[str, Any] | None]:
        """The schema of the answer by status; None: an answer without a body."""
        found: dict[str, Mapping[str, Any] | None] = {}
        for status, response in self.details["responses"].items():
            content = self.schemas.resolved(response).get("content", {})
            schema = content.get("application/json", {}).get("schema")
            found[str(status)] = None if schema is None else self.schemas.strict(schema)
        return found


class Schemas:
    """The schemas of one document, made complete and strict."""

    def __init__(self, document: Mapping[str, Any]) -> None:
        self._document = document

    def resolved(self, node: Mapping[str, Any]) -> Mapping[str, Any]:
        """The node itself, or what its reference names."""
        while "$ref" in node:
            found: Any = self._document
            for part in node["$ref"].removeprefix("#/").split("/"):
                found = found[part]
            node = found
        return node

    def strict(self, schema: Mapping[str, Any]) -> dict[str, Any]:
        """The schema in words of JSON Schema, without room for properties it does not name."""
        whole = self._merged(schema)
        strict: dict[str, Any] = {name: whole[name] for name in _JUDGED if name in whole}
        if whole.get("properties"):
            parts = whole["properties"]
            strict["properties"] = {name: self.strict(part) for name, part in parts.items()}
            strict["additionalProperties"] = False
        if isinstance(whole.get("additionalProperties"), Mapping):
            strict["additionalProperties"] = self.strict(whole["additionalProperties"])
        if "items" in whole:
            strict["items"] = self.strict(whole["items"])
        variants = whole.get("oneOf", whole.get("anyOf"))
        if variants:
            strict["anyOf"] = [self.strict(variant) for variant in variants]
        if whole.get("nullable"):
            strict["type"] = [strict["type"], "null"]
            if "enum" in strict:
                strict["enum"] = [*strict["enum"], None]
        return strict

    def _merged(self, schema: Mapping[str, Any]) -> Mapping[str, Any]:
        """One schema for all the parts that have to hold at once (`allOf`)."""
        schema = self.resolved(schema)
        if "allOf" not in schema:
            return schema
        merged = {name: value for name, value in schema.items() if name != "allOf"}
        for part in map(self._merged, schema["allOf"]):
            merged = {**part, **merged} | {
                "properties": {**part.get("properties", {}), **merged.get("properties", {})},
                "required": [*part.get("required", ()), *merged.get("required", ())],
            }
        return merged


class Spec:
    """The document."""

    def __init__(self, document: Mapping[str, Any]) -> None:
        schemas = Schemas(document)
        self.operations = [
            Operation(f"{method.upper()} {path}", details, schemas)
            for path, methods in document["paths"].items()
            for method, details in methods.items()
            if method.upper() in METHODS
        ]

    @classmethod
    @cache
    def load(cls) -> Spec:
        """The document of the project's shared folder. The parser in C takes a tenth of the time of
        the other."""
        loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
        return cls(yaml.load(SPEC_FILE.read_bytes(), Loader=loader))

    def operation(self, method: str, path: str) -> tuple[Operation, dict[str, str]] | None:
        """The operation of a call and its path parameters."""
        return operation_of(self.operations, method=method, path=path)


def misfits_of(exchanges: Iterable[Exchange], *, spec: Spec) -> Iterator[Misfit]:
    """Everything in the traffic that does not fit the document."""
    for exchange in exchanges:
        if exchange.path.startswith(_FILES):
            continue
        found = spec.operation(exchange.method, exchange.path)
        if found is None:
            yield Misfit(f"{exchange.method} {exchange.path}", "path", "unknown")
            continue
        operation, path = found
        yield from _parameter_misfits(operation, path=path, query=exchange.query)
        yield from _request_misfits(operation, exchange.request_body)
        yield from _answer_misfits(operation, exchange)


def _parameter_misfits(
    operation: Operation, *, path: Mapping[str, str], query: Iterable[tuple[str, str]]
) -> Iterator[Misfit]:
    asked: dict[str, list[str]] = {}
    for name, text in query:
        asked.setdefault(name, []).append(text)
    in_path = {name: [text] for name, text in path.items()}
    for place, given in (("path", in_path), ("query", asked)):
        known = operation.parameters(place)
        for name, texts in given.items():
            if name not in known:
                yield Misfit(operation.name, f"{place} {name}", "unknown", texts[0])
                continue
            schema = operation.schemas.strict(known[name]["schema"])
            value = _read(texts, schema=schema)
            for error in _validator(schema).iter_errors(value):
                yield from told(operation.name, f"{place} {name}", error)
        for name, parameter in known.items():
            if parameter.get("required") and name not in given:
                yield Misfit(operation.name, f"{place} {name}", "missing")


def _request_misfits(operation: Operation, body: bytes) -> Iterator[Misfit]:
    if not body:
        if operation.details.get("requestBody", {}).get("required"):
            yield Misfit(operation.name, "request", "missing")
        return
    if operation.body is None:
        yield Misfit(operation.name, "request", "unknown", body[:60].decode())
        return
    validator = _validator(operation.body)
    yield from body_misfits(operation.name, "request", body=body, validator=validator)


def _answer_misfits(operation: Operation, exchange: Exchange) -> Iterator[Misfit]:
    status, body = str(exchange.status), exchange.answer_body
    place = "answer" if exchange.status < 400 else f"error {status}"
    if status not in operation.answers:
        yield Misfit(operation.name, place, "status not documented", body[:60].decode())
        return
    schema = operation.answers[status]
    if schema is None:
        if body:
            yield Misfit(operation.name, place, "unknown", body[:60].decode())
        return
    if exchange.content_type != "application/json":
        yield Misfit(operation.name, place, "content type", exchange.content_type)
    yield from body_misfits(operation.name, place, body=body, validator=_validator(schema))


def _validator(schema: Mapping[str, Any]) -> Validator:
    return Draft4Validator(schema, format_checker=FORMATS)


def _read(texts: list[str], *, schema: Mapping[str, Any]) -> Any:
    """What the texts of a parameter stand for; a list is its name said several times."""
    if schema.get("type") == "array":
        return [_read([text], schema=schema["items"]) for text in texts]
    if len(texts) > 1:
        return texts
    (text,) = texts
    if schema.get("type") == "boolean":
        return {"true": True, "false": False}.get(text, text)
    if schema.get("type") in ("integer", "number") and re.fullmatch(r"-?\d+", text):
        return int(text)
    return text
