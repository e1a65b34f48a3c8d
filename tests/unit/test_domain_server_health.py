"""What is judged of the server as a whole."""

from __future__ import annotations

from dataclasses import replace

import pytest

from fleetcache_gui.domain.family import Judgement, Severity
from fleetcache_gui.domain.server_advice import POLICY
from fleetcache_gui.domain.server_health import (
    CLIENTS,
    EVICTIONS,
    LAG,
    MEMORY,
    ONE_NODE,
    PARTIAL,
    judge,
    other_layout,
)
from fleetcache_gui.domain.snapshot import Missing, NodeVitals, Vitals
from fleetcache_gui.domain.thresholds import USUAL, Thresholds

WARNING, CRITICAL = Severity.WARNING, Severity.CRITICAL


def used(*percents: float) -> list[Vitals]:
    """Readings 2 s apart of a server that uses so much of its memory."""
    return [Vitals(2.0 * i, run_id="a", memory=round(p * 100), memory_limit=10_000) for i, p in enumerate(percents)]


def severities(history: list[Vitals], thresholds: Thresholds = USUAL) -> dict[str, Severity]:
    """As the session judges: reading by reading, from what was open before."""
    held: dict[str, Severity] = {}
    for n in range(len(history)):
        held = {judgement.code: judgement.severity for judgement in judge(history[: n + 1], thresholds, held)}
    return held


def only(history: list[Vitals]) -> Judgement:
    (judgement,) = judge(history)
    assert judgement.row == b""
    for sentence in (judgement.text, judgement.meaning, judgement.advice):
        assert sentence[0].isupper() or sentence[0].isdigit()
        assert sentence.endswith(".")
    return judgement


def test_nothing_is_judged_of_what_is_not_told() -> None:
    assert judge([]) == ()
    assert judge([Vitals(0.0)]) == ()
    assert judge([Vitals(0.0, memory=10**9, memory_limit=0, clients=9, clients_limit=0, evicted=7, lag_s=0.0)]) == ()


@pytest.mark.parametrize(
    ("percent", "severity"), [(40, None), (80, None), (80.1, WARNING), (95, WARNING), (95.1, CRITICAL), (120, CRITICAL)]
)
def test_memory_by_its_limit(percent: float, severity: Severity | None) -> None:
    assert severities(used(percent)) == ({MEMORY: severity} if severity else {})


def test_what_memory_at_its_limit_means_depends_on_the_policy() -> None:
    (reading,) = used(97)
    reading = replace(reading, memory=97 * 2**20, memory_limit=100 * 2**20)
    told = only([reading])
    assert told.text == "The server's memory is nearly full: 97 % of 100.0 MB are used."
    meanings = {policy: only([replace(reading, policy=policy)]).meaning for policy in ("noeviction", "allkeys-lru")}
    volatile = {told.code: told for told in judge([replace(reading, policy="volatile-ttl")])}
    meanings["volatile-ttl"] = volatile[MEMORY].meaning
    assert POLICY in volatile
    assert "refuses writes" in meanings["noeviction"]
    assert "evicts keys: campaigns" in meanings["allkeys-lru"]
    assert "keys that have an expiry" in meanings["volatile-ttl"]
    assert "does not tell" in told.meaning


@pytest.mark.parametrize(
    ("percents", "severity"),
    [
        ((82, 79, 76), WARNING),
        ((82, 79, 75), None),
        ((82, 74, 79), None),
        ((79, 76, 79), None),
        ((96, 94, 91), CRITICAL),
        ((96, 89.9), WARNING),
        ((96, 89.9, 78), WARNING),
        ((96, 60), None),
    ],
)
def test_what_moves_about_a_threshold_does_not_come_and_go(
    percents: tuple[float, ...], severity: Severity | None
) -> None:
    assert severities(used(*percents)) == ({MEMORY: severity} if severity else {})


def test_another_server_begins_anew() -> None:
    before, now = used(82, 78)
    assert severities([before, now]) == {MEMORY: WARNING}
    assert severities([before, replace(now, run_id="b")]) == {}


