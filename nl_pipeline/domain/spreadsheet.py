"""Texts that a spreadsheet must not take for formulas.

Belongs here: the form of one cell. Must not be here: writing files, what a cell means.
"""

from __future__ import annotations

#: A spreadsheet takes a cell that begins with one of these as a formula; full-width signs count as
#: the plain ones in East Asian editions (OWASP, CSV injection).
_FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")


def formula_safe(value: object) -> str:
    """The text of a cell, "" for nothing; one that could be a formula begins with `'`.

    Blanks in front do not make it safe: some programs cut them off.
    """
    text = "" if value is None or value != value else str(value)  # NaN is not equal to itself
    return f"'{text}" if text.lstrip(" ").startswith(_FORMULA_STARTS) else text
