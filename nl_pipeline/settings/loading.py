"""From the connections file to validated settings, with every problem named at once.

Belongs here: which file is read, and the translation of validation errors into problems with a
line. Secrets are not resolved here and the network is not touched.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from nl_pipeline.settings.document import Document, KeyPath, read_document
from nl_pipeline.settings.documentation import allowed_text, field_at, model_at, nested_model
from nl_pipeline.settings.models import Settings, SettingsFile
from nl_pipeline.settings.problems import REFUSED, Problem, SettingsError, did_you_mean
from nl_pipeline.settings.secrets import environment
from nl_pipeline.settings.templates import sandbox_text

CONFIG_VARIABLE = "NL_PIPELINE_CONFIG"
DEFAULT_FILE = "connections.yaml"


def load(path: Path | None = None, *, environ: Mapping[str, str] | None = None) -> Settings:
    """The settings of `path`, else of the file $NL_PIPELINE_CONFIG names, else of
    `connections.yaml` in the current folder, else the embedded default: the connections
    `demo-mailchimp` and `demo-brevo` to a sandbox on this machine.

    `environ` is where the variable is looked up, by default `environment()`. SettingsError lists
    everything that is wrong with the file.
    """
    source = _source(path, environment() if environ is None else environ)
    if source is None:
        return parse(sandbox_text(), file="embedded default", folder=Path.cwd())
    try:
        text = source.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsError([_unreadable(source, error)]) from None
    settings = parse(text, file=str(source), folder=source.resolve().parent)
    return replace(settings, source=source.resolve())


def parse(text: str, *, file: str, folder: Path) -> Settings:
    """The settings written in `text`; `file` is named in problems, `folder` anchors `data_dir`."""
    document = read_document(text, file=file)
    try:
        entries = SettingsFile.model_validate({} if document.value is None else document.value)
    except ValidationError as error:
        problems = [_problem(details, document) for details in error.errors(include_url=False)]
        raise SettingsError(sorted(problems, key=lambda problem: problem.line or 0)) from None
    data_dir = (folder / entries.data_dir.expanduser()).absolute()
    log_dir = entries.webhooks.log_dir or data_dir / "webhooks"
    return Settings(
        connections={name: entry.named(name) for name, entry in entries.connections.items()},
        data_dir=data_dir,
        memory_limit=entries.memory_limit,
        webhooks=entries.webhooks,
        webhook_root=(folder / log_dir.expanduser()).absolute(),
        source=None,
    )


def _source(path: Path | None, environ: Mapping[str, str]) -> Path | None:
    if path is not None:
        return path
    if named := environ.get(CONFIG_VARIABLE):
        return Path(named)
    default = Path(DEFAULT_FILE)
    return default if default.exists() else None


def _unreadable(source: Path, error: OSError | UnicodeDecodeError) -> Problem:
    if isinstance(error, FileNotFoundError):
        what = "there is no such file"
        next_step = f"check --config and ${CONFIG_VARIABLE}, or write one: nl-pipeline init"
    elif isinstance(error, UnicodeDecodeError):
        what, next_step = "the file is not UTF-8 text", "save it as UTF-8"
    else:
        what = f"the file can't be read ({type(error).__name__})"
        next_step = "check its permissions"
    return Problem(file=str(source), line=None, key="", what=what, next_step=next_step)


# Validation errors whose words come from us; `{field}` placeholders come from the error's context.
_WORDS = {
    "string_type": "must be text; put it in quotes",
    "int_type": "must be a whole number",
    "float_type": "must be a number",
    "bool_type": "must be true or false",
    "bool_parsing": "must be true or false",
    "path_type": "must be a path",
    "literal_error": "is none of the allowed words",
    "string_pattern_mismatch": "is not written as it has to be",
    "greater_than_equal": "is too small",
    "less_than_equal": "is too large",
    "string_too_short": "must not be empty",
    "too_short": "must not be empty",
    "model_type": "must be a group of keys",
    "dict_type": "must be a group of named entries",
    "tuple_type": "must be a list",
}


def _problem(details: ErrorDetails, document: Document) -> Problem:
    path: KeyPath = tuple(details["loc"])
    kind = details["type"]
    if kind == REFUSED:
        context = details["ctx"]
        path = (*path, *context["at"])
        what, allowed, next_step = context["what"], context["allowed"], context["next_step"]
    elif kind == "missing":
        what, allowed, next_step = _missing(path)
    elif kind == "extra_forbidden":
        what, allowed, next_step = _unknown_key(path)
    else:
        what = _WORDS.get(kind, details["msg"])
        allowed, next_step = _allowed_at(path), ""
    return Problem(
        file=document.file,
        line=document.line_of(path),
        key=_dotted(path),
        what=what,
        allowed=allowed,
        next_step=next_step or "correct this line",
    )


def _missing(path: KeyPath) -> tuple[str, str, str]:
    next_step = f"add `{path[-1]}:`; nl-pipeline init writes a commented example"
    return "this required key is missing", _allowed_at(path), next_step


def _unknown_key(path: KeyPath) -> tuple[str, str, str]:
    model = model_at(path[:-1])
    known = [] if model is None else list(model.model_fields)
    next_step = "remove it, or correct its spelling"
    if close := did_you_mean(str(path[-1]), known):
        next_step = f"did you mean `{close}`?"
    return "this key is not known here", ", ".join(known), next_step


def _allowed_at(path: KeyPath) -> str:
    if path and path[-1] == "[key]":
        named = field_at(path[:-2])
        entries = None if named is None else nested_model(named)
        return "" if entries is None else entries.key
    field = field_at(path)
    if field is not None and (text := allowed_text(field)):
        return text
    if field is not None and (nested := nested_model(field)) is not None and nested.suffix:
        return "a list" if nested.suffix == "[]" else f"entries, each named by {nested.key}"
    if (model := model_at(path)) is not None:
        return "the keys " + ", ".join(model.model_fields)
    return _allowed_at(path[:-1]) if path and isinstance(path[-1], int) else ""


def _dotted(path: KeyPath) -> str:
    key = ""
    for step in path:
        if isinstance(step, int):
            key += f"[{step}]"
        elif step != "[key]":
            key += f".{step}" if key else step
    return key
