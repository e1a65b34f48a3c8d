"""What a load needs of memory: by the specification's rule of thumb, and at what keys take."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fleetcache_gui.domain.sizing import FULL, GB, KB, MB, SERVER, SLACK, Load, Projection, project, recommendation
from fleetcache_gui.families.layouts import BOTH, LAYOUTS
from fleetcache_gui.families.spec import SPEC
from fleetcache_gui.families.upstream import UPSTREAM

if TYPE_CHECKING:
    from fleetcache_gui.domain.layout import Layout

NOTHING = Load(0, 0, 0.0, 0, 0)


def planned(layout: Layout = SPEC, load: Load = NOTHING, **measured: float) -> Projection:
    known = {
        part: measured[part.title.split()[0].lower()]
        for part in layout.parts
        if part.title.split()[0].lower() in measured
    }
    return project(layout.parts, load, known)


def line(plan: Projection, title: str) -> float:
    return next(line.by_rule for line in plan.lines if line.part.title == title)


def test_the_rule_of_thumb_of_the_specification() -> None:
    plan = planned(load=Load(50_000, 20, 0.9, 100_000, 1000))
    assert line(plan, "Active campaigns") == 20 * KB
    assert line(plan, "Queued host details") == 100_000 * KB / 2
    assert line(plan, "Locks") < 10 * KB  # negligible
    assert line(plan, "Hosts that answered") == 20 * 50_000 * 0.9 * 40  # which the rule leaves out
    assert not plan.known


def test_below_50_000_hosts_it_starts_at_256_to_512_mb() -> None:
    assert planned(load=Load(1000, 2, 1.0, 0, 0)).maxmemory == 256 * MB
    assert planned(load=Load(49_999, 20, 1.0, 100_000, 1000)).maxmemory in (256 * MB, 512 * MB)


def test_many_campaigns_and_a_large_backlog_need_more_than_2_gb() -> None:
    assert planned(load=Load(100_000, 200, 1.0, 2_000_000, 10_000)).maxmemory > 2 * GB


def test_what_is_recommended_stays_below_the_alert() -> None:
    for backlog in (0, 10_000, 1_000_000, 10_000_000, 200_000_000):
        plan = planned(load=Load(10_000, 50, 1.0, backlog, 0))
        assert plan.needed == max(plan.by_rule, plan.as_measured) * SLACK
        assert plan.needed <= plan.maxmemory * FULL


def test_what_keys_take_here_stands_beside_the_rule_and_the_larger_counts() -> None:
    load = Load(10_000, 10, 1.0, 1_000_000, 0)
    more, less = planned(load=load, queued=2048.0), planned(load=load, queued=100.0)
    assert more.known
    assert more.by_rule == less.by_rule
    assert more.as_measured > more.by_rule > less.as_measured > SERVER
    assert more.needed == more.as_measured * SLACK
    assert less.needed == less.by_rule * SLACK


def test_a_campaign_of_an_upstream_server_takes_a_bit_for_each_host() -> None:
    plan = planned(UPSTREAM, Load(80_000, 3, 0.0, 0, 0))
    assert line(plan, "Pending hosts (bits)") == 3 * 80_000 / 8


def test_parts_are_of_families_of_their_layout() -> None:
    for layout in (*LAYOUTS, BOTH):
        ids = {family.id for family in layout.families}
        assert layout.parts
        assert {part.family for part in layout.parts} <= ids


def test_the_recommendation_can_be_pasted_into_a_configuration() -> None:
    plan = planned(load=Load(120_000, 30, 0.5, 1_000_000, 500), queued=700.0)
    text = recommendation(plan, 0, "noeviction")
    settings = [entry for entry in text.splitlines() if not entry.startswith("#")]
    assert settings == ["maxmemory 1gb", "maxmemory-policy allkeys-lru"] or settings[0] == "maxmemory 2gb"
    assert "120,000 hosts, 30 campaigns at once (50% answered)" in text
    assert "as measured here" in text
    assert text.endswith("# Now: no limit, noeviction.\n")
    assert "Now" not in recommendation(plan, None, None)
    assert "measured" not in recommendation(planned(), None, None)
