"""What can be wrong with the settings, as values.

Belongs here: one problem, the error that carries all of them, and the way a validator states a
problem. Not here: reading files (`document`, `loading`) and the rules themselves (`models`).

No problem ever repeats a value from the file: a key that looks harmless may hold a secret that
was put in the wrong place.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from pydantic_core import PydanticCustomError

REFUSED = "setting_refused"


@dataclass(frozen=True)
class Problem:
    """One thing to correct: where it is, what is wrong, what is allowed, what to do next.

    `line` counts from 1 and is None where no line can be named (a missing file, the environment).
    `key` is the dotted path of the setting, empty for the file as a whole.
    """

    file: str
    line: int | None
    key: str
    what: str
    allowed: str = ""
    next_step: str = ""

    def __str__(self) -> str:
        place = self.file if self.line is None else f"{self.file}:{self.line}"
        subject = f"{self.key}: {self.what}" if self.key else self.what
        parts = [f"{place}: {subject}"]
        if self.allowed:
            parts.append(f"allowed: {self.allowed}")
        if self.next_step:
            parts.append(f"next: {self.next_step}")
        return "; ".join(parts)


class SettingsError(Exception):
    """The settings can't be used. `problems` names everything that is wrong, in file order."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        self.problems = tuple(problems)
        super().__init__("\n".join(str(problem) for problem in self.problems))


def refusal(
    what: str,
    *,
    allowed: str = "",
    next_step: str = "",
    at: tuple[str | int, ...] = (),
) -> PydanticCustomError:
    """State a problem from inside a validator; `at` points further down than the validated key."""
    context = {"what": what, "allowed": allowed, "next_step": next_step, "at": at}
    return PydanticCustomError(REFUSED, "{what}", context)


def did_you_mean(word: str, known: Iterable[str]) -> str | None:
    """The known word that `word` most likely is, if any is close."""
    by_lower = {name.lower(): name for name in known}
    close = difflib.get_close_matches(word.lower().replace("-", "_"), by_lower, n=1)
    close = close or difflib.get_close_matches(word.lower(), by_lower, n=1)
    return by_lower[close[0]] if close else None
