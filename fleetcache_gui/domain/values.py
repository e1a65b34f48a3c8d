"""What a server answers, and the small values that cells are made of."""

from __future__ import annotations

import math
from dataclasses import dataclass
from enum import Enum
from typing import NamedTuple, TypeAlias

Command: TypeAlias = tuple[bytes, ...]
"""A Redis command as sent: name first, arguments after it, all bytes."""


@dataclass(frozen=True, slots=True)
class ReplyError:
    """An error that the server answered for one command (``WRONGTYPE …``, ``NOPERM …``)."""

    text: str

    @property
    def code(self) -> str:
        """The first word: ``WRONGTYPE``, ``NOPERM``, ``ERR`` …"""
        return self.text.split(" ", 1)[0]


Reply: TypeAlias = "bytes | int | list[Reply] | ReplyError | None"
"""RESP2 as `hiredis` reads it, with errors as values."""


@dataclass(frozen=True, slots=True)
class Expiry:
    """When a key goes, on this machine's monotonic clock (seconds), so that the server's wall clock cannot mislead.

    `lifetime` is the longest remaining time ever seen for it (seconds): the full length of the bar.
    `at_ms` is the server's own absolute expiry (Unix ms) where it told one (PEXPIRETIME, Redis >= 7.0).
    `known` is False where the server did not say whether the key ends: nothing is judged from it.
    """

    deadline: float = math.inf
    lifetime: float = 0.0
    at_ms: int | None = None
    known: bool = True

    @property
    def never(self) -> bool:
        """True where the key has no TTL, as far as the server says."""
        return self.known and self.deadline == math.inf

    @property
    def ends(self) -> bool:
        """True where the key is known to have a TTL."""
        return self.deadline != math.inf

    def left(self, now: float) -> float:
        """Seconds left at monotonic time `now`; ``inf`` without TTL, never negative."""
        return max(self.deadline - now, 0.0)

    def share(self, now: float) -> float:
        """Part of the lifetime that is left, 0..1; 1 without TTL."""
        return 1.0 if not self.ends else min(self.left(now) / self.lifetime, 1.0) if self.lifetime else 0.0


FOREVER = Expiry()
UNKNOWN = Expiry(known=False)


class Claim(NamedTuple):
    """Who holds a lock now: `holder` for people, `token` to tell one claim from the next."""

    holder: str
    token: bytes
    expiry: Expiry


class KeyFact(NamedTuple):
    """One key behind a row, as last read; `type` is Redis's word, ``none`` for a missing key, ``?`` for unknown."""

    name: bytes
    type: str
    expiry: Expiry

    @property
    def exists(self) -> bool:
        return self.type != "none"


class Tone(Enum):
    """What a colour would mean; never shown without a word beside it."""

    NEUTRAL = "neutral"
    ACCENT = "accent"
    OK = "ok"
    WARN = "warn"
    CRITICAL = "critical"


@dataclass(frozen=True, slots=True)
class State:
    """A pill: one lower-case word and its tone."""

    word: str
    tone: Tone = Tone.NEUTRAL


@dataclass(frozen=True, slots=True)
class Progress:
    """`done` of `total`; where nobody knows the total it is None and the bar is drawn against the largest row."""

    done: int
    total: int | None = None


Sample: TypeAlias = tuple[float, float]
"""(monotonic seconds, value)"""

Cell: TypeAlias = "str | int | float | Expiry | State | Progress | tuple[Sample, ...] | None"
"""One value of a row; its column's kind says how it is drawn. None means not known (yet)."""
