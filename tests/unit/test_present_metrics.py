"""What charts are made of."""

from __future__ import annotations

import csv
import io
from dataclasses import replace

from fleetcache_gui.domain.snapshot import NodeVitals, Vitals, kept
from fleetcache_gui.present.metrics import (
    CHART_OF,
    COMMANDS,
    METRICS,
    MOST,
    OTHERS,
    OURS,
    Metric,
    Plot,
    Unit,
    as_csv,
    of_node,
    rates,
    restarts,
    within,
)


def metric(metric_id: str) -> Metric:
    return next(one for one in METRICS if one.id == metric_id)


def curves(plot: Plot) -> dict[str, tuple[tuple[float, float], ...]]:
    return {series.title: series.samples for series in plot.series}


def reading(at: float, **figures: object) -> Vitals:
    return Vitals(at, run_id="a", **figures)  # type: ignore[arg-type]


def test_memory_comes_with_its_limit() -> None:
    plot = metric("memory").plot([reading(0.0, memory=10, rss=20, memory_limit=100)])
    assert curves(plot) == {"used": ((0.0, 10.0),), "taken from the system": ((0.0, 20.0),), "limit": ((0.0, 100.0),)}
    assert [series.limit for series in plot.series] == [False, False, True]
    without = metric("memory").plot([reading(0.0, memory=10, memory_limit=0)])
    assert list(curves(without)) == ["used"]
    assert metric("fragmentation").plot([reading(0.0, memory=10, rss=25)]).series[0].samples == ((0.0, 2.5),)


def test_what_is_not_told_has_a_reason_instead_of_a_curve() -> None:
    for one in METRICS:
        plot = one.plot([Vitals(0.0), Vitals(2.0)])
        assert plot.series == ()
        assert plot.absent.endswith(".")
    assert metric("clients").plot([reading(0.0, clients_limit=10)]).absent, "a limit alone is no figure"


def test_a_restart_makes_no_rate_and_is_marked() -> None:
    history = [reading(0.0, net_in=100), reading(2.0, net_in=300), Vitals(4.0, run_id="b", net_in=5000)]
    assert curves(metric("network").plot(history)) == {"received": ((2.0, 100.0),)}
    assert restarts(history) == (4.0,)


def test_readings_that_follow_at_once_are_taken_together() -> None:
    times = ((0.0, 0), (2.0, 200), (2.05, 230), (2.1, 230), (4.0, 400))
    history = [reading(at, net_in=number) for at, number in times]
    assert rates(history, lambda v: v.net_in) == ((2.0, 100.0), (4.0, 100.0))


def test_a_finding_leads_to_a_chart_that_there_is() -> None:
    assert set(CHART_OF.values()) <= {one.id for one in METRICS}


def test_ours_is_left_out_of_the_commands_and_told_beside_them() -> None:
    before = reading(0.0, calls={"get": 100, "info": 50, "config|get": 1}, ours={"info": 40})
    now = reading(10.0, calls={"get": 300, "info": 70, "config|get": 11}, ours={"info": 60})
    plot = metric("commands").plot([before, now])
    assert curves(plot) == {"get": ((10.0, 20.0),), "config": ((10.0, 1.0),), OURS: ((10.0, 2.0),)}
    assert [series.title for series in plot.series if series.aside] == [OURS]


def test_many_commands_are_named_and_the_rest_is_together() -> None:
    first = {f"c{n}": 0 for n in range(COMMANDS + 3)}
    second = {f"c{n}": 10 * (n + 1) for n in range(COMMANDS + 3)}
    plot = metric("commands").plot([reading(0.0, calls=first), reading(10.0, calls=second)])
    titles = [series.title for series in plot.series]
    assert titles == [f"c{n}" for n in range(COMMANDS + 2, 2, -1)] + [OTHERS]
    assert plot.series[-1].samples == ((10.0, 6.0),)


def test_a_reset_of_the_statistics_is_a_gap_in_the_commands() -> None:
    history = [reading(10.0 * n, calls={"get": count}) for n, count in enumerate((100, 200, 5, 15))]
    assert curves(metric("commands").plot(history)) == {"get": ((10.0, 10.0), (30.0, 1.0))}


