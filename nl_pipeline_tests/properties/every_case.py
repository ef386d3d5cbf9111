"""Every combination of the conditions a rule may look at, and the row that decides each.

Belongs here: the enumeration, and a reading of the table that does not use ``rule_for``: one mask
per row over all combinations. Must not be here: expectations.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import cache
from itertools import product
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from nl_pipeline.domain.rules import CONDITIONS, RULES, Case
from nl_pipeline.domain.states import (
    Base,
    Eligibility,
    Ledger,
    Newsletter,
    ProviderState,
    Signup,
    SinceBase,
)

DIMENSIONS: dict[str, tuple[Any, ...]] = {
    "base": tuple(Base),
    "newsletter": tuple(Newsletter),
    "provider": tuple(ProviderState),
    "ledger": tuple(Ledger),
    "eligibility": tuple(Eligibility),
    "since_base": tuple(SinceBase),
    "signup": tuple(Signup),
    "complete": (True, False),
    "adopt_existing": (True, False),
}
SHAPE = tuple(len(values) for values in DIMENSIONS.values())


def matches() -> Iterator[npt.NDArray[np.bool_]]:
    """For each row of the table in order, which combinations satisfy all of its conditions."""
    for rule in RULES:
        mask = np.ones(SHAPE, dtype=np.bool_)
        for axis, (name, values) in enumerate(DIMENSIONS.items()):
            allowed = getattr(rule, name)
            if allowed:
                line = np.array([value in allowed for value in values])
                mask &= line.reshape([-1 if i == axis else 1 for i in range(len(SHAPE))])
        yield mask


@cache
def deciding_rows() -> npt.NDArray[np.int64]:
    """For every combination the position of its first row; -1 where no row matches."""
    first = np.full(SHAPE, -1, dtype=np.int64)
    for position, mask in enumerate(matches()):
        first[mask & (first < 0)] = position
    return first


def case_at(indices: Sequence[int]) -> Case:
    """The combination at these indices of the dimensions."""
    return Case(*(values[i] for values, i in zip(DIMENSIONS.values(), indices, strict=True)))


def representatives() -> Iterator[tuple[int, ...]]:
    """Indices of one combination for each set of values that no row tells apart."""
    lines: list[list[int]] = []
    for name, values in DIMENSIONS.items():
        seen: dict[tuple[bool, ...], int] = {}
        for index, value in enumerate(values):
            allowed = [getattr(rule, name) for rule in RULES]
            seen.setdefault(tuple(not a or value in a for a in allowed), index)
        lines.append(list(seen.values()))
    yield from product(*lines)


def table_of_all() -> pd.DataFrame:
    """All combinations as rows in the order of ``deciding_rows().ravel()``, with a unique key."""
    grids = np.indices(SHAPE).reshape(len(SHAPE), -1)
    columns: dict[str, Any] = {"key": [f"{i}@case.example" for i in range(grids.shape[1])]}
    for (name, values), grid in zip(DIMENSIONS.items(), grids, strict=True):
        if isinstance(values[0], bool):
            columns[name] = np.array(values)[grid]
        else:
            texts = [str(value) for value in values]
            columns[name] = pd.Categorical.from_codes(grid, categories=pd.Index(texts))
    assert tuple(DIMENSIONS) == CONDITIONS
    return pd.DataFrame(columns)
