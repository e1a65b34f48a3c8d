"""What good practice has to say: policy, hit rate, fragmentation, buffers, files; and thresholds of one's own."""

from __future__ import annotations

from dataclasses import replace

import pytest

from fleetcache_gui.domain.family import Family, Judgement, Severity
from fleetcache_gui.domain.growth import LEAST, Growth
from fleetcache_gui.domain.server_advice import BUFFERS, CUT_OFF, FRAGMENTATION, HITS, POLICY, SAVING
from fleetcache_gui.domain.server_health import CLIENTS, EVICTIONS, LAG, MEMORY, judge
from fleetcache_gui.domain.snapshot import NodeVitals, Persistence, Vitals
from fleetcache_gui.domain.thresholds import Thresholds
from fleetcache_gui.families.spec import SPEC

MB = 2**20
INFO, WARNING, CRITICAL = Severity.INFO, Severity.WARNING, Severity.CRITICAL


def found(*history: Vitals, held: dict[str, Severity] | None = None, **chosen: float) -> dict[str, Judgement]:
    judged = {one.code: one for one in judge(history, Thresholds(**chosen), held or {})}
    for one in judged.values():
        for sentence in (one.text, one.meaning, one.advice):
            assert sentence.endswith(".")
    return judged


@pytest.mark.parametrize(
    ("policy", "severity"),
    [
        ("noeviction", None),
        ("allkeys-lru", None),
        ("allkeys-lfu", INFO),
        ("allkeys-random", WARNING),
        ("volatile-lru", INFO),
        ("volatile-ttl", INFO),
        ("something-new", INFO),
    ],
)
def test_policies(policy: str, severity: Severity | None) -> None:
    told = found(Vitals(0.0, policy=policy, memory=1, memory_limit=100, all_keys=10, volatile=9))
    assert {code: one.severity for code, one in told.items()} == ({POLICY: severity} if severity else {})
    if severity:
        assert policy in told[POLICY].text
        assert "expiries" in told[POLICY].advice
    assert found(Vitals(0.0, policy=policy, memory=1, memory_limit=0)) == {}, "without a limit it does nothing"


def test_volatile_policies_with_keys_that_never_go() -> None:
    told = found(Vitals(0.0, policy="volatile-lru", memory=1, memory_limit=100, all_keys=1200, volatile=100))[POLICY]
    assert told.severity is WARNING
    assert "1,100 of 1,200 keys have no expiry" in told.meaning


def test_full_memory_without_eviction_names_what_never_goes() -> None:
    now = Vitals(0.0, policy="noeviction", memory=97, memory_limit=100, all_keys=10, volatile=1)
    told = found(now)[MEMORY]
    assert "refuses writes" in told.meaning
    assert "9 of 10 keys have no expiry" in told.advice


def looked_up(*steps: tuple[float, int, int]) -> list[Vitals]:
    return [Vitals(at, run_id="a", hits=hits, misses=misses) for at, hits, misses in steps]


FALLEN = looked_up((0, 0, 0), (310, 9_500, 500), (320, 9_500, 500), (620, 12_500, 2_500))


def test_a_hit_rate_that_falls() -> None:
    told = found(*FALLEN)[HITS]
    assert told.text == "The hit rate has fallen from 95 % to 60 % within five minutes."
    assert HITS not in found(*FALLEN, hit_drop=40)
    assert HITS in found(*FALLEN, hit_drop=39, held={HITS: WARNING}), "well below is below it by five points"
    assert HITS in found(*FALLEN, hit_drop=36, held={HITS: WARNING})
    assert HITS not in found(*FALLEN, hit_drop=36)


def test_a_hit_rate_of_which_too_little_is_known() -> None:
    assert HITS not in found(*FALLEN[2:]), "there is nothing to compare it with"
    few = looked_up((0, 0, 0), (310, 950, 50), (320, 950, 50), (620, 951, 80))
    assert HITS not in found(*few), "a few misses are no fall"
    other = [*FALLEN[:-1], replace(FALLEN[-1], run_id="b")]
    assert HITS not in found(*other)


