"""Secrets by reference: where a key is kept, never the key itself.

Belongs here: the reference, its two spellings, and the environment it is looked up in. Nothing
here is called while settings are loaded; a secret is read when a client is about to be built, and
is held by nobody but that client.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from dotenv import dotenv_values
from pydantic import GetCoreSchemaHandler, GetJsonSchemaHandler
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema, core_schema

from nl_pipeline.settings.problems import Problem, SettingsError, refusal

ALLOWED_REFERENCES = '"${NAME}" (environment variable or .env) or "file:/absolute/path"'

_ENVIRONMENT = re.compile(r"\$\{([A-Za-z_][A-Za-z0-9_]*)\}")
_FILE = re.compile(r"file:(/.+)")


def environment(*, folder: Path | None = None) -> dict[str, str]:
    """The process environment over the `.env` file of `folder` (the current folder by default).

    A variable that is set in the process wins over the file. Neither is changed. SettingsError
    when the file is there and can't be read.
    """
    path = (folder or Path.cwd()) / ".env"
    try:
        from_file = dotenv_values(path, interpolate=False)
    except (OSError, UnicodeDecodeError) as error:
        problem = Problem(
            file=str(path),
            line=None,
            key="",
            what=f"this file can't be read ({type(error).__name__})",
            next_step="check its permissions, and that it is UTF-8 text",
        )
        raise SettingsError([problem]) from None
    known = {name: value for name, value in from_file.items() if value is not None}
    return {**known, **os.environ}


@dataclass(frozen=True)
class SecretReference:
    """Where a secret is kept: an environment variable or a file.

    `repr` and `str` show the reference as it stands in the settings, never the value behind it.
    """

    kind: Literal["environment", "file"]
    name: str

    @classmethod
    def parse(cls, text: str) -> SecretReference:
        """Read `${NAME}` or `file:/path`. ValueError for anything else, without repeating it."""
        if match := _ENVIRONMENT.fullmatch(text):
            return cls("environment", match.group(1))
        if match := _FILE.fullmatch(text):
            return cls("file", match.group(1))
        raise ValueError(f"not a reference to a secret; allowed: {ALLOWED_REFERENCES}")

    def resolve(self, environ: Mapping[str, str] | None = None) -> str:
        """The secret itself, stripped of surrounding blanks and line ends.

        Looked up in `environ`, by default in `environment()`. SettingsError when it is not set,
        empty or unreadable.
        """
        if self.kind == "environment":
            value = (environment() if environ is None else environ).get(self.name, "").strip()
            if not value:
                raise self._unavailable(
                    "is not set",
                    f"set {self.name} in the environment or in the .env of the current folder",
                )
            return value
        try:
            value = Path(self.name).read_text(encoding="utf-8").strip()
        except (OSError, UnicodeDecodeError) as error:
            raise self._unavailable(
                f"can't be read ({type(error).__name__})",
                "check that the file exists and that this user may read it",
            ) from None
        if not value:
            raise self._unavailable("is an empty file", "write the secret into it")
        return value

    def _unavailable(self, what: str, next_step: str) -> SettingsError:
        problem = Problem(
            file="secrets",
            line=None,
            key=str(self),
            what=f"{what}, so this connection can't sign in",
            next_step=next_step,
        )
        return SettingsError([problem])

    def __str__(self) -> str:
        return f"${{{self.name}}}" if self.kind == "environment" else f"file:{self.name}"

    @classmethod
    def __get_pydantic_core_schema__(
        cls, source: object, handler: GetCoreSchemaHandler
    ) -> CoreSchema:
        return core_schema.no_info_plain_validator_function(cls._from_setting)

    @classmethod
    def __get_pydantic_json_schema__(
        cls, schema: CoreSchema, handler: GetJsonSchemaHandler
    ) -> JsonSchemaValue:
        return {"type": "string", "pattern": f"^({_ENVIRONMENT.pattern}|{_FILE.pattern})$"}

    @classmethod
    def _from_setting(cls, value: Any) -> SecretReference:
        if isinstance(value, cls):
            return value
        try:
            return cls.parse(value)
        except (TypeError, ValueError):
            raise refusal(
                "must be a reference to a secret, not a value (the value is not repeated here)",
                allowed=ALLOWED_REFERENCES,
                next_step="move the secret to .env or to a file and write the reference here; "
                "if this file was shared, replace the secret at the vendor",
            ) from None
