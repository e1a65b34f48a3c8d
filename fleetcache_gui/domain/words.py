"""Counts, sizes and durations as people say them; shared by findings, exports and the window."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from fleetcache_gui.domain.snapshot import Missing, Slots

_RANGES = 3
"""Ranges of slots that are named; after much moving a node may have hundreds."""


def count(number: int, noun: str = "", plural: str = "") -> str:
    """``1,041 keys``; the plural is `plural` or the noun with an s."""
    text = f"{number:,}"
    if not noun:
        return text
    return f"{text} {noun if number == 1 else plural or noun + 's'}"


def slots(ranges: Slots) -> str:
    """``slots 0–5460``, ``slot 7``, ``slots 0–99, 200–299 and 4 more ranges``."""
    if len(ranges) == 1 and ranges[0][0] == ranges[0][1]:
        return f"slot {ranges[0][0]}"
    named = ", ".join(str(first) if first == last else f"{first}–{last}" for first, last in ranges[:_RANGES])
    more = f" and {count(len(ranges) - _RANGES, 'more range', 'more ranges')}" if len(ranges) > _RANGES else ""
    return f"slots {named}{more}"


def missing_words(parts: Sequence[Missing]) -> str:
    """``slots 0–5460 of 10.0.0.1:7000 cannot be read``; empty for nothing."""
    named = [f"{slots(part.slots)} of {part.address}" if part.address else slots(part.slots) for part in parts]
    return f"{', '.join(named)} cannot be read" if named else ""


def brief(number: float) -> str:
    """``48.2k`` for tab titles and axes."""
    for limit, suffix in ((1e9, "G"), (1e6, "M"), (1e3, "k")):
        if abs(number) >= limit:
            scaled = number / limit
            return f"{scaled:.0f}{suffix}" if abs(scaled) >= 100 else f"{scaled:.1f}{suffix}"
    return f"{number:.0f}"


def size(number: float) -> str:
    """Bytes as ``512 B``, ``41.0 MB`` (1 KB = 1,024 B, as Redis counts)."""
    for limit, suffix in ((2**30, "GB"), (2**20, "MB"), (2**10, "KB")):
        if abs(number) >= limit:
            return f"{number / limit:.1f} {suffix}"
    return f"{number:.0f} B"


def rate(per_second: float) -> str:
    """``312/s``, ``4.2/s``, ``3/min``; ``0/s`` for nothing."""
    speed = abs(per_second)
    if speed >= 10:
        return f"{per_second:,.0f}/s"
    if speed >= 0.5:
        return f"{per_second:.1f}/s"
    return f"{per_second * 60:.0f}/min" if speed * 60 >= 0.5 else "0/s"


def duration(seconds: float) -> str:
    """``0.8 s``, ``58 s``, ``2 min 04 s``, ``3 h 12 min``, ``6 d 4 h``."""
    if seconds < 10:
        return f"{max(seconds, 0):.1f} s"
    whole = int(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60:02d} s"
    if whole < 86400:
        return f"{whole // 3600} h {whole % 3600 // 60:02d} min"
    return f"{whole // 86400} d {whole % 86400 // 3600} h"


def span(seconds: float) -> str:
    """A length of time that somebody chose, in whole units: ``24 hours``, ``90 minutes``, ``15 seconds``."""
    for unit, name in ((3600, "hour"), (60, "minute")):
        if seconds >= unit and seconds % unit == 0:
            return count(int(seconds // unit), name)
    return count(int(seconds), "second")


def clock(seconds: float) -> str:
    """A countdown: ``0:59``, ``59:41``, ``6:59:41``, ``6d 04:12``; rounds up, so that 0:00 means gone."""
    whole = max(-int(-seconds // 1), 0)
    if whole < 3600:
        return f"{whole // 60}:{whole % 60:02d}"
    if whole < 86400:
        return f"{whole // 3600}:{whole % 3600 // 60:02d}:{whole % 60:02d}"
    return f"{whole // 86400}d {whole % 86400 // 3600:02d}:{whole % 3600 // 60:02d}"


def utc(unix: float) -> str:
    """``2026-03-01T09:41:12.250Z``"""
    return datetime.fromtimestamp(unix, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def listed(parts: Sequence[str]) -> str:
    """``labels``, ``labels and policies``, ``labels, policies and statistics``."""
    return " and ".join(filter(None, (", ".join(parts[:-1]), parts[-1]))) if parts else ""
