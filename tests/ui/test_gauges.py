from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from fleetcache_gui.domain.server_health import judge
from fleetcache_gui.domain.snapshot import Vitals
from fleetcache_gui.domain.values import Tone
from fleetcache_gui.present.metrics import rates
from fleetcache_gui.ui.gauges import Gauge, gauges, recent

if TYPE_CHECKING:
    from fleetcache_gui.domain.family import Severity


def history(**counters: tuple[int | None, ...]) -> list[Vitals]:
    """Readings 2 s apart."""
    length = max(map(len, counters.values()))
    return [
        Vitals(at=2.0 * i, run_id="a", **{name: values[i] for name, values in counters.items()})  # type: ignore[arg-type]
        for i in range(length)
    ]


def gauge(title: str, readings: list[Vitals], load: float | None = None) -> Gauge:
    """As the session judges: reading by reading, from what was open before."""
    held: dict[str, Severity] = {}
    for n in range(len(readings)):
        held = {judgement.code: judgement.severity for judgement in judge(readings[: n + 1], held=held)}
    return next(g for g in gauges(readings, load, held) if g.title == title)


def test_rates_are_differences_by_time() -> None:
    assert rates(history(commands=(100, 300, 310)), lambda v: v.commands) == ((2.0, 100.0), (4.0, 5.0))


def test_a_restart_or_a_reset_makes_no_rate() -> None:
    reset = history(commands=(1000, 10, 30))
    assert rates(reset, lambda v: v.commands) == ((4.0, 10.0),)
    restarted = history(commands=(1000, 5000))
    restarted[1] = replace(restarted[1], run_id="b")
    assert rates(restarted, lambda v: v.commands) == ()
    assert recent(restarted, lambda v: v.commands) is None


def test_what_was_before_a_restart_is_not_in_the_rate_after_it() -> None:
    readings = history(commands=(0, 90_000, 10, 30), hits=(0, 0, 0, 9), misses=(0, 900, 0, 1), expired=(0, 800, 0, 0))
    readings = [replace(reading, run_id="aabb"[i]) for i, reading in enumerate(readings)]
    assert recent(readings, lambda v: v.commands) == 10
    assert gauge("Commands", readings).figure == "10/s"
    assert gauge("Hit rate", readings).figure == "90.0 %"
    assert recent(readings[:3], lambda v: v.commands) is None
    assert gauge("Commands", readings[:3]).figure == "–"


def test_keys_that_went_with_a_restart_are_no_course() -> None:
    readings = history(keys=(50_000, 50_000, 0, 20))
    readings = [replace(reading, run_id="aabb"[i]) for i, reading in enumerate(readings)]
    assert gauge("Keys", readings).note == "+10/s"
    assert gauge("Keys", readings[:3]).note == "in this database"
    assert len(gauge("Keys", readings).samples) == 4, "the chart shows the fall"


def test_what_is_recent_is_the_last_minute() -> None:
    steps = [100_000 if i == 1 else 0 for i in range(100)]
    counters = tuple(sum(steps[: i + 1]) for i in range(100))
    assert recent(history(commands=counters), lambda v: v.commands) == 0


def test_no_reading_no_gauge() -> None:
    assert gauges((), None) == ()


@pytest.mark.parametrize(("used", "tone"), [(40, Tone.OK), (79, Tone.OK), (85, Tone.WARN), (97, Tone.CRITICAL)])
def test_memory_is_judged_by_its_limit(used: int, tone: Tone) -> None:
    shown = gauge("Memory", history(memory=(used * 2**20,), memory_limit=(100 * 2**20,)))
    assert shown.tone is tone
    assert shown.note == f"of 100.0 MB · {used} %"
    assert shown.top == 100 * 2**20


def test_memory_far_from_its_limit_is_drawn_by_itself() -> None:
    assert gauge("Memory", history(memory=(2**20,), memory_limit=(2**30,))).top is None


def test_evictions_are_an_alarm() -> None:
    shown = gauge("Memory", history(memory=(5, 5), evicted=(0, 40), policy=("allkeys-lru", "allkeys-lru")))  # type: ignore[arg-type]
    assert shown.tone is Tone.WARN
    assert shown.detail == "evicting 20/s · allkeys-lru"
    assert gauge("Memory", history(memory=(5,), memory_limit=(0,))).note == "no limit set"


def test_the_hit_rate_is_that_of_the_last_minute() -> None:
    shown = gauge("Hit rate", history(hits=(1_000_000, 1_000_099), misses=(5, 6)))
    assert shown.figure == "99.0 %"
    assert shown.samples == ((2.0, 0.99),)
    idle = gauge("Hit rate", history(hits=(7, 7), misses=(5, 5)))
    assert (idle.figure, idle.note) == ("–", "no look-ups in the last minute")


def test_what_the_server_does_not_tell_is_a_dash() -> None:
    for shown in gauges([Vitals(at=0.0)], None):
        assert shown.figure == "–"
        assert shown.note
        assert shown.samples == ()


def test_clients_near_their_limit_are_a_warning() -> None:
    assert gauge("Clients", history(clients=(90,), clients_limit=(100,))).tone is Tone.WARN
    assert gauge("Clients", history(clients=(9,), clients_limit=(100,))).note == "of 100"


def test_an_alarm_holds_as_long_as_its_finding() -> None:
    falling = history(clients=(96, 92, 79), clients_limit=(100, 100, 100))
    tones = [gauge("Clients", falling[: n + 1]).tone for n in range(3)]
    assert tones == [Tone.CRITICAL, Tone.CRITICAL, Tone.WARN]


def test_our_own_share_is_told() -> None:
    assert gauge("Commands", history(commands=(0, 20)), 0.002).note == "ours 0.2 % of a core"
    assert gauge("Commands", history(commands=(0, 20)), 0.00002).note == "ours < 0.1 % of a core"
