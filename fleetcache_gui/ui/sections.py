"""Which sections the overview has."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fleetcache_gui.ui.home import Section

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from fleetcache_gui.session import Session
    from fleetcache_gui.ui.home import SectionPage
    from fleetcache_gui.ui.overview import Overview
    from fleetcache_gui.ui.theme import Theme

    Jump = Callable[[str, bytes], None]


METRICS = "metrics"


def sections(session: Session, theme: Theme, overview: Overview, jump: Jump) -> Iterator[Section]:
    """In the order of the strip. `jump` shows a family and a row of it."""

    def metrics() -> SectionPage:
        from fleetcache_gui.ui.metrics_page import MetricsPage  # what is seen first comes without it

        return MetricsPage(session, theme)

    def timeline() -> SectionPage:
        from fleetcache_gui.ui.timeline_page import TimelinePage

        page = TimelinePage(session, theme)
        page.jump.connect(jump)
        return page

    def sizing() -> SectionPage:
        from fleetcache_gui.ui.sizing_page import SizingPage

        return SizingPage(session, theme)

    def locks() -> SectionPage:
        from fleetcache_gui.ui.lock_theatre import LockTheatre

        page = LockTheatre(session, theme)
        page.jump.connect(jump)
        return page

    yield Section("now", "Now", "Findings, families and the server's figures", lambda: overview)
    yield Section(METRICS, "Metrics", "The server's figures as charts", metrics)
    yield Section("timeline", "Timeline", "Everything that happened while you watched", timeline)
    if session.recorded:  # the others need what is not recorded
        return
    if any(family.claim for family in session.layout.families):
        yield Section("locks", "Lock theatre", "Who held which lock when", locks)
    yield Section("sizing", "Sizing", "What this load, or another, needs of memory", sizing)