def test_fragmentation() -> None:
    now = Vitals(0.0, memory=400 * MB, rss=640 * MB)
    assert found(now)[FRAGMENTATION].text == "The server holds 640.0 MB of memory for 400.0 MB of data."
    assert found(replace(now, rss=580 * MB)) == {}
    assert FRAGMENTATION in found(replace(now, rss=580 * MB), held={FRAGMENTATION: WARNING})
    assert found(replace(now, rss=550 * MB), held={FRAGMENTATION: WARNING}) == {}
    assert found(Vitals(0.0, memory=2 * MB, rss=20 * MB)) == {}, "of a small server it means nothing"
    node = NodeVitals("n", "10.0.0.1:6379", "primary", figures=now)
    assert found(Vitals(0.0, mode="cluster", nodes=(node,)))[FRAGMENTATION].text.startswith("10.0.0.1:6379 holds")


def test_files_that_cannot_be_written() -> None:
    assert found(Vitals(0.0, persistence=Persistence())) == {}
    told = found(Vitals(0.0, persistence=Persistence(save_failed=True)))[SAVING]
    assert "data file" in told.text
    assert "refuses all writes" in told.meaning
    assert "append-only" in found(Vitals(0.0, persistence=Persistence(aof=True, aof_failed=True)))[SAVING].text


def test_output_that_waits_for_one_client() -> None:
    told = {"client-output-buffer-limit": "normal 0 0 0 slave 268435456 67108864 60 pubsub 67108864 8388608 60"}
    now = Vitals(0.0, output_buffer=30 * MB, replicas=0)
    assert "near the limit of 32.0 MB" in found(now)[BUFFERS].text
    assert found(replace(now, parameters=told)) == {}, "the server's own limit"
    assert found(replace(now, replicas=1)) == {}, "a replica's buffer has another limit"
    assert found(replace(now, output_buffer=24 * MB)) == {}
    assert BUFFERS in found(replace(now, output_buffer=24 * MB), held={BUFFERS: WARNING})


def test_clients_that_were_cut_off() -> None:
    history = [Vitals(2.0 * n, run_id="a", buffer_kills=kills) for n, kills in enumerate((3, 3, 5))]
    assert found(*history)[CUT_OFF].text.startswith("2 clients were cut off")
    assert found(*history[:2]) == {}
    later = [*history, Vitals(100.0, run_id="a", buffer_kills=5)]
    assert found(*later, Vitals(200.0, run_id="a", buffer_kills=5)) == {}


def test_thresholds_of_ones_own() -> None:
    now = Vitals(0.0, memory=60, memory_limit=100, clients=60, clients_limit=100, lag_s=4.0)
    assert found(now) == {}
    told = found(now, memory=50, memory_critical=55, clients=50, lag=3)
    assert {code: one.severity for code, one in told.items()} == {MEMORY: CRITICAL, CLIENTS: WARNING, LAG: WARNING}
    evicting = [Vitals(0.0, run_id="a", evicted=0), Vitals(2.0, run_id="a", evicted=9)]
    assert EVICTIONS in found(*evicting)
    assert EVICTIONS not in found(*evicting, evicted=9)


LOCKS: Family = SPEC.family("locks")


def test_a_family_that_grows_fast_and_then_no_longer() -> None:
    growth = Growth()

    def codes(count: int, at: float, *, held: bool = False) -> list[str]:
        return [one.code for one in growth.judge(LOCKS, count, at, 100.0, held=held)]

    assert codes(1000, 0.0) == []
    assert codes(5000, 60.0) == [], "too short a time to tell"
    assert codes(1999, 130.0) == []
    assert codes(2500, 150.0) == ["locks.growth"]
    assert codes(2000, 170.0) == [], "not over the threshold, and nothing was open"
    assert codes(2000, 170.0, held=True) == ["locks.growth"], "not yet well below it"
    assert codes(1700, 190.0, held=True) == []
    assert codes(3000, 1000.0, held=True) == [], "what was ten minutes ago no longer counts"


def test_few_entries_more_are_no_matter() -> None:
    growth = Growth()
    assert growth.judge(LOCKS, 1, 0.0, 100.0, held=False) == ()
    assert growth.judge(LOCKS, LEAST, 300.0, 100.0, held=False) == ()
    (told,) = growth.judge(LOCKS, LEAST + 1, 301.0, 100.0, held=False)
    assert told.text == "Locks: grown from 1 to 1,001 locks within 5 min 01 s."
