"""The nodes of a made-up cluster."""

from __future__ import annotations

from fleetcache_gui.domain.snapshot import NodeVitals


def nodes(*away: int) -> tuple[NodeVitals, ...]:
    """Three primaries and a replica of each; `away` are positions of primaries that cannot be reached."""
    found = []
    for n, slots in enumerate(((0, 5460), (5461, 10922), (10923, 16383))):
        place = f"10.0.2.{11 + n}:6379"
        figures = {} if n in away else {"keys": 347_000 + 31 * n, "memory": 270 * 2**20 + n * 2**21, "clients": 21 + n}
        link = "away" if n in away else "live"
        found.append(NodeVitals(f"{n}" * 40, place, "primary", (slots,), link=link, memory_limit=2**30, **figures))
    for n in range(3):
        place, lag = f"10.0.3.{11 + n}:6379", None if n in away else float(n)
        found.append(NodeVitals(f"a{n}" * 20, place, "replica", of=found[n].address, link="in step", lag_s=lag))
    return tuple(found)
