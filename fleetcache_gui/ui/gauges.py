"""The overview's figures, worked out from successive readings of the server. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import takewhile
from typing import TYPE_CHECKING

from fleetcache_gui.domain import words
from fleetcache_gui.domain.family import slope
from fleetcache_gui.domain.server_health import (
    CLIENTS,
    EVICTIONS,
    MEMORY,
    NOTHING_HELD,
    RECENT,
    growth,
    lately,
    memory_share,
)
from fleetcache_gui.domain.values import Sample, Tone
from fleetcache_gui.present.metrics import hit_shares, levels, rates
from fleetcache_gui.ui.marks import SEVERITY_TONES

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from fleetcache_gui.domain.family import Severity
    from fleetcache_gui.domain.snapshot import Vitals

UNKNOWN = "–"

NEAR = 0.25
"""From this share of the limit on memory is drawn against it; before that its course could not be seen."""


@dataclass(frozen=True, slots=True)
class Gauge:
    """One figure with its history. `top` is the value at the chart's upper edge where there is a limit."""

    title: str
    figure: str
    note: str
    samples: tuple[Sample, ...]
    tone: Tone
    help: str
    top: float | None = None
    detail: str = ""

    @property
    def words(self) -> str:
        """The whole gauge in one line, as a screen reader says it."""
        return ", ".join(filter(None, (f"{self.title}: {self.figure}", self.note, self.detail)))


def gauges(
    history: Sequence[Vitals], load: float | None, held: Mapping[str, Severity] = NOTHING_HELD
) -> tuple[Gauge, ...]:
    """Memory, commands, hit rate, keys, clients; `load` is our own share of a core of the server, 0..1; `held` are the
    codes of the findings that are open, with their severities."""
    if not history:
        return ()
    alarms = {code: SEVERITY_TONES[severity] for code, severity in held.items()}
    commands, found, keys = _commands(history, load), _hit_rate(history), _keys(history)
    return (_memory(history, alarms), commands, found, keys, _clients(history, alarms))


def recent(history: Sequence[Vitals], read: Callable[[Vitals], int | None]) -> float | None:
    """A counter's growth per second over the last minute; None before two readings. It starts anew with the server."""
    steps = [(now.at - then.at, grown) for then, now, grown in growth(_this_run(history), read)]
    return sum(grown for _, grown in steps) / sum(taken for taken, _ in steps) if steps else None


def _this_run(history: Sequence[Vitals]) -> list[Vitals]:
    """The last minute's readings of the server process that answers now."""
    run = history[-1].run_id if history else ""
    return [*takewhile(lambda v: v.run_id == run, reversed(lately(history)))][::-1]


def _memory(history: Sequence[Vitals], alarms: Mapping[str, Tone]) -> Gauge:
    now = history[-1]
    used, limit, share = now.memory, now.memory_limit or None, memory_share(now)
    note, parts = "", []
    if share is not None and limit:
        note = f"of {words.size(limit)} · {'fullest node ' if now.nodes else ''}{100 * share:.0f} %"
    elif used is not None:
        note = "no limit set"
    evicting = recent(history, lambda v: v.evicted)
    if evicting:
        parts.append(f"evicting {words.rate(evicting)}")
    elif now.evicted is not None:
        parts.append(f"{words.count(now.evicted)} evicted" if now.evicted else "nothing evicted")
    if now.policy:
        parts.append(now.policy)
    return Gauge(
        "Memory",
        UNKNOWN if used is None else words.size(used),
        note or "the server does not tell",
        levels(history, lambda v: v.memory),
        alarms.get(MEMORY) or alarms.get(EVICTIONS) or Tone.OK,
        "Memory that the server uses for its data, and the limit at which it evicts or refuses writes.",
        float(limit) if limit and used and used > NEAR * limit else None,
        " · ".join(parts),
    )


def _commands(history: Sequence[Vitals], load: float | None) -> Gauge:
    samples = rates(history, lambda v: v.commands)
    speed = recent(history, lambda v: v.commands)
    return Gauge(
        "Commands",
        UNKNOWN if speed is None else f"{words.brief(speed)}/s",
        "measuring our own load" if load is None else f"ours {percent(load)} of a core",
        samples,
        Tone.ACCENT,
        "Commands that the server carries out per second, from all its clients, over the last minute.",
    )


def _hit_rate(history: Sequence[Vitals]) -> Gauge:
    hits, misses = recent(history, lambda v: v.hits), recent(history, lambda v: v.misses)
    title = "Hit rate"
    explained = "Of all look-ups in the last minute, the share that found a key. Low is costly only for caches."
    samples = hit_shares(history)
    if hits is None or misses is None or not hits + misses:
        return Gauge(title, UNKNOWN, "no look-ups in the last minute", samples, Tone.NEUTRAL, explained, 1.0)
    share = hits / (hits + misses)
    note = f"{words.brief(misses * 60)} misses a minute"
    return Gauge(title, f"{100 * share:.1f} %", note, samples, Tone.ACCENT, explained, 1.0)


def _keys(history: Sequence[Vitals]) -> Gauge:
    samples = levels(history, lambda v: v.keys)
    expiring = recent(history, lambda v: v.expired)
    growth = slope(levels(_this_run(history), lambda v: v.keys), RECENT)
    parts = []
    if growth is not None:
        parts.append("steady" if abs(growth) < 0.01 else f"{'+' if growth > 0 else '−'}{words.rate(abs(growth))}")
    if expiring is not None:
        parts.append(f"{words.rate(expiring)} expire")
    return Gauge(
        "Keys",
        UNKNOWN if history[-1].keys is None else words.count(history[-1].keys),
        " · ".join(parts) or "in this database",
        samples,
        Tone.ACCENT,
        "Keys in this database, how fast their number changes, and how many expire per second.",
    )


def _clients(history: Sequence[Vitals], alarms: Mapping[str, Tone]) -> Gauge:
    now, parts = history[-1], []
    if now.clients is not None and now.clients_limit:
        parts.append(f"of {words.count(now.clients_limit)}")
    if now.blocked is not None:
        parts.append(f"{words.count(now.blocked)} waiting")
    return Gauge(
        "Clients",
        UNKNOWN if now.clients is None else words.count(now.clients),
        " · ".join(parts) or "connected",
        levels(history, lambda v: v.clients),
        alarms.get(CLIENTS, Tone.ACCENT),
        "Connections to the server, its limit, and how many of them wait for work (blocking commands).",
    )


def percent(share: float) -> str:
    """A small share of one core: ``0.2 %``, ``< 0.1 %``."""
    return "< 0.1 %" if share < 0.001 else f"{100 * share:.1f} %"
