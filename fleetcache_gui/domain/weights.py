"""How much memory the keys of a family take: measured for some, extrapolated for the rest, and honest about it."""

from __future__ import annotations

import math
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypeAlias

from fleetcache_gui.domain import words


@dataclass(frozen=True, slots=True)
class Weight:
    """Bytes of `keys` keys, of which `measured` were asked for. `error` bytes: with 19 of 20 such samples the truth is
    no farther away, as long as no few keys outweigh all others."""

    size: float
    keys: int
    measured: int
    error: float = 0.0

    @property
    def exact(self) -> bool:
        """True where every key was measured."""
        return self.measured >= self.keys

    @property
    def brief(self) -> str:
        """``41.0 MB``, ``≈ 41.0 MB``"""
        return ("" if self.exact else "≈ ") + words.size(self.size)

    @property
    def words(self) -> str:
        """``≈ 41.0 MB, from 64 of 12,031 keys``"""
        if self.exact:
            return self.brief
        return f"{self.brief}, from {words.count(self.measured)} of {words.count(self.keys)} keys"

    @property
    def explained(self) -> str:
        """A sentence or two on how well that is known."""
        if self.exact:
            return (
                f"Memory of its keys, each measured by the server (MEMORY USAGE): {self.words}. "
                "Of a collection it looks at five elements."
            )
        least, most = max(self.size - self.error, 0.0), self.size + self.error
        return (
            f"Memory of its keys, reckoned from a sample (MEMORY USAGE): {self.words}; most likely between "
            f"{words.size(least)} and {words.size(most)}. A few very large keys that the sample missed would be more."
        )


Weighed: TypeAlias = Mapping[str, Weight]
"""By family id."""


@dataclass(frozen=True, slots=True)
class Weights:
    """All families at one time; `refused` says why nothing could be measured."""

    by_family: Weighed = field(default_factory=dict)
    refused: str = ""


def estimate(named: Sequence[int], drawn: Sequence[int], rest: int) -> Weight:
    """From the bytes of keys that are always measured, and of some that were drawn by chance from `rest` others."""
    if not drawn:
        return Weight(float(sum(named)), len(named) + rest, len(named))
    mean, n = statistics.fmean(drawn), len(drawn)
    error = 0.0
    if n < rest:  # two standard errors of a sample without replacement
        error = 2 * rest * (statistics.stdev(drawn) if n > 1 else mean) / math.sqrt(n) * math.sqrt(1 - n / rest)
    return Weight(sum(named) + mean * rest, len(named) + rest, len(named) + n, error)