def test_replicas_have_a_curve_each() -> None:
    history = [reading(0.0, lags={"r1:6379": 1.0}), reading(2.0, lags={"r1:6379": 4.0, "r2:6379": 0.0})]
    assert curves(metric("lag").plot(history)) == {"r1:6379": ((0.0, 1.0), (2.0, 4.0)), "r2:6379": ((2.0, 0.0),)}


def test_a_node_of_a_cluster_by_itself() -> None:
    own = reading(0.5, memory=7)
    nodes = (NodeVitals("n1", "10.0.0.1:1", "primary", figures=own), NodeVitals("n2", "10.0.0.2:1", "replica"))
    history = [reading(0.0, nodes=nodes), reading(2.0)]
    assert of_node(history, "n1") == [own]
    assert of_node(history, "n2") == []


def test_only_what_is_looked_at_is_worked_out() -> None:
    history = [reading(2.0 * n, memory=n) for n in range(14_000)]
    shown = within(history, 1000.0, 1100.0)
    assert (shown[0].at, shown[-1].at) == (998.0, 1102.0), "one more at either side"
    everything = within(history, 0.0, 28_000.0)
    assert MOST * 0.9 < len(everything) <= MOST
    later = within([*history, reading(28_000.0, memory=1)], 0.0, 28_000.0)
    assert later[: len(everything)] == everything, "a new reading chooses no others"
    assert within([], 0.0, 1.0) == []


def test_calls_are_kept_of_few_readings() -> None:
    history: list[Vitals] = []
    own = reading(0.0, calls={"get": 1})
    node = NodeVitals("n1", "10.0.0.1:1", "primary", figures=own)
    for n in range(11):
        history.append(kept(reading(2.0 * n, calls={"get": n}, ours={"info": n}, nodes=(node,)), history))
    assert [v.at for v in history if v.calls] == [0.0, 10.0, 20.0]
    assert [v.at for v in history if v.nodes[0].figures and v.nodes[0].figures.calls] == [0.0, 10.0, 20.0]
    restarted = replace(history[-1], at=21.0, run_id="b", calls={"get": 1})
    assert kept(restarted, history).calls == {"get": 1}


def test_values_as_a_table() -> None:
    history = [reading(0.0, memory=2**20, rss=5), reading(2.0, memory=10)]
    table = as_csv(metric("memory"), metric("memory").plot(history), skew=1_767_225_600.0)
    rows = list(csv.reader(io.StringIO(table)))
    assert rows == [
        ["time_utc", "Memory: used (bytes)", "Memory: taken from the system (bytes)"],
        ["2026-01-01T00:00:00.000Z", "1048576", "5"],
        ["2026-01-01T00:00:02.000Z", "10", ""],
    ]


def test_no_command_becomes_a_formula_or_breaks_the_table() -> None:
    evil = '=cmd|"/c calc"!a1\n,x'
    history = [reading(0.0, calls={evil: 0}), reading(10.0, calls={evil: 10})]
    table = as_csv(metric("commands"), metric("commands").plot(history), 0.0)
    head, row = csv.reader(io.StringIO(table))
    assert len(head) == len(row) == 2
    assert head[1].startswith("Commands: =cmd")


def test_figures_are_told_with_their_unit() -> None:
    assert Unit.BYTES.text(2**20) == "1.0 MB"
    assert Unit.BYTES.mark(2**20) == "1 MB"
    assert Unit.BYTES.mark(1.5 * 2**20) == "1.5 MB"
    assert Unit.BYTE_RATE.mark(2**10) == "1 KB/s"
    assert (Unit.PERCENT.text(99.95), Unit.PERCENT.mark(50.0)) == ("100.0 %", "50 %")
    assert (Unit.RATIO.text(1.5), Unit.RATIO.mark(2.0)) == ("1.50", "2")
    assert (Unit.COUNT.text(1200), Unit.SECONDS.text(4), Unit.RATE.text(12)) == ("1,200", "4 s", "12/s")
