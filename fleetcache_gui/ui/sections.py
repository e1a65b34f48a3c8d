"""Which sections the overview has."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fleetcache_gui.ui.home import Section

if TYPE_CHECKING:
    from collections.abc import Iterator

    from fleetcache_gui.ui.overview import Overview


def sections(overview: Overview) -> Iterator[Section]:
    """In the order of the strip."""
    yield Section("now", "Now", "Findings, families and the server's figures", lambda: overview)