@pytest.mark.parametrize(("clients", "severity"), [(800, None), (801, WARNING), (951, CRITICAL)])
def test_clients_by_their_limit(clients: int, severity: Severity | None) -> None:
    history = [Vitals(0.0, clients=clients, clients_limit=1000)]
    assert severities(history) == ({CLIENTS: severity} if severity else {})
    if severity:
        assert only(history).text == f"{clients} of the 1,000 connections that the server allows are in use."


def evicting(*counts: int, apart: float = 2.0) -> list[Vitals]:
    return [Vitals(apart * i, run_id="a", evicted=count) for i, count in enumerate(counts)]


def test_evictions_are_held_against_it_for_a_minute() -> None:
    assert severities(evicting(500, 500)) == {}, "what was evicted before it watched"
    assert severities(evicting(0, 40)) == {EVICTIONS: WARNING}
    assert only(evicting(0, 1, 1)).text == "1 key was evicted within 4.0 s."
    minute = evicting(0, 1240, *[1240] * 29)
    assert only(minute).text == "1,240 keys were evicted within 1 min 00 s."
    assert severities([*minute, replace(minute[-1], at=62.0)]) == {}
    assert severities(evicting(40, 0)) == {}, "its statistics were reset"


def test_evictions_while_nothing_was_read_are_told_with_their_time() -> None:
    assert only(evicting(0, 40, apart=600.0)).text == "40 keys were evicted within 10 min 00 s."


@pytest.mark.parametrize(("lags", "told"), [((10,), False), ((11,), True), ((11, 6), True), ((11, 5), False)])
def test_a_replica_that_falls_behind(lags: tuple[int, ...], told: bool) -> None:
    history = [Vitals(2.0 * i, lag_s=float(lag)) for i, lag in enumerate(lags)]
    assert severities(history) == ({LAG: WARNING} if told else {})
    if told:
        assert [judgement.text for judgement in judge(history, held={LAG: WARNING})] == [
            f"A replica is {lags[-1]}{'.0' if lags[-1] < 10 else ''} s behind."
        ]


def test_keys_of_another_layout_are_told_without_a_name() -> None:
    assert other_layout(()) == ()
    (judgement,) = other_layout({"upstream"})
    assert (judgement.code, judgement.severity) == ("server.other-layout", Severity.INFO)
    assert "--layout" in judgement.advice


# ---- clusters ---------------------------------------------------------------------------------------------


def node(number: int, memory: int, clients: int = 1) -> NodeVitals:
    return NodeVitals(
        f"{number}" * 40,
        f"10.0.0.{number}:6379",
        "primary",
        memory=memory,
        memory_limit=1000,
        clients=clients,
        clients_limit=100,
    )


def test_the_fullest_node_counts_and_not_the_sum() -> None:
    whole = Vitals(0.0, mode="cluster", memory=1060, memory_limit=2000, nodes=(node(1, 100), node(2, 960)))
    told = only([whole])
    assert told.text == "The memory of 10.0.0.2:6379 is nearly full: 96 % of 1000 B are used."
    crowded = Vitals(0.0, mode="cluster", clients=97, clients_limit=200, nodes=(node(1, 100, 1), node(2, 200, 96)))
    assert only([crowded]).text == "96 of the 100 connections that 10.0.0.2:6379 allows are in use."


def test_a_part_that_is_missing() -> None:
    gap = Missing(((0, 5460),), "10.0.0.1:6379", "It does not answer.")
    told = only([Vitals(0.0, mode="cluster", nodes=(node(2, 1),), missing=(gap,))])
    assert (told.code, told.severity) == (PARTIAL, CRITICAL)
    assert told.text == "A part of the cluster is missing: slots 0–5460 of 10.0.0.1:6379 cannot be read."
    assert told.meaning.startswith("It does not answer. What stands here")


def test_one_node_only_where_the_others_are_not_read() -> None:
    assert only([Vitals(0.0, mode="cluster")]).code == ONE_NODE
    assert judge([Vitals(0.0, mode="cluster", nodes=(node(1, 1),))]) == ()
